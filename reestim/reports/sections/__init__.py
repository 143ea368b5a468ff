"""The sections of the page, one a file with ``tables`` and ``section`` (`reports.section.Part`), in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reestim.results import tables as _tables
from reestim.runs.store import malformed_groups_as_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import xarray as xr

    from reestim.reports.section import Part, Section


def parts() -> tuple[type[Part], ...]:
    """The modules. To add a section, write its file and name it here."""
    from reestim.reports.sections import (
        comparison,
        elasticity,
        elements,
        events,
        exposure,
        growth,
        labels,
        predictions,
        priors,
        refits,
        sampler,
        solver,
        transition,
        uncertainty,
        welfare,
    )

    return (
        welfare,
        comparison,
        transition,
        uncertainty,
        elasticity,
        priors,
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
    found: dict[str, pd.DataFrame] = {}
    with malformed_groups_as_errors(post):
        for part in parts():
            found |= part.tables(post)
        return found | {"inputs": _tables.inputs(post)}


def all_sections(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> list[Section]:
    """Every section that this run can fill."""
    with malformed_groups_as_errors(post):
        found = [part.section(post, tables) for part in parts()]
    return [section for section in found if section is not None]
