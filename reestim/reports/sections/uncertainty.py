"""What drives the uncertainty of welfare: shares of its variance by source, and which inputs count as known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reestim.counterfactuals.variance import SOURCE
from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.reports.figures import forest
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
from reestim.results.effects import PERCENT
from reestim.results.format import number
from reestim.results.names import country_label, short_name
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import xarray as xr

GROUP = "welfare_variance"
_TITLE = "What drives the uncertainty of welfare"
_NAMES = {
    "sigma": "σ",
    "kappa": "κ",
    "spillover": "ξ",
    "spillover_gap": "ω",
    "trade_elasticity": "ε",
    "element_elasticity": "ρ",
    "diffusion": "ψ",
    "adjustment_rate": "λ",
    "obsolescence": "δ",
    "knowledge_growth": "g",
    "supply_elasticity": "μ",
    "long_run_supply_elasticity": "μ_L",
    "impact_ratio": "s",
    "impact_supply_elasticity": "μ_S",
    "resource_share": "r",
    "element_use": "use of elements",
    "application_sector": "sectors of use",
    "country_use": "countries of use",
    "element_price": "prices",
    "element_output": "mine output",
    "trade": "trade table",
}
_COLORS = dict(
    zip(
        _NAMES,
        (
            *("#005A96", "#E0B050", "#00704F", "#9C7FBF", "#ABABAB", "#B34700", "#7FC7E8", "#5C5C5C"),
            *("#8C510A", "#35978F", "#C51B7D", "#4D4D4D", "#80CDC1", "#D8B365", "#1B4F72", "#76448A"),
            *("#F4A6A6", "#C39BD3", "#7D6608", "#117A65", "#566573"),
        ),
        strict=True,
    )
)
_SHOWN = 4
INPUTS = ("element_use", "application_sector", "country_use", "element_price", "element_output", "trade")


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``welfare_variance``: one row per scenario, technology, country and source: share, share_error (its Monte-Carlo
    standard error), sd_percent (standard deviation of welfare, per cent)."""
    if GROUP not in post.children or SOURCE not in post[GROUP].dims:
        return {}
    ds = post[GROUP].to_dataset()
    ds = ds.assign(sd_percent=PERCENT * ds["sd"])[["share", "share_error", "sd_percent"]]
    table = ds.to_dataframe().reset_index()
    keys = [SCENARIO, TECHNOLOGY, COUNTRY, SOURCE]
    return {GROUP: table.loc[:, [*keys, "share", "share_error", "sd_percent"]]}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """For each scenario: bars of shares, the table, the largest components."""
    if GROUP not in tables:
        why = RunRecord.of(post).left_out.get(GROUP)
        words = f"The variance of welfare is not split among what is uncertain: {why}."
        return Section("uncertainty", _TITLE, [Notes([words])], POSTERIOR) if why else None
    ds = post[GROUP].to_dataset()
    scenarios = [str(s) for s in ds[SCENARIO].values]
    about = ds.attrs
    blocks: list[Block] = [
        Notes(
            [
                "The share of a source is how much the variance of welfare falls when it becomes known, on average "
                "over the orders in which sources can become known (Shapley effects): shares sum to one, interactions "
                "and correlations are in them. A share of next to nothing can come out below zero, within its error. "
                "Welfare is taken in normal scores, so that the long tail of losses does not stand for all. Exact "
                f"equilibria at {about['draws']} of {about['of']} draws; the Monte-Carlo error of each share is in the "
                "table.",
                _known(post),
            ]
        )
    ]
    for name, suffix in suffixes(scenarios).items():
        one = ds.sel({SCENARIO: name})
        blocks += [
            *([Heading(name)] if suffix else []),
            _figure_block(one, f"{GROUP}{suffix}"),
            _table_block(one, f"{GROUP}{suffix}"),
        ]
        blocks.append(Notes([_words(one, str(t)) for t in one[TECHNOLOGY].values]))
    return Section("uncertainty", _TITLE, blocks, POSTERIOR)


def _known(post: xr.DataTree) -> str:
    """Which inputs are drawn, and which count as known."""
    drawn = str(post["inputs"].attrs["sources"]).split(", ") if "inputs" in post.children else []
    exact = "totals of spending and output, input-output coefficients, value added, the policy itself"
    if not drawn:
        return (
            "The data are taken as known: no share below is theirs. Uses of elements, prices, mine output and trade "
            f"count as exact, like {exact}. A study with inputs = drawn has their errors in its bands (docs/inputs.md)."
        )
    rest = [_NAMES[name] for name in INPUTS if name not in drawn]
    return (
        f"Drawn with their stated errors: {', '.join(_NAMES[name] for name in drawn)}. Taken as known: "
        f"{', '.join([*rest, exact])}. Elasticities were estimated at the data as they are."
    )


def _figure_block(ds: xr.Dataset, name: str) -> FigureBlock:
    technologies = [str(t) for t in ds[TECHNOLOGY].values]
    countries = ds[COUNTRY].values.tolist()[::-1]
    figure, panels = forest.panels([len(countries) * 0.8 for _ in technologies])
    shown = [s for s in ds[SOURCE].values.tolist() if float(abs(ds["share"].sel({SOURCE: s})).max()) > 0]
    for axes, technology in zip(panels, technologies, strict=True):
        one = ds.sel({TECHNOLOGY: technology, COUNTRY: countries})
        start = np.zeros(len(countries))
        for source in shown:  # an error can leave a share below zero: its bar is empty
            share = np.maximum(np.nan_to_num(PERCENT * one["share"].sel({SOURCE: source}).values), 0.0)
            axes.barh(range(len(countries)), share, 0.7, left=start, color=_COLORS[source], label=_NAMES[source])
            start = start + share
        axes.set_yticks(range(len(countries)), [forest.plain(short_name(c)) for c in countries], fontsize=8)
        axes.set_title(forest.LABEL_OF_TECHNOLOGY[technology], loc="left", fontsize=9)
        axes.axvline(0.0, color="black", linewidth=0.9)
        axes.set_ylim(-0.6, len(countries) - 0.4)
    panels[-1].set_xlabel("share of the variance of welfare, per cent")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, frameon=False, fontsize=8.5, columnspacing=1.0)
    caption = "Share of each source in the variance of welfare over the draws (σ and ε: all sectors together)."
    return figure_block(figure, name, caption, " ".join(_words(ds, technology) for technology in technologies))


def _table_block(ds: xr.Dataset, name: str) -> TableBlock:
    names = [s for s in ds[SOURCE].values.tolist() if float(abs(ds["share"].sel({SOURCE: s})).max()) > 0]
    rows = []
    for technology in ds[TECHNOLOGY].values.tolist():
        for country in ds[COUNTRY].values.tolist():
            one = ds.sel({TECHNOLOGY: technology, COUNTRY: country})
            shares = [_percent(float(one["share"].sel({SOURCE: s}))) for s in names]
            sd = number(float(f"{PERCENT * float(one['sd']):.2g}"))
            rows.append(
                [f"{country_label(country)}, {technology}", *shares, _percent(float(one["share_error"].max())), sd]
            )
    heads = ["Country, technology", *(_NAMES[s] for s in names), "Largest error", "sd of welfare, %"]
    caption = (
        "Shares of the variance of welfare by source, the largest Monte-Carlo standard error among them, and the "
        "standard deviation over the draws."
    )
    return TableBlock(name, caption, heads, rows, None)


def _words(ds: xr.Dataset, technology: str) -> str:
    """The sources that matter most, averaged over countries."""
    one = ds.sel({TECHNOLOGY: technology})
    mean = one["share"].mean(COUNTRY).to_series().sort_values(ascending=False).head(_SHOWN)
    shares = ", ".join(f"{_NAMES[str(label)]} {_percent(float(share))}" for label, share in mean.items() if share > 0)
    error = _percent(float(one["share_error"].max(SOURCE).median()))
    return (
        f"With {technology} technology the largest shares, mean over countries, are those of {shares} (Monte-Carlo "
        f"error of the least certain share: {error})."
    )


def named(component: str) -> str:
    """A parameter or an input, or one number of it, as pages have it: ``σ[machinery]``."""
    name, bracket, rest = component.partition("[")
    return f"{_NAMES.get(name, name)}{bracket}{rest}"


def _percent(share: float) -> str:
    return f"{round(PERCENT * share) + 0:d} %" if np.isfinite(share) else "not available"
