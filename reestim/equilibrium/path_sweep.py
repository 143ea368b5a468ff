"""Transitions of many parameter draws: one economy and path of policies, a set of draws, in chunks of equal shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from reestim.equilibrium import diagnosis
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline, drawn_policy
from reestim.equilibrium.equations import production
from reestim.equilibrium.implicit import all_residuals, baseline_unknowns, equilibrium, within_tolerance
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.sweep import DrawSolutions, batches, take
from reestim.equilibrium.transition import TransitionPath, solve_years
from reestim.equilibrium.welfare import outcomes
from reestim.numerics.newton import Tolerance

_Found = tuple[dict[str, Array], Float[Array, "*draw year"], Int[Array, "*draw year"], Int[Array, "*draw year"]]


def solve_path(
    b: Baseline, policies: PolicyArrays, parameters: ParameterArrays, tolerance: Tolerance
) -> TransitionPath:
    """Equilibria of consecutive years by accelerated steps in ``lax.scan``, knowledge by (2b) from a = 0.

    ``policies`` has a leading axis of years. Each year starts from the one before.
    """
    b, policies = drawn_baseline(b, parameters), drawn_policy(policies, parameters, b)
    first = jax.tree.map(lambda leaf: leaf[0], policies)
    zero, unravel = ravel_pytree(baseline_unknowns(b, first))

    def year(before: tuple[Array, Array], policy: PolicyArrays) -> tuple[tuple[Array, Array], TransitionPath]:
        start, research = before
        now = parameters._replace(technology=parameters.technology._replace(research_before=research))
        root = equilibrium(b, policy, now, start, tolerance)
        u = unravel(root.point)
        costs = production(b, policy, now, u).costs
        cause = diagnosis.reason(b, policy, now, u, root.stage)
        path = TransitionPath(outcomes(b, policy, now, u), all_residuals(b, policy, now, u), root.steps, cause)
        onward = jnp.where(jnp.isfinite(root.point), root.point, 0.0)
        return (onward, costs.research), path

    return jax.lax.scan(year, (zero, jnp.zeros(b.expenditure.shape)), policies)[1]


@partial(jax.jit, static_argnames="names")
def _paths(
    b: Baseline, policies: PolicyArrays, draws: ParameterArrays, tolerance: Tolerance, names: tuple[str, ...]
) -> _Found:
    def one(draw: ParameterArrays) -> _Found:
        path = solve_path(b, policies, draw, tolerance)
        return {name: getattr(path.outcomes, name) for name in names}, path.residual, path.steps, path.reason

    return jax.vmap(one)(draws)


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
    ``advance`` counting draws. A draw with a year unsolved is solved again by itself with as much effort as it takes.
    """
    names, count = tuple(names), draws.trade_elasticity.shape[0]
    parts = []
    for index, padded in batches(np.arange(count), size):
        batch = jax.block_until_ready(_paths(b, policies, take(draws, padded), tolerance, names))
        parts.append(jax.tree.map(partial(_first, len(index)), batch))
        advance(len(index))
    values, residual, steps, reason = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    for k in np.flatnonzero(~within_tolerance(residual, tolerance).all(axis=1)):
        path = solve_years(b, policies, take(draws, k), tolerance)
        for name in names:
            values[name][k] = getattr(path.outcomes, name)
        residual[k], steps[k], reason[k] = path.residual, steps[k] + path.steps, path.reason
    solved = np.asarray(within_tolerance(residual, tolerance))
    return DrawSolutions(values, solved, residual, steps, np.where(solved, diagnosis.Reason.SOLVED, reason))
