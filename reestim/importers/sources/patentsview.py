"""PatentsView: granted patents of the United States, bulk tables (TSV, zipped or not) to ``patents.parquet``.

A patent belongs to the country of its first assignee, the year of its application, and the sector of its first
inventional CPC symbol (``cpc_industries.csv``: cpc, industry, source, verified; the longest prefix counts). Utility
patents only. Tables are read in pieces and joined on disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem, Problems, closest
from reestim.importers.concordance import HERE
from reestim.importers.countries import alpha3_of_alpha2
from reestim.importers.hs import longest_prefix
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.mapping import read_columns
from reestim.importers.patent_join import PatentJoin, Row
from reestim.importers.regions import INDUSTRIES, regions_of, sectors_of
from reestim.importers.stream import finite, header, listed, missing_columns, pieces

EDITION = "PatentsView bulk tables of granted patents since 2022 (g_*.tsv)"
CPC_INDUSTRIES = HERE / "cpc_industries.csv"
TABLES: dict[str, tuple[str, ...]] = {
    "g_patent": ("patent_id", "patent_type", "patent_title"),
    "g_patent_abstract": ("patent_id", "patent_abstract"),
    "g_application": ("patent_id", "filing_date"),
    "g_location": ("location_id", "disambig_country"),
    "g_assignee": ("patent_id", "assignee_sequence", "location_id"),
    "g_cpc_current": ("patent_id", "cpc_sequence", "cpc_subclass", "cpc_type"),
}
#: More patents than this share without a row in a table: the tables are of different releases.
MOST_LACKING = 0.5
ROWS = 50_000
_NAME = re.compile(r"(p?g_[a-z_]+?)(?:_disambiguated)?\.tsv(?:\.zip|\.gz)?")
_BEFORE = re.compile(r"(?:raw)?(?:patent|application|assignee|location|cpc_current)\.tsv(?:\.zip)?")
_COLUMNS = ("patent_id", COUNTRY, SECTOR, YEAR, "title", "abstract")
_PARQUET = pa.schema([(name, pa.int64() if name == YEAR else pa.string()) for name in _COLUMNS])


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``patents.parquet``: patent_id, country, sector, year, title, abstract; ``matching`` and ``years`` choose.

    Raises InputError listing other editions, tables that are missing or there twice, missing columns, repeated patents,
    figures that are none, tables of different releases, and symbols that the concordance would lose.
    """
    tables, problems = _tables(files)
    pattern = None
    try:
        pattern = re.compile(choices.matching, re.I) if choices.matching else None
    except re.error as error:
        advice = "Write a regular expression, like 'rare.?earth|neodym'"
        problems.append(Problem(f"the pattern is none ({error})", advice, column="--matching", value=choices.matching))
    industries = problems.attempt(lambda: cpc_industries(choices.concordance))
    if problems or industries is None:
        raise InputError(problems, "the tables of PatentsView cannot be used")
    sector = sectors_of(choices.sectors, sorted(set(industries.values())))
    with PatentJoin(work) as join:
        words = _fill(join, tables, {cpc: sector[industry] for cpc, industry in industries.items()})
        region = regions_of(choices.mapping, join.countries())
        target = work / "patents.parquet"
        counts = _write(join, tables["g_patent_abstract"], target, region, choices, pattern)
    if not counts["written"]:
        problem = Problem("no patent is left", "Check --matching and --years, and that the tables are of one release")
        raise InputError(problem, "the tables of PatentsView cannot be used")
    words += [f"patents {what}: {counts[what]:,}" for what in ("out of --years", "not --matching") if counts[what]]
    if counts["bare"]:
        words.append(f"no abstract in the tables, taken with their title alone: {counts['bare']:,} patents")
    rules = [
        "country: first assignee; year: application; sector: first inventional CPC symbol, else the first",
        "the concordance of CPC symbols is imputed (judged from titles); utility patents only",
    ]
    return Imported({}, EDITION, rules, words, files={target.name: target}, file_rows={target.name: counts["written"]})


def cpc_industries(path: Path | None) -> dict[str, str]:
    """Prefix of CPC symbols -> industry. Raises InputError listing everything wrong with the file."""
    file = path or CPC_INDUSTRIES
    cells, problems = read_columns(file, ("cpc", "industry"))
    if cells is None:
        raise InputError(problems, "the concordance cannot be used")
    known = set(pd.read_csv(INDUSTRIES)["industry"])
    found: dict[str, str] = {}
    for row, cpc, industry in cells[["cpc", "industry"]].itertuples():
        place: Any = {"file": file.name, "row": int(row)}
        if not re.fullmatch(r"[A-HY](?:\d\d[A-Z]?)?", cpc):
            advice = "Write a section (H), class (H01) or subclass (H01F)"
            problems.append(Problem("not a CPC symbol", advice, **place, value=cpc))
        if cpc in found:
            advice = "A patent has one sector: keep one row"
            problems.append(Problem("the symbol is repeated", advice, **place, value=cpc))
        if path is None and industry not in known:
            problems.append(Problem("unknown industry", closest(industry, known), **place, value=industry))
        found[cpc] = industry
    if problems:
        raise InputError(problems, "the concordance cannot be used")
    return found


def _tables(files: Sequence[Path]) -> tuple[dict[str, Path], Problems]:
    """Files by table, by their names; their columns are checked."""
    tables: dict[str, Path] = {}
    problems = Problems()
    for path in files:
        match = _NAME.fullmatch(path.name)
        name = match.group(1) if match else ""
        if name not in TABLES:
            message = (
                "these are applications, not granted patents"
                if name.startswith("pg_")
                else (
                    "these are the tables as they were before 2022"
                    if _BEFORE.fullmatch(path.name)
                    else "this is no table that is read"
                )
            )
            problems.append(Problem(message, f"Expected: {EDITION}: {', '.join(TABLES)}", file=path.name))
            continue
        if name in tables:
            problems.append(Problem("the table is there twice", "Give it once", file=path.name))
        tables[name] = path
        there = problems.attempt(lambda p=path: header(p, p.name, "\t"))
        if there is not None:
            problems += missing_columns([c for c in TABLES[name] if c not in there], there, path.name)
    advice = f"Give all of {', '.join(TABLES)}, of one release"
    problems += [Problem("the table is missing", advice, file=f"{name}.tsv") for name in TABLES if name not in tables]
    return tables, problems


def _fill(join: PatentJoin, tables: dict[str, Path], sectors: dict[str, str]) -> list[str]:
    """Identifiers and titles, then year, country and sector of each; in words, what is left out."""
    others, repeated, odd_dates = 0, 0, 0
    problems: list[Problem] = []
    for piece in _read(tables, "g_patent"):
        utility = piece["patent_type"] == "utility"
        others += int((~utility).sum())
        repeated += join.add_patents(_tuples(piece[utility], "patent_id", "patent_title"))
    if repeated:
        advice = "Download the table again"
        problems.append(Problem(f"{repeated:,} patents are repeated", advice, file=tables["g_patent"].name))
    for piece in _read(tables, "g_application"):
        dated = piece["filing_date"].str.fullmatch(r"(?:19|20)\d\d-\d\d-\d\d")
        odd_dates += int((~dated).sum())
        year = piece["filing_date"][dated].str[:4].astype(int)
        join.set_years(_tuples(piece[dated].assign(filing_date=year), "patent_id", "filing_date"))
    codes: Any = alpha3_of_alpha2()
    places: dict[str, str] = {}  # a hundred thousand: the one table that is held in memory
    for piece in _read(tables, "g_location"):
        country = piece["disambig_country"].map(codes)
        places |= dict(_tuples(piece.assign(disambig_country=country).dropna(), "location_id", "disambig_country"))
    for piece in _read(tables, "g_assignee"):
        rank, found = _rank(piece["assignee_sequence"], tables["g_assignee"].name)
        problems += found
        rows = piece.assign(country=piece["location_id"].map(places), rank=rank).dropna()
        join.set_first("country", _first(rows, "country"))
    lost: dict[str, int] = {}
    for piece in _read(tables, "g_cpc_current"):
        rank, found = _rank(piece["cpc_sequence"], tables["g_cpc_current"].name)
        problems += found
        main = piece["cpc_subclass"].str[:1] != "Y"  # Y tags what has a symbol elsewhere
        prefix = longest_prefix(piece["cpc_subclass"][main].unique(), sectors)
        for symbol, n in piece["cpc_subclass"][main & ~piece["cpc_subclass"].isin(list(prefix))].value_counts().items():
            lost[str(symbol)] = lost.get(str(symbol), 0) + int(n)
        named: Any = {symbol: sectors[cpc] for symbol, cpc in prefix.items()}
        behind = (piece["cpc_type"] != "inventional") * 1_000_000
        rows = piece.assign(sector=piece["cpc_subclass"].map(named), rank=rank + behind).dropna()
        join.set_first("sector", _first(rows, "sector"))
    for symbol, n in sorted(lost.items(), key=lambda item: -item[1])[:20]:
        advice = "Add a row for it, or for its section, to the concordance"
        message = f"the concordance would lose {n:,} symbols of patents"
        problems.append(Problem(message, advice, file="cpc_industries.csv", value=symbol))
    lacking = join.lacking()
    for name, table in (("year", "g_application"), ("country", "g_assignee"), ("sector", "g_cpc_current")):
        if lacking["patents"] and lacking[name] > MOST_LACKING * lacking["patents"] and not lost:
            message = f"{lacking[name] / lacking['patents']:.0%} of the patents have no {name} in it"
            problems.append(Problem(message, "Use tables of one release", file=tables[table].name))
    if problems:
        raise InputError(problems, "the tables of PatentsView cannot be used")
    words = [f"patents that are no utility patents: {others:,}"] if others else []
    words += [f"applications without a date: {odd_dates:,}"] if odd_dates else []
    return words + [f"patents without {name}: {lacking[name]:,}" for name in (YEAR, COUNTRY, SECTOR) if lacking[name]]


def _read(tables: dict[str, Path], name: str) -> Iterator[Any]:
    path = tables[name]
    yield from pieces(path, path.name, TABLES[name], "\t", ROWS)


def _tuples(piece: Any, *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(piece[column].tolist() for column in columns), strict=True)


def _rank(cells: Any, name: str) -> tuple[Any, list[Problem]]:
    rank = finite(cells)
    none = ~(rank.abs() < 2**53)
    return rank.mask(none, 0).astype(int), listed(none, cells, "not a number", "Download the table again", name)


def _first(rows: Any, column: str) -> Iterator[tuple[Any, ...]]:
    """The row of lowest rank of each patent in a piece; the database compares pieces."""
    kept = rows.sort_values("rank", kind="stable").drop_duplicates("patent_id")
    return _tuples(kept, "patent_id", column, "rank")


def _write(
    join: PatentJoin, abstracts: Path, target: Path, region: dict[str, str], choices: ImportOptions, pattern: Any
) -> dict[str, int]:
    """Stream the abstracts past the patents into the file; how many were written and why others were not."""
    counts = {"written": 0, "bare": 0, "out of --years": 0, "not --matching": 0}
    repeated = 0
    chosen = _chooser(choices.years, pattern, counts)
    with pq.ParquetWriter(target, _PARQUET, compression="zstd") as writer:

        def put(rows: list[Row]) -> None:
            kept = [row for row in rows if chosen(row)]
            counts["written"] += len(kept)
            if kept:
                columns = [list(column) for column in zip(*kept, strict=True)]
                columns[1] = [region[country] for country in columns[1]]
                writer.write_table(pa.table(dict(zip(_COLUMNS, columns, strict=True)), schema=_PARQUET))

        for piece in pieces(abstracts, abstracts.name, TABLES["g_patent_abstract"], "\t", ROWS):
            rows, again = join.with_abstracts(_tuples(piece, "patent_id", "patent_abstract"))
            repeated += again
            put(rows)
        for rows in join.without_abstract(ROWS):
            before = counts["written"]
            put(rows)
            counts["bare"] += counts["written"] - before
    if repeated:
        problem = Problem(f"{repeated:,} abstracts are repeated", "Download the table again", file=abstracts.name)
        raise InputError(problem, "the tables of PatentsView cannot be used")
    return counts


def _chooser(years: tuple[int, int] | None, pattern: Any, counts: dict[str, int]) -> Callable[[Row], bool]:
    def chosen(row: Row) -> bool:
        if years is not None and not years[0] <= row[3] <= years[1]:
            counts["out of --years"] += 1
            return False
        if pattern is not None and not pattern.search(f"{row[4]}\n{row[5]}"):
            counts["not --matching"] += 1
            return False
        return True

    return chosen
