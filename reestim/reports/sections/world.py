"""The section of the report on the world: what it gains or loses, and how much of the loss abroad is mitigated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reestim.dims import SCENARIO, TECHNOLOGY
from reestim.reports.section import POSTERIOR, Block, Heading, Notes, Section, TableBlock, suffixes
from reestim.reports.sections.welfare import HEADS, by_technology
from reestim.results.effects import BRACKETS
from reestim.results.format import with_interval
from reestim.results.world import WHOM, mitigation_sentences, mitigation_table, probability_words, world_table

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


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
            blocks.append(Notes(mitigation_sentences(tables["mitigation"].loc[lambda t, k=name: t[SCENARIO] == k])))
    return Section("world", "The world", blocks, POSTERIOR)


def _sums(table: pd.DataFrame, name: str) -> TableBlock:
    unit = str(table["money_unit"].iloc[0])
    technologies = [str(t) for t in dict.fromkeys(table[TECHNOLOGY])]

    def cell(row: dict[Any, Any]) -> str:
        money = with_interval(row["median"], row["low"], row["high"], unit)
        return f"{money}\n{probability_words(row)}"

    caption = (
        f"Equivalent variations added up, {unit} a year; below them the probability of a gain, with "
        f"the one before the data. {BRACKETS}"
    )
    lines = by_technology(table.replace({"whom": WHOM}), "whom", technologies, cell)
    return TableBlock(name, caption, ["", *(HEADS[t] for t in technologies)], lines, table)
