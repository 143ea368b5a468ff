"""What to measure next: how much narrower the band of welfare would be if one number were known exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.special import betaincinv, ndtr, ndtri

from reestim.counterfactuals.inputs import SAMPLE
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.equilibrium.parameters import Parameters
from reestim.errors import InputError, Problem
from reestim.intervals import SURE, ends

COMPONENT = "component"
#: Degree of the polynomial in the normal score of what becomes known.
_DEGREE = 4
#: Blocks of draws that are left out in turn, for the error.
_BLOCKS = 5
#: Draws over which the band that is left is averaged, at most.
_AVERAGED = 400
#: Fewer solved draws say nothing.
_LEAST = 20


def evppi(post: xr.DataTree) -> xr.Dataset:
    """Expected value of partial perfect information, as the fall of the 90 % band of welfare.

    For every number that varies over the draws, a parameter (of a sector) or a factor on an input: by how much the band
    of welfare would shrink, in expectation, if this number alone were known exactly. A number that matters and is known
    badly is worth measuring; one that matters and is known well is not, and neither is one that does not matter.

    Parameters
    ----------
    post
        With the group ``counterfactual`` of :func:`reestim.counterfactual`, and ``inputs`` where they were drawn.

    Returns
    -------
    xarray.Dataset
        ``band`` (scenario, technology, country): width of the 90 % equal-tailed interval of welfare, percentage points;
        ``reduction`` (scenario, technology, country, component): its expected fall, percentage points, and
        ``reduction_error``, the standard error by leaving out a fifth of the draws in turn. ``beyond_chance``: whether
        the regression explains more than it would of pure noise in any of the numbers, with probability 0.95; with few
        draws the largest of hundreds of falls is noise. NaN where fewer than 20 draws were solved or welfare does not
        vary.

    Raises
    ------
    InputError
        If there is no counterfactual, or nothing in its posterior varies.

    Notes
    -----
    Regression on the draws (Strong, Oakley and Brennan 2014), nothing is solved again: the normal score of welfare on a
    quartic in the normal score of the number. What is left is taken as normal about that, and brought back to welfare
    by its quantiles. Where both are normal this is the closed form, band·(1 − √(1−ρ²)). Cells of the trade table are
    too many for it.

    Examples
    --------
    >>> worth = ree.evppi(ree.counterfactual(economy, quota, fitted, "fixed", progress=False))
    >>> worth["reduction"].dims
    ('scenario', 'technology', 'country', 'component')
    """
    if "counterfactual" not in post.children:
        raise InputError(Problem("there is no counterfactual whose band could shrink", "Compute it first."))
    ds = post["counterfactual"].to_dataset()
    parts = list(_components(post, ds))
    if not parts:
        raise InputError(Problem("nothing varies over the draws", "Draw parameters or inputs."))
    scores = np.stack([_scores(values) for _, values in parts])  # (component, draw)
    order = (SCENARIO, TECHNOLOGY, COUNTRY, SAMPLE)
    welfare = 100 * ds["welfare"].stack({SAMPLE: [CHAIN, DRAW]}).transpose(*order).values
    solved = ds["solved"].stack({SAMPLE: [CHAIN, DRAW]}).transpose(SCENARIO, TECHNOLOGY, SAMPLE).values
    shape = welfare.shape[:3]
    band, fall, error = np.full(shape, np.nan), *(np.full((*shape, len(parts)), np.nan) for _ in range(2))
    clear = np.zeros(fall.shape, bool)
    for place in np.ndindex(shape[:2]):
        good = solved[place]
        moves = np.ptp(welfare[place][:, good], axis=1) > 0 if good.sum() >= _LEAST else np.zeros(shape[2], bool)
        if moves.any():
            values = welfare[place][moves][:, good].T
            band[(*place, moves)] = np.diff(np.quantile(values, ends(), axis=0), axis=0)[0]
            fall[(*place, moves)], error[(*place, moves)], explained = _with_error(values, scores[:, good])
            clear[(*place, moves)] = explained > _of_chance(len(values), len(parts))
    names = [name for name, _ in parts]
    points = {"units": "percentage points"}
    by = (SCENARIO, TECHNOLOGY, COUNTRY)
    return xr.Dataset(
        {
            "band": (by, band, points | {"long_name": "width of the 90 % interval of welfare"}),
            "reduction": ((*by, COMPONENT), fall, points | {"long_name": "expected fall of that width"}),
            "reduction_error": ((*by, COMPONENT), error, points | {"long_name": "standard error of it"}),
            "beyond_chance": ((*by, COMPONENT), clear, {"long_name": "more than chance makes of any of them"}),
        },
        coords={name: ds[name].values for name in by} | {COMPONENT: names},
        attrs={"draws": int(scores.shape[1])},
    )


def _components(post: xr.DataTree, ds: xr.Dataset) -> Iterator[tuple[str, Float[np.ndarray, " draw"]]]:
    """Name and draws of every number that varies: parameters of the model, then factors on inputs."""
    at = {CHAIN: ds[CHAIN], DRAW: ds[DRAW]}
    samples = post["posterior"].to_dataset().sel(at)
    groups = [samples[[name for name in Parameters.names() if name in samples]]]
    if "inputs" in post.children:
        groups.append(post["inputs"].to_dataset().sel(at))
    for name, array in itertools.chain.from_iterable(group.data_vars.items() for group in groups):
        own = [dim for dim in array.dims if dim not in (CHAIN, DRAW)]
        draws = array.transpose(*own, CHAIN, DRAW).values.reshape(*(array.sizes[dim] for dim in own), -1)
        for place in np.ndindex(draws.shape[:-1]):
            values = draws[place]
            if np.isfinite(values).all() and np.ptp(values) > 0:
                labels = " ".join(str(array[dim].values[k]) for dim, k in zip(own, place, strict=True))
                yield (f"{name}[{labels}]" if labels else str(name)), values


def _scores(values: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
    """Normal scores of ranks; equal values have one."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2
    return ndtri((middle[place] + 0.5) / len(values))


def _of_chance(draws: int, numbers: int) -> float:
    """Part of a variance that the regression explains of noise, in the best of ``numbers``, at most (95 %)."""
    return float(betaincinv(_DEGREE / 2, (draws - _DEGREE - 1) / 2, SURE ** (1 / numbers)))


def _falls(
    values: Float[np.ndarray, "draw outcome"], known: Float[np.ndarray, "component draw"]
) -> tuple[Float[np.ndarray, "outcome component"], Float[np.ndarray, "outcome component"]]:
    """Expected fall of the bands of ``values`` for each of what becomes known, and the part that is explained."""
    count, outcomes = values.shape
    ordered, level = np.sort(values, axis=0), (np.arange(count) + 0.5) / count
    score = np.stack([_scores(values[:, k]) for k in range(outcomes)], axis=1)
    score = score / score.std(axis=0)
    quantiles = ndtri(np.array(ends()))
    some = slice(None, None, -(-count // _AVERAGED))

    def width(middle: Float[np.ndarray, " draw"], left: float, k: int) -> float:
        tails = np.interp(ndtr(middle[:, None] + left * quantiles), level, ordered[:, k])
        return float(np.diff(tails, axis=1).mean())

    before = np.array([width(np.zeros(1), 1.0, k) for k in range(outcomes)])
    out, part = np.empty((2, outcomes, len(known)))
    for j, x in enumerate(known):
        basis, _ = np.linalg.qr(np.vander(x, _DEGREE + 1))
        fitted = basis @ (basis.T @ score)
        part[:, j] = fitted.var(axis=0)
        explained = 1 - (1 - part[:, j]) * (count - 1) / (count - _DEGREE - 1)  # less what chance fits
        explained = np.clip(explained, 0.0, 1.0)
        middle = fitted[some] * np.sqrt(explained / np.maximum(part[:, j], 1e-12))
        after = [width(middle[:, k], float(np.sqrt(1 - explained[k])), k) for k in range(outcomes)]
        out[:, j] = before - after
    return out, part


def _with_error(
    values: Float[np.ndarray, "draw outcome"], known: Float[np.ndarray, "component draw"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected falls, their standard errors by leaving out blocks of draws in turn, and what is explained.

    Each (outcome, component).
    """
    block = np.arange(len(values)) % _BLOCKS
    falls = np.stack([_falls(values[block != k], known[:, block != k])[0] for k in range(_BLOCKS)])
    fall, explained = _falls(values, known)
    return fall, np.sqrt((_BLOCKS - 1) * falls.var(axis=0)), explained
