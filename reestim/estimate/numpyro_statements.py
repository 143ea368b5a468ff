"""What a NumPyro model file states its variables with: `prior`, `sample`, `deterministic` and `observe`.

`reestim.estimate.numpyro_model` offers them beside the model.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro import distributions as dist  # not "import numpyro.distributions": beside ArviZ that loads it twice

from reestim import technology  # switches JAX to float64  # noqa: F401
from reestim.errors import InputError, Problem
from reestim.estimate.priors import Priors, checked_prior, location_prior
from reestim.estimate.variables import attributes
from reestim.study.prior import Prior

Dims = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Site:
    """What a model notes of a variable: its dims, its attributes, whether it is sampled."""

    dims: tuple[str, ...]
    attrs: dict[str, str]
    free: bool


class Stated(Protocol):
    """A model as far as its statements know it: labels of dims, its variables, what it observes."""

    coords: Mapping[str, Sequence[object]]
    sites: dict[str, Site]
    observed: dict[str, np.ndarray]


#: The model that is being stated, which gives sizes of dims and takes notes of its variables.
MODEL: contextvars.ContextVar[Stated] = contextvars.ContextVar("model")


def prior(priors: Priors, name: str, *, dims: Dims = None, long_name: str = "", units: str = "") -> Any:
    """A variable drawn from the prior of this name; the twin of `reestim.estimate.priors.variable`.

    Parameters
    ----------
    priors, name, dims, long_name, units
        As for `variable`.

    Returns
    -------
    jax.Array
        A ``Fixed`` prior makes a constant that still appears in the posterior.

    Raises
    ------
    InputError
        Where the prior is missing or puts mass outside the support of the parameter.
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
    """x* and a shift with x = x* + shift; the twin of `reestim.estimate.priors.along_ridge`.

    Parameters
    ----------
    priors, name, shift, dims
        As there.

    Returns
    -------
    along, shift
        x* and the shift that is added to it.
    """
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
    """A free variable.

    Parameters
    ----------
    name
        Of the variable.
    distribution
        With the shape of ``dims``.
    dims, long_name, units
        As for `prior`.

    Returns
    -------
    jax.Array
        Its value.
    """
    _note(name, dims, long_name, units, free=True)
    event = len(distribution.batch_shape)
    return numpyro.sample(name, distribution.to_event(event) if event else distribution)


def deterministic(name: str, value: Any, *, dims: Dims = None, long_name: str = "", units: str = "") -> Any:
    """A function of the variables that the posterior keeps.

    Parameters
    ----------
    name, dims, long_name, units
        As for `prior`.
    value
        The array.

    Returns
    -------
    jax.Array
        ``value``.
    """
    _note(name, dims, long_name, units)
    return numpyro.deterministic(name, value)


def observe(
    name: str, distribution: dist.Distribution, values: Any, *, dims: Dims = None, long_name: str = "", units: str = ""
) -> None:
    """A term of the likelihood.

    Parameters
    ----------
    name, dims, long_name, units
        As for `prior`.
    distribution
        Of the data.
    values
        The data.
    """
    _note(name, dims, long_name, units)
    MODEL.get().observed[name] = np.asarray(values)
    event = len(distribution.batch_shape)
    numpyro.sample(name, distribution.to_event(event) if event else distribution, obs=np.asarray(values))


def distribution(stated: Prior) -> dist.Distribution:
    """A prior on a number as a NumPyro distribution.

    Parameters
    ----------
    stated
        With PyMC's parameters.

    Returns
    -------
    numpyro.distributions.Distribution
        The same distribution.

    Raises
    ------
    InputError
        For a prior that is not on a number.
    """
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
    MODEL.get().sites[name] = Site(_names(dims), attributes(name, long_name, units), free)


def _shape(dims: Dims) -> tuple[int, ...]:
    return tuple(len(MODEL.get().coords[d]) for d in _names(dims))


def _names(dims: Dims) -> tuple[str, ...]:
    return (dims,) if isinstance(dims, str) else dims or ()
