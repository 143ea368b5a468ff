"""From a prior as the study states it to a PyMC variable with units, and the checks that need no sampling."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from reestim.errors import InputError, Problem
from reestim.io.toml_files import closest
from reestim.study.prior import Prior

#: Where each parameter of the blocks lives, both ends excluded unless the prior is Fixed there (`crowding_out = 0`).
#: A parameter of a model that is not named here may take any value.
SUPPORT: dict[str, tuple[float, float]] = {
    "kappa": (0.0, math.inf),
    "spillover": (0.0, math.inf),
    "crowding_out": (0.0, 1.0),
    "mu": (-math.inf, math.inf),
    "beta": (-math.inf, math.inf),
    "tau": (0.0, math.inf),
    "class_log_odds": (-math.inf, math.inf),
    "using_slope": (-math.inf, math.inf),
    "substituting_slope": (-math.inf, math.inf),
    "confusion": (0.0, 1.0),
    "unit_sd": (0.0, math.inf),
    "year_sd": (0.0, math.inf),
    "concentration": (0.0, math.inf),
    "ree_use_noise": (0.0, math.inf),
    "unit_value_error": (0.0, math.inf),
    "unit_value_spread": (0.0, math.inf),
    "adjustment_rate": (0.0, 1.0),
    "knowledge_growth": (0.0, math.inf),
    "lag_weights": (0.0, 1.0),
    "element_elasticity": (0.0, math.inf),
}


#: Parameters that are shares which sum to one: their prior is a Dirichlet.
SHARES = ("confusion", "lag_weights")


def support(prior: Prior) -> tuple[float, float]:
    """Smallest interval that holds the mass of a prior on a number, (low, high); a Dirichlet's shares are (0, 1)."""
    given = prior.parameters
    match prior.distribution:
        case "HalfNormal" | "LogNormal" | "HalfStudentT" | "Gamma" | "InverseGamma" | "Exponential":
            return 0.0, math.inf
        case "Beta" | "Dirichlet":
            return 0.0, 1.0
        case "Uniform" | "TruncatedNormal":
            return given.get("lower", -math.inf), given.get("upper", math.inf)
        case "Fixed":
            return given["value"], given["value"]
        case _:
            return -math.inf, math.inf


def variable(
    priors: Mapping[str, Prior],
    name: str,
    *,
    long_name: str,
    units: str = "1",
    dims: str | tuple[str, ...] | None = None,
) -> Any:
    """A variable of the model under construction, drawn from ``priors[name]``; dims as in PyMC.

    A ``Fixed`` prior makes a constant that still appears in the posterior. Raises InputError where the prior is missing
    or puts mass outside the support of the parameter.
    """
    prior = checked_prior(priors, name)
    if prior.distribution == "Fixed":
        shape = [len(pm.modelcontext(None).coords[d] or ()) for d in ([dims] if isinstance(dims, str) else dims or [])]
        constant: Any = pt.full(shape, in_float64(prior)["value"])
        return describe(pm.Deterministic(name, constant, dims=dims), long_name, units)
    return describe(getattr(pm, prior.distribution)(name, **in_float64(prior), dims=dims), long_name, units)


def in_float64(prior: Prior) -> dict[str, Any]:
    """Parameters as arrays: PyTensor takes a Python number that float32 holds exactly, such as 0.5, for a float32, and
    its logarithm would be one too."""
    return {name: np.asarray(value, dtype=np.float64) for name, value in prior.parameters.items()}


def checked_prior(priors: Mapping[str, Prior], name: str) -> Prior:
    """The prior on a number, or an InputError: missing, mass outside its support, a Dirichlet."""
    if name not in priors:
        raise InputError(missing(name, priors))
    prior = priors[name]
    problem = outside(name, prior)
    if problem:
        raise InputError(problem)
    return prior


def share_weights(priors: Mapping[str, Prior], name: str, size: int) -> np.ndarray:
    """Weights (size,) of the Dirichlet ``priors[name]``. Raises InputError where it is missing or another kind."""
    if name not in priors:
        raise InputError(missing(name, priors))
    prior = priors[name]
    column = f"priors.{name}"
    if prior.distribution != "Dirichlet":
        raise InputError(Problem("shares need a Dirichlet", "Use Dirichlet with a", column=column))
    weight = np.asarray(prior.parameters["a"], float)
    if weight.ndim and weight.size != size:
        message = f"the Dirichlet has {weight.size} weights for {size} shares"
        raise InputError(Problem(message, "Give one number for all, or one each", column=column))
    return np.broadcast_to(weight, (size,)).copy()


def describe(variable: Any, long_name: str, units: str) -> Any:
    """Remember what a variable is: ``fit`` writes it to the attrs of the posterior. Returns the variable."""
    variable.tag.long_name, variable.tag.units = long_name, units
    return variable


def missing(name: str, priors: Mapping[str, Prior]) -> Problem:
    """The problem that a model asks for a prior that the study does not state."""
    advice = f"Add a table [priors.{name}]. {closest(name, list(priors))}" if priors else f"Add a table [priors.{name}]"
    return Problem("the model needs this prior", advice, column=f"priors.{name}")


#: Fixed at the lower end of its support, such a parameter has no meaning.
_NEVER_ZERO = (
    "kappa",
    "concentration",
    "adjustment_rate",
    "knowledge_growth",
    "element_elasticity",
    "unit_value_spread",
)


def outside(name: str, prior: Prior) -> Problem | None:
    """The problem that a prior reaches where its parameter cannot go, or None."""
    low, high = SUPPORT.get(name, (-math.inf, math.inf))
    from_, to = support(prior)
    inside = low <= from_ and to <= high
    if (prior.distribution == "Dirichlet") != (name in SHARES):
        message = "shares need a Dirichlet" if name in SHARES else "a Dirichlet is a prior on shares"
        return Problem(message, "Choose another distribution", column=f"priors.{name}", value=prior.distribution)
    if prior.distribution == "Fixed" and name in _NEVER_ZERO:
        inside = low < from_  # κ = 0 has no bound 1 + 1/κ: switch direction off in the counterfactual instead
    if inside:
        return None
    kind = {"Normal": "LogNormal or HalfNormal", "StudentT": "HalfStudentT"}.get(prior.distribution, "another prior")
    advice = f"Use {kind}, or bounds inside ({low:g}, {high:g})"
    return Problem(
        f"the prior puts mass outside ({low:g}, {high:g})", advice, column=f"priors.{name}", value=prior.distribution
    )


_STAND_IN = {
    kind: Prior.model_validate(table)
    for kind, table in {
        "real": {"distribution": "Normal", "mu": 0.0, "sigma": 1.0},
        "positive": {"distribution": "HalfNormal", "sigma": 1.0},
        "share": {"distribution": "Beta", "alpha": 1.0, "beta": 1.0},
        "shares": {"distribution": "Dirichlet", "a": 1.0},
    }.items()
}


class PriorBook(Mapping[str, Prior]):
    """The priors of a study, noting which a model asks for: the list of problems after a model is built.

    A prior that is missing or out of its support is replaced by a stand-in, so that building goes on and *all* such
    problems come out together; ``problems`` then is not empty and the model must be thrown away.
    """

    def __init__(self, priors: Mapping[str, Prior]) -> None:
        self._priors = dict(priors)
        self._used: dict[str, None] = {}

    def __getitem__(self, name: str) -> Prior:
        self._used[name] = None
        prior = self._priors.get(name)
        if prior is not None and outside(name, prior) is None:
            return prior
        if name in SHARES:
            return _STAND_IN["shares"]
        low, high = SUPPORT.get(name, (-math.inf, math.inf))
        if high == 1.0:
            return _STAND_IN["share"]
        return _STAND_IN["positive" if low == 0 else "real"]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(self._priors)

    def __len__(self) -> int:
        return len(self._priors)

    def problems(self) -> list[Problem]:
        """Priors that the model asked for and did not find, that leave their support, or that nothing could ask for.

        A prior of a block that is switched off is no problem.
        """
        found = [missing(name, self._priors) for name in self._used if name not in self._priors]
        found += [p for name in self._used if name in self._priors and (p := outside(name, self._priors[name]))]
        free = [name for name in self._used if name not in self._priors]
        for name in self._priors:
            if name not in self._used and name not in SUPPORT:
                advice = f"Remove it, or check its name. {closest(name, free)}" if free else "Remove it"
                found.append(Problem("no part of the model uses this prior", advice, column=f"priors.{name}"))
        return found
