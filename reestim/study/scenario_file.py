"""Scenario files: policies in TOML, turned into the objects that the equilibrium takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from reestim.errors import InputError, Problem
from reestim.io.toml_files import find, parse, read_text, validate

if TYPE_CHECKING:
    from reestim.equilibrium.scenario import Scenario

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
Labels = str | list[str]
Year = Annotated[int, Field(ge=1900, le=2100)]


class _Entry(BaseModel):
    """What every policy may say: the years in which it holds (none: always), and where its figures come from."""

    model_config = _STRICT

    years: list[Year] = []
    source: str = ""


class QuotaEntry(_Entry):
    """``[[export_quota]]``: what may be exported, and what was exported in the baseline (tonnes REO)."""

    exporter: str = Field(min_length=1)
    elements: Labels = "all"
    quota_tonnes: float = Field(gt=0, allow_inf_nan=False)
    baseline_tonnes: float = Field(gt=0, allow_inf_nan=False)


class RateEntry(_Entry):
    """``[[tariff]]`` or ``[[export_tax]]``: the new ad-valorem level on the trade it names ("all": every label)."""

    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    rate: float = Field(gt=-1, allow_inf_nan=False)


class EmbargoEntry(_Entry):
    """``[[embargo]]``: no sales of these sectors to these importers."""

    exporter: Labels
    sectors: Labels
    importer: Labels = "all"


class SupplyEntry(_Entry):
    """``[[supply_shock]]``: mine output of elements as a multiple of the baseline's; 0 closes the mines."""

    country: str = Field(min_length=1)
    elements: Labels = "all"
    quantity_change: float = Field(ge=0, allow_inf_nan=False)


class RecyclingEntry(_Entry):
    """``[[recycling]]``: the fraction of industry's use that comes from scrap."""

    country: Labels = "all"
    elements: Labels = "all"
    rate: float = Field(ge=0, lt=1, allow_inf_nan=False)


class SubsidyEntry(_Entry):
    """``[[subsidy]]``: the fraction of producers' revenue that their government pays."""

    country: Labels = "all"
    sectors: Labels = "all"
    rate: float = Field(ge=0, lt=1, allow_inf_nan=False)


class MineEntry(BaseModel):
    """``[[mine]]``: a mine where the baseline has none, with its share of the world's mine revenue."""

    model_config = _STRICT

    country: str = Field(min_length=1)
    element: str = Field(min_length=1)
    share_of_world: float = Field(gt=0, lt=1, allow_inf_nan=False)
    source: str = ""


class ScenarioFile(BaseModel):
    """A whole file."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    year: Year | None = None
    source: str = ""
    export_quota: list[QuotaEntry] = []
    tariff: list[RateEntry] = []
    export_tax: list[RateEntry] = []
    embargo: list[EmbargoEntry] = []
    supply_shock: list[SupplyEntry] = []
    recycling: list[RecyclingEntry] = []
    subsidy: list[SubsidyEntry] = []
    mine: list[MineEntry] = []

    def entries(self) -> list[tuple[str, int, _Entry]]:
        """All policies: table, number in it, entry."""
        return [(kind, i, entry) for kind in KINDS for i, entry in enumerate(getattr(self, kind), start=1)]


KINDS = ("export_quota", "tariff", "export_tax", "embargo", "supply_shock", "recycling", "subsidy")


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario file into a :class:`reestim.Scenario`.

    A quota becomes its ratio to baseline exports; every other table is the policy of its name, but for ``[[mine]]``,
    which is a :class:`reestim.Mine` of the baseline. Labels are checked against the economy when it is solved.

    Raises
    ------
    InputError
        Listing every problem of the file.
    """
    path = find(path)
    scenario, problems = _read(path)
    if scenario is None or problems:
        raise InputError(problems, f"the scenario {str(path)!r} cannot be used")
    from reestim.equilibrium.mines import Mine
    from reestim.equilibrium.policies import POLICIES, ExportQuota, Policy
    from reestim.equilibrium.scenario import Scenario

    kinds = {policy.kind: policy for policy in POLICIES}
    policies: list[Policy] = []
    for kind, _, entry in scenario.entries():
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.model_dump().items() if k != "source"}
        if isinstance(entry, QuotaEntry):
            ratio = entry.quota_tonnes / entry.baseline_tonnes
            policies.append(ExportQuota(entry.exporter, given["elements"], ratio, given["years"]))
        else:
            policies.append(kinds[kind](**given))
    mines = tuple(Mine(entry.country, entry.element, entry.share_of_world) for entry in scenario.mine)
    return Scenario(scenario.name, scenario.description, scenario.year, policies=tuple(policies), mines=mines)


def check_scenario(path: str | Path) -> list[Problem]:
    """All problems of a scenario file; empty when it is sound."""
    return _read(find(path))[1]


def _read(path: Path) -> tuple[ScenarioFile | None, list[Problem]]:
    text, problems = read_text(path)
    if text is None:
        return None, problems
    content, problems = parse(text, str(path))
    if content is None:
        return None, problems
    scenario, problems = validate(ScenarioFile, content, str(path), text)
    return scenario, [*problems, *(_cross_problems(scenario, str(path)) if scenario else [])]


def _cross_problems(scenario: ScenarioFile, file: str) -> Iterator[Problem]:
    placed: dict[tuple[str, str], int] = {}
    for number, mine in enumerate(scenario.mine, start=1):
        first = placed.setdefault((mine.country, mine.element), number)
        if first < number:
            message = f"entries {first} and {number} of [[mine]] are the same mine"
            yield Problem(message, "Keep one of the two.", file=file, column=f"mine.{number}")
    if not scenario.entries() and scenario.mine:
        advice = "Add [[supply_shock]] for what the mine will yield, or another policy."
        yield Problem("a mine is part of the baseline: this scenario changes nothing", advice, file=file)
    elif not scenario.entries():
        advice = f"Add {', '.join(f'[[{kind}]]' for kind in KINDS[:-1])} or [[{KINDS[-1]}]]."
        yield Problem("this scenario changes nothing", advice, file=file)
    for kind, number, entry in scenario.entries():
        for name, value in entry.model_dump().items():
            if name != "years" and value == []:
                advice = f'Name labels, or write {name} = "all".'
                yield Problem("this list is empty", advice, file=file, column=f"{kind}.{number}.{name}")
    if scenario.year is None and any(entry.years for _, _, entry in scenario.entries()):
        advice = "Add the year that a static solution speaks of; a transition takes its own years."
        yield Problem("policies have years and the scenario has none", advice, file=file, column="year")
    kinds: tuple[Literal["tariff", "export_tax"], ...] = ("tariff", "export_tax")
    for kind in kinds:
        entries: Sequence[RateEntry] = getattr(scenario, kind)
        named = [_named(entry) for entry in entries]
        for number, later in enumerate(named, start=1):
            for first, earlier in enumerate(named[: number - 1], start=1):
                both = [[name for name in names if name in earlier[k]] for k, names in enumerate(later)]
                if all(both):
                    where = " / ".join(names[0] for names in both[:3] if names[0] != "all") or "all trade"
                    message = f"entries {first} and {number} of [[{kind}]] both set {where}"
                    advice = "Keep one of the two."
                    yield Problem(message, advice, file=file, column=f"{kind}.{number}")
                    break


def _named(entry: RateEntry) -> list[dict[str, None]]:
    """The importers, exporters, sectors and years that an entry names, as written, in their order."""
    lists = (entry.importer, entry.exporter, entry.sectors, [str(year) for year in entry.years] or ["all"])
    return [dict.fromkeys([names] if isinstance(names, str) else names) for names in lists]
