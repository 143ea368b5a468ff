"""A model written in NumPyro, with the labels of its arrays: what `ree.build` returns for a NumPyro model file.

A model file defines ``build(data, priors)`` and returns ``NumpyroModel(function, coords)``. The function takes no
argument and states the joint distribution with `prior`, `sample`, `deterministic` and `observe`, each with its dims.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import xarray as xr
from jax.flatten_util import ravel_pytree
from numpyro import handlers
from numpyro.distributions import biject_to
from numpyro.infer import Predictive
from numpyro.infer.util import constrain_fn, potential_energy

from reestim import technology  # switches JAX to float64  # noqa: F401
from reestim.dims import CHAIN, DRAW
from reestim.errors import InputError, Problem
from reestim.estimate.density import Density
from reestim.estimate.model import LogTerms, Study
from reestim.estimate.priors import Priors, checked_prior, location_prior
from reestim.estimate.variables import attributes
from reestim.study.prior import Prior

Dims = str | tuple[str, ...] | None


@dataclass(frozen=True)
class _Site:
    dims: tuple[str, ...]
    attrs: dict[str, str]
    free: bool


#: The model that is being stated, which gives sizes of dims and takes notes of its variables.
_MODEL: contextvars.ContextVar[NumpyroModel] = contextvars.ContextVar("model")


@dataclass(eq=False)
class NumpyroModel:
    """A NumPyro model and the labels of its dims; building it runs the function once, to learn what it states.

    It is its own adapter, see `reestim.estimate.model.EstimationModel`. ``study``: what `reestim.build` made it from.
    """

    function: Callable[[], None]
    coords: Mapping[str, Sequence[object]]
    study: Study | None = None
    sites: dict[str, _Site] = field(init=False, repr=False, default_factory=dict)
    observed: dict[str, np.ndarray] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._unconstrained_shapes()

    def __call__(self) -> None:
        """State the joint distribution: what NumPyro's own functions take as the model."""
        token = _MODEL.set(self)
        try:
            self.function()
        finally:
            _MODEL.reset(token)

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
        """Prior means of variables that are shares, on the unconstrained scale. A sampler that begins at even shares
        may take a row of Π for another, and end in a mode where labels have swapped roles."""
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
            trace = handlers.trace(handlers.substitute(self, values)).get_trace()
            out = {}
            for name in names:
                site = trace[name]
                each = site["fn"].base_dist if type(site["fn"]).__name__ == "Independent" else site["fn"]
                out[name] = each.log_prob(site["value"])
            return out

        return terms

    def _labels(self, data: Mapping[str, tuple[Any, ...]]) -> dict[str, list[object]]:
        return {d: list(self.coords[d]) for v in data.values() for d in v[0] if d in self.coords}


def prior(priors: Priors, name: str, *, dims: Dims = None, long_name: str = "", units: str = "") -> Any:
    """A variable drawn from the prior of this name; the twin of `reestim.estimate.priors.variable`.

    A ``Fixed`` prior makes a constant that still appears in the posterior. Raises InputError where the prior is missing
    or puts mass outside the support of the parameter.
    """
    stated = checked_prior(priors, name)
    shape = _shape(dims)
    if stated.distribution == "Fixed":
        return deterministic(
            name, jnp.full(shape, stated.parameters["value"]), dims=dims, long_name=long_name, units=units
        )
    base = distribution(stated)
    return sample(name, base.expand(shape) if shape else base, dims=dims, long_name=long_name, units=units)


def along_ridge(priors: Priors, name: str, shift: Any, *, dims: Dims = None) -> tuple[Any, Any]:
    """(x*, shift) with x = x* + shift and x with exactly its stated prior; the twin of
    `reestim.estimate.priors.along_ridge`."""
    location = location_prior(priors, name)
    if location is None:
        return prior(priors, name, dims=dims), 0.0
    shape = _shape(dims)
    base = distribution(location.model_copy(update={"mu": location.parameters["mu"] - shift}))
    along = sample(f"{name}_along_ridge", base.expand(shape) if shape else base, dims=dims)
    deterministic(name, along + shift, dims=dims)
    return along, shift


def sample(
    name: str, distribution: dist.Distribution, *, dims: Dims = None, long_name: str = "", units: str = ""
) -> Any:
    """A free variable with its dims."""
    _note(name, dims, long_name, units, free=True)
    event = len(distribution.batch_shape)
    return numpyro.sample(name, distribution.to_event(event) if event else distribution)


def deterministic(name: str, value: Any, *, dims: Dims = None, long_name: str = "", units: str = "") -> Any:
    """A function of the variables that the posterior keeps."""
    _note(name, dims, long_name, units)
    return numpyro.deterministic(name, value)


def observe(
    name: str, distribution: dist.Distribution, values: Any, *, dims: Dims = None, long_name: str = "", units: str = ""
) -> None:
    """A term of the likelihood."""
    _note(name, dims, long_name, units)
    _MODEL.get().observed[name] = np.asarray(values)
    event = len(distribution.batch_shape)
    numpyro.sample(name, distribution.to_event(event) if event else distribution, obs=np.asarray(values))


def distribution(stated: Prior) -> dist.Distribution:
    """A prior on a number as a NumPyro distribution, with PyMC's parameters."""
    parameters = stated.parameters
    if stated.distribution == "HalfStudentT":
        return dist.FoldedDistribution(dist.StudentT(parameters["nu"], 0.0, parameters["sigma"]))
    if stated.distribution == "TruncatedNormal":
        bounds = {mine: parameters[name] for mine, name in (("low", "lower"), ("high", "upper")) if name in parameters}
        return dist.TruncatedNormal(parameters["mu"], parameters["sigma"], **bounds)
    if stated.distribution not in _DISTRIBUTIONS:
        raise InputError(Problem(f"{stated.distribution} is no prior on a number", "Choose another distribution"))
    kind, names = _DISTRIBUTIONS[stated.distribution]
    return kind(*(parameters[name] for name in names))


#: NumPyro's distributions, and PyMC's names of their arguments in NumPyro's order.
_DISTRIBUTIONS: dict[str, tuple[Callable[..., dist.Distribution], tuple[str, ...]]] = {
    "Normal": (dist.Normal, ("mu", "sigma")),
    "HalfNormal": (dist.HalfNormal, ("sigma",)),
    "LogNormal": (dist.LogNormal, ("mu", "sigma")),
    "StudentT": (dist.StudentT, ("nu", "mu", "sigma")),
    "Uniform": (dist.Uniform, ("lower", "upper")),
    "Beta": (dist.Beta, ("alpha", "beta")),
    "Gamma": (dist.Gamma, ("alpha", "beta")),
    "InverseGamma": (dist.InverseGamma, ("alpha", "beta")),
    "Exponential": (dist.Exponential, ("lam",)),
}


def _note(name: str, dims: Dims, long_name: str, units: str, *, free: bool = False) -> None:
    _MODEL.get().sites[name] = _Site(_names(dims), attributes(name, long_name, units), free)


def _shape(dims: Dims) -> tuple[int, ...]:
    return tuple(len(_MODEL.get().coords[d]) for d in _names(dims))


def _names(dims: Dims) -> tuple[str, ...]:
    return (dims,) if isinstance(dims, str) else dims or ()
