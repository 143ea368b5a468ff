"""What drives the uncertainty of welfare: shares of its first-order variance, and how much of it that explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from reestim.counterfactuals.variance import COMPONENT, PARAMETER
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

if TYPE_CHECKING:
    import xarray as xr

GROUP = "welfare_variance"
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
    "crowding_out": "χ",  # in runs of the first edition of the model
}
_COLORS = dict(
    zip(
        _NAMES,
        (
            *("#005A96", "#E0B050", "#00704F", "#9C7FBF", "#ABABAB", "#B34700", "#7FC7E8", "#5C5C5C"),
            *("#8C510A", "#35978F", "#C51B7D", "#4D4D4D", "#80CDC1", "#9C7FBF"),
        ),
        strict=True,
    )
)
#: Below this share of the variance a first-order split is only a rough guide.
_ROUGH = 0.8
_COMPONENTS_SHOWN = 5


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``welfare_variance``: one row per scenario, technology, country and parameter (or component of one): share, with
    sd_percent, first_order_sd_percent (standard deviations of welfare, per cent) and explained."""
    if GROUP not in post.children:
        return {}
    ds = post[GROUP].to_dataset()
    about = (PERCENT * ds[["sd", "first_order_sd"]]).rename({k: f"{k}_percent" for k in ("sd", "first_order_sd")})
    about = about.assign(explained=ds["explained"]).to_dataframe()
    parts = [
        ds[name].rename("share").to_dataframe().reset_index(dim).rename(columns={dim: "of"}).assign(kind=dim)
        for dim, name in ((PARAMETER, "share"), (COMPONENT, "component_share"))
    ]
    table = pd.concat(parts).join(about).reset_index()
    first = [SCENARIO, TECHNOLOGY, COUNTRY, "kind", "of", "share"]
    return {GROUP: table.loc[:, [*first, "sd_percent", "first_order_sd_percent", "explained"]]}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """For each scenario: bars of shares, the table, the largest components."""
    if GROUP not in tables:
        return None
    ds = post[GROUP].to_dataset()
    scenarios = [str(s) for s in ds[SCENARIO].values]
    blocks: list[Block] = [
        Notes(
            [
                "First order: the gradient of welfare at the posterior mean of the parameters, with their posterior "
                "covariance. The share of a parameter counts its own variance and its covariance with the others, so "
                "that shares sum to one and one may be negative. What the same linear prediction explains of the "
                "actual variance over the draws stands beside it: where that is well below one, read the shares as a "
                "rough guide."
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
    return Section("uncertainty", "What drives the uncertainty of welfare", blocks, POSTERIOR)


def _figure_block(ds: xr.Dataset, name: str) -> FigureBlock:
    technologies = [str(t) for t in ds[TECHNOLOGY].values]
    countries = ds[COUNTRY].values.tolist()[::-1]
    figure, panels = forest.panels([len(countries) * 0.8 for _ in technologies])
    for axes, technology in zip(panels, technologies, strict=True):
        one = ds.sel({TECHNOLOGY: technology, COUNTRY: countries})
        up, down = np.zeros(len(countries)), np.zeros(len(countries))
        for parameter in ds[PARAMETER].values.tolist():
            share = np.nan_to_num(PERCENT * one["share"].sel({PARAMETER: parameter}).values)
            start = np.where(share >= 0, up, down)
            label = _NAMES[parameter]
            axes.barh(range(len(countries)), share, 0.7, left=start, color=_COLORS[parameter], label=label)
            up, down = up + np.maximum(share, 0.0), down + np.minimum(share, 0.0)
        axes.set_yticks(range(len(countries)), [forest.plain(c) for c in countries], fontsize=8)
        forest.beside(axes, one["explained"].clip(0.0).values, "black", 0.0)
        forest.head(axes, "explained")
        axes.set_title(forest.LABEL[technology], loc="left", fontsize=9)
        axes.axvline(0.0, color="black", linewidth=0.9)
        axes.set_ylim(-0.6, len(countries) - 0.4)
    panels[-1].set_xlabel("share of the first-order variance of welfare, per cent")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, frameon=False, fontsize=8.5, columnspacing=1.0)
    caption = (
        "Share of each parameter in the first-order posterior variance of welfare; at the right what the linear "
        "prediction explains of the variance over the draws."
    )
    said = " ".join(_words(ds, technology) for technology in technologies)
    return figure_block(figure, name, caption, said)


def _table_block(ds: xr.Dataset, name: str) -> TableBlock:
    names = ds[PARAMETER].values.tolist()
    rows = []
    for technology in ds[TECHNOLOGY].values.tolist():
        for country in ds[COUNTRY].values.tolist():
            one = ds.sel({TECHNOLOGY: technology, COUNTRY: country})
            shares = [_percent(float(one["share"].sel({PARAMETER: p}))) for p in names]
            sd = number(float(f"{PERCENT * float(one['sd']):.2g}"))
            rows.append([f"{country}, {technology}", *shares, _percent(float(one["explained"])), sd])
    heads = ["Country, technology", *(_NAMES[p] for p in names), "Explained", "sd of welfare, %"]
    caption = (
        "Shares of the first-order variance of welfare by parameter (σ and ε: all sectors together), the share of the "
        "actual variance that the linear prediction explains, and the standard deviation over the draws."
    )
    return TableBlock(name, caption, heads, rows, None)


def _words(ds: xr.Dataset, technology: str) -> str:
    """The components that matter most, averaged over countries."""
    one = ds.sel({TECHNOLOGY: technology})
    mean = one["component_share"].mean(COUNTRY).to_series().sort_values(ascending=False).head(_COMPONENTS_SHOWN)
    explained = one["explained"].median(COUNTRY)
    said = ", ".join(f"{_symbol(str(label))} {_percent(float(share))}" for label, share in mean.items())
    rough = " The split is only a rough guide." if float(explained) < _ROUGH else ""
    return (
        f"With {technology} technology the largest shares, mean over countries, are those of {said}; the linear "
        f"prediction explains {_percent(float(explained))} of the variance in the median country.{rough}"
    )


def _symbol(label: str) -> str:
    name, bracket, rest = label.partition("[")
    return f"{_NAMES.get(name, name)}{bracket}{rest}"


def _percent(share: float) -> str:
    return f"{PERCENT * share:.0f} %" if np.isfinite(share) else "not available"
