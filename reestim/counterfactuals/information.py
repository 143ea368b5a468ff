"""What to measure next: how much narrower the band of welfare would be if one number were known exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import xarray as xr
from jaxtyping import Float

from reestim.counterfactuals.inputs import SAMPLE
from reestim.counterfactuals.score_regression import (
    DEGREE,
    basis_of,
    falls_with_error,
    fitted,
    normal_outcomes,
    of_chance,
)
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.equilibrium.parameters import Parameters
from reestim.errors import InputError, Problem
from reestim.intervals import ends

COMPONENT = "component"
#: Fewer solved draws say nothing.
LEAST = 20


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
    bases = [basis_of(values[:, None]) for _, values in parts]
    order = (SCENARIO, TECHNOLOGY, COUNTRY, SAMPLE)
    welfare = 100 * ds["welfare"].stack({SAMPLE: [CHAIN, DRAW]}).transpose(*order).values
    solved = ds["solved"].stack({SAMPLE: [CHAIN, DRAW]}).transpose(SCENARIO, TECHNOLOGY, SAMPLE).values
    shape = welfare.shape[:3]
    band, fall, error = np.full(shape, np.nan), *(np.full((*shape, len(parts)), np.nan) for _ in range(2))
    clear = np.zeros(fall.shape, bool)
    for place in np.ndindex(shape[:2]):
        good = solved[place]
        moves = np.ptp(welfare[place][:, good], axis=1) > 0 if good.sum() >= LEAST else np.zeros(shape[2], bool)
        if moves.any():
            values = welfare[place][moves][:, good].T
            band[(*place, moves)] = np.diff(np.quantile(values, ends(), axis=0), axis=0)[0]
            known = [basis[good] for basis in bases]
            fall[(*place, moves)], error[(*place, moves)] = falls_with_error(values, [[basis] for basis in known])
            score = normal_outcomes(values)
            explained = np.stack([fitted(score, basis)[1] for basis in known], axis=1)
            clear[(*place, moves)] = explained > of_chance(len(values), len(parts), DEGREE)
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
        attrs={"draws": int(welfare.shape[-1])},
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
