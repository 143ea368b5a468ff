"""One equilibrium with as much effort as it takes, and the public ``solve`` on labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree

from reestim.dims import YEAR
from reestim.equilibrium import diagnosis
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.equations import Unknowns
from reestim.equilibrium.implicit import (
    ARCLENGTH,
    FAST,
    ROBUST,
    all_residuals,
    equilibrium,
    within_tolerance,
)
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.welfare import outcomes, to_dataset
from reestim.equilibrium.whole_steps import Solution, baseline_start, whole_steps
from reestim.errors import EquilibriumError, InputError, Problem
from reestim.numerics.newton import Tolerance

TOLERANCE = 1e-10
#: Unknowns up to which paths are followed past turning points: dozens of dense Jacobians.
MAX_ARCLENGTH = 2_000


def solve_arrays(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    tolerance: Tolerance = TOLERANCE,
    effort: int = FAST,
    start: Unknowns | None = None,
) -> Solution:
    """Equilibrium in arrays, with one kind of effort.

    Parameters
    ----------
    b, policy, parameters
        Baseline, scenario and parameters as arrays.
    tolerance
        Largest relative residual at which an equilibrium counts as found.
    effort
        ``FAST``, ``ROBUST`` or ``ARCLENGTH`` (`reestim.equilibrium.implicit`).
    start
        Unknowns that the first steps go from; by default the baseline.

    Returns
    -------
    unknowns, root, residual
        The solution, how it was reached, and the largest relative residual of *all* equations.
    """
    return _solve_from(b, policy, parameters, start or baseline_start(b, policy), tolerance, effort)


@partial(jax.jit, static_argnames="effort")
def _solve_from(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, start: Unknowns, tolerance: Tolerance, effort: int
) -> Solution:
    point, unravel = ravel_pytree(start)
    root = equilibrium(b, policy, parameters, point, tolerance, effort)
    u = unravel(root.point)
    return u, root, all_residuals(b, policy, parameters, u)


def solve_adaptively(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    tolerance: float = TOLERANCE,
) -> Solution:
    """:func:`solve_arrays` with as much effort as it takes. Not for use inside ``jit``.

    Parameters
    ----------
    b, policy, parameters, tolerance
        As for :func:`solve_arrays`.

    Returns
    -------
    unknowns, root, residual
        Where all fails, the furthest point of continuation.
    """
    attempt = solve_arrays(b, policy, parameters, tolerance)
    return attempt if within_tolerance(attempt[2], tolerance) else solve_by_newton(b, policy, parameters, tolerance)


def solve_by_newton(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    tolerance: float = TOLERANCE,
    start: Unknowns | None = None,
) -> Solution:
    """:func:`solve_adaptively` without the fast attempt.

    In small economies whole Newton steps come first: what they need compiles in a third of the time of continuation.

    Parameters
    ----------
    b, policy, parameters, tolerance, start
        As for :func:`solve_arrays`.

    Returns
    -------
    unknowns, root, residual
        Where all fails, the furthest point of continuation.
    """
    if (quick := whole_steps(b, policy, parameters, tolerance, start)) is not None:
        return quick
    attempt = solve_arrays(b, policy, parameters, tolerance, ROBUST, start)
    if within_tolerance(attempt[2], tolerance) or attempt[1].point.size > MAX_ARCLENGTH:
        return attempt
    why = int(diagnosis.reason(b, policy, parameters, attempt[0], attempt[1].stage))
    if diagnosis.Reason(why) is diagnosis.Reason.EXHAUSTED:
        return attempt
    further = solve_arrays(b, policy, parameters, tolerance, ARCLENGTH)
    return further if within_tolerance(further[2], tolerance) else attempt


def solve(
    economy: Economy,
    scenario: Scenario,
    parameters: Parameters,
    technology: str = "directed",
    tolerance: float = TOLERANCE,
    throw: bool = True,
    supply: str = "independent",
    deficits: str = "fixed",
    years: Sequence[int] | None = None,
) -> xr.Dataset:
    """Counterfactual equilibrium of one scenario: equations (3)–(11) of docs/model.md, exact.

    Parameters
    ----------
    economy
        The baseline, an economy that is in equilibrium.
    scenario
        What changes.
    parameters
        Elasticities and technology.
    technology
        ``"fixed"``, ``"directed"`` (the long run of equation 2), ``"frontier"`` (the same without the gap ω), or
        ``"transition"``: one equilibrium a year; each year knowledge closes the share λ (``adjustment_rate``) of its
        distance to the long run, from none at the start.
    tolerance
        Largest relative residual of any equation at a solution.
    throw
        Raise where no equilibrium is found. Otherwise the result has ``solved`` False and no numbers.
    supply
        ``"independent"``: each element by itself. ``"joint"``: the elements of a country come out of one mine in fixed
        proportions, so that their quantities move together and the mine as a whole earns its cost.
    deficits
        ``"fixed"``: D′ = D. ``"balanced"``: the baseline is rebased without deficits first.
    years
        Consecutive years of a transition; dated policies hold in theirs.

    Returns
    -------
    xarray.Dataset
        The log changes, new levels and first-order measures of docs/model.md section 3 ("Results"), and ``solved``
        (bool), ``residual`` (largest relative residual of all equations), ``steps``, and ``determinate`` (False where
        the equilibrium need not be unique). With ``"transition"`` all have the dim ``year``.

    Raises
    ------
    InputError, ParameterError
        Before anything is solved, listing all problems.
    EquilibriumError
        When no equilibrium is found and ``throw`` is true; otherwise ``solved`` is False and the values are NaN.

    Examples
    --------
    >>> result = ree.solve(economy, quota, parameters)
    >>> result["welfare"].dims, result["welfare"].attrs["units"], bool(result["solved"])
    (('country',), 'log change', True)
    """
    if deficits not in ("fixed", "balanced"):
        raise InputError(Problem("unknown rule for deficits", "Use 'fixed' or 'balanced'.", value=deficits))
    if deficits == "balanced":
        economy = economy.rebased("balanced", parameters)
    if not economy.is_balanced:
        advice = "Solve economy.rebased() instead."
        raise InputError(Problem("this economy is not in equilibrium at its baseline", advice))
    economy = scenario.baseline(economy)
    attrs = {"scenario": scenario.name, "technology": technology, "tolerance": tolerance, "supply": supply}
    attrs["horizon"] = scenario.horizon
    if technology == "transition":
        from reestim.equilibrium.transition import solve_transition

        return solve_transition(economy, scenario, parameters, tolerance, throw, supply, years).assign_attrs(attrs)
    if years is not None:
        advice = "Give technology='transition', or Scenario(year=...) for one year."
        raise InputError(Problem("years are for a transition", advice, value=list(years)))
    policy = scenario.to_arrays(economy, supply)
    arrays = parameters.to_arrays(economy, technology, scenario.horizon)
    b = drawn_baseline(economy.baseline, arrays)
    u, root, worst = solve_adaptively(b, policy, arrays, tolerance)
    solved = bool(within_tolerance(worst, tolerance))
    if not solved and throw:
        reached = float(root.stage)
        raise EquilibriumError(
            f"no equilibrium found for scenario {scenario.name!r}: largest relative residual {float(worst):.1e} after "
            f"{int(root.steps)} Newton steps, {reached:.0%} of the shock reached. "
            + diagnosis.advice(b, policy, arrays, u, reached, economy)
        )
    ds = to_dataset(economy, outcomes(b, policy, arrays, u))
    return with_verdict(ds, np.asarray(solved), np.asarray(worst), np.asarray(root.steps)).assign_attrs(attrs)


def with_verdict(ds: xr.Dataset, solved: np.ndarray, residual: np.ndarray, steps: np.ndarray) -> xr.Dataset:
    """Add the verdict on the solution to its results; what is unsolved becomes NaN.

    Parameters
    ----------
    ds
        Results of an equilibrium, or of a path of years.
    solved, residual, steps
        Scalars, or over years: found within the tolerance, largest relative residual, steps of the solver.

    Returns
    -------
    xarray.Dataset
        With the variables of these names.
    """
    dims = (YEAR,) if solved.ndim else ()
    good = xr.DataArray(solved, dims=dims)
    if not solved.all():
        ds = ds.map(lambda values: values.astype(float).where(good))
    return ds.assign(
        solved=(dims, solved, {"long_name": "equilibrium found within the tolerance"}),
        residual=(dims, residual, {"long_name": "largest relative residual of all equations"}),
        steps=(dims, steps, {"long_name": "solver steps"}),
    )
