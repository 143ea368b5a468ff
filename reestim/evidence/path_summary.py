"""Rows of the tables of an event study: effects with intervals, their mean after the policy, pre-trends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from reestim.evidence.honest_bounds import breakdown_ratio, pretrend_test, robust_interval
from reestim.intervals import LEVEL

if TYPE_CHECKING:
    from reestim.evidence.estimators import EffectPath
    from reestim.evidence.path_posterior import PathPosterior


def interval(estimate: float, error: float, clusters: int) -> dict[str, float]:
    """Estimate with its standard error and equal-tailed interval: t with G − 1 degrees of freedom, normal where the
    number of clusters is not known (0)."""
    distribution: Any = stats.t(clusters - 1) if clusters > 1 else stats.norm()
    half = float(distribution.ppf((1 + LEVEL) / 2)) * error
    return {"estimate": estimate, "std_error": error, "low": estimate - half, "high": estimate + half}


def path_rows(path: EffectPath, posterior: PathPosterior | None, reference: int) -> list[dict[str, Any]]:
    """One row an effect, the reference among them as 0, by event time."""
    rows = []
    for k, (first, last) in enumerate(path.windows):
        unit = np.eye(len(path.windows))[k]
        error = float(np.sqrt(path.covariance[k, k]))
        effect = interval(float(path.estimate[k]), error, path.n_clusters) | bayesian(posterior, unit)
        rows.append({"event_time": first, "last_event_time": last} | effect)
    zero = dict.fromkeys(("estimate", "std_error", "low", "high", *_BAYESIAN[:3]), 0.0)
    rows.append({"event_time": reference, "last_event_time": reference} | zero | {_BAYESIAN[3]: np.nan})
    return sorted(rows, key=lambda row: row["event_time"])


_BAYESIAN = ("posterior_median", "posterior_low", "posterior_high", "probability_positive")


def bayesian(posterior: PathPosterior | None, combination: np.ndarray) -> dict[str, float]:
    """Posterior of a linear combination; missing where there is no posterior."""
    if posterior is None:
        return dict.fromkeys(_BAYESIAN, float("nan"))
    return dict(zip(_BAYESIAN, posterior.of(combination, LEVEL), strict=True))


def post_policy_weights(windows: Sequence[tuple[int, int]]) -> np.ndarray:
    """Weights of the mean over all years from event time 0 on."""
    years = np.array([last - first + 1 if first >= 0 else 0 for first, last in windows], float)
    return years / years.sum() if years.any() else years


def summary_row(path: EffectPath, posterior: PathPosterior | None, reference: int) -> dict[str, Any]:
    """Mean over all years from the policy on, the test of pre-trends, bounds that allow for them, and what it rests on.

    robust_low, robust_high: `robust_interval` at M̄ = 1; breakdown_ratio: the largest M̄ at which it excludes zero.
    """
    weights = post_policy_weights(path.windows)
    if weights.any():
        mean, error = float(weights @ path.estimate), float(np.sqrt(weights @ path.covariance @ weights))
        average = interval(mean, error, path.n_clusters) | bayesian(posterior, weights)
        distribution: Any = stats.t(path.n_clusters - 1) if path.n_clusters > 1 else stats.norm()
        average["p_value"] = float(2 * distribution.sf(abs(mean) / error))
        event_path = (path.estimate, path.covariance, path.windows, weights)
        low, high = robust_interval(*event_path, reference=reference, clusters=path.n_clusters)
        furthest = breakdown_ratio(*event_path, reference=reference, clusters=path.n_clusters)
        average |= {"robust_low": low, "robust_high": high, "breakdown_ratio": furthest}
    else:
        bounds = ("robust_low", "robust_high", "breakdown_ratio")
        average = dict.fromkeys(("estimate", "std_error", "low", "high", *_BAYESIAN, "p_value", *bounds), float("nan"))
    last = max((b for a, b in path.windows if a >= 0), default=-1)
    return (
        average
        | pretrend_test(path.windows, path.estimate, path.covariance, path.n_clusters, reference)
        | {
            "last_event_time": last,
            "n_observations": path.n_observations,
            "n_clusters": path.n_clusters,
            "n_countries": path.n_countries,
        }
    )


def placebo_rank(placebos: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Share of the years, the true one among them, whose effect is at least as large as that of the true one."""
    out = {"placebo_years": 0.0, "placebo_p_value": np.nan, "placebo_horizon": np.nan, "same_horizon": np.nan}
    true = [row for row in placebos if row["true"]]
    if not true or len(placebos) == 1:
        return out
    size = abs(true[0]["estimate"])
    as_large = sum(abs(row["estimate"]) >= size for row in placebos)
    return {
        "placebo_years": float(len(placebos) - 1),
        "placebo_p_value": as_large / len(placebos),
        "placebo_horizon": float(true[0]["horizon"]),
        "same_horizon": float(true[0]["estimate"]),
    }
