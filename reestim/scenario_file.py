"""Scenario files: policies in TOML, turned into the objects that the equilibrium takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from reestim.errors import InputError, Problem
from reestim.toml import find, parse, read_text, validate

if TYPE_CHECKING:
    import xarray as xr

    from reestim.equilibrium.scenario import Scenario

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
Labels = str | list[str]


class QuotaEntry(BaseModel):
    """``[[export_quota]]``: what may be exported, and what was exported in the baseline (tonnes REO)."""

    model_config = _STRICT

    exporter: str = Field(min_length=1)
    elements: Labels = "all"
    quota_tonnes: float = Field(gt=0, allow_inf_nan=False)
    baseline_tonnes: float = Field(gt=0, allow_inf_nan=False)
    source: str = ""


class RateEntry(BaseModel):
    """``[[tariff]]`` or ``[[export_tax]]``: the new ad-valorem level on the trade it names ("all": every label)."""

    model_config = _STRICT

    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    rate: float = Field(gt=-1, allow_inf_nan=False)
    source: str = ""


class ScenarioFile(BaseModel):
    """A whole file."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=80)
    description: str = ""
    year: int | None = None
    source: str = ""
    export_quota: list[QuotaEntry] = []
    tariff: list[RateEntry] = []
    export_tax: list[RateEntry] = []


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario file into a :class:`reestim.Scenario`.

    A quota becomes its ratio to baseline exports; tariffs and export taxes become arrays over the labels they name
    (NaN where two entries together leave a cell unnamed: no change). Labels are checked against the economy when it is
    solved.

    Raises
    ------
    InputError
        Listing every problem of the file.
    """
    path = find(path)
    scenario, problems = _read(path)
    if scenario is None or problems:
        raise InputError(problems, f"the scenario {str(path)!r} cannot be used")
    from reestim.equilibrium.scenario import ExportQuota, Scenario

    quotas = tuple(
        ExportQuota(q.exporter, _labels(q.elements), q.quota_tonnes / q.baseline_tonnes) for q in scenario.export_quota
    )
    return Scenario(
        name=scenario.name,
        description=scenario.description,
        year=scenario.year,
        tariff=_rates(scenario.tariff),
        export_tax=_rates(scenario.export_tax),
        export_quota=quotas,
    )


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
    if not (scenario.export_quota or scenario.tariff or scenario.export_tax):
        advice = "Add [[export_quota]], [[tariff]] or [[export_tax]]."
        yield Problem("this scenario changes nothing", advice, file=file)
    for i, quota in enumerate(scenario.export_quota):
        if quota.elements != "all" and not _tuple(quota.elements):
            advice = 'Name elements, or write elements = "all".'
            yield Problem("this list is empty", advice, file=file, column=f"export_quota.{i + 1}.elements")
    kinds: tuple[Literal["tariff", "export_tax"], ...] = ("tariff", "export_tax")
    for kind in kinds:
        entries: Sequence[RateEntry] = getattr(scenario, kind)
        if len({_named_dims(entry) for entry in entries}) > 1:
            advice = 'Name labels everywhere, or leave the same sides "all" in every entry.'
            message = f'the entries of [[{kind}]] leave different sides "all", so it is open which one holds'
            yield Problem(message, advice, file=file, column=kind)
        seen: dict[tuple[str, ...], int] = {}
        for i, entry in enumerate(entries):
            for cell in _cells(entry):
                if cell in seen:
                    message = (
                        f"entries {seen[cell] + 1} and {i + 1} of [[{kind}]] both set {' / '.join(cell) or 'all trade'}"
                    )
                    yield Problem(message, "Keep one of the two.", file=file, column=f"{kind}.{i + 1}")
                    break
            seen |= dict.fromkeys(_cells(entry), i)


def _tuple(labels: Labels) -> tuple[str, ...]:
    return (labels,) if isinstance(labels, str) else tuple(labels)


def _labels(labels: Labels) -> tuple[str, ...] | str:
    return labels if isinstance(labels, str) and labels == "all" else _tuple(labels)


def _sides(entry: RateEntry) -> dict[str, Labels]:
    return {"importer": entry.importer, "exporter": entry.exporter, "sector": entry.sectors}


def _named_dims(entry: RateEntry) -> tuple[str, ...]:
    return tuple(dim for dim, labels in _sides(entry).items() if labels != "all")


def _cells(entry: RateEntry) -> list[tuple[str, ...]]:
    """Combinations of the labels that an entry names."""
    cells: list[tuple[str, ...]] = [()]
    for labels in _sides(entry).values():
        if labels != "all":
            cells = [(*cell, label) for cell in cells for label in _tuple(labels)]
    return cells


def _rates(entries: Sequence[RateEntry]) -> xr.DataArray | None:
    """Entries as one array over the sides they name; rate as an ad-valorem fraction."""
    import numpy as np
    import xarray as xr

    if not entries:
        return None
    dims = _named_dims(entries[0])
    cells = {cell: entry.rate for entry in entries for cell in _cells(entry)}
    coords = {dim: list(dict.fromkeys(cell[i] for cell in cells)) for i, dim in enumerate(dims)}
    array = xr.DataArray(np.full([len(c) for c in coords.values()], np.nan), dims=dims, coords=coords)
    for cell, rate in cells.items():
        array.loc[dict(zip(dims, cell, strict=True))] = rate
    return array
