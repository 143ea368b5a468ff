"""The section of the report on the world: what it gains or loses, and how much of the loss abroad is mitigated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reestim.dims import SCENARIO, TECHNOLOGY
from reestim.reports.section import POSTERIOR, Block, Heading, Notes, Section, TableBlock, suffixes
from reestim.reports.sections.welfare import HEADS, by_technology
from reestim.results.effects import BRACKETS, CONTRIBUTION
from reestim.results.format import percent, with_interval
from reestim.results.world import ABROAD, WORLD, mitigation_table, world_table

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_WHOM = {WORLD: "The world", ABROAD: "Countries that do not restrict"}
_PARTS = {"mitigated": "in all", "frontier": "by research on the frontier", "gap": "by the gap ω"}


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``world`` and, where fixed and directed technology were solved, ``mitigation`` of a run with a counterfactual."""
    if "counterfactual" not in post.children:
        return {}
    shares = mitigation_table(post)
    return {"world": world_table(post)} | ({} if shares.empty else {"mitigation": shares})


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Sums of equivalent variations by technology, with P(gain) before and after the data; the mitigated share."""
    if "world" not in tables:
        return None
    scenarios = tables["world"][SCENARIO].unique().tolist()
    blocks: list[Block] = []
    for name, suffix in suffixes(scenarios).items():
        rows = tables["world"].loc[lambda t, k=name: t[SCENARIO] == k]
        blocks += [Heading(name), _sums(rows, f"world{suffix}")]
        if "mitigation" in tables:
            blocks.append(_mitigated(tables["mitigation"].loc[lambda t, k=name: t[SCENARIO] == k]))
    return Section("world", "The world", blocks, POSTERIOR)


def _sums(table: pd.DataFrame, name: str) -> TableBlock:
    unit = str(table["money_unit"].iloc[0])
    technologies = [str(t) for t in dict.fromkeys(table[TECHNOLOGY])]

    def cell(row: dict[Any, Any]) -> str:
        money = with_interval(row["median"], row["low"], row["high"], unit)
        sign = "P(> 0)" if row[TECHNOLOGY] == CONTRIBUTION else "P(gain)"
        before = float(row.get("prior_probability_gain", math.nan))
        prior = "" if math.isnan(before) else f", before the data {percent(before)}"
        return f"{money}\n{sign} {percent(row['probability_gain'])}{prior}"

    caption = (
        f"Equivalent variations added up, {unit} a year of the base year; below them the probability of a gain, with "
        f"the one before the data. {BRACKETS}"
    )
    lines = by_technology(table.replace({"whom": _WHOM}), "whom", technologies, cell)
    return TableBlock(name, caption, ["", *(HEADS[t] for t in technologies)], lines, table)


def _mitigated(table: pd.DataFrame) -> Notes:
    """One sentence: the share of the loss abroad at given knowledge that directed technology takes away."""
    rows = {str(row["part"]): row for row in table.to_dict("records")}
    if not any(row["draws"] for row in rows.values()):
        return Notes(["No draw has a loss abroad at given knowledge, so there is nothing to mitigate."])
    said: list[str] = []
    for part, row in rows.items():
        median, low, high = (100 * float(row[end]) for end in ("median", "low", "high"))
        said.append(f"{_PARTS[part]} {with_interval(median, low, high, '%')}")
    whole, *split = said
    of_it = f"; of it {', '.join(split)}" if split else ""
    return Notes(
        [
            "Share of the loss abroad at given knowledge that directed technology takes away: "
            f"{whole}{of_it}. {BRACKETS} "
            "What would have to be believed for the world to gain: ree.threshold."
        ]
    )
