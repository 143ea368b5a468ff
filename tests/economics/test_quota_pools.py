"""Pools of quotas in the solver: derivatives, the approximate inverse, sweeps, and corners that are named."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax.flatten_util import ravel_pytree

import reestim as ree
from reestim.equilibrium.equations import evaluate, residual
from reestim.equilibrium.implicit import baseline_unknowns
from reestim.equilibrium.preconditioner import apply_preconditioner, build_preconditioner
from reestim.equilibrium.separable import prepare, separable_residual
from reestim.equilibrium.sweep import solve_draws
from reestim.errors import EquilibriumError
from tests.oracles import random_economy, random_parameters

POOLED = ree.ExportQuota("c0", "all", 0.5)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(61, countries=3, goods=2, ree_share=(0.01, 0.1), zero_flows=False)


@pytest.fixture(scope="module")
def parameters(economy: ree.Economy) -> ree.Parameters:
    return random_parameters(61, economy, sigma=0.5, kappa=1.2)


@pytest.mark.slow  # a pooled quota is among the inputs of test_invariants.py, test_gradients_match_central_differences
@pytest.mark.parametrize(
    "policies",
    [(POOLED,), (ree.ProductionQuota("c0", "all", 0.8), ree.Licence("c0", ("c1",), "all", 0.6, waste=0.4))],
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


@pytest.mark.slow  # compiles for half a minute
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


@pytest.mark.slow  # half a minute of continuation
def test_an_element_that_would_be_given_away_is_named(economy: ree.Economy, parameters: ree.Parameters) -> None:
    """10 US$ a tonne beside 100,000 out of the same mine: the licence of a tonne is worth more than the cheap one."""
    price = economy.ds.producer_price * 0 + xr.DataArray([10.0, 1e5], coords={"element": list(economy.elements)})
    world = ree.Economy(economy.ds.assign(producer_price=price.transpose("country", "element")))
    scenario = ree.Scenario(policies=(ree.ProductionQuota("c0", "all", 0.5),))
    with pytest.raises(EquilibriumError, match=r"e0 from c0 is all but given away.*supply='independent'"):
        ree.solve(world, scenario, parameters, supply="joint")


@pytest.mark.slow  # half a minute of continuation
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
