"""Welfare by country and exports of the sectors that use rare earths, scenario by scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reestim.dims import COUNTRY, SCENARIO, SECTOR, TECHNOLOGY
from reestim.reports.figures import forest
from reestim.reports.figures.tile_map import tile_map
from reestim.reports.figures.welfare_parts import (
    has_parts,
    parts_figure_block,
    parts_table,
    parts_table_block,
    too_large,
    welfare_parts,
)
from reestim.reports.section import (
    POSTERIOR,
    Block,
    FigureBlock,
    Heading,
    Notes,
    Section,
    TableBlock,
    figure_block,
    suffixes,
)
from reestim.results import tables as tidy
from reestim.results.effects import (
    BRACKETS,
    CONTRIBUTION,
    DIRECTED,
    FIXED,
    economy_of,
    effects,
    exports_outside,
    restrictors,
)
from reestim.results.format import percent, with_interval
from reestim.results.names import country_label, short_name
from reestim.results.world import FRONTIER

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

HEADS = {
    FIXED: "Fixed technology",
    FRONTIER: "Directed technology without the gap ω",
    DIRECTED: "Directed technology",
    CONTRIBUTION: "Contribution (directed − fixed)",
}


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``welfare``, ``welfare_parts`` and ``exports`` of a run with a counterfactual."""
    if "counterfactual" not in post.children:
        return {}
    ds = post["counterfactual"].to_dataset()
    parts = {"welfare_parts": parts_table(ds)} if has_parts(ds) else {}
    return {"welfare": tidy.welfare(post), **parts, "exports": tidy.exports(post)}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """For each scenario: who loses, what direction contributes, exports."""
    if "welfare" not in tables:
        return None
    scenarios = tables["welfare"][SCENARIO].unique().tolist()
    blocks: list[Block] = []
    for name, suffix in suffixes(scenarios).items():
        blocks += [Heading(name), *_scenario(post, tables, name, suffix)]
    return Section("welfare", "Welfare and exports", blocks, POSTERIOR)


def _scenario(post: xr.DataTree, tables: Mapping[str, pd.DataFrame], name: str, suffix: str) -> list[Block]:
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    change = effects(ds, "welfare").sel({SCENARIO: name})
    technologies = [t for t in (FIXED, DIRECTED) if t in change[TECHNOLOGY].values]
    inside = restrictors(ds, name, economy)
    groups = [inside, [c for c in economy.countries if c not in inside]]
    scale = f" {', '.join(map(short_name, inside))} on a scale of its own." if inside else ""
    caption = (
        f"Change of welfare (real income) by country, per cent; {forest.BANDS}; at the right the probability of a "
        f"loss.{scale}"
    )
    blocks: list[Block] = [
        forest.countries_forest(
            change,
            technologies,
            groups,
            f"welfare{suffix}",
            caption,
            "per cent",
        ),
        forest.countries_forest(
            change,
            technologies,
            groups,
            f"slide{suffix}",
            caption,
            "per cent",
            slide=True,
        ),
        tile_map(change.sel({TECHNOLOGY: technologies}), inside, f"welfare_map{suffix}"),
        _welfare_block(tables["welfare"].loc[lambda t: t[SCENARIO] == name], f"welfare{suffix}"),
    ]
    if CONTRIBUTION in change[TECHNOLOGY].values:
        words = f"What directed technology contributes to welfare (directed minus fixed, draw by draw); {forest.BANDS}."
        blocks.append(
            forest.countries_forest(
                change, [CONTRIBUTION], groups, f"contributions{suffix}", words, "percentage points", "P(< 0)"
            )
        )
    if "welfare_parts" in tables:
        draws = welfare_parts(ds.sel({SCENARIO: name}))
        table = tables["welfare_parts"].loc[lambda t: t[SCENARIO] == name]
        if words := too_large(draws):
            blocks.append(Notes([words]))
        else:
            blocks += [
                parts_figure_block(draws, groups, f"welfare_parts{suffix}"),
                parts_table_block(table, f"welfare_parts{suffix}", BRACKETS),
            ]
    exports = exports_outside(ds, name, economy)
    if exports.sizes[SECTOR]:
        part = tables["exports"].loc[lambda t: t[SCENARIO] == name]
        blocks += [
            _exports_figure(exports, technologies, inside, f"exports{suffix}"),
            _exports_block(part, f"exports{suffix}"),
        ]
    return blocks


def _exports_figure(exports: xr.DataArray, technologies: list[str], inside: list[str], name: str) -> FigureBlock:
    figure, (axes,) = forest.panels([exports.sizes[SECTOR] * 1.4])
    turned = exports.isel({SECTOR: slice(None, None, -1)})
    forest.by_technology(axes, turned, SECTOR, technologies, "P(fall)")
    axes.set_xlabel("change of exports, per cent")
    forest.legend(figure, axes)
    who = f"all countries but {', '.join(map(short_name, inside))}" if inside else "all countries"
    words = f"Exports of the sectors that use most rare earths, {who} together; {forest.BANDS}."
    return figure_block(figure, name, words, forest.alt_text(exports, SECTOR))


def _welfare_block(table: pd.DataFrame, name: str) -> TableBlock:
    unit = str(table["money_unit"].iloc[0])
    caption = (
        f"Welfare: change of real income, per cent; below it {unit} a year (the equivalent variation: change times "
        f"income of the base year) and the probability of a loss. {BRACKETS}"
    )
    technologies = [str(t) for t in dict.fromkeys(table[TECHNOLOGY])]

    def cell(row: dict[Any, Any]) -> str:
        sign = "P(< 0)" if row[TECHNOLOGY] == CONTRIBUTION else "P(loss)"
        change = with_interval(row["median_percent"], row["low_percent"], row["high_percent"], "%")
        money = with_interval(row["median_money"], row["low_money"], row["high_money"], unit)
        return f"{change}\n{money}\n{sign} {percent(row['probability_loss'])}"

    rows = by_technology(table, COUNTRY, technologies, cell)
    return TableBlock(name, caption, ["Country", *(HEADS[t] for t in technologies)], rows, table)


def _exports_block(table: pd.DataFrame, name: str) -> TableBlock:
    caption = (
        "Exports of the sectors that use most rare earths, joint exports abroad (all countries that do not restrict), "
        f"per cent; below the probability of a fall. {BRACKETS}"
    )
    technologies = [str(t) for t in dict.fromkeys(table[TECHNOLOGY])]

    def cell(row: dict[Any, Any]) -> str:
        sign = "P(< 0)" if row[TECHNOLOGY] == CONTRIBUTION else "P(fall)"
        change = with_interval(row["median_percent"], row["low_percent"], row["high_percent"], "%")
        return f"{change}\n{sign} {percent(row['probability_loss'])}"

    rows = by_technology(table, SECTOR, technologies, cell)
    return TableBlock(name, caption, ["Sector", *(HEADS[t] for t in technologies)], rows, table)


def by_technology(
    table: pd.DataFrame, key: str, technologies: list[str], cell: Callable[[dict[Any, Any]], str]
) -> list[list[str]]:
    """A row per label of ``key``, a cell per technology."""
    cells = {(row[key], row[TECHNOLOGY]): cell(row) for row in table.to_dict("records")}
    named = country_label if key == COUNTRY else str
    return [[named(str(label)), *(cells[label, t] for t in technologies)] for label in dict.fromkeys(table[key])]
