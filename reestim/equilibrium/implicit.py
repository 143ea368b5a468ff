"""The equilibrium as a differentiable function of arrays: one draw or many, and its implicit derivative.

This is the one place that knows how an equilibrium is differentiated; those who call it differentiate through it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_fields, drawn_policy
from reestim.equilibrium.equations import Unknowns, evaluate, numeraire_gap, residual
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays, scaled
from reestim.equilibrium.pools import slack_unknowns
from reestim.equilibrium.preconditioner import Preconditioner, apply_preconditioner, build_preconditioner
from reestim.equilibrium.separable import Weights, prepare, separable_residual
from reestim.numerics.anderson import MEMORY, AndersonResult, SecantHistory, anderson, empty_history
from reestim.numerics.arclength import follow_arclength
from reestim.numerics.linear import solve_linear
from reestim.numerics.newton import Function, Root, Tolerance, continuation, largest

#: Accelerated steps before the robust solver takes over.
MAX_ACCELERATED_STEPS = 150
#: How hard to try: accelerated steps; Newton's method with continuation in the shock; the same past turning
#: points (pseudo-arclength continuation).
FAST, ROBUST, ARCLENGTH = range(3)
#: Largest ln of a licence price that is rounding.
PRICE_ROUNDING = 1e-14


class InverseJacobian(NamedTuple):
    """The inverse of the Jacobian at an equilibrium near by, which replaces the preconditioner in small economies."""

    matrix: Float[Array, "n n"]


def baseline_unknowns(b: Baseline, policy: PolicyArrays) -> Unknowns:
    """The baseline itself: every log change zero, and generous quotas unused."""
    shape = b.expenditure.shape
    return Unknowns(
        jnp.zeros(b.factor_income.shape),
        jnp.zeros(shape),
        jnp.zeros(shape),
        slack_unknowns(policy.pools),
        jnp.zeros((shape[0], b.element_index.size)),
    )


def drop_rounding(b: Baseline, policy: PolicyArrays, z: Float[Array, " n"]) -> Float[Array, " n"]:
    """Licence prices of slack quotas as zero, not as rounding above it."""
    u = ravel_pytree(baseline_unknowns(b, policy))[1](z)
    return ravel_pytree(u._replace(pool=jnp.where(jnp.abs(u.pool) < PRICE_ROUNDING, 0.0, u.pool)))[0]


def flat_residual(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, z: Float[Array, " n"]) -> Array:
    """:func:`residual` on one vector of unknowns."""
    _, unravel = ravel_pytree(baseline_unknowns(b, policy))
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
    The derivative is that of the implicit function: one linear system at the solution, forward and reverse. ``b``
    is the baseline of these parameters (``drawn_baseline``).
    """
    if effort:

        def family(stage: Float[Array, ""]) -> Function:
            return partial(flat_residual, b, scaled(b, policy, stage), parameters)

        origin, _ = ravel_pytree(baseline_unknowns(b, policy))
        root = (
            follow_arclength(family, origin, tolerance)
            if effort == ARCLENGTH
            else continuation(family, origin, start, tolerance)
        )
        return root._replace(point=drop_rounding(b, policy, root.point))
    near = build_preconditioner(b, policy, parameters)
    stated = parameters._replace(resource_share=None, inputs=None)  # ``b`` has them
    one = jax.tree.map(lambda leaf: leaf[None], stated)
    result = many_equilibria(b, policy, one, near, start[None], tolerance, empty_history(start.size))
    residual = result.residual[0]
    return Root(result.point[0], residual, result.steps[0], jnp.where(residual <= tolerance, 1.0, 0.0))


def many_equilibria(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    near: Preconditioner | InverseJacobian,
    start: Float[Array, "draw n"],
    tolerance: Tolerance,
    history: SecantHistory,
    memory: int = MEMORY,
    max_steps: int | Int[Array, ""] = MAX_ACCELERATED_STEPS,
) -> AndersonResult:
    """Accelerated steps for parameter draws side by side (leading axis of every leaf of ``draws``).

    They share ``b`` but for what they state of it.
    """
    _, unravel = ravel_pytree(baseline_unknowns(b, policy))
    own = jax.vmap(partial(drawn_fields, b))(draws)  # only what varies is held draw by draw

    def prepared(draw: ParameterArrays, fields: dict[str, Array]) -> Weights:
        return prepare(b._replace(**fields), policy, draw.trade_elasticity)

    weights = jax.vmap(prepared)(draws, own)
    shared = b, policy

    def one(
        draw: ParameterArrays, fields: dict[str, Array], weight: Weights, z: Float[Array, " n"]
    ) -> tuple[Float[Array, " n"], Array]:
        b, u = shared[0]._replace(**fields), unravel(z)
        policy = drawn_policy(shared[1], draw, b)
        r, pools = separable_residual(b, policy, draw, weight, u)
        flat = ravel_pytree(r)[0]
        if isinstance(near, InverseJacobian):
            step = -near.matrix @ flat
        else:
            step = ravel_pytree(apply_preconditioner(near, b, policy, pools.steps, r))[0]
        return step, jnp.maximum(largest(flat), jnp.abs(numeraire_gap(b, policy, u)))

    def measure(z: Float[Array, "draw n"]) -> tuple[Float[Array, "draw n"], Float[Array, " draw"]]:
        return jax.vmap(one)(draws, own, weights, z)

    result = anderson(measure, start, tolerance, max_steps, history, memory)
    return result._replace(point=jax.vmap(partial(drop_rounding, b, policy))(result.point))


@equilibrium.defjvp
def _equilibrium_jvp(effort: int, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Root, Root]:
    b, policy, parameters, start, tolerance = primals
    root = equilibrium(b, policy, parameters, start, tolerance, effort)
    _, unravel = ravel_pytree(baseline_unknowns(b, policy))
    near = build_preconditioner(b, policy, parameters)
    u = unravel(root.point)
    steps = evaluate(b, policy, parameters, u).pools.steps
    _, slope = jax.linearize(partial(flat_residual, b, policy, parameters), root.point)

    def excess(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays) -> Float[Array, " n"]:
        return flat_residual(b, policy, parameters, root.point)

    def step(r: Float[Array, " n"]) -> Float[Array, " n"]:  # -J⁻¹, nearly
        return ravel_pytree(apply_preconditioner(near, b, policy, steps, unravel(r)))[0]

    _, moved = jax.jvp(excess, primals[:3], tangents[:3])
    point = solve_linear(lambda v: -slope(v), moved, step)
    zero = jnp.zeros(())
    return root, Root(point, zero, jnp.zeros((), jax.dtypes.float0), zero)


def all_residuals(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> Float[Array, ""]:
    """Largest relative residual of all equations, in logs whatever the solver used, and of the numéraire."""
    everything = ravel_pytree(residual(b, policy, parameters, u))[0]
    return jnp.maximum(largest(everything), jnp.abs(numeraire_gap(b, policy, u)))


def within_tolerance(residual: Any, tolerance: float) -> Any:
    """Verdict on a solution by the largest residual of all equations in logs.

    The solver stops on the same equations in products; the two differ by rounding, so half as much again is allowed.
    """
    return residual <= 1.5 * tolerance
