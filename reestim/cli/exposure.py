"""``reestim exposure``: which sectors and countries depend on rare earths, by the input-output table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command()
def exposure(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder, or its name in data/.", metavar="DATASET")] = Path(
        "rare-earths-2010"
    ),
    top: Annotated[int, typer.Option("--top", min=1, help="Rows of each table to print.")] = 12,
    checks: Annotated[bool, typer.Option("--checks", help="Print every identity of the split with its gap.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the figure (PNG, SVG) and the tables (CSV).")
    ] = None,
    *,
    output: Output,
) -> None:
    """Rank sectors and countries by exposure to rare earths; with --out also the input-output table, cell by cell.

    Example: reestim exposure my-data --checks --out exposure
    """
    from reestim.cli import printing
    from reestim.cli.writing import free_place, write_results
    from reestim.data.dataset import load_dataset
    from reestim.reports.figures.exposure import COUNTRY_HEADS, SECTOR_HEADS, exposure_figure, ranking_rows
    from reestim.supply_chain.exposure_ranking import exposure_tables
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.split_checks import split_identities
    from reestim.supply_chain.split_provenance import ree_table

    if out is not None:
        free_place(out)
    data = load_dataset(dataset)
    tables = dict(exposure_tables(ree_input_output(data)))
    tables["split_identities"] = split_identities(data)
    written: list[Path] = []
    if out is not None:
        written = write_results(out, tables | ree_table(data), {"exposure": exposure_figure(tables)})
    held = tables["split_identities"]
    if output.as_json:
        rows = {name: table.to_dict("records") for name, table in tables.items()}
        printing.print_json({"written": [str(path) for path in written], **rows})
        return
    about = f"per cent of cost, {data.meta.name}, {data.meta.base_year}; total: through all suppliers in the world"
    for name, heads, title in (
        ("exposure_sectors", SECTOR_HEADS, "Sectors of the world"),
        ("exposure_countries", COUNTRY_HEADS, "Countries"),
    ):
        printing.print_rows(f"{title} by exposure, {about}", heads, ranking_rows(tables[name].head(top)))
    if checks:
        printing.print_rows(
            "Identities of the input-output table with rare-earth rows",
            ["identity", "cells", "largest relative gap", "at", "holds to 1e-9"],
            [[row[0], f"{row[1]}", f"{row[3]:.1e}", row[2], "yes" if row[4] else "NO"] for row in held.values],
        )
    failed = [name for name, good in zip(held["identity"], held["holds"], strict=True) if not good]
    words = "all hold" if not failed else f"{len(failed)} do NOT hold: look at --checks"
    typer.echo(f"{len(held)} identities of the split: {words}; largest gap {held['relative_gap'].max():.1e}")
    for path in written:
        typer.echo(f"written: {path}")
