"""Ranks as pictures: the ECDF of each variable's ranks less the diagonal, in a simultaneous band, and rank counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from reestim.calibration.summary import SIMULATION
from reestim.dims import DRAW
from reestim.intervals import LEVEL, ends
from reestim.reports.figures.forest import plain

#: Variables with more elements than this (effects of each country and sector) are in the table only.
_MOST = 16
_COLUMNS, _BINS = 4, 10
_BLUE, _GREY = "#005A96", "#D0D0D0"


def displayed_variables(pit: xr.Dataset) -> list[str]:
    """Variables that the figures show."""
    return [
        str(n) for n in pit.data_vars if np.prod([pit[n].sizes[d] for d in pit[n].dims if d != SIMULATION]) <= _MOST
    ]


def ecdf_figure(pit: xr.Dataset) -> Figure:
    """One panel a variable, one line an element, the band of 90 % simultaneous for each line."""
    from arviz_stats.ecdf_utils import ecdf_pit

    count = pit.sizes[SIMULATION]
    points, _, low, high = ecdf_pit(np.linspace(0, 1, count), LEVEL, 1000, rng=np.random.default_rng(0))

    def panel(axes: Any, elements: np.ndarray) -> None:
        axes.fill_between(points, low - points, high - points, color=_GREY, linewidth=0)
        axes.axhline(0, color="#767676", linewidth=0.6)
        for u in elements.T:
            curve = np.searchsorted(np.sort(u), points, side="right") / count
            axes.plot(points, curve - points, color=_BLUE, linewidth=0.9, alpha=0.7, drawstyle="steps-post")

    title = (
        f"ECDF of fractional ranks less the diagonal, {count} simulations; grey: simultaneous {100 * LEVEL:.0f} % band"
    )
    return _grid(pit, panel, title)


def rank_figure(pit: xr.Dataset) -> Figure:
    """Counts of ranks in ten bins, all elements of a variable, against the 90 % band of one bin."""
    count = pit.sizes[SIMULATION]

    def panel(axes: Any, elements: np.ndarray) -> None:
        total = elements.size
        low, high = stats.binom.ppf(ends(), count, 1 / _BINS) * (total / count)
        axes.axhspan(low, high, color=_GREY, linewidth=0)
        axes.hist(elements.ravel(), bins=np.linspace(0, 1, _BINS + 1), color=_BLUE, alpha=0.8)

    title = f"Fractional ranks, {count} simulations; grey: 90 % band of one bin, as if elements moved together"
    return _grid(pit, panel, title)


def recovery_figure(draws: xr.Dataset, truth: xr.Dataset, shown: Sequence[str]) -> Figure:
    """Truth (across) against the posterior's median and 90 % interval (up), one panel a variable, all simulations."""
    count = truth.sizes[SIMULATION]
    low, median, high = (draws[list(shown)].quantile(q, DRAW) for q in (ends()[0], 0.5, ends()[1]))

    def panel(axes: Any, name: str) -> None:
        x, y, below, above = (
            d[name].transpose(SIMULATION, *(k for k in truth[name].dims if k != SIMULATION)).values.ravel()
            for d in (truth, median, low, high)
        )
        finite = np.isfinite(x) & np.isfinite(y)
        x, y, below, above = x[finite], y[finite], below[finite], above[finite]
        axes.vlines(x, below, above, color=_BLUE, linewidth=0.5, alpha=0.25)
        axes.plot(x, y, ".", color=_BLUE, markersize=2.5)
        axes.axline((float(x.mean()), float(x.mean())), slope=1.0, color="#767676", linewidth=0.6)

    title = f"Truth (across) and posterior: median and equal-tailed 90 % interval (up), {count} simulations"
    return _panels(list(shown), panel, title)


def _grid(pit: xr.Dataset, panel: Any, title: str) -> Figure:
    def of_variable(axes: Any, name: str) -> None:
        values = pit[name].transpose(SIMULATION, ...).values.reshape(pit.sizes[SIMULATION], -1)
        panel(axes, values[:, np.isfinite(values).all(axis=0)])

    return _panels(displayed_variables(pit), of_variable, title)


def _panels(names: Sequence[str], panel: Callable[[Any, str], None], title: str) -> Figure:
    rows = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(2.6 * _COLUMNS, 1.9 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for one, name in zip(axes, names, strict=False):
        panel(one, name)
        one.set_title(plain(name), fontsize=8)
        one.tick_params(labelsize=6)
        one.spines[["top", "right"]].set_visible(False)
    for one in axes[len(names) :]:
        one.set_visible(False)
    figure.suptitle(title, fontsize=9)
    return figure
