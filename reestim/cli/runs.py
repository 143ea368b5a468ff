"""``reestim runs``: the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Folder of the runs.", metavar="FOLDER")] = Path("posteriors"),
    *,
    output: Output,
) -> None:
    """List the runs there are, newest first.

    Example: reestim runs
    """
    from dataclasses import asdict

    from reestim.cli import printing
    from reestim.runs.listing import list_runs

    run_list = list_runs(folder)
    if output.as_json:
        printing.print_json([asdict(run) for run in run_list])
    elif run_list:
        printing.print_runs(run_list)
    else:
        typer.echo(f"no runs in {folder} yet; `reestim run` makes one")
