"""Newton's method with a search along the step, and continuation in the size of the shock. Knows no economics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

#: Columns of a Jacobian evaluated at once: bounds the memory of (importer, exporter, sector) arrays per column.
COLUMNS_AT_ONCE = 64
#: Smallest share of the Newton step that the line search tries before it gives up.
SMALLEST_STEP = 2.0**-16
#: Newton steps per stage of the continuation, and the smallest part of the shock that a stage may add.
STEPS_PER_STAGE = 50
SMALLEST_STAGE = 2.0**-10
#: Newton goes on to this part of the tolerance: its last step costs little, and equations that follow from those it
#: solves (the numéraire, by Walras' law) carry the sum of their gaps.
AIM = 0.1
#: How near the stages before the last are solved: they only lead on.
ON_THE_WAY = 1e-8
#: Where two parts of a problem all but fall apart (no trade between two groups of countries) the Jacobian is singular
#: to rounding, and near a solution its steps are rounding made long. With residuals below ``FINE`` ``SHIFT`` is taken
#: off its diagonal (pseudo-transient continuation, Kelley and Keyes 1998), which keeps such steps short.
FINE, SHIFT = 1e-10, 1e-9

Tolerance = float | Float[Array, ""]
#: What a `jax.lax.while_loop` carries.
Loop = tuple[Any, ...]
Function = Callable[[Float[Array, " n"]], Float[Array, " m"]]


class Root(NamedTuple):
    """``point``, the largest |f| there, Newton steps taken, and the part of the shock reached."""

    point: Float[Array, " n"]
    residual: Float[Array, ""]
    steps: Int[Array, ""]
    stage: Float[Array, ""]


def jacobian(f: Function, z: Float[Array, " n"]) -> Float[Array, "m n"]:
    """Dense Jacobian of ``f`` at ``z``, by forward mode on one linearisation, a block of columns at a time."""
    _, tangent = jax.linearize(f, z)
    columns = jax.lax.map(tangent, jnp.eye(z.size, dtype=z.dtype), batch_size=min(COLUMNS_AT_ONCE, z.size))
    return columns.T


def largest(r: Float[Array, " n"]) -> Float[Array, ""]:
    """Largest absolute entry; infinite where anything is not a number."""
    return jnp.max(jnp.where(jnp.isfinite(r), jnp.abs(r), jnp.inf))


def newton(f: Function, start: Float[Array, " n"], tolerance: Tolerance, max_steps: int = STEPS_PER_STAGE) -> Root:
    """Solve f(z) = 0 from ``start``, each step shortened until the next one, with the same matrix, is shorter.

    Judging by the step that would follow, not by |f|, makes the search blind to how rows are scaled (Deuflhard 2004,
    Newton Methods for Nonlinear Problems, ch. 3): residuals of a country that hardly trades do not hold up the rest.
    Where the matrix is nearly singular that step is rounding; one that lessens |f| in proportion is taken as well. Each
    search begins at twice the length of the last.
    """

    def go_on(state: Loop) -> Bool[Array, ""]:
        _, r, steps, stuck, _ = state
        return (largest(r) > tolerance) & (steps < max_steps) & ~stuck

    def step(state: Loop) -> Loop:
        z, r, steps, _, first = state
        shift = jnp.where(largest(r) < FINE, SHIFT, 0.0)
        factors = jax.scipy.linalg.lu_factor(jacobian(f, z) - shift * jnp.eye(z.size))
        direction = jax.scipy.linalg.lu_solve(factors, -r)
        size = jnp.linalg.norm(direction)

        def too_long(trial: Loop) -> Bool[Array, ""]:
            length, there = trial
            after = jnp.linalg.norm(jax.scipy.linalg.lu_solve(factors, there))
            shorter = (after <= (1 - length / 4) * size) | (largest(there) <= (1 - length / 2) * largest(r))
            return ~shorter & (length > SMALLEST_STEP)

        def halve(trial: Loop) -> Loop:
            length = trial[0] / 2
            return length, f(z + length * direction)

        untried = (2 * first, jnp.full_like(r, jnp.inf))  # too long: the loop begins with ``first``
        length, there = jax.lax.while_loop(too_long, halve, untried)
        done = (length > SMALLEST_STEP) & jnp.all(jnp.isfinite(there)) | (largest(there) < largest(r))
        return (
            jnp.where(done, z + length * direction, z),
            jnp.where(done, there, r),
            steps + 1,
            ~done,
            jnp.minimum(1.0, 2 * length),
        )

    begin = (start, f(start), jnp.zeros((), int), jnp.zeros((), bool), jnp.ones(()))
    z, r, steps, _, _ = jax.lax.while_loop(go_on, step, begin)
    return Root(z, largest(r), steps, jnp.ones(()))


def continuation(
    family: Callable[[Float[Array, ""]], Function],
    origin: Float[Array, " n"],
    start: Float[Array, " n"],
    tolerance: Tolerance,
    max_stages: int = 60,
) -> Root:
    """Solve family(1)(z) = 0, where family(0) is solved by ``origin`` (no shock).

    Tries the whole shock first, from ``start``; where Newton fails, half of what is left, from the line through the
    last two solutions (``origin`` at first), and doubles the stage after each success. Gives up when a stage of 1/1024
    fails; ``stage`` < 1 says how far it came.
    """

    def go_on(state: Loop) -> Bool[Array, ""]:
        _, _, _, _, reached, size, stages = state
        return (reached < 1) & (size >= SMALLEST_STAGE) & (stages < max_stages)

    def advance(state: Loop) -> Loop:
        z, slope, res, steps, reached, size, stages = state
        target = jnp.minimum(reached + size, 1.0)
        near = jnp.where(target == 1.0, tolerance, jnp.maximum(tolerance, ON_THE_WAY))
        root = newton(family(target), z + (target - reached) * slope, AIM * near)
        good = root.residual <= near
        size = jnp.where(good, 2 * size, size / 2)
        before = jnp.where(reached == 0, origin, z)
        return (
            jnp.where(good, root.point, before),
            jnp.where(good, (root.point - before) / (target - reached), slope),
            jnp.where(good | (target == 1.0), root.residual, res),
            steps + root.steps,
            jnp.where(good, target, reached),
            size,
            stages + 1,
        )

    initial = (
        start,
        jnp.zeros_like(start),
        jnp.asarray(jnp.inf),
        jnp.zeros((), int),
        jnp.zeros(()),
        jnp.ones(()),
        jnp.zeros((), int),
    )
    z, _, res, steps, reached, _, _ = jax.lax.while_loop(go_on, advance, initial)
    return Root(z, jnp.where(reached >= 1, res, jnp.inf), steps, reached)
