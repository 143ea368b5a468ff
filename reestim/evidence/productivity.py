"""Sectoral TFP: Törnqvist growth accounting of gross output, the rare-earth input apart from other intermediates.

    Δ ln y = Σ_h s̄_h Δ ln x_h + Δ ln TFP,   s̄_h = (s_h,t−1 + s_h,t) / 2

over the inputs h: labor, capital, intermediates (without rare earths) and ree, with cost shares s_h. Jorgenson,
Gollop, Fraumeni (1987); the index is exact for a translog technology (Diewert 1976).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.growth_accounts import ACCOUNTS_FILE, INTERMEDIATES, REE, account_problems, inputs_of
from reestim.data.read import read_cells
from reestim.dims import COUNTRY, PANEL_KEY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.io.files import atomic_write

PRODUCTION_INPUT = "production_input"


def growth_accounting(accounts: pd.DataFrame) -> xr.Dataset:
    """Decompose growth of output by source, for every country, sector and year of ``growth_accounts.csv``.

    Δ ln y = Σ_h s̄_h Δ ln x_h + Δ ln TFP over the inputs h, s̄_h the mean cost share of two years (Törnqvist; Jorgenson,
    Gollop and Fraumeni 1987).

    Parameters
    ----------
    accounts : pandas.DataFrame
        Columns country, sector, year; output, labor, capital, intermediates and optionally ree (volume indices, above
        0, any base); labor_share, capital_share, intermediates_share and ree_share (fractions of cost that sum to 1).
        Where ree is given, ``intermediates`` are the others; ``without_ree`` takes them apart.

    Returns
    -------
    xarray.Dataset
        Log points; missing where a series has no year before, or no such country-sector: ``output_growth``,
        ``tfp_growth`` (country, sector, year), ``contribution`` (country, sector, year, production_input), and ``tfp``
        (country, sector, year), an index that is 1 in the first year of each series. Output growth is the sum of the
        contributions and TFP growth.

    Raises
    ------
    InputError
        Listing everything wrong with the accounts.

    Examples
    --------
    >>> import pandas as pd
    >>> import reestim as ree
    >>> accounts = pd.DataFrame({
    ...     "country": "USA", "sector": "motors", "year": [2010, 2011], "output": [1.0, 1.10], "labor": [1.0, 1.02],
    ...     "capital": [1.0, 1.05], "intermediates": [1.0, 1.08], "labor_share": 0.3, "capital_share": 0.2,
    ...     "intermediates_share": 0.5,
    ... })
    >>> growth = ree.growth_accounting(accounts).sel(country="USA", sector="motors", year=2011)
    >>> round(float(growth["tfp_growth"]), 4)  # ln 1.10 - 0.3 ln 1.02 - 0.2 ln 1.05 - 0.5 ln 1.08
    0.0411
    """
    problems = account_problems(accounts)
    if problems:
        raise InputError(problems, "the growth accounts cannot be used")
    table: Any = accounts.sort_values(PANEL_KEY, kind="stable").reset_index(drop=True)
    series = table.groupby([COUNTRY, SECTOR], sort=False)
    names = inputs_of(table)
    growth = pd.DataFrame({name: np.log(table[name]) for name in ("output", *names)})
    growth = growth.groupby([table[COUNTRY], table[SECTOR]], sort=False).diff()
    parts = pd.DataFrame(
        {name: growth[name] * (table[f"{name}_share"] + series[f"{name}_share"].shift()) / 2 for name in names}
    )
    if REE in names:  # a series without rare earths beside series that have them
        parts[REE] = parts[REE].mask(table[REE].isna() & growth["output"].notna(), 0.0)
    tfp_growth = growth["output"] - parts.sum(axis=1, skipna=False)
    cumulated = tfp_growth.fillna(0.0).groupby([table[COUNTRY], table[SECTOR]], sort=False).cumsum()
    table = table[PANEL_KEY].assign(output_growth=growth["output"], tfp_growth=tfp_growth, tfp=np.exp(cumulated))
    ds = table.set_index(PANEL_KEY).to_xarray()
    by_input = parts.set_index(pd.MultiIndex.from_frame(table[PANEL_KEY])).to_xarray().to_dataarray(PRODUCTION_INPUT)
    ds["contribution"] = by_input.transpose(COUNTRY, SECTOR, YEAR, PRODUCTION_INPUT)
    units = {"units": "log points"}
    ds["output_growth"].attrs = {"long_name": "growth of gross output, Δ ln y"} | units
    ds["tfp_growth"].attrs = {"long_name": "growth of total factor productivity"} | units
    ds["contribution"].attrs = {"long_name": "mean cost share times growth of the input"} | units
    ds["tfp"].attrs = {"long_name": "total factor productivity, first year of the series = 1", "units": "index"}
    return ds


def without_ree(accounts: pd.DataFrame) -> pd.DataFrame:
    """Take the rare earths out of the intermediates of growth accounts.

    The share of the others is the difference, their volume the chained Törnqvist index that, joined with rare earths,
    gives the growth of all intermediates back: Δ ln o = (s̄_m Δ ln m − s̄_r Δ ln r) / (s̄_m − s̄_r); 1 in the first year.

    Parameters
    ----------
    accounts
        Columns of data/README.md, intermediates with the rare earths in them.

    Returns
    -------
    pandas.DataFrame
        The same columns; rows without rare earths stay as they are.

    Raises
    ------
    InputError
        Where ree or ree_share are absent, or rare earths cost more than all intermediates.
    """
    if not {REE, f"{REE}_share"} <= set(accounts):
        problem = Problem(
            "there are no rare earths to take apart", "Add the columns ree and ree_share", file=ACCOUNTS_FILE
        )
        raise InputError(problem, "the growth accounts cannot be used")
    with_intermediates = accounts.assign(**{f"{INTERMEDIATES}_share": _other_share(accounts)})
    problems = account_problems(with_intermediates)
    if problems:
        raise InputError(problems, "the growth accounts cannot be used")
    table: Any = accounts.sort_values(PANEL_KEY, kind="stable")
    keys = [table[COUNTRY], table[SECTOR]]
    split = table[REE].notna()
    mean = {
        name: (table[f"{name}_share"] + table.groupby([COUNTRY, SECTOR], sort=False)[f"{name}_share"].shift()) / 2
        for name in (INTERMEDIATES, REE)
    }
    growth = {name: np.log(table[name]).groupby(keys, sort=False).diff() for name in (INTERMEDIATES, REE)}
    others = mean[INTERMEDIATES] * growth[INTERMEDIATES] - mean[REE] * growth[REE]
    others = (others / (mean[INTERMEDIATES] - mean[REE])).fillna(0.0)
    index = np.exp(others.groupby(keys, sort=False).cumsum())
    table[INTERMEDIATES] = table[INTERMEDIATES].mask(split, index)
    table[f"{INTERMEDIATES}_share"] = _other_share(table)
    return table.sort_index()


def _other_share(accounts: pd.DataFrame) -> Any:
    return accounts[f"{INTERMEDIATES}_share"] - accounts[f"{REE}_share"].fillna(0.0)


def outcome_rows(accounting: xr.Dataset) -> pd.DataFrame:
    """TFP indices as rows of ``outcomes.csv``.

    Parameters
    ----------
    accounting
        From `reestim.growth_accounting`.

    Returns
    -------
    pandas.DataFrame
        country, sector, year, outcome (``tfp``), value.
    """
    table = accounting["tfp"].to_series().dropna().rename("value").reset_index()
    table.insert(3, "outcome", "tfp")
    return table


def as_table(accounting: xr.Dataset) -> pd.DataFrame:
    """Growth accounting as a table, one row a country, sector and year.

    Parameters
    ----------
    accounting
        From `reestim.growth_accounting`.

    Returns
    -------
    pandas.DataFrame
        output_growth, one column a contribution, tfp_growth (log points), tfp (index).
    """
    wide = accounting["contribution"].to_dataset(PRODUCTION_INPUT)
    wide = wide.rename({name: f"{name}_contribution" for name in wide.data_vars})
    table = xr.merge([accounting["output_growth"], wide, accounting["tfp_growth"], accounting["tfp"]])
    return table.to_dataframe().dropna(subset=["tfp"]).reset_index()


def average_growth(table: pd.DataFrame) -> pd.DataFrame:
    """Means over the years.

    Parameters
    ----------
    table
        From `as_table`.

    Returns
    -------
    pandas.DataFrame
        country, sector, years, then output_growth, contributions, tfp_growth (log points a year).
    """
    parts = [name for name in table.columns if name.endswith(("_growth", "_contribution"))]
    rows = []
    groups: Any = table.groupby([COUNTRY, SECTOR], sort=False)
    for (country, sector), series in groups:
        years = f"{series[YEAR].min()}-{series[YEAR].max()}"
        rows.append((country, sector, years, *(float(series[name].mean()) for name in parts)))
    return pd.DataFrame(rows, columns=[COUNTRY, SECTOR, "years", *parts])


def write_results(
    accounting: xr.Dataset, out: Path | None, outcomes: Path | None, *, overwrite: bool = False
) -> list[Path]:
    """Write the table of all years, and the TFP indices among the outcomes of a dataset.

    Parameters
    ----------
    accounting
        From `reestim.growth_accounting`.
    out
        File for the table of all years, if one is wanted.
    outcomes
        An ``outcomes.csv`` whose other outcomes stay, if it is to get the indices.
    overwrite
        Whether what is there may be replaced.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        Before anything is written: a file that is there already and may not be replaced, an ``outcomes.csv`` that holds
        TFP already or cannot be read.
    """
    problems = []
    if out is not None and out.exists() and not overwrite:
        problems.append(Problem("the file exists already", "Name a new one, or say --overwrite", value=str(out)))
    rows = outcome_rows(accounting)
    if outcomes is not None and outcomes.exists():
        existing, outcome_problems = _known_outcomes(outcomes)
        problems += outcome_problems
        if existing is not None:
            if (existing["outcome"] == "tfp").any() and not overwrite:
                advice = "Say --overwrite to put these in their place"
                problems.append(Problem("the file holds outcomes 'tfp' already", advice, file=outcomes.name))
            rows = pd.concat([existing[existing["outcome"] != "tfp"], rows], ignore_index=True)
    if problems:
        raise InputError(problems, "nothing was written")
    written = []
    if out is not None:
        written.append(atomic_write(out, _csv(as_table(accounting))))
    if outcomes is not None:
        written.append(atomic_write(outcomes, _csv(rows)))
    return written


def _known_outcomes(path: Path) -> tuple[Any, list[Problem]]:
    """Read the rows of an ``outcomes.csv`` as text, so that they go back as they were."""
    table, problems = read_cells(path)
    if table is not None and "outcome" not in table:
        problems.append(Problem("the column is missing", "Give an outcomes.csv", file=path.name, column="outcome"))
    return (None if problems else table), problems


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()
