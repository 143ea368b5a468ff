"""A plain world table as tidy CSV or Excel: one file a year, ``<name>_<year>.csv``, million US$; absent cells are 0.

Columns exporter, input, importer, use, value; ``use`` is the buying industry, or one of the final uses below. Countries
by code or name; names become codes, by which facts on rare earths are known (docs/own-data.md).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.read import parse_column
from reestim.errors import InputError, Problem, closest
from reestim.importers.countries import code_of_country
from reestim.importers.own_table import read_own_columns
from reestim.importers.sources.arrays import by_year
from reestim.importers.world import RawTable

COLUMNS = ("exporter", "input", "importer", "use", "value")
FINAL = ("final", "households", "government", "investment", "inventories")
_FILE = re.compile(r".*?(\d{4})\.(?:csv|xlsx)")


def files(tables: Path) -> dict[int, Path]:
    """Files by year."""
    return by_year(tables, _FILE)


def read(path: Path, year: int) -> RawTable:
    """One file. Raises InputError listing everything wrong with it."""
    table, problems = _read(path)
    if problems or table is None:
        raise InputError(problems, f"the table of {year} cannot be used")
    for name in ("exporter", "importer"):
        table[name] = table[name].map(code_of_country)
    regions = tuple(dict.fromkeys([*table["exporter"], *table["importer"]]))
    industries = tuple(dict.fromkeys(table["input"]))
    for row, use in table["use"][~table["use"].isin([*industries, *FINAL])].items():
        advice = closest(use, [*industries, *FINAL])
        problems.append(Problem("unknown use", advice, file=path.name, row=int(row), column="use", value=use))
    for row in table.index[table.duplicated(list(COLUMNS[:4]))]:
        key = ", ".join(table.loc[row, list(COLUMNS[:4])])
        problems.append(Problem("the key is repeated", "Keep one row", file=path.name, row=int(row), value=key))
    if len(regions) < 2:
        problems.append(Problem("there are fewer than two countries", "Give all of them", file=path.name))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    n, s = len(regions), len(industries)
    seller = pd.Index(regions).get_indexer(table["exporter"]) * s + pd.Index(industries).get_indexer(table["input"])
    buyer = pd.Index(regions).get_indexer(table["importer"])
    intermediate, final = np.zeros((n * s, n * s)), np.zeros((n * s, n, len(FINAL)))
    inner = table["use"].isin(industries).to_numpy()
    value = table["value"].to_numpy(dtype=float)
    user = buyer * s + pd.Index(industries).get_indexer(table["use"])
    intermediate[seller[inner], user[inner]] = value[inner]
    kind = pd.Index(FINAL).get_indexer(table["use"])
    final[seller[~inner], buyer[~inner], kind[~inner]] = value[~inner]
    return RawTable(year, path.name, regions, industries, intermediate, final)


def _read(path: Path) -> tuple[Any, list[Problem]]:
    cells, problems = read_own_columns(path, COLUMNS, "value")
    if cells is None:
        return None, problems
    typed = {}
    for name in COLUMNS:
        kind: Any = "number" if name == "value" else "text"
        typed[name], found, _ = parse_column(cells[name], kind, file=path.name, may_be_empty=False)
        problems += found
    return pd.DataFrame(typed), problems
