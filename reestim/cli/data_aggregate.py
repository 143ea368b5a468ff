"""``reestim data aggregate``: a dataset added up to fewer regions or sectors."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command(quiet=True)
def data_aggregate(
    dataset: Annotated[Path, typer.Argument(help="The dataset: a folder, or its name in data/.")],
    out: Annotated[Path, typer.Option("--out", help="Dataset folder to write; it must not exist yet.")],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="CSV country,region (default: as they are; * takes the rest)."),
    ] = None,
    sectors: Annotated[
        Path | None,
        typer.Option("--sectors", help="CSV industry,sector (default: as they are; * takes the rest)."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Add a dataset up to regions or sectors of your own.

    Example: reestim data aggregate rare-earths-2010 --mapping five.csv --out data/five-regions
    """
    from reestim.cli import printing
    from reestim.data.dataset import dataset_folder

    dataset = dataset_folder(dataset)
    from reestim.importers.aggregate import aggregate_dataset

    made = aggregate_dataset(dataset, out, mapping, sectors)
    if output.as_json:
        printing.print_json({"dataset": str(made.folder), "notes": made.notes})
        return
    if not output.quiet:
        for note in made.notes:
            typer.echo(note)
    typer.echo(f"dataset: {made.folder}")
    if not output.quiet:
        typer.echo(f"next: reestim data check {shlex.quote(str(made.folder))}")
