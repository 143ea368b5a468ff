"""What all policies share: labels, years and where figures come from, checked when a policy is made."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.dataclasses import dataclass

from reestim.dims import Year
from reestim.equilibrium.placing import Levels
from reestim.errors import InputError, Problem


def _labels(value: Any) -> tuple[str, ...] | str:
    """One label, several, or "all"."""
    names: list[Any] = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else [None]
    if not all(isinstance(name, str) for name in names):
        raise ValueError('It should be a label, a list of labels, or "all"')
    return str(value) if isinstance(value, str) else tuple(map(str, names))


def _years(value: Any) -> Any:
    """Lists and ranges as tuples, which can be hashed; whole numbers of any kind as Python has them."""
    if not isinstance(value, list | tuple | range):
        return value
    return tuple(year.item() if isinstance(year, np.integer) else year for year in value)


Labels = Annotated[tuple[str, ...] | str, PlainValidator(_labels)]
Years = Annotated[tuple[Year, ...], BeforeValidator(_years)]
Name = Annotated[str, Field(min_length=1)]
Tax = Annotated[float, Field(gt=-1, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]

#: A quota in a file may be two figures in tonnes (t REO); the policy has their ratio, ``quantity_change``.
TONNES = ("quota_tonnes", "baseline_tonnes")

STRICT_DATACLASS = ConfigDict(strict=True, extra="forbid")


class _Checked(type):
    """Values outside the bounds of a policy are one :class:`InputError` that lists them all."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False)
        fields: dict[str, dataclasses.Field[Any]] = vars(cls)["__dataclass_fields__"]
        names = [name for name, field in fields.items() if field.init and not field.kw_only]
        problems: list[Problem] = []
        for item in errors:
            name = ".".join(
                names[part] if k == 0 and isinstance(part, int) else f"{part}" for k, part in enumerate(item["loc"])
            )
            advice = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "It should be")
            value = None if item["type"] == "missing" else item.get("input")
            problems.append(Problem(f"{name} of {cls.__name__} does not fit", f"{advice}.", value=value))
        raise InputError(problems, "this policy is not possible")


@dataclass(frozen=True, kw_only=True, config=STRICT_DATACLASS)
class Policy(metaclass=_Checked):
    """What every policy may say.

    Parameters
    ----------
    years
        Years in which it holds; none: always.
    source
        Where its figures come from.
    """

    years: Years = ()
    source: str = dataclasses.field(default="", compare=False, repr=False)

    kind: ClassVar[str]
    restricts: ClassVar[str] = ""  # the field that names the country whose sales abroad it restricts, if it does
    keys_in_files: ClassVar[tuple[str, ...]] = ()  # further keys that its table in a file may have

    def apply(self, levels: Levels) -> None:
        """Write the policy into new levels.

        Parameters
        ----------
        levels
            Levels of the economy, which are written to; what keeps the policy from holding goes to ``levels.problems``.
        """
        raise NotImplementedError
