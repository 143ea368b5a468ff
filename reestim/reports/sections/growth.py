"""Growth accounting: average growth of output by source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reestim.evidence.groups import GROWTH
from reestim.reports.figures import productivity as growth
from reestim.reports.section import Section, TableBlock, figure_block
from reestim.results import tables as tidy

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_CAPTION = (
    "Growth accounting (Törnqvist), average a year in per cent: growth of output is the sum of the contributions of "
    "the inputs (mean cost share times growth) and of total factor productivity (tfp). Measured, not estimated: no "
    "interval."
)


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``productivity`` of a run with growth accounts."""
    return {"productivity": tidy.productivity(post)} if GROWTH in post.children else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Bars and their table."""
    if "productivity" not in tables:
        return None
    means = growth.means_of(post[GROWTH].to_dataset())
    figure = figure_block(growth.productivity_figure(means), "productivity", growth.CAPTION, growth.alt_text(means))
    table = tables["productivity"]
    heads = [str(name).removesuffix("_growth").removesuffix("_contribution") for name in table.columns]
    rows = [
        [f"{100 * v:.2f}" if isinstance(v, float) else str(v) for v in row] for row in table.itertuples(index=False)
    ]
    blocks = [figure, TableBlock("productivity", _CAPTION, heads, rows)]
    return Section("productivity", "Growth of output by source", blocks, ["growth_accounts.csv"])
