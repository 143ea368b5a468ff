"""Which parameter drives the uncertainty of welfare: its gradient with the covariance of the posterior, first order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from reestim.counterfactuals.plan import DRAW_OUTCOMES, chunk_size, parameters_of
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.sweep import solve_draws
from reestim.errors import InputError, Problem

PARAMETER, COMPONENT = "parameter", "component"
#: Step of the central differences, in logs or, of a fraction, in units.
_STEP = 1e-3
_FRACTIONS = ("spillover_gap", "diffusion")
_POINT = "_point"


class _Component(NamedTuple):
    """One number that varies over the draws: a parameter, or its value for a sector."""

    parameter: str
    cell: int  # position among the values of the parameter
    label: str
    center: float
    step: float
    in_logs: bool
    deviation: Float[np.ndarray, " draw"]


def welfare_variance(
    economy: Economy, scenarios: Scenario | Sequence[Scenario], post: xr.DataTree, defaults: Parameters | None = None
) -> xr.Dataset:
    """Split the posterior variance of welfare among the parameters, to first order.

    At the posterior mean (of logs, where a parameter is positive) the exact equilibrium is differentiated by central
    differences in every component x_k of the parameters. With slopes g and the covariance V of the draws, g'Vg is the
    first-order variance; the share of a parameter is g_k (Vg)_k summed over its components and divided by g'Vg. Shares
    sum to one; one can be negative, where a parameter offsets others with which it is correlated.

    Parameters
    ----------
    economy, scenarios, defaults
        As given to :func:`reestim.counterfactual`.
    post
        With the group ``counterfactual`` of that function, whose draws, technologies and supply are used.

    Returns
    -------
    xarray.Dataset
        ``share`` (scenario, technology, country, parameter) and ``component_share`` (..., component); ``slope`` (...,
        component), change of welfare (log) per unit (log point); ``sd``, the standard deviation of welfare over the
        draws, ``first_order_sd``, √(g'Vg), and ``explained``, 1 − Var(welfare − its linear prediction)/Var(welfare),
        each (scenario, technology, country). NaN where the equilibrium at the mean was not found or welfare does not
        vary.

    Raises
    ------
    InputError
        If there is no counterfactual, or a scenario that it does not hold.

    Notes
    -----
    The points beside the mean are solved like further draws, by the program that was compiled for the draws. Implicit
    differentiation (:func:`reestim.sensitivity`) gives the same slopes (a test compares them), but has to be compiled
    for each scenario and technology, which takes longer than the draws.

    Examples
    --------
    >>> parts = ree.welfare_variance(economy, quota, post)
    >>> bool(abs(parts["share"].sum("parameter") - 1).max() < 1e-9)
    True
    """
    scenarios = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    if "counterfactual" not in post.children:
        raise InputError(Problem("there is no counterfactual whose variance could be split", "Compute it first."))
    ds = post["counterfactual"].to_dataset()
    known = [str(name) for name in ds[SCENARIO].values]
    if unknown := [s.name for s in scenarios if s.name not in known]:
        advice = f"There are {', '.join(known)}."
        raise InputError([Problem("the counterfactual lacks this scenario", advice, value=name) for name in unknown])
    samples = post["posterior"].to_dataset().sel({CHAIN: ds[CHAIN], DRAW: ds[DRAW]})
    parameters, used = parameters_of(samples, defaults or Parameters())
    parts = components(parameters, used)
    points = _around(parameters, used, parts)
    size = chunk_size(economy, ds.sizes[CHAIN] * ds.sizes[DRAW])
    supply, tolerance = str(ds.attrs.get("supply", "independent")), float(ds.attrs.get("tolerance", 1e-12))
    rows = []
    for scenario in scenarios:
        world = scenario.baseline(economy)
        policy = scenario.to_arrays(world, supply)
        row = []
        for technology in ds[TECHNOLOGY].values.tolist():
            feasible, _ = points.feasible(world, technology, _POINT, scenario.horizon)
            welfare = np.full((2 * len(parts), len(economy.countries)), np.nan)
            if feasible.all():  # else the mean is too near a corner of research
                batch = points.to_batch(world, technology, _POINT, scenario.horizon)
                # the outcomes of the draws, so that what was compiled for them is used
                found = solve_draws(world.baseline, policy, batch, tolerance, DRAW_OUTCOMES, size)
                welfare = np.where(found.solved[:, None], np.asarray(found.outcomes["welfare"]), np.nan)
            at = ds.sel({SCENARIO: scenario.name, TECHNOLOGY: technology})
            row.append(_split(welfare, parts, at, list(economy.countries)))
        rows.append(xr.concat(row, xr.IndexVariable(TECHNOLOGY, ds[TECHNOLOGY].values)))
    out = xr.concat(rows, xr.IndexVariable(SCENARIO, [s.name for s in scenarios]))
    return out.assign_attrs(draws=int(ds.sizes[CHAIN] * ds.sizes[DRAW]), order="first")


def components(parameters: Parameters, used: Sequence[str]) -> list[_Component]:
    """Every number of the parameters in use that varies over the draws, with its deviations from the mean."""
    out = []
    for name in used:
        values = _cells(getattr(parameters, name))
        labels = values["cell"].values.tolist()
        for k, label in enumerate(labels):
            draws = values.values[:, k]
            if not (np.isfinite(draws).all() and np.ptp(draws) > 0):
                continue
            in_logs = name not in _FRACTIONS and bool((draws > 0).all())
            x = np.log(draws) if in_logs else draws
            center = float(x.mean())
            step = _STEP if in_logs else min(_STEP, center / 2) or _STEP
            shown = f"{name}[{label}]" if len(labels) > 1 else name
            out.append(_Component(name, k, shown, center, step, in_logs, x - center))
    return out


def _cells(value: Any) -> xr.DataArray:
    """(draw, cell) of a parameter, a cell for each combination of its labels."""
    batch = str(value.dims[-1])
    own = [str(dim) for dim in value.dims if dim != batch]
    flat = value.transpose(batch, *own)
    labels = [" ".join(map(str, key)) for key in itertools.product(*(flat[dim].values.tolist() for dim in own))]
    return xr.DataArray(flat.values.reshape(flat.sizes[batch], -1), {"cell": labels}, (batch, "cell"))


def _around(parameters: Parameters, used: Sequence[str], parts: Sequence[_Component]) -> Parameters:
    """Two points a component, above and below the mean in it and at the mean in all others."""
    values: dict[str, Any] = {name: getattr(parameters, name) for name in Parameters.names()}
    for name in used:
        value = values[name]
        batch = value.dims[-1]
        middle = value.mean(batch)
        flat = np.tile(middle.values.reshape(1, -1), (2 * len(parts), 1))
        for j, part in enumerate(parts):
            if part.parameter != name:
                continue
            move = np.exp if part.in_logs else np.asarray
            flat[:, part.cell] = move(part.center)
            flat[2 * j, part.cell] = move(part.center + part.step)
            flat[2 * j + 1, part.cell] = move(part.center - part.step)
        points = flat.reshape(2 * len(parts), *middle.shape)
        values[name] = xr.DataArray(points, middle.coords, (_POINT, *middle.dims))
    return Parameters(**values)


def _split(
    welfare: Float[np.ndarray, "point country"], parts: Sequence[_Component], at: xr.Dataset, countries: list[str]
) -> xr.Dataset:
    """Slopes, shares and what they explain, for one scenario and technology."""
    steps = np.array([part.step for part in parts])[:, None]
    slope = (welfare[0::2] - welfare[1::2]) / (2 * steps)  # (component, country)
    solved = at["solved"].stack({_POINT: [CHAIN, DRAW]}).values
    actual = at["welfare"].stack({_POINT: [CHAIN, DRAW]}).transpose(_POINT, COUNTRY).sel({COUNTRY: countries}).values
    actual = actual[solved]
    deviation = np.stack([part.deviation for part in parts], axis=1)[solved]  # (draw, component)
    deviation = deviation - deviation.mean(0)
    linear = deviation @ slope  # (draw, country)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (linear**2).mean(0)
        share = slope * (deviation.T @ linear) / len(linear) / variance
        explained = 1 - (actual - actual.mean(0) - linear).var(0) / actual.var(0)
    names = list(dict.fromkeys(part.parameter for part in parts))
    member = np.array([[part.parameter == name for part in parts] for name in names], dtype=float)
    by = (COUNTRY, COMPONENT)
    return xr.Dataset(
        {
            "share": ((COUNTRY, PARAMETER), (member @ share).T, {"long_name": "share of the first-order variance"}),
            "component_share": (by, share.T, {"long_name": "share of the first-order variance"}),
            "slope": (by, slope.T, {"long_name": "change of welfare per log point, of a fraction per unit"}),
            "sd": (COUNTRY, actual.std(0), {"units": "log change"}),
            "first_order_sd": (COUNTRY, np.sqrt(variance), {"units": "log change"}),
            "explained": (COUNTRY, explained, {"long_name": "share that the linear prediction explains"}),
        },
        coords={COUNTRY: countries, PARAMETER: names, COMPONENT: [part.label for part in parts]},
    )
