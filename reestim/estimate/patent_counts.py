"""Equations (12) and (13): labelled patents by country, sector and year."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.tensor.special import softmax
from pytensor.tensor.variable import TensorConstant
from scipy.special import gammaln

from reestim.dims import COUNTRY, LABEL, LABELS, SECTOR, YEAR
from reestim.estimate.count_information import CountInformation, unit_coordinates, with_confusion, year_coordinates
from reestim.estimate.effects import zero_sum_effects
from reestim.estimate.error_groups import group_of_cell, group_shares
from reestim.estimate.priors import Priors, along_ridge, variable

_COUNT = (COUNTRY, SECTOR, YEAR, LABEL)
#: What is left of the weights when rounding leaves nothing: a beta distribution needs more than zero.
_SMALLEST = 1e-300


def class_probabilities(
    relative_price: Any,
    enhancing: Any,
    priors: Priors,
    known: CountInformation,
    confusion: Any,
    concentration: Any,
) -> Any:
    """Probabilities of the true classes, equation (12): multinomial logit against ``unrelated``.

    q and f enter as deviations from their means over years, so that the country-sector effects are levels of an average
    year and do not trade off against the slopes. Priors: ``class_log_odds`` and its spreads ``unit_sd``, ``year_sd``
    (by class), ``using_slope``, ``substituting_slope``.

    Parameters
    ----------
    relative_price
        q (country, sector, year), log points.
    enhancing
        f (country, sector, year), what takes the place of q for that class (`reestim.estimate.relative_price`).
    priors
        Priors by name.
    known, confusion, concentration
        What the counts say, Π (None: labels are the classes) and φ. They choose the coordinates in which effects are
        sampled (`reestim.estimate.count_information`), not what the model says.

    Returns
    -------
    TensorVariable
        p (country, sector, year, true_label).
    """
    q = relative_price - relative_price.mean(axis=2, keepdims=True)
    enhancing = enhancing - enhancing.mean(axis=2, keepdims=True)
    shape = [len(pm.modelcontext(None).coords[d] or ()) for d in (COUNTRY, SECTOR, YEAR)]
    known = as_model_data(known)
    moved: Any = 0.0 * known.odds if confusion is None else with_confusion(known, confusion, pt)
    along, shift = along_ridge(priors, "class_log_odds", (known.weight * moved).sum(axis=1), dims="class")
    level = along + shift
    unit_sd = variable(priors, "unit_sd", dims="class")
    year_sd = variable(priors, "year_sd", dims="class")
    # A common shift of all effects is one number (level), not one a unit; effects deviate from it with sum zero.
    at = unit_coordinates(known, moved, level, unit_sd, concentration, pt)
    deviation = zero_sum_effects("unit_deviation", unit_sd, at, dims=("class", "unit"))
    at = year_coordinates(known, year_sd, concentration, pt)
    year = zero_sum_effects("year_effect", year_sd, at, dims=("class", YEAR))
    unit = (level[:, None] + deviation).reshape((-1, *shape[:2]))

    u = variable(priors, "using_slope")
    v = variable(priors, "substituting_slope")
    response: Any = pt.stack([u * q, enhancing, v * q])
    logit = unit[..., None] + year[:, None, None, :] + response
    logit: Any = pt.concatenate([pt.zeros((1, *shape)), logit])
    p: Any = softmax(logit.reshape((4, -1)).T, axis=-1)
    return p.reshape((*shape, 4))


def as_model_data(known: CountInformation) -> CountInformation:
    """The same as data of the model under construction (``pm.Data``, names ``count_information_…``).

    Simulated counts come with their own (`reestim.calibration`).
    """
    named = known._asdict().items()
    return CountInformation(**{name: pm.Data(information_name(name), x, shape=x.shape) for name, x in named})


def information_name(field: str) -> str:
    """Name of an array of `CountInformation` among the data of a PyMC model."""
    return f"count_information_{field}"


def true_prevalence(patent_count: xr.DataArray, p: Any) -> Any:
    """Share of each true class among all patents, Σ n·p / Σ n: the population that an audit samples.

    For any array library.

    Parameters
    ----------
    patent_count
        (country, sector, year, label), whole numbers.
    p
        (country, sector, year, true_label).

    Returns
    -------
    array
        (true_label,), or (error_group, true_label) where errors vary.
    """
    n = patent_count.transpose(*_COUNT).values.sum(axis=-1)
    group = group_of_cell(patent_count)
    weight = n.ravel() / n.sum() if group is None else group_shares(n, group)
    return weight @ p.reshape((-1, 4))


def label_probabilities(patent_count: xr.DataArray, p: Any, confusion: Any) -> Any:
    """Probability of each label, p Π, with the Π of the cell's group where errors vary. For any array library.

    Parameters
    ----------
    patent_count, p
        As for `true_prevalence`.
    confusion
        Π ([error_group,] true_label, machine_label).

    Returns
    -------
    array
        (country, sector, year, label).
    """
    group = group_of_cell(patent_count)
    if group is None:
        return (p.reshape((-1, 4)) @ confusion).reshape(p.shape)
    return (p[..., :, None] * confusion[group]).sum(axis=-2)


def patent_counts(patent_count: xr.DataArray, p: Any, confusion: Any, concentration: Any) -> Any:
    """y_cjt ~ DirichletMultinomial(n_cjt, φ·p_cjt Π), equation (13).

    Parameters
    ----------
    patent_count
        (country, sector, year, label), whole numbers. Cells without patents carry no information.
    p
        (country, sector, year, true_label), from `class_probabilities`.
    confusion
        Π; None: labels are taken for the true classes.
    concentration
        φ > 0; large: no overdispersion.

    Returns
    -------
    TensorVariable
        The observed variable ``patent_count``.
    """
    counts = patent_count.transpose(*_COUNT).values.astype(np.int64)
    observed_share = p if confusion is None else label_probabilities(patent_count, p, confusion)
    return pm.CustomDist(
        "patent_count",
        counts.sum(axis=-1),
        concentration * observed_share,
        dist=_random_counts,
        logp=dirichlet_multinomial_logp,
        signature="(),(k)->(k)",
        observed=counts,
        dims=_COUNT,
    )


def dirichlet_multinomial_logp(counts: Any, n: Any, a: Any) -> Any:
    """Log density of each vector of counts (..., k) with total n (...) and weights a (..., k) > 0.

    The same number as PyMC's, at a fraction of its time: the only special functions of the parameters are differences
    ln Γ(a+y) − ln Γ(a), computed by `log_rising`.
    """
    return _log_arrangements(counts, n) + log_rising(a, counts).sum(axis=-1) - log_rising(a.sum(axis=-1), n)


def _random_counts(n: Any, a: Any, size: Any) -> Any:
    """Vectors of counts from the same distribution, label by label: each is beta-binomial among what is left.

    PyMC's own loops over the cells in Python, which takes ten times as long.
    """
    del size  # n and a have their shapes
    left, weight, drawn = pt.as_tensor_variable(n), a.sum(axis=-1), []
    for k in range(len(LABELS) - 1):
        weight = weight - a[..., k]
        drawn.append(pm.Binomial.dist(n=left, p=pm.Beta.dist(a[..., k], pt.maximum(weight, _SMALLEST))))
        left = left - drawn[-1]
    return pt.stack([*drawn, left], axis=-1)


def _log_arrangements(counts: Any, n: Any) -> Any:
    """Logarithm of n!/Πy!.

    Data in a model are constants: computed here, or the compiled code would do it at every step.
    """
    if isinstance(counts, TensorConstant) and isinstance(n, TensorConstant):
        return pt.as_tensor_variable(gammaln(n.data + 1.0) - gammaln(counts.data + 1.0).sum(axis=-1))
    factorials: Any = pt.gammaln(counts + 1.0)
    return pt.gammaln(n + 1.0) - factorials.sum(axis=-1)


def log_rising(a: Any, y: Any, xp: Any = pt) -> Any:
    """Logarithm of the rising factorial, ln Γ(a+y) − ln Γ(a), elementwise, to about 1e-13 of the larger of the two.

    ln Γ(x) is taken by Stirling's series at x+8, brought back by ln x(x+1)…(x+7): elementary functions only, which
    compilers vectorise, unlike ln Γ and its derivative.

    Parameters
    ----------
    a, y
        Arrays, a > 0, y ≥ 0.
    xp
        ``pytensor.tensor`` or ``jax.numpy``.

    Returns
    -------
    array
        In their common shape.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from reestim.estimate.patent_counts import log_rising
    >>> bool(jnp.isclose(log_rising(jnp.array(2.0), jnp.array(3.0), jnp), jnp.log(2.0 * 3.0 * 4.0)))
    True
    """
    if xp is pt:
        a, y = pt.as_tensor_variable(a), pt.as_tensor_variable(y).astype("float64")
    return _stirling(a + y, xp) - _stirling(a, xp)


def _stirling(x: Any, xp: Any) -> Any:
    z = x + 8.0
    square = z * z
    # The series in 1/z over a common denominator: one division (rewrites would make one of each reciprocal).
    series = ((((1 / 12 * square - 1 / 360) * square + 1 / 1260) * square - 1 / 1680) * square + 1 / 1188) / (
        z * (square * square) * (square * square)
    )
    u = x * (x + 7)
    back = u * (u + 6) * (u + 10) * (u + 12)  # x(x+1)…(x+7) in pairs
    return (z - 0.5) * xp.log(z) - z + 0.5 * np.log(2 * np.pi) + series - xp.log(back)
