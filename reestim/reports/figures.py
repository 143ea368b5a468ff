"""The report's figures: forests of medians with 50 and 90 % intervals. No display, no global state of matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from reestim.dims import COUNTRY, SCENARIO, SECTOR, TECHNOLOGY
from reestim.files import slug
from reestim.reports.effects import (
    CONTRIBUTION,
    DIRECTED,
    FIXED,
    economy_of,
    effects,
    exports_outside,
    quantiles,
    restrictors,
)
from reestim.reports.evidence import evidence_pictures
from reestim.reports.images import image
from reestim.reports.tables import BASIS_POINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours that colour-blind readers tell apart, with enough contrast on white (Okabe and Ito's palette).
COLOR = {FIXED: "#B34700", DIRECTED: "#005A96", CONTRIBUTION: "#00704F", "posterior": "#005A96", "prior": "#8A8A8A"}
LABEL = {
    FIXED: "fixed technology",
    DIRECTED: "directed technology",
    CONTRIBUTION: "contribution of directed technology",
}
_WIDTH, _ROW = 7.2, 0.36


@dataclass(frozen=True)
class Picture:
    """A figure as a file: its name without suffix, the PNG, what it shows (``alt``), and a caption."""

    name: str
    png: bytes
    alt: str
    caption: str


def all_pictures(post: xr.DataTree) -> list[Picture]:
    """Every figure that this run can fill."""
    pictures = [elasticities(post)] if "sigma" in post["posterior"].data_vars else []
    if "counterfactual" in post.children:
        scenarios = [str(s) for s in post["counterfactual"].to_dataset()[SCENARIO].values]
        for scenario in scenarios:
            suffix = f"-{slug(scenario)}" if len(scenarios) > 1 else ""
            pictures += counterfactual_pictures(post, scenario, suffix)
    return pictures + evidence_pictures(post)


def elasticities(post: xr.DataTree) -> Picture:
    """σ by sector, prior against posterior, with the line σ = 1 between complements and substitutes."""
    sigma = post["posterior"].to_dataset()["sigma"]
    order = quantiles(sigma)["median"].to_series().sort_values(ascending=False).index.tolist()
    figure, (axes,) = _figure([float(len(order))])
    if "prior" in post.children and "sigma" in post["prior"].data_vars:
        prior = post["prior"].to_dataset()["sigma"].sel({SECTOR: order})
        _forest(axes, prior, SECTOR, "prior", "prior", offset=0.18)
    _forest(axes, sigma.sel({SECTOR: order}), SECTOR, "posterior", "posterior", offset=-0.12)
    axes.axvline(1.0, color="black", linewidth=0.9, linestyle="--")
    # A prior far wider than the posterior would squeeze it into a dot: the axis follows the posterior.
    furthest = 1.6 * max(float(quantiles(sigma)["high"].max()), 1.0)
    axes.set_xlim(0.0, min(furthest, axes.get_xlim()[1]))
    axes.set_xlabel("elasticity of substitution σ (dashed: σ = 1; left of it rare earths are complements)")
    _legend(figure, axes)
    caption = (
        "Elasticity of substitution between rare earths and other inputs by sector: median, 50 and 90 % equal-tailed "
        "intervals, posterior and prior."
    )
    below = int((quantiles(sigma)["high"] < 1).sum())
    alt = f"{caption} The 90 % interval lies wholly below one in {below} of {len(order)} sectors."
    return Picture("elasticities", image(figure), alt, caption)


def counterfactual_pictures(post: xr.DataTree, scenario: str, suffix: str = "") -> list[Picture]:
    """Welfare by country, its part from directed technology, and exports of exposed sectors, in basis points."""
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    welfare = effects(ds, "welfare").sel({SCENARIO: scenario}) * BASIS_POINTS
    exports = exports_outside(ds, scenario, economy) * BASIS_POINTS
    technologies = [t for t in (FIXED, DIRECTED) if t in welfare[TECHNOLOGY].values]
    inside = restrictors(ds, scenario, economy)
    outside = [c for c in economy.countries if c not in inside]
    named = ", ".join(inside) or "nobody"
    bands = "median, 50 and 90 % equal-tailed intervals"
    pictures = [
        _countries(welfare, technologies, [inside, outside], f"welfare{suffix}", f"Change of welfare (real income) by "
                   f"country, in basis points; {bands}. {named} on a scale of its own."),
    ]  # fmt: skip
    if CONTRIBUTION in welfare[TECHNOLOGY].values:
        words = f"What directed technology contributes to welfare (directed minus fixed, draw by draw); {bands}."
        pictures.append(_countries(welfare, [CONTRIBUTION], [inside, outside], f"contributions{suffix}", words))
    if exports.sizes[SECTOR]:
        figure, (axes,) = _figure([exports.sizes[SECTOR] * 1.4])
        _several(axes, exports.isel({SECTOR: slice(None, None, -1)}), SECTOR, technologies)
        axes.set_xlabel("change of exports, basis points")
        _legend(figure, axes)
        words = f"Exports of the sectors that use most rare earths, all countries but {named} together; {bands}."
        pictures.append(Picture(f"exports{suffix}", image(figure), f"{words} {_spoken(exports, SECTOR)}", words))
    return pictures


def _countries(
    draws: xr.DataArray, technologies: list[str], groups: list[list[str]], name: str, caption: str
) -> Picture:
    """One panel per group of countries, each with its own scale, countries sorted by what happens to them first."""
    groups = [group for group in groups if group]
    figure, panels = _figure([len(group) * (1.4 if len(technologies) > 1 else 1.0) for group in groups])
    for axes, group in zip(panels, groups, strict=True):
        part = draws.sel({COUNTRY: group})
        median = quantiles(part.sel({TECHNOLOGY: technologies[0]}))["median"]
        _several(axes, part.isel({COUNTRY: np.argsort(-median.fillna(0.0).to_numpy())}), COUNTRY, technologies)
    panels[-1].set_xlabel("basis points (one is 0.01 %)")
    _legend(figure, panels[0])
    return Picture(name, image(figure), f"{caption} {_spoken(draws, COUNTRY)}", caption)


def _spoken(draws: xr.DataArray, dim: str) -> str:
    """The medians in a sentence, for readers who do not see the figure."""
    median = quantiles(draws)["median"]
    parts = []
    for label in draws[dim].values:
        values = [f"{t} {float(median.sel({dim: label, TECHNOLOGY: t})):.2g}" for t in draws[TECHNOLOGY].values]
        parts.append(f"{label}: {', '.join(values)}")
    return "Medians: " + "; ".join(parts) + "."


def _figure(rows: list[float]) -> tuple[Figure, list[Axes]]:
    height = 1.15 + _ROW * sum(max(r, 1) for r in rows) + 0.3 * (len(rows) - 1)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(len(rows), 1, squeeze=False, height_ratios=[max(r, 1) + 0.5 for r in rows])
    for one in axes[:, 0]:
        one.spines[["top", "right", "left"]].set_visible(False)
        one.tick_params(axis="y", length=0)
        one.grid(axis="x", color="#E4E4E4", linewidth=0.7)
        one.set_axisbelow(True)
    return figure, list(axes[:, 0])


def _several(axes: Axes, draws: xr.DataArray, dim: str, technologies: list[str]) -> None:
    offsets = [0.0] if len(technologies) == 1 else [0.17, -0.17]
    for technology, offset in zip(technologies, offsets, strict=True):
        _forest(axes, draws.sel({TECHNOLOGY: technology}), dim, technology, LABEL[technology], offset)
    axes.axvline(0.0, color="black", linewidth=0.9)


def _forest(axes: Axes, draws: xr.DataArray, dim: str, color: str, label: str, offset: float) -> None:
    wide, narrow = quantiles(draws), quantiles(draws, 0.5)
    y = np.arange(draws.sizes[dim]) + offset
    axes.hlines(y, wide["low"], wide["high"], color=COLOR[color], linewidth=1.2)
    axes.hlines(y, narrow["low"], narrow["high"], color=COLOR[color], linewidth=3.4)
    marker = "o" if offset >= 0 else "s"
    axes.plot(wide["median"], y, marker, markersize=5, color=COLOR[color], markeredgecolor="white", label=label)
    axes.set_yticks(np.arange(draws.sizes[dim]), [_plain(label) for label in draws[dim].values])
    axes.set_ylim(-0.6, draws.sizes[dim] - 0.4)


def _plain(label: object) -> str:
    """A label as it is: a dollar sign starts no formula."""
    return str(label).replace("$", r"\$")


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
