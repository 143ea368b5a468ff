"""``reestim package``: the replication package of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import OverwriteOption, RunArgument
from reestim.cli.terminal import find_run


@command()
def package(
    run: RunArgument,
    out: Annotated[Path, typer.Option(help="folder of the package")],
    spec: Annotated[Path | None, typer.Option(help="where the study lies now, if not where it lay")] = None,
    dataset: Annotated[Path | None, typer.Option(help="where the dataset lies now, if not where it lay")] = None,
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Everything that a run was made from, the run, and one command that verifies it and makes it again.

    Example: reestim package posteriors/first --out first-replication
    """
    from reestim.cli import printing
    from reestim.pipeline.replication_package import package_run

    folder = package_run(find_run(run), out, spec=spec, dataset=dataset, overwrite=overwrite)
    if output.as_json:
        printing.print_json({"package": str(folder)})
        return
    typer.echo(f"The replication package is in {folder}. Verify it, and make the run again:")
    typer.echo(f"  python {folder / 'rebuild.py'}")
