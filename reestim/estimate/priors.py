"""From a prior as the study states it to a PyMC variable with units, and the checks that need no sampling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from reestim.editions import GONE, gone_prior
from reestim.errors import InputError, Problem
from reestim.estimate.variables import parameters, support_of
from reestim.study.prior import Prior
from reestim.wording import closest


@runtime_checkable
class Priors(Protocol):
    """Priors by name: those of a study (a dict), or a `PriorBook` that takes notes."""

    def get(self, name: str, /) -> Prior | None:
        """The prior of a parameter, None where there is none."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Names of the parameters whose prior is stated."""
        ...


def support(prior: Prior) -> tuple[float, float]:
    """Smallest interval that holds the mass of a prior.

    Parameters
    ----------
    prior
        On a number; a Dirichlet's shares are in (0, 1).

    Returns
    -------
    low, high : float
        Ends of the interval.

    Examples
    --------
    >>> from reestim.estimate.priors import support
    >>> support(ree.Prior(distribution="HalfNormal", sigma=1.0))
    (0.0, inf)
    """
    parameters = prior.parameters
    match prior.distribution:
        case "HalfNormal" | "LogNormal" | "HalfStudentT" | "Gamma" | "InverseGamma" | "Exponential":
            return 0.0, math.inf
        case "Beta" | "Dirichlet":
            return 0.0, 1.0
        case "Uniform" | "TruncatedNormal":
            return parameters.get("lower", -math.inf), parameters.get("upper", math.inf)
        case "Fixed":
            return parameters["value"], parameters["value"]
        case _:
            return -math.inf, math.inf


def variable(
    priors: Priors,
    name: str,
    *,
    dims: str | tuple[str, ...] | None = None,
    long_name: str = "",
    units: str = "",
) -> Any:
    """A variable of the PyMC model under construction, drawn from the prior of this name.

    Parameters
    ----------
    priors
        Priors by name.
    name
        Of the parameter and of the variable.
    dims
        As in PyMC.
    long_name, units
        For a variable that `reestim.estimate.variables` does not have.

    Returns
    -------
    TensorVariable
        A ``Fixed`` prior makes a constant that still appears in the posterior.

    Raises
    ------
    InputError
        Where the prior is missing or puts mass outside the support of the parameter.

    Examples
    --------
    >>> import pymc as pm
    >>> from reestim.estimate.priors import variable
    >>> with pm.Model() as model:
    ...     kappa = variable({"kappa": ree.Prior(distribution="LogNormal", mu=0.2, sigma=0.4)}, "kappa")
    >>> [one.name for one in model.free_RVs]
    ['kappa']
    """
    prior = checked_prior(priors, name)
    if prior.distribution == "Fixed":
        shape = [len(pm.modelcontext(None).coords[d] or ()) for d in ([dims] if isinstance(dims, str) else dims or [])]
        constant: Any = pt.full(shape, in_float64(prior)["value"])
        made: Any = pm.Deterministic(name, constant, dims=dims)
    else:
        made = getattr(pm, prior.distribution)(name, **in_float64(prior), dims=dims)
    return set_units(made, long_name, units) if long_name or units else made


def along_ridge(priors: Priors, name: str, shift: Any, *, dims: str | None = None) -> tuple[Any, Any]:
    """A variable x with exactly its stated prior, sampled as x* with x = x* + shift.

    Where evidence ties x to ``shift`` and leaves both open, sampling x* (``<name>_along_ridge``) instead of x
    straightens the ridge. In a location family x* is drawn around the stated mean less the shift; for another prior the
    shift is zero.

    Parameters
    ----------
    priors, name, dims
        As for `variable`.
    shift
        What x is tied to.

    Returns
    -------
    along, shift
        x* and the shift that is added to it.
    """
    prior = location_prior(priors, name)
    if prior is None:
        return variable(priors, name, dims=dims), 0.0
    parameters = {**in_float64(prior), "mu": prior.parameters["mu"] - shift}
    along = getattr(pm, prior.distribution)(f"{name}_along_ridge", **parameters, dims=dims)
    pm.Deterministic(name, along + shift, dims=dims)
    return along, shift


def location_prior(priors: Priors, name: str) -> Prior | None:
    """The prior of a parameter if it is of a location family (Normal, StudentT), else None."""
    prior = priors.get(name)
    return prior if prior is not None and prior.distribution in ("Normal", "StudentT") else None


def in_float64(prior: Prior) -> dict[str, Any]:
    """Parameters of a prior as arrays.

    PyTensor takes a Python number that float32 holds exactly, such as 0.5, for a float32, and its logarithm would be
    one too.
    """
    return {name: np.asarray(value, dtype=np.float64) for name, value in prior.parameters.items()}


def checked_prior(priors: Priors, name: str) -> Prior:
    """The prior on a number, or an InputError: missing, mass outside its support, a Dirichlet."""
    prior = priors.get(name)
    if prior is None:
        raise InputError(missing(name, priors))
    problem = outside(name, prior)
    if problem:
        raise InputError(problem)
    return prior


def share_weights(priors: Priors, name: str, size: int) -> np.ndarray:
    """Weights of a Dirichlet prior.

    Parameters
    ----------
    priors, name
        As for `variable`.
    size
        Number of shares.

    Returns
    -------
    numpy.ndarray
        (size,).

    Raises
    ------
    InputError
        Where the prior is missing, of another kind or size.
    """
    prior = priors.get(name)
    if prior is None:
        raise InputError(missing(name, priors))
    column = f"priors.{name}"
    if prior.distribution != "Dirichlet":
        raise InputError(Problem("shares need a Dirichlet", "Use Dirichlet with a", column=column))
    weight = np.asarray(prior.parameters["a"], float)
    if weight.ndim and weight.size != size:
        message = f"the Dirichlet has {weight.size} weights for {size} shares"
        raise InputError(Problem(message, "Give one number for all, or one each", column=column))
    return np.broadcast_to(weight, (size,)).copy()


def set_units(variable: Any, long_name: str, units: str) -> Any:
    """Say what a variable is that `reestim.estimate.variables` does not have. Returns the variable.

    ``fit`` writes it to the attrs of the posterior.
    """
    variable.tag.long_name, variable.tag.units = long_name, units
    return variable


def missing(name: str, stated: Iterable[str]) -> Problem:
    """The problem that a model asks for a prior that the study does not state."""
    names = list(stated)
    advice = f"Add a table [priors.{name}]. {closest(name, names)}" if names else f"Add a table [priors.{name}]"
    return Problem("the model needs this prior", advice, column=f"priors.{name}")


def outside(name: str, prior: Prior) -> Problem | None:
    """The problem that a prior reaches where its parameter cannot go, or None."""
    place = support_of(name)
    if (prior.distribution == "Dirichlet") != place.shares:
        message = "shares need a Dirichlet" if place.shares else "a Dirichlet is a prior on shares"
        return Problem(message, "Choose another distribution", column=f"priors.{name}", value=prior.distribution)
    from_, to = support(prior)
    inside = place.low <= from_ and to <= place.high
    if prior.distribution == "Fixed" and not place.with_low:
        inside = place.low < from_  # κ = 0 has no bound 1 + 1/κ: switch direction off in the counterfactual instead
    if inside:
        return None
    kind = {"Normal": "LogNormal or HalfNormal", "StudentT": "HalfStudentT"}.get(prior.distribution, "another prior")
    advice = f"Use {kind}, or bounds inside ({place.low:g}, {place.high:g})"
    message = f"the prior puts mass outside ({place.low:g}, {place.high:g})"
    return Problem(message, advice, column=f"priors.{name}", value=prior.distribution)


_STAND_IN = {
    kind: Prior.model_validate(table)
    for kind, table in {
        "real": {"distribution": "Normal", "mu": 0.0, "sigma": 1.0},
        "positive": {"distribution": "HalfNormal", "sigma": 1.0},
        "share": {"distribution": "Beta", "alpha": 1.0, "beta": 1.0},
        "shares": {"distribution": "Dirichlet", "a": 1.0},
    }.items()
}


class PriorBook:
    """The priors of a study, noting which a model asks for: the list of problems after a model is built.

    `get` answers a prior that is missing or out of its support with a stand-in, so that building goes on and *all* such
    problems come out together; ``problems`` then is not empty and the model must be thrown away.
    """

    def __init__(self, priors: Mapping[str, Prior]) -> None:
        self._priors = dict(priors)
        self._used: dict[str, None] = {}

    def get(self, name: str, /) -> Prior:
        """The stated prior, or a stand-in; either way the model is noted to use it."""
        self._used[name] = None
        prior = self._priors.get(name)
        if prior is not None and outside(name, prior) is None:
            return prior
        support = support_of(name)
        if support.high == 1.0:
            return _STAND_IN["shares" if support.shares else "share"]
        return _STAND_IN["positive" if support.low == 0 else "real"]

    def __iter__(self) -> Iterator[str]:
        return iter(self._priors)

    def problems(self) -> list[Problem]:
        """Priors that the model asked for and did not find, that leave their support, or that nothing could ask for.

        A prior of a block that is switched off is no problem.
        """
        problems = [missing(name, self._priors) for name in self._used if name not in self._priors]
        problems += [p for name in self._used if name in self._priors and (p := outside(name, self._priors[name]))]
        free, every_parameter = [name for name in self._used if name not in self._priors], parameters()
        for name in self._priors:
            if name not in self._used and name not in every_parameter:
                if name in GONE:
                    problems.append(gone_prior(name))
                    continue
                advice = f"Remove it, or check its name. {closest(name, free)}" if free else "Remove it"
                problems.append(Problem("no part of the model uses this prior", advice, column=f"priors.{name}"))
        return problems
