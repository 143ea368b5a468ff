"""Newton's method with a line search, and continuation in the size of the shock. Knows no economics."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

#: Columns of a Jacobian evaluated at once: bounds the memory of (importer, exporter, sector) arrays per column.
COLUMNS_AT_ONCE = 64
#: Smallest share of the Newton step that the line search tries before it gives up.
SMALLEST_STEP = 2.0**-12
#: Newton steps per stage of the continuation, and the smallest part of the shock that a stage may add.
STEPS_PER_STAGE = 25
SMALLEST_STAGE = 2.0**-10

Tolerance = float | Float[Array, ""]
Function = Callable[[Float[Array, " n"]], Float[Array, " n"]]


class Root(NamedTuple):
    """``point``, the largest |f| there, Newton steps taken, and the part of the shock reached."""

    point: Float[Array, " n"]
    residual: Float[Array, ""]
    steps: Int[Array, ""]
    stage: Float[Array, ""]


def jacobian(f: Function, z: Float[Array, " n"]) -> Float[Array, "n n"]:
    """Dense Jacobian of ``f`` at ``z``, by forward mode on one linearisation, a block of columns at a time."""
    _, tangent = jax.linearize(f, z)
    columns = jax.lax.map(tangent, jnp.eye(z.size, dtype=z.dtype), batch_size=min(COLUMNS_AT_ONCE, z.size))
    return columns.T


def largest(r: Float[Array, " n"]) -> Float[Array, ""]:
    """Largest absolute entry; infinite where anything is not a number."""
    return jnp.max(jnp.where(jnp.isfinite(r), jnp.abs(r), jnp.inf))


def newton(f: Function, start: Float[Array, " n"], tolerance: Tolerance, max_steps: int = STEPS_PER_STAGE) -> Root:
    """Solve f(z) = 0 from ``start``; each step is halved until the sum of squares falls. Stops where it cannot fall."""

    def squares(r: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.where(jnp.all(jnp.isfinite(r)), jnp.sum(r**2), jnp.inf)

    def go_on(state: tuple) -> Bool[Array, ""]:
        _, r, steps, stuck = state
        return (largest(r) > tolerance) & (steps < max_steps) & ~stuck

    def step(state: tuple) -> tuple:
        z, r, steps, _ = state
        direction = jnp.linalg.solve(jacobian(f, z), -r)
        here = squares(r)

        def too_long(trial: tuple) -> Bool[Array, ""]:
            length, there = trial
            return ~(squares(there) < here * (1 - 1e-4 * length)) & (length > SMALLEST_STEP)

        def halve(trial: tuple) -> tuple:
            length = trial[0] / 2
            return length, f(z + length * direction)

        length, there = jax.lax.while_loop(too_long, halve, (jnp.ones(()), f(z + direction)))
        better = squares(there) < here
        return jnp.where(better, z + length * direction, z), jnp.where(better, there, r), steps + 1, ~better

    z, r, steps, _ = jax.lax.while_loop(go_on, step, (start, f(start), jnp.zeros((), int), jnp.zeros((), bool)))
    return Root(z, largest(r), steps, jnp.ones(()))


def continuation(
    family: Callable[[Float[Array, ""]], Function],
    origin: Float[Array, " n"],
    start: Float[Array, " n"],
    tolerance: Tolerance,
    max_stages: int = 60,
) -> Root:
    """Solve family(1)(z) = 0, where family(0) is solved by ``origin`` (no shock).

    Tries the whole shock first, from ``start``; where Newton fails, half of what is left, from the last solution
    (``origin`` at first), and doubles the stage after each success. Gives up when a stage of 1/1024 fails; ``stage``
    < 1 says how far it came.
    """

    def go_on(state: tuple) -> Bool[Array, ""]:
        _, _, _, reached, size, stages = state
        return (reached < 1) & (size >= SMALLEST_STAGE) & (stages < max_stages)

    def advance(state: tuple) -> tuple:
        z, res, steps, reached, size, stages = state
        target = jnp.minimum(reached + size, 1.0)
        root = newton(family(target), z, tolerance)
        good = root.residual <= tolerance
        size = jnp.where(good, 2 * size, size / 2)
        return (
            jnp.where(good, root.point, jnp.where(reached == 0, origin, z)),
            jnp.where(good | (target == 1.0), root.residual, res),
            steps + root.steps,
            jnp.where(good, target, reached),
            size,
            stages + 1,
        )

    initial = (start, jnp.asarray(jnp.inf), jnp.zeros((), int), jnp.zeros(()), jnp.ones(()), jnp.zeros((), int))
    z, res, steps, reached, _, _ = jax.lax.while_loop(go_on, advance, initial)
    return Root(z, jnp.where(reached >= 1, res, jnp.inf), steps, reached)
