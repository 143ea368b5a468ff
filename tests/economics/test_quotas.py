"""Quotas and licences in tonnes: one licence price a pool, exactly what the same taxes would do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import root

import reestim as ree
from reestim.equilibrium.solve import solve_arrays
from reestim.equilibrium.welfare import Outcomes, outcomes
from reestim.errors import InputError
from tests.oracles import random_economy, random_parameters

POOLED = ree.ExportQuota("c0", "all", 0.5)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(61, countries=3, goods=2, ree_share=(0.01, 0.1), zero_flows=False)


@pytest.fixture(scope="module")
def parameters(economy: ree.Economy) -> ree.Parameters:
    return random_parameters(61, economy, sigma=0.5, kappa=1.2)


@pytest.fixture(scope="module")
def solve(economy: ree.Economy, parameters: ree.Parameters) -> Callable[..., xr.Dataset]:
    def found(*policies: object, supply: str = "independent", **more: object) -> xr.Dataset:
        return ree.solve(economy, ree.Scenario(policies=policies), parameters, tolerance=1e-12, supply=supply, **more)

    return found


def producer_price(economy: ree.Economy, result: xr.Dataset, subsidy: float = 0.0) -> xr.DataArray:
    """New producer price per kg, (country, element)."""
    before = economy.ds.producer_price / 1000
    log = result.unit_cost.sel(sector=list(economy.elements)).rename(sector="element")
    return before * np.exp(log) * (1 - subsidy)


def tonnes_abroad(economy: ree.Economy, result: xr.Dataset) -> float:
    """Tonnes of the elements that c0 sells abroad: what buyers pay over tariffs and export taxes over the price."""
    elements = list(economy.elements)
    spent = (result.trade_share * result.expenditure.rename(country="importer")).sel(exporter="c0", sector=elements)
    net = spent / (1 + economy.ds.tariff.sel(exporter="c0")) / (1 + result.export_tax.sel(exporter="c0"))
    value = net.drop_sel(importer="c0").sum("importer").rename(sector="element")
    return float((value / producer_price(economy, result).sel(country="c0")).sum())


def test_a_pooled_quota_is_the_export_taxes_that_a_root_finder_finds(
    economy: ree.Economy, parameters: ree.Parameters
) -> None:
    """x′ = x + r/p′ with r and p′ by SciPy, so that tonnes are halved, gives the same world to 1e-8."""
    b, draw = economy.baseline, parameters.to_arrays(economy)
    places = np.asarray(b.element_index)
    price = economy.ds.producer_price.sel(country="c0").values
    free = ree.Scenario().to_arrays(economy)
    old = np.exp(np.asarray(free.log_export_tax)[1:, 0, places])

    def world(z: np.ndarray) -> tuple[Outcomes, float]:
        """World and tonnes with the licence price z[0] (10,000 US$ a tonne) as taxes at producer prices z[1:]."""
        tax = np.log(old + 1e4 * z[0] / (price * np.exp(z[1:])))
        policy = free._replace(log_export_tax=free.log_export_tax.at[1:, 0, places].set(tax))
        u, _, _ = solve_arrays(b, policy, draw, 1e-13)
        found = outcomes(b, policy, draw, u)
        spent = np.asarray(found.trade_share * found.expenditure[:, None, :])[1:, 0, places]
        net = spent / (1 + np.asarray(b.tariff)[1:, 0, places]) / np.exp(tax)
        return found, float((net / (price * np.exp(np.asarray(found.unit_cost)[0, places]))).sum())

    allowed = 0.5 * world(np.zeros(3))[1]

    def gaps(z: np.ndarray) -> np.ndarray:
        found, tonnes = world(z)
        return np.append(np.asarray(found.unit_cost)[0, places] - z[1:], np.log(tonnes / allowed))

    policy = ree.Scenario(policies=(POOLED,)).to_arrays(economy)
    u, _, _ = solve_arrays(b, policy, draw, 1e-13)
    quota = outcomes(b, policy, draw, u)
    r = float(np.asarray(quota.licence_price).max()) / 10  # US$ per kg
    start = np.append(0.8 * r, np.asarray(quota.unit_cost)[0, places] + 0.05)
    found = root(gaps, start, method="hybr", options={"xtol": 1e-13})
    assert np.abs(found.fun).max() < 1e-10
    assert found.x[0] == pytest.approx(r, rel=1e-8)
    np.testing.assert_allclose(world(found.x)[0].welfare, quota.welfare, atol=1e-10)
    np.testing.assert_allclose(quota.licence_price[0, places], 10 * found.x[0], rtol=1e-8)


def test_the_licence_price_is_one_for_all_elements_and_buyers(
    economy: ree.Economy, solve: Callable[..., xr.Dataset]
) -> None:
    quota = solve(POOLED)
    elements = list(economy.elements)
    added = (quota.export_tax - economy.ds.export_tax).sel(exporter="c0", sector=elements).drop_sel(importer="c0")
    price = producer_price(economy, quota).sel(country="c0").rename(element="sector")
    np.testing.assert_allclose(added * price, float(quota.licence_price.sel(country="c0").max()), rtol=1e-10)
    assert float(quota.licence_price.drop_sel(country="c0").max()) == 0
    held = tonnes_abroad(economy, quota) / tonnes_abroad(economy, solve())
    assert held == pytest.approx(0.5, rel=1e-10)
    rent = float(quota.quota_rent.sum()) / float(quota.licence_price.max()) / tonnes_abroad(economy, quota)
    assert rent == pytest.approx(1, rel=1e-10)


def test_a_pool_of_one_element_is_the_quota_of_that_element(solve: Callable[..., xr.Dataset]) -> None:
    one = ree.ExportQuota("c0", ("e0",), 0.5)
    pooled, alone = solve(one), solve(dataclasses.replace(one, pooled=False))
    np.testing.assert_allclose(pooled.welfare, alone.welfare, atol=1e-13)
    apart = solve(dataclasses.replace(POOLED, pooled=False))
    both = solve(one, ree.ExportQuota("c0", ("e1",), 0.5))
    np.testing.assert_allclose(apart.welfare, both.welfare, atol=1e-12)
    prices = apart.licence_price.sel(country="c0", sector=["e0", "e1"]).values
    assert prices.min() > 0.1 < np.ptp(prices)


def test_a_licence_for_all_destinations_without_waste_is_a_quota(solve: Callable[..., xr.Dataset]) -> None:
    quota, licence = solve(POOLED), solve(ree.Licence("c0", "all", "all", 0.5))
    for name in ("welfare", "licence_price", "quota_rent", "export_tax"):
        np.testing.assert_allclose(licence[name], quota[name], rtol=1e-9, atol=1e-11, err_msg=name)
    wasted = solve(ree.Licence("c0", "all", "all", 0.5, waste=0.5))
    assert float(wasted.welfare.sel(country="c0")) < float(licence.welfare.sel(country="c0"))
    assert float(licence.waste_effect.min()) == 0 > float(wasted.waste_effect.sel(country="c0"))


@pytest.mark.parametrize("tight", [0.4, 0.9])
def test_of_a_quota_and_a_licence_for_the_same_trade_the_tighter_binds(
    solve: Callable[..., xr.Dataset], tight: float
) -> None:
    """Both hold all that c0 sells abroad: the looser one is free and nothing of its rent is wasted."""
    licence = ree.Licence("c0", "all", ("e0", "e1"), tight, waste=0.5)
    both, alone = (
        solve(ree.ExportQuota("c0", "all", 0.6), licence),
        solve(ree.ExportQuota("c0", "all", 0.6) if tight > 0.6 else licence),
    )
    for name in ("welfare", "licence_price", "quota_rent", "price"):
        np.testing.assert_allclose(both[name], alone[name], rtol=1e-9, atol=1e-9, err_msg=name)
    assert float(both.licence_price.max()) > 0


def test_leakage_is_a_larger_quota_and_a_slack_one_is_exactly_nothing(solve: Callable[..., xr.Dataset]) -> None:
    leaky, wide = (
        solve(dataclasses.replace(POOLED, leakage=0.2)),
        solve(dataclasses.replace(POOLED, quantity_change=0.6)),
    )
    np.testing.assert_allclose(leaky.welfare, wide.welfare, atol=1e-12)
    tax = ree.ExportTax(0.5, "c1", "c0", ("g1",))
    slack = (
        ree.ExportQuota("c0", "all", 3.0),
        ree.ProductionQuota("c0", "all", 3.0),
        ree.Licence("c0", "c1", "e0", 30.0),
    )
    free, idle = solve(tax), solve(tax, *slack)
    assert float(idle.licence_price.max()) == 0.0
    assert float(idle.quota_rent.max()) == 0.0
    np.testing.assert_allclose(idle.welfare, free.welfare, atol=1e-11)


@pytest.mark.parametrize("supply", ["independent", "joint"])
def test_a_production_quota_holds_what_is_mined_and_buyers_at_home_pay_too(
    economy: ree.Economy, solve: Callable[..., xr.Dataset], supply: str
) -> None:
    result = solve(ree.ProductionQuota("c0", "all", 0.8), supply=supply)
    elements = list(economy.elements)
    before = np.asarray(economy.baseline.output)[0, np.asarray(economy.baseline.element_index)]
    gate = result.unit_cost.sel(country="c0", sector=elements).values + result.mine_margin.sel(country="c0").values
    old = before / economy.ds.producer_price.sel(country="c0").values
    new = old * np.exp(result.output.sel(country="c0", sector=elements).values - gate)
    assert new.sum() / old.sum() == pytest.approx(0.8, rel=1e-9)
    assert float(result.price.sel(country="c0", sector=elements).min()) > 0
    assert float(result.licence_price.sel(country="c0").min()) >= 0 < float(result.quota_rent.sel(country="c0").sum())


def test_the_world_loses_from_an_undistorted_baseline() -> None:
    plain = random_economy(7, countries=3, goods=2, ree_share=(0.01, 0.1), taxes=False, deficits=False)
    parameters = random_parameters(7, plain)
    for policy in (POOLED, ree.ProductionQuota("c0", "all", 0.8), ree.Licence("c0", "c1", "all", 0.5, waste=0.3)):
        result = ree.solve(plain, ree.Scenario(policies=(policy,)), parameters, "fixed", tolerance=1e-12)
        gain = np.asarray(plain.baseline.income) * np.expm1(result.welfare.values)
        assert gain.sum() < 0


def test_what_keeps_a_pool_from_holding_is_one_list(economy: ree.Economy) -> None:
    ds = economy.ds.copy(deep=True)
    ds.trade_share.loc[{"importer": "c2", "exporter": "c0", "sector": "e0"}] = 0.0
    total = ds.trade_share.sel(importer="c2", sector="e0").sum()
    ds.trade_share.loc[{"importer": "c2", "sector": "e0"}] /= total
    made = ree.Economy(ds, allow_imbalance=True)
    bad = ree.Scenario(
        policies=(
            POOLED,
            ree.ExportQuota("c0", ("e1",), 0.4),
            ree.Licence("c0", "c2", ("e0",), 0.5),
            ree.ProductionQuota("c9", "all", 0.5),
        )
    )
    with pytest.raises(InputError) as refused:
        bad.to_arrays(made)
    said = str(refused.value)
    for words in ("two policies of the kind ExportQuota hold e1 from c0", "without trade from c0", "unknown country"):
        assert words in said
    with pytest.raises(InputError, match="no price per tonne"):
        ree.Scenario(policies=(POOLED,)).to_arrays(ree.Economy(economy.ds.drop_vars("producer_price")))
    one = ree.Economy(economy.ds.drop_vars("producer_price"))
    assert ree.Scenario(policies=(ree.ExportQuota("c0", ("e0",), 0.5),)).to_arrays(one).pools.price.tolist() == [1.0]
