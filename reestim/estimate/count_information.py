"""What labelled counts know about the effects of (12), and the coordinates in which a sampler sees those effects.

Counts tell the shares of *labels*; the classes behind them follow through Π. An error in Π therefore moves the effects
of all units together, a long way compared with what the counts leave open in each of them. And the spread of effects
ties them together where counts are few. Coordinates x that hold for a handful of patents and for millions:

    effect of a unit = level + deviation,   deviation = mean + scale·x,   scale² = 1 / (I + 1/s²),
    mean = I/(I + 1/s²) · (η(Π) − level),   η(Π) = η₀ + dη/dΠ·(Π − Π₀)·I/(I + 1/s²) at a usual s,

I: Fisher information of the unit's counts at φ; η₀: log odds that its label shares put it at, given Π₀ of audit and
prior; s: spread of effects. Without counts x is the deviation over its spread (non-centred), with many it is the effect
against what the counts say at this Π (centred). A class that is rarer in a unit than the labels wrongly given to it is
hardly known there: to first order in Π its log odds would move without bound, and the counts do not make it do so. The
density of the effects themselves is not touched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, LABEL, LABELS, SECTOR, YEAR
from reestim.estimate.error_groups import ERROR_GROUP
from reestim.estimate.misclassification import confusion_weights
from reestim.estimate.priors import Priors

#: φ and the spread of effects at which η₀ and the weights of units are taken.
_CONCENTRATION, _SPREAD = 50.0, 0.5
#: Patents of average composition that are added to each unit, and rounds of the search for its classes.
_ADDED, _ROUNDS = 20.0, 300


class CountInformation(NamedTuple):
    """Arrays made of the counts and the audit; the order of units is that of (country, sector)."""

    patents: Any  # n (unit, year)
    confusion: Any  # Π₀ (true_label, machine_label)
    odds: Any  # η₀ (class, unit), against `unrelated`
    per_patent: Any  # Fisher information about η of one patent, diagonal, (class, unit)
    response: Any  # dη/dΠ, as far as η is known (class, unit, true_label, machine_label)
    weight: Any  # of each unit in the level of its class, (class, unit)


class Coordinates(NamedTuple):
    """Mean and scale (class, N − 1) of N effects that sum to zero, in the coordinates of `zero_sum`."""

    mean: Any
    scale: Any


def count_information(patent_count: xr.DataArray, audit: xr.DataArray | None, weights: np.ndarray) -> CountInformation:
    """What counts and audit say of the true classes, as arrays.

    Parameters
    ----------
    patent_count
        (country, sector, year, label), whole numbers.
    audit
        ([error_group,] human_label, machine_label), or None: labels are taken for the classes.
    weights
        Of the Dirichlet prior of Π (true_label, machine_label).

    Returns
    -------
    CountInformation
        Units in the order of (country, sector).
    """
    count = patent_count.transpose(COUNTRY, SECTOR, YEAR, LABEL).values.astype(float)
    count = count.reshape(-1, *count.shape[2:])
    patents, labels = count.sum(-1), count.sum(1)
    every = (labels.sum(0) + 1) / (labels.sum() + len(LABELS))
    confusion = np.eye(len(LABELS)) if audit is None else _confusion(audit, weights, every)
    worth = _worth(patents, _CONCENTRATION).sum(1)
    share = np.where(labels.sum(1, keepdims=True) > 0, labels / np.maximum(labels.sum(1, keepdims=True), 1), every)
    average = _classes(every[None], np.full(len(LABELS), 1 / len(LABELS)), np.array([1e9]), confusion)[0]
    p = _classes(share, average, worth, confusion)
    q = p @ confusion
    slope = p[:, 1:, None] * (confusion[None, 1:] - q[:, None])  # dq/dη (unit, class, label)
    per_patent = (slope**2 / q[:, None]).sum(-1).T
    part = _part(per_patent * worth)
    weight = _part(per_patent * worth + 1e-3)  # a unit without patents has some weight, too
    return CountInformation(
        patents=patents,
        confusion=confusion,
        odds=np.log(p[:, 1:] / p[:, :1]).T,
        per_patent=per_patent,
        response=np.zeros((*per_patent.shape, *confusion.shape)) if audit is None else _response(p, confusion, part),
        weight=weight / weight.sum(axis=1, keepdims=True),
    )


def information_of(data: xr.Dataset, priors: Priors) -> CountInformation:
    """What the inputs of a model say of the true classes.

    Parameters
    ----------
    data
        With ``patent_count`` and, where labels were audited, ``label_audit``.
    priors
        With ``confusion``, where there is an audit.

    Returns
    -------
    CountInformation
        Units in the order of (country, sector).
    """
    audit = data.get("label_audit")
    weights = np.eye(len(LABELS)) if audit is None else confusion_weights(priors)
    return count_information(data["patent_count"], audit, weights)


def with_confusion(known: CountInformation, confusion: Any, xp: Any) -> Any:
    """How far the log odds move with Π: dη/dΠ·(Π − Π₀).

    Parameters
    ----------
    known
        From `information_of`.
    confusion
        Π ([error_group,] true_label, machine_label); of groups their mean is taken.
    xp
        Array library.

    Returns
    -------
    array
        (class, unit).
    """
    common = confusion if confusion.ndim == 2 else confusion.mean(axis=0)
    return xp.tensordot(known.response, common - known.confusion, axes=2)


def unit_coordinates(
    known: CountInformation, moved: Any, level: Any, spread: Any, concentration: Any, xp: Any
) -> Coordinates:
    """Coordinates of the deviations of units.

    Parameters
    ----------
    known
        From `information_of`.
    moved
        From `with_confusion` (class, unit).
    level, spread
        (class,).
    concentration
        φ.
    xp
        Array library.

    Returns
    -------
    Coordinates
        Mean and scale (class, unit − 1).
    """
    information = known.per_patent * _worth(known.patents, concentration).sum(axis=1)
    variance = spread[:, None] ** 2
    part = information * variance / (1 + information * variance)
    mean = part * (known.odds + moved - level[:, None])
    scale = spread[:, None] / xp.sqrt(1 + information * variance)
    return Coordinates(without_sum(mean - mean.mean(axis=1, keepdims=True)), scale[:, :-1])


def year_coordinates(known: CountInformation, spread: Any, concentration: Any, xp: Any) -> Coordinates:
    """Coordinates of the effects of years.

    Parameters
    ----------
    known, concentration, xp
        As for `unit_coordinates`.
    spread
        (class,).

    Returns
    -------
    Coordinates
        Mean and scale (class, year − 1).
    """
    information = xp.dot(known.per_patent, _worth(known.patents, concentration))
    scale = spread[:, None] / xp.sqrt(1 + information * spread[:, None] ** 2)
    return Coordinates(0 * scale[:, :-1], scale[:, :-1])


def zero_sum(values: Any, xp: Any) -> Any:
    """(class, N − 1) → (class, N) with sum zero, a rotation: what PyMC and NumPyro do.

    Parameters
    ----------
    values
        (class, N − 1).
    xp
        Array library.

    Returns
    -------
    array
        (class, N).

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.estimate.count_information import without_sum, zero_sum
    >>> free = np.array([[1.0, 2.0]])
    >>> effects = zero_sum(free, np)
    >>> bool(abs(effects.sum()) < 1e-12), np.allclose(without_sum(effects), free)
    (True, True)
    """
    n = values.shape[-1] + 1
    total = values.sum(axis=-1, keepdims=True)
    shift = total / (np.sqrt(n) + n)
    return xp.concatenate([values - shift, -total / np.sqrt(n)], axis=-1)


def without_sum(values: Any) -> Any:
    """(class, N) with sum zero → (class, N − 1): the inverse of `zero_sum`.

    Parameters
    ----------
    values
        (class, N).

    Returns
    -------
    array
        (class, N − 1).
    """
    n = values.shape[-1]
    return values[..., :-1] - values[..., -1:] * np.sqrt(n) / (np.sqrt(n) + n)


def _worth(patents: Any, concentration: Any) -> Any:
    """Independent patents that the patents of a cell are worth, given φ."""
    return patents * (concentration + 1) / (concentration + patents)


def _confusion(audit: xr.DataArray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Π by the audit and its prior, about its posterior mean; labels: share of each among all patents."""
    groups = [d for d in audit.dims if d == ERROR_GROUP]
    counts = audit.sum(groups).transpose("human_label", "machine_label").values.astype(float)
    some = counts + weights / weights.sum(1, keepdims=True)
    joint = labels * some / some.sum(0) if audit.attrs.get("design") == "by_label" else some
    size = counts.sum(1, keepdims=True)
    return (weights + size * joint / joint.sum(1, keepdims=True)) / (weights.sum(1, keepdims=True) + size)


def _classes(share: np.ndarray, average: np.ndarray, worth: np.ndarray, confusion: np.ndarray) -> np.ndarray:
    """Classes (unit, true_label) most likely behind shares of labels (unit, label).

    By the EM algorithm, with a few patents of average composition added, so that every share stays positive.
    """
    p, own = np.tile(average, (len(share), 1)), (worth / (worth + _ADDED))[:, None]
    for _ in range(_ROUNDS):
        p = own * p * ((share / (p @ confusion)) @ confusion.T) + (1 - own) * average
    return p


def _part(information: np.ndarray) -> np.ndarray:
    """What information about an effect is of all that is known of it, at a usual spread of effects."""
    return information / (information + 1 / _SPREAD**2)


def _response(p: np.ndarray, confusion: np.ndarray, part: np.ndarray) -> np.ndarray:
    """dη/dΠ at given shares of labels (class, unit, true_label, machine_label): dp·Π = −p·dΠ, as far as counts know η.

    ``part`` (class, unit) says how far they do.
    """
    change = -np.einsum("ik,lm->mikl", p, np.linalg.pinv(confusion)) / p.T[:, :, None, None]
    return (change[1:] - change[:1]) * part[:, :, None, None]
