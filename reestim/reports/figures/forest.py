"""Forests: medians with 50 and 90 % equal-tailed intervals. No display, no global state of matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from reestim.dims import COUNTRY, TECHNOLOGY
from reestim.reports.section import FigureBlock, figure_block
from reestim.results.effects import CONTRIBUTION, DIRECTED, FIXED, probability, quantiles
from reestim.results.format import number, percent
from reestim.results.names import short_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours that colour-blind readers tell apart, with enough contrast on white (Okabe and Ito's palette).
COLOR = {FIXED: "#B34700", DIRECTED: "#005A96", CONTRIBUTION: "#00704F", "posterior": "#005A96", "prior": "#767676"}
#: For things without a colour of their own, told apart in the same way.
COLORS = ("#005A96", "#B34700", "#00704F", "#6A3D9A", "#7A6000", "#A0306A")
LABEL_OF_TECHNOLOGY = {
    FIXED: "fixed technology",
    DIRECTED: "directed technology",
    CONTRIBUTION: "contribution of directed technology",
}
BANDS = "median, 50 and 90 % equal-tailed intervals"
#: Inches; narrow, so that letters are large enough where a phone shows the whole width.
_WIDTH, _ROW = 5.2, 0.3
#: Inches of a picture that fills a slide (16 to 9), and how many countries of a group have room on it.
_SLIDE, _ON_SLIDE = (9.6, 5.4), 10


def plain(label: object) -> str:
    """A label as it is: a dollar sign starts no formula."""
    return str(label).replace("$", r"\$")


def panels(rows: Sequence[float], size: tuple[float, float] | None = None) -> tuple[Figure, list[Axes]]:
    """A figure of panels below one another, each as high as its number of rows, or all together of a ``size``."""
    height = 1.15 + _ROW * sum(max(r, 1) for r in rows) + 0.3 * (len(rows) - 1)
    figure = Figure(figsize=size or (_WIDTH, height), layout="constrained")
    axes = figure.subplots(len(rows), 1, squeeze=False, height_ratios=[max(r, 1) + 0.5 for r in rows])
    for one in axes[:, 0]:
        one.spines[["top", "right", "left"]].set_visible(False)
        one.tick_params(axis="y", length=0)
        one.grid(axis="x", color="#E4E4E4", linewidth=0.7)
        one.set_axisbelow(True)
    return figure, list(axes[:, 0])


def legend(figure: Figure, axes: Axes) -> None:
    """One legend above all panels."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 3), frameon=False, fontsize=8.5)


def forest(axes: Axes, draws: xr.DataArray, dim: str, color: str, label: str, offset: float = 0.0) -> None:
    """One series: a thick bar of 50 %, a thin one of 90 %, a marker at the median, by label of ``dim``."""
    wide, narrow = quantiles(draws), quantiles(draws, 0.5)
    y = np.arange(draws.sizes[dim]) + offset
    axes.hlines(y, wide["low"], wide["high"], color=color, linewidth=1.2)
    axes.hlines(y, narrow["low"], narrow["high"], color=color, linewidth=3.4)
    marker = "o" if offset >= 0 else "s"
    axes.plot(wide["median"], y, marker, markersize=5, color=color, markeredgecolor="white", label=label)
    named = short_name if dim == COUNTRY else str
    axes.set_yticks(np.arange(draws.sizes[dim]), [plain(named(str(name))) for name in draws[dim].values])
    axes.set_ylim(-0.6, draws.sizes[dim] - 0.4)


def by_technology(
    axes: Axes, draws: xr.DataArray, dim: str, technologies: Sequence[str], sign: str = "", gap: float = 0.17
) -> None:
    """A forest of each technology around zero; ``sign`` heads a column with the probability of a negative change."""
    offsets = [0.0] if len(technologies) == 1 else [gap, -gap]
    for technology, offset in zip(technologies, offsets, strict=True):
        part = draws.sel({TECHNOLOGY: technology})
        forest(axes, part, dim, COLOR[technology], LABEL_OF_TECHNOLOGY[technology], offset)
        if sign:
            beside(axes, probability(part, part < 0).values, COLOR[technology], offset)
    if sign:
        head(axes, sign)
    axes.axvline(0.0, color="black", linewidth=0.9)


def beside(axes: Axes, probabilities: np.ndarray, color: str, offset: float) -> None:
    """Probabilities in a column at the right of a forest, row by row."""
    for y, p in enumerate(probabilities):
        axes.annotate(
            percent(float(p)),
            (1.015, y + offset),
            xycoords=("axes fraction", "data"),
            color=color,
            fontsize=8,
            va="center",
            annotation_clip=False,
        )


def head(axes: Axes, words: str) -> None:
    """What stands at the right of a forest."""
    axes.annotate(words, (1.015, 1.0), xycoords="axes fraction", fontsize=8, va="bottom", annotation_clip=False)


def countries_forest(
    draws: xr.DataArray,
    technologies: Sequence[str],
    groups: Sequence[Sequence[str]],
    name: str,
    caption: str,
    unit: str,
    sign: str = "P(loss)",
    slide: bool = False,
) -> FigureBlock:
    """One panel per group of countries, each with its own scale, countries sorted by what happens to them first.

    ``slide``: the size of a slide, the countries that change most, and only a file.
    """
    groups = [list(group) for group in groups if group]
    if slide:
        size = abs(quantiles(draws.sel({TECHNOLOGY: technologies[0]}))["median"]).fillna(0.0).to_series()
        groups = [list(size.loc[group].nlargest(_ON_SLIDE).index) for group in groups]
    figure, axes = panels(
        [len(group) * (1.4 if len(technologies) > 1 else 1.0) for group in groups], _SLIDE if slide else None
    )
    for one, group in zip(axes, groups, strict=True):
        part = draws.sel({COUNTRY: group})
        median = quantiles(part.sel({TECHNOLOGY: technologies[0]}))["median"]
        order = np.argsort(-median.fillna(0.0).to_numpy())
        by_technology(one, part.isel({COUNTRY: order}), COUNTRY, technologies, sign, gap=0.22 if slide else 0.17)
    axes[-1].set_xlabel(unit)
    legend(figure, axes[0])
    block = figure_block(figure, name, caption, alt_text(draws.sel({TECHNOLOGY: list(technologies)}), COUNTRY))
    return replace(block, slide=slide)


def alt_text(draws: xr.DataArray, dim: str, names: Mapping[str, str] | None = None) -> str:
    """The medians in a sentence, for readers who do not see the figure."""
    median = quantiles(draws)["median"]
    parts = []
    for label in draws[dim].values:
        values = [
            f"{(names or {}).get(t, t)} {number(float(f'{float(median.sel({dim: label, TECHNOLOGY: t})):.2g}'))}"
            for t in draws[TECHNOLOGY].values
        ]
        parts.append(f"{short_name(str(label)) if dim == COUNTRY else label}: {', '.join(values)}")
    return "Medians: " + "; ".join(parts) + "."
