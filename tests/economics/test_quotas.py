"""Quotas and licences in tonnes: one licence price a pool, exactly what the same taxes would do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax.flatten_util import ravel_pytree
from scipy.optimize import root

import reestim as ree
from reestim.equilibrium.equations import evaluate, residual
from reestim.equilibrium.implicit import baseline_unknowns
from reestim.equilibrium.preconditioner import apply_preconditioner, build_preconditioner
from reestim.equilibrium.separable import prepare, separable_residual
from reestim.equilibrium.solve import solve_arrays
from reestim.equilibrium.sweep import solve_draws
from reestim.equilibrium.welfare import Outcomes, outcomes
from reestim.errors import EquilibriumError, InputError
from tests.oracles import random_economy, random_parameters

POOLED = ree.ExportQuota("c0", "all", 0.5)
evaluated = jax.jit(outcomes)


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
        found = evaluated(b, policy, draw, u)
        spent = np.asarray(found.trade_share * found.expenditure[:, None, :])[1:, 0, places]
        net = spent / (1 + np.asarray(b.tariff)[1:, 0, places]) / np.exp(tax)
        return found, float((net / (price * np.exp(np.asarray(found.unit_cost)[0, places]))).sum())

    allowed = 0.5 * world(np.zeros(3))[1]

    def gaps(z: np.ndarray) -> np.ndarray:
        found, tonnes = world(z)
        return np.append(np.asarray(found.unit_cost)[0, places] - z[1:], np.log(tonnes / allowed))

    policy = ree.Scenario(policies=(POOLED,)).to_arrays(economy)
    u, _, _ = solve_arrays(b, policy, draw, 1e-13)
    quota = evaluated(b, policy, draw, u)
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


@pytest.mark.parametrize(
    "policies",
    [
        (POOLED,),
        pytest.param(
            (ree.ProductionQuota("c0", "all", 0.8), ree.Licence("c0", ("c1",), "all", 0.6, waste=0.4)),
            marks=pytest.mark.slow,
        ),
    ],
    ids=("quota", "production-and-licence"),
)
def test_derivatives_are_differences_of_solutions(
    economy: ree.Economy, parameters: ree.Parameters, policies: tuple[object, ...]
) -> None:
    """With respect to the size of each pool and to the behavioural parameters, to 1e-6."""
    scenario = ree.Scenario(policies=policies)
    function, inputs = ree.equilibrium_function(economy, scenario, parameters, tolerance=1e-13)
    assert {x.dtype.kind for x in jax.tree.leaves(inputs)} == {"f"}, "jax.grad takes all of them"

    def welfare(x: jax.Array) -> jax.Array:
        draw, pools = inputs.parameters, inputs.policy.pools
        t = draw.technology
        draw = draw._replace(
            technology=t._replace(sigma=t.sigma + x[0], kappa=t.kappa + x[1]),
            trade_elasticity=draw.trade_elasticity + x[2],
        )
        pools = pools._replace(log_limit=pools.log_limit + x[3:])
        return function(inputs._replace(parameters=draw, policy=inputs.policy._replace(pools=pools))).welfare

    zero = jnp.zeros(3 + len(policies))
    forward, h = jax.jit(jax.jacrev(welfare))(zero), 1e-4
    value = jax.jit(welfare)
    central = [(value(zero.at[k].set(h)) - value(zero.at[k].set(-h))) / (2 * h) for k in range(zero.size)]
    np.testing.assert_allclose(forward, np.stack(central, axis=1), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("supply", ["independent", "joint"])
def test_the_approximate_inverse_is_linear_and_can_be_transposed(
    economy: ree.Economy, parameters: ree.Parameters, supply: str
) -> None:
    """Derivatives of large economies backwards solve the transposed system with it, through pools and joint mines."""
    b, draw = economy.baseline, parameters.to_arrays(economy)
    policy = ree.Scenario(policies=(POOLED, ree.Licence("c1", ("c2",), ("e0",), 0.7))).to_arrays(economy, supply)
    zero, unravel = ravel_pytree(baseline_unknowns(b, policy))

    @jax.jit
    def matrices(z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        steps = evaluate(b, policy, draw, unravel(z)).pools.steps
        near = build_preconditioner(b, policy, draw)

        def step(r: jax.Array) -> jax.Array:
            return ravel_pytree(apply_preconditioner(near, b, policy, steps, unravel(r)))[0]

        eye = jnp.eye(z.size)
        back = jax.vmap(lambda y: jax.linear_transpose(step, z)(y)[0])(eye)
        return jax.vmap(step)(eye).T, back.T, step(eye.sum(0) - 2 * eye[0])

    forward, back, at_once = matrices(zero + 0.1)
    np.testing.assert_allclose(back, forward.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(at_once, forward.sum(axis=1) - 2 * forward[:, 0], rtol=1e-8, atol=1e-10)


def test_sweeps_and_transitions_agree_with_single_solves(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """Two pools side by side, one of them slack; and the years of a transition in which pools change."""
    pools = (ree.ExportQuota("c0", ("e0",), 0.5), ree.ExportQuota("c0", ("e1",), 2.5))
    scenario = ree.Scenario(policies=pools)
    draws = 4
    sigma = xr.DataArray(np.linspace(0.2, 0.8, draws), dims="d")
    batch = dataclasses.replace(parameters, sigma=sigma).to_batch(economy, "directed", "d")
    found = solve_draws(economy.baseline, scenario.to_arrays(economy), batch, 1e-12, ("welfare", "licence_price"), 2)
    for k in range(draws):
        one = ree.solve(economy, scenario, dataclasses.replace(parameters, sigma=float(sigma[k])), tolerance=1e-12)
        np.testing.assert_allclose(found.outcomes["welfare"][k], one.welfare, atol=1e-10)
        np.testing.assert_allclose(found.outcomes["licence_price"][k], one.licence_price, atol=1e-8)

    dated = ree.Scenario(
        policies=(
            ree.ExportQuota("c0", "all", 0.5, years=(2010, 2011)),
            ree.ExportQuota("c0", ("e0",), 0.6, years=(2012,)),
            ree.ExportQuota("c0", ("e1",), 0.7, years=(2012,)),
        )
    )
    still = dataclasses.replace(parameters, adjustment_rate=1e-12)
    path = ree.solve(economy, dated, still, technology="transition", years=range(2010, 2014), tolerance=1e-12)
    for year in (2010, 2012):
        one = ree.solve(economy, dated.at(year), still, technology="fixed", tolerance=1e-12)
        np.testing.assert_allclose(path.welfare.sel(year=year), one.welfare, atol=1e-10)
        np.testing.assert_allclose(path.licence_price.sel(year=year), one.licence_price, atol=1e-7)
    assert float(path.licence_price.sel(year=2013).max()) == 0


def test_one_element_of_a_pool_is_choked_off(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """A licence price of many times what the cheap element is worth: none of it leaves, and the world is solved."""
    prices = economy.ds.producer_price.copy()
    prices.loc[{"element": "e0"}] = 50.0
    prices.loc[{"element": "e1"}] = 500_000.0
    made = ree.Economy(economy.ds.assign(producer_price=prices))
    result = ree.solve(made, ree.Scenario(policies=(ree.ExportQuota("c0", "all", 1e-3),)), parameters, tolerance=1e-12)
    assert bool(result.solved)
    sold = result.trade_share.sel(exporter="c0", importer="c1")
    assert float(sold.sel(sector="e0")) < 0.1 * float(
        economy.ds.trade_share.sel(exporter="c0", importer="c1", sector="e0")
    )
    licence = result.licence_price.sel(country="c0", sector=["e0", "e1"])
    np.testing.assert_allclose(licence, licence[0], rtol=1e-12)


def test_an_element_that_would_be_given_away_is_named(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """10 US$ a tonne beside 100,000 out of the same mine: the licence of a tonne is worth more than the cheap one."""
    price = economy.ds.producer_price * 0 + xr.DataArray([10.0, 1e5], coords={"element": list(economy.elements)})
    world = ree.Economy(economy.ds.assign(producer_price=price.transpose("country", "element")))
    scenario = ree.Scenario(policies=(ree.ProductionQuota("c0", "all", 0.5),))
    with pytest.raises(EquilibriumError, match=r"e0 from c0 is all but given away.*supply='independent'"):
        ree.solve(world, scenario, parameters, supply="joint")


def test_a_mine_that_yields_more_than_it_may_sell_is_named(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """With η = 3 between resource and other inputs a free resource yields r^1.5 = .6 of before; the quota allows .2."""
    rent = np.asarray(economy.baseline.resource_share)
    labels = {"country": list(economy.countries), "element": list(economy.elements)}
    supply = xr.DataArray(3 * (1 - rent) / rent, coords=labels)
    scenario = ree.Scenario(policies=(ree.ProductionQuota("c0", "all", 0.2),))
    with pytest.raises(EquilibriumError, match=r"The resource of e\d in c0 is idle"):
        ree.solve(economy, scenario, dataclasses.replace(parameters, supply_elasticity=supply), "fixed")


def test_residuals_of_pools_agree_in_both_forms(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """Newton's method and the accelerated steps solve the same equations, away from the solution too."""
    policies = (POOLED, ree.ProductionQuota("c0", ("e0",), 0.7), ree.Licence("c0", "c2", ("g1",), 0.5, waste=1.0))
    policy, draw = ree.Scenario(policies=policies).to_arrays(economy), parameters.to_arrays(economy)
    b = economy.baseline
    zero, unravel = ravel_pytree(baseline_unknowns(b, policy))
    u = unravel(jnp.asarray(np.random.default_rng(1).normal(size=zero.size) * 0.3))
    u = u._replace(pool=jnp.array([0.4, 0.2, -0.1]))
    expected = jax.jit(residual)(b, policy, draw, u)
    weights = prepare(b, policy, draw.trade_elasticity)
    for one, other in zip(jax.jit(separable_residual)(b, policy, draw, weights, u)[0], expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


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
