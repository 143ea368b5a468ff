"""Figure and table rows of exposure to rare earths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reestim.results.format import number
from reestim.results.names import short_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_SHOWN = 12
SECTOR_HEADS = ["sector", "direct", "total", "million US$", "t REO", "main element"]
COUNTRY_HEADS = ["country", "direct", "total", "million US$", "t REO", "main element", "main sector"]
CAPTION = (
    "Exposure to rare earths, per cent of cost. Left: sectors of the world, what they pay for each element themselves "
    "(bars) and what is in everything they buy, through all suppliers (rings). Right: countries, mean over sectors "
    "weighted by output, direct (bars) and total (rings)."
)
_COLORS = (
    "#005A96",
    "#B34700",
    "#00704F",
    "#8A5A00",
    "#6A3D9A",
    "#4C8CBF",
    "#E08E52",
    "#5AA886",
    "#C2A25A",
    "#9C7FBF",
    "#7A7A7A",
)
_ELEMENTS_SHOWN = len(_COLORS) - 1


def exposure_figure(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Bars of the most exposed sectors by element, and of the most exposed countries. ``tables``: exposure_tables."""
    sectors = tables["exposure_sectors"].query("direct > 0").head(_SHOWN)
    countries = tables["exposure_countries"].head(_SHOWN)
    figure = Figure(figsize=(10.0, 1.2 + 0.34 * max(len(sectors), len(countries))), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    by_element: Any = tables["exposure_elements"].pivot_table(index="sector", columns="element", values="direct")
    order = by_element.loc[sectors["sector"]].sum().sort_values(ascending=False).index.tolist()
    shown, rest = order[:_ELEMENTS_SHOWN], order[_ELEMENTS_SHOWN:]
    parts = {name: by_element.loc[sectors["sector"], name].to_numpy() for name in shown}
    if rest:
        parts["others"] = by_element.loc[sectors["sector"], rest].sum(axis=1).to_numpy()
    start = np.zeros(len(sectors))
    for (name, width), color in zip(parts.items(), _COLORS, strict=False):
        left.barh(range(len(sectors)), width, left=start, color=color, label=name)
        start = start + width
    right.barh(range(len(countries)), countries["direct"], color=_COLORS[0])
    for axes, table, key in ((left, sectors, "sector"), (right, countries, "country")):
        axes.plot(
            table["total"], range(len(table)), "o", markerfacecolor="none", markeredgecolor="black", label="total"
        )
        _names(axes, [short_name(str(name)) if key == "country" else str(name) for name in table[key]])
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=6, frameon=False, fontsize=8)
    return figure


def alt_text(tables: Mapping[str, pd.DataFrame]) -> str:
    """The most exposed in a sentence, for readers who do not see the figure."""
    first = tables["exposure_sectors"].head(5).to_dict("records")
    lands = tables["exposure_countries"].head(5).to_dict("records")
    shares = ", ".join(f"{r['sector']} {number(r['direct'], 4)}" for r in first)
    return f"Most exposed sectors: {shares}; countries: {', '.join(short_name(str(r['country'])) for r in lands)}."


def ranking_rows(table: pd.DataFrame) -> list[list[str]]:
    """Rows of a ranking as text, in the order of the heads."""
    rows = []
    for row in table.to_dict("records"):
        cells = [str(row.get("sector", row.get("country"))), number(row["direct"], 5), number(row["total"], 5)]
        cells += [f"{row['value']:,.1f}", f"{row['tonnes']:,.0f}", str(row["main_element"])]
        rows.append([*cells, *([str(row["main_sector"])] if "main_sector" in row else [])])
    return rows


def _names(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("per cent of cost")
    axes.spines[["top", "right"]].set_visible(False)
