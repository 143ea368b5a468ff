"""The path of annual equilibria while knowledge catches up: docs/model.md section 2, dynamic version."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from reestim.dims import YEAR
from reestim.equilibrium import diagnosis
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.equations import production
from reestim.equilibrium.implicit import FAST, ROBUST, all_residuals, baseline_unknowns, equilibrium, within_tolerance
from reestim.equilibrium.mining import drawn_baseline
from reestim.equilibrium.parameters import ParameterArrays, Parameters
from reestim.equilibrium.scenario import PolicyArrays, Scenario
from reestim.equilibrium.solve import with_verdict
from reestim.equilibrium.welfare import Outcomes, outcomes, to_dataset
from reestim.errors import EquilibriumError, InputError, Problem
from reestim.numerics.newton import Tolerance


class TransitionPath(NamedTuple):
    """Results year by year (leading axis)."""

    outcomes: Outcomes
    residual: Float[Array, " year"]
    steps: Int[Array, " year"]
    reason: Int[Array, " year"]  # what would explain a failure, code of ``diagnosis.Reason``


@partial(jax.jit, static_argnames="effort")
def solve_path(
    b: Baseline,
    policies: PolicyArrays,
    parameters: ParameterArrays,
    tolerance: Tolerance,
    effort: int = FAST,
) -> TransitionPath:
    """Equilibria of consecutive years by ``lax.scan``, knowledge by (2b) from a = 0.

    ``policies`` has a leading axis of years. Differentiable like one equilibrium.
    """
    b = drawn_baseline(b, parameters)
    first = jax.tree.map(lambda leaf: leaf[0], policies)
    zero, unravel = ravel_pytree(baseline_unknowns(b, first))

    def year(before: tuple[Array, Array], policy: PolicyArrays) -> tuple[tuple[Array, Array], TransitionPath]:
        start, research = before
        now = parameters._replace(technology=parameters.technology._replace(research_before=research))
        root = equilibrium(b, policy, now, start, tolerance, effort)
        u = unravel(root.point)
        costs = production(b, policy, now, u).costs
        cause = diagnosis.reason(b, policy, now, u, root.stage)
        found = TransitionPath(outcomes(b, policy, now, u), all_residuals(b, policy, now, u), root.steps, cause)
        onward = jnp.where(jnp.isfinite(root.point), root.point, 0.0)
        return (onward, costs.research), found

    return jax.lax.scan(year, (zero, jnp.zeros(b.expenditure.shape)), policies)[1]


def check_years(years: Sequence[int] | None) -> list[int]:
    """Consecutive years, or an InputError that says what to give."""
    asked = [] if years is None else [int(year) for year in years]
    if not asked or asked != list(range(asked[0], asked[0] + len(asked))):
        advice = "Give consecutive years, such as years=range(2010, 2021)."
        raise InputError(Problem("a transition needs its years", advice, value=asked or None))
    return asked


def solve_transition(
    economy: Economy,
    scenario: Scenario,
    parameters: Parameters,
    tolerance: float,
    throw: bool,
    supply: str,
    years: Sequence[int] | None,
) -> xr.Dataset:
    """What :func:`reestim.solve` does with ``technology="transition"``."""
    asked = check_years(years)
    policies = scenario.path(economy, asked, supply)
    arrays = parameters.to_arrays(economy, "transition", scenario.horizon)
    path = solve_path(economy.baseline, policies, arrays, tolerance)
    if not within_tolerance(np.asarray(path.residual), tolerance).all():
        path = solve_path(economy.baseline, policies, arrays, tolerance, effort=ROBUST)
    solved = np.asarray(within_tolerance(np.asarray(path.residual), tolerance))
    if not solved.all() and throw:
        k = int(np.argmin(solved))
        raise EquilibriumError(
            f"no equilibrium found for scenario {scenario.name!r} in {asked[k]}: largest relative residual "
            f"{float(np.asarray(path.residual)[~solved].max()):.1e} "
            f"({diagnosis.Reason(int(path.reason[k])).meaning}). Try a smaller shock, or throw=False."
        )
    ds = to_dataset(economy, path.outcomes, lead=(YEAR,)).assign_coords({YEAR: asked})
    return with_verdict(ds, solved, np.asarray(path.residual), np.asarray(path.steps))
