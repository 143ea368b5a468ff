"""Many equilibria at once: one economy and scenario, a set of parameter draws.

The draw nearest to the median (the reference draw) is solved first; all others go from its equilibrium, by accelerated
steps with what is known from there (`reestim.equilibrium.reference`). Those that this does not solve are taken in
groups of neighbours, each from the solved draw that is nearest to it and with what is known from there, until a round
solves no more; what still remains is solved one by one by Newton's method. Batches of draws bound the memory and run
on two threads, because the steps of a batch are too small to fill several cores.
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
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.reference import (
    Reference,
    nearer_reference,
    own_memory,
    reference_draw,
)
from reestim.equilibrium.solve import solve_by_newton
from reestim.equilibrium.welfare import outcomes
from reestim.numerics.newton import Tolerance

#: Rounds with nearer references; after them, draws are solved one by one.
ROUNDS = 6
#: Accelerated steps of a draw in one round: a nearer reference is worth more than more steps.
STEPS_A_ROUND = 48


class DrawSolutions(NamedTuple):
    """Results of a set of draws; leading dimension of every array: draw."""

    outcomes: dict[str, np.ndarray]
    solved: Bool[np.ndarray, " draw"]
    residual: Float[np.ndarray, " draw"]
    steps: Int[np.ndarray, " draw"]
    reason: Int[np.ndarray, " draw"]  # code of ``diagnosis.Reason``


class _Found(NamedTuple):
    """Equilibria of some draws, each along its first axis."""

    outcomes: dict[str, Array]
    residual: Float[Array, " draw"]
    steps: Int[Array, " draw"]
    point: Float[Array, "draw n"]


@partial(jax.jit, static_argnames=("names", "memory"))
def _solve_batch(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    start: Float[Array, "draw n"],
    known: Reference,
    tolerance: Tolerance,
    most: int | Int[Array, ""],
    names: tuple[str, ...],
    memory: int,
) -> _Found:
    """A batch of draws, each from its own ``start``, by at ``most`` so many steps."""
    r = many_equilibria(b, policy, draws, known.near, start, tolerance, known.history, memory, most)
    results, residual = jax.vmap(partial(_results, b, policy, names))(draws, r.point)
    return _Found(results, residual, r.steps, r.point)


def _results(
    b: Baseline, policy: PolicyArrays, names: tuple[str, ...], draw: ParameterArrays, point: Float[Array, " n"]
) -> tuple[dict[str, Array], Float[Array, ""]]:
    b, policy = drawn_baseline(b, draw), drawn_policy(policy, draw, b)
    u = ravel_pytree(baseline_unknowns(b, policy))[1](point)
    result = outcomes(b, policy, draw, u)
    return {name: getattr(result, name) for name in names}, all_residuals(b, policy, draw, u)


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
    sweep = _solved(b, policy, draws, tolerance, names, size, advance)
    reason = np.where(sweep.solved, Reason.SOLVED, sweep.reason)
    return DrawSolutions(sweep.outcomes, sweep.solved, sweep.residual, sweep.steps, reason)


def solve_points(
    b: Baseline, policy: PolicyArrays, draws: ParameterArrays, tolerance: float, names: Sequence[str], size: int
) -> tuple[Float[np.ndarray, "draw n"], Bool[np.ndarray, " draw"]]:
    """The unknowns of :func:`solve_draws`, and which draws are solved: where derivatives are taken."""
    sweep = _solved(b, policy, draws, tolerance, names, size)
    return sweep.point, sweep.solved


def _solved(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    names: Sequence[str],
    size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> _Sweep:
    draws = jax.tree.map(np.asarray, draws)  # picking draws out of NumPy arrays is a hundred times cheaper
    sweep = _Sweep(b, policy, draws, tolerance, tuple(names))
    for index, found in sweep.rounds(size):
        sweep.insert(index, found)
        advance(int(sweep.solved[index].sum()))
    for k in np.flatnonzero(~sweep.solved).tolist():
        sweep.solve_alone(k)
        advance(1)
    return sweep


class _Sweep:
    """The draws, and what has been found of them."""

    def __init__(
        self, b: Baseline, policy: PolicyArrays, draws: ParameterArrays, tolerance: float, names: tuple[str, ...]
    ) -> None:
        self.b, self.policy, self.draws, self.tolerance, self.names = b, policy, draws, tolerance, names
        self.origin, _ = ravel_pytree(baseline_unknowns(b, policy))
        self.place = _standardised(draws)
        count = len(self.place)
        self.outcomes: dict[str, np.ndarray] = {}
        self.residual = np.full(count, np.inf)
        self.steps, self.reason = np.zeros(count, int), np.zeros(count, int)
        self.point = np.zeros((count, self.origin.size))

    @property
    def solved(self) -> Bool[np.ndarray, " draw"]:
        return np.asarray(within_tolerance(self.residual, self.tolerance))

    def insert(self, index: np.ndarray, found: _Found) -> None:
        for name, value in found.outcomes.items():
            array = np.asarray(value)
            if name not in self.outcomes:
                dtype = array.dtype if array.dtype != bool else float
                self.outcomes[name] = np.full((len(self.place), *array.shape[1:]), np.nan, dtype)
            self.outcomes[name][index] = array[: len(index)]
        self.residual[index] = np.asarray(found.residual)[: len(index)]
        self.steps[index] += np.asarray(found.steps)[: len(index)]
        self.point[index] = np.asarray(found.point)[: len(index)]

    def rounds(self, size: int) -> Iterator[tuple[np.ndarray, _Found]]:
        """Batches of draws as they are finished; what was inserted of one round serves the next."""
        middle = take(self.draws, _middle(self.place))
        reference = reference_draw(self.b, self.policy, middle, self.origin, self.tolerance)
        if reference is None:
            return
        with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 2)) as pool:
            yield from pool.map(partial(self._from, reference), batches(np.arange(len(self.place)), size))
            for _ in range(ROUNDS - 1):
                good = self.solved
                if good.all() or not good.any():
                    return
                groups = _groups(self.place, np.flatnonzero(~good), size)
                yield from pool.map(partial(self._from_neighbours, reference, np.flatnonzero(good)), groups)
                if self.solved.sum() == good.sum():
                    return

    def _from(self, known: Reference, batch: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, _Found]:
        """A batch of draws from the equilibrium of the reference draw."""
        index, padded = batch
        return index, self._solve(known, padded, np.broadcast_to(known.point, (len(padded), known.point.size)))

    def _from_neighbours(
        self, known: Reference, good: np.ndarray, batch: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, _Found]:
        """Draws near each other, each from its nearest solved draw, with what is known from one in their middle."""
        index, padded = batch
        k = self._nearest(np.median(self.place[index], axis=0), good)
        here = nearer_reference(known, self.b, self.policy, take(self.draws, k), jnp.asarray(self.point[k]))
        start = np.stack([self.point[self._nearest(self.place[draw], good)] for draw in padded])
        return index, self._solve(here, padded, start)

    def _nearest(self, place: np.ndarray, good: np.ndarray) -> int:
        """The draw among ``good`` that is nearest to this place."""
        return int(good[np.argmin(np.sum((self.place[good] - place) ** 2, axis=1))])

    def _solve(self, known: Reference, index: np.ndarray, start: np.ndarray) -> _Found:
        b, policy, draws = self.b, self.policy, take(self.draws, index)
        memory = own_memory(known)
        batch = _solve_batch(b, policy, draws, start, known, self.tolerance, STEPS_A_ROUND, self.names, memory)
        return jax.block_until_ready(batch)

    def solve_alone(self, k: int) -> None:
        """One draw by Newton's method from its nearest solved draw, and what would explain a failure."""
        draw, good = take(self.draws, k), np.flatnonzero(self.solved)
        start = jnp.asarray(self.point[self._nearest(self.place[k], good)]) if len(good) else self.origin
        b, policy = drawn_baseline(self.b, draw), drawn_policy(self.policy, draw, self.b)
        u = ravel_pytree(baseline_unknowns(b, policy))[1](start)
        u, root, worst = solve_by_newton(b, policy, draw, self.tolerance, u)
        results, cause = _explained(b, policy, draw, u, root.stage, self.names)
        solution = _Found({n: v[None] for n, v in results.items()}, worst[None], root.steps[None], root.point[None])
        self.insert(np.array([k]), solution)
        self.reason[k] = int(cause)


def take(draws: ParameterArrays, index: np.ndarray | np.integer | int) -> ParameterArrays:
    return jax.tree.map(lambda leaf: leaf[index], draws)


def batches(index: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Batches, and the same padded to equal length by repeating an entry: nothing is compiled twice."""
    return [_padded(index[first : first + size], size) for first in range(0, len(index), size)]


def _padded(part: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    return part, np.concatenate([part, np.repeat(part[-1:], size - len(part))])


def _groups(
    place: Float[np.ndarray, "draw parameter"], index: np.ndarray, size: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Batches of draws that lie near each other: the first that is left, with those nearest to it."""
    groups = []
    while len(index):
        near = np.argsort(np.sum((place[index] - place[index[0]]) ** 2, axis=1), kind="stable")[:size]
        groups.append(_padded(index[near], size))
        index = np.delete(index, near)
    return groups


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
