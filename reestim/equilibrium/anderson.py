"""Anderson's acceleration of a fixed-point iteration. Knows no economics."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from reestim.equilibrium.newton import Tolerance

#: Differences remembered, and the ridge of their least squares relative to their size.
MEMORY = 8
RIDGE = 1e-14
#: Largest move of an unknown (a log change) in one step: early combinations can overshoot.
LONGEST = 1.0
#: Every ``LOOK`` steps the largest residual must have shrunk by ``SHRINKS``; else the iteration has stalled.
LOOK = 12
SHRINKS = 0.5


class Found(NamedTuple):
    """``point``, the largest residual there, and the steps taken."""

    point: Float[Array, " n"]
    residual: Float[Array, ""]
    steps: Int[Array, ""]


class _State(NamedTuple):
    z: Float[Array, " n"]
    step: Float[Array, " n"]
    changes: Float[Array, "memory n"]  # last differences of steps
    images: Float[Array, "memory n"]  # the same plus the differences of points: what the iteration made of them
    gram: Float[Array, "memory memory"]  # products of the changes
    worst: Float[Array, ""]
    mark: Float[Array, ""]  # worst residual at the last look back
    stalled: Bool[Array, ""]
    turn: Int[Array, ""]


def accelerated(
    measure: Callable[[Float[Array, " n"]], tuple[Float[Array, " n"], Float[Array, ""]]],
    start: Float[Array, " n"],
    tolerance: Tolerance,
    max_steps: int,
) -> Found:
    """Iterate z ← z + step(z), combined with the last steps so that the predicted next step is shortest.

    ``measure(z)`` returns the step proposed at z and the largest residual there. Stops at the tolerance, where it
    stalls, and where a number is not finite (Walker and Ni 2011, SIAM J. Numer. Anal. 49).
    """

    def go_on(s: _State) -> Bool[Array, ""]:
        return (s.turn < max_steps) & (s.worst > tolerance) & ~s.stalled

    def advance(s: _State) -> _State:
        ridge = (RIDGE * jnp.trace(s.gram) + jnp.finfo(float).tiny) * jnp.eye(MEMORY)
        weight = jnp.linalg.solve(s.gram + ridge, s.changes @ s.step)
        move = s.step - weight @ s.images
        move = move * jnp.minimum(1.0, LONGEST / jnp.maximum(jnp.max(jnp.abs(move)), LONGEST))
        step, worst = measure(s.z + move)
        slot, change = s.turn % MEMORY, step - s.step
        changes = s.changes.at[slot].set(change)
        products = changes @ change
        look = (s.turn + 1) % LOOK == 0
        stalled = ~jnp.isfinite(worst) | (look & ~(worst < SHRINKS * s.mark))
        return _State(
            s.z + move, step, changes, s.images.at[slot].set(move + change),
            s.gram.at[slot].set(products).at[:, slot].set(products), worst, jnp.where(look, worst, s.mark), stalled,
            s.turn + 1,
        )  # fmt: skip

    step, worst = measure(start)
    memory = jnp.zeros((MEMORY, start.size))
    gram = jnp.zeros((MEMORY, MEMORY))
    begin = _State(start, step, memory, memory, gram, worst, worst, ~jnp.isfinite(worst), jnp.zeros((), int))
    end = jax.lax.while_loop(go_on, advance, begin)
    return Found(end.z, end.worst, end.turn)
