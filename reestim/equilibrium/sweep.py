"""Many equilibria at once: one economy and scenario, a set of parameter draws.

Draws differ little from one another. The draw in the middle is solved first; the differences of steps that its
acceleration has gathered say how the equations bend near there, in the directions that matter, and serve all other
draws as their start (``anderson.Lessons``), from the middle draw's equilibrium. No Jacobian is formed. Draws that do
not come home teach anew from the middle of what is left, and what remains goes to the robust solver one by one. Chunks
of draws bound the memory and run on two threads, because a chunk's steps are too small to fill several cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.diagnosis import Reason
from reestim.equilibrium.diagnosis import reason as why
from reestim.equilibrium.equations import Unknowns
from reestim.equilibrium.implicit import all_residuals, many_equilibria, no_change, within_tolerance
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.preconditioner import Approximate, approximate
from reestim.equilibrium.scenario import PolicyArrays
from reestim.equilibrium.solve import find_robustly
from reestim.equilibrium.welfare import outcomes
from reestim.numerics.anderson import Lessons, no_lessons
from reestim.numerics.newton import Tolerance

#: Differences that the middle draw hands on, and those that each draw keeps of its own.
HANDED_ON = 12
OWN = 5
#: Rounds of teaching; after them, draws are solved one by one.
ROUNDS = 3


class Sweep(NamedTuple):
    """Results of a set of draws; leading dimension of every array: draw."""

    outcomes: dict[str, np.ndarray]
    solved: Bool[np.ndarray, " draw"]
    residual: Float[np.ndarray, " draw"]
    steps: Int[np.ndarray, " draw"]
    reason: Int[np.ndarray, " draw"]  # code of ``diagnosis.Reason``


class _Taught(NamedTuple):
    """What the middle draw hands on: its equilibrium, approximate inverse and differences."""

    start: Float[Array, " n"]
    near: Approximate
    lessons: Lessons


@jax.jit
def _teacher(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: Tolerance
) -> tuple[_Taught, Float[Array, ""]]:
    """The middle draw, remembering all its differences; and its largest residual."""
    near = approximate(b, policy, draw.trade_elasticity)
    one = jax.tree.map(lambda leaf: leaf[None], draw)
    found = many_equilibria(b, policy, one, near, start[None], tolerance, no_lessons(start.size), HANDED_ON)
    taught = _Taught(found.point[0], near, Lessons(found.changes[0], found.images[0]))
    return taught, found.residual[0]


@partial(jax.jit, static_argnames="kept")
def _pupils(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    taught: _Taught,
    tolerance: Tolerance,
    kept: tuple[str, ...],
) -> tuple[dict[str, Array], Float[Array, " draw"], Int[Array, " draw"]]:
    """A chunk of draws from the teacher's equilibrium: results, largest residual of all equations, steps."""
    begin = jnp.broadcast_to(taught.start, (draws.trade_elasticity.shape[0], taught.start.size))
    found = many_equilibria(b, policy, draws, taught.near, begin, tolerance, taught.lessons, OWN)
    results, residual = jax.vmap(partial(_results, b, policy, kept))(draws, found.point)
    return results, residual, found.steps


def _results(
    b: Baseline, policy: PolicyArrays, kept: tuple[str, ...], draw: ParameterArrays, point: Float[Array, " n"]
) -> tuple[dict[str, Array], Float[Array, ""]]:
    u = ravel_pytree(no_change(b, policy))[1](point)
    result = outcomes(b, policy, draw, u)
    return {name: getattr(result, name) for name in kept}, all_residuals(b, policy, draw, u)


def _alone(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, tolerance: float, kept: tuple[str, ...]
) -> tuple[dict[str, Array], Int[Array, ""], Float[Array, ""], Int[Array, ""]]:
    """One draw by the robust solver, and what would explain a failure."""
    u, root, worst = find_robustly(b, policy, draw, tolerance)
    return *_explained(b, policy, draw, u, root.stage, kept), worst, root.steps


@partial(jax.jit, static_argnames="kept")
def _explained(
    b: Baseline,
    policy: PolicyArrays,
    draw: ParameterArrays,
    u: Unknowns,
    stage: Float[Array, ""],
    kept: tuple[str, ...],
) -> tuple[dict[str, Array], Int[Array, ""]]:
    result = outcomes(b, policy, draw, u)
    return {name: getattr(result, name) for name in kept}, why(b, policy, draw, u, stage)


def sweep(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    kept: Sequence[str],
    size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Solve every draw (leading dimension of every leaf of ``draws``) to ``tolerance``.

    ``kept`` names the results to return (fields of ``Outcomes``); ``size`` draws are worked on at once on each thread,
    which bounds the memory; ``advance`` is told how many draws were finished.
    """
    names = tuple(kept)
    draws = jax.tree.map(np.asarray, draws)  # picking draws out of NumPy arrays is a hundred times cheaper
    count = draws.trade_elasticity.shape[0]
    joined: dict[str, np.ndarray] = {}
    residual, steps, reason = np.full(count, np.inf), np.zeros(count, int), np.zeros(count, int)

    def keep(index: np.ndarray, values: dict[str, Array], worst: Array, taken: Array) -> None:
        for name, value in values.items():
            array = np.asarray(value)
            if name not in joined:
                joined[name] = np.full((count, *array.shape[1:]), np.nan, array.dtype if array.dtype != bool else float)
            joined[name][index] = array[: len(index)]
        residual[index] = np.asarray(worst)[: len(index)]
        steps[index] += np.asarray(taken)[: len(index)]

    for left, values, worst, taken in _rounds(b, policy, draws, tolerance, names, size, residual):
        keep(left, values, worst, taken)
        advance(int(within_tolerance(residual[left], tolerance).sum()))
    for k in np.flatnonzero(~within_tolerance(residual, tolerance)):
        values, cause, worst, taken = _alone(b, policy, take(draws, k), tolerance, names)
        keep(np.array([k]), {n: v[None] for n, v in values.items()}, worst[None], taken[None])
        reason[k] = int(cause)
        advance(1)
    solved = np.asarray(within_tolerance(residual, tolerance))
    return Sweep(joined, solved, residual, steps, np.where(solved, Reason.SOLVED, reason))


def _rounds(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    kept: tuple[str, ...],
    size: int,
    residual: np.ndarray,
) -> Iterator[tuple[np.ndarray, dict[str, Array], Array, Array]]:
    """Chunks of draws as they are finished: (draws, results, residuals, steps). Reads ``residual`` between rounds."""
    place = _standardised(draws)
    start, _ = ravel_pytree(no_change(b, policy))
    left = np.arange(len(residual))
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 2)) as pool:
        for _ in range(ROUNDS):
            middle = take(draws, left[_middle(place[left])])
            taught, worst = _teacher(b, policy, middle, start, tolerance)
            if not float(worst) <= tolerance:
                return
            start = taught.start
            work = partial(_chunk, b, policy, draws, taught, tolerance, kept)
            yield from pool.map(work, batches(left, size))
            left = left[~within_tolerance(residual[left], tolerance)]
            if not len(left):
                return


def _chunk(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    taught: _Taught,
    tolerance: float,
    kept: tuple[str, ...],
    batch: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, dict[str, Array], Array, Array]:
    index, padded = batch
    done = _pupils(b, policy, take(draws, padded), taught, tolerance, kept)
    return (index, *jax.block_until_ready(done))


def take(draws: ParameterArrays, index: np.ndarray | np.integer) -> ParameterArrays:
    return jax.tree.map(lambda leaf: leaf[index], draws)


def batches(index: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Batches, and the same padded to equal length by repeating an entry: nothing is compiled twice."""
    parts = [index[first : first + size] for first in range(0, len(index), size)]
    return [(part, np.concatenate([part, np.repeat(part[-1:], size - len(part))])) for part in parts]


def _standardised(draws: ParameterArrays) -> Float[np.ndarray, "draw parameter"]:
    """The parameters that vary, each with unit spread, so that distances between draws mean something."""
    leaves = [np.asarray(leaf).reshape(len(leaf), -1) for leaf in jax.tree.leaves(draws)]
    flat = np.unique(np.concatenate(leaves, axis=1), axis=1)
    spread = flat.std(axis=0)
    return (flat - flat.mean(axis=0))[:, spread > 0] / spread[spread > 0]


def _middle(place: Float[np.ndarray, "draw parameter"]) -> int:
    """Position of the draw nearest to the median."""
    return int(np.argmin(np.sum((place - np.median(place, axis=0)) ** 2, axis=1)))
