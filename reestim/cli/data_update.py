"""``reestim data update``: the world economy of a dataset brought to a later year."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command(quiet=True)
def data_update(
    dataset: Annotated[Path, typer.Argument(help="The older dataset: a folder, or its name in data/.")],
    margins: Annotated[
        Path, typer.Option("--margins", help="CSV country,sectors,measure,value,source: figures of the new year.")
    ],
    year: Annotated[int, typer.Option("--year", help="The new base year.")],
    out: Annotated[Path, typer.Option("--out", help="Dataset folder to write; it must not exist yet.")],
    *,
    output: Output,
) -> None:
    """Bring the world economy of a dataset to a later year: its structure, new output, value added and trade.

    Example: reestim data update rare-earths-2010 --margins margins-2011.csv --year 2011 --out data/mine-2011
    """
    from reestim.cli import printing
    from reestim.data.dataset import dataset_folder

    dataset = dataset_folder(dataset)
    from reestim.importers.update import update_dataset

    made = update_dataset(dataset, margins, year, out)
    rows = made.moved.to_dict("records")
    if output.as_json:
        printing.print_json({"dataset": str(made.folder), "moved": rows, "largest_gap": made.largest_gap})
        return
    if not output.quiet:
        heads = ("array", "cells", "mean change", "largest change", "where")
        text = [
            [r["array"], str(r["cells"]), f"{r['mean_change']:.4f}", f"{r['largest_change']:+.4f}", r["where"]]
            for r in rows
        ]
        printing.print_rows("How far shares moved", heads, text)
        typer.echo(f"Largest gap of a stated margin, imports apart: {made.largest_gap:.1e} of it.")
    typer.echo(f"dataset: {made.folder}")
    if not output.quiet:
        typer.echo(f"next: reestim data check {shlex.quote(str(made.folder))}")
