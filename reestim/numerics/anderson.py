"""Anderson's acceleration of fixed-point iterations, one or many side by side. Knows no economics.

z ← z + step(z) is combined with earlier differences of points and steps so that the predicted next step is shortest
(Walker and Ni 2011, SIAM J. Numer. Anal. 49). Problems that resemble one another share differences: the
secant history of one solution is a start for its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from reestim.numerics.newton import Tolerance

#: Differences that each problem remembers of its own, and the ridge of the least squares relative to their size.
MEMORY = 8
RIDGE = 1e-14
#: Largest move of an unknown (a log change) in one step: early combinations can overshoot.
LONGEST_MOVE = 1.0
#: Every ``LOOK`` steps the largest residual must have shrunk by ``SHRINKS``; else the iteration has stalled.
LOOK = 12
SHRINKS = 0.5


class SecantHistory(NamedTuple):
    """Differences of steps, and what the iteration made of them (the same plus the differences of points)."""

    step_differences: Float[Array, "step n"]
    iterate_differences: Float[Array, "step n"]


class AndersonResult(NamedTuple):
    """For each problem its ``point``, the largest residual there, the steps taken, and its last differences."""

    point: Float[Array, "problem n"]
    residual: Float[Array, " problem"]
    steps: Int[Array, " problem"]
    step_differences: Float[Array, "problem memory n"]
    iterate_differences: Float[Array, "problem memory n"]


class _State(NamedTuple):
    z: Float[Array, "problem n"]
    step: Float[Array, "problem n"]
    step_differences: Float[Array, "problem memory n"]
    iterate_differences: Float[Array, "problem memory n"]
    gram: Float[Array, "problem all all"]  # products of all step_differences: the history', then the problem's own
    worst: Float[Array, " problem"]
    mark: Float[Array, " problem"]  # worst residual at the last look back
    moving: Bool[Array, " problem"]
    taken: Int[Array, " problem"]
    turn: Int[Array, ""]


def empty_history(size: int) -> SecantHistory:
    """Nothing learnt from a neighbour."""
    return SecantHistory(jnp.zeros((0, size)), jnp.zeros((0, size)))


def anderson(
    measure: Callable[[Float[Array, "problem n"]], tuple[Float[Array, "problem n"], Float[Array, " problem"]]],
    start: Float[Array, "problem n"],
    tolerance: Tolerance,
    max_steps: int | Int[Array, ""],
    history: SecantHistory,
    memory: int = MEMORY,
) -> AndersonResult:
    """Solve step(z) = 0 for every problem.

    ``measure(z)`` returns the steps proposed at z and the largest residuals there. A problem rests at the tolerance,
    where it stalls, and where a number is not finite; the loop ends when all rest.
    """
    count, size = start.shape
    history_length = history.step_differences.shape[0]

    def go_on(s: _State) -> Bool[Array, ""]:
        return (s.turn < max_steps) & jnp.any(s.moving)

    def combined(s: _State) -> Float[Array, "problem n"]:
        ridge = RIDGE * jnp.trace(s.gram, axis1=1, axis2=2) + jnp.finfo(float).tiny
        aims = jnp.concatenate(
            [s.step @ history.step_differences.T, jnp.einsum("pmn,pn->pm", s.step_differences, s.step)], axis=1
        )
        system = s.gram + ridge[:, None, None] * jnp.eye(history_length + memory)
        weight = jnp.linalg.solve(system, aims[..., None])[..., 0]
        own = jnp.einsum("pm,pmn->pn", weight[:, history_length:], s.iterate_differences)
        return s.step - weight[:, :history_length] @ history.iterate_differences - own

    def advance(s: _State) -> _State:
        move = jnp.where(s.moving[:, None], combined(s), 0.0)
        reach = jnp.max(jnp.abs(move), axis=1, keepdims=True)
        move = move * (LONGEST_MOVE / jnp.maximum(reach, LONGEST_MOVE))
        step, worst = measure(s.z + move)
        slot, change = s.turn % memory, jnp.where(s.turn < 0, 0.0, step - s.step)
        step_differences = s.step_differences.at[:, slot].set(change)
        products = jnp.concatenate(
            [change @ history.step_differences.T, jnp.einsum("pmn,pn->pm", step_differences, change)], axis=1
        )
        row = history_length + slot
        look = (s.turn + 1) % LOOK == 0
        stalled = ~jnp.isfinite(worst) | (look & ~(worst < SHRINKS * s.mark))
        return _State(
            s.z + move,
            step,
            step_differences,
            s.iterate_differences.at[:, slot].set(move + change),
            s.gram.at[:, row].set(products).at[:, :, row].set(products),
            worst,
            jnp.where(look, worst, s.mark),
            s.moving & (worst > tolerance) & ~stalled,
            s.taken + s.moving,
            s.turn + 1,
        )

    # Turn -1 moves by nothing and measures the start, so that the compiled program holds ``measure`` once.
    blank = jnp.zeros((count, memory, size))
    gram = jnp.zeros((count, history_length + memory, history_length + memory))
    gram = gram.at[:, :history_length, :history_length].set(history.step_differences @ history.step_differences.T)
    worst, moving, before = jnp.full(count, jnp.inf), jnp.ones(count, bool), jnp.full((), -1)
    begin = _State(start, 0.0 * start, blank, blank, gram, worst, worst, moving, jnp.full(count, -1), before)
    end = jax.lax.while_loop(go_on, advance, begin)
    return AndersonResult(end.z, end.worst, end.taken, end.step_differences, end.iterate_differences)
