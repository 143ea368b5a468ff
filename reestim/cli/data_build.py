"""``reestim data build``: a dataset whose world economy is a real input-output table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command(quiet=True)
def data_build(
    tables: Annotated[Path, typer.Option("--tables", help="Folder of the source's files, one a year; or one file.")],
    out: Annotated[Path, typer.Option("--out", help="Dataset folder to write; it must not exist yet.")],
    source: Annotated[
        str, typer.Option("--source", help="wiod, wiod2016, icio, figaro, exiobase, caliendo-parro, arrays or tidy.")
    ] = "wiod",
    year: Annotated[int, typer.Option("--year", help="Year of the table.")] = 2008,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="CSV country,region (default: 12 regions; a row * takes the rest).")
    ] = None,
    all_regions: Annotated[bool, typer.Option("--all-regions", help="Keep all countries of the source.")] = False,
    sectors: Annotated[
        Path | None, typer.Option("--sectors", help="CSV industry,sector (default: as they are).")
    ] = None,
    industries: Annotated[
        Path | None, typer.Option("--industries", help="CSV of facts on industries that REEstim does not know.")
    ] = None,
    exchange_rate: Annotated[
        str | None, typer.Option("--exchange-rate", help="US$ for one unit: a number, or a CSV year,usd_per_unit.")
    ] = None,
    facts: Annotated[
        Path | None, typer.Option("--facts", help="Dataset that gives the rare earths (default: the bundled one).")
    ] = None,
    facts_year: Annotated[
        int | None, typer.Option("--facts-year", help="Year of the rare-earth facts, if not the table's.")
    ] = None,
    confirm_units: Annotated[
        bool, typer.Option("--confirm-units", help="The table is in million US$, however large it is.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated/--no-simulated", help="With simulated patents, or with nothing simulated.")
    ] = True,
    accounts: Annotated[
        Path | None,
        typer.Option("--accounts", help="Socio-economic accounts of the source: labour's share (default: two thirds)."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of files that are not UTF-8, like cp1252 (Excel, Western Europe).")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated files.")] = 2010,
    *,
    output: Output,
) -> None:
    """Make a dataset whose world economy is a real input-output table.

    Example: reestim data build --source icio --tables ICIO --year 2008 --out my-data
    """
    from reestim.cli import printing
    from reestim.errors import InputError, Problem
    from reestim.importers.world_tables import WORLD_SOURCES
    from reestim.wording import closest

    problems = []
    if source not in WORLD_SOURCES:
        problems.append(
            Problem("this source is unknown", closest(source, WORLD_SOURCES), column="--source", value=source)
        )
    if mapping is not None and all_regions:
        advice = "Give --mapping or --all-regions, not both."
        problems.append(Problem("two mappings are asked for", advice, column="--mapping", value=str(mapping)))
    if problems:
        raise InputError(problems, "no dataset was built")
    from reestim.data.read import other_encoding
    from reestim.importers.build import build_from_tables
    from reestim.io.resources import FACTS

    with other_encoding(encoding):
        written = build_from_tables(
            tables,
            year,
            out,
            mapping="full" if all_regions else mapping,
            seed=seed,
            facts=facts or FACTS,
            source=source,
            sectors=sectors,
            industries=industries,
            exchange_rate=exchange_rate,
            facts_year=facts_year,
            confirm_units=confirm_units,
            simulated=simulated,
            accounts=accounts,
        )
    moved = printing.moved_by_cleaning(written)
    if output.as_json:
        printing.print_json({"dataset": str(written), "cleaning": moved})
    elif output.quiet:
        typer.echo(f"dataset: {written}")
    else:
        typer.echo(f"{moved}\ndataset: {written}\nnext: reestim run --dataset {shlex.quote(str(written))}")
