"""The path of annual equilibria while knowledge catches up: docs/model.md section 2, dynamic version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from reestim.dims import YEAR
from reestim.equilibrium import diagnosis
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline, drawn_policy
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.equations import Unknowns, production
from reestim.equilibrium.implicit import within_tolerance
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.solve import solve_arrays, solve_by_newton, with_verdict
from reestim.equilibrium.welfare import Outcomes, outcomes, to_dataset
from reestim.equilibrium.whole_steps import Solution
from reestim.errors import EquilibriumError, InputError, Problem


class TransitionPath(NamedTuple):
    """Results year by year (leading axis)."""

    outcomes: Outcomes
    residual: Float[Array, " year"]
    steps: Int[Array, " year"]
    reason: Int[Array, " year"]  # what would explain a failure, code of ``diagnosis.Reason``


def solve_years(b: Baseline, policies: PolicyArrays, parameters: ParameterArrays, tolerance: float) -> TransitionPath:
    """Equilibria of consecutive years, each with as much effort as it takes, knowledge by (2b) from a = 0.

    ``policies`` has a leading axis of years. Each year starts from the one before. The programs are those of single
    equilibria: none is compiled for the path. Not for use inside ``jit``.
    """
    b, policies = drawn_baseline(b, parameters), drawn_policy(policies, parameters, b)
    policies = jax.tree.map(np.asarray, policies)
    research, start = np.zeros(b.expenditure.shape), None
    years: list[TransitionPath] = []
    for policy in (jax.tree.map(lambda leaf, k=k: leaf[k], policies) for k in range(len(policies.log_tariff))):
        now = parameters._replace(technology=parameters.technology._replace(research_before=research))
        u, root, worst = _solve_year(b, policy, now, tolerance, start)
        start = u if within_tolerance(worst, tolerance) else None
        research, cause = _research_and_reason(b, policy, now, u, root.stage)
        years.append(TransitionPath(outcomes(b, policy, now, u), worst, root.steps, cause))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *years)


def _solve_year(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, tolerance: float, before: Unknowns | None
) -> Solution:
    """Accelerated steps from the year before and from the baseline, whichever arrives; Newton's method after them."""
    for start in (None,) if before is None else (before, None):
        attempt = solve_arrays(b, policy, parameters, tolerance, start=start)
        if within_tolerance(attempt[2], tolerance):
            return attempt
    return solve_by_newton(b, policy, parameters, tolerance, before)


@jax.jit
def _research_and_reason(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns, stage: Float[Array, ""]
) -> tuple[Float[Array, "country sector"], Int[Array, ""]]:
    """a/κ of the year, which the next one starts from, and what would explain a failure."""
    return production(b, policy, parameters, u).costs.research, diagnosis.reason(b, policy, parameters, u, stage)


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
    path = solve_years(economy.baseline, policies, arrays, tolerance)
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
