"""USGS Data Series 140, rare earths: apparent consumption of the United States and its unit value, by year since 1900.

Two layouts: the workbook of the USGS (``ds140-rare-earths-<year>.xlsx``: a line a year, a column a series), or the same
cells as a tidy CSV (``year, metric, value, unit, value_status``). Mass is tonnes of oxide, unit values US$ a tonne.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.read import Kind, gaps, parse_column
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.imported import Imported, ImportOptions, file_date, unit_value_problem
from reestim.importers.mapping import read_columns
from reestim.importers.sheets import sheets_of, table_below

EDITION = "Data Series 140, rare earths: the workbook of the USGS or its cells as tidy CSV (year, metric, value, unit)"
TONNES, UNIT_VALUE = "apparent_consumption", "unit_value_current_usd"
_UNITS = {TONNES: "metric_tons_reo_equivalent", UNIT_VALUE: "usd_per_metric_ton_reo_current"}
#: Heads of the workbook's columns.
_HEADS = {"year": YEAR, "apparent consumption": TONNES, "unit value ($/t)": UNIT_VALUE}
#: What stands in a cell without a figure: not available, withheld.
_NOT_THERE = {"", "NA", "N/A", "W", "--", "—"}
#: US$/kg of the average tonne consumed since 1950: 0.6 to 58 (2011). Before, figures scatter down to 0.003 (1938).
USUAL_UNIT_VALUE, USUAL_SINCE = (0.05, 300.0), 1950
#: Tonnes of oxide that the United States have consumed in a year; 26,500 at most.
_MOST_TONNES = 100_000.0


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``ree_use_panel.csv``: USA, all sectors, tonnes consumed and their value (tonnes times unit value).

    Raises InputError listing another layout, repeated or missing years, cells that are not figures, other units,
    magnitudes that are not plausible, and more than one file.
    """
    del work
    path, problems = files[0], _one_file(files)
    rows, own_problems = _sheet(path) if path.suffix.lower() in (".xlsx", ".xls") else _tidy(path)
    problems += own_problems
    if rows is None or problems:
        raise InputError(problems, "Data Series 140 cannot be used")
    wide = rows.pivot_table(index=YEAR, columns="metric", values="value", dropna=False)
    for hole in gaps(wide.index):
        problems.append(Problem("a year is missing from the series", "Use the whole file", file=path.name, value=hole))
    both = wide.dropna()
    for year, tonnes, price in both[[TONNES, UNIT_VALUE]].itertuples():
        what = f"a tonne consumed in {year}"
        if year >= USUAL_SINCE:
            value, confirmed = tonnes * price / 1e6, choices.confirm_units
            problems += unit_value_problem(value, tonnes, USUAL_UNIT_VALUE, what, path.name, confirmed)
        if tonnes > _MOST_TONNES and not choices.confirm_units:
            advice = "Are these kilograms? If the file is right, say --confirm-units"
            message = f"more than {_MOST_TONNES:,.0f} t of oxide in {year}"
            problems.append(Problem(message, advice, file=path.name, column=TONNES, value=tonnes))
    if problems:
        raise InputError(problems, "Data Series 140 cannot be used")
    source_text = f"read: USGS Data Series 140, file of {file_date(path)}: apparent consumption and unit value"
    panel = pd.DataFrame(
        {
            COUNTRY: "USA",
            SECTOR: "all",
            YEAR: both.index,
            "tonnes": both[TONNES].to_numpy(),
            "value": (both[TONNES] * both[UNIT_VALUE] / 1e6).round(6).to_numpy(),
            "source": source_text,
            "verified": True,
        }
    )
    inner = wide.loc[both.index.min() : both.index.max()] if len(both) else wide
    gone = [str(year) for year in inner.index if year not in both.index]
    left_out = [f"years without both figures (not available or withheld): {', '.join(gone)}"] if gone else []
    rules = ["value: tonnes of apparent consumption times the unit value of the year, US$ a tonne / 1e6"]
    return Imported({"ree_use_panel": panel}, EDITION, rules, left_out)


def _one_file(files: Sequence[Path]) -> list[Problem]:
    advice = "Give the file of rare earths alone"
    return [Problem("one file is expected", advice, file=path.name) for path in files[1:]]


def _tidy(path: Path) -> tuple[Any, list[Problem]]:
    cells, problems = read_columns(path, (YEAR, "metric", "value", "unit"))
    if cells is None:
        problems.append(Problem("this is not the layout that is read", f"Expected: {EDITION}", file=path.name))
        return None, problems
    if "commodity" in cells and set(cells["commodity"]) != {"rare_earths"}:
        other = ", ".join(sorted(set(cells["commodity"]) - {"rare_earths"})[:3])
        problems.append(
            Problem("the file is of another commodity", f"Expected: {EDITION}", file=path.name, value=other)
        )
    rows = cells[cells["metric"].isin(list(_UNITS))]
    if "geography_code" in rows:
        rows = rows[rows["geography_code"] == "USA"]
    problems += [
        Problem("the series is missing", f"Expected: {EDITION}", file=path.name, column="metric", value=name)
        for name in _UNITS
        if name not in set(rows["metric"])
    ]
    for row, metric, unit in rows[["metric", "unit"]].itertuples():
        if unit != _UNITS[metric]:
            place: Any = {"file": path.name, "row": int(row), "column": "unit", "value": unit}
            problems.append(Problem("another unit", f"{metric} is read in {_UNITS[metric]}", **place))
    return _figures(rows[[YEAR, "metric", "value"]], path, problems)


def _sheet(path: Path) -> tuple[Any, list[Problem]]:
    sheets, problems = sheets_of(path)
    tables = [table_below(sheet, list(_HEADS), _simple) for sheet in sheets.values()]
    table = next((t for t in tables if t is not None), None)
    if table is None:
        advice = f"Expected: {EDITION}; a line with the heads Year, Apparent consumption, Unit value ($/t)"
        return None, [*problems, Problem("no sheet has the table", advice, file=path.name)]
    years = table[table["year"].str.fullmatch(r"\d{4}")].rename(columns=_HEADS)  # notes stand below the figures
    rows = years.melt(YEAR, [TONNES, UNIT_VALUE], "metric", "value", ignore_index=False)
    return _figures(rows, path, problems)


def _simple(head: str) -> str:
    """Heads carry numbers of footnotes and line breaks in some editions: only the words count."""
    return " ".join(head.lower().split()).rstrip("0123456789, ")


def _figures(rows: Any, path: Path, problems: list[Problem]) -> tuple[Any, list[Problem]]:
    there = rows[~rows["value"].isin(_NOT_THERE)].copy()
    kinds: dict[str, Kind] = {YEAR: "integer", "value": "number"}
    for name, kind in kinds.items():
        there[name], own_problems, _ = parse_column(there[name], kind, file=path.name, may_be_empty=False)
        problems += own_problems
    for row in there.index[there["value"] <= 0]:
        place: Any = {"file": path.name, "row": int(row), "value": there["value"][row]}
        problems.append(Problem("a figure that is not above 0", "Correct it, or blank the cell", **place))
    for row, year, metric in there.loc[there.duplicated([YEAR, "metric"]), [YEAR, "metric"]].itertuples():
        place = {"file": path.name, "row": int(row), "value": f"{year}, {metric}"}
        problems.append(Problem("the year is repeated", "Keep one row", **place))
    if there.empty and not problems:
        problems.append(Problem("there are no figures", f"Expected: {EDITION}", file=path.name))
    missing = rows[rows["value"].isin(_NOT_THERE)].copy()
    missing[YEAR] = pd.to_numeric(missing[YEAR], errors="coerce")
    if bool(missing[YEAR].isna().any()):
        problems.append(Problem("a year is not a number", f"Expected: {EDITION}", file=path.name, column=YEAR))
        return None, problems
    blank = missing.assign(**{YEAR: missing[YEAR].astype("int64"), "value": float("nan")})
    return pd.concat([there, blank]), problems
