"""Parts of the NumPyro model that are not equations of its own: fast counts, and effects that sum to zero."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from numpyro import distributions as dist
from numpyro.distributions import biject_to, constraints
from numpyro.distributions.transforms import Transform
from scipy import special

from reestim.estimate.count_information import Coordinates, without_sum, zero_sum
from reestim.estimate.patent_counts import log_rising
from reestim.estimate.use_noise import NoiseStructure, correlated, log_density


class DirichletMultinomial(dist.DirichletMultinomial):
    """NumPyro's, with the same density at a fraction of its time (see ``patent_counts.log_rising``)."""

    def log_prob(self, value: Any) -> Any:
        a: Any = self.concentration
        n: Any = self.total_count
        xp: Any = jax.scipy.special if isinstance(value, Tracer) else special  # of data: computed once, here
        arrangements = xp.gammaln(n + 1.0) - xp.gammaln(value + 1.0).sum(axis=-1)
        return arrangements + log_rising(a, value, jnp).sum(axis=-1) - log_rising(a.sum(axis=-1), n, jnp)


class _Reached(constraints.Constraint[Any]):
    """Values that a sampler reaches ``at`` coordinates."""

    def __init__(self, at: Any) -> None:
        self.at = at

    def feasible_like(self, prototype: Any) -> Any:
        return jnp.zeros_like(prototype)

    def tree_flatten(self) -> Any:
        return (self.at,), (("at",), {})


class _Way(Transform[Any]):
    """From what a sampler moves to such values."""

    def __init__(self, at: Any) -> None:
        self.at = at

    def tree_flatten(self) -> Any:
        return (self.at,), (("at",), {})


class _AtCoordinates(_Reached):
    """Effects (class, N) that sum to zero, reached from x (class, N − 1)."""

    event_dim = 2

    def __call__(self, x: Any) -> Any:
        return jnp.abs(x.sum(axis=-1)).max(axis=-1) < 1e-6 * x.shape[-1]


class _ToCoordinates(_Way):
    """effects = `zero_sum` of mean + scale·x, as ``effects.zero_sum_effects`` does in PyMC."""

    @property
    def domain(self) -> Any:
        return constraints.real_matrix

    @property
    def codomain(self) -> Any:
        return constraints.real_matrix

    def __call__(self, x: Any) -> Any:
        return zero_sum(self.at.mean + self.at.scale * x, jnp)

    def _inverse(self, y: Any) -> Any:
        return (without_sum(y) - self.at.mean) / self.at.scale

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        return jnp.log(self.at.scale).sum(axis=(-1, -2))

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] - 1)


@biject_to.register(_AtCoordinates)  # pyright: ignore  (the decorator has no types)
def _(constraint: _AtCoordinates) -> _ToCoordinates:
    return _ToCoordinates(constraint.at)


class ZeroSumEffects(dist.Distribution):
    """Normal effects (class, N) that sum to zero over N, sampled ``at`` coordinates; the twin of
    ``effects.zero_sum_effects``."""

    def __init__(self, spread: Any, at: Coordinates) -> None:
        self.spread, self.at = spread, at
        classes, free = at.scale.shape
        super().__init__(batch_shape=(), event_shape=(classes, free + 1))

    @property
    def support(self) -> constraints.Constraint[Any]:
        return _AtCoordinates(self.at)

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Any:
        values = self.spread[:, None] * jax.random.normal(key, (*sample_shape, *self.event_shape))
        return values - values.mean(axis=-1, keepdims=True)

    def log_prob(self, value: Any, intermediates: Any = None) -> Any:
        del intermediates
        free = without_sum(value)
        return dist.Normal(0.0, self.spread[:, None]).log_prob(free).sum(axis=(-1, -2))


class _Reachable(_Reached):
    """Any vector, reached from another at `SamplingCoordinates`."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return jnp.isfinite(x).all(axis=-1)


class _AtSamplingCoordinates(_Way):
    """v of x, as ``sampling_coordinates.normal_at`` does in PyMC."""

    @property
    def domain(self) -> Any:
        return constraints.real_vector

    @property
    def codomain(self) -> Any:
        return constraints.real_vector

    def __call__(self, x: Any) -> Any:
        return self.at.backward(x, jnp)

    def _inverse(self, y: Any) -> Any:
        return self.at.forward(y, jnp)

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        return self.at.log_slope(x, jnp).sum(axis=-1)


@biject_to.register(_Reachable)  # pyright: ignore  (the decorator has no types)
def _(constraint: _Reachable) -> _AtSamplingCoordinates:
    return _AtSamplingCoordinates(constraint.at)


class NormalAt(dist.Distribution):
    """v (one dim), normal, sampled ``at`` its `SamplingCoordinates`; the twin of ``sampling_coordinates.normal_at``."""

    def __init__(self, at: Any) -> None:
        self.at = at
        super().__init__(batch_shape=(), event_shape=jnp.shape(at.location()))

    @property
    def support(self) -> constraints.Constraint[Any]:
        return _Reachable(self.at)

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Any:
        return self._normal().sample(key, sample_shape)

    def log_prob(self, value: Any, intermediates: Any = None) -> Any:
        del intermediates
        return self._normal().log_prob(value).sum(axis=-1)

    def _normal(self) -> dist.Normal:
        return dist.Normal(self.at.location(), self.at.scale())


class NoisyChanges(dist.Distribution):
    """Changes around a mean with the noise of `use_noise`; the twin of ``use_noise.noisy_changes``.

    A batch, so that each change has its own log density; drawn jointly.
    """

    def __init__(self, mean: Any, known: NoiseStructure, noise: Any, common: Any) -> None:
        self.loc, self.known, self.noise, self.common = mean, known, noise, common
        super().__init__(batch_shape=jnp.shape(mean), event_shape=())

    @property
    def support(self) -> Any:
        return constraints.real

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Any:
        standard = jax.random.normal(key, (*sample_shape, *self.batch_shape))
        draw = jnp.vectorize(lambda z: correlated(self.known, z, self.noise, self.common, jnp), signature="(n)->(n)")
        return self.loc + draw(standard)

    def log_prob(self, value: Any, intermediates: Any = None) -> Any:
        del intermediates
        return log_density(self.known, value - self.loc, self.noise, self.common, jnp)
