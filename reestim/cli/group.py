"""The command line around its commands: words for what was typed wrong, terminals of any encoding, readers that leave.

A misspelt option is bad input like any other: exit code 1, and one JSON document where ``--json`` was asked for.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

#: Exit code of a process whose reader left: 128 and the number of the signal that other programs end by.
READER_LEFT = 141
INTERRUPTED = 130
#: Everything that is wrong with what was typed; typer names only its kinds.
_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


class Group(TyperGroup):
    """A group of commands that ends as ``reestim`` does."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, standalone_mode: bool = True, **given: Any) -> Any:
        """Run, and leave with the exit code; as typer does where ``standalone_mode`` is off."""
        if not standalone_mode:
            return super().main(args, *rest, standalone_mode=False, **given)
        typed = list(sys.argv[1:] if args is None else args)
        for name in ("stdout", "stderr"):
            setattr(sys, name, _stream(getattr(sys, name)))
        try:
            code = super().main(typed, *rest, standalone_mode=False, **given)
        except _USAGE as error:
            code = _said(error, typed)
        except typer.Abort:
            code = INTERRUPTED
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.exit(code if isinstance(code, int) else 0)


def _said(error: Any, typed: Sequence[str]) -> int:
    """Say what was typed wrong, in words or as JSON; the exit code. Nothing typed at all asks for help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return 0
    from reestim.cli import printing
    from reestim.errors import InputError, Problem

    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "reestim"
    problem = Problem(error.format_message().rstrip("."), f"See: {path} --help")
    usage_error = InputError(problem, "the command is not understood")
    if "--json" in typed:
        printing.print_json(printing.problems_as_json(usage_error))
    else:
        typer.echo(str(usage_error), err=True)
    return 1


def _stream(stream: Any) -> Any:
    """The stream with ? for what its encoding lacks; one of the process ends it quietly when its reader leaves."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, _Stream):
        return stream
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # of a test
        return stream
    if number not in (1, 2):
        return stream
    encoding, line_buffering = stream.encoding, stream.line_buffering
    stream.flush()
    return _Stream(stream.detach(), encoding=encoding, errors="replace", line_buffering=line_buffering)


class _Stream(io.TextIOWrapper):
    """Text to a terminal, a file or a pipe."""

    def write(self, text: str) -> int:
        """Write, or end the process where nobody reads any more."""
        try:
            return super().write(text)
        except BrokenPipeError:
            raise self._left() from None

    def flush(self) -> None:
        """Send on what was written."""
        try:
            super().flush()
        except BrokenPipeError:
            raise self._left() from None

    def _left(self) -> SystemExit:
        """What is still written goes nowhere, so that the interpreter has nothing to complain of at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return SystemExit(READER_LEFT)
