"""Derivatives at full size (31 × 40): the matrix-free linear solver, forward and reverse, and maps over scenarios."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import reestim as ree


@pytest.mark.slow
def test_gradients_of_nafta_match_differences(tariffs: xr.DataArray, economy: ree.Economy) -> None:
    scenario = ree.Scenario(name="NAFTA", tariff=tariffs)
    function, inputs = ree.equilibrium_function(economy, scenario, ree.Parameters(), tolerance=1e-12)
    mexico = economy.countries.index("MEX")

    def welfare(size: jax.Array) -> jax.Array:
        """Mexico's, with its trade elasticities and the tariffs of all moved by ``size``."""
        elasticity = inputs.parameters.trade_elasticity * jnp.exp(size[0])
        tariff = inputs.policy.log_tariff * jnp.exp(size[1])
        moved = inputs._replace(
            parameters=inputs.parameters._replace(trade_elasticity=elasticity),
            policy=inputs.policy._replace(log_tariff=tariff),
        )
        return function(moved).welfare[mexico]

    at, h = jnp.zeros(2), 1e-4
    values = jax.jit(jax.vmap(welfare))(jnp.asarray([[h, 0], [-h, 0], [0, h], [0, -h]], dtype=float))
    central = np.array([values[0] - values[1], values[2] - values[3]]) / (2 * h)
    reverse, forward = jax.jit(jax.grad(welfare))(at), jax.jit(jax.jacfwd(welfare))(at)
    assert np.abs(central).min() > 1e-6
    np.testing.assert_allclose(reverse, central, rtol=1e-6)
    np.testing.assert_allclose(forward, reverse, rtol=1e-8)


def test_unfinished_linear_solves_are_no_derivatives() -> None:
    from reestim.numerics import linear

    size = linear.DENSE_UP_TO + 1
    rng = np.random.default_rng(0)
    singular = jnp.asarray(rng.normal(size=(size, size))).at[0].set(0.0)
    x = linear.solve_linear(lambda v: singular @ v, jnp.ones(size), lambda v: v)
    assert bool(jnp.isnan(x).all())
    good = jnp.eye(size) + 0.01 * jnp.asarray(rng.normal(size=(size, size)))
    x = linear.solve_linear(lambda v: good @ v, jnp.ones(size), lambda v: v)
    np.testing.assert_allclose(good @ x, 1.0, atol=1e-8)
