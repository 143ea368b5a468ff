"""The use of rare earths, equation (15): changes of use and of relative prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.errors import InputError
from reestim.estimate.kinds.ree_use import use_changes
from reestim.estimate.ree_use import expected_change
from reestim.estimate.use_noise import noise_structure, spread_of
from reestim.technology import Clock
from tests.recovery.study import AGGREGATE_USE
from tests.recovery.world import small_world


def _even(price: xr.DataArray) -> xr.DataArray:
    coords = {"country": price["country"], "sector": price["sector"]}
    return xr.DataArray(np.ones((8, 8)), coords=coords, dims=("country", "sector"))


def test_changes_of_use_come_from_unit_values_and_span_gaps() -> None:
    _, price, _ = small_world()
    panel = AGGREGATE_USE.copy()
    panel.loc[panel["year"] == 2012, "value"] = np.nan  # a year without its value: the change spans two years
    value = _even(price)
    changes = use_changes(panel, price, value)
    assert changes["use_years"].values.tolist() == [1, 1, 1, 1, 1, 1, 2, 1]
    at = changes.sel(use_observation="USA all 2011")
    np.testing.assert_allclose(at["use_share_change"], np.log(460.0 / 114.0))
    np.testing.assert_allclose(_price_change(changes, "USA all 2011"), np.log(460.0 / 6387) - np.log(114.0 / 13620))
    np.testing.assert_allclose(changes["use_weight"].sum("sector"), 1.0)
    gap = changes.sel(use_observation="USA all 2013")
    np.testing.assert_allclose(gap["use_share_change"], np.log(127.9 / 460.0))


def _price_change(changes: xr.Dataset, observation: str) -> float:
    at = changes.sel(use_observation=observation)
    point = changes["use_point"][int(at["use_in_series"])]
    now, before = (int(point[int(at[name])]) for name in ("use_now", "use_before"))
    return float(changes["use_price"][now] - changes["use_price"][before])


def test_use_of_a_sector_without_unit_values_takes_its_relative_price() -> None:
    _, price, _ = small_world()
    panel = pd.DataFrame({"country": "JPN", "sector": "glass", "year": [2010, 2011], "tonnes": [100.0, 80.0]})
    value = _even(price)
    changes = use_changes(panel, price, value)
    change = changes.isel(use_observation=0)
    dq = float(price.sel(country="JPN", sector="glass").diff("year").sel(year=2011))
    np.testing.assert_allclose(_price_change(changes, "JPN glass 2011"), dq)
    np.testing.assert_allclose(change["use_share_change"], np.log(0.8) + dq)


def test_series_of_a_country_stand_apart_each_with_its_own_error() -> None:
    """An aggregate without unit values takes the mean price of its sectors; errors of two years add up in a change."""
    io, price, _ = small_world()
    imports = pd.DataFrame({"country": "JPN", "sector": "all", "series": "imports", "year": [2010, 2011, 2013]})
    tonnes = imports.assign(series="demand", tonnes=[100.0, 70.0, 90.0], error=[0.3, 0.4, 0.0])
    panel = pd.concat([imports.assign(value=[50.0, 60.0, 30.0]), tonnes])
    value = io["ree_share"].sel(sector=price["sector"])
    changes = use_changes(panel, price, value)
    assert changes["use_series"].values.tolist() == ["JPN all, imports", "JPN all, demand"]
    np.testing.assert_allclose(changes["use_error"], [[0, 0], [0, 0], [0.4, 0.3], [0, 0.4]])
    weight = value.sel(country="JPN") / value.sel(country="JPN").sum()
    mean = (weight * price.sel(country="JPN")).sum("sector")
    dq = float(mean.sel(year=2013) - mean.sel(year=2011))
    np.testing.assert_allclose(_price_change(changes, "JPN all, imports 2013"), dq)
    demand = changes.sel(use_observation="JPN all, demand 2013")
    np.testing.assert_allclose(demand["use_share_change"], np.log(90 / 70) + dq)
    spread = spread_of(noise_structure(changes), 0.3)
    np.testing.assert_allclose(spread, np.sqrt([0.09, 0.18, 0.09 + 0.25, 0.18 + 0.16]))


def test_bad_use_panels_are_listed() -> None:
    _, price, _ = small_world()
    value = _even(price)
    panel = pd.DataFrame(
        {"country": ["USA", "USA", "XXX"], "sector": ["all", "food", "all"], "year": 2010, "tonnes": [1.0, 1.0, 1.0]}
    )
    with pytest.raises(InputError) as caught:
        use_changes(panel, price, value)
    assert len(caught.value.problems) == 2  # one year of an aggregate gives no change, and says nothing wrong


@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_knowledge_is_carried_through_years_without_a_price(rate: float) -> None:
    """Equation (15) over gaps of years by the recursion (2b) itself: in a missing year the price that follows holds."""
    years = [2000, 2001, 2002, 2004, 2007]
    rng, (_, price, _) = np.random.default_rng(0), small_world()
    panel = pd.DataFrame(
        {"country": "USA", "sector": "all", "year": years, "tonnes": 100.0, "value": 100.0 * np.exp(rng.normal(size=5))}
    )
    data = use_changes(panel, price, _even(price)).assign_coords(price_lag=[0])
    level = pd.Series(data["use_price"].values, index=years).reindex(range(2000, 2008)).bfill().to_numpy()
    m, floor = np.linspace(0.1, 0.3, 8), np.log(0.85) - 0.05
    known = [m * level[0]]
    for q in level[1:]:
        known.append(known[-1] + np.maximum(rate * (m * q - known[-1]), floor))
    share = (1 - 0.4) * (level - 1.5 * np.mean(known, axis=1))
    expected = np.diff(share[[t - 2000 for t in years]])
    clock = Clock(rate, 0.15, 0.05)
    found = expected_change(data, np.full(8, 0.4), m, 0.5, clock, None, np.zeros(5), xp=np)
    np.testing.assert_allclose(found, expected, atol=1e-12)
