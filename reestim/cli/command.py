"""What every command has: ``--json``, ``--quiet``, ``--debug``, and failures told in words with an exit code."""

from __future__ import annotations

import functools
import inspect
import logging
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

GATE_FAILED, FAULT, INTERRUPTED = 2, 70, 130

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, no progress.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no tables; print only where the results are.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Keep the traceback of an unexpected error.")]


@dataclass(frozen=True)
class Output:
    """What the user wants to read: tables and progress, only where the results are, or one JSON document."""

    as_json: bool = False
    quiet: bool = False

    @property
    def progress(self) -> bool:
        """Whether progress is shown."""
        return not (self.as_json or self.quiet)

    def announce(self, text: str) -> None:
        """Print a line on standard error, where progress is shown."""
        if self.progress:
            typer.echo(text, err=True)


def command(*, quiet: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command: its keyword argument ``output`` becomes the options ``--json``, ``--debug`` and, with
    ``quiet``, ``--quiet``; what it raises becomes words and an exit code."""
    options = {"quiet": QuietOption} if quiet else {}
    options |= {"as_json": JsonOption, "debug": DebugOption}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(**given: Any) -> None:
            as_json, debug = given.pop("as_json"), given.pop("debug")
            output = Output(as_json, given.pop("quiet", False))
            with error_boundary(as_json, debug), _log_to(output.announce):
                function(**given, output=output)

        own = inspect.signature(function, eval_str=True)
        kind = inspect.Parameter.KEYWORD_ONLY
        added = [inspect.Parameter(name, kind, default=False, annotation=kept) for name, kept in options.items()]
        run.__signature__ = own.replace(  # type: ignore[attr-defined]  (typer reads it)
            parameters=[*(p for p in own.parameters.values() if p.name != "output"), *added]
        )
        return run

    return decorate


class _Announcer(logging.Handler):
    """Announces what the library logs."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self.announce = announce

    def emit(self, record: logging.LogRecord) -> None:
        self.announce(record.getMessage())


@contextmanager
def _log_to(announce: Callable[[str], None]) -> Generator[None]:
    """Send REEstim's log and warnings to the command line only: no message twice, none with the path of a file."""
    logger, handler = logging.getLogger("reestim"), _Announcer(announce)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False

    ours = str(Path(__file__).parents[1])

    def show(message: Warning | str, category: type[Warning], filename: str, *_: Any, **__: Any) -> None:
        # what libraries warn of is for those who write with them; a study's own model file may be anywhere
        if issubclass(category, UserWarning) and (filename.startswith(ours) or "site-packages" not in filename):
            announce(f"    {message}")

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


@contextmanager
def error_boundary(as_json: bool, debug: bool) -> Generator[None]:
    """Turn what goes wrong into words and an exit code; a traceback only with ``debug``."""
    from reestim.errors import InputError, ReestimError

    for library in ("arviz", "pymc", "pytensor", "jax"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        yield
    except InputError as error:
        if debug:
            raise
        _print_problems(error, as_json)
        raise typer.Exit(error.exit_code) from None
    except ReestimError as error:
        _print_error(as_json, str(error))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        _print_error(as_json, "interrupted; nothing half-written was left behind")
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort):
        raise
    except OSError as error:
        if debug:
            raise
        _print_error(as_json, f"the system refused: {error}. Free some space, or choose a place you may write to.")
        raise typer.Exit(1) from None
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # panics of libraries in Rust are no Exception
        if debug:
            raise
        from reestim.errors import in_one_line

        fault = in_one_line(error)
        _print_error(as_json, f"this is a fault in REEstim ({fault}). Please report it, with what --debug prints.")
        raise typer.Exit(FAULT) from None


def _print_problems(error: Any, as_json: bool) -> None:
    from reestim.cli import printing

    if as_json:
        printing.print_json(printing.problems_as_json(error))
    else:
        typer.echo(str(error), err=True)


def _print_error(as_json: bool, message: str) -> None:
    if as_json:
        from reestim.cli import printing

        printing.print_json({"error": message, "problems": []})
    else:
        typer.echo(f"reestim: {message}", err=True)
