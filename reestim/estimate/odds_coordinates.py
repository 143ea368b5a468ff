"""The coordinates in which a sampler sees the elasticities of (14), for any array library.

Pass-through (2) is linear in the odds o = σ_j/(1+1/κ̃−σ_j): m = (κ − o/(1+ξ))/(1+κ̃). Where the evidence bounds m from
below, the density falls in the *log* odds like exp(−e^{2·log odds}): a wall that no step size suits. Where it does not,
the pooled prior has a heavy tail in the odds. The sampler therefore moves x, with odds ln(1+e^{x/2})² to scale: log
odds where they are low, where the pooled prior is round, their root where they are high, which suits both. The density
of the elasticities is not touched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from reestim.numerics.smooth import log_softplus, log_softplus_inverse


class OddsCoordinates(NamedTuple):
    """What the log odds of each sector are made of: shift + v where it is centred, shift + mean + spread·v where not.

    v ~ N(mean, spread²) or N(0, 1) is the variable ``sigma_sampled``.
    """

    centred: Any  # 1 or 0 (sector)
    shift: Any  # along the ridge in κ and ξ (sector)
    mean: Any  # μ less its ridge, + β′z (sector)
    spread: Any  # τ

    def location(self) -> Any:
        """Mean of v (sector)."""
        return self.centred * self.mean

    def scale(self) -> Any:
        """Standard deviation of v (sector)."""
        return self.centred * self.spread + (1 - self.centred)

    def log_odds(self, v: Any) -> Any:
        """Log odds of σ_j within its bound (sector)."""
        return self.shift + self.centred * v + (1 - self.centred) * (self.mean + self.spread * v)

    def forward(self, v: Any, xp: Any) -> Any:
        """x of v: where it is not centred, in standard deviations from the mean."""
        knee, width = self._place(xp)
        place = 2.0 * log_softplus_inverse(0.5 * (self.log_odds(v) - self._raised(knee, xp)), xp)
        return self.centred * place + (1 - self.centred) * (place - knee) / width

    def backward(self, x: Any, xp: Any) -> Any:
        """v of x."""
        knee, _ = self._place(xp)
        log_odds = _log_odds(self._moved(x, xp), xp) + self._raised(knee, xp) - self.shift
        return self.centred * log_odds + (1 - self.centred) * (log_odds - self.mean) / self.spread

    def log_slope(self, x: Any, xp: Any) -> Any:
        """ln dv/dx (sector)."""
        knee, _ = self._place(xp)
        return _log_slope(self._moved(x, xp), xp) - (1 - self.centred) * _log_slope(knee, xp)

    def _place(self, xp: Any) -> tuple[Any, Any]:
        """Where the mean is for `_log_odds`, never above zero, and how wide a standard deviation is there.

        Log odds below the mean stay log odds (in odds, the prior would be steep on that side where the mean is high).
        """
        knee = -xp.logaddexp(0.0, -(self.shift + self.mean))
        return knee, self.spread * xp.exp(-_log_slope(knee, xp))

    def _raised(self, knee: Any, xp: Any) -> Any:
        """What is added to `_log_odds` so that the mean is at the knee; nothing where the sector is centred."""
        return (1 - self.centred) * (self.shift + self.mean - _log_odds(knee, xp))

    def _moved(self, x: Any, xp: Any) -> Any:
        knee, width = self._place(xp)
        return self.centred * x + (1 - self.centred) * (knee + width * x)


def _log_odds(x: Any, xp: Any) -> Any:
    """x where it is far below zero, 2 ln x/2 where it is far above."""
    return 2.0 * log_softplus(0.5 * x, xp)


def _log_slope(x: Any, xp: Any) -> Any:
    """ln of the derivative of `_log_odds`."""
    return -xp.logaddexp(0.0, -0.5 * x) - log_softplus(0.5 * x, xp)
