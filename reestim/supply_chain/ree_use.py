"""Who uses how many tonnes of which element, who sold them, and at what price."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, EXPORTER, IMPORTER, SECTOR
from reestim.errors import InputError, Problem
from reestim.numerics.ras import ras
from reestim.supply_chain.application_use import stated_use
from reestim.supply_chain.labelled_arrays import to_array

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

EXPORT_MARKET = "export"
HOME_MARKET = "domestic_"  # followed by the country whose buyers pay that price


def element_supply(data: Dataset, use: xr.DataArray) -> xr.DataArray:
    """Tonnes of each element supplied by country, summing to world use.

    Use is known industry by industry, mine output only by its total: so the tonnes used are the total that is kept,
    and producers' shares in the base year's output of each element are what output says.

    Parameters
    ----------
    data
        The dataset.
    use
        World use (element, sector), t REO.

    Returns
    -------
    xarray.DataArray
        (country, element), t REO.

    Raises
    ------
    InputError
        For an element that is used and that nobody produces.
    """
    labels = {COUNTRY: list(data.countries), ELEMENT: list(data.elements)}
    mined = to_array(_base_year(data, "element_output"), labels, "tonnes")
    world = mined.sum(COUNTRY)
    used = use.sum(SECTOR)
    dry = [str(e) for e in data.elements if float(used.sel({ELEMENT: e})) > 0 and float(world.sel({ELEMENT: e})) <= 0]
    if dry:
        message = f"the element is used but nobody mines it in {data.meta.base_year}"
        advice = "Add its producers to element_output.csv, or remove its uses"
        raise InputError([Problem(message, advice, file="element_output.csv", value=e) for e in dry])
    return mined / world.where(world > 0, 1.0) * used


def country_use(data: Dataset, use: xr.DataArray, supply: xr.DataArray, output: xr.DataArray) -> xr.DataArray:
    """Tonnes of each element used by country and sector.

    Countries share the use of a sector by their output of it; of an application in country_use.csv its groups of
    countries have the shares stated there, and share within the group by output. A country with known exports
    (element_exports.csv) uses what it supplies less those exports: its shares of all sectors are shifted by common odds
    (RAS) until that holds.

    Parameters
    ----------
    data
        The dataset.
    use, supply
        World use (element, sector) and supply (country, element), t REO.
    output
        Output of each sector (country, sector), in any unit.

    Returns
    -------
    xarray.DataArray
        (country, element, sector), t REO.

    Raises
    ------
    InputError
        Where a country exports more than it supplies, or a use has no user.
    """
    goods = use[SECTOR].values
    made = output.sel({SECTOR: goods})
    world = made.sum(COUNTRY)
    idle = [str(s) for s in goods if float(use.sel({SECTOR: s}).sum()) > 0 and float(world.sel({SECTOR: s})) <= 0]
    if idle:
        advice = "Move the use to a sector that produces and buys of the host sector (application_sector.csv)"
        raise InputError(
            [
                Problem(
                    "rare earths are used in a sector that nowhere produces with inputs of the host sector",
                    advice,
                    value=s,
                )
                for s in idle
            ]
        )
    share = (made / world.where(world > 0, 1.0)).transpose(COUNTRY, SECTOR)
    seed = stated_use(data, share, made)
    if seed is None:
        seed = (share * use).transpose(COUNTRY, ELEMENT, SECTOR)
    exports = to_array(_base_year(data, "element_exports"), {COUNTRY: list(data.countries)}, "tonnes")
    listed = [str(c) for c in exports[COUNTRY].values if float(exports.sel({COUNTRY: c})) > 0]
    if not listed:
        return seed
    own = (supply.sum(ELEMENT) - exports).sel({COUNTRY: listed})
    problems = [
        Problem(
            "exports of rare earths are larger than what the country supplies",
            "Correct element_exports.csv or element_output.csv",
            file="element_exports.csv",
            value=f"{c}: {float(exports.loc[c]):.6g} t of {float(supply.loc[c].sum()):.6g} t",
        )
        for c in listed
        if float(own.sel({COUNTRY: c})) < 0
    ]
    if problems:
        raise InputError(problems)
    others = ~seed[COUNTRY].isin(listed)
    cells = np.vstack(
        [seed.sel({COUNTRY: listed}).values.reshape(len(listed), -1), seed[others].sum(COUNTRY).values.ravel()]
    )
    totals = np.append(own.values, float(use.sum()) - float(own.sum()))
    names = [f"{e} in {s}" for e in use[ELEMENT].values for s in goods]
    fitted = ras(
        cells, totals, use.values.ravel(), rows=[*listed, "all others"], columns=names, name="use of rare earths"
    )
    fitted = fitted.reshape(len(listed) + 1, *use.shape)
    rest = seed[others].sum(COUNTRY)
    tonnes = seed * (xr.DataArray(fitted[-1], coords=use.coords, dims=use.dims) / rest.where(rest > 0, 1.0))
    for k, country in enumerate(listed):
        tonnes.loc[{COUNTRY: country}] = fitted[k]
    return tonnes


def element_trade_shares(tonnes: xr.DataArray, supply: xr.DataArray, segmented: list[str]) -> xr.DataArray:
    """Shares of exporters in each importer's purchases of each element.

    Segmented countries buy only from themselves. All others buy from one pool, in proportion to what each producer
    supplies to it: what segmented countries do not use themselves, and all that the others mine. Every producer sells
    exactly its supply.

    Parameters
    ----------
    tonnes, supply
        Use (country, element, sector) and supply (country, element), t REO.
    segmented
        Countries with a domestic price of their own.

    Returns
    -------
    xarray.DataArray
        (importer, exporter, element); a column without purchases is zero.

    Raises
    ------
    InputError
        Where a segmented country uses more than it supplies.
    """
    bought = tonnes.sum(SECTOR)
    home = xr.DataArray(np.isin(bought[COUNTRY].values, segmented), coords={COUNTRY: bought[COUNTRY]}, dims=COUNTRY)
    left = (supply - bought.where(home, 0.0)).transpose(COUNTRY, ELEMENT)
    short = left < -1e-9 * supply.sum(COUNTRY)
    problems = [
        Problem(
            "the country buys only from itself but uses more of the element than it supplies",
            "Correct its output (element_output.csv), its exports (element_exports.csv) or its share of the uses",
            value=f"{c}, {e}: {float(bought.loc[c, e]):.6g} t used, {float(supply.loc[c, e]):.6g} t supplied",
        )
        for c in bought[COUNTRY].values
        for e in bought[ELEMENT].values
        if bool(short.loc[c, e])
    ]
    if problems:
        raise InputError(problems, "the use of rare earths cannot be supplied")
    left = left.clip(min=0)
    pool = left.sum(COUNTRY)
    share = (left / pool.where(pool > 0, 1.0)).rename({COUNTRY: EXPORTER})
    importer_home = home.rename({COUNTRY: IMPORTER})
    itself = xr.DataArray(
        np.eye(bought.sizes[COUNTRY]),
        coords={IMPORTER: bought[COUNTRY].values, EXPORTER: bought[COUNTRY].values},
        dims=(IMPORTER, EXPORTER),
    )
    shares = xr.where(importer_home, itself, share) * (bought.rename({COUNTRY: IMPORTER}) > 0)
    return shares.transpose(IMPORTER, EXPORTER, ELEMENT)


def segmented_markets(data: Dataset) -> list[str]:
    """Countries with a domestic price of their own (market ``domestic_<country>``).

    Parameters
    ----------
    data
        The dataset.

    Returns
    -------
    list of str
        Among its countries.

    Examples
    --------
    >>> from reestim.supply_chain.ree_use import segmented_markets
    >>> segmented_markets(data)
    ['CHN']
    """
    markets = set(data["element_prices"]["market"])
    return [c for c in data.countries if f"{HOME_MARKET}{c}" in markets]


def market_prices(data: Dataset, years: list[int]) -> xr.DataArray:
    """Price on each country's market: its domestic one if it has one, else the export price.

    Parameters
    ----------
    data
        The dataset.
    years
        Calendar years.

    Returns
    -------
    xarray.DataArray
        (country, element, year), US$/kg.

    Raises
    ------
    InputError
        Naming every price that is missing.

    Examples
    --------
    >>> from reestim.supply_chain.ree_use import market_prices
    >>> market_prices(data, [2008]).dims
    ('country', 'element', 'year')
    """
    market = {c: EXPORT_MARKET for c in data.countries} | {c: f"{HOME_MARKET}{c}" for c in segmented_markets(data)}
    labels = {"market": list(dict.fromkeys(market.values())), ELEMENT: list(data.elements), "year": years}
    quoted = to_array(data["element_prices"], labels, "price")
    missing = [(m, e, y) for m, e, y in product(*labels.values()) if not float(quoted.loc[m, e, y]) > 0]
    if missing:
        advice = "Add it to element_prices.csv, or ask for fewer years"
        problems = [
            Problem("a price is missing", advice, file="element_prices.csv", value=f"{e} {y}, market {m}")
            for m, e, y in missing
        ]
        raise InputError(problems, "the prices of rare earths have gaps")
    buyers = xr.DataArray([market[c] for c in data.countries], coords={COUNTRY: list(data.countries)}, dims=COUNTRY)
    return quoted.sel(market=buyers).drop_vars("market").transpose(COUNTRY, ELEMENT, "year")


def _base_year(data: Dataset, stem: str) -> pd.DataFrame:
    """Rows of the base year of a file; none where the file is absent."""
    table = data.tables.get(stem, pd.DataFrame(columns=[COUNTRY, ELEMENT, "year", "tonnes"]))
    return table.loc[table["year"] == data.meta.base_year]
