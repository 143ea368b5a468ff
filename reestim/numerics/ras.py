"""RAS (iterative proportional fitting): the matrix nearest to a seed that has given row and column totals."""

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
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    name: str = "matrix",
) -> Float[np.ndarray, "row column"]:
    """Scale the rows and columns of a non-negative seed until both margins hold.

    Parameters
    ----------
    seed : non-negative matrix (row, column); its zeros stay zero.
    row_totals, column_totals : non-negative targets in one unit; their sums must agree to 1e-9 relative.
    tolerance : largest allowed deviation of a margin, relative to the grand total.
    rows, columns, name : labels for messages.

    Returns
    -------
    Matrix (row, column) in the unit of the totals. Column totals hold to rounding, row totals to ``tolerance``.

    Raises
    ------
    InputError
        When no such matrix exists or can be reached: negative or non-finite entries, sums that differ, a positive
        total over an empty row or column, or zeros of the seed that leave a margin out of reach.
    """
    cells = np.asarray(seed, dtype=float)
    r = np.asarray(row_totals, dtype=float)
    c = np.asarray(column_totals, dtype=float)
    row_names = list(rows) if rows is not None else [f"row {i}" for i in range(len(r))]
    column_names = list(columns) if columns is not None else [f"column {j}" for j in range(len(c))]
    problems = _problems(cells, (r, c), (row_names, column_names), name)
    if problems:
        raise InputError(problems, title=f"{name} cannot be balanced")

    total = r.sum()
    if total == 0.0:
        return np.zeros_like(cells)
    balanced = cells.copy()
    deviation = np.inf
    for _ in range(MAX_ITERATIONS):
        balanced *= _ratio(r, balanced.sum(axis=1))[:, None]
        balanced *= _ratio(c, balanced.sum(axis=0))[None, :]
        deviation = float(np.max(np.abs(balanced.sum(axis=1) - r))) / total
        if deviation <= tolerance:
            return balanced
    worst = int(np.argmax(np.abs(balanced.sum(axis=1) - r)))
    raise InputError(
        Problem(
            f"the zeros of the seed leave the total of {row_names[worst]} out of reach "
            f"(still off by {deviation:.1e} of the grand total after {MAX_ITERATIONS} rounds)",
            "Allow more cells of that row to be positive, or change its total",
        ),
        title=f"{name} cannot be balanced",
    )


def _ratio(target: Float[np.ndarray, " n"], current: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.divide(target, current, out=np.zeros_like(target), where=current > 0)


def _problems(
    cells: np.ndarray, margins: tuple[np.ndarray, np.ndarray], labels: tuple[list[str], list[str]], name: str
) -> list[Problem]:
    (r, c), (rows, columns) = margins, labels
    if cells.shape != (len(r), len(c)):
        message = f"{name} has shape {cells.shape} but there are {len(r)} row and {len(c)} column totals"
        return [Problem(message, "Give one total for each row and each column")]
    problems: list[Problem] = []
    bad = ~(np.isfinite(cells) & (cells >= 0))
    for i, j in np.argwhere(bad)[:5]:
        message = f"{name}, {rows[i]} × {columns[j]} is negative or not a number"
        problems.append(Problem(message, "RAS needs a non-negative seed", value=float(cells[i, j])))
    sums = ((r, cells.sum(axis=1), rows, "row"), (c, cells.sum(axis=0), columns, "column"))
    for totals, support, names, kind in sums:
        for k in np.flatnonzero(~(np.isfinite(totals) & (totals >= 0))):
            message = f"the total of {names[k]} is negative or not a number"
            problems.append(Problem(message, "Give a total of at least 0", value=float(totals[k])))
        for k in np.flatnonzero((totals > 0) & (support == 0)):
            message = f"{names[k]} has a positive total but its {kind} of the seed is empty"
            problems.append(Problem(message, "Seed at least one cell, or set the total to 0", value=float(totals[k])))
    gap = abs(float(r.sum()) - float(c.sum()))
    if not problems and gap > 1e-9 * max(float(r.sum()), float(c.sum())):
        message = f"row totals sum to {r.sum():.12g} and column totals to {c.sum():.12g}"
        problems.append(Problem(message, "The two must agree: scale one of them first"))
    return problems
