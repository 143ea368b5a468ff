"""What must always hold (docs/model.md section 5, items 1–5 and 7), over random worlds drawn by hypothesis."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, example, given
from hypothesis import strategies as st

import reestim as ree
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import numeraire_gap, residual
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.solve import solve_adaptively, solve_arrays
from reestim.equilibrium.welfare import outcomes
from tests.economics.worlds import LARGE, SMALL, Recipe, examples, magnitudes, over_shapes, recipes
from tests.oracles import random_economy, random_scenario


def users(economy: ree.Economy) -> np.ndarray:
    """Cells that use rare earths."""
    return np.asarray(economy.baseline.ree_share) > 0


@over_shapes
def test_no_shock_no_change(shapes: tuple[dict, ...]) -> None:
    """Item 1, quotas exactly at the baseline included."""

    @given(recipe=recipes(shapes))
    @examples(8)
    def holds(recipe: Recipe) -> None:
        world = recipe.world()
        scenario = ree.Scenario(policies=(ree.ExportQuota("c0", "all", 1.0),))
        result = ree.solve(world.economy, scenario, world.parameters, technology=world.technology)
        for name in ("welfare", "real_wage", "price", "output", "exports", "factor_price", "ree_technology"):
            assert float(abs(result[name]).max(skipna=True).fillna(0)) < 1e-12, name
        np.testing.assert_allclose(result.trade_share, world.economy.baseline.trade_share, atol=1e-12)

    holds()


@over_shapes
def test_all_markets_clear_and_prices_scale_with_the_numeraire(shapes: tuple[dict, ...]) -> None:
    """Item 1: the residual covers every market (none is dropped); without deficits a common factor changes nothing."""

    @given(recipe=recipes(shapes), shift=st.floats(-1, 1))
    @examples(10)
    def holds(recipe: Recipe, shift: float) -> None:
        world = recipe.world()
        b = world.economy.baseline
        policy = world.scenario.to_arrays(world.economy)
        policy = policy._replace(deficit_change=-b.deficit)
        arrays = world.parameters.to_arrays(world.economy, world.technology)
        u, _, worst = solve_adaptively(b, policy, arrays)
        assume(bool(outcomes(b, policy, arrays, u).determinate))
        assert float(worst) <= 1.5e-10
        moved = u._replace(
            factor_price=jnp.where(b.factor_income > 0, u.factor_price + shift, 0.0),
            price=jnp.where(b.expenditure > 0, u.price + shift, 0.0),
            expenditure=jnp.where(b.expenditure > 0, u.expenditure + shift, 0.0),
        )
        r = residual(b, policy, arrays, moved)
        markets = jnp.where(b.factor_income > 0, r.factor_price + numeraire_gap(b, policy, moved), 0.0)
        assert max(float(jnp.abs(part).max()) for part in (markets, r.price, r.expenditure)) < 1e-9

    holds()


@given(seed=st.integers(0, 2**32 - 1), elasticity=magnitudes(1.2, 65.0), size=magnitudes(0.01, 1.0))
@example(seed=197, elasticity=57.79733938488487, size=0.8732951039518012)  # two groups with no trade to speak of
@examples(15)
def test_one_sector_welfare_is_the_domestic_share(seed: int, elasticity: float, size: float) -> None:
    """Item 2, Arkolakis, Costinot and Rodríguez-Clare (2012): ln(I/P) = −(1/ε)·Δ ln π_nn."""
    economy = random_economy(
        seed,
        countries=5,
        goods=1,
        elements=0,
        factors=1,
        inputs=False,
        taxes=False,
        deficits=False,
        elasticity=(elasticity, elasticity),
    )
    scenario = ree.Scenario(trade_cost=random_scenario(seed, economy, size=size).trade_cost)
    result = ree.solve(economy, scenario, ree.Parameters(), tolerance=1e-13)
    own = np.log(np.diagonal(result.trade_share.values[:, :, 0]))
    before = np.log(np.diagonal(np.asarray(economy.baseline.trade_share)[:, :, 0]))
    np.testing.assert_allclose(result.welfare, -(own - before) / elasticity, atol=1e-10)
    assert np.abs(result.welfare).max() > 1e-5


@jax.jit
def productivity_slopes(b: Baseline, policy: PolicyArrays, arrays: ParameterArrays) -> jax.Array:
    """Derivatives of welfare in log productivity, (country, country, sector)."""

    def welfare(log_productivity: jax.Array) -> jax.Array:
        moved = policy._replace(log_productivity=log_productivity)
        u, _, _ = solve_arrays(b, moved, arrays, 1e-13)
        return outcomes(b, moved, arrays, u).welfare

    return jax.jacrev(welfare)(policy.log_productivity)


@given(recipe=recipes(({"countries": 1, "goods": 3, "elements": 2},)))
@examples(4)
def test_closed_economy_productivity_has_its_domar_weight(recipe: Recipe) -> None:
    """Items 3 and 4, Hulten (1978). Directed technology takes nothing from it where moving along the frontier is
    neutral (ω = 0)."""
    world = recipe.world(spillover_gap=0.0, diffusion=0.0)
    ds = world.economy.ds
    economy = ree.Economy(ds.assign(tariff=0 * ds.tariff, export_tax=0 * ds.export_tax))
    b, arrays = economy.baseline, world.parameters.to_arrays(economy, world.technology)
    policy = ree.Scenario().to_arrays(economy)

    slope = productivity_slopes(b, policy, arrays)
    np.testing.assert_allclose(slope[0, 0], np.asarray(b.output / b.income[:, None])[0], rtol=1e-9, atol=1e-12)


@over_shapes
def test_unit_elasticity_leaves_technology_undirected(shapes: tuple[dict, ...]) -> None:
    """Item 4: σ = 1, whatever κ."""

    @given(recipe=recipes(shapes))
    @examples(6)
    def holds(recipe: Recipe) -> None:
        world = recipe.world(sigma=1.0)
        solve = partial(ree.solve, world.economy, world.scenario, world.parameters, throw=False)
        fixed, directed = solve(technology="fixed"), solve(technology="directed")
        assert bool(fixed.solved & directed.solved)
        np.testing.assert_allclose(fixed.welfare, directed.welfare, atol=1e-9)
        assert float(abs(directed.ree_technology).max()) < 1e-12

    holds()


@over_shapes
def test_unbounded_research_fixes_the_effective_relative_price(shapes: tuple[dict, ...]) -> None:
    """Item 5: κ → ∞ with σ < 1."""

    @given(recipe=recipes(shapes), sigma=st.floats(0.02, 0.95))
    @examples(6)
    def holds(recipe: Recipe, sigma: float) -> None:
        world = recipe.world(kappa=1e9, diffusion=0.0, sigma=sigma)
        result = ree.solve(world.economy, world.scenario, world.parameters, throw=False)
        assume(bool(result.solved) and bool(result.determinate))
        before, use = np.asarray(world.economy.baseline.ree_share), users(world.economy)
        np.testing.assert_allclose(result.ree_share.values[use], before[use], rtol=1e-6)

    holds()


@jax.jit
def welfare_along(
    b: Baseline, policy: PolicyArrays, arrays: ParameterArrays, way: tuple, step: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Welfare a step along a direction in policies and parameters, and whether it was solved."""
    moved, draw = jax.tree.map(lambda value, along: (value + step * along).astype(value.dtype), (policy, arrays), way)
    u, _, worst = solve_arrays(b, moved, draw, 1e-13)
    return outcomes(b, moved, draw, u).welfare, worst < 1e-12


@jax.jit
def slopes_along(b: Baseline, policy: PolicyArrays, arrays: ParameterArrays, way: tuple) -> tuple[jax.Array, jax.Array]:
    """Its derivative at no step, forward and reverse."""

    def welfare(step: jax.Array) -> jax.Array:
        return welfare_along(b, policy, arrays, way, step)[0]

    return jax.jacfwd(welfare)(jnp.zeros(())), jax.jacrev(welfare)(jnp.zeros(()))


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [SMALL, LARGE], ids=("small", "large"))
def test_gradients_match_central_differences(shapes: tuple[dict, ...]) -> None:
    """Item 7, along random directions in all parameters and policies at once, forward and reverse."""

    @given(recipe=recipes(shapes), seed=st.integers(0, 2**32 - 1))
    @examples(8)
    def holds(recipe: Recipe, seed: int) -> None:
        world = recipe.world()
        economy, b = world.economy, world.economy.baseline
        policy = world.scenario.to_arrays(economy)
        arrays = world.parameters.to_arrays(economy, world.technology)
        u, _, worst = solve_arrays(b, policy, arrays, 1e-13)
        assume(float(worst) < 1e-12 and bool(outcomes(b, policy, arrays, u).determinate))
        assume(bool(jnp.all((u.pool <= 0) | (u.pool > 0.05))))  # away from the kink
        way = direction(np.random.default_rng(seed), economy, policy, arrays)

        at = partial(welfare_along, b, policy, arrays, way)
        forward, reverse = slopes_along(b, policy, arrays, way)
        h = 1e-4
        (up, good), (down, fine), (up2, _), (down2, _) = (at(jnp.asarray(k * h)) for k in (1, -1, 2, -2))
        assume(bool(good) and bool(fine))
        central = (8 * (up - down) - (up2 - down2)) / (12 * h)
        scale = float(jnp.abs(central).max())
        np.testing.assert_allclose(forward, central, atol=1e-6 * max(scale, 1e-3))
        np.testing.assert_allclose(reverse, forward, atol=1e-9 * max(scale, 1e-3))

    holds()


def direction(
    rng: np.random.Generator, economy: ree.Economy, policy: PolicyArrays, arrays: ParameterArrays
) -> tuple[PolicyArrays, ParameterArrays]:
    """A random direction that stays inside: small beside each parameter, zero where something cannot move."""
    foreign = 1.0 - np.eye(len(economy.countries))[:, :, None]

    def some(like: jax.Array, where: np.ndarray | float = 1.0) -> jax.Array:
        return jnp.asarray(rng.uniform(-0.1, 0.1, like.shape) * where)

    still = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), (policy, arrays))
    t, use = arrays.technology, users(economy)
    technology = still[1].technology._replace(
        sigma=some(t.sigma) * t.sigma * 0.1 * use,
        kappa=some(t.kappa) * t.kappa * 0.1,
        spillover=some(t.spillover, use) * t.spillover * 0.1,
        spillover_gap=some(t.spillover_gap, use) * t.spillover_gap,
        element_elasticity=some(t.sigma, use) * t.element_elasticity,
    )
    moved = still[0]._replace(
        log_tariff=some(policy.log_tariff, foreign),
        log_export_tax=some(policy.log_export_tax, foreign),
        log_trade_cost=some(policy.log_trade_cost, foreign),
        log_productivity=some(policy.log_productivity),
        pools=still[0].pools._replace(log_limit=some(policy.pools.log_limit)),
    )
    elasticity = some(arrays.trade_elasticity) * arrays.trade_elasticity
    return moved, still[1]._replace(technology=technology, trade_elasticity=elasticity)


def test_no_world_is_called_solved_above_its_tolerance() -> None:
    """What the public function calls solved has a residual below the tolerance that was asked for."""

    @given(recipe=recipes(), tolerance=st.sampled_from((1e-8, 1e-10, 1e-13)))
    @examples(6)
    def holds(recipe: Recipe, tolerance: float) -> None:
        world = recipe.world()
        result = ree.solve(world.economy, world.scenario, world.parameters, tolerance=tolerance, throw=False)
        assert bool(result.solved) == (float(result.residual) <= 1.5 * tolerance)
        values = xr.Dataset({name: result[name] for name in ("welfare", "output", "ree_price")})
        assert bool(result.solved) or all(bool(v.isnull().all()) for v in values.values())

    holds()
