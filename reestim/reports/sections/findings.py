"""The section of the report on the paper's claims: what the run says of each, and what it said before the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reestim.errors import InputError
from reestim.reports.section import POSTERIOR, Notes, Section, TableBlock
from reestim.results.findings import FINDINGS_HEADS, NO_FINDING, findings_table, notes_of, rows_as_text
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

NAME = "findings"


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``findings`` of a run with fixed and directed technology; nothing where it cannot be asked."""
    try:
        return {NAME: findings_table(post)}
    except InputError:  # no equilibria with both technologies: there is nothing to ask
        return {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """The claims of Alfaro, Fadinger, Schymik and Virananda (2025), with probabilities after and before the data."""
    if NAME not in tables:
        return None
    if not RunRecord.of(post).gates_passed():
        return Section(NAME, "The paper's claims", [Notes([NO_FINDING])], POSTERIOR)
    table = tables[NAME]
    caption = "Claims of Alfaro, Fadinger, Schymik and Virananda (2025), asked of this run."
    blocks = [TableBlock(NAME, caption, list(FINDINGS_HEADS), rows_as_text(table), table), Notes(notes_of(post))]
    return Section(NAME, "The paper's claims", blocks, POSTERIOR)
