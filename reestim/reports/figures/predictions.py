"""Data seen beside data made: patents a year by label, event-study effects, the use of rare earths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reestim.intervals import LEVEL

CAPTION = (
    f"What was seen (dots) and what the model makes: median and {100 * LEVEL:.0f} % equal-tailed predictive intervals, "
    "blue after the data, grey before them."
)
_BEFORE, _AFTER = "#C9C9C9", "#005A96"
#: Series in log points, and how their titles begin.
_IN_LOGS = (("event_estimate", "log points, effect on"), ("use_share_change", "log points, change of use:"))
_COLUMNS, _MOST, _WIDTH = 2, 8, 6.5


def predictive_figure(table: pd.DataFrame) -> Figure | None:
    """One panel a series of ``predictive_table``; None where it holds none."""
    panels = _series(table)[:_MOST]
    if not panels:
        return None
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(_WIDTH, 1.9 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, x, part) in zip(grid.flat, panels, strict=False):
        _panel(axes, x, part)
        axes.set_title(title, fontsize=9)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _series(table: pd.DataFrame) -> list[tuple[str, np.ndarray, pd.DataFrame]]:
    """Panels: title, place of each row on the axis (a year or an event time), rows."""
    out = []
    yearly = table.loc[table["statistic"] == "patents a year"]
    if len(yearly):
        split = yearly["what"].str.split(", ", n=1, expand=True)
        for label in dict.fromkeys(split[1]):
            own = split[1] == label
            out.append((f"patents labelled {label}, a year", split.loc[own, 0].astype(int).to_numpy(), yearly.loc[own]))
    for evidence, words in _IN_LOGS:
        part = table.loc[table["evidence"] == evidence]
        split = part["what"].str.extract(r"^(?P<of>.*) (?P<at>[+-]?\d+)$")
        for of in dict.fromkeys(split["of"].dropna()):
            own = split["of"] == of
            out.append((f"{words} {of}", split.loc[own, "at"].astype(int).to_numpy(), part.loc[own]))
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
