"""A model written in NumPyro, with the labels of its arrays: what `ree.build` returns for a NumPyro model file.

A model file defines ``build(data, priors)`` and returns ``NumpyroModel(function, coords)``. The function takes no
argument and states the joint distribution with `prior`, `sample`, `deterministic` and `observe`, each with its dims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from numpyro import distributions as dist
from numpyro import handlers
from numpyro.distributions import biject_to
from numpyro.infer import Predictive
from numpyro.infer.util import constrain_fn, potential_energy

from reestim import technology  # switches JAX to float64  # noqa: F401
from reestim.dims import CHAIN, DRAW
from reestim.estimate.density import Density
from reestim.estimate.model import LogTerms, Study
from reestim.estimate.numpyro_statements import MODEL, Site, along_ridge, deterministic, observe, prior, sample

__all__ = ["NumpyroModel", "along_ridge", "deterministic", "observe", "prior", "sample"]


@dataclass(eq=False)
class NumpyroModel:
    """A NumPyro model and the labels of its dims; building it runs the function once, to learn what it states.

    It is its own adapter, see `reestim.estimate.model.EstimationModel`.

    Parameters
    ----------
    function
        States the joint distribution with `prior`, `sample`, `deterministic` and `observe`.
    coords
        Labels by dim.
    study
        What `reestim.build` made it from.

    Examples
    --------
    >>> from numpyro import distributions as dist
    >>> from reestim.estimate.numpyro_model import NumpyroModel, observe, sample
    >>> def function():
    ...     mean = sample("mean", dist.Normal(0.0, 1.0))
    ...     observe("seen", dist.Normal(mean, 1.0).expand((2,)), [0.5, 1.0], dims="observation")
    >>> model = NumpyroModel(function, {"observation": ["a", "b"]})
    >>> model.free, model.dims["seen"]
    (('mean',), ('observation',))
    """

    function: Callable[[], None]
    coords: Mapping[str, Sequence[object]]
    study: Study | None = None
    sites: dict[str, Site] = field(init=False, repr=False, default_factory=dict)
    observed: dict[str, np.ndarray] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._unconstrained_shapes()

    def __call__(self) -> None:
        """State the joint distribution: what NumPyro's own functions take as the model."""
        token = MODEL.set(self)
        try:
            self.function()
        finally:
            MODEL.reset(token)

    @property
    def language(self) -> str:
        """``numpyro``."""
        return "numpyro"

    @property
    def pymc(self) -> None:
        """It is no PyMC model."""
        return

    @property
    def about(self) -> dict[str, dict[str, str]]:
        """long_name and units of each variable."""
        return {name: site.attrs for name, site in self.sites.items()}

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Dims of each variable."""
        return {name: site.dims for name, site in self.sites.items()}

    @property
    def free(self) -> tuple[str, ...]:
        """Names of what is sampled."""
        return tuple(name for name, site in self.sites.items() if site.free)

    def density(self) -> Density:
        """The joint density on the unconstrained scale, and the way back to the named variables.

        Where the model's density is not a number (an equilibrium that was not found) it is zero, so that samplers count
        a trajectory that leads there as divergent, and never keep it. Made once: what is compiled for it is kept.
        """
        return self._density

    @cached_property
    def _density(self) -> Density:
        start = {name: jnp.zeros(s.shape) for name, s in self._unconstrained_shapes().items()}
        centre, unravel = ravel_pytree(start | self._mean_shares())
        wanted = [name for name in self.sites if name not in self.observed]

        def variables(x: Any) -> dict[str, Any]:
            everything = constrain_fn(self, (), {}, unravel(x), return_deterministic=True)
            return {name: everything[name] for name in wanted}

        def log_density(x: Any) -> Any:
            value = jnp.negative(potential_energy(self, (), {}, unravel(x)))
            return jnp.where(jnp.isnan(value), -jnp.inf, value)

        return Density(
            log_density=log_density,
            centre=np.asarray(centre),
            variables=variables,
            dims={name: self.sites[name].dims for name in wanted},
            coords=self.coords,
        )

    def _mean_shares(self) -> dict[str, Any]:
        """Prior means of variables that are shares, on the unconstrained scale.

        A sampler that begins at even shares may take a row of Π for another, and end in a mode where labels have
        swapped roles.
        """
        trace = handlers.trace(handlers.seed(self, jax.random.key(0))).get_trace()
        drawn = {name: trace[name]["fn"] for name in self.free}
        shares = {n: fn for n, fn in drawn.items() if isinstance(getattr(fn, "base_dist", fn), dist.Dirichlet)}
        return {name: biject_to(fn.support).inv(fn.mean) for name, fn in shares.items()}

    def _unconstrained_shapes(self) -> dict[str, Any]:
        """Shape of each free variable on the unconstrained scale; runs the function abstractly, computing nothing."""

        def traced(key: Any) -> dict[str, Any]:
            trace = handlers.trace(handlers.seed(self, key)).get_trace()
            return {n: biject_to(trace[n]["fn"].support).inv(trace[n]["value"]) for n in self.free}

        return jax.eval_shape(traced, jax.random.key(0))

    def prior(self, draws: int, seed: int) -> xr.Dataset:
        """Draws of the parameters from their prior, one chain."""
        predictive = Predictive(handlers.block(self, hide=list(self.observed)), num_samples=draws)
        simulated = predictive(jax.random.key(seed))
        data = {
            n: ((CHAIN, DRAW, *s.dims), np.asarray(simulated[n])[None]) for n, s in self.sites.items() if n in simulated
        }
        return xr.Dataset(data, coords={CHAIN: [0], DRAW: range(draws), **self._labels(data)})

    def simulated(self, parameters: xr.Dataset, seed: int) -> xr.Dataset:
        """What is observed, drawn anew at each draw (chain, draw) of the parameters."""
        lead = parameters[list(self.free)].transpose(CHAIN, DRAW, ...)
        values = {name: jnp.asarray(lead[name].values) for name in self.free}
        predictive = Predictive(handlers.uncondition(self), values, batch_ndims=2, return_sites=list(self.observed))
        simulated = predictive(jax.random.key(seed))
        data = {n: ((CHAIN, DRAW, *self.sites[n].dims), np.asarray(simulated[n])) for n in self.observed}
        shared = {name: parameters[name].values for name in (CHAIN, DRAW) if name in parameters.coords}
        return xr.Dataset(data, coords=self._labels(data) | shared)

    def observed_data(self) -> xr.Dataset:
        """What the likelihood conditions on."""
        data = {name: (self.sites[name].dims, value, self.about[name]) for name, value in self.observed.items()}
        return xr.Dataset(data, coords=self._labels(data))

    def log_terms(self, names: Sequence[str]) -> LogTerms:
        """Log density of each of these variables given the others, priors as stated, without Jacobians."""

        def terms(values: dict[str, Any]) -> dict[str, Any]:
            free = {name: value for name, value in values.items() if name not in self.observed}
            trace = handlers.trace(handlers.substitute(self, free)).get_trace()
            out = {}
            for name in names:
                site = trace[name]
                each = site["fn"].base_dist if type(site["fn"]).__name__ == "Independent" else site["fn"]
                out[name] = each.log_prob(values.get(name, site["value"]))
            return out

        return terms

    def _labels(self, data: Mapping[str, tuple[Any, ...]]) -> dict[str, list[object]]:
        return {d: list(self.coords[d]) for v in data.values() for d in v[0] if d in self.coords}
