"""What the commands share: reading inputs, checking where results go, printing results and leaving."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reestim.cli.command import GATE_FAILED, Output

if TYPE_CHECKING:
    import xarray as xr

    from reestim.pipeline.job import Job
    from reestim.pipeline.stages import Stages


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
    more_draws: int = 0,
) -> Job:
    """Stage 1: everything that a run reads and the place it writes to, checked together; with
    ``seed``, a run that was begun there may go on. Raises InputError."""
    from reestim.pipeline.job import read_job

    with stages.stage("check the study and the data"):
        job = read_job(
            spec,
            dataset,
            out,
            quick=quick,
            overwrite=overwrite,
            allow=allow,
            seed=seed,
            more_draws=more_draws,
        )
    if quick:
        typer.echo("QUICK smoke run: few draws, loose gates; its numbers are not to be used", err=True)
    return job


def find_run(run: Path) -> Path:
    """A run by its path, or by its name in ``posteriors/``."""
    inside = Path("posteriors") / run
    return inside if not run.exists() and inside.exists() else run


def command_line() -> str:
    """The command as it was typed, ready to be pasted."""
    return shlex.join(["reestim", *sys.argv[1:]])


def print_and_exit(post: xr.DataTree, paths: dict[str, str], output: Output) -> None:
    """Print the results and leave with the exit code that the gates deserve."""
    from reestim.cli import printing
    from reestim.runs.record import RunRecord

    passed = RunRecord.of(post).gates_passed()
    if output.as_json:
        printing.print_json(printing.result_as_json(post, paths))
    else:
        if not output.quiet:
            printing.print_result(post)
        elif not passed:
            typer.echo("reestim: the sampler FAILED its gates; `reestim check` says which", err=True)
        for name, path in paths.items():
            typer.echo(f"{name}: {path}")
    if not passed:
        raise typer.Exit(GATE_FAILED)
