"""Scenario files: policies in TOML, turned into the objects that the equilibrium takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from reestim.errors import InputError, Problem
from reestim.io.toml_files import find_file, parse, read_text, validate

if TYPE_CHECKING:
    from reestim.equilibrium.policy import Policy
    from reestim.equilibrium.scenario import Scenario

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
Year = Annotated[int, Field(ge=1900, le=2100)]
#: A quota in a file is two figures in tonnes (t REO); the policy has their ratio.
TONNES = ("quota_tonnes", "baseline_tonnes")
RATIO = "quantity_change"
#: Ad valorem rate of a tax above which a file is asked whether it means per cent: 300 per cent.
LARGEST_RATE = 3.0


class MineEntry(BaseModel):
    """``[[mine]]``: a mine where the baseline has none, with its share of the world's mine revenue."""

    model_config = _STRICT

    country: str = Field(min_length=1)
    element: str = Field(min_length=1)
    share_of_world: float = Field(gt=0, lt=1, allow_inf_nan=False)
    source: str = ""


class ScenarioFile(BaseModel):
    """A whole file. ``confirmed``: sizes that are most often mistakes (`_unusual`) are meant."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    year: Year | None = None
    source: str = ""
    horizon: Literal["months", "year", "long"] = "year"
    confirmed: bool = False
    mine: list[MineEntry] = []

    def entries(self) -> list[tuple[str, int, Policy]]:
        """All policies: table, number in it, policy."""
        kinds = [name for name in type(self).model_fields if name not in ScenarioFile.model_fields]
        return [(kind, number, policy) for kind in kinds for number, policy in enumerate(getattr(self, kind), start=1)]


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
    found: list[InitErrorDetails] = []
    if kind.in_tonnes and not (RATIO in values and not any(name in values for name in TONNES)):
        values, wrong = _ratio(values)
        if wrong:
            found.append(InitErrorDetails(type=PydanticCustomError("several", "tonnes", {"found": wrong}), input=entry))
    try:
        policy = type.__call__(kind, **values)  # not kind(**values): what does not fit is listed with the whole file
    except ValidationError as error:
        for item in error.errors(include_url=False):
            found.append(
                InitErrorDetails(type=item["type"], loc=item["loc"], input=item["input"], ctx=item.get("ctx", {}))
            )
    else:
        if not found:
            return policy
    raise ValidationError.from_exception_data(kind.__name__, found)


def _ratio(values: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Tonnes of a quota and of the baseline as their ratio (1 where there is none), and what is wrong with them."""
    wrong: list[dict[str, Any]] = []
    if RATIO in values:
        advice = f"Give either it or {TONNES[0]} and {TONNES[1]}."
        wrong.append({"key": RATIO, "message": "the limit is given twice", "advice": advice, "value": None})
    for name in TONNES:
        value = values.get(name)
        if value is None:
            wrong.append({"key": name, "message": "this key is missing", "advice": f"Add {name} = ...", "value": None})
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            advice = "It should be a number greater than 0."
            wrong.append({"key": name, "message": "this value does not fit", "advice": advice, "value": value})
    quota, baseline = (values.pop(name, 1.0) for name in TONNES)
    return values | {RATIO: 1.0 if wrong else quota / baseline}, wrong


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
    path = find_file(path)
    scenario, problems = _read(path)
    if scenario is None or problems:
        raise InputError(problems, f"the scenario {str(path)!r} cannot be used")
    from reestim.equilibrium.mines import Mine
    from reestim.equilibrium.scenario import Scenario

    policies = tuple(policy for _, _, policy in scenario.entries())
    mines = tuple(Mine(entry.country, entry.element, entry.share_of_world) for entry in scenario.mine)
    return Scenario(
        scenario.name, scenario.description, scenario.year, policies=policies, mines=mines, horizon=scenario.horizon
    )


def check_scenario(path: str | Path) -> list[Problem]:
    """All problems of a scenario file; empty when it is sound."""
    return _read(find_file(path))[1]


def _read(path: Path) -> tuple[ScenarioFile | None, list[Problem]]:
    text, problems = read_text(path)
    if text is None:
        return None, problems
    content, problems = parse(text, str(path))
    if content is None:
        return None, problems
    scenario, problems = validate(scenario_model(), content, str(path), text)
    return scenario, [*problems, *(_cross_problems(scenario, str(path)) if scenario else [])]


def _cross_problems(scenario: ScenarioFile, file: str) -> Iterator[Problem]:
    placed: dict[tuple[str, str], int] = {}
    for number, mine in enumerate(scenario.mine, start=1):
        first = placed.setdefault((mine.country, mine.element), number)
        if first < number:
            message = f"entries {first} and {number} of [[mine]] are the same mine"
            yield Problem(message, "Keep one of the two.", file=file, column=f"mine.{number}")
    kinds = [f"[[{name}]]" for name in type(scenario).model_fields if name not in ScenarioFile.model_fields]
    entries = scenario.entries()
    if not entries and scenario.mine:
        advice = "Add [[supply_shock]] for what the mine will yield, or another policy."
        yield Problem("a mine is part of the baseline: this scenario changes nothing", advice, file=file)
    elif not entries:
        yield Problem("this scenario changes nothing", f"Add {', '.join(kinds[:-1])} or {kinds[-1]}.", file=file)
    for kind, number, policy in entries:
        for name, value in vars(policy).items():
            if name != "years" and value == ():
                advice = f'Name labels, or write {name} = "all".'
                yield Problem("this list is empty", advice, file=file, column=f"{kind}.{number}.{name}")
    yield from _never_in_force(scenario, [policy for _, _, policy in entries], file)
    if not scenario.confirmed:
        yield from _unusual(entries, file)
    for kind in ("tariff", "export_tax"):
        named = [_named(policy) for name, _, policy in entries if name == kind]
        for number, later in enumerate(named, start=1):
            for first, earlier in enumerate(named[: number - 1], start=1):
                both = [[name for name in names if name in earlier[k]] for k, names in enumerate(later)]
                if all(both):
                    where = " / ".join(names[0] for names in both[:3] if names[0] != "all") or "all trade"
                    message = f"entries {first} and {number} of [[{kind}]] both set {where}"
                    yield Problem(message, "Keep one of the two.", file=file, column=f"{kind}.{number}")
                    break


def _never_in_force(scenario: ScenarioFile, policies: list[Policy], file: str) -> Iterator[Problem]:
    """Dated policies in a scenario without a year, or with a year that is none of theirs."""
    if scenario.year is None and any(policy.years for policy in policies):
        advice = "Add the year that a static solution speaks of; a transition takes its own years."
        yield Problem("policies have years and the scenario has none", advice, file=file, column="year")
    elif policies and all(policy.years and scenario.year not in policy.years for policy in policies):
        advice = "Give a year in which a policy is in force, or add the year to the years of a policy."
        message = "no policy is in force in the year of the scenario: it would change nothing"
        yield Problem(message, advice, file=file, column="year", value=scenario.year)


def _unusual(entries: list[tuple[str, int, Policy]], file: str) -> Iterator[Problem]:
    """Questions about sizes that are most often mistakes."""
    meant = "If it is meant, write confirmed = true at the top of the file."
    for kind, number, policy in entries:
        values: dict[str, Any] = vars(policy)
        if kind in ("tariff", "export_tax") and values["rate"] > LARGEST_RATE:
            message = f"this is a tax of {100 * values['rate']:,.0f} per cent"
            advice = f"Is it per cent? Then write {values['rate'] / 100:g}. {meant}"
            yield Problem(message, advice, file=file, column=f"{kind}.{number}.rate", value=values["rate"])
        if policy.in_tonnes and values[RATIO] > 1:
            message = f"the limit is {values[RATIO]:.3g} times the baseline: most likely it binds nobody"
            advice = f"Check the tonnes of limit and baseline. {meant}"
            yield Problem(message, advice, file=file, column=f"{kind}.{number}", value=values[RATIO])


def _named(policy: Policy) -> list[dict[str, None]]:
    """The importers, exporters, sectors and years that a tax names, as written, in their order."""
    lists = [getattr(policy, name) for name in ("importer", "exporter", "sectors")]
    lists.append(tuple(str(year) for year in policy.years) or ("all",))
    return [dict.fromkeys([names] if isinstance(names, str) else names) for names in lists]
