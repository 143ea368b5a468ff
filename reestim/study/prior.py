"""A prior as a file states it: a distribution of the closed list below, its parameters, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reestim.wording import closest


class Parameter(NamedTuple):
    """Support of one parameter of a distribution.

    Attributes
    ----------
    low, high
        Ends of the open interval.
    needed
        There is no default.
    many
        A list is allowed.
    """

    low: float = -math.inf
    high: float = math.inf
    needed: bool = True
    many: bool = False


_REAL, _POSITIVE = Parameter(), Parameter(low=0.0)

#: Names and parameters as in PyMC (Dirichlet: ``a`` for every class, ``diagonal`` added where a class meets itself;
#: Fixed: the parameter is known).
DISTRIBUTIONS: dict[str, dict[str, Parameter]] = {
    "Normal": {"mu": _REAL, "sigma": _POSITIVE},
    "HalfNormal": {"sigma": _POSITIVE},
    "LogNormal": {"mu": _REAL, "sigma": _POSITIVE},
    "StudentT": {"nu": _POSITIVE, "mu": _REAL, "sigma": _POSITIVE},
    "HalfStudentT": {"nu": _POSITIVE, "sigma": _POSITIVE},
    "TruncatedNormal": {
        "mu": _REAL,
        "sigma": _POSITIVE,
        "lower": _REAL._replace(needed=False),
        "upper": _REAL._replace(needed=False),
    },
    "Uniform": {"lower": _REAL, "upper": _REAL},
    "Beta": {"alpha": _POSITIVE, "beta": _POSITIVE},
    "Gamma": {"alpha": _POSITIVE, "beta": _POSITIVE},
    "InverseGamma": {"alpha": _POSITIVE, "beta": _POSITIVE},
    "Exponential": {"lam": _POSITIVE},
    "Dirichlet": {"a": _POSITIVE._replace(many=True), "diagonal": _POSITIVE._replace(needed=False)},
    "Fixed": {"value": _REAL},
}


class Prior(BaseModel):
    """A prior on a parameter, as a study states it: a distribution of a closed list, its parameters, and a source.

    Attributes
    ----------
    distribution : str
        Name as in PyMC: Normal, HalfNormal, LogNormal, StudentT, HalfStudentT, TruncatedNormal, Uniform, Beta, Gamma,
        InverseGamma, Exponential; Dirichlet for shares that sum to one; Fixed for a parameter that is known.
    source : str
        Where the prior comes from: a paper, a data set, a stated assumption.
    parameters : dict of str to float
        Its parameters by PyMC's names, in the units of the parameter (of LogNormal, its logarithm). Dirichlet takes
        ``a``, one weight for all or a list, and ``diagonal``, added where a class meets itself; Fixed takes ``value``.

    Raises
    ------
    pydantic.ValidationError
        For an unknown distribution, and for a parameter that is unknown, missing or out of its support. ``read_spec``
        turns it into an InputError.

    Examples
    --------
    >>> import reestim as ree
    >>> kappa = ree.Prior(distribution="LogNormal", mu=0.18, sigma=0.4, source="Acemoglu (2002)")
    >>> kappa.parameters
    {'mu': 0.18, 'sigma': 0.4}
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", frozen=True, strict=True)

    distribution: Literal[
        "Normal",
        "HalfNormal",
        "LogNormal",
        "StudentT",
        "HalfStudentT",
        "TruncatedNormal",
        "Uniform",
        "Beta",
        "Gamma",
        "InverseGamma",
        "Exponential",
        "Dirichlet",
        "Fixed",
    ]
    source: str = Field(default="", description="where the prior comes from: a paper, a data set, a stated assumption")

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of the distribution by name, numbers (or a list of them where the distribution takes one)."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _check(self) -> Prior:
        problems = list(_problems(self.distribution, self.parameters))
        if problems:
            text = "; ".join(f"{f['key']}: {f['message']}" for f in problems)
            raise PydanticCustomError("several", "{text}", {"text": text, "found": problems})
        return self


def _problems(distribution: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    parameters = DISTRIBUTIONS[distribution]
    for key, value in given.items():
        if key not in parameters:
            free = [name for name in (*parameters, "source") if name not in given]
            advice = closest(key, free)
            yield _found(key, f"{distribution} has no such parameter", advice, None)
        else:
            yield from _out_of_support(distribution, key, value, parameters[key])
    for key, parameter in parameters.items():
        if parameter.needed and key not in given:
            yield _found(key, f"this parameter of {distribution} is missing", f"Add {key} = ...", None)
    lower, upper = given.get("lower"), given.get("upper")
    if isinstance(lower, int | float) and isinstance(upper, int | float) and lower >= upper:
        yield _found("lower", "the lower bound is not below the upper one", "Exchange or correct the two.", lower)


def _out_of_support(distribution: str, key: str, value: Any, parameter: Parameter) -> Iterator[dict[str, Any]]:
    values: list[Any] = value if isinstance(value, list) and parameter.many else [value]
    if not values or not all(_is_number(v) for v in values):
        wanted = "a number, or a list of numbers" if parameter.many else "a number"
        yield _found(key, f"this parameter of {distribution} is not {wanted}", f"Give {wanted}, without quotes.", value)
        return
    for v in values:
        if not (_is_finite(v) and parameter.low < v < parameter.high):
            support = "a finite number" if parameter.low == -math.inf else f"a number above {parameter.low:g}"
            yield _found(key, f"this parameter of {distribution} is out of its support", f"It must be {support}.", v)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_finite(value: int | float) -> bool:
    """As float64: a whole number may be too large for it."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _found(key: str, message: str, advice: str, value: Any) -> dict[str, Any]:
    return {"key": key, "message": message, "advice": advice, "value": value}
