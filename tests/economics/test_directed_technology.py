"""Research is paid for: what the frontier (2) implies for costs, equilibria and their slopes (docs/model.md, 5.4)."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr

import reestim as ree
from reestim import technology
from reestim.equilibrium.diagnosis import determinate
from reestim.equilibrium.equations import evaluate
from reestim.equilibrium.implicit import baseline_unknowns
from reestim.equilibrium.welfare import VARIABLES
from tests.oracles import random_economy, random_parameters, random_scenario

#: What the two technologies call differently although all prices, shares and incomes agree.
_KNOWLEDGE = {"ree_technology", "other_technology", "long_run_elasticity", "technology_effect", "welfare_first_order"}


def costs(
    sigma: float, kappa: float, spillover: float, q: jax.Array, share: jax.Array, gap: float = 0.0, rate: float = 1.0
) -> technology.Costs:
    """Unit costs of sectors with cost shares ``share`` that use one element, at its relative price q."""
    like = jnp.ones((1, q.size))
    given = technology.TechnologyParameters(
        sigma=sigma * like,
        kappa=kappa * like,
        spillover=spillover * like,
        spillover_gap=gap * like,
        diffusion=0 * like,
        element_elasticity=like,
        adjustment_rate=jnp.asarray(rate),
        largest_loss=jnp.asarray(technology.UNLIMITED),
        research_before=0 * like,
    )
    price = jnp.zeros((1, 1))
    return technology.unit_costs(-q[None], price, share[None], jnp.ones((1, 1, q.size)), like, given)


@pytest.mark.parametrize(("sigma", "kappa", "spillover"), [(0.3, 1.2, 1.6), (0.9, 0.2, 0.0), (1.2, 1.0, 0.5)])
def test_directed_technology_is_a_ces_with_the_long_run_elasticity(
    sigma: float, kappa: float, spillover: float
) -> None:
    """(2a) at given prices, up to prices of a hundred times the baseline; and Le Chatelier: never dearer than fixed."""
    q = jnp.linspace(-4.6, 4.6, 41)
    for share in (1e-8, 1e-4, 0.1, 0.5, 0.9):
        theta = jnp.full(q.shape, share)
        directed = costs(sigma, kappa, spillover, q, theta)
        long_run = technology.long_run_elasticity(sigma, kappa, spillover)
        same = costs(long_run, 0.0, 0.0, q, theta, rate=0.0)
        np.testing.assert_allclose(directed.unit_cost, same.unit_cost, atol=1e-13)
        np.testing.assert_allclose(directed.ree_share, same.ree_share, rtol=1e-12)
        fixed = costs(sigma, 0.0, 0.0, q, theta, rate=0.0)
        saved = np.asarray(fixed.unit_cost - directed.unit_cost)[0]
        assert np.all(saved >= -1e-15)
        assert min(saved[0], saved[-1]) > 1e-3 * share


def test_the_frontier_is_the_makers_optimum() -> None:
    """Capacity is spent where ln c falls most: a little more or less of it on rare earths raises the cost."""
    theta, q, sigma, kappa = 0.2, 0.7, 0.4, 1.3
    x = float(technology.research_response(sigma, kappa, 0.0)) * q

    def cost(research: jax.Array) -> jax.Array:
        a, b = technology.frontier(research, theta, kappa)
        np.testing.assert_allclose(theta * np.exp(a / kappa) + (1 - theta) * np.exp(b / kappa), 1.0, rtol=1e-14)
        return jnp.log((1 - theta) * jnp.exp(-(1 - sigma) * b) + theta * jnp.exp((1 - sigma) * (q - a))) / (1 - sigma)

    assert cost(x) < min(cost(x + 0.01), cost(x - 0.01))


def test_knowledge_has_its_limits() -> None:
    """σ = 1: undirected. κ = 0: none. κ → ∞: cost shares do not move. Large prices: finite."""
    q, theta = jnp.array([-300.0, -0.5, 0.5, 300.0]), jnp.full(4, 0.01)
    assert float(abs(costs(1.0, 1.3, 0.5, q, theta).ree_technology).max()) == 0
    assert float(abs(costs(0.4, 0.0, 0.5, q, theta).ree_technology).max()) == 0
    np.testing.assert_allclose(costs(0.4, 1e9, 0.5, q[1:3], theta[1:3]).ree_share, 0.01, rtol=1e-6)
    for kappa in (1e-12, 1e-3, 1.0, 1e3):
        a, b = technology.frontier(q, theta, kappa)
        assert np.isfinite(a + b).all()
        slope = jax.grad(lambda k: technology.frontier(0.7, 0.01, k)[0])
        np.testing.assert_allclose(slope(kappa), 0.7 - np.log(1 + 0.01 * np.expm1(0.7)), rtol=1e-9)


def test_derivatives_of_technology_match_central_differences() -> None:
    q, theta = jnp.array([-1.5, 0.3, 2.0]), jnp.array([1e-4, 0.05, 0.4])

    @jax.jit
    def cost(x: jax.Array) -> jax.Array:
        return costs(x[0], x[1], x[2], q * x[3], theta, gap=x[4]).unit_cost[0]

    at, h = jnp.array([0.6, 0.8, 0.9, 1.1, 0.3]), 1e-4
    forward, reverse = jax.jit(jax.jacfwd(cost))(at), jax.jit(jax.jacrev(cost))(at)
    np.testing.assert_allclose(forward, reverse, rtol=1e-11)
    for k, way in enumerate(np.eye(5)):
        up, down, up2, down2 = (cost(at + s * h * way) for s in (1, -1, 2, -2))
        central = (8 * (up - down) - (up2 - down2)) / (12 * h)
        assert np.all(np.abs(central) > 1e-7)
        np.testing.assert_allclose(forward[:, k], central, rtol=1e-6)


def test_one_frontier_for_all_array_libraries() -> None:
    x, theta = np.array([-800.0, -2.0, -1e-9, 0.0, 1e-9, 2.0, 31.0, 800.0]), 0.03
    by_numpy = technology.frontier(x, theta, 1.2, np)
    by_jax = technology.frontier(jnp.asarray(x), theta, 1.2)
    symbol = pt.dvector()
    by_pytensor = pytensor.function([symbol], list(technology.frontier(symbol, theta, 1.2, pt)), mode="FAST_COMPILE")(x)
    for one, two, three in zip(by_numpy, by_jax, by_pytensor, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-14, atol=1e-300)
        np.testing.assert_allclose(one, three, rtol=1e-14, atol=1e-300)
    assert by_numpy[1][2] == pytest.approx(1.2 * 0.03 * 1e-9, rel=1e-12)  # no digits lost beside 1


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(71, ree_share=(0.01, 0.3), zero_flows=False)


@pytest.fixture(scope="module")
def parameters(economy: ree.Economy) -> ree.Parameters:
    return random_parameters(71, economy, spillover_gap=0.0, diffusion=0.0)


def long_run(given: ree.Parameters) -> ree.Parameters:
    """The same with σ_L for σ and nothing directed."""
    sigma = technology.long_run_elasticity(given.sigma, given.kappa, given.spillover)
    return dataclasses.replace(given, sigma=sigma, kappa=0.0, spillover=0.0)


def test_directed_equilibria_are_those_of_the_long_run_elasticity(
    economy: ree.Economy, parameters: ree.Parameters
) -> None:
    scenario = random_scenario(71, economy, quota=0.4)
    directed = ree.solve(economy, scenario, parameters, tolerance=1e-13)
    same = ree.solve(economy, scenario, long_run(parameters), technology="fixed", tolerance=1e-13)
    assert float(abs(directed.ree_technology).max()) > 1e-2
    for name in set(VARIABLES) - _KNOWLEDGE - {"carrier_share"}:  # no carrier in this economy
        np.testing.assert_allclose(directed[name], same[name], atol=1e-10, rtol=1e-10, err_msg=name)
    users = np.isfinite(same.long_run_elasticity)
    np.testing.assert_allclose(directed.long_run_elasticity, same.long_run_elasticity, atol=1e-14)
    assert np.array_equal(users, economy.baseline.ree_share > 0)


@pytest.mark.slow
def test_draws_and_slopes_are_those_of_the_long_run_elasticity(
    economy: ree.Economy, parameters: ree.Parameters
) -> None:
    """The same in a sweep of draws, and in gradients: dσ_L/dσ = 1/(1+κ̃(1−σ))² is all that lies between them."""
    scenario = random_scenario(71, economy, quota=0.4)
    kappa = xr.DataArray([[0.3, 1.0, 2.0]], dims=("chain", "draw"), coords={"chain": [0], "draw": range(3)})
    sigma = xr.DataArray(0.2 + 0.3 * kappa.draw, dims="draw").expand_dims(chain=[0])
    sigma = sigma.expand_dims(sector=list(economy.sectors), axis=-1)
    spillover = 0.5
    long = technology.long_run_elasticity(sigma, kappa, spillover)
    defaults = ree.Parameters(spillover=spillover)
    found = [
        ree.counterfactual(economy, scenario, draws, [name], defaults=defaults, progress=False)["counterfactual"]
        .to_dataset()
        .isel(technology=0)
        for name, draws in (
            ("directed", xr.DataTree.from_dict({"posterior": xr.Dataset({"sigma": sigma, "kappa": kappa})})),
            ("fixed", xr.DataTree.from_dict({"posterior": xr.Dataset({"sigma": long, "kappa": kappa})})),
        )
    ]
    for name in ("welfare", "exports", "price", "unit_cost", "ree_share", "quota_rent"):
        np.testing.assert_allclose(found[0][name], found[1][name], atol=1e-10, rtol=1e-9, err_msg=name)

    def slopes(given: ree.Parameters, name: str) -> tuple[np.ndarray, np.ndarray]:
        function, inputs = ree.equilibrium_function(economy, scenario, given, name, tolerance=1e-13)

        def welfare(sigma: jax.Array, tax: jax.Array) -> jax.Array:
            draw, policy = inputs
            draw = draw._replace(technology=draw.technology._replace(sigma=sigma))
            return function(inputs._replace(parameters=draw, policy=policy._replace(log_export_tax=tax))).welfare[1]

        at = inputs.parameters.technology.sigma, inputs.policy.log_export_tax
        by_sigma, by_tax = jax.jit(jax.grad(welfare, argnums=(0, 1)))(*at)
        return np.asarray(by_sigma), np.asarray(by_tax)

    directed, fixed = slopes(parameters, "directed"), slopes(long_run(parameters), "fixed")
    gap = 1 - np.broadcast_to(parameters.sigma.values, economy.ds.expenditure.shape)
    through = 1 / (1 + parameters.kappa * (1 + parameters.spillover) * gap) ** 2
    users = np.asarray(economy.baseline.ree_share) > 0
    assert np.abs(directed[0][users]).max() > 1e-6
    np.testing.assert_allclose(directed[0][users], (fixed[0] * through)[users], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(directed[1], fixed[1], rtol=1e-8, atol=1e-12)


def test_a_second_equilibrium_is_a_matter_of_size(economy: ree.Economy) -> None:
    """The same ω·m far above 1: nothing at cost shares of 1e-4, a warning where shares are large; never at ω = 0."""
    tiny = random_economy(71, ree_share=(1e-5, 3e-4), zero_flows=False)
    for world, gap, sure in ((tiny, 10.0, True), (economy, 10.0, False), (economy, 0.0, True)):
        b, policy = world.baseline, ree.Scenario().to_arrays(world)
        given = ree.Parameters(sigma=0.3, kappa=1.2, spillover=0.5, spillover_gap=gap).to_arrays(world)
        state = evaluate(b, policy, given, baseline_unknowns(b, policy))
        assert bool(determinate(b, given, state.costs)) == sure
