"""The sections of the page in their order: one file each, with ``tables`` and ``section`` (`section.SectionModule`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reestim.results import tables as _tables
from reestim.runs.store import malformed_groups_as_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import xarray as xr

    from reestim.reports.section import Section, SectionModule


def section_modules() -> tuple[type[SectionModule], ...]:
    """The modules. To add a section, write its file and name it here."""
    from reestim.reports.sections import (
        comparison,
        elasticity,
        elements,
        events,
        evidence,
        exposure,
        findings,
        growth,
        information,
        labels,
        power,
        predictions,
        priors,
        refits,
        sampler,
        solver,
        transition,
        uncertainty,
        welfare,
        world,
    )

    return (
        welfare,
        world,
        findings,
        comparison,
        transition,
        uncertainty,
        information,
        elasticity,
        priors,
        evidence,
        power,
        predictions,
        refits,
        exposure,
        events,
        elements,
        growth,
        labels,
        sampler,
        solver,
    )  # type: ignore[return-value]  # modules


def all_tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every tidy table that this run can fill, by the name of its file."""
    by_name: dict[str, pd.DataFrame] = {}
    with malformed_groups_as_errors(post):
        for module in section_modules():
            by_name |= module.tables(post)
        return by_name | {"inputs": _tables.inputs(post)}


def all_sections(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> list[Section]:
    """Every section that this run can fill; figures say themselves what they show and rest on."""
    from reestim.reports.figures.standalone import state_in_pictures

    with malformed_groups_as_errors(post):
        all_sections = [
            section for module in section_modules() if (section := module.section(post, tables)) is not None
        ]
        state_in_pictures(post, all_sections)
    return all_sections
