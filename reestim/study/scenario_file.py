"""Scenario files: policies in TOML, turned into the objects that the equilibrium takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from reestim.dims import Year
from reestim.errors import InputError, Problem
from reestim.io.toml_files import Rows, at, find_file, key_rows, parse, read_text, validate
from reestim.study.settings import STRICT

if TYPE_CHECKING:
    from reestim.equilibrium.mines import Mine
    from reestim.equilibrium.policy import Policy
    from reestim.equilibrium.scenario import Scenario

#: What two figures in tonnes become.
QUANTITY_CHANGE = "quantity_change"


class MineEntry(BaseModel):
    """``[[mine]]``: a mine where the baseline has none.

    Attributes
    ----------
    country, elements
        Labels.
    share_of_world
        Its share of the world's mine revenue of each element, in (0, 1).
    source
        Where the figure is from.
    """

    model_config = STRICT

    country: str = Field(min_length=1)
    elements: Annotated[str, Field(min_length=1)] | Annotated[list[str], Field(min_length=1)]
    share_of_world: float = Field(gt=0, lt=1, allow_inf_nan=False)
    source: str = ""


class ScenarioFile(BaseModel):
    """A whole file but for its policies, whose tables are added by `scenario_model`.

    Attributes
    ----------
    name, description, year, horizon
        As of :class:`reestim.Scenario`.
    source
        Where the figures are from.
    confirmed
        Sizes that are most often mistakes (`_unusual`) are meant.
    mine
        Mines of the baseline.
    """

    model_config = STRICT

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    year: Year | None = None
    source: str = ""
    horizon: Literal["months", "year", "long"] = "year"
    confirmed: bool = False
    mine: list[MineEntry] = []


@cache
def scenario_model() -> type[ScenarioFile]:
    """The file with a table for every kind of policy. Made on first use: policies belong to the equilibrium."""
    from reestim.equilibrium.policies import POLICIES

    tables: dict[str, Any] = {
        kind.kind: (list[Annotated[kind, BeforeValidator(partial(policy_of, kind))]], []) for kind in POLICIES
    }
    return create_model("ScenarioFile", __base__=ScenarioFile, **tables)


def policy_of(kind: type[Policy], entry: object) -> object:
    """The policy that a table of the file describes; raises ValidationError with everything that does not fit."""
    if not isinstance(entry, Mapping):
        return entry
    values = {"elements": "all"} if "elements" in kind.__dataclass_fields__ else {}
    values |= entry
    errors: list[InitErrorDetails] = []
    if (keys := kind.keys_in_files) and not (QUANTITY_CHANGE in values and not any(name in values for name in keys)):
        values, wrong = _ratio(values, keys)
        if wrong:
            errors.append(
                InitErrorDetails(type=PydanticCustomError("several", "tonnes", {"found": wrong}), input=entry)
            )
    try:
        policy = type.__call__(kind, **values)  # not kind(**values): what does not fit is listed with the whole file
    except ValidationError as error:
        for item in error.errors(include_url=False):
            errors.append(
                InitErrorDetails(type=item["type"], loc=item["loc"], input=item["input"], ctx=item.get("ctx", {}))
            )
    else:
        if not errors:
            return policy
    raise ValidationError.from_exception_data(kind.__name__, errors)


def _ratio(values: dict[str, Any], tonnes: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Tonnes of a quota and of the baseline as their ratio (1 where there is none), and what is wrong with them."""
    wrong: list[dict[str, Any]] = []
    if QUANTITY_CHANGE in values:
        advice = f"Give either it or {tonnes[0]} and {tonnes[1]}."
        wrong.append({"key": QUANTITY_CHANGE, "message": "the limit is given twice", "advice": advice, "value": None})
    for name in tonnes:
        value = values.get(name)
        if value is None:
            wrong.append({"key": name, "message": "this key is missing", "advice": f"Add {name} = ...", "value": None})
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            advice = "It should be a number greater than 0."
            wrong.append({"key": name, "message": "this value does not fit", "advice": advice, "value": value})
    quota, baseline = (values.pop(name, 1.0) for name in tonnes)
    return values | {QUANTITY_CHANGE: 1.0 if wrong else quota / baseline}, wrong


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario file into a :class:`reestim.Scenario`.

    A quota becomes its ratio to baseline exports; every other table is the policy of its name, but for ``[[mine]]``,
    which is a :class:`reestim.Mine` of the baseline. Labels are checked against the economy when it is solved.

    Parameters
    ----------
    path
        A TOML file, seen from the working directory or, where nothing is there, from the files that ship with REEstim.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        Listing every problem of the file.

    Examples
    --------
    >>> import reestim as ree
    >>> [policy.kind for policy in ree.read_scenario("models/scenarios/recycling-20.toml").policies]
    ['export_quota', 'recycling']
    """
    return scenario_of(read_entries(find_file(path)))


def scenario_of(read: Entries) -> Scenario:
    """The scenario that a file describes.

    Parameters
    ----------
    read
        From `read_entries`.

    Returns
    -------
    Scenario
        Labels are not checked.

    Raises
    ------
    InputError
        With the problems of the file.
    """
    file = read.file
    if file is None or read.problems:
        raise InputError(read.problems, f"the scenario {str(read.path)!r} cannot be used")
    from reestim.equilibrium.scenario import Scenario

    policies = tuple(entry.policy for entry in read.entries)
    mines = tuple(mine_of(mine) for _, mine in read.mines)
    return Scenario(file.name, file.description, file.year, policies=policies, mines=mines, horizon=file.horizon)


def mine_of(entry: MineEntry) -> Mine:
    """The mine that an entry describes."""
    from reestim.equilibrium.mines import Mine

    elements = entry.elements if isinstance(entry.elements, str) else tuple(entry.elements)
    return Mine(entry.country, elements, entry.share_of_world)


def check_scenario(path: str | Path) -> list[Problem]:
    """List all problems of a scenario file.

    Parameters
    ----------
    path
        A TOML file.

    Returns
    -------
    list of Problem
        Empty when it is sound.
    """
    return read_entries(find_file(path)).problems


@dataclass(frozen=True)
class Entry:
    """One table of a scenario file: its name, its number among those of the name (from 1), and the policy."""

    kind: str
    number: int
    policy: Policy

    @property
    def place(self) -> tuple[str | int, ...]:
        """Where it stands in the file, lists from 0."""
        return (self.kind, self.number - 1)


@dataclass(frozen=True)
class Entries:
    """A scenario file as far as it can be read, and everything that is wrong in it."""

    path: Path
    file: ScenarioFile | None  # without the tables and keys that do not fit; None where nothing could be read
    entries: tuple[Entry, ...]
    mines: tuple[tuple[int, MineEntry], ...]  # with their numbers
    rows: Rows
    problems: list[Problem]

    def problem(self, place: tuple[str | int, ...], message: str, advice: str, value: object = None) -> Problem:
        """A problem at a place of the file."""
        return at(str(self.path), place, self.rows, message, advice, value=value)


def read_entries(path: Path) -> Entries:
    """Read a scenario file. What does not fit is listed and left aside, and what is left is checked too."""
    from reestim.study.scenario_checks import cross_problems

    text, problems = read_text(path)
    content = None
    if text is not None:
        content, problems = parse(text, str(path))
    if content is None or text is None:
        return Entries(path, None, (), (), {}, problems)
    numbers: dict[str, list[int]] = {}
    file, problems = validate(scenario_model(), content, str(path), text)
    if file is None:
        content, numbers = _without(content, problems)
        file = validate(scenario_model(), content, str(path), text)[0]
    if file is None:
        return Entries(path, None, (), (), key_rows(text), problems)

    def of(kind: str) -> list[tuple[int, Any]]:
        policies = getattr(file, kind)
        return list(zip(numbers.get(kind, range(1, len(policies) + 1)), policies, strict=True))

    kinds = [name for name in type(file).model_fields if name not in ScenarioFile.model_fields]
    entries = tuple(Entry(kind, number, policy) for kind in kinds for number, policy in of(kind))
    read = Entries(path, file, entries, tuple(of("mine")), key_rows(text), problems)
    return replace(read, problems=[*problems, *cross_problems(read, kinds)])


def _without(content: Mapping[str, Any], problems: Sequence[Problem]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """A file without the keys and tables that do not fit, and the numbers of the tables that stay."""
    wrong = {tuple(str(problem.column).split(".")[:2]) for problem in problems}
    alone = {place[0] for place in wrong if len(place) == 1 or not place[1].isdigit()}
    sound: dict[str, Any] = {"name": "unnamed"}
    numbers: dict[str, list[int]] = {}
    for key, value in content.items():
        if key in alone:
            continue
        sound[key] = value
        if any(place[0] == key for place in wrong):
            numbers[key] = [n for n in range(1, len(value) + 1) if (key, str(n)) not in wrong]
            sound[key] = [value[n - 1] for n in numbers[key]]
    return sound, numbers
