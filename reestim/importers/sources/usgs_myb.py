"""USGS Minerals Yearbook, rare earths: world mine production by country.

Two layouts: the tables of the yearbook (``myb1-<year>-raree*.xlsx``, sheet T8: countries in lines, each year followed
by a column of its footnotes), or the same cells as a tidy CSV (``geography, year, value, unit, is_estimated``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.read import Kind, parse_column
from reestim.dims import COUNTRY, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.countries import alpha3_of_name
from reestim.importers.imported import Imported, ImportOptions, file_date
from reestim.importers.mapping import read_columns
from reestim.importers.mine_output import output_problems, output_tables
from reestim.importers.sheets import sheets_of
from reestim.wording import closest

EDITION = "Minerals Yearbook, table of world mine production by country: the workbook or its cells as tidy CSV"
COLUMNS = ("geography", YEAR, "metric", "unit", "value")
METRIC, UNIT = "mine_production", "metric_tons_reo_equivalent"
_WORLD = "World total"
_TITLE = re.compile(r"world mine production", re.I)
_NOTHING = {"--", "—", "-"}  # printed for zero


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``element_output.csv`` from the national totals, which go to ``sources/mine_output.csv`` as printed.

    Raises InputError listing another layout or unit, unknown, repeated and missing countries or years, sums that miss
    the world total, and masses that are not plausible.
    """
    del work
    path = files[0]
    problems = [Problem("one file is expected", "Give one yearbook", file=other.name) for other in files[1:]]
    rows, own_problems = _sheet(path) if path.suffix.lower() in (".xlsx", ".xls") else _tidy(path)
    problems += own_problems
    if rows is None or problems:
        raise InputError(problems, "the yearbook cannot be used")
    world = rows[rows["producer"] == _WORLD]
    totals = {int(year): float(tonnes) for year, tonnes in world[[YEAR, "tonnes"]].to_numpy()}
    rows = rows[rows["producer"] != _WORLD].copy()
    names = alpha3_of_name()
    for row, name in rows.loc[~rows["producer"].isin(list(names)), "producer"].drop_duplicates().items():
        place: Any = {"file": path.name, "row": int(row), "value": name}
        problems.append(Problem("unknown country", closest(name, names), **place))
    problems += output_problems(rows, totals, path.name, choices.confirm_units)
    if problems:
        raise InputError(problems, "the yearbook cannot be used")
    rows[COUNTRY] = rows["producer"].map(names)
    source_text = f"USGS Minerals Yearbook, world mine production, file of {file_date(path)}"
    return output_tables(rows, source_text, EDITION, choices.mapping, [])


def _tidy(path: Path) -> tuple[Any, list[Problem]]:
    cells, problems = read_columns(path, COLUMNS)
    if cells is None:
        problems.append(Problem("this is not the layout that is read", f"Expected: {EDITION}", file=path.name))
        return None, problems
    for column, wanted in (("metric", METRIC), ("unit", UNIT)):
        for row, value in cells.loc[cells[column] != wanted, column].drop_duplicates().items():
            place: Any = {"file": path.name, "row": int(row), "column": column, "value": value}
            problems.append(Problem(f"the {column} is not {wanted}", f"Expected: {EDITION}", **place))
    rows = pd.DataFrame({"producer": cells["geography"], "estimated": False}, index=cells.index)
    if "is_estimated" in cells:
        rows["estimated"] = cells["is_estimated"].str.lower() == "true"
    return _numbers(rows, cells[YEAR], cells["value"], path, problems)


def _sheet(path: Path) -> tuple[Any, list[Problem]]:
    sheets, problems = sheets_of(path)
    for sheet in sheets.values():
        if not bool(sheet.iloc[:6].map(lambda cell: bool(_TITLE.search(cell))).any(axis=None)):
            continue
        heads = next((r for r in sheet.index if sheet.loc[r].str.fullmatch(r"(?:19|20)\d\d").sum() >= 2), None)
        if heads is not None:
            return _printed(sheet, heads, path, problems)
    return None, [*problems, Problem("no sheet has the table", f"Expected: {EDITION}", file=path.name)]


def _printed(sheet: Any, heads: int, path: Path, problems: list[Problem]) -> tuple[Any, list[Problem]]:
    """Lines below the years up to the total; a name carries its footnotes, a figure has them in the next column."""
    at = {int(cell): n for n, cell in enumerate(sheet.loc[heads]) if re.fullmatch(r"(?:19|20)\d\d", cell)}
    rows, years, values = [], [], []
    for line in sheet.index[sheet.index > heads]:
        cells = list(sheet.loc[line])
        name, notes = _without_notes(cells[0])
        if not name or all(cells[n] == "" for n in at.values()):
            continue
        name = _WORLD if name.lower().startswith(("total", "world total")) else name
        for year, n in at.items():
            marks = cells[n + 1] if n + 1 < len(cells) else ""
            rows.append((line, name, "e" in notes or "e" in marks))
            years.append(str(year))
            values.append("0" if cells[n] in _NOTHING else cells[n].replace(",", ""))
        if name == _WORLD:
            break
    index = pd.Index([line for line, *_ in rows])
    table = pd.DataFrame([r[1:] for r in rows], columns=["producer", "estimated"], index=index)
    cells = {YEAR: pd.Series(years, index=index, name=YEAR), "value": pd.Series(values, index=index, name="value")}
    return _numbers(table, cells[YEAR], cells["value"], path, problems)


def _without_notes(label: str) -> tuple[str, str]:
    """``Indiae, 4`` is India with the notes e (estimated) and 4; ``China3`` China with note 3."""
    names = alpha3_of_name()
    for n in range(len(label), 0, -1):
        if label[:n].strip() in names or label[:n].strip().lower() in ("total", "world total"):
            return label[:n].strip(), label[n:]
    return label.strip(), ""


def _numbers(rows: Any, years: Any, values: Any, path: Path, problems: list[Problem]) -> tuple[Any, list[Problem]]:
    kinds: dict[str, tuple[Any, Kind]] = {YEAR: (years, "integer"), "tonnes": (values.rename("value"), "number")}
    for name, (cells, kind) in kinds.items():
        rows[name], own_problems, _ = parse_column(cells, kind, file=path.name, may_be_empty=False)
        problems += own_problems
    for row in rows.index[rows["tonnes"] < 0]:
        problems.append(Problem("a negative figure", "Correct it", file=path.name, row=int(row), column="value"))
    return rows, problems
