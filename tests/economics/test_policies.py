"""Policies: each does what its words say, alone and together, year by year."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from tests.oracles import random_economy, random_parameters, random_scenario


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(61, ree_share=(0.01, 0.1), zero_flows=False)


@pytest.fixture(scope="module")
def parameters(economy: ree.Economy) -> ree.Parameters:
    return random_parameters(61, economy, sigma=0.5, kappa=1.2)


def quantity(result: xr.Dataset, elements: tuple[str, ...]) -> xr.DataArray:
    """ln quantity of mine output, (country, sector): value at the gate over unit cost (margins apart)."""
    return (result.output - result.unit_cost).sel(sector=list(elements))


def test_a_tariff_object_is_the_array_it_stands_for(economy: ree.Economy, parameters: ree.Parameters) -> None:
    array = xr.DataArray([[0.3]], coords={"importer": ["c0"], "exporter": ["c1"]}, dims=("importer", "exporter"))
    by_array = ree.solve(economy, ree.Scenario(tariff=array), parameters)
    by_object = ree.solve(economy, ree.Scenario(policies=(ree.Tariff(0.3, "c0", "c1"),)), parameters)
    xr.testing.assert_allclose(by_array, by_object)
    assert float(abs(by_object.welfare).max()) > 1e-5


def test_a_new_mine_is_its_owner_s_domar_gain_to_first_order(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """Exact welfare and the accounting share their slope in the endowment, deficits held balanced."""
    balanced = economy.rebased("balanced", parameters)
    gaps = []
    for size in (2e-3, 1e-3):
        shock = ree.Scenario(policies=(ree.SupplyShock("c1", "all", 1 + size),))
        result = ree.solve(balanced, shock, parameters, tolerance=1e-13)
        gaps.append(float(abs(result.welfare - result.welfare_first_order / 100).max()))
        assert float(result.endowment_effect.sel(country="c1")) > 0
        assert float(abs(result.endowment_effect.drop_sel(country="c1")).max()) == 0
    assert gaps[1] < 0.3 * gaps[0]


def test_closing_a_mine_costs_the_world_its_ore_and_moves_the_rest_between_countries() -> None:
    """The owner loses its ore. The others lose what they pay more for it, or gain where they sell more than they buy:
    their terms of trade, which cancel over countries, so that without taxes the world loses the ore, to first order."""
    economy = random_economy(62, taxes=False, deficits=False, ree_share=(0.01, 0.1), zero_flows=False)
    parameters = random_parameters(62, economy, sigma=0.5, kappa=1.2)
    income = np.asarray(economy.baseline.income)

    def shut(left: float) -> xr.Dataset:
        shock = ree.Scenario(policies=(ree.SupplyShock("c0", ("e0",), left),))
        return ree.solve(economy, shock, parameters, technology="fixed", tolerance=1e-13)

    gaps = []
    for left in (0.98, 0.99):
        result = shut(left)
        assert income @ result.terms_of_trade.values == pytest.approx(0, abs=1e-12)
        gaps.append(abs(income @ (100 * result.welfare - result.endowment_effect).values))
        others = result.drop_sel(country="c0")
        np.testing.assert_array_equal(np.sign(others.welfare), np.sign(others.terms_of_trade))
        assert set(np.sign(others.welfare.values)) == {-1, 1}, "some gain, some lose"
    assert gaps[1] < 0.3 * gaps[0]
    closed = shut(0.0)
    assert float(closed.output.sel(country="c0", sector="e0")) < -2
    assert float(closed.price.sel(sector="e0").min()) > 0
    assert float(closed.welfare.sel(country="c0")) < float(closed.welfare.drop_sel(country="c0").min())
    assert income @ closed.welfare.values < 0


def test_recycling_lowers_purchases_and_pays_households(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """At unchanged prices a fifth less is bought new; the first-order gain is that fifth of the element's use."""
    result = ree.solve(economy, ree.Scenario(policies=(ree.Recycling(0.2),)), parameters, technology="fixed")
    assert float(result.price.sel(sector=list(economy.elements)).max()) < 0
    b = economy.baseline
    use = np.asarray((b.ree_share * b.output).sum(axis=1) / b.income)
    np.testing.assert_allclose(result.endowment_effect, 100 * 0.2 * use, rtol=1e-12)
    assert float(result.welfare.sum()) > 0


def test_a_subsidy_is_paid_for(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """A small uniform subsidy in a closed, untaxed economy is a transfer: welfare does not move to first order."""
    alone = random_economy(62, countries=1, taxes=False, deficits=False, ree_share=(0.01, 0.1))
    changes = []
    for rate in (0.02, 0.01):
        granted = ree.Scenario(policies=(ree.Subsidy(rate, sectors=("g0",)),))
        result = ree.solve(alone, granted, random_parameters(62, alone), technology="fixed", tolerance=1e-12)
        changes.append(float(result.welfare[0]))
    assert changes[0] < 0
    assert changes[0] / changes[1] == pytest.approx(4, rel=0.1)


def test_an_embargo_is_approached_and_says_how_far(economy: ree.Economy, parameters: ree.Parameters) -> None:
    result = ree.solve(economy, ree.Scenario(policies=(ree.Embargo("c0", "e0", importer="c1"),)), parameters)
    new = float(result.trade_share.sel(importer="c1", exporter="c0", sector="e0"))
    assert 0 <= float(result.embargo_remaining) < 1e-4
    assert new < 1e-3 * float(economy.ds.trade_share.sel(importer="c1", exporter="c0", sector="e0"))
    none = ree.solve(economy, ree.Scenario(policies=(ree.Tariff(0.1, "c0"),)), parameters)
    assert float(none.embargo_remaining) == 0


@pytest.mark.parametrize("technology", ["fixed", "directed"])
def test_joint_supply_moves_the_elements_of_a_mine_together(
    economy: ree.Economy, parameters: ree.Parameters, technology: str
) -> None:
    """A quota on one element: independent mines part, a joint one does not, and its revenue equals its cost."""
    scenario = ree.Scenario(policies=(ree.ExportQuota("c0", ("e0",), 0.5),))
    apart = ree.solve(economy, scenario, parameters, technology)
    joint = ree.solve(economy, scenario, parameters, technology, supply="joint", tolerance=1e-12)
    moved = quantity(apart, economy.elements).sel(country="c0")
    assert abs(float(moved[0] - moved[1])) > 5e-4
    b = economy.baseline
    share = np.asarray(b.output)[:, np.asarray(b.element_index)]
    weight = share / share.sum(axis=1, keepdims=True)
    margin = joint.mine_margin.values
    tonnes = quantity(joint, economy.elements).values - margin
    np.testing.assert_allclose(tonnes - (weight * tonnes).sum(axis=1, keepdims=True), 0, atol=1e-9)
    value = share * np.exp(joint.output.sel(sector=list(economy.elements)).values)
    np.testing.assert_allclose((value * np.exp(-margin)).sum(axis=1), value.sum(axis=1), rtol=1e-10)
    assert np.abs(margin).max() > 1e-4


def test_no_shock_no_change_with_joint_supply(economy: ree.Economy, parameters: ree.Parameters) -> None:
    result = ree.solve(economy, ree.Scenario(), parameters, supply="joint")
    assert float(abs(result.welfare).max()) < 1e-12
    with pytest.raises(InputError, match="unknown supply"):
        ree.solve(economy, ree.Scenario(), parameters, supply="both")


def test_a_transition_starts_at_fixed_and_ends_at_directed_technology(
    economy: ree.Economy, parameters: ree.Parameters
) -> None:
    """And follows (2b) between, a_t − a_{t−1} = max(λ(m·q_t − a_{t−1}), ln(1−δ) − g), also when a quota is lifted."""

    def path(quota: ree.ExportQuota, **changes: float) -> xr.Dataset:
        given = dataclasses.replace(parameters, **changes)
        scenario = ree.Scenario(policies=(quota,))
        return ree.solve(economy, scenario, given, technology="transition", years=range(2010, 2050), tolerance=1e-11)

    quota = ree.ExportQuota("c0", "all", 0.5)
    scenario = ree.Scenario(policies=(quota,))
    fixed, directed = (ree.solve(economy, scenario, parameters, t, tolerance=1e-12) for t in ("fixed", "directed"))
    long = path(quota, adjustment_rate=0.4)
    assert list(long.year.values) == list(range(2010, 2050))
    np.testing.assert_allclose(long.welfare.isel(year=-1), directed.welfare, atol=1e-7)
    np.testing.assert_allclose(path(quota, adjustment_rate=1e-9).welfare.isel(year=0), fixed.welfare, atol=1e-7)

    lifted = dataclasses.replace(quota, years=(2010, 2011, 2012))
    clock = {"adjustment_rate": 0.6, "diffusion": 0.0, "obsolescence": 1e-3, "knowledge_growth": 5e-4}
    moved = path(lifted, **clock).isel(year=slice(6))
    a, q = (moved.ree_technology - moved.other_technology).values, (moved.ree_price - moved.other_cost).values
    users = np.isfinite(a[0])
    lean = 1.2 * 0.5
    m = lean / (1 + lean * (1 + parameters.spillover))
    floor = np.log1p(-1e-3) - 5e-4
    before, bound = np.zeros_like(a[0]), []
    for year in range(6):
        free = 0.6 * (m * q[year] - before)
        np.testing.assert_allclose((a[year] - before)[users], np.maximum(free, floor)[users], atol=1e-12)
        bound.append(bool((free < floor)[users].any()))
        before = a[year]
    assert bound == [False] * 3 + [True] * 3


def test_dated_policies_hold_in_their_years(economy: ree.Economy, parameters: ree.Parameters) -> None:
    dated = ree.Scenario(
        year=2012,
        policies=(
            ree.ExportQuota("c0", "all", 0.5, years=(2010, 2011)),
            ree.ExportQuota("c0", ("e0",), 0.8, years=(2012,)),
        ),
    )
    path = ree.solve(economy, dated, parameters, technology="transition", years=range(2010, 2014))
    rent = path.quota_rent.sel(country="c0").sel(sector=list(economy.elements))
    assert float(rent.sel(year=2010).min()) > 0
    assert float(rent.sel(year=2013).max()) == 0
    static = ree.solve(economy, dated, parameters, technology="fixed")
    only = ree.solve(economy, ree.Scenario(policies=(ree.ExportQuota("c0", ("e0",), 0.8),)), parameters, "fixed")
    np.testing.assert_allclose(static.welfare, only.welfare, atol=1e-12)
    with pytest.raises(InputError, match="needs its years"):
        ree.solve(economy, dated, parameters, technology="transition")


@pytest.mark.parametrize("supply", [pytest.param("independent", marks=pytest.mark.slow), "joint"])
def test_the_split_along_the_path_adds_up(economy: ree.Economy, parameters: ree.Parameters, supply: str) -> None:
    shocks = random_scenario(61, economy, size=0.2)
    scenario = ree.Scenario(
        trade_cost=shocks.trade_cost,
        productivity=shocks.productivity,
        policies=(
            ree.Tariff(0.4, importer="c1"),
            ree.ExportTax(0.5, exporter="c2", sectors=("g1",)),
            ree.ExportQuota("c0", "all", 0.6),
            ree.SupplyShock("c1", "all", 1.3),
            ree.Recycling(0.2, country="c2"),
            ree.Subsidy(0.1, country="c1", sectors=("g2",)),
        ),
    )
    split = ree.decompose(economy, scenario, parameters, supply=supply)
    assert float(abs(split.gap).max()) < 1e-8
    for part in ("terms_of_trade", "volume_of_trade", "technology_effect", "endowment_effect", "subsidy_effect"):
        assert float(abs(split[part]).max()) > 1e-5, part


def test_sensitivities_are_differences_of_solutions(economy: ree.Economy, parameters: ree.Parameters) -> None:
    quota = ree.ExportQuota("c0", "all", 0.5)
    scenario = ree.Scenario(policies=(quota, ree.Tariff(0.3, "c1")))
    slopes = ree.sensitivity(economy, scenario, parameters)
    h = 1e-4

    def welfare(kappa: float = parameters.kappa, change: float = 0.5) -> np.ndarray:
        p = dataclasses.replace(parameters, kappa=kappa)
        tight = dataclasses.replace(quota, quantity_change=change)
        s = dataclasses.replace(scenario, policies=(tight, *scenario.policies[1:]))
        return ree.solve(economy, s, p, tolerance=1e-13).welfare.values

    by_kappa = (welfare(kappa=parameters.kappa * np.exp(h)) - welfare(kappa=parameters.kappa * np.exp(-h))) / (2 * h)
    np.testing.assert_allclose(slopes.kappa, by_kappa, rtol=1e-5, atol=1e-9)
    by_quota = (welfare(change=0.5 ** (1 + h)) - welfare(change=0.5 ** (1 - h))) / (2 * h)
    np.testing.assert_allclose(slopes.policy_size.isel(policy=0), by_quota, rtol=1e-5, atol=1e-9)
    assert slopes.sigma.dims == ("country", "sector")
    assert bool(slopes.sigma.sel(sector="g0").isnull().all())  # uses no rare earths
