"""World Input-Output Database, 2016 release: 43 countries and ROW, 56 industries (ISIC revision 4), 2000 to 2014.

Three layouts of one table, million US$ at current basic prices: the workbook ``WIOT<year>_Nov16_ROW.xlsb`` (or saved
as ``.xlsx``), whose lines 3 to 6 name industry, description, country and number of each column; the Stata file
``WIOT<year>_October16_ROW.dta``, with variables ``vAUS1`` to ``vROW61``; and the table that R holds, written as CSV
(``AUS1`` to ``ROW61``). The fifth layout, a cell a row, is ``--source tidy``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.frames import raw_table
from reestim.importers.sources import arrays
from reestim.importers.sources.wiod import MILLIONS_OF_USD
from reestim.importers.world import RawTable

_FILE = re.compile(r"WIOT(\d{4})_(?:Nov16|October16)_ROW\.(?:xlsx|xlsb|dta|csv)")
_COLUMN = re.compile(r"v?([A-Z]{3})(\d{1,2})")
#: Final uses of a country: households, non-profits, government, investment, inventories.
_FINAL = ("CONS_h", "CONS_np", "CONS_g", "GFCF", "INVEN")
#: Rows below the industries that make up output; the row of output itself.
_FACTORS = ("TXSP", "EXP_adj", "PURR", "PURNR", "VA", "IntTTM")
OUTPUT = "GO"
_KEYS = ["IndustryCode", "Country"]
_ADVICE = "Give WIOT<year>_Nov16_ROW.xlsb, its .xlsx, WIOT<year>_October16_ROW.dta or the table of R as CSV"


def files(tables: Path) -> dict[int, Path]:
    """Files by year."""
    return arrays.by_year(tables, _FILE)


def read(path: Path, year: int) -> RawTable:
    """One year, as published. Raises InputError listing everything wrong with the file."""
    table = _sheet(path, year) if path.suffix in (".xlsx", ".xlsb") else _flat(path, year)
    factors = table.index.get_level_values(1).isin([*_FACTORS, OUTPUT, "II_fob"])
    body, below = table[~factors], table[factors].droplevel(0)
    problems = [
        Problem("the row is missing", _ADVICE, file=path.name, value=name)
        for name in ("VA", OUTPUT)
        if name not in below.index
    ]
    uses = body.columns.get_level_values(1).isin(_FINAL)
    unknown = sorted({*body.columns.get_level_values(1)[~uses]} ^ {*body.index.get_level_values(1)})
    problems += [
        Problem("the industry has rows without columns, or the reverse", _ADVICE, file=path.name, value=label)
        for label in unknown[:5]
    ]
    if not uses.any():
        problems.append(Problem("there are no columns of final use", _ADVICE, file=path.name))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    inner, outer = body.loc[:, ~uses], body.loc[:, uses]
    output = below.loc[OUTPUT, ~uses]
    return raw_table(inner, outer, output, year, path.name, tolerance=arrays.TABLE_ROUNDING, may_be_negative=True)


def _sheet(path: Path, year: int) -> Any:
    """The workbook as numbers with (country, industry) rows and columns; totals of columns left out."""
    raw = _workbook(path)
    if raw.shape[0] < 7 or raw.shape[1] < 6:
        raise InputError(Problem("the sheet has no table", _ADVICE, file=path.name), "the file cannot be used")
    problems = []
    unit = str(raw.iloc[3, 0]).strip().strip("()").lower()
    if unit != MILLIONS_OF_USD:
        problems.append(Problem("the unit is not millions of US$", _ADVICE, file=path.name, row=4, value=unit))
    if str(raw.columns.name) not in (str(year), "Sheet1"):
        problems.append(Problem(f"the sheet is not of {year}", _ADVICE, file=path.name, value=str(raw.columns.name)))
    columns = pd.MultiIndex.from_arrays([raw.iloc[line, 4:].astype(str).to_numpy() for line in (4, 2)])
    rows = pd.MultiIndex.from_arrays([raw.iloc[6:, column].astype(str).to_numpy() for column in (2, 0)])
    regions = columns.get_level_values(0) != "TOT"
    cells = raw.iloc[6:, 4:].loc[:, regions]
    named = rows.get_level_values(0).str.fullmatch(r"[A-Z]{3}")
    if problems or not named.any():
        raise InputError(
            problems or Problem("no row names a country in its third cell", _ADVICE, file=path.name),
            f"the table of {year} cannot be used",
        )
    cells = cells[named].set_axis(rows[named]).set_axis(columns[regions], axis=1)
    return _numbers(cells, path)


def _workbook(path: Path) -> Any:
    """The one sheet, cells as they are; its name in ``columns.name``."""
    advice = _ADVICE
    if path.suffix == ".xlsb":
        advice = "Take the Stata file of the release, save the workbook as .xlsx, or install python-calamine"
    try:
        sheets: Any = pd.read_excel(
            path,
            sheet_name=None,
            header=None,
            dtype=object,
            engine="calamine" if path.suffix == ".xlsb" else "openpyxl",
        )
    except Exception as error:  # a missing reader, and whatever a damaged workbook provokes in one
        why = "no reader of .xlsb is installed" if isinstance(error, ImportError) else type(error).__name__
        problem = Problem(f"the workbook cannot be read ({why})", advice, file=path.name)
        raise InputError(problem, "the file cannot be read") from None
    name, sheet = next(iter(sheets.items()))
    return sheet.rename_axis(columns=str(name))


def _flat(path: Path, year: int) -> Any:
    """The Stata file, or the table of R as CSV, in the same form; numbers of columns become industries by the rows."""
    try:
        table: Any = pd.read_stata(path) if path.suffix == ".dta" else pd.read_csv(path, encoding="utf-8-sig")
    except Exception as error:  # what pandas raises depends on what is broken
        problem = Problem(f"the file cannot be read ({type(error).__name__})", _ADVICE, file=path.name)
        raise InputError(problem, "the file cannot be read") from None
    there = [name for name in _KEYS if name in table]
    matches = {name: m for name in map(str, table.columns) if (m := _COLUMN.fullmatch(name)) and m[1] != "TOT"}
    problems = [
        Problem("the column is missing", _ADVICE, file=path.name, row=1, column=name)
        for name in _KEYS
        if name not in there
    ]
    if not matches:
        problems.append(Problem("no column is called vAUS1 or AUS1", _ADVICE, file=path.name, row=1))
    if "Year" in table and set(table["Year"].dropna()) != {year}:
        value = ", ".join(str(y) for y in sorted(set(table["Year"].dropna()))[:3])
        problems.append(Problem(f"the table is not of {year}", _ADVICE, file=path.name, column="Year", value=value))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    country, code = (table[name].astype(str).str.strip() for name in ("Country", "IndustryCode"))
    industries = list(dict.fromkeys(code[country != "TOT"]))
    names = [*industries, *_FINAL]
    if beyond := [name for name, m in matches.items() if not 1 <= int(m[2]) <= len(names)]:
        message = f"the column has no row of its number: there are {len(industries)} industries"
        raise InputError([Problem(message, _ADVICE, file=path.name, column=name) for name in beyond[:5]])
    columns = pd.MultiIndex.from_tuples([(m[1], names[int(m[2]) - 1]) for m in matches.values()])
    return _numbers(
        table[list(matches)].set_axis(pd.MultiIndex.from_arrays([country, code])).set_axis(columns, axis=1), path
    )


def _numbers(cells: Any, path: Path) -> Any:
    """Cells as float64; those that are none are listed by their place."""
    numbers: Any = cells.apply(pd.to_numeric, errors="coerce").astype(float)
    wrong = numbers.isna()
    if not wrong.to_numpy().any():
        return numbers
    problems = []
    for (country, industry), row in wrong[wrong.any(axis=1)].head(5).iterrows():
        user = row.index[row.to_numpy()][0]
        value = f"{country} {industry} to {' '.join(user)}: {cells.loc[(country, industry), user]!r}"
        problems.append(Problem("the cell is not a number", "Download the file again", file=path.name, value=value))
    more = int(wrong.to_numpy().sum()) - len(problems)
    if more > 0:
        problems.append(Problem(f"{more} further cells are not numbers", "Download the file again", file=path.name))
    raise InputError(problems, "the file cannot be used")
