"""All commands in front of all terminals: what is typed wrong, encodings that lack letters, readers that leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
import typer.testing

from reestim.cli.app import app
from reestim.cli.command import FAULT, error_boundary
from reestim.cli.group import READER_LEFT
from reestim.errors import ReestimError
from reestim.estimate import sampling
from tests.conftest import PROJECT


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


ALL = sorted(commands(typer.main.get_command(app)))


def test_there_are_commands() -> None:
    assert {("run",), ("data", "check"), ("audit", "draw")} <= set(ALL)


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_what_is_typed_wrong_is_bad_input(command: tuple[str, ...]) -> None:
    """Exit code 1, which is not that of a failed gate; words on standard error, or one JSON document."""
    runner = typer.testing.CliRunner()
    said = runner.invoke(app, [*command, "--frobnicate"])
    assert said.exit_code == 1
    assert "--frobnicate" in said.stderr
    assert said.stdout == ""
    said = runner.invoke(app, [*command, "--frobnicate", "--json"])
    assert said.exit_code == 1
    (problem,) = json.loads(said.stdout)["problems"]
    assert "--frobnicate" in problem["message"]
    assert problem["advice"].endswith(f"{' '.join(command)} --help")


@pytest.mark.parametrize("typed", [["frobnicate"], ["run", "--seed", "-1"], ["data", "frobnicate"]])
def test_unknown_commands_and_values_that_do_not_fit(typed: list[str]) -> None:
    said = typer.testing.CliRunner().invoke(app, [*typed, "--json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)["error"] == "the command is not understood"
    assert typer.testing.CliRunner().invoke(app, []).exit_code == 0, "no command at all asks for help"


EVERY_HELP = """
import sys
from reestim.cli.app import app
for command in {commands!r}:
    try:
        app([*command, "--help"])
    except SystemExit as end:
        assert not end.code, command
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_an_encoding_that_lacks_letters_ends_no_command(encoding: str) -> None:
    """Every help, and a table with Greek letters; JSON says the same in any encoding."""
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    calls: list[list[str]] = [["-c", EVERY_HELP.format(commands=ALL)], ["-c", GREEK]]
    for call in calls:
        done = subprocess.run([sys.executable, *call], env=env, cwd=PROJECT, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr.decode(encoding)
    assert b"? of Nd" in done.stdout or "σ of Nd".encode(encoding, "replace") in done.stdout
    assert json.loads(done.stdout[done.stdout.index(b"{") :].decode(encoding)) == {"σ": "→ Côte d'Ivoire"}


GREEK = """
from reestim.cli import printing
from reestim.cli.app import app
from reestim.cli.command import command
@app.command()
@command()
def greek(*, output):
    printing.print_rows("σ of Nd → Dy", ["σ", "ξ"], [["Côte d’Ivoire", "≤ 1"]])
    printing.print_json({"σ": "→ Côte d'Ivoire"})
app(["greek"])
"""

HELP = "from reestim.cli.app import app; app(['run', '--help'])"
LONG = """
from reestim.cli import printing
from reestim.cli.app import app
from reestim.cli.command import command
@app.command()
@command()
def long(*, output):
    for _ in range(3):
        printing.print_rows("table", ["a"], [["line"]] * 5000)
app(["long"])
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("code", [LONG, HELP], ids=["table", "help"])
def test_a_reader_that_leaves_ends_the_command_without_words(code: str, unbuffered: str) -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, words = process.communicate(timeout=120)
    assert words == b""
    assert process.returncode == READER_LEFT


class PanicException(BaseException):
    """As libraries in Rust raise it: no Exception."""


PanicException.__module__ = "pyo3_runtime"


def test_a_panic_is_words_and_never_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def panic(*_: object) -> None:
        raise PanicException("called `Option::unwrap()` on a `None` value")

    with pytest.raises(typer.Exit) as end, error_boundary(as_json=False, debug=False):
        panic()
    assert end.value.exit_code == FAULT
    assert "PanicException: called" in capsys.readouterr().err
    with pytest.raises(ReestimError, match=r"broke off.*unwrap"):
        sampling._guarded(panic)(_Sampled(), None, 1, False)  # type: ignore[arg-type]


class _Sampled:
    """A model that no sampler gets to see."""
