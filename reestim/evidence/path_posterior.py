"""A Bayesian path beside the frequentist one: the same estimates and covariance, and a prior that effects move slowly.

    β̂ ~ N(β, V̂),    β_k − β_{k∓1} ~ N(0, τ²) away from the reference, where β = 0    (``random_walk``, the default)
                      β_k ~ N(0, τ²)                                                  (``independent``)
    τ ~ half-normal(``scale``)

Given τ everything is normal; τ is integrated over a grid. So the posterior is a mixture of normals in closed form: no
sampling, no seed, and any weighted mean of effects has its interval without draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr

from reestim.errors import InputError, Problem
from reestim.intervals import ends

RANDOM_WALK, INDEPENDENT = "random_walk", "independent"
PRIORS = (RANDOM_WALK, INDEPENDENT)
#: Scale of τ: two log points a year for one standard deviation of exposure. Published effects are some tenths of a
#: log point a year (data/README.md), so it leaves room for ten times that and still shrinks noise.
SCALE = 0.02
_GRID = np.geomspace(1e-3, 5.0, 60)  # τ in units of the scale


@dataclass(frozen=True)
class PathPosterior:
    """Mixture of normals over the grid of τ. ``weight`` sums to 1."""

    weight: Float[np.ndarray, " tau"]
    mean: Float[np.ndarray, "tau effect"]
    covariance: Float[np.ndarray, "tau effect effect"]
    tau: Float[np.ndarray, " tau"]

    def of(self, combination: Float[np.ndarray, " effect"], level: float) -> tuple[float, float, float, float]:
        """Median, low and high end of the equal-tailed interval, and P(> 0) of a linear combination of effects."""
        center = self.mean @ combination
        spread = np.sqrt(np.einsum("i,tij,j->t", combination, self.covariance, combination))
        median, low, high = (self._quantile(center, spread, p) for p in (0.5, *ends(level)))
        return median, low, high, float(self.weight @ ndtr(center / spread))

    def _quantile(self, center: np.ndarray, spread: np.ndarray, p: float) -> float:
        """The value that the combination is below with probability ``p``."""
        low, high = float((center - 12 * spread).min()), float((center + 12 * spread).max())
        root: Any = brentq(lambda x: float(self.weight @ ndtr((x - center) / spread)) - p, low, high, xtol=1e-15)
        return float(root)


def path_posterior(
    estimate: Float[np.ndarray, " effect"],
    covariance: Float[np.ndarray, "effect effect"],
    windows: Sequence[tuple[int, int]],
    *,
    reference: int = -1,
    prior: str = RANDOM_WALK,
    scale: float = SCALE,
) -> PathPosterior:
    """Posterior of effects at ``windows`` (first and last event time; an effect over several years is their mean).

    Raises InputError for an unknown prior, a scale that is not positive, or a covariance that is not positive definite.
    """
    problems = []
    if prior not in PRIORS:
        problems.append(Problem("unknown prior of the path", f"Use {' or '.join(PRIORS)}", value=prior))
    if not (np.isfinite(scale) and scale > 0):
        advice = "Give log points a year above 0, for example 0.02"
        problems.append(Problem("the prior needs a scale above 0", advice, value=scale))
    v = np.asarray(covariance, float)
    if not np.isfinite(v).all() or np.linalg.eigvalsh(v)[0] <= 0:
        problems.append(Problem("the covariance is not positive definite", "Use wider event windows"))
    if problems:
        raise InputError(problems, "the path has no posterior")
    unit = _prior_covariance(windows, reference, prior)
    tau = scale * _GRID
    log_weight, means, covariances = [], [], []
    for t in tau:
        k = t**2 * unit
        gain = np.linalg.solve(k + v, k).T  # K (K + V)⁻¹
        means.append(gain @ estimate)
        posterior = k - gain @ k
        covariances.append((posterior + posterior.T) / 2)
        _, log_det = np.linalg.slogdet(k + v)
        evidence = -0.5 * (estimate @ np.linalg.solve(k + v, estimate) + log_det)
        log_weight.append(evidence - 0.5 * (t / scale) ** 2 + np.log(t))  # the grid is even in ln τ
    weight = np.exp(np.array(log_weight) - logsumexp(log_weight))
    return PathPosterior(weight, np.array(means), np.array(covariances), tau)


def _prior_covariance(windows: Sequence[tuple[int, int]], reference: int, prior: str) -> np.ndarray:
    """Covariance of the effects for τ = 1."""
    years = list(range(min(a for a, _ in windows), max(b for _, b in windows) + 1))
    mean = np.array([[(a <= y <= b) / (b - a + 1) for y in years] for a, b in windows])
    away = np.array(years) - reference
    if prior == INDEPENDENT:
        by_year = np.diag((away != 0).astype(float))
    else:  # two walks that leave the reference in opposite directions
        same_side = np.sign(away)[:, None] == np.sign(away)[None, :]
        by_year = np.where(same_side, np.minimum(np.abs(away)[:, None], np.abs(away)[None, :]), 0.0)
    return mean @ by_year @ mean.T
