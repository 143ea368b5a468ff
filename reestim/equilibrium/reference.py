"""What one solved draw gives its neighbours in a sweep: its equilibrium, and how residuals answer near it.

Of economies with up to ``DENSE_UP_TO`` unknowns that is the inverse of the Jacobian: accelerated steps with it need a
third as many steps as with the preconditioner where a policy multiplies prices. Beyond, the matrix would cost more than
it saves: the preconditioner serves all draws, and the differences that the reference draw's own acceleration has
gathered (`reestim.numerics.anderson.SecantHistory`) describe the Jacobian near there.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline, drawn_policy
from reestim.equilibrium.implicit import InverseJacobian, baseline_unknowns, many_equilibria
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.preconditioner import Preconditioner, build_preconditioner
from reestim.equilibrium.solve import solve_by_newton
from reestim.equilibrium.whole_steps import DENSE_UP_TO, inverse_at
from reestim.numerics.anderson import MEMORY, SecantHistory, empty_history
from reestim.numerics.newton import Tolerance

#: Largest residual at a point that others can start from.
NEAR_ENOUGH = 1e-6
#: Secant pairs of the reference draw that all draws share, and those that each draw keeps of its own beside them.
SHARED_HISTORY, OWN_HISTORY = 12, 5


class Reference(NamedTuple):
    """Equilibrium of a draw, an approximate inverse of the Jacobian there, and a secant history."""

    point: Float[Array, " n"]
    near: Preconditioner | InverseJacobian
    history: SecantHistory


def own_memory(known: Reference) -> int:
    """Secant pairs that each draw keeps of its own."""
    return OWN_HISTORY if len(known.history.step_differences) else MEMORY


def reference_draw(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: float
) -> Reference | None:
    """The reference that this draw is, solved from ``start`` with as much effort as it takes; None where it has no
    solution."""
    large = start.size > DENSE_UP_TO
    if large and (reference := _accelerated_to(b, policy, draw, start, tolerance)):
        return reference
    world, shock = drawn_baseline(b, draw), drawn_policy(policy, draw, b)
    u = ravel_pytree(baseline_unknowns(world, shock))[1](start)
    u, _, worst = solve_by_newton(world, shock, draw, tolerance, u)
    if not float(worst) <= NEAR_ENOUGH:
        return None
    point, _ = ravel_pytree(u)
    if large:
        return _accelerated_to(b, policy, draw, point, tolerance)
    return Reference(point, inverse_at(world, shock, draw, point).inverse, empty_history(point.size))


def _accelerated_to(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: float
) -> Reference | None:
    """The reference by accelerated steps; None where they do not arrive."""
    reference, worst = _accelerated(b, policy, draw, start, tolerance)
    return reference if float(worst) <= tolerance else None


@jax.jit
def _accelerated(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: Tolerance
) -> tuple[Reference, Float[Array, ""]]:
    """By accelerated steps from ``start``: the reference, and the largest residual there."""
    near = build_preconditioner(drawn_baseline(b, draw), policy, draw)
    one = jax.tree.map(lambda leaf: leaf[None], draw)
    solution = many_equilibria(b, policy, one, near, start[None], tolerance, empty_history(start.size), SHARED_HISTORY)
    history = SecantHistory(solution.step_differences[0], solution.iterate_differences[0])
    return Reference(solution.point[0], near, history), solution.residual[0]


def nearer_reference(
    known: Reference, b: Baseline, policy: PolicyArrays, draw: ParameterArrays, point: Float[Array, " n"]
) -> Reference:
    """What is taken from a solved draw; of large economies, what was taken from the first reference draw."""
    if point.size > DENSE_UP_TO:
        return known
    near = inverse_at(drawn_baseline(b, draw), drawn_policy(policy, draw, b), draw, point)
    return Reference(point, near.inverse, known.history)
