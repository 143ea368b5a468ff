"""``growth_accounts.csv``: volumes and cost shares by country, sector and year; what must hold within the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.read import read_cells
from reestim.data.tables import check_table
from reestim.dims import CAPITAL, COUNTRY, LABOR, PANEL_KEY, SECTOR, YEAR
from reestim.errors import InputError, Problem

INTERMEDIATES = "intermediates"
REE = "ree"
INPUTS = (LABOR, CAPITAL, INTERMEDIATES)
GROWTH_ACCOUNTS = "growth_accounts"
ACCOUNTS_FILE = f"{GROWTH_ACCOUNTS}.csv"
#: Cost shares of a row may be rounded: their sum may differ from 1 by this much.
COST_SHARE_TOLERANCE = 1e-3
COLUMNS_NEEDED = (*PANEL_KEY, "output", *INPUTS, *(f"{name}_share" for name in INPUTS))


def read_accounts(path: Path) -> pd.DataFrame:
    """Read one file in the layout of ``growth_accounts.csv``; its index holds the line numbers.

    Raises InputError listing columns and cells that cannot be read, out of range, or repeated. What must hold between
    rows is checked by ``account_problems``, because it depends on whether intermediates hold the rare earths.
    """
    cells, problems = read_cells(path)
    if cells is None:
        raise InputError(problems, "the growth accounts cannot be used")
    table, table_problems, _ = check_table(GROWTH_ACCOUNTS, cells)
    if table.empty and not (problems or table_problems):
        problems = [Problem("the file has no rows", "Give a row for each country, sector and year", file=path.name)]
    if problems or table_problems:
        raise InputError([*problems, *table_problems], "the growth accounts cannot be used")
    return table


def inputs_of(accounts: pd.DataFrame) -> Sequence[str]:
    """Inputs that the accounts tell apart, in the order of the contributions."""
    return (*INPUTS, REE) if REE in accounts and bool(accounts[REE].notna().any()) else INPUTS


def account_problems(accounts: pd.DataFrame) -> list[Problem]:
    """What is wrong with growth accounts whose columns and types are right; rows are named by their index.

    Shares that are negative or do not sum to 1, volumes that are not above 0, rare earths with a volume but no share
    (or in some years only), repeated rows, gaps between years, and series of one year.
    """
    if missing := [name for name in COLUMNS_NEEDED if name not in accounts]:
        advice = f"The file needs {', '.join(COLUMNS_NEEDED)}"
        return [Problem("the column is missing", advice, file=ACCOUNTS_FILE, column=name) for name in missing]
    return [*_cell_problems(accounts), *_row_problems(accounts), *_series_problems(accounts)]


def _problem(row: object, message: str, advice: str, column: str | None = None, value: object = None) -> Problem:
    line = int(row) if isinstance(row, int | np.integer) else None
    return Problem(message, advice, file=ACCOUNTS_FILE, row=line, column=column, value=value)


def _cell_problems(accounts: Any) -> list[Problem]:
    problems = []
    names = [name for name in (*INPUTS, REE) if name in accounts]
    for name in ("output", *names):
        good = accounts[name] > 0
        for row in accounts.index[~(good | accounts[name].isna() if name == REE else good)]:
            advice = "Volumes are indices above 0; correct it, or leave the series out"
            problems.append(_problem(row, "a volume is not above 0", advice, name, accounts[name][row]))
    for name in names:
        share = f"{name}_share"
        if share not in accounts:
            continue
        for row in accounts.index[accounts[share] < 0]:
            advice = "Shares are fractions of cost, 0 to 1"
            problems.append(_problem(row, "a cost share is negative", advice, share, accounts[share][row]))
    return problems


def _row_problems(accounts: Any) -> list[Problem]:
    problems = []
    with_ree = REE in accounts or f"{REE}_share" in accounts
    if with_ree:
        nothing = pd.Series(np.nan, index=accounts.index)
        volume, share = accounts.get(REE, nothing).notna(), accounts.get(f"{REE}_share", nothing).notna()
        for row in accounts.index[volume != share]:
            message = "rare earths have a volume but no share" if volume[row] else "rare earths have a share, no volume"
            problems.append(_problem(row, message, "Give both, or neither", REE if share[row] else f"{REE}_share"))
    names = [f"{name}_share" for name in (*INPUTS, REE) if f"{name}_share" in accounts]
    total = accounts[names].fillna({f"{REE}_share": 0.0}).sum(axis=1, skipna=False)
    for row in accounts.index[~((total - 1).abs() <= COST_SHARE_TOLERANCE)]:
        advice = f"They sum to {total[row]:.6g}; rare earths count apart from {INTERMEDIATES}"
        key = ", ".join(str(accounts[name][row]) for name in PANEL_KEY)
        problems.append(_problem(row, "the cost shares do not sum to 1", advice, f"{LABOR}_share", key))
    return problems


def _series_problems(accounts: Any) -> list[Problem]:
    problems = []
    for row in accounts.index[accounts.duplicated(PANEL_KEY)]:
        key = ", ".join(str(accounts[name][row]) for name in PANEL_KEY)
        problems.append(_problem(row, "the key is repeated", "Keep one row a country, sector and year", value=key))
    for (country, sector), rows in accounts.groupby([COUNTRY, SECTOR], sort=False):
        years = sorted({int(year) for year in rows[YEAR]})
        label = f"{country}, {sector}"
        gaps = [str(year) for year in range(years[0], years[-1]) if year not in years]
        if gaps:
            advice = "Growth is from year to year: add them, or start the series after the gap"
            problems.append(_problem(rows.index[0], f"years are missing: {', '.join(gaps)}", advice, YEAR, label))
        if len(years) == 1:
            advice = "Growth needs two years at least: add one, or leave the series out"
            problems.append(_problem(rows.index[0], "the series has one year only", advice, YEAR, label))
        if REE in rows and rows[REE].isna().any() and rows[REE].notna().any():
            advice = "Give them in every year of the series, or in none"
            problems.append(_problem(rows.index[0], "rare earths are given in some years only", advice, REE, label))
    return problems
