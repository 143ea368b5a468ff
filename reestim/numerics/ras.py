"""RAS (iterative proportional fitting): the matrix nearest to a seed that has given row and column totals; and GRAS,
the same for a seed with cells below zero (Junius and Oosterhaven 2003; Lenzen, Wood and Gallego 2007)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from reestim.errors import InputError, Problem

MAX_ITERATIONS = 20_000


def ras(
    seed: Float[np.ndarray, "row column"],
    row_totals: Float[np.ndarray, " row"],
    column_totals: Float[np.ndarray, " column"],
    tolerance: float = 1e-12,
    *,
    signed: bool = False,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    name: str = "matrix",
) -> Float[np.ndarray, "row column"]:
    """Scale the rows and columns of a seed until both margins hold.

    Parameters
    ----------
    seed : matrix (row, column), non-negative but with ``signed``; its zeros stay zero, and every cell keeps its sign.
    row_totals, column_totals : targets in one unit, non-negative but with ``signed``; their sums must agree to 1e-9
        relative.
    tolerance : largest allowed deviation of a margin, relative to the grand total (of absolute values).
    signed : cells and totals may be negative (GRAS): a row's positive cells are multiplied and its negative ones
        divided by one number. Without negative cells it is RAS, to the bit.
    rows, columns, name : labels for messages.

    Returns
    -------
    Matrix (row, column) in the unit of the totals. Column totals hold to rounding, row totals to ``tolerance``.

    Raises
    ------
    InputError
        When no such matrix exists or can be reached: negative (without ``signed``) or non-finite entries, sums that
        differ, a total over a row or column whose cells cannot add up to it, or zeros of the seed that leave a margin
        out of reach.
    """
    cells = np.asarray(seed, dtype=float)
    r = np.asarray(row_totals, dtype=float)
    c = np.asarray(column_totals, dtype=float)
    row_names = list(rows) if rows is not None else [f"row {i}" for i in range(len(r))]
    column_names = list(columns) if columns is not None else [f"column {j}" for j in range(len(c))]
    problems = _problems(cells, (r, c), (row_names, column_names), name, signed)
    if problems:
        raise InputError(problems, title=f"{name} cannot be balanced")

    total = np.abs(r).sum()
    if total == 0.0 and not (cells < 0).any():
        return np.zeros_like(cells)
    positive, negative = cells.clip(min=0.0), (-cells).clip(min=0.0)
    scale = total or float(np.abs(cells).sum())
    deviation = np.inf
    for _ in range(MAX_ITERATIONS):
        by_row = _multiplier(r, positive.sum(axis=1), negative.sum(axis=1))[:, None]
        positive, negative = positive * by_row, _divided(negative, by_row)
        by_column = _multiplier(c, positive.sum(axis=0), negative.sum(axis=0))[None, :]
        positive, negative = positive * by_column, _divided(negative, by_column)
        balanced = positive - negative
        deviation = float(np.max(np.abs(balanced.sum(axis=1) - r))) / scale
        if deviation <= tolerance:
            return balanced
    worst = int(np.argmax(np.abs((positive - negative).sum(axis=1) - r)))
    raise InputError(
        Problem(
            f"the zeros of the seed leave the total of {row_names[worst]} out of reach "
            f"(still off by {deviation:.1e} of the grand total after {MAX_ITERATIONS} rounds)",
            "Allow more cells of that row to be positive, or change its total",
        ),
        title=f"{name} cannot be balanced",
    )


def _multiplier(
    target: Float[np.ndarray, " n"], positive: Float[np.ndarray, " n"], negative: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """m > 0 with m·positive − negative/m = target; 0 over a line without cells, or with a total of 0 and no negative
    ones."""
    simple = np.divide(target, positive, out=np.zeros_like(target), where=positive > 0)
    below = negative > 0
    if not below.any():
        return simple
    root = np.sqrt(target**2 + 4 * positive * negative)
    # two forms of one root: each is free of cancellation on its side of zero
    up = np.divide(target + root, 2 * positive, out=np.zeros_like(target), where=positive > 0)
    down = np.divide(2 * negative, root - target, out=np.zeros_like(target), where=root > target)
    return np.where(below, np.where((target > 0) & (positive > 0), up, down), simple)


def _divided(cells: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.divide(cells, by, out=np.zeros_like(cells), where=by > 0) if cells.any() else cells


def _problems(
    cells: np.ndarray,
    margins: tuple[np.ndarray, np.ndarray],
    labels: tuple[list[str], list[str]],
    name: str,
    signed: bool,
) -> list[Problem]:
    (r, c), (rows, columns) = margins, labels
    if cells.shape != (len(r), len(c)):
        message = f"{name} has shape {cells.shape} but there are {len(r)} row and {len(c)} column totals"
        return [Problem(message, "Give one total for each row and each column")]
    problems: list[Problem] = []
    bad = ~(np.isfinite(cells) & (signed | (cells >= 0)))
    for i, j in np.argwhere(bad)[:5]:
        message = f"{name}, {rows[i]} × {columns[j]} is negative or not a number"
        problems.append(Problem(message, "RAS needs a non-negative seed", value=float(cells[i, j])))
    for totals, axis, names, kind in ((r, 1, rows, "row"), (c, 0, columns, "column")):
        support, below = (cells > 0).any(axis=axis), (cells < 0).any(axis=axis)
        for k in np.flatnonzero(~(np.isfinite(totals) & (signed | (totals >= 0)))):
            message = f"the total of {names[k]} is negative or not a number"
            problems.append(Problem(message, "Give a total of at least 0", value=float(totals[k])))
        for k in np.flatnonzero(signed & ~np.where(totals < 0, below, ~below | support | (totals > 0))):
            message = f"the cells of {names[k]} cannot add up to its total"
            problems.append(Problem(message, "Change the seed or the total", value=float(totals[k])))
        for k in np.flatnonzero((totals > 0) & ~support):
            message = f"{names[k]} has a positive total but its {kind} of the seed is empty"
            problems.append(Problem(message, "Seed at least one cell, or set the total to 0", value=float(totals[k])))
    gap = abs(float(r.sum()) - float(c.sum()))
    if not problems and gap > 1e-9 * max(float(np.abs(r).sum()), float(np.abs(c).sum())):
        message = f"row totals sum to {r.sum():.12g} and column totals to {c.sum():.12g}"
        problems.append(Problem(message, "The two must agree: scale one of them first"))
    return problems
