"""Relative prices as the estimation takes them: at several lags, and by element where ρ is to be estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, PRICE_LAG, SECTOR, YEAR
from reestim.supply_chain.prices import relative_prices, world_element_mix
from reestim.supply_chain.ree_use import market_prices

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def several_lags(data: Dataset, io: xr.Dataset, lags: Sequence[int]) -> xr.DataArray:
    """q (country, sector, year) at the one lag, or (..., price_lag) in the years that have a price at every lag."""
    if len(lags) == 1:
        return relative_prices(data, io, lag=lags[0])
    parts = [relative_prices(data, io, lag=lag).drop_attrs() for lag in lags]
    joined = xr.concat(parts, xr.IndexVariable(PRICE_LAG, list(lags)), join="inner")
    return joined.transpose(COUNTRY, SECTOR, YEAR, PRICE_LAG).rename("relative_price")


def bundle_inputs(data: Dataset, io: xr.Dataset, relative_price: xr.DataArray) -> xr.Dataset:
    """Prices by element behind q, at its years and lags: ``element_price`` (country, element, year[, price_lag]), log
    change against the base year on the country's own market; ``element_weight`` (country, sector, element), ϑ of the
    base year; ``input_cost`` (country, sector, year[, price_lag]), the log cost of other inputs that q is relative to.
    """
    base, users = int(data.meta.base_year), relative_price[SECTOR].values
    years = sorted({int(y) for y in data.years} | {base})
    level = market_prices(data, list(range(min(years), max(years) + 1)))
    change: xr.DataArray = np.log(level) - np.log(level.sel({YEAR: base}, drop=True))  # pyright: ignore
    lags = relative_price[PRICE_LAG].values if PRICE_LAG in relative_price.dims else [relative_price.attrs[PRICE_LAG]]
    at_lags = [change.assign_coords({YEAR: change[YEAR] + int(k)}).sel({YEAR: relative_price[YEAR]}) for k in lags]
    price = xr.concat(at_lags, xr.IndexVariable(PRICE_LAG, list(lags)))
    price = price if PRICE_LAG in relative_price.dims else price.isel({PRICE_LAG: 0}, drop=True)
    mix = io["element_share"].sel({SECTOR: users})
    mix = xr.where(mix.sum(ELEMENT) > 0, mix, world_element_mix(io))
    cost = (mix * price).sum(ELEMENT) - relative_price  # q = Σ ϑ p − cost
    log = {"units": "log points"}
    return xr.Dataset(
        {
            "element_price": price.assign_attrs(long_name="log price of an element against the base year", **log),
            "element_weight": mix.assign_attrs(long_name="share of an element in its bundle", units="share"),
            "input_cost": cost.assign_attrs(long_name="log cost of other inputs against the base year", **log),
        }
    )
