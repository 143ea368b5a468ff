"""Rows of the tables of an event study: effects with intervals, their mean after the policy, pre-trends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

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


def pretrend_test(path: EffectPath, reference: int) -> dict[str, float]:
    """Joint Wald test that all effects before the reference are zero: F = W/K on (K, G − 1) degrees of freedom, χ²
    where the number of clusters is not known; missing where there are no such effects or fewer clusters than needed."""
    before = [k for k, (_, last) in enumerate(path.windows) if last < reference]
    size, out = len(before), {"pretrend_effects": float(len(before)), "pretrend_f": np.nan, "pretrend_p_value": np.nan}
    inside = path.covariance[np.ix_(before, before)]
    if not size or (path.n_clusters and path.n_clusters <= size) or np.linalg.matrix_rank(inside) < size:
        return out
    b = path.estimate[before]
    f = float(b @ np.linalg.solve(inside, b)) / size
    p = stats.f.sf(f, size, path.n_clusters - 1) if path.n_clusters else stats.chi2.sf(f * size, size)
    return out | {"pretrend_f": f, "pretrend_p_value": float(p)}


def summary_row(path: EffectPath, posterior: PathPosterior | None, reference: int) -> dict[str, Any]:
    """Mean over all years from the policy on, the test of pre-trends, and what it rests on."""
    weights = post_policy_weights(path.windows)
    if weights.any():
        mean, error = float(weights @ path.estimate), float(np.sqrt(weights @ path.covariance @ weights))
        average = interval(mean, error, path.n_clusters) | bayesian(posterior, weights)
        distribution: Any = stats.t(path.n_clusters - 1) if path.n_clusters > 1 else stats.norm()
        average["p_value"] = float(2 * distribution.sf(abs(mean) / error))
    else:
        average = dict.fromkeys(("estimate", "std_error", "low", "high", *_BAYESIAN, "p_value"), float("nan"))
    last = max((b for a, b in path.windows if a >= 0), default=-1)
    return (
        average
        | pretrend_test(path, reference)
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
