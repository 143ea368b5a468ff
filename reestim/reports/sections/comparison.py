"""Scenarios beside one another: the same draws went through all, so that differences are exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from reestim.counterfactuals.difference import scenario_difference
from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.intervals import SURE
from reestim.reports.figures import forest
from reestim.reports.section import POSTERIOR, FigureBlock, Section, TableBlock, figure_block
from reestim.results import tables as tidy
from reestim.results.effects import (
    BRACKETS,
    DIRECTED,
    FIXED,
    PERCENT,
    economy_of,
    effects,
    income,
    money_unit,
    quantiles,
    restrictors,
)
from reestim.results.format import percent, with_interval
from reestim.results.policies import PAIRS, pairs_as_text, policy_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Of a run with several scenarios ``scenarios`` (the world's welfare and who loses in each),
    ``scenario_differences`` (against the first, by country) and ``policy_pairs`` (which of two is better)."""
    if "counterfactual" not in post.children or post["counterfactual"].sizes[SCENARIO] < 2:
        return {}
    return {
        "scenarios": _overview(post),
        "scenario_differences": _comparison_table(post),
        "policy_pairs": policy_pairs(post),
    }


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Overview, differences by country as a forest and as a table."""
    if "scenarios" not in tables:
        return None
    first = scenarios_of(post)[0]
    blocks = [
        _overview_block(tables["scenarios"]),
        _figure_block(post, first),
        _differences_block(tables["scenario_differences"], first),
        TableBlock("policy_pairs", PAIRS, *pairs_as_text(tables["policy_pairs"])),
    ]
    return Section("scenarios", "Scenarios compared", blocks, POSTERIOR)


def scenarios_of(post: xr.DataTree) -> list[str]:
    """Names of the scenarios of a run with a counterfactual."""
    return [str(name) for name in post["counterfactual"].to_dataset()[SCENARIO].values]


def welfare_differences(post: xr.DataTree) -> xr.DataArray:
    """Per cent by which real income is higher in each scenario than in the first, over (scenario, technology, chain,
    draw, country)."""
    first, *others = scenarios_of(post)
    parts = [scenario_difference(post, name, first)["welfare"] for name in others]
    change: xr.DataArray = PERCENT * xr.ufuncs.expm1(xr.concat(parts, xr.IndexVariable(SCENARIO, others)))
    return change


def _overview(post: xr.DataTree) -> pd.DataFrame:
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    change, worth = effects(ds, "welfare"), income(economy)
    world = (change * worth).sum(COUNTRY, skipna=False) / worth.sum()
    table = tidy.rows_of(world, [SCENARIO, TECHNOLOGY])
    for name in ("median", "low", "high"):
        table[f"{name}_money"] = table[f"{name}_percent"] / PERCENT * float(worth.sum())
    welfare = tidy.welfare(post)
    by = welfare.groupby([SCENARIO, TECHNOLOGY], sort=False)
    sure = by["probability_loss"].agg(
        losers=lambda p: int((p > SURE).sum()), gainers=lambda p: int((p < 1 - SURE).sum())
    )
    with_median = welfare.loc[welfare["median_percent"].notna()]  # a scenario may have no solved draw
    worst = with_median.loc[with_median.groupby([SCENARIO, TECHNOLOGY], sort=False)["median_percent"].idxmin()]
    lowest = worst.set_index([SCENARIO, TECHNOLOGY])[COUNTRY].rename("lowest")
    table = table.join(sure, on=[SCENARIO, TECHNOLOGY]).join(lowest, on=[SCENARIO, TECHNOLOGY])
    table["lowest"] = table["lowest"].fillna("none solved")
    return table.assign(money_unit=money_unit(economy))


def _comparison_table(post: xr.DataTree) -> pd.DataFrame:
    economy = economy_of(post)
    table = tidy.rows_of(welfare_differences(post), [SCENARIO, COUNTRY, TECHNOLOGY])
    worth = income(economy).to_series().loc[table[COUNTRY]].to_numpy()
    for name in ("median", "low", "high"):
        table[f"{name}_money"] = table[f"{name}_percent"] / PERCENT * worth
    table.insert(1, "against", scenarios_of(post)[0])
    return table.rename(columns={"probability_loss": "probability_lower"}).assign(money_unit=money_unit(economy))


def _overview_block(table: pd.DataFrame) -> TableBlock:
    unit = str(table["money_unit"].iloc[0])
    rows = []
    for r in table.loc[table[TECHNOLOGY].isin([FIXED, DIRECTED])].to_dict("records"):
        change = with_interval(r["median_percent"], r["low_percent"], r["high_percent"])
        money = with_interval(r["median_money"], r["low_money"], r["high_money"])
        rows.append(
            [f"{r[SCENARIO]}, {r[TECHNOLOGY]}", change, money, str(r["losers"]), str(r["gainers"]), r["lowest"]]
        )
    caption = (
        f"The world in each scenario: sum of welfare over countries, per cent of world income and {unit} a year; "
        f"countries that lose, and that gain, with a probability above {100 * SURE:.0f} %; the country with the "
        f"lowest median. {BRACKETS}"
    )
    heads = ["Scenario, technology", "World, %", f"World, {unit}", "Lose", "Gain", "Lowest"]
    return TableBlock("scenarios", caption, heads, rows)


def _differences_block(table: pd.DataFrame, first: str) -> TableBlock:
    unit = str(table["money_unit"].iloc[0])
    cells = {}
    for r in table.to_dict("records"):
        change = with_interval(r["median_percent"], r["low_percent"], r["high_percent"], "%")
        money = with_interval(r["median_money"], r["low_money"], r["high_money"], unit)
        cells[r[COUNTRY], r[TECHNOLOGY], r[SCENARIO]] = f"{change}\n{money}\nP(lower) {percent(r['probability_lower'])}"
    scenarios = [str(s) for s in dict.fromkeys(table[SCENARIO])]
    keys = dict.fromkeys(zip(table[COUNTRY], table[TECHNOLOGY], strict=True))
    rows = [[f"{c}, {t}", *(cells[c, t, s] for s in scenarios)] for c, t in keys]
    caption = (
        f"Real income in each scenario against {first}, draw by draw: per cent; below it {unit} a year and the "
        f"probability that it is lower. {BRACKETS}"
    )
    return TableBlock("scenario_differences", caption, ["Country, technology", *scenarios], rows)


def _figure_block(post: xr.DataTree, first: str) -> FigureBlock:
    draws, economy = welfare_differences(post), economy_of(post)
    technologies = draws[TECHNOLOGY].values.tolist()
    technology = DIRECTED if DIRECTED in technologies else technologies[0]
    draws = draws.sel({TECHNOLOGY: technology})
    scenarios = [str(s) for s in draws[SCENARIO].values]
    ds = post["counterfactual"].to_dataset()
    inside = {c for name in [first, *scenarios] for c in restrictors(ds, name, economy)}
    groups = [[c for c in economy.countries if (c in inside) == apart] for apart in (True, False)]
    return _forest(draws, [group for group in groups if group], scenarios, technology, first)


def _forest(
    draws: xr.DataArray, groups: Sequence[list[str]], scenarios: list[str], technology: str, first: str
) -> FigureBlock:
    step = 0.8 / len(scenarios)
    figure, panels = forest.panels([len(group) * max(1.0, 0.55 * len(scenarios)) for group in groups])
    for axes, group in zip(panels, groups, strict=True):
        for k, name in enumerate(scenarios):
            part = draws.sel({SCENARIO: name, COUNTRY: group[::-1]})
            offset = 0.4 - step * (k + 0.5) if len(scenarios) > 1 else 0.0
            forest.forest(axes, part, COUNTRY, forest.COLORS[k % len(forest.COLORS)], forest.plain(name), offset)
        axes.axvline(0.0, color="black", linewidth=0.9)
    panels[-1].set_xlabel(f"per cent of real income, against {forest.plain(first)}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=1, frameon=False, fontsize=8.5)
    caption = (
        f"Real income in each scenario against {first}, {forest.LABEL_OF_TECHNOLOGY[technology]}; {forest.BANDS} of "
        "the differences draw by draw."
    )
    median = quantiles(draws)["median"]
    medians = "; ".join(
        f"{name}: "
        + ", ".join(f"{c} {float(median.sel({SCENARIO: name, COUNTRY: c})):.2g}" for c in median[COUNTRY].values)
        for name in scenarios
    )
    return figure_block(figure, "scenario_differences", caption, f"Medians, per cent: {medians}.")
