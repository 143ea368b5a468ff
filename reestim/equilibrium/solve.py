"""One equilibrium: the differentiable solver in arrays, and the public ``solve`` on labelled data."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import xarray as xr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from reestim.equilibrium.anderson import accelerated
from reestim.equilibrium.economy import Baseline, Economy
from reestim.equilibrium.equations import Unknowns, numeraire_gap, residual
from reestim.equilibrium.linear import solve_linear
from reestim.equilibrium.newton import Function, Root, Tolerance, continuation, largest
from reestim.equilibrium.parameters import ParameterArrays, Parameters
from reestim.equilibrium.precondition import apply, approximate, binding
from reestim.equilibrium.scenario import PolicyArrays, Scenario
from reestim.equilibrium.separable import prepare, separable_residual
from reestim.equilibrium.welfare import outcomes, to_dataset
from reestim.errors import EquilibriumError, InputError, Problem

TOLERANCE = 1e-10
#: Accelerated steps before the robust solver takes over.
MAX_STEPS = 150


def no_change(b: Baseline, policy: PolicyArrays) -> Unknowns:
    """The baseline itself: every log change zero."""
    shape = b.expenditure.shape
    return Unknowns(
        jnp.zeros(b.factor_income.shape), jnp.zeros(shape), jnp.zeros(shape), jnp.zeros(policy.log_quota.shape),
        jnp.zeros((shape[0], b.element_index.size)),
    )  # fmt: skip


def scaled(b: Baseline, policy: PolicyArrays, stage: Float[Array, ""]) -> PolicyArrays:
    """The scenario at a part of its size: geometric between baseline and target for taxes, costs and quotas."""

    def between(old: Array, new: Array) -> Array:
        return (1 - stage) * old + stage * new

    return policy._replace(
        log_tariff=between(jnp.log1p(b.tariff), policy.log_tariff),
        log_export_tax=between(jnp.log1p(b.export_tax), policy.log_export_tax),
        log_trade_cost=stage * policy.log_trade_cost,
        log_productivity=stage * policy.log_productivity,
        log_subsidy=stage * policy.log_subsidy,
        log_endowment=stage * policy.log_endowment,
        recycled=stage * policy.recycled,
        deficit=between(b.deficit, policy.deficit),
        log_quota=stage * policy.log_quota,
    )


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
    robust: bool = False,
) -> Root:
    """The equilibrium as one vector (see :class:`Unknowns`), differentiable in baseline, policy and parameters.

    Accelerated steps with an approximate inverse; with ``robust``, Newton's method and continuation from the baseline.
    The derivative is that of the implicit function: one linear system at the solution, forward and reverse.
    """
    if robust:

        def family(stage: Float[Array, ""]) -> Function:
            return partial(flat_residual, b, scaled(b, policy, stage), parameters)

        return continuation(family, jnp.zeros_like(start), start, tolerance)
    _, unravel = ravel_pytree(no_change(b, policy))
    weights = prepare(b, policy, parameters.trade_elasticity)
    near = approximate(b, policy, parameters.trade_elasticity)

    def measure(z: Float[Array, " n"]) -> tuple[Float[Array, " n"], Float[Array, ""]]:
        u = unravel(z)
        r = separable_residual(b, policy, parameters, weights, u)
        step = apply(near, b, policy, binding(parameters, policy, u, r), r)
        return ravel_pytree(step)[0], largest(ravel_pytree(r)[0])

    found = accelerated(measure, start, tolerance, MAX_STEPS)
    return Root(found.point, found.residual, found.steps, jnp.where(found.residual <= tolerance, 1.0, 0.0))


@equilibrium.defjvp
def _equilibrium_jvp(robust: bool, primals: tuple, tangents: tuple) -> tuple[Root, Root]:
    b, policy, parameters, start, tolerance = primals
    root = equilibrium(b, policy, parameters, start, tolerance, robust)
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


@partial(jax.jit, static_argnames="robust")
def solve_arrays(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    tolerance: Tolerance = TOLERANCE,
    robust: bool = False,
) -> tuple[Unknowns, Root, Float[Array, ""]]:
    """Equilibrium in arrays: unknowns, how it was reached, and the largest relative residual of *all* equations."""
    zero, unravel = ravel_pytree(no_change(b, policy))
    root = equilibrium(b, policy, parameters, zero, tolerance, robust)
    u = unravel(root.point)
    return u, root, all_residuals(b, policy, parameters, u)


def all_residuals(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> Float[Array, ""]:
    """Largest relative residual of all equations, in logs whatever the solver used, and of the numéraire."""
    everything = ravel_pytree(residual(b, policy, parameters, u))[0]
    return jnp.maximum(largest(everything), jnp.abs(numeraire_gap(b, policy, u)))


def within_tolerance(found: Any, everything: Any, tolerance: float) -> Any:
    """Verdict on a solution: ``found`` is the solver's largest residual, ``everything`` that of all equations.

    The market dropped by Walras' law gathers the rounding of all others: judged on ten times the tolerance.
    """
    return (found <= tolerance) & (everything <= 10 * tolerance)


def solve(
    economy: Economy,
    scenario: Scenario,
    parameters: Parameters,
    technology: str = "directed",
    tolerance: float = TOLERANCE,
    throw: bool = True,
) -> xr.Dataset:
    """Counterfactual equilibrium of one scenario: equations (3)–(11) of model.md, exact.

    Returns a Dataset with the log changes, new levels and first-order measures of model.md section 3 ("array
    contract"), and ``solved`` (bool), ``residual`` (largest relative residual of all equations), ``steps``.

    Raises
    ------
    InputError, ParameterError
        Before anything is solved, listing all problems.
    EquilibriumError
        When no equilibrium is found and ``throw`` is true; otherwise ``solved`` is False and the values are NaN.
    """
    if not economy.is_balanced:
        advice = "Solve economy.rebased() instead."
        raise InputError(Problem("this economy is not in equilibrium at its baseline", advice))
    policy = scenario.to_arrays(economy)
    arrays = parameters.to_arrays(economy, technology)
    u, root, worst = solve_arrays(economy.baseline, policy, arrays, tolerance)
    solved = bool(within_tolerance(root.residual, worst, tolerance))
    if not solved and throw:
        raise EquilibriumError(
            f"no equilibrium found for scenario {scenario.name!r}: largest relative residual {float(worst):.1e} after "
            f"{int(root.steps)} Newton steps, {float(root.stage):.0%} of the shock reached. Try a smaller shock, check "
            "that nobody is left without any supplier, or use throw=False to record the failure."
        )
    ds = to_dataset(economy, outcomes(economy.baseline, policy, arrays, u))
    if not solved:
        ds = ds.map(lambda v: v.where(False))
    ds = ds.assign(
        solved=xr.DataArray(solved, attrs={"long_name": "equilibrium found within the tolerance"}),
        residual=xr.DataArray(float(worst), attrs={"long_name": "largest relative residual of all equations"}),
        steps=xr.DataArray(int(root.steps), attrs={"long_name": "Newton steps"}),
    )
    ds.attrs.update(scenario=scenario.name, technology=technology, tolerance=tolerance)
    return ds
