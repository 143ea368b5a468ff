"""Draws of some components given others: margins as sampled, dependence that of a normal copula."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri


class NormalCopula:
    """The joint distribution of sampled components: their own margins, and the correlations of their normal scores.

    Correlations are shrunk towards zero by D/(N+D) for D components and N draws: with fewer draws than components the
    sample says less than it seems to.
    """

    def __init__(self, values: Float[np.ndarray, "draw component"]) -> None:
        count, size = values.shape
        self._sorted = np.sort(values, axis=0)
        self._levels = (np.arange(count) + 0.5) / count
        ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
        self.scores: Float[np.ndarray, "draw component"] = ndtri((ranks + 0.5) / count)
        scale = np.sqrt(np.mean(self.scores**2, axis=0))
        correlation = (self.scores / scale).T @ (self.scores / scale) / count
        weight = count / (count + size)
        self.correlation: Float[np.ndarray, "component component"] = weight * correlation + (1 - weight) * np.eye(size)

    def redraw(
        self, draw: int, kept: Bool[np.ndarray, " component"], noise: Float[np.ndarray, " component"]
    ) -> Float[np.ndarray, " component"]:
        """A draw's values of the kept components, and others drawn given them; ``noise`` is standard normal."""
        own, free = np.flatnonzero(kept), np.flatnonzero(~kept)
        r, z = self.correlation, self.scores[draw].copy()
        if free.size:
            weight = (
                np.linalg.solve(r[np.ix_(own, own)], r[np.ix_(own, free)]).T if own.size else np.zeros((free.size, 0))
            )
            left = r[np.ix_(free, free)] - weight @ r[np.ix_(own, free)]
            z[free] = weight @ z[own] + np.linalg.cholesky(left + 1e-12 * np.eye(free.size)) @ noise[free]
        level = ndtr(z)
        return np.array([np.interp(level[k], self._levels, self._sorted[:, k]) for k in range(len(z))])
