"""A plain world table as tidy CSV or Excel: one file a year, ``<name>_<year>.csv``, million US$; absent cells are 0.

Columns exporter, input, importer, use, value; ``use`` is the buying industry, or one of the final uses below. Countries
by code or name; names become codes, by which facts on rare earths are known (docs/own-data.md). Rows whose ``input`` is
labor, capital or value_added are what the industry ``use`` of that country pays to its factors; they are optional.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.read import parse_column
from reestim.errors import InputError, Problem
from reestim.importers.countries import code_of_country
from reestim.importers.own_table import read_own_columns
from reestim.importers.sources.arrays import by_year
from reestim.importers.world import RawTable
from reestim.wording import closest

COLUMNS = ("exporter", "input", "importer", "use", "value")
_FINAL = ("final", "households", "government", "investment", "inventories")
LABOR, CAPITAL, VALUE_ADDED = _FACTORS = ("labor", "capital", "value_added")
#: World value added stated and output less inputs may differ by this factor; more is another unit, or another table.
_SAME_TABLE = 1.5
_FILE = re.compile(r".*?(\d{4})\.(?:csv|xlsx)")


def files(tables: Path) -> dict[int, Path]:
    """Files by year."""
    return by_year(tables, _FILE)


def read(path: Path, year: int) -> RawTable:
    """One file. Raises InputError listing everything wrong with it."""
    table, problems = _sales_and_factors(path)
    if problems or table is None:
        raise InputError(problems, f"the table of {year} cannot be used")
    table = table[~table["input"].isin(_FACTORS)]
    regions = tuple(dict.fromkeys([*table["exporter"], *table["importer"]]))
    industries = tuple(dict.fromkeys(table["input"]))
    n, s = len(regions), len(industries)
    seller = pd.Index(regions).get_indexer(table["exporter"]) * s + pd.Index(industries).get_indexer(table["input"])
    buyer = pd.Index(regions).get_indexer(table["importer"])
    intermediate, final = np.zeros((n * s, n * s)), np.zeros((n * s, n, len(_FINAL)))
    inner = table["use"].isin(industries).to_numpy()
    value = table["value"].to_numpy(dtype=float)
    user = buyer * s + pd.Index(industries).get_indexer(table["use"])
    intermediate[seller[inner], user[inner]] = value[inner]
    kind = pd.Index(_FINAL).get_indexer(table["use"])
    final[seller[~inner], buyer[~inner], kind[~inner]] = value[~inner]
    return RawTable(year, path.name, regions, industries, intermediate, final)


def factors(path: Path, year: int) -> tuple[pd.DataFrame | None, list[str]]:
    """Labour and value added by country and industry (country, industry, labor, added) as the file states them, None
    where it does not say what labour earns; and in words how far value added is from output less inputs.

    Raises InputError where it states less than labour, or where its value added cannot be that of the table.
    """
    table, problems = _sales_and_factors(path)
    if problems or table is None:
        raise InputError(problems, f"the table of {year} cannot be used")
    stated: Any = table[table["input"].isin(_FACTORS)]
    if stated.empty:
        return None, []
    rows = stated.pivot_table(index=["importer", "use"], columns="input", values="value", aggfunc="sum")
    rows = rows.reindex(columns=list(_FACTORS))
    raw = read(path, year)
    sold = raw.intermediate.sum(axis=1) + raw.final.sum(axis=(1, 2))
    cells = pd.MultiIndex.from_product([raw.regions, raw.industries], names=["importer", "use"])
    left = pd.Series(sold - raw.intermediate.sum(axis=0), index=cells)
    added = rows[VALUE_ADDED].fillna(rows[LABOR] + rows[CAPITAL]).fillna(left.reindex(rows.index))
    labor = rows[LABOR].fillna(added - rows[CAPITAL])
    for (country, industry), paid in labor[labor > added * (1 + 1e-9)].items():
        message, advice = "labour earns more than value added", "Correct one of them; self-employed income is in both"
        value = f"{country}, {industry}: {paid:,.6g} of {added[country, industry]:,.6g}"
        problems.append(Problem(message, advice, file=path.name, column="value", value=value))
    here = left.reindex(added.dropna().index)
    whole, gap = float(added.sum()), float((added.dropna() - here).abs().sum())
    if whole > 0 and not 1 / _SAME_TABLE < float(here.sum()) / whole < _SAME_TABLE:
        message = "value added of the file is not what output less inputs leaves"
        advice = "Give both in million US$ of the same year; output is what an industry sells in this file"
        value = f"{whole:,.6g} stated, {float(here.sum()):,.6g} left"
        problems.append(Problem(message, advice, file=path.name, column="value", value=value))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    words = []
    if gap > 1e-6 * whole:
        worst = (added.dropna() - here).abs().idxmax()
        words.append(
            f"Value added is output less inputs; what the file states differs by {gap:,.0f} million US$ in all "
            f"({gap / whole:.2%}), most in {', '.join(map(str, worst))}. Labour's share is that of the file."
        )
    frame = pd.DataFrame({"labor": labor, "added": added}).dropna()
    frame = frame[frame["added"] > 0].rename_axis(["country", "industry"]).reset_index()
    return (frame if len(frame) else None), words


def _sales_and_factors(path: Path) -> tuple[Any, list[Problem]]:
    """All rows with codes of countries, or None, and everything wrong with them."""
    table, problems = _read(path)
    if problems or table is None:
        return None, problems
    for name in ("exporter", "importer"):
        table[name] = table[name].map(code_of_country)
    paid = table["input"].isin(_FACTORS)
    industries = list(dict.fromkeys(table.loc[~paid, "input"]))
    unknown = ~table["use"].isin([*industries, *_FINAL]) | (paid & ~table["use"].isin(industries))
    for row, use in table["use"][unknown].items():
        advice = closest(use, industries if paid[row] else [*industries, *_FINAL])
        problems.append(Problem("unknown use", advice, file=path.name, row=int(row), column="use", value=use))
    for row in table.index[table.duplicated(list(COLUMNS[:4]))]:
        key = ", ".join(table.loc[row, list(COLUMNS[:4])])
        problems.append(Problem("the key is repeated", "Keep one row", file=path.name, row=int(row), value=key))
    for row in table.index[paid & (table["exporter"] != table["importer"])]:
        advice = "Factors are paid at home: exporter and importer are the country of the industry"
        place: Any = {"file": path.name, "row": int(row), "column": "exporter", "value": table["exporter"][row]}
        problems.append(Problem("a factor is paid abroad", advice, **place))
    for row in table.index[paid & (table["value"] < 0)]:
        place = {"file": path.name, "row": int(row), "column": "value", "value": table["value"][row]}
        problems.append(Problem("a negative income of a factor", "Put subsidies elsewhere, or leave it out", **place))
    if len({*table["exporter"], *table["importer"]}) < 2:
        problems.append(Problem("there are fewer than two countries", "Give all of them", file=path.name))
    return (None if problems else table), problems


def _read(path: Path) -> tuple[Any, list[Problem]]:
    cells, problems = read_own_columns(path, COLUMNS, "value")
    if cells is None:
        return None, problems
    typed = {}
    for name in COLUMNS:
        kind: Any = "number" if name == "value" else "text"
        typed[name], own_problems, _ = parse_column(cells[name], kind, file=path.name, may_be_empty=False)
        problems += own_problems
    return pd.DataFrame(typed), problems
