"""One equilibrium: the differentiable solver in arrays, and the public ``solve`` on labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from reestim.dims import YEAR
from reestim.equilibrium import diagnosis
from reestim.equilibrium.anderson import MEMORY, Found, Lessons, accelerated, no_lessons
from reestim.equilibrium.economy import Baseline, Economy
from reestim.equilibrium.equations import Unknowns, numeraire_gap, residual
from reestim.equilibrium.linear import solve_linear
from reestim.equilibrium.newton import Function, Root, Tolerance, continuation, largest
from reestim.equilibrium.parameters import ParameterArrays, Parameters
from reestim.equilibrium.precondition import Approximate, apply, approximate, binding
from reestim.equilibrium.scenario import PolicyArrays, Scenario, scaled
from reestim.equilibrium.separable import Weights, prepare, separable_residual
from reestim.equilibrium.turning import turning
from reestim.equilibrium.welfare import outcomes, to_dataset
from reestim.errors import EquilibriumError, InputError, Problem

TOLERANCE = 1e-10
#: Accelerated steps before the robust solver takes over.
MAX_STEPS = 150
#: How hard to try: accelerated steps; Newton's method with continuation in the shock; the same past turning points.
FAST, ROBUST, TURNING = range(3)
#: Unknowns up to which paths are followed past turning points: dozens of dense Jacobians.
MAX_TURNING = 2_000
#: Largest shadow tax (in logs) that is rounding.
DUST = 1e-14


def no_change(b: Baseline, policy: PolicyArrays) -> Unknowns:
    """The baseline itself: every log change zero."""
    shape = b.expenditure.shape
    return Unknowns(
        jnp.zeros(b.factor_income.shape), jnp.zeros(shape), jnp.zeros(shape), jnp.zeros(policy.log_quota.shape),
        jnp.zeros((shape[0], b.element_index.size)),
    )  # fmt: skip


def without_dust(b: Baseline, policy: PolicyArrays, z: Float[Array, " n"]) -> Float[Array, " n"]:
    """Shadow taxes of slack quotas as zero, not as rounding on either side of it."""
    u = ravel_pytree(no_change(b, policy))[1](z)
    return ravel_pytree(u._replace(shadow_tax=jnp.where(u.shadow_tax < DUST, 0.0, u.shadow_tax)))[0]


def flat_residual(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, z: Float[Array, " n"]) -> Array:
    """:func:`residual` on one vector of unknowns."""
    _, unravel = ravel_pytree(no_change(b, policy))
    return ravel_pytree(residual(b, policy, parameters, unravel(z)))[0]


@partial(jax.custom_jvp, nondiff_argnums=(5,))
def equilibrium(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    start: Float[Array, " n"],
    tolerance: Tolerance,
    effort: int = FAST,
) -> Root:
    """The equilibrium as one vector (see :class:`Unknowns`), differentiable in baseline, policy and parameters.

    Accelerated steps with an approximate inverse; with more ``effort``, Newton's method and continuation from the
    baseline, or the path from there followed past its turning points.
    The derivative is that of the implicit function: one linear system at the solution, forward and reverse.
    """
    if effort:

        def family(stage: Float[Array, ""]) -> Function:
            return partial(flat_residual, b, scaled(b, policy, stage), parameters)

        zero = jnp.zeros_like(start)
        root = turning(family, zero, tolerance) if effort == TURNING else continuation(family, zero, start, tolerance)
        return root._replace(point=without_dust(b, policy, root.point))
    near = approximate(b, policy, parameters.trade_elasticity)
    one = jax.tree.map(lambda leaf: leaf[None], parameters)
    found = many_equilibria(b, policy, one, near, start[None], tolerance, no_lessons(start.size))
    residual = found.residual[0]
    return Root(found.point[0], residual, found.steps[0], jnp.where(residual <= tolerance, 1.0, 0.0))


def many_equilibria(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    near: Approximate,
    start: Float[Array, "draw n"],
    tolerance: Tolerance,
    lessons: Lessons,
    memory: int = MEMORY,
) -> Found:
    """Accelerated steps for parameter draws side by side (leading axis of every leaf of ``draws``)."""
    _, unravel = ravel_pytree(no_change(b, policy))
    weights = jax.vmap(partial(prepare, b, policy))(draws.trade_elasticity)

    def one(draw: ParameterArrays, weight: Weights, z: Float[Array, " n"]) -> tuple[Float[Array, " n"], Array]:
        u = unravel(z)
        r = separable_residual(b, policy, draw, weight, u)
        step = apply(near, b, policy, binding(draw, policy, u, r), r)
        return ravel_pytree(step)[0], jnp.maximum(largest(ravel_pytree(r)[0]), jnp.abs(numeraire_gap(b, policy, u)))

    def measure(z: Float[Array, "draw n"]) -> tuple[Float[Array, "draw n"], Float[Array, " draw"]]:
        return jax.vmap(one)(draws, weights, z)

    found = accelerated(measure, start, tolerance, MAX_STEPS, lessons, memory)
    return found._replace(point=jax.vmap(partial(without_dust, b, policy))(found.point))


@equilibrium.defjvp
def _equilibrium_jvp(effort: int, primals: tuple, tangents: tuple) -> tuple[Root, Root]:
    b, policy, parameters, start, tolerance = primals
    root = equilibrium(b, policy, parameters, start, tolerance, effort)
    _, unravel = ravel_pytree(no_change(b, policy))
    near = approximate(b, policy, parameters.trade_elasticity)
    u = unravel(root.point)
    bound = binding(parameters, policy, u, residual(b, policy, parameters, u))
    _, slope = jax.linearize(partial(flat_residual, b, policy, parameters), root.point)

    def excess(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays) -> Float[Array, " n"]:
        return flat_residual(b, policy, parameters, root.point)

    def step(r: Float[Array, " n"]) -> Float[Array, " n"]:  # -J⁻¹, nearly
        return ravel_pytree(apply(near, b, policy, bound, unravel(r)))[0]

    _, moved = jax.jvp(excess, primals[:3], tangents[:3])
    point = solve_linear(lambda v: -slope(v), moved, step)
    zero = jnp.zeros(())
    return root, Root(point, zero, jnp.zeros((), jax.dtypes.float0), zero)


@partial(jax.jit, static_argnames="effort")
def solve_arrays(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    tolerance: Tolerance = TOLERANCE,
    effort: int = FAST,
) -> tuple[Unknowns, Root, Float[Array, ""]]:
    """Equilibrium in arrays: unknowns, how it was reached, and the largest relative residual of *all* equations."""
    zero, unravel = ravel_pytree(no_change(b, policy))
    root = equilibrium(b, policy, parameters, zero, tolerance, effort)
    u = unravel(root.point)
    return u, root, all_residuals(b, policy, parameters, u)


def all_residuals(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> Float[Array, ""]:
    """Largest relative residual of all equations, in logs whatever the solver used, and of the numéraire."""
    everything = ravel_pytree(residual(b, policy, parameters, u))[0]
    return jnp.maximum(largest(everything), jnp.abs(numeraire_gap(b, policy, u)))


def within_tolerance(residual: Any, tolerance: float) -> Any:
    """Verdict on a solution by the largest residual of all equations in logs.

    The solver stops on the same equations in products; the two differ by rounding, so half as much again is allowed.
    """
    return residual <= 1.5 * tolerance


def find(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, tolerance: float = TOLERANCE
) -> tuple[Unknowns, Root, Float[Array, ""]]:
    """:func:`solve_arrays` with as much effort as it takes. Not for use inside ``jit``.

    Where all fails it is the furthest point of continuation that is returned.
    """
    found = solve_arrays(b, policy, parameters, tolerance)
    return found if within_tolerance(found[2], tolerance) else find_robustly(b, policy, parameters, tolerance)


def find_robustly(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, tolerance: float = TOLERANCE
) -> tuple[Unknowns, Root, Float[Array, ""]]:
    """:func:`find` without the fast attempt."""
    found = solve_arrays(b, policy, parameters, tolerance, ROBUST)
    if within_tolerance(found[2], tolerance) or found[1].point.size > MAX_TURNING:
        return found
    if int(diagnosis.reason(b, policy, parameters, found[0], found[1].stage)) == diagnosis.EXHAUSTED:
        return found
    further = solve_arrays(b, policy, parameters, tolerance, TURNING)
    return further if within_tolerance(further[2], tolerance) else found


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
    """Counterfactual equilibrium of one scenario: equations (3)–(11) of model.md, exact.

    Parameters
    ----------
    technology
        ``"fixed"``, ``"directed"`` (the long run of equation 2), or ``"transition"``: one equilibrium a year, knowledge
        closing the share λ (``parameters.adjustment_rate``) of its distance each year, from none at the start.
    supply
        ``"independent"``: each element by itself. ``"joint"``: the elements of a country come out of one mine in fixed
        proportions, so that their quantities move together and the mine as a whole earns its cost.
    deficits
        ``"fixed"``: D′ = D. ``"balanced"``: the baseline is rebased without deficits first.
    years
        Consecutive years of a transition; dated policies hold in theirs.

    Returns
    -------
    A Dataset with the log changes, new levels and first-order measures of model.md section 3 ("array contract"), and
    ``solved`` (bool), ``residual`` (largest relative residual of all equations), ``steps``, and ``determinate`` (False
    where the equilibrium need not be unique, see docs/notation.md). With ``"transition"`` all have the dim ``year``.

    Raises
    ------
    InputError, ParameterError
        Before anything is solved, listing all problems.
    EquilibriumError
        When no equilibrium is found and ``throw`` is true; otherwise ``solved`` is False and the values are NaN.
    """
    if deficits not in ("fixed", "balanced"):
        raise InputError(Problem("unknown rule for deficits", "Use 'fixed' or 'balanced'.", value=deficits))
    if deficits == "balanced":
        economy = economy.rebased("balanced", parameters)
    if not economy.is_balanced:
        advice = "Solve economy.rebased() instead."
        raise InputError(Problem("this economy is not in equilibrium at its baseline", advice))
    economy = scenario.world(economy)
    attrs = {"scenario": scenario.name, "technology": technology, "tolerance": tolerance, "supply": supply}
    if technology == "transition":
        from reestim.equilibrium.transition import solve_transition

        return solve_transition(economy, scenario, parameters, tolerance, throw, supply, years).assign_attrs(attrs)
    if years is not None:
        advice = "Give technology='transition', or Scenario(year=...) for one year."
        raise InputError(Problem("years are for a transition", advice, value=list(years)))
    policy = scenario.to_arrays(economy, supply)
    arrays = parameters.to_arrays(economy, technology)
    b = economy.baseline
    u, root, worst = find(b, policy, arrays, tolerance)
    solved = bool(within_tolerance(worst, tolerance))
    if not solved and throw:
        reached = float(root.stage)
        raise EquilibriumError(
            f"no equilibrium found for scenario {scenario.name!r}: largest relative residual {float(worst):.1e} after "
            f"{int(root.steps)} Newton steps, {reached:.0%} of the shock reached. "
            + diagnosis.advice(b, policy, arrays, u, reached, economy.countries)
        )
    ds = to_dataset(economy, outcomes(b, policy, arrays, u))
    return with_verdict(ds, np.asarray(solved), np.asarray(worst), np.asarray(root.steps)).assign_attrs(attrs)


def with_verdict(ds: xr.Dataset, solved: np.ndarray, residual: np.ndarray, steps: np.ndarray) -> xr.Dataset:
    """Add ``solved``, ``residual`` and ``steps`` (scalars, or over years); what is unsolved becomes NaN."""
    dims = (YEAR,) if solved.ndim else ()
    good = xr.DataArray(solved, dims=dims)
    if not solved.all():
        ds = ds.map(lambda values: values.astype(float).where(good))
    return ds.assign(
        solved=(dims, solved, {"long_name": "equilibrium found within the tolerance"}),
        residual=(dims, residual, {"long_name": "largest relative residual of all equations"}),
        steps=(dims, steps, {"long_name": "solver steps"}),
    )
