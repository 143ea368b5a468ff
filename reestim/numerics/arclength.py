"""Pseudo-arclength continuation: it follows the path of solutions by its length, past turning points in the shock.

Where the path of equilibria bends back, a larger shock has no equilibrium near the last one, and continuation in the
shock ends although the path goes on. Followed by arc length (Keller 1977; Allgower and Georg 2003, Introduction to
Numerical Continuation Methods, ch. 6) the shock may shrink for a while before it grows again. Knows no economics.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reestim.numerics.newton import AIM, Function, Loop, Root, Tolerance, jacobian, largest, newton

#: Steps along the path, its first and longest step, and the shortest before it is given up.
MAX_PATH_STEPS = 150
FIRST, LONGEST_STEP, SHORTEST = 0.05, 2.0, 1e-6
#: Corrections of a step; the next one is doubled after ``EASY`` of them, halved after all.
CORRECTIONS, EASY, HARD = 8, 3, 5
#: How near the path is followed; the end of it is solved to the tolerance.
NEAR_PATH = 1e-7
#: Log changes beyond which a path has run away.
AWAY = 60.0


def follow_arclength(
    family: Callable[[Float[Array, ""]], Function], origin: Float[Array, " n"], tolerance: Tolerance
) -> Root:
    """Solve family(1)(z) = 0 along the path of solutions from ``origin``, which solves family(0).

    ``stage`` is 1 where the path arrived and 0 where it did not.
    """

    def f(y: Float[Array, " m"]) -> Float[Array, " n"]:
        return family(y[-1])(y[:-1])

    size = origin.size + 1
    ahead = jnp.zeros(size).at[-1].set(1.0)

    def tangent(y: Float[Array, " m"], before: Float[Array, " m"]) -> Float[Array, " m"]:
        along = jnp.linalg.solve(jnp.vstack([jacobian(f, y), before]), ahead)
        return along / jnp.linalg.norm(along)

    def corrected(guess: Array, along: Array, length: Array) -> tuple[Array, Array, Bool[Array, ""]]:
        """The path's point in the plane through ``guess`` across ``along``, and the corrections it took."""

        def go_on(state: Loop) -> Bool[Array, ""]:
            x, r, taken = state
            good = jnp.all(jnp.isfinite(r)) & (jnp.linalg.norm(x - guess) <= 2 * length + 1)
            return (largest(r) > NEAR_PATH) & (taken < CORRECTIONS) & good

        def correct(state: Loop) -> Loop:
            x, r, taken = state
            gap = jnp.append(r, along @ (x - guess))
            x = x - jnp.linalg.solve(jnp.vstack([jacobian(f, x), along]), gap)
            return x, f(x), taken + 1

        x, r, taken = jax.lax.while_loop(go_on, correct, (guess, f(guess), jnp.zeros((), int)))
        return x, taken, largest(r) <= NEAR_PATH

    def go_on(state: Loop) -> Bool[Array, ""]:
        y, _, _, length, steps = state
        inside = (y[-1] < 1) & (y[-1] > -1) & (jnp.max(jnp.abs(y[:-1])) < AWAY)
        return inside & (length >= SHORTEST) & (steps < MAX_PATH_STEPS)

    def advance(state: Loop) -> Loop:
        y, before, along, length, steps = state
        x, taken, good = corrected(y + length * along, along, length)
        onward = jax.lax.cond(good & (x[-1] < 1), lambda: tangent(x, along), lambda: along)
        factor = jnp.where(good, jnp.where(taken <= EASY, 2.0, jnp.where(taken <= HARD, 1.0, 0.5)), 0.5)
        return (
            jnp.where(good, x, y),
            jnp.where(good, y, before),
            jnp.where(good, onward, along),
            jnp.minimum(factor * length, LONGEST_STEP),
            steps + 1,
        )

    start = jnp.append(origin, 0.0)
    begin = (start, start, tangent(start, ahead), jnp.asarray(FIRST), jnp.zeros((), int))
    y, before, _, _, steps = jax.lax.while_loop(go_on, advance, begin)
    arrived = y[-1] >= 1
    part = jnp.where(arrived, (1 - before[-1]) / jnp.where(arrived, y[-1] - before[-1], 1.0), 1.0)
    root = newton(family(jnp.ones(())), (before + part * (y - before))[:-1], AIM * tolerance)
    good = arrived & (root.residual <= tolerance)
    return Root(root.point, jnp.where(good, root.residual, jnp.inf), steps + root.steps, jnp.where(good, 1.0, 0.0))
