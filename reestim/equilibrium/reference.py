"""What one solved draw teaches its neighbours in a sweep: its equilibrium, and how residuals answer near it.

Of economies with up to ``DENSE_UP_TO`` unknowns that is the inverse of the Jacobian: accelerated steps with it need a
third as many steps as with the preconditioner where a policy multiplies prices. Beyond, the matrix would cost more than
it saves: the preconditioner serves all draws, and the differences that the reference draw's own acceleration has
gathered (`reestim.numerics.anderson.SecantHistory`) describe the Jacobian near there.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline, drawn_policy
from reestim.equilibrium.implicit import InverseJacobian, flat_residual, many_equilibria
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.preconditioner import Preconditioner, build_preconditioner
from reestim.equilibrium.scenario import PolicyArrays
from reestim.equilibrium.solve import solve_by_newton
from reestim.numerics.anderson import LONGEST_MOVE, MEMORY, SecantHistory, empty_history
from reestim.numerics.newton import SHIFT, Tolerance, jacobian, largest

#: Unknowns up to which the Jacobian of a reference draw is inverted.
DENSE_UP_TO = 1_500
#: Plain Newton steps to a reference draw, and the residual that is near enough for a start of others.
NEWTON_STEPS, NEAR_ENOUGH = 20, 1e-6
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
    """The reference that this draw is, solved from ``start`` or as hard as it takes; None where it has no solution."""
    quick = quick_reference(b, policy, draw, start, tolerance)
    if quick is not None:
        return quick
    u, _, worst = solve_by_newton(drawn_baseline(b, draw), drawn_policy(policy, draw, b), draw, tolerance)
    return quick_reference(b, policy, draw, ravel_pytree(u)[0], tolerance) if float(worst) <= NEAR_ENOUGH else None


def quick_reference(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: float
) -> Reference | None:
    """The same by a few quick steps; None where they do not lead to the equilibrium."""
    if start.size > DENSE_UP_TO:
        known, worst = _accelerated(b, policy, draw, start, tolerance)
        return known if float(worst) <= tolerance else None
    point = start
    for _ in range(NEWTON_STEPS):
        near, move, worst = _linearised(b, policy, draw, point)
        if float(worst) <= NEAR_ENOUGH:
            return Reference(point, near, empty_history(point.size))
        if not jnp.isfinite(move).all():
            return None
        point = point + move
    return None


@jax.jit
def _linearised(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, point: Float[Array, " n"]
) -> tuple[InverseJacobian, Float[Array, " n"], Float[Array, ""]]:
    """At a point: the inverse of the Jacobian, Newton's move, no longer than ``LONGEST_MOVE``, and the residual."""
    b, policy = drawn_baseline(b, draw), drawn_policy(policy, draw, b)
    f = partial(flat_residual, b, policy, draw)
    inverse = jnp.linalg.inv(jacobian(f, point) - SHIFT * jnp.eye(point.size))
    r = f(point)
    move = -inverse @ r
    return InverseJacobian(inverse), move * (LONGEST_MOVE / jnp.maximum(largest(move), LONGEST_MOVE)), largest(r)


@jax.jit
def _accelerated(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: Tolerance
) -> tuple[Reference, Float[Array, ""]]:
    """By accelerated steps from ``start``: the reference, and the largest residual there."""
    near = build_preconditioner(drawn_baseline(b, draw), policy, draw)
    one = jax.tree.map(lambda leaf: leaf[None], draw)
    found = many_equilibria(b, policy, one, near, start[None], tolerance, empty_history(start.size), SHARED_HISTORY)
    history = SecantHistory(found.step_differences[0], found.iterate_differences[0])
    return Reference(found.point[0], near, history), found.residual[0]


def nearer_reference(
    known: Reference, b: Baseline, policy: PolicyArrays, draw: ParameterArrays, point: Float[Array, " n"]
) -> Reference:
    """What a solved draw teaches; of large economies, what the first reference draw did."""
    if point.size > DENSE_UP_TO:
        return known
    near, _, _ = _linearised(b, policy, draw, point)
    return Reference(point, near, known.history)
