"""Prices by element as the estimation takes them, where ρ is estimated or the equilibrium predicts the event study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from reestim.dims import ELEMENT, SECTOR, YEAR
from reestim.supply_chain.prices import world_element_mix
from reestim.supply_chain.ree_use import market_prices

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def bundle_inputs(data: Dataset, io: xr.Dataset, relative_price: xr.DataArray) -> xr.Dataset:
    """Prices by element behind q, in its years: ``element_price`` (country, element, year), log change against the
    base year on the country's own market; ``element_weight`` (country, sector, element), ϑ of the base year;
    ``input_cost`` (country, sector, year), the log cost of other inputs that q is relative to.
    """
    base, users = int(data.meta.base_year), relative_price[SECTOR].values
    years = [int(y) for y in relative_price[YEAR].values]
    level = market_prices(data, list(range(min(*years, base), max(*years, base) + 1)))
    change: xr.DataArray = np.log(level) - np.log(level.sel({YEAR: base}, drop=True))  # pyright: ignore
    price = change.sel({YEAR: years})
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
