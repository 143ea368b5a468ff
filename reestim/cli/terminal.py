"""What the commands share: reading inputs, announcing, ending, and turning failures into words and exit codes."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import xarray as xr

    from reestim.pipeline.main_job import Job, Stages

GATE_FAILED, FAULT, INTERRUPTED = 2, 70, 130


def inputs(
    stages: Stages,
    spec: Path,
    dataset: Path | None,
    out: Path | None,
    *,
    quick: bool,
    overwrite: bool,
    allow: Sequence[str] = (),
    seed: int | None = None,
) -> Job:
    """Stage 1: everything that a run reads and the place it writes to, checked together; with
    ``seed``, a run that was begun there may go on. Raises InputError."""
    from reestim.pipeline import main_job

    with stages.stage("check the study and the data"):
        job = main_job.read_job(spec, dataset, out, quick=quick, overwrite=overwrite, allow=allow, seed=seed)
    if quick:
        typer.echo("QUICK smoke run: few draws, loose gates; its numbers are not to be used", err=True)
    return job


def target(out: Path | None, overwrite: bool) -> None:
    """Refuse a place that cannot be written before anything is computed. Raises InputError."""
    from reestim.errors import InputError
    from reestim.runs.store import place_problems

    problems = place_problems(out, overwrite) if out else []
    if problems:
        raise InputError(problems, "nothing can be saved there")


def find_run(run: Path) -> Path:
    """A run by its path, or by its name in ``posteriors/``."""
    inside = Path("posteriors") / run
    return inside if not run.exists() and inside.exists() else run


def command_line() -> str:
    """The command as it was typed, ready to be pasted."""
    return shlex.join(["reestim", *sys.argv[1:]])


def say(as_json: bool) -> Callable[[str], None]:
    """Announces on standard error; silent where a script listens."""
    return (lambda text: None) if as_json else (lambda text: typer.echo(text, err=True))


def finish(post: xr.DataTree, paths: dict[str, str], as_json: bool, quiet: bool = False) -> None:
    """Print the results and leave with the exit code that the gates deserve."""
    from reestim.cli import printing
    from reestim.pipeline import main_job

    passed = main_job.gates_passed(post)
    if as_json:
        printing.print_json(printing.result_as_json(post, paths))
    else:
        if not quiet:
            printing.print_result(post)
        elif not passed:
            typer.echo("reestim: the sampler FAILED its gates; `reestim check` says which", err=True)
        for name, path in paths.items():
            typer.echo(f"{name}: {path}")
    if not passed:
        raise typer.Exit(GATE_FAILED)


@contextmanager
def error_boundary(as_json: bool, debug: bool) -> Generator[None]:
    """Turn what goes wrong into words and an exit code; a traceback only with ``debug``."""
    from reestim.errors import InputError, ReestimError

    for chatty in ("arviz", "pymc", "pytensor", "jax"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        yield
    except InputError as error:
        if debug:
            raise
        from reestim.cli import printing

        if as_json:
            printing.print_json(printing.problems_as_json(error))
        else:
            sys.stderr.write(f"{error}\n")
        raise typer.Exit(error.exit_code) from None
    except ReestimError as error:
        _complain(as_json, str(error))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        _complain(as_json, "interrupted; nothing half-written was left behind")
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort):
        raise
    except OSError as error:
        if debug:
            raise
        _complain(as_json, f"the system refused: {error}. Free some space, or choose a place you may write to.")
        raise typer.Exit(1) from None
    except Exception as error:
        if debug:
            raise
        words = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
        _complain(as_json, f"this is a fault in REEstim ({said}). Please report it, with what --debug prints.")
        raise typer.Exit(FAULT) from None


def _complain(as_json: bool, message: str) -> None:
    if as_json:
        from reestim.cli import printing

        printing.print_json({"error": message, "problems": []})
    else:
        typer.echo(f"reestim: {message}", err=True)
