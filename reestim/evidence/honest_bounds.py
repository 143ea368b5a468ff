"""How far an event study can be believed where exposed sectors were on another path before the policy.

Rambachan and Roth (2023), relative magnitudes: from one year to the next, the path that exposed sectors would have
taken without the policy departs from that of the others by at most M̄ times its largest yearly departure before it.
At M̄ = 0 the effects are read as they are; at M̄ = 1 what was possible before the policy is possible after it.

The largest departure before the policy is not known but estimated. For each pair of neighbouring event times and each
sign the bound is linear in the effects, so that its interval is that of a linear combination; the union of all these
intervals holds the effect with at least the stated probability, whichever departure is the largest in truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import optimize, stats

from reestim.evidence.event_design import Window
from reestim.intervals import LEVEL

#: M̄ of the interval that is shown.
RATIO = 1.0
#: p-value of the joint test of effects before the policy below which chance does not explain them.
DOUBT = 0.1
#: Largest M̄ that is looked at.
_FURTHEST = 100.0


def robust_interval(
    estimate: Float[np.ndarray, " effect"],
    covariance: Float[np.ndarray, "effect effect"],
    windows: Sequence[Window],
    weights: Float[np.ndarray, " effect"],
    *,
    reference: int,
    ratio: float = RATIO,
    clusters: int = 0,
) -> tuple[float, float]:
    """Interval of a mean of effects after the policy, whatever path within M̄ the exposed sectors would have taken.

    Parameters
    ----------
    estimate, covariance : array
        Effects (log points) and their covariance.
    windows : sequence of (first, last)
        Event times of each effect, years; a window stands at its middle.
    weights : array
        Of the mean; 0 for what lies before ``reference``.
    reference : int
        Event time that the effects are measured against.
    ratio : float
        M̄, the largest yearly departure after ``reference`` over the largest before it.
    clusters : int
        Number of clusters, for Student's t; 0: not known, normal.

    Returns
    -------
    (low, high)
        90 % equal-tailed, log points; nan where no effect lies before ``reference``.

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.evidence.honest_bounds import robust_interval
    >>> low, high = robust_interval(np.array([-0.1, 0.5]), np.eye(2) * 1e-12, [(-2, -2), (0, 0)], np.array([0.0, 1.0]),
    ...                             reference=-1)
    >>> round(low, 3), round(high, 3)  # a yearly departure of 0.1 before the policy
    (0.4, 0.6)
    """
    slopes = yearly_departures(windows, reference)
    if not len(slopes):
        return float("nan"), float("nan")
    distribution: Any = stats.t(clusters - 1) if clusters > 1 else stats.norm()
    times = np.array([(first + last) / 2 - reference for first, last in windows])
    reach = ratio * float(weights @ times)
    bounds = weights + reach * np.concatenate([slopes, -slopes])
    middle = bounds @ estimate
    half = float(distribution.ppf((1 + LEVEL) / 2)) * np.sqrt(np.einsum("be,ef,bf->b", bounds, covariance, bounds))
    return float((middle - half).min()), float((middle + half).max())


def breakdown_ratio(
    estimate: Float[np.ndarray, " effect"],
    covariance: Float[np.ndarray, "effect effect"],
    windows: Sequence[Window],
    weights: Float[np.ndarray, " effect"],
    *,
    reference: int,
    clusters: int = 0,
) -> float:
    """The largest M̄ at which `robust_interval` excludes zero; 0 where it never does, nan where there is no interval."""

    def distance(ratio: float) -> float:
        """Of the interval from zero; negative where it holds zero."""
        low, high = robust_interval(
            estimate, covariance, windows, weights, reference=reference, ratio=ratio, clusters=clusters
        )
        return max(low, -high)

    if np.isnan(distance(0.0)):
        return float("nan")
    if distance(0.0) <= 0:
        return 0.0
    if distance(_FURTHEST) > 0:
        return _FURTHEST
    root: Any = optimize.brentq(distance, 0.0, _FURTHEST, xtol=1e-6)
    return float(root)


def yearly_departures(windows: Sequence[Window], reference: int) -> Float[np.ndarray, "pair effect"]:
    """Rows that turn effects into their change a year between neighbouring event times up to ``reference``."""
    middle = np.array([(first + last) / 2 for first, last in windows])
    before = sorted((k for k, (_, last) in enumerate(windows) if last < reference), key=lambda k: middle[k])
    rows = np.zeros((len(before), len(windows)))
    for row, k in zip(rows, before, strict=True):
        after = next((j for j in before if middle[j] > middle[k]), None)
        years = (reference if after is None else middle[after]) - middle[k]
        row[k] = -1 / years
        if after is not None:
            row[after] = 1 / years
    return rows


def trend_covariance(
    estimate: Float[np.ndarray, " effect"], windows: Sequence[Window], reference: int, ratio: float
) -> Float[np.ndarray, "effect effect"]:
    """What differences in trends of unknown size add to the covariance of the effects, (log points)².

    Exposed sectors depart from others, from ``reference`` on forwards and backwards, by a slope that is the same each
    year and by a deviation of each year around it; each is uniform within ±M̄ times the largest yearly departure seen
    before the policy. The slope is the worst case within `robust_interval`'s bounds, all departures in one direction;
    the deviations are the departures that are no line, which the bounds allow too. Zero where no effect lies before
    ``reference``.
    """
    slopes = yearly_departures(windows, reference)
    largest = float(np.abs(slopes @ estimate).max()) if len(slopes) else 0.0
    years = np.array([(first + last) / 2 - reference for first, last in windows])
    line = np.outer(years, years)
    shared = np.minimum(np.abs(years)[:, None], np.abs(years)[None, :])  # years whose deviations two effects share
    walk = np.where(line > 0, shared, 0.0)  # none where they lie on two sides of the reference
    return (line + walk) * (ratio * largest) ** 2 / 3  # the variance of a uniform on ±b is b²/3


def pretrend_test(
    windows: Sequence[Window],
    estimate: Float[np.ndarray, " effect"],
    covariance: Float[np.ndarray, "effect effect"],
    clusters: int,
    reference: int,
) -> dict[str, float]:
    """Joint Wald test that all effects before the reference are zero: F = W/K on (K, G − 1) degrees of freedom, χ²
    where the number of clusters is not known (0); missing where there are no such effects or fewer clusters than
    needed. pretrend_effects (K), pretrend_f, pretrend_p_value."""
    before = [k for k, (_, last) in enumerate(windows) if last < reference]
    size, out = len(before), {"pretrend_effects": float(len(before)), "pretrend_f": np.nan, "pretrend_p_value": np.nan}
    inside = covariance[np.ix_(before, before)]
    if not size or (clusters and clusters <= size) or np.linalg.matrix_rank(inside) < size:
        return out
    b = estimate[before]
    f = float(b @ np.linalg.solve(inside, b)) / size
    p = stats.f.sf(f, size, clusters - 1) if clusters else stats.chi2.sf(f * size, size)
    return out | {"pretrend_f": f, "pretrend_p_value": float(p)}
