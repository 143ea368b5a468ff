"""Regression on the draws: what is left of the band of welfare, or of a decision, once some numbers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import betaincinv, ndtr, ndtri

from reestim.intervals import SURE, ends

#: Degree of the polynomial in the normal score of each number that becomes known.
DEGREE = 4
#: Blocks of draws that are left out in turn, for the error.
BLOCKS = 5
#: Draws over which the band that is left is averaged, unless the caller asks for more.
AVERAGED = 400
#: Singular values below this share of the largest are rounding.
_RANK = 1e-9

#: Columns that span the functions of what becomes known, (draw, column), the constant among them.
Basis = Float[np.ndarray, "draw column"]


def normal_scores(values: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
    """Normal scores of ranks; equal values have one."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2
    return ndtri((middle[place] + 0.5) / len(values))


def basis_of(numbers: Float[np.ndarray, "draw number"], degree: int = DEGREE) -> Basis:
    """A polynomial in the normal score of each number, added up: 1, s, s², ... of each."""
    powers = [normal_scores(column)[:, None] ** np.arange(1, degree + 1) for column in numbers.T]
    return np.concatenate([np.ones((len(numbers), 1)), *powers], axis=1)


def of_chance(draws: int, numbers: int, degrees: int) -> float:
    """Part of a variance that so many columns explain of noise, in the best of ``numbers``, at most (95 %)."""
    return float(betaincinv(degrees / 2, (draws - degrees - 1) / 2, SURE ** (1 / numbers)))


def fitted(
    values: Float[np.ndarray, "draw outcome"], basis: Basis
) -> tuple[Float[np.ndarray, "draw outcome"], Float[np.ndarray, " outcome"]]:
    """Deviation of the conditional mean from the mean, and the part of the variance that the regression explains.

    The deviation has the variance that is explained less what chance fits.
    """
    columns, size, _ = np.linalg.svd(basis, full_matrices=False)
    columns = columns[:, size > _RANK * size[0]]
    centred = values - values.mean(axis=0)
    mean = columns @ (columns.T @ centred)
    part = mean.var(axis=0) / np.maximum(centred.var(axis=0), np.finfo(float).tiny)
    left = max(len(values) - columns.shape[1], 1)
    explained = np.clip(1 - (1 - part) * (len(values) - 1) / left, 0.0, 1.0)
    return mean * np.sqrt(explained / np.maximum(part, 1e-12)), part


def normal_outcomes(values: Float[np.ndarray, "draw outcome"]) -> Float[np.ndarray, "draw outcome"]:
    """Normal scores of each outcome with variance one."""
    score = np.stack([normal_scores(column) for column in values.T], axis=1)
    return score / score.std(axis=0)


def falls(
    values: Float[np.ndarray, "draw outcome"], known: Sequence[Sequence[Basis]], averaged: int = AVERAGED
) -> Float[np.ndarray, "outcome known"]:
    """Expected fall of the 90 % bands of ``values`` for each of what becomes known.

    What becomes known is a row of bases: the conditional mean given the first is regressed on the second, and so on.
    Data are known through what they measure: E(W | data) = E(E(W | what they measure) | data). What is left about the
    conditional mean of the normal score is taken as normal, and brought back by the quantiles.
    """
    count, outcomes = values.shape
    ordered, level = np.sort(values, axis=0), (np.arange(count) + 0.5) / count
    score = normal_outcomes(values)
    quantiles = ndtri(np.array(ends()))
    some = slice(None, None, -(-count // averaged))

    def width(middle: Float[np.ndarray, " draw"], left: float, k: int) -> float:
        tails = np.interp(ndtr(middle[:, None] + left * quantiles), level, ordered[:, k])
        return float(np.diff(tails, axis=1).mean())

    before = np.array([width(np.zeros(1), 1.0, k) for k in range(outcomes)])
    out = np.empty((outcomes, len(known)))
    for j, bases in enumerate(known):
        middle = score
        for basis in bases:
            middle, _ = fitted(middle, basis)
        left = np.sqrt(np.maximum(1 - middle.var(axis=0), 0.0))
        after = [width(middle[some, k], float(left[k]), k) for k in range(outcomes)]
        out[:, j] = before - after
    return out


def standard_error(estimate: Callable[[np.ndarray], np.ndarray], draws: int, blocks: int = BLOCKS) -> np.ndarray:
    """Of an estimate from draws (given as their positions), by leaving out blocks of them in turn."""
    block = np.arange(draws) % blocks
    each = np.stack([estimate(np.flatnonzero(block != k)) for k in range(blocks)])
    return np.asarray(np.sqrt((blocks - 1) * each.var(axis=0)))


def falls_with_error(
    values: Float[np.ndarray, "draw outcome"],
    known: Sequence[Sequence[Basis]],
    blocks: int = BLOCKS,
    averaged: int = AVERAGED,
) -> tuple[np.ndarray, np.ndarray]:
    """Expected falls and their standard errors, each (outcome, known)."""

    def of(index: np.ndarray) -> np.ndarray:
        return falls(values[index], [[basis[index] for basis in bases] for bases in known], averaged)

    return falls(values, known, averaged), standard_error(of, len(values), blocks)
