"""The relative price of each sector's own bundle of rare earths (q of equation 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.supply_chain.labelled_arrays import to_array
from reestim.supply_chain.ree_use import market_prices

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def ree_users(io: xr.Dataset) -> list[str]:
    """Sectors that use rare earths in some country.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3.

    Returns
    -------
    list of str
        In the order of ``io``.
    """
    used = (io["ree_share"] > 0).any(COUNTRY)
    return [str(s) for s in io[SECTOR].values if bool(used.sel({SECTOR: s}))]


def world_element_mix(io: xr.Dataset) -> xr.DataArray:
    """Share of each element in what the world pays for the rare earths of a sector.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3.

    Returns
    -------
    xarray.DataArray
        (element, sector), sectors that use rare earths; sums to 1 over elements.
    """
    users = ree_users(io)
    value = (io["element_tonnes"] * io["element_price"]).sel({SECTOR: users}).sum(COUNTRY)
    return (value / value.sum(ELEMENT)).transpose(ELEMENT, SECTOR)


def relative_prices(data: Dataset, io: xr.Dataset) -> xr.DataArray:
    """Log relative price of the rare-earth bundle against the base year.

    q_cjt = Σ_e ϑ_cej [ln p_e,t - ln p_e,base] - [ln cost_cj,t - ln cost_cj,base], with p the price on the
    country's own market, ϑ the value shares of the base year, and cost the index of ``input_costs.csv`` (left out where
    the dataset has no such file). A country where the sector uses no rare earths takes the sector's world mix.

    Parameters
    ----------
    data
        The dataset.
    io
        Its table, from `reestim.ree_input_output`.

    Returns
    -------
    xarray.DataArray
        (country, sector, year), log points: sectors that use rare earths anywhere, all years with prices.

    Raises
    ------
    InputError
        Naming every price or cost index that is missing between the first and the last year; and of a dataset with
        carriers.

    Examples
    --------
    >>> from reestim.supply_chain.prices import relative_prices
    >>> q = relative_prices(data, ree.ree_input_output(data))
    >>> q.dims, bool(abs(q.sel(year=2008)).max() < 1e-12)
    (('country', 'sector', 'year'), True)
    """
    if data.carriers:
        advice = (
            "Estimate on a dataset without carriers.csv and carry the draws here (reestim counterfactual --dataset)"
        )
        named = ", ".join(data.carriers)
        raise InputError(Problem("the price of a carrier is not observed, so a bundle has none", advice, value=named))
    users = ree_users(io)
    price_years, base = [int(y) for y in data.years], int(data.meta.base_year)
    years = list(range(min(price_years), max(price_years) + 1))
    change = _log_change(market_prices(data, sorted({*years, base})), years, base)
    mix = io["element_share"].sel({SECTOR: users})
    mix = xr.where(mix.sum(ELEMENT) > 0, mix, world_element_mix(io))
    q = (mix * change).sum(ELEMENT).transpose(COUNTRY, SECTOR, YEAR)
    if "input_costs" in data:
        q = q - _log_change(_input_costs(data, users, sorted({*years, base})), years, base)
    return q.rename("relative_price").assign_attrs(
        long_name="relative price of the rare-earth bundle",
        units="log points",
        base_year=base,
        deflator="input_costs.csv" if "input_costs" in data else "none",
    )


def _log_change(level: xr.DataArray, years: list[int], base: int) -> xr.DataArray:
    """Log change of a positive level against its base year, log points."""
    log = level.copy(data=np.log(level.values))
    return log.sel({YEAR: years}) - log.sel({YEAR: base}, drop=True)


def _input_costs(data: Dataset, users: list[str], years: list[int]) -> xr.DataArray:
    """Index of the cost of other inputs, (country, sector, year); every cell must be there."""
    labels = {COUNTRY: list(data.countries), SECTOR: users, YEAR: years}
    index = to_array(data["input_costs"], labels, "index")
    holes = index <= 0
    if bool(holes.any()):
        cells = [(c, s, y) for c in labels[COUNTRY] for s in users for y in years if bool(holes.loc[c, s, y])]
        advice = "Add it, or leave input_costs.csv out altogether"
        raise InputError(
            [
                Problem("a cost index is missing", advice, file="input_costs.csv", value=f"{c}, {s}, {y}")
                for c, s, y in cells
            ],
            "the relative prices of rare earths have gaps",
        )
    return index
