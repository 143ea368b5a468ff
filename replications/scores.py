"""Scores of a forecast that is an ensemble of draws, and of one that says that nothing changes; all are losses."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from reestim.intervals import LEVEL


def crps(draws: npt.NDArray[np.float64], observed: float) -> float:
    """Continuous ranked probability score of an ensemble, E|X − y| − E|X − X'|/2, in the unit of what is observed.

    Of one draw it is the absolute error.
    """
    ordered = np.sort(draws)
    n = len(ordered)
    weights = 2 * np.arange(1, n + 1) - n - 1  # Σᵢⱼ|xᵢ − xⱼ| = 2 Σᵢ (2i − n − 1) x₍ᵢ₎
    return float(np.abs(ordered - observed).mean() - (weights @ ordered) / n**2)


def crps_of_normal(mean: float, sd: float, observed: float) -> float:
    """The same of a normal distribution, in closed form; with ``sd`` 0 the absolute error."""
    if sd == 0:
        return abs(observed - mean)
    z = (observed - mean) / sd
    density, below = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi), 0.5 * (1 + math.erf(z / math.sqrt(2)))
    return sd * (z * (2 * below - 1) + 2 * density - 1 / math.sqrt(math.pi))


def interval_score(low: float, high: float, observed: float, level: float = LEVEL) -> float:
    """Width of the interval, and 2/(1 − level) times as much as ``observed`` lies outside (Gneiting and Raftery)."""
    outside = max(low - observed, 0.0) + max(observed - high, 0.0)
    return high - low + 2 / (1 - level) * outside
