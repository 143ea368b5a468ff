"""Who is exposed to rare earths: sectors, countries, and the identities of the table with rare-earth rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.evidence.groups import IDENTITIES
from reestim.reports.figures import exposure
from reestim.reports.section import Block, Notes, Section, TableBlock, figure_block

if TYPE_CHECKING:
    import xarray as xr

ECONOMY = "economy"
_CELLS_SHOWN = 12
_FILES = (
    "element_output.csv",
    "element_exports.csv",
    "element_prices.csv",
    "element_use.csv",
    "application_sector.csv",
    "trade.csv",
    "input_output.csv",
    "value_added.csv",
    "policy.csv",
)


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``exposure_...`` and ``split_identities``, as far as the run holds what they need."""
    out: dict[str, pd.DataFrame] = {}
    if ECONOMY in post.children and "element_tonnes" in post[ECONOMY].data_vars:
        from reestim.supply_chain.exposure_ranking import exposure_tables

        out |= exposure_tables(post[ECONOMY].to_dataset())
    if IDENTITIES in post.children:
        out[IDENTITIES] = pd.DataFrame({str(k): v.values for k, v in post[IDENTITIES].to_dataset().data_vars.items()})
    return out


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Bars, rankings of sectors and countries, and what the identities say."""
    if "exposure_sectors" not in tables:
        return None
    figure = exposure.exposure_figure(tables)
    blocks: list[Block] = [figure_block(figure, "exposure", exposure.CAPTION, exposure.alt_text(tables))]
    for name, what, heads in (
        ("exposure_sectors", "Sectors of the world", exposure.SECTOR_HEADS),
        ("exposure_countries", "Countries", exposure.COUNTRY_HEADS),
    ):
        caption = (
            f"{what} by exposure to rare earths, per cent of cost; total is through all suppliers in the world. "
            "Measured from the input-output table, not estimated: no interval."
        )
        shown = tables[name].query("direct > 0").head(_CELLS_SHOWN)
        blocks.append(TableBlock(name, caption, heads, exposure.ranking_rows(shown)))
    if IDENTITIES in tables:
        held = tables[IDENTITIES]
        failed = [str(name) for name, good in zip(held["identity"], held["holds"], strict=True) if not good]
        words = f"These do NOT hold: {'; '.join(failed)}" if failed else "All hold"
        blocks.append(
            Notes(
                [
                    f"{len(held)} accounting identities were checked after the rare earths were split out of their "
                    f"host sector. {words}; the largest relative gap is {held['relative_gap'].to_numpy().max():.1e}."
                ]
            )
        )
    return Section("exposure", "Who is exposed to rare earths", blocks, _FILES)
