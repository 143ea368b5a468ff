"""Data seen beside data made: patents a year by label, event-study effects, the use of rare earths."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reestim.dims import YEAR
from reestim.estimate import kinds
from reestim.intervals import LEVEL
from reestim.reports.figures import forest

CAPTION = (
    f"What was seen (dots) and what the model makes: median and {100 * LEVEL:.0f} % equal-tailed predictive intervals, "
    "blue after the data, grey before them."
)
_BEFORE, _AFTER = "#C9C9C9", "#005A96"
_COLUMNS, _MOST, _WIDTH = 2, 8, 6.5
#: Letters of a title that a panel is wide enough for.
_LETTERS = 44


def predictive_figure(table: pd.DataFrame) -> Figure | None:
    """One panel a series of ``predictive_table``; None where it holds none."""
    panels = _series(table)[:_MOST]
    if not panels:
        return None
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(_WIDTH, 2.0 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, x, part) in zip(grid.flat, panels, strict=False):
        _panel(axes, x, part)
        axes.set_title(textwrap.fill(forest.plain(title), _LETTERS), fontsize=8)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _series(table: pd.DataFrame) -> list[tuple[str, np.ndarray, pd.DataFrame]]:
    """Panels: title, place of each row on the axis (a year or an event time), rows."""
    out = []
    for name, observed in kinds.observed().items():
        if not observed.panel:
            continue
        own = table.loc[table["evidence"] == name]
        if YEAR in observed.sums:
            own = own.loc[own["statistic"] == observed.sums[YEAR]]
        # "2011, enhancing" where years are summed to, "exports +2" or "USA all 2011" where not
        pattern = r"^(?P<at>\d+), (?P<of>.*)$" if YEAR in observed.sums else r"^(?P<of>.*) (?P<at>[+-]?\d+)$"
        split = own["what"].str.extract(pattern)
        for of in dict.fromkeys(split["of"].dropna()):
            rows = split["of"] == of
            out.append((observed.panel.format(of), split.loc[rows, "at"].astype(int).to_numpy(), own.loc[rows]))
    return out


def _panel(axes: Any, x: np.ndarray, part: pd.DataFrame) -> None:
    order = np.argsort(x)
    x, part = x[order], part.iloc[order]
    for start, colour, alpha, words in (
        ("prior_", _BEFORE, 0.55, "before the data"),
        ("", _AFTER, 0.3, "after the data"),
    ):
        if f"{start}low" in part and np.isfinite(part[f"{start}low"].to_numpy()).all():
            axes.fill_between(
                x, part[f"{start}low"], part[f"{start}high"], color=colour, alpha=alpha, linewidth=0, label=words
            )
            if not start:
                axes.plot(x, part["median"], color=colour, linewidth=1.2)
    axes.plot(x, part["observed"], "o", color="black", markersize=3, label="seen")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    # Before the data anything may be possible: the axis follows what was seen and what is predicted now.
    now = np.concatenate([part["observed"], part["low"], part["high"]])
    low, high = float(now.min()), float(now.max())
    edge = 0.6 * (high - low) or 1.0
    axes.set_ylim(max(low - edge, 0.0) if low >= 0 else low - edge, high + edge)
