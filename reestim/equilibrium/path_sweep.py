"""Transitions of many parameter draws: one economy and path of policies, a set of draws, in chunks of equal shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.diagnosis import Reason
from reestim.equilibrium.implicit import FAST, ROBUST, within_tolerance
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.scenario import PolicyArrays
from reestim.equilibrium.sweep import DrawSolutions, batches, take
from reestim.equilibrium.transition import solve_path
from reestim.numerics.newton import Tolerance

_Found = tuple[dict[str, Array], Float[Array, "*draw year"], Int[Array, "*draw year"], Int[Array, "*draw year"]]


@partial(jax.jit, static_argnames=("names", "effort"))
def _path(
    b: Baseline,
    policies: PolicyArrays,
    draw: ParameterArrays,
    tolerance: Tolerance,
    names: tuple[str, ...],
    effort: int = FAST,
) -> _Found:
    found = solve_path(b, policies, draw, tolerance, effort)
    return {name: getattr(found.outcomes, name) for name in names}, found.residual, found.steps, found.reason


@partial(jax.jit, static_argnames="names")
def _paths(
    b: Baseline, policies: PolicyArrays, draws: ParameterArrays, tolerance: Tolerance, names: tuple[str, ...]
) -> _Found:
    return jax.vmap(lambda draw: _path(b, policies, draw, tolerance, names))(draws)


def _first(count: int, values: Array) -> np.ndarray:
    return np.array(values[:count])


def solve_draw_paths(
    b: Baseline,
    policies: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    names: Sequence[str],
    size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> DrawSolutions:
    """The transition of every draw; leading dimensions of every result: draw, year.

    ``policies`` has a leading axis of years; the other arguments are those of
    :func:`reestim.equilibrium.sweep.solve_draws`,
    ``advance`` counting draws. A draw with a year unsolved is solved again by itself with more effort.
    """
    names, count = tuple(names), draws.trade_elasticity.shape[0]
    parts = []
    for index, padded in batches(np.arange(count), size):
        found = jax.block_until_ready(_paths(b, policies, take(draws, padded), tolerance, names))
        parts.append(jax.tree.map(partial(_first, len(index)), found))
        advance(len(index))
    values, residual, steps, reason = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    for k in np.flatnonzero(~within_tolerance(residual, tolerance).all(axis=1)):
        again, worst, taken, cause = _path(b, policies, take(draws, k), tolerance, names, effort=ROBUST)
        for name in names:
            values[name][k] = np.asarray(again[name])
        residual[k], steps[k], reason[k] = np.asarray(worst), steps[k] + np.asarray(taken), np.asarray(cause)
    solved = np.asarray(within_tolerance(residual, tolerance))
    return DrawSolutions(values, solved, residual, steps, np.where(solved, Reason.SOLVED, reason))
