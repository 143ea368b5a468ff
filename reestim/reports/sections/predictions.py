"""What the model predicts, before and after it saw the data: the data themselves, and welfare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from reestim.checks import predictive, prior_welfare
from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.intervals import LEVEL, MEDIAN_AND_ENDS
from reestim.reports.section import POSTERIOR, Block, Notes, Section, TableBlock, figure_block
from reestim.results.format import number, with_interval
from reestim.results.names import country_label

if TYPE_CHECKING:
    import xarray as xr

CHECKS, COVERAGE = "predictive_checks", "predictive_coverage"
WELFARE, SOLVED = "welfare_prior_posterior", "prior_draws_solved"


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``predictive_checks``, ``predictive_coverage``, ``welfare_prior_posterior`` and ``prior_draws_solved``, as far as
    the run has them."""
    out: dict[str, pd.DataFrame] = {}
    if predictive.POSTERIOR in post.children and predictive.OBSERVED in post.children:
        out |= {CHECKS: predictive.predictive_table(post), COVERAGE: predictive.coverage_table(post)}
    if prior_welfare.GROUP in post.children and prior_welfare.AFTER in post.children:
        out |= {WELFARE: prior_welfare.welfare_table(post), SOLVED: prior_welfare.solved_table(post)}
    return out


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Data seen beside data made, how many lie inside the predictive intervals, welfare at draws of the prior."""
    blocks: list[Block] = []
    if CHECKS in tables:
        from reestim.reports.figures import predictions as figure

        words = predictive.sentences(tables[CHECKS], tables[COVERAGE])[0]
        shown = figure.predictive_figure(tables[CHECKS])
        if shown is not None:
            blocks.append(figure_block(shown, "predictions", figure.CAPTION, " ".join(words)))
        blocks += [_coverage(tables[COVERAGE]), Notes(words)]
    if WELFARE in tables:
        blocks += [_welfare(tables[WELFARE]), Notes(prior_welfare.sentences(tables[WELFARE], tables[SOLVED]))]
    if not blocks:
        return None
    return Section("predictions", "What the model predicts, before and after the data", blocks, POSTERIOR)


def _coverage(table: pd.DataFrame) -> TableBlock:
    names = ("inside_50", "inside_90", "prior_inside_90")
    rows = [
        [predictive.in_words(row["evidence"]), f"{row['observations']:,}", *(_percent(row.get(name)) for name in names)]
        for row in table.to_dict("records")
    ]
    caption = (
        "Share of what was seen inside the equal-tailed intervals of data that the model makes, at draws of the "
        "posterior and of the prior. At least the interval's own share is good; counts take few values, so "
        "that more lie inside."
    )
    heads = ["Evidence", "Observations", "Inside 50 %", "Inside 90 %", "Inside 90 % before the data"]
    return TableBlock(COVERAGE, caption, heads, rows)


def _percent(share: Any) -> str:
    return f"{100 * share:.0f} %" if pd.notna(share) else "not available"


def _welfare(table: pd.DataFrame) -> TableBlock:
    several = len(set(table[SCENARIO])) > 1
    rows = [
        [
            *([str(row[SCENARIO])] if several else []),
            country_label(str(row[COUNTRY])),
            str(row[TECHNOLOGY]),
            with_interval(*(row[f"prior_{k}"] for k in MEDIAN_AND_ENDS)),
            with_interval(*(row[k] for k in MEDIAN_AND_ENDS)),
            number(row["width_ratio"]),
        ]
        for row in table.to_dict("records")
    ]
    caption = (
        "Welfare before and after the data, per cent of real income: the same scenario solved at draws of the prior "
        f"and of the posterior. Brackets: {100 * LEVEL:.0f} % equal-tailed intervals."
    )
    scenario = ["Scenario"] if several else []
    heads = [*scenario, "Country", "Technology", "Prior", "Posterior", "Width, posterior / prior"]
    return TableBlock(WELFARE, caption, heads, rows)
