"""The use of rare earths, equation (15): changes of use and of relative prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.errors import InputError
from reestim.estimate.kinds.ree_use import use_changes
from reestim.estimate.ree_use import partial_adjustment
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
    now, before = (int(at[name].isel(use_lag=0)) for name in ("use_now", "use_before"))
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


def test_bad_use_panels_are_listed() -> None:
    _, price, _ = small_world()
    value = _even(price)
    panel = pd.DataFrame(
        {"country": ["USA", "USA", "XXX"], "sector": ["all", "food", "all"], "year": 2010, "tonnes": [1.0, 1.0, 1.0]}
    )
    with pytest.raises(InputError) as caught:
        use_changes(panel, price, value)
    assert len(caught.value.problems) == 3


def _filtered(q: pd.Series, rate: float) -> pd.Series:
    """F_t = F_{t−1} + λ(q_t − F_{t−1}) year by year, a missing year at the price that follows: the recursion itself."""
    full = q.reindex(range(int(q.index[0]), int(q.index[-1]) + 1)).bfill()
    values = [float(full.iloc[0])]
    for price in full.iloc[1:]:
        values.append(values[-1] + rate * (price - values[-1]))
    return pd.Series(values, index=full.index)


@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_knowledge_follows_prices_at_the_adjustment_rate(rate: float) -> None:
    """The weighted sum over lags is the recursion, over gaps of years too; λ = 1 is the long run."""
    years = [2000, 2001, 2002, 2004, 2007]
    rng = np.random.default_rng(0)
    panel = pd.DataFrame(
        {"country": "USA", "sector": "all", "year": years, "tonnes": 100.0, "value": 100.0 * np.exp(rng.normal(size=5))}
    )
    _, price, _ = small_world()
    changes = use_changes(panel, price, _even(price))
    level = changes["use_price"].values
    history = level[changes["use_now"].values] - level[changes["use_before"].values]
    knowledge = _filtered(pd.Series(level, index=years), rate)
    expected = np.diff([knowledge[t] for t in years])
    np.testing.assert_allclose(partial_adjustment(history, rate, history.shape[1]), expected, atol=1e-12)
