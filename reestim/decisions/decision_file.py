"""Decision files: objective, scenario and instruments in TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, create_model
from pydantic_core import PydanticCustomError

from reestim.decisions.instruments import COST_BEGINS, Instrument
from reestim.decisions.objective import Objective
from reestim.equilibrium.policies import POLICIES
from reestim.equilibrium.policy import Policy
from reestim.equilibrium.scenario import Scenario
from reestim.errors import InputError, Problem
from reestim.io.toml_files import find_file, parse, read_text, validate
from reestim.study.scenario_file import policy_of, read_scenario
from reestim.study.settings import STRICT

#: What a table says of the choice, beside the fields of its policy.
_CHOICE = ("name", "low", "high", "cost")


class ObjectiveEntry(BaseModel):
    """``[objective]``, see :class:`Objective`."""

    model_config = STRICT

    countries: list[str] | str = Field(min_length=1)
    tail: float | None = Field(None, gt=0, le=1)
    budget: float | None = Field(None, gt=0, allow_inf_nan=False)


class DecisionFile(BaseModel):
    """A whole file; instruments are tables named after their policies."""

    model_config = STRICT

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    source: str = ""
    scenario: str | None = None
    technology: Literal["fixed", "directed", "frontier"] = "directed"
    draws: int | None = Field(None, ge=1)
    objective: ObjectiveEntry

    def instruments(self) -> list[Instrument]:
        """Of all tables, in the order of the policies."""
        kinds = [name for name in type(self).model_fields if name not in DecisionFile.model_fields]
        return [one for kind in kinds for one in getattr(self, kind)]


@dataclass(frozen=True)
class Decision:
    """A decision as :func:`optimise` takes it."""

    name: str
    objective: Objective
    instruments: list[Instrument]
    scenario: Scenario | None
    technology: str
    draws: int | None


@cache
def _model() -> type[DecisionFile]:
    """The file with a table for every kind of policy that has a number to choose."""
    tables: dict[str, Any] = {
        kind.kind: (list[Annotated[Any, BeforeValidator(partial(_instrument, kind, parameter))]], [])
        for kind in POLICIES
        for parameter in COST_BEGINS
        if parameter in {field.name for field in fields(kind)}
    }
    return create_model("DecisionFile", __base__=DecisionFile, **tables)


def _instrument(kind: type[Policy], parameter: str, entry: object) -> object:
    """The instrument that a table describes; raises everything that does not fit."""
    if not isinstance(entry, Mapping):
        raise PydanticCustomError("table", "It should be a table")
    errors = [_missing(key) for key in ("name", "low", "high") if key not in entry]
    if parameter in entry:
        errors.append(_wrong(parameter, "this is what is chosen", "Give its bounds, low and high, instead."))
    for key in ("low", "high", "cost"):
        value = entry.get(key, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            errors.append(_wrong(key, "this is not a number", "Write it without quotes.", value))
    if errors:
        raise PydanticCustomError("several", "instrument", {"found": errors})
    policy = policy_of(kind, {k: v for k, v in entry.items() if k not in _CHOICE} | {parameter: float(entry["high"])})
    cost = None if "cost" not in entry else float(entry["cost"])
    try:
        return Instrument(str(entry["name"]), policy, float(entry["low"]), float(entry["high"]), cost)  # type: ignore[arg-type]
    except InputError as error:
        errors = [_wrong(p.column or "low", p.message, p.advice, p.value) for p in error.problems]
        raise PydanticCustomError("several", "instrument", {"found": errors}) from None


def _missing(key: str) -> dict[str, Any]:
    return _wrong(key, "this key is missing", f"Add {key} = ...")


def _wrong(key: str, message: str, advice: str, value: object = None) -> dict[str, Any]:
    return {"key": key, "message": message, "advice": advice, "value": value}


def read_decision(path: str | Path) -> Decision:
    """Read a decision file.

    ``scenario`` is a scenario file, seen from the folder of the decision file or, where nothing is there, from the
    working directory and the files that ship with REEstim. Raises InputError listing every problem of the file.
    """
    path = find_file(path)
    text, problems = read_text(path)
    content, broken = parse(text, str(path)) if text is not None else (None, [])
    file, wrong = validate(_model(), content, str(path), text or "") if content is not None else (None, [])
    problems = [*problems, *broken, *wrong]
    if file is not None and not file.instruments():
        names = [f"[[{name}]]" for name in _model().model_fields if name not in DecisionFile.model_fields]
        advice = f"Add {', '.join(names[:-1])} or {names[-1]}."
        problems.append(Problem("there is nothing to choose", advice, file=str(path)))
    scenario = None
    if file is not None and file.scenario is not None:
        beside = path.parent / file.scenario
        try:
            scenario = read_scenario(beside if beside.exists() else file.scenario)
        except InputError as error:
            problems += error.problems
    if file is None or problems:
        raise InputError(problems, f"the decision {str(path)!r} cannot be used")
    about = file.objective
    countries = about.countries if isinstance(about.countries, str) else tuple(about.countries)
    objective = Objective(countries, about.tail, about.budget)
    return Decision(file.name, objective, file.instruments(), scenario, file.technology, file.draws)
