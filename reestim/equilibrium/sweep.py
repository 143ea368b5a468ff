"""Many equilibria at once: one economy and scenario, a set of parameter draws.

The draw nearest to the median (the reference draw) is solved first. The differences that its acceleration has gathered
(``anderson.SecantHistory``) describe the Jacobian near there, and start all other draws from its equilibrium. No
Jacobian is formed. Unconverged draws are warm-started again from their own median draw; what still remains is solved
one by one by Newton's method. Batches of draws bound the memory and run on two threads, because the steps of a batch
are too small to fill several cores. A reference draw that the accelerated steps do not solve is solved by Newton's
method.
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
from reestim.equilibrium.drawn_baseline import drawn_baseline, drawn_policy
from reestim.equilibrium.equations import Unknowns
from reestim.equilibrium.implicit import all_residuals, baseline_unknowns, many_equilibria, within_tolerance
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.preconditioner import Preconditioner, build_preconditioner
from reestim.equilibrium.scenario import PolicyArrays
from reestim.equilibrium.solve import solve_by_newton
from reestim.equilibrium.welfare import outcomes
from reestim.numerics.anderson import SecantHistory, empty_history
from reestim.numerics.newton import Tolerance

#: Secant pairs of the reference draw that all draws share, and those that each draw keeps of its own.
SHARED_HISTORY = 12
OWN_HISTORY = 5
#: Rounds with a new reference draw; after them, draws are solved one by one.
ROUNDS = 3


class DrawSolutions(NamedTuple):
    """Results of a set of draws; leading dimension of every array: draw."""

    outcomes: dict[str, np.ndarray]
    solved: Bool[np.ndarray, " draw"]
    residual: Float[np.ndarray, " draw"]
    steps: Int[np.ndarray, " draw"]
    reason: Int[np.ndarray, " draw"]  # code of ``diagnosis.Reason``


class _WarmStart(NamedTuple):
    """The start of a batch: equilibrium, approximate inverse and secant history of the reference draw."""

    start: Float[Array, " n"]
    near: Preconditioner
    history: SecantHistory


@jax.jit
def _solve_reference_draw(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: Tolerance
) -> tuple[_WarmStart, Float[Array, ""]]:
    """Warm start from the reference draw, and its largest residual."""
    near = build_preconditioner(drawn_baseline(b, draw), policy, draw)
    one = jax.tree.map(lambda leaf: leaf[None], draw)
    result = many_equilibria(b, policy, one, near, start[None], tolerance, empty_history(start.size), SHARED_HISTORY)
    warm_start = _WarmStart(
        result.point[0], near, SecantHistory(result.step_differences[0], result.iterate_differences[0])
    )
    return warm_start, result.residual[0]


@partial(jax.jit, static_argnames="names")
def _solve_batch(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    warm_start: _WarmStart,
    tolerance: Tolerance,
    names: tuple[str, ...],
) -> tuple[dict[str, Array], Float[Array, " draw"], Int[Array, " draw"]]:
    """A batch of draws from the equilibrium of the reference draw: results, largest residual, steps."""
    begin = jnp.broadcast_to(warm_start.start, (draws.trade_elasticity.shape[0], warm_start.start.size))
    result = many_equilibria(b, policy, draws, warm_start.near, begin, tolerance, warm_start.history, OWN_HISTORY)
    results, residual = jax.vmap(partial(_results, b, policy, names))(draws, result.point)
    return results, residual, result.steps


def _results(
    b: Baseline, policy: PolicyArrays, names: tuple[str, ...], draw: ParameterArrays, point: Float[Array, " n"]
) -> tuple[dict[str, Array], Float[Array, ""]]:
    b, policy = drawn_baseline(b, draw), drawn_policy(policy, draw, b)
    u = ravel_pytree(baseline_unknowns(b, policy))[1](point)
    result = outcomes(b, policy, draw, u)
    return {name: getattr(result, name) for name in names}, all_residuals(b, policy, draw, u)


def _solve_one(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, tolerance: float, names: tuple[str, ...]
) -> tuple[dict[str, Array], Int[Array, ""], Float[Array, ""], Int[Array, ""]]:
    """One draw by Newton's method, and what would explain a failure."""
    b, policy = drawn_baseline(b, draw), drawn_policy(policy, draw, b)
    u, root, worst = solve_by_newton(b, policy, draw, tolerance)
    return *_explained(b, policy, draw, u, root.stage, names), worst, root.steps


@partial(jax.jit, static_argnames="names")
def _explained(
    b: Baseline,
    policy: PolicyArrays,
    draw: ParameterArrays,
    u: Unknowns,
    stage: Float[Array, ""],
    names: tuple[str, ...],
) -> tuple[dict[str, Array], Int[Array, ""]]:
    result = outcomes(b, policy, draw, u)
    return {name: getattr(result, name) for name in names}, why(b, policy, draw, u, stage)


def solve_draws(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    names: Sequence[str],
    size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> DrawSolutions:
    """Solve every draw (leading dimension of every leaf of ``draws``) to ``tolerance``.

    ``names`` are the results to return (fields of ``Outcomes``). Each thread solves ``size`` draws at once, which
    bounds the memory. ``advance`` is called with the number of draws that were finished.
    """
    names = tuple(names)
    draws = jax.tree.map(np.asarray, draws)  # picking draws out of NumPy arrays is a hundred times cheaper
    count = draws.trade_elasticity.shape[0]
    results: dict[str, np.ndarray] = {}
    residual, steps, reason = np.full(count, np.inf), np.zeros(count, int), np.zeros(count, int)

    def insert(index: np.ndarray, values: dict[str, Array], worst: Array, used_steps: Array) -> None:
        for name, value in values.items():
            array = np.asarray(value)
            if name not in results:
                dtype = array.dtype if array.dtype != bool else float
                results[name] = np.full((count, *array.shape[1:]), np.nan, dtype)
            results[name][index] = array[: len(index)]
        residual[index] = np.asarray(worst)[: len(index)]
        steps[index] += np.asarray(used_steps)[: len(index)]

    for left, values, worst, used_steps in _rounds(b, policy, draws, tolerance, names, size, residual):
        insert(left, values, worst, used_steps)
        advance(int(within_tolerance(residual[left], tolerance).sum()))
    for k in np.flatnonzero(~within_tolerance(residual, tolerance)):
        values, cause, worst, used_steps = _solve_one(b, policy, take(draws, k), tolerance, names)
        insert(np.array([k]), {n: v[None] for n, v in values.items()}, worst[None], used_steps[None])
        reason[k] = int(cause)
        advance(1)
    solved = np.asarray(within_tolerance(residual, tolerance))
    return DrawSolutions(results, solved, residual, steps, np.where(solved, Reason.SOLVED, reason))


def _rounds(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    names: tuple[str, ...],
    size: int,
    residual: np.ndarray,
) -> Iterator[tuple[np.ndarray, dict[str, Array], Array, Array]]:
    """Chunks of draws as they are finished: (draws, results, residuals, steps). Reads ``residual`` between rounds."""
    standardised = _standardised(draws)
    start, _ = ravel_pytree(baseline_unknowns(b, policy))
    left = np.arange(len(residual))
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 2)) as pool:
        for _ in range(ROUNDS):
            middle = take(draws, left[_middle(standardised[left])])
            warm_start, worst = _solve_reference_draw(b, policy, middle, start, tolerance)
            if not float(worst) <= tolerance:  # then Newton's method, once, instead of once a draw
                known = drawn_baseline(b, middle), drawn_policy(policy, middle, b)
                u, _, _ = solve_by_newton(*known, middle, tolerance)
                point, _ = ravel_pytree(u)
                warm_start, worst = _solve_reference_draw(b, policy, middle, point, tolerance)
            if not float(worst) <= tolerance:
                return
            start = warm_start.start
            work = partial(_chunk, b, policy, draws, warm_start, tolerance, names)
            yield from pool.map(work, batches(left, size))
            left = left[~within_tolerance(residual[left], tolerance)]
            if not len(left):
                return


def _chunk(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    warm_start: _WarmStart,
    tolerance: float,
    names: tuple[str, ...],
    batch: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, dict[str, Array], Array, Array]:
    index, padded = batch
    done = _solve_batch(b, policy, take(draws, padded), warm_start, tolerance, names)
    return (index, *jax.block_until_ready(done))


def take(draws: ParameterArrays, index: np.ndarray | np.integer) -> ParameterArrays:
    return jax.tree.map(lambda leaf: leaf[index], draws)


def batches(index: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Batches, and the same padded to equal length by repeating an entry: nothing is compiled twice."""
    parts = [index[first : first + size] for first in range(0, len(index), size)]
    return [(part, np.concatenate([part, np.repeat(part[-1:], size - len(part))])) for part in parts]


def _standardised(draws: ParameterArrays) -> Float[np.ndarray, "draw parameter"]:
    """The parameters that vary, each with unit spread, so that distances between draws mean something.

    Inputs are left out: they are many, each a small part of what makes two draws differ.
    """
    leaves = [np.asarray(leaf).reshape(len(leaf), -1) for leaf in jax.tree.leaves(draws._replace(inputs=None))]
    flat = np.unique(np.concatenate(leaves, axis=1), axis=1)
    spread = flat.std(axis=0)
    return (flat - flat.mean(axis=0))[:, spread > 0] / spread[spread > 0]


def _middle(standardised: Float[np.ndarray, "draw parameter"]) -> int:
    """Position of the draw nearest to the median."""
    return int(np.argmin(np.sum((standardised - np.median(standardised, axis=0)) ** 2, axis=1)))
