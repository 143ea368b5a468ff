"""``reestim data import``: files of a dataset from the files that a source publishes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reestim.cli.command import Output, command

if TYPE_CHECKING:
    from reestim.errors import Problem
    from reestim.importers.registry import ImportSource


@command(quiet=True)
def data_import(
    source: Annotated[str | None, typer.Argument(help="A name of --list.", metavar="SOURCE")] = None,
    files: Annotated[list[Path] | None, typer.Argument(help="Its files, as published.", metavar="FILE...")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to add the tables to.")] = None,
    list_sources: Annotated[bool, typer.Option("--list", help="Sources, their editions, what they give.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="A table to write; repeat (default: all).")] = None,
    year: Annotated[int | None, typer.Option("--year", help="Year of trade.csv, where several are given.")] = None,
    years: Annotated[str | None, typer.Option("--years", help="First and last year to take, like 2000-2014.")] = None,
    matching: Annotated[
        str | None, typer.Option("--matching", help="Patents whose title or abstract fits this regular expression.")
    ] = None,
    partner: Annotated[
        list[str] | None, typer.Option("--partner", help="Count imports from this country; repeat (default: all).")
    ] = None,
    hs: Annotated[
        list[str] | None, typer.Option("--hs", help="HS code that counts as rare earths; repeat (default: 2846).")
    ] = None,
    flow: Annotated[
        str | None, typer.Option("--flow", help="M: as importers report (default), X: as exporters do.")
    ] = None,
    reporter: Annotated[
        list[str] | None, typer.Option("--reporter", help="Without FILE: ask UN Comtrade for this country; repeat.")
    ] = None,
    concordance: Annotated[
        Path | None, typer.Option("--concordance", help="CSV from the source's classes to industries.")
    ] = None,
    sectors: Annotated[
        Path | None, typer.Option("--sectors", help="CSV industry,sector (default: those of the bundled dataset).")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="CSV country,region, or bundled (default: countries as they are).")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns", help="patents, panel: country=COLUMN year=..., after the files.", metavar="NAME=COLUMN..."
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--classes", help="Patents of these CPC or IPC symbols too (shipped: a list for rare earths)."),
    ] = None,
    party: Annotated[
        str | None, typer.Option("--party", help="Whose residence counts: applicant (default), or inventor.")
    ] = None,
    counting: Annotated[
        str | None, typer.Option("--counting", help="fractional (default), or first: one country, one sector.")
    ] = None,
    residence: Annotated[
        Path | None, typer.Option("--residence", help="lens: CSV name,country of applicants or inventors.")
    ] = None,
    query: Annotated[bool, typer.Option("--query", help="Print the query that asks the source for its files.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Make sectors although the files hold a part of trade.")
    ] = False,
    confirm_units: Annotated[
        bool, typer.Option("--confirm-units", help="The magnitudes are right, however odd they look.")
    ] = False,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of files that are not UTF-8, like cp1252 (Excel, Western Europe).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace tables that are there already.")] = False,
    *,
    output: Output,
) -> None:
    """Turn the files that a source publishes into files of a dataset.

    Example: reestim data import usitc dataweb.csv --partner China --out my-data

    Example: reestim data import patentsview g_*.tsv.zip --matching 'rare.?earth|neodym|cerium' --out my-data

    Example: reestim data import patents my.csv --columns id=number country=residence year=filed title=title cpc=cpc
    family=family --classes shipped --out my-data

    Example: reestim data import comtrade --reporter USA --years 2005-2016 --out my-data

    Example: reestim data import --list
    """
    from reestim.cli import printing
    from reestim.data.read import other_encoding
    from reestim.errors import InputError, Problem
    from reestim.importers.imported import ImportOptions
    from reestim.importers.registry import IMPORT_SOURCES, find_source, import_files

    if list_sources:
        _list(output.as_json)
        return
    if query:
        _print_query(find_source(source or ""))
        return
    problems: list[Problem] = []
    paths, pairs = _named_columns(files or [], columns or [], problems)
    if source is None:
        sources = ", ".join(IMPORT_SOURCES)
        problems.append(Problem("no source is named", f"Name one of {sources}; see --list", column="SOURCE"))
    if out is None:
        problems.append(Problem("no folder is named", "Say --out FOLDER", column="--out"))
    span = _span(years, problems)
    if source is None or out is None or problems:
        raise InputError(problems, "nothing was imported")
    choices = ImportOptions(
        year=year,
        years=span,
        partners=tuple(partner or ()),
        hs=tuple(hs or ()),
        flow=flow,
        matching=matching,
        concordance=concordance,
        sectors=sectors,
        mapping=mapping,
        columns=pairs,
        classes=tuple(classes or ()),
        party=party,
        counting=counting,
        residence=residence,
        partial=partial,
        confirm_units=confirm_units,
        reporters=tuple(reporter or ()),
    )
    with other_encoding(encoding):
        result = import_files(source, paths, out, choices, only=tuple(only or ()), overwrite=overwrite)
    if output.as_json:
        printing.print_json(
            {"folder": str(result.folder), "written": result.written, "simulated": result.simulated, **result.about}
        )
        return
    if output.quiet:
        for name in result.written:
            typer.echo(f"written: {result.folder / name}")
        return
    about = result.about
    typer.echo(f"{about['citation']}: {about['edition']}")
    for rule in about["rules"]:
        typer.echo(f"  rule: {rule}")
    for words in about["left_out"]:
        typer.echo(f"  LEFT OUT: {words}")
    for name in result.written:
        typer.echo(f"written: {result.folder / name}")
    for name in result.simulated:
        typer.echo(f"dataset.toml still calls {name} simulated: take it off the list `synthetic`")
    typer.echo(f"next: reestim data check {shlex.quote(str(result.folder))}")


def _named_columns(
    files: list[Path], columns: list[str], problems: list[Problem]
) -> tuple[list[Path], tuple[tuple[str, str], ...]]:
    """Files, and pairs NAME=COLUMN: those of the option and, where it was given, those that stand among the files."""
    from reestim.errors import Problem

    paths = [path for path in files if not columns or "=" not in str(path) or path.exists()]
    texts = [*columns, *(str(path) for path in files if path not in paths)]
    pairs = []
    for text in texts:
        name, sign, column = text.partition("=")
        if not (name and sign and column):
            advice = "Write NAME=COLUMN, like id=publication_number"
            problems.append(Problem("this names no column", advice, column="--columns", value=text))
        pairs.append((name, column))
    return paths, tuple(pairs)


def _print_query(entry: ImportSource) -> None:
    """The query of a source, as it is run there."""
    from reestim.errors import InputError, Problem

    if entry.query is None:
        problem = Problem("this source needs no query", f"Give {entry.pattern}", column="--query", value=entry.name)
        raise InputError(problem, "nothing was printed")
    typer.echo(entry.query.read_text(encoding="utf-8"), nl=False)


def _span(years: str | None, problems: list[Problem]) -> tuple[int, int] | None:
    from reestim.errors import Problem

    if years is None:
        return None
    first, _, last = years.partition("-")
    last = last or first
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
        advice = "Write 2000-2014, or one year"
        problems.append(Problem("these are not years", advice, column="--years", value=years))
        return None
    return int(first), int(last)


def _list(as_json: bool) -> None:
    from reestim.cli import printing
    from reestim.importers.registry import IMPORT_SOURCES
    from reestim.importers.world_tables import WORLD_SOURCES

    if as_json:
        names = ("name", "citation", "edition", "pattern", "where", "licence", "gives", "takes")
        rows = [{name: getattr(entry, name) for name in names} for entry in IMPORT_SOURCES.values()]
        tables = [{"name": s.name, "citation": s.citation, "pattern": s.pattern} for s in WORLD_SOURCES.values()]
        printing.print_json({"import": rows, "build": tables})
        return
    printing.print_rows(
        "reestim data import SOURCE FILE... --out FOLDER",
        ["source", "edition that is read", "files", "gives"],
        [[o.name, f"{o.citation}. {o.edition}", o.pattern, ", ".join(o.gives)] for o in IMPORT_SOURCES.values()],
    )
    printing.print_rows(
        "World tables: reestim data build --source SOURCE --tables FOLDER --out FOLDER",
        ["source", "edition that is read", "files"],
        [[s.name, s.citation, s.pattern] for s in WORLD_SOURCES.values()],
    )
