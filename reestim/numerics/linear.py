"""Linear systems with the equilibrium's Jacobian, forward and transposed: what implicit differentiation asks for."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import gmres
from jaxtyping import Array, Float

Vector = Float[Array, " n"]
Linear = Callable[[Vector], Vector]

#: Up to this many unknowns the matrix is written out and factorised; beyond, GMRES reads it through products only.
DENSE_UP_TO = 400
#: GMRES: relative size at which it stops, steps before it starts over, and how often it may.
GMRES_TOLERANCE = 1e-11
RESTART = 60
RESTARTS = 6
#: Largest relative residual with which a derivative may be returned; beyond, it is not a number.
TRUSTED = 1e-8


def solve_linear(matrix: Linear, rhs: Vector, approximate_inverse: Linear) -> Vector:
    """The solution of matrix(x) = rhs, differentiable in forward and reverse mode.

    ``approximate_inverse`` speeds GMRES up and must be linear: its transpose serves the transposed system. Where GMRES
    does not converge the result is not a number, never a guess.
    """
    example = jnp.zeros_like(rhs)

    def transposed_inverse(x: Vector) -> Vector:
        return jax.linear_transpose(approximate_inverse, example)(x)[0]

    return jax.lax.custom_linear_solve(
        matrix,
        rhs,
        lambda forward, y: _solve(forward, y, approximate_inverse),
        lambda backward, y: _solve(backward, y, transposed_inverse),
    )


def _solve(product: Linear, rhs: Vector, approximate_inverse: Linear) -> Vector:
    if rhs.size <= DENSE_UP_TO:
        columns = jax.vmap(product)(jnp.eye(rhs.size, dtype=rhs.dtype))
        return jnp.linalg.solve(columns.T, rhs)
    x, _ = gmres(
        product,
        rhs,
        tol=GMRES_TOLERANCE,
        atol=0.0,
        restart=min(RESTART, rhs.size),
        maxiter=RESTARTS,
        M=approximate_inverse,
        solve_method="incremental",
    )
    gap = jnp.max(jnp.abs(product(x) - rhs))
    trusted = gap <= TRUSTED * jnp.maximum(jnp.max(jnp.abs(rhs)), jnp.finfo(float).tiny)
    return jnp.where(trusted, x, jnp.nan)
