"""Parts of the NumPyro model that are not equations of its own: fast counts, and the equilibrium as a prediction."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.core import Tracer
from numpyro.distributions.transforms import ZeroSumTransform
from scipy import special

from reestim.estimate.patent_counts import log_rising


class DirichletMultinomial(dist.DirichletMultinomial):
    """NumPyro's, with the same density at a fraction of its time (see ``patent_counts.log_rising``)."""

    def log_prob(self, value: Any) -> Any:
        a: Any = self.concentration
        n: Any = self.total_count
        xp: Any = jax.scipy.special if isinstance(value, Tracer) else special  # of data: computed once, here
        arrangements = xp.gammaln(n + 1.0) - xp.gammaln(value + 1.0).sum(axis=-1)
        return arrangements + log_rising(a, value, jnp).sum(axis=-1) - log_rising(a.sum(axis=-1), n, jnp)


def zero_sum_normal(scale: Any, size: int) -> dist.Distribution:
    """Normal effects that sum to zero over ``size`` labels, one set for each entry of ``scale``, as PyMC's."""
    base = dist.Normal(0.0, scale[:, None]).expand((scale.shape[0], size - 1)).to_event(1)
    return dist.TransformedDistribution(base, ZeroSumTransform(1))
