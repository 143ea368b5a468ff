"""Relative prices of rare-earth bundles and predictors of their substitutability."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.supply_chain.prices import ree_users, relative_prices, world_element_mix
from reestim.supply_chain.ree_rows import ree_input_output
from reestim.supply_chain.ree_use import market_prices
from reestim.supply_chain.substitutability import substitutability
from tests.unit.supply_world import COUNTRIES, YEARS, Tables, tiny_world


def test_relative_price_by_hand() -> None:
    data = tiny_world()
    io = ree_input_output(data)
    q = relative_prices(data, io)
    assert q.dims == ("country", "sector", "year")
    assert list(q.sector.values) == ree_users(io) == ["chemicals", "electronics"]
    assert list(q.year.values) == list(YEARS)
    assert q.attrs["units"] == "log points"
    np.testing.assert_allclose(q.sel(year=2008), 0.0, atol=1e-14)  # the base year
    weight = io.element_share.sel(country="JPN", sector="electronics")
    by_hand = float(weight.sel(element="Nd")) * np.log(19 / 32) + float(weight.sel(element="Ce")) * np.log(4 / 4.5)
    assert float(q.sel(country="JPN", sector="electronics", year=2009)) == pytest.approx(by_hand, rel=1e-12)
    # abroad prices rose by a wedge of 1.3 more than in China between 2006 and 2008
    gap = q.sel(country="JPN", sector="electronics") - q.sel(country="CHN", sector="electronics")
    assert float(gap.sel(year=2006)) == pytest.approx(-np.log(1.3), abs=0.02)


def test_other_input_costs_deflate_the_price() -> None:
    def add(tables: Tables) -> None:
        rows = product(COUNTRIES, ("chemicals", "electronics"), YEARS)
        tables["input_costs"] = pd.DataFrame(
            [{"country": c, "sector": s, "year": y, "index": 1.1 ** (y - 2000)} for c, s, y in rows]
        )

    data, plain = tiny_world(add), tiny_world()
    difference = relative_prices(data, ree_input_output(data)) - relative_prices(plain, ree_input_output(plain))
    expected = -np.log(1.1) * (difference.year - 2008)
    np.testing.assert_allclose(difference, expected.broadcast_like(difference), atol=1e-12)

    def add_less(tables: Tables) -> None:
        add(tables)
        tables["input_costs"] = tables["input_costs"].iloc[2:]

    holes = tiny_world(add_less)
    with pytest.raises(InputError, match="a cost index is missing") as caught:
        relative_prices(holes, ree_input_output(holes))
    assert len(caught.value.problems) == 2


def test_every_missing_price_is_named() -> None:
    def cut(tables: Tables) -> None:
        prices = tables["element_prices"]
        gone = (prices["year"] == 2007) & (prices["element"] == "Ce")
        tables["element_prices"] = prices[~gone]

    data = tiny_world(cut)
    with pytest.raises(InputError) as caught:
        relative_prices(data, ree_input_output(data))
    assert sorted(str(p.value) for p in caught.value.problems) == [
        "Ce 2007, market domestic_CHN",
        "Ce 2007, market export",
    ]


def test_a_country_without_the_use_takes_the_worlds_mix() -> None:
    data = tiny_world()
    io = ree_input_output(data)
    idle = io.copy(deep=True)
    idle["ree_share"].loc[{"country": "USA", "sector": "electronics"}] = 0.0
    idle["element_share"].loc[{"country": "USA", "sector": "electronics"}] = 0.0
    q = relative_prices(data, idle).sel(country="USA", sector="electronics")
    prices = market_prices(data, list(YEARS)).sel(country="USA")
    change = np.log(prices / prices.sel(year=2008))
    expected = (world_element_mix(idle).sel(sector="electronics") * change).sum("element")
    np.testing.assert_allclose(q, expected, rtol=1e-12)


def test_substitutability_is_standardised_and_points_the_stated_way() -> None:
    data = tiny_world()
    z = substitutability(data, ree_input_output(data))
    assert z.dims == ("sector", "property")
    assert z.sizes["property"] <= 3
    assert "harder" in z.attrs["direction"]
    np.testing.assert_allclose(z.mean("sector"), 0.0, atol=1e-12)
    np.testing.assert_allclose(z.std("sector"), 1.0, rtol=1e-12)
    # chemicals take mostly Ce (60: hard to replace), electronics mostly Nd (41, the larger moment)
    assert float(z.sel(sector="chemicals", property="substitute_performance")) > 0
    assert float(z.sel(sector="electronics", property="magnetic_moment")) > 0


def test_a_property_that_never_varies_says_nothing_and_a_missing_one_is_named() -> None:
    same = tiny_world(lambda tables: tables["elements"].__setitem__("substitute_performance", 50.0))
    z = substitutability(same, ree_input_output(same))
    np.testing.assert_array_equal(z.sel(property="substitute_performance"), 0.0)
    gone = tiny_world(lambda tables: tables["elements"].pop("magnetic_moment"))
    with pytest.raises(InputError, match="the element has no magnetic_moment"):
        substitutability(gone, ree_input_output(gone))


def test_bundled_world() -> None:
    from reestim.data.dataset import load_dataset

    data = load_dataset("simulated-2010")
    io = ree_input_output(data)
    z, q = substitutability(data, io), relative_prices(data, io)
    assert np.isfinite(z).all()
    assert np.isfinite(q).all()
    assert list(z.sector.values) == list(q.sector.values)
    assert {2010, 2011, 2012} <= set(q.year.values.tolist())
    peak = q.sel(country="JPN", sector="electrical_optical")
    assert int(peak.idxmax()) == 2011
