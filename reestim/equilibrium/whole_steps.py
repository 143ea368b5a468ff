"""Newton's method in an economy small enough to invert the Jacobian: steps of whole length, without a search."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import Unknowns
from reestim.equilibrium.implicit import (
    InverseJacobian,
    all_residuals,
    baseline_unknowns,
    drop_rounding,
    flat_residual,
    within_tolerance,
)
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.numerics.anderson import LONGEST_MOVE
from reestim.numerics.newton import AIM, SHIFT, Root, jacobian, largest

#: Unknowns up to which the Jacobian is inverted, and how many Newton steps of whole length are tried then.
DENSE_UP_TO, WHOLE_STEPS = 1_500, 20

#: Unknowns, how they were reached, largest relative residual of all equations.
Solution = tuple[Unknowns, Root, Float[Array, ""]]


@jax.jit
def baseline_start(b: Baseline, policy: PolicyArrays) -> Unknowns:
    """The unknowns at the baseline."""
    return baseline_unknowns(b, policy)


class InverseAt(NamedTuple):
    """At a point: the inverse of the Jacobian, Newton's step, and the residual.

    Attributes
    ----------
    inverse
        Inverse of the Jacobian.
    step
        Newton's step, no longer than ``LONGEST_MOVE``.
    residual
        Largest relative residual.
    """

    inverse: InverseJacobian
    step: Float[Array, " n"]
    residual: Float[Array, ""]


@jax.jit
def inverse_at(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, point: Float[Array, " n"]) -> InverseAt:
    """Invert the Jacobian at a point, in an economy with up to ``DENSE_UP_TO`` unknowns.

    Parameters
    ----------
    b, policy, parameters
        ``b`` is the baseline that belongs to the parameters.
    point
        Unknowns as a vector.

    Returns
    -------
    InverseAt
        Inverse, step and residual.
    """
    f = partial(flat_residual, b, policy, parameters)
    inverse = jnp.linalg.inv(jacobian(f, point) - SHIFT * jnp.eye(point.size))
    r = f(point)
    step = -inverse @ r
    return InverseAt(
        InverseJacobian(inverse), step * (LONGEST_MOVE / jnp.maximum(largest(step), LONGEST_MOVE)), largest(r)
    )


def whole_steps(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, tolerance: float, start: Unknowns | None
) -> Solution | None:
    """Newton steps without a search along them; None in a large economy, or where they lead to no equilibrium."""
    point, unravel = ravel_pytree(start or baseline_start(b, policy))
    if point.size > DENSE_UP_TO:
        return None
    for count in range(WHOLE_STEPS):
        near = inverse_at(b, policy, parameters, point)
        if float(near.residual) <= AIM * tolerance:
            point = drop_rounding(b, policy, point)
            u, worst = unravel(point), _judged(b, policy, parameters, unravel(point))
            root = Root(point, near.residual, jnp.asarray(count), jnp.ones(()))
            return (u, root, worst) if within_tolerance(worst, tolerance) else None
        if not np.isfinite(near.step).all():
            return None
        point = point + near.step
    return None


_judged = jax.jit(all_residuals)
