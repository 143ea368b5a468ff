"""Fans: a panel a label, the years across, the median with bands of 50 and 90 %."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reestim.dims import YEAR
from reestim.reports.figures.forest import COLOR, plain
from reestim.reports.section import FigureBlock, figure_block
from reestim.results.effects import quantiles
from reestim.results.format import number

_INK = "#3D3D6B"
_ACROSS, _WIDTH, _HEIGHT = 2, 5.2, 1.5  # panels beside one another, inches of the figure and of a row


def fans(
    draws: xr.DataArray, dim: str, name: str, caption: str, unit: str, ends: Mapping[str, xr.DataArray] | None = None
) -> FigureBlock:
    """``draws`` over (chain, draw, year, dim). ``ends``: by technology, static values to mark at the right (dim)."""
    labels = draws[dim].values.tolist()
    rows = -(-len(labels) // _ACROSS)
    figure = Figure(figsize=(_WIDTH, 0.4 + _HEIGHT * rows), layout="constrained")
    panels = figure.subplots(rows, _ACROSS, squeeze=False, sharex=True).ravel()
    wide, narrow = quantiles(draws), quantiles(draws, 0.5)
    years = draws[YEAR].values
    for axes, label in zip(panels, labels, strict=False):
        outer, inner = wide.sel({dim: label}), narrow.sel({dim: label})
        axes.fill_between(years, outer["low"], outer["high"], color=_INK, alpha=0.18, linewidth=0)
        axes.fill_between(years, inner["low"], inner["high"], color=_INK, alpha=0.35, linewidth=0)
        axes.plot(years, outer["median"], color=_INK, linewidth=1.6)
        axes.axhline(0.0, color="black", linewidth=0.8)
        for technology, value in (ends or {}).items():
            level = float(value.sel({dim: label}))
            axes.plot([years[-1] + 0.15, years[-1] + 0.6], [level, level], color=COLOR[technology], linewidth=2.4)
        axes.set_title(plain(label), loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7.5)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
    for axes in panels[len(labels) :]:
        axes.set_axis_off()
    figure.supylabel(unit, fontsize=8.5)
    median = wide["median"]
    medians = "; ".join(
        f"{label}: {_two(median.sel({dim: label}).isel({YEAR: 0}))} in {years[0]}, "
        f"{_two(median.sel({dim: label}).isel({YEAR: -1}))} in {years[-1]}"
        for label in labels
    )
    return figure_block(figure, name, caption, f"Medians, {unit}: {medians}.")


def _two(value: xr.DataArray) -> str:
    return number(float(f"{float(value):.2g}"))
