"""Biproportional fitting by Newton's method: differentiable, batched, and as fast where RAS crawls.

The fitted matrix is the seed with its rows and columns scaled. Given the factors of columns, those of rows follow from
the row totals; what is left, the column totals as functions of the logs of the column factors, is the gradient of a
convex function. Where most of a row stands in one cell, as with sales at home, RAS needs hundreds of rounds, Newton's
method a few steps.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

#: Newton steps. From seeds whose totals are off by a factor of two, six reach rounding.
STEPS = 8
#: Largest step of the log of a column factor.
_LARGEST = 2.0
#: Ridge, as a part of the column total: blocks that no cell links have factors of their own, which nothing determines.
_RIDGE = 1e-9


def fit_totals(
    seed: Float[Array, "row column"], rows: Float[Array, " row"], columns: Float[Array, " column"]
) -> Float[Array, "row column"]:
    """The matrix nearest to a non-negative seed with these totals; its zeros stay.

    Row totals hold to rounding, whatever the seed; column totals to what the steps reach. A row or column of the seed
    without a cell stays empty.
    """
    held = jnp.where(columns > 0, columns, 1.0)

    def scaled(log_factor: Float[Array, " column"]) -> Float[Array, "row column"]:
        cells = seed * jnp.exp(log_factor)
        total = cells.sum(axis=1, keepdims=True)
        return cells * (rows[:, None] / jnp.where(total > 0, total, 1.0))

    def step(log_factor: Float[Array, " column"], _: None) -> tuple[Float[Array, " column"], None]:
        cells = scaled(log_factor)
        totals = cells.sum(axis=0)
        share = cells / jnp.where(rows > 0, rows, 1.0)[:, None]
        slope = jnp.diag(totals + _RIDGE * held) - share.T @ cells
        move = jnp.linalg.solve(slope, columns - totals)
        return log_factor + jnp.clip(move, -_LARGEST, _LARGEST), None

    log_factor, _ = jax.lax.scan(step, jnp.zeros(columns.shape), None, length=STEPS)
    return scaled(log_factor)
