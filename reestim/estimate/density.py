"""The log density of a posterior on unconstrained vectors, for JAX samplers; of PyMC and NumPyro models alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from reestim.dims import CHAIN, DRAW
from reestim.errors import InputError, Problem

#: How far starting points are spread around the model's own, on the unconstrained scale, as PyMC does.
_JITTER = 1.0
_TRIES = 100
#: Points among which a chain's start is chosen by its density: with few observations one is easily in a corner of the
#: model, far below the rest, that a chain does not find its way out of.
CANDIDATES = 30
#: What keeps every sampler from its first step.
NO_START = Problem(
    "the density is not finite at any starting point",
    "Look for data that the model holds to be impossible, or priors far from them",
)


@dataclass(frozen=True)
class Density:
    """``log_density`` of an unconstrained vector (Jacobians included), ``centre`` a point where it is finite, and
    ``variables``: from the vector to the named variables of the posterior, whose dims and coords follow."""

    log_density: Callable[[Float[Array, " n"]], Float[Array, ""]]
    centre: Float[np.ndarray, " n"]
    variables: Callable[[Float[Array, " n"]], dict[str, Array]]
    dims: Mapping[str, tuple[str, ...]]
    coords: Mapping[str, Sequence[object]]

    @cached_property
    def value_and_gradient(self) -> Callable[[Any], tuple[Array, Array]]:
        """Log density and its gradient, compiled once for all who ask."""
        return jax.jit(jax.value_and_grad(self.log_density))

    @cached_property
    def variables_of_all(self) -> Callable[[Any], dict[str, Array]]:
        """The named variables of many vectors, compiled once."""
        return jax.jit(lambda x: jax.lax.map(self.variables, x, batch_size=min(256, len(x))))

    def starts(self, seed: int, chains: int) -> Float[np.ndarray, "chain n"]:
        """A starting point a chain: the densest of several, each the centre and uniform noise, drawn again where the
        density is not finite, nor its gradient.

        Raises InputError where no such point is found.
        """
        rng = np.random.default_rng(seed)

        def candidate() -> tuple[float, np.ndarray]:
            for spread in np.geomspace(_JITTER, 1e-3, _TRIES):
                point = self.centre + spread * rng.uniform(-1, 1, self.centre.size)
                value, gradient = self.value_and_gradient(point)
                if np.isfinite(value) and np.isfinite(gradient).all():
                    return float(value), point
            raise InputError(NO_START, "the model cannot be sampled")

        def start() -> np.ndarray:
            return max((candidate() for _ in range(CANDIDATES)), key=lambda one: one[0])[1]

        return np.stack([start() for _ in range(chains)])

    def posterior(self, draws: Float[Array | np.ndarray, "chain draw n"]) -> xr.Dataset:
        """The named variables at every draw."""
        chains, count = draws.shape[:2]
        variables = self.variables_of_all(draws.reshape(chains * count, -1))
        data = {
            name: ((CHAIN, DRAW, *self.dims[name]), np.asarray(value).reshape(chains, count, *value.shape[1:]))
            for name, value in variables.items()
        }
        used = {d for dims in self.dims.values() for d in dims}
        coords = {d: list(self.coords[d]) for d in used if d in self.coords}
        return xr.Dataset(data, coords={CHAIN: range(chains), DRAW: range(count), **coords})
