"""Decision files: objective, scenario and instruments in TOML, of one who chooses or of several who answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, create_model
from pydantic_core import PydanticCustomError

from reestim.decisions.instruments import COST_BEGINS, Instrument
from reestim.decisions.nash import Player
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


class WithInstruments(BaseModel):
    """Tables named after policies, each with a number to choose; `_tables` makes them."""

    model_config = STRICT

    def instruments(self) -> list[Instrument]:
        """Of all tables, in the order of the policies."""
        kinds = [name for name in type(self).model_fields if name in _tables()]
        return [one for kind in kinds for one in getattr(self, kind)]


class PlayerEntry(WithInstruments):
    """``[[player]]``, see `Player`."""

    name: str = Field(min_length=1, max_length=80)
    countries: list[str] | str = Field(min_length=1)
    tail: float | None = Field(None, gt=0, le=1)


class DecisionFile(WithInstruments):
    """A whole file: an objective and instruments, or players with their own."""

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    source: str = ""
    scenario: str | None = None
    technology: Literal["fixed", "directed", "frontier"] = "directed"
    draws: int | None = Field(None, ge=1)
    damping: float | None = Field(None, gt=0, le=1)
    objective: ObjectiveEntry | None = None


@dataclass(frozen=True)
class Decision:
    """A decision as :func:`optimise` takes it, or with ``players`` as :func:`nash` does."""

    name: str
    objective: Objective | None
    instruments: list[Instrument]
    players: list[Player]
    damping: float
    scenario: Scenario | None
    technology: str
    draws: int | None


@cache
def _tables() -> dict[str, Any]:
    """A table for every kind of policy that has a number to choose."""
    return {
        kind.kind: (list[Annotated[Any, BeforeValidator(partial(_instrument, kind, parameter))]], [])
        for kind in POLICIES
        for parameter in COST_BEGINS
        if parameter in {field.name for field in fields(kind)}
    }


@cache
def _model() -> type[DecisionFile]:
    """The file with these tables, of its own and of each player."""
    player = create_model("PlayerEntry", __base__=PlayerEntry, **_tables())
    return create_model("DecisionFile", __base__=DecisionFile, player=(list[player], []), **_tables())  # pyright: ignore[reportInvalidTypeForm]


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
    if file is not None:
        problems += _incomplete(file, str(path))
    scenario = None
    if file is not None and file.scenario is not None:
        beside = path.parent / file.scenario
        try:
            scenario = read_scenario(beside if beside.exists() else file.scenario)
        except InputError as error:
            problems += error.problems
    if file is None or problems:
        raise InputError(problems, f"the decision {str(path)!r} cannot be used")
    players = [Player(one.name, _objective(one), one.instruments()) for one in _players(file)]
    objective = None if file.objective is None else _objective(file.objective)
    instruments, damping = file.instruments(), file.damping or 1.0
    return Decision(file.name, objective, instruments, players, damping, scenario, file.technology, file.draws)


def _players(file: DecisionFile) -> list[PlayerEntry]:
    return getattr(file, "player")  # noqa: B009 - a field that `_model` adds


def _objective(entry: ObjectiveEntry | PlayerEntry) -> Objective:
    countries = entry.countries if isinstance(entry.countries, str) else tuple(entry.countries)
    return Objective(countries, entry.tail, getattr(entry, "budget", None))


def _incomplete(file: DecisionFile, path: str) -> list[Problem]:
    """What is missing, or belongs to the other kind of file."""
    names = [f"[[{name}]]" for name in _tables()]
    players = _players(file)
    problems = []
    if not players and file.objective is None:
        problems.append(
            Problem("this key is missing", "Add [objective], or [[player]] twice.", path, column="objective")
        )
    if not players and not file.instruments():
        problems.append(
            Problem("there is nothing to choose", f"Add {', '.join(names[:-1])} or {names[-1]}.", file=path)
        )
    if players and (file.objective is not None or file.instruments()):
        advice = "Let each [[player]] have countries and instruments, [[player.tariff]], and remove the others."
        problems.append(Problem("players have objectives and instruments of their own", advice, file=path))
    if len(players) == 1:
        problems.append(Problem("there is nobody to answer", "Add a second [[player]].", file=path))
    if not players and file.damping is not None:
        problems.append(Problem("nobody answers whom steps could be damped for", "Remove damping.", file=path))
    for name in (one.name for one in players if not one.instruments()):
        advice = "Add a table such as [[player.tariff]]."
        problems.append(Problem("a player has nothing to choose", advice, file=path, value=name))
    return problems
