"""The section of the report on power: what each block of evidence could tell, whatever it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reestim.checks.power import NAME, check, identifies_nothing, sentences
from reestim.reports.section import POSTERIOR, Block, Notes, Section, TableBlock
from reestim.results.format import number

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_HEADS = ["evidence", "rows", "prior: largest row", "all rows", "posterior: largest row", "all rows", "identifies"]


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``power`` of a run whose model's predictions are known."""
    table = check(post).table
    return {} if table.empty else {NAME: table}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Predictions over standard errors by block, before and after the data, and what would match the estimates."""
    if NAME not in tables:
        return None
    columns = ("prior_row", "prior_joint", "posterior_row", "posterior_joint")
    rows = [
        [
            str(row["words"]),
            str(row["rows"]),
            *(number(float(row[c])) if c in row else "" for c in columns),
            "nothing" if identifies_nothing(row) else "yes",
        ]
        for row in tables[NAME].to_dict("records")
    ]
    caption = (
        "What the model predicts of each block of evidence, in standard errors of what was observed: the largest row, "
        "and all rows together. Medians over draws. Below one in both, at the prior and at the posterior, the block "
        "identifies nothing."
    )
    blocks: list[Block] = [TableBlock(NAME, caption, _HEADS, rows), Notes(sentences(tables[NAME]))]
    return Section(NAME, "What the evidence can tell", blocks, POSTERIOR)
