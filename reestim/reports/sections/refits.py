"""The section of the report on refits: what moves when the study is fitted again with one change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.checks.refits import REFITS_GROUP, matrix, refit_table, sentences
from reestim.reports.section import POSTERIOR, Notes, Section, TableBlock

if TYPE_CHECKING:
    import xarray as xr


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The table ``refits`` of a run that holds the group."""
    return {REFITS_GROUP: refit_table(post)} if REFITS_GROUP in post.children else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Moves of the means, and what they say."""
    if REFITS_GROUP not in tables:
        return None
    heads, rows = matrix(post)
    caption = (
        "The study fitted again with one change: how far posterior means move, in posterior standard deviations of "
        "this run (welfare: the country, scenario and technology that moves most)."
    )
    blocks = [TableBlock(REFITS_GROUP, caption, heads, list(rows)), Notes(sentences(post))]
    return Section(REFITS_GROUP, "What the answer hangs on", blocks, POSTERIOR)
