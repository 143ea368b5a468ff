"""Many equilibria at once: one economy and scenario, a batch of parameter draws.

Draws differ little from one another, so they share one factorised Jacobian, that of a reference equilibrium at the
middle of the draws: each chord step is one matrix product over the batch, and the first step is already the linear
prediction in the parameters. Draws that the chord does not bring home go through the full solver one by one.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from reestim.equilibrium.economy import Baseline
from reestim.equilibrium.newton import Tolerance, jacobian, largest
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.policy import PolicyArrays
from reestim.equilibrium.separable import Weights, prepare, separable_residual
from reestim.equilibrium.solve import all_residuals, equilibrium, flat_residual, no_change
from reestim.equilibrium.welfare import Outcomes, outcomes

#: Chord steps before a draw is handed to the full solver.
CHORD_STEPS = 40


class Reference(NamedTuple):
    """A solved equilibrium and the inverse of its Jacobian."""

    point: Float[Array, " n"]
    inverse: Float[Array, "n n"]
    residual: Float[Array, ""]
    steps: Int[Array, ""]


class Sweep(NamedTuple):
    """Results of a batch; leading dimension of every array: draw."""

    outcomes: Outcomes
    solved: Bool[np.ndarray, " draw"]
    residual: Float[np.ndarray, " draw"]
    steps: Int[np.ndarray, " draw"]


@jax.jit
def reference(b: Baseline, policy: PolicyArrays, middle: ParameterArrays, tolerance: Tolerance) -> Reference:
    """Equilibrium at the middle of the draws (residual > tolerance where even that is not found)."""
    zero, _ = ravel_pytree(no_change(b, policy))
    root = equilibrium(b, policy, middle, zero, tolerance)
    slope = jacobian(partial(flat_residual, b, policy, middle), root.point)
    return Reference(root.point, jnp.linalg.inv(slope), root.residual, root.steps)


@jax.jit
def _chord(
    b: Baseline, policy: PolicyArrays, draws: ParameterArrays, ref: Reference, tolerance: Tolerance
) -> tuple[Float[Array, "draw n"], Float[Array, " draw"], Int[Array, " draw"]]:
    """Chord steps for the whole batch; a draw that is home stays where it is."""
    count = draws.trade_elasticity.shape[0]
    _, unravel = ravel_pytree(no_change(b, policy))
    weights = jax.vmap(partial(prepare, b, policy))(draws.trade_elasticity)

    def one(draw: ParameterArrays, weight: Weights, z: Float[Array, " n"]) -> Float[Array, " n"]:
        return ravel_pytree(separable_residual(b, policy, draw, weight, unravel(z)))[0]

    def residuals(draws: ParameterArrays, z: Float[Array, "draw n"]) -> Float[Array, "draw n"]:
        return jax.vmap(one)(draws, weights, z)

    def go_on(state: tuple) -> Bool[Array, ""]:
        _, _, worst, _, k = state
        return (k < CHORD_STEPS) & jnp.any((worst > tolerance) & jnp.isfinite(worst))

    def step(state: tuple) -> tuple:
        z, r, worst, steps, k = state
        moving = worst > tolerance
        z = jnp.where(moving[:, None], z - r @ ref.inverse.T, z)
        r = residuals(draws, z)
        return z, r, jax.vmap(largest)(r), steps + moving, k + 1

    start = jnp.broadcast_to(ref.point, (count, ref.point.size))
    r = residuals(draws, start)
    state = (start, r, jax.vmap(largest)(r), jnp.zeros(count, int), jnp.zeros((), int))
    z, _, worst, steps, _ = jax.lax.while_loop(go_on, step, state)
    return z, worst, steps


@jax.jit
def _full(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: Tolerance
) -> tuple[Float[Array, " n"], Float[Array, ""], Int[Array, ""]]:
    root = equilibrium(b, policy, draw, start, tolerance)
    return root.point, root.residual, root.steps


@jax.jit
def _results(
    b: Baseline, policy: PolicyArrays, draws: ParameterArrays, z: Float[Array, "draw n"]
) -> tuple[Outcomes, Float[Array, " draw"]]:
    _, unravel = ravel_pytree(no_change(b, policy))

    def one(draw: ParameterArrays, point: Float[Array, " n"]) -> tuple[Outcomes, Float[Array, ""]]:
        u = unravel(point)
        return outcomes(b, policy, draw, u), all_residuals(b, policy, draw, u)

    return jax.vmap(one)(draws, z)


def middle_of(draws: ParameterArrays) -> ParameterArrays:
    """Parameters at the median of every entry: inside the interior because the draws are."""
    return jax.tree.map(lambda x: jnp.median(x, axis=0), draws)


def sweep(b: Baseline, policy: PolicyArrays, draws: ParameterArrays, ref: Reference, tolerance: Tolerance) -> Sweep:
    """Solve every draw of a batch (leading dimension of every leaf of ``draws``) to ``tolerance``."""
    z, worst, steps = (np.array(x) for x in _chord(b, policy, draws, ref, tolerance))
    for d in np.flatnonzero(~(worst <= tolerance)):
        draw = jax.tree.map(lambda x, d=d: x[d], draws)
        point, residual, more = _full(b, policy, draw, ref.point, tolerance)
        z[d], worst[d], steps[d] = np.asarray(point), float(residual), steps[d] + int(more)
    result, everything = _results(b, policy, draws, jnp.asarray(z))
    solved = (worst <= tolerance) & (np.asarray(everything) <= 10 * tolerance)
    return Sweep(result, solved, np.asarray(everything), steps)
