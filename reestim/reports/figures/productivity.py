"""Figure of growth accounting: average growth of output by source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_SHOWN = 20
CAPTION = (
    "Average growth of output a year by source, per cent: contributions of the inputs (mean cost share times growth) "
    "and total factor productivity add up to the growth of output (diamond). Measured, not estimated: no interval."
)
_COLORS = ("#4C8CBF", "#005A96", "#8A8A8A", "#B34700", "#00704F")


def means_of(accounting: xr.Dataset) -> pd.DataFrame:
    """Average growth a year by country and sector, log points (``productivity.average_growth``)."""
    from reestim.evidence.productivity import as_table, average_growth

    return average_growth(as_table(accounting))


def productivity_figure(means: pd.DataFrame) -> Figure:
    """Stacked bars, one series a row; of more than twenty series those with the largest TFP growth either way."""
    size: Any = means["tfp_growth"].abs()
    order: Any = size.sort_values(ascending=False, kind="stable").index[:_SHOWN]
    rows: Any = means.loc[sorted(order)]
    parts = [name for name in means.columns if str(name).endswith("_contribution")] + ["tfp_growth"]
    figure = Figure(figsize=(8.0, 1.3 + 0.34 * len(rows)), layout="constrained")
    axes = figure.subplots()
    up, down = np.zeros(len(rows)), np.zeros(len(rows))
    place = range(len(rows))
    for name, color in zip(parts, [*_COLORS[: len(parts) - 1], _COLORS[-1]], strict=True):
        value = 100 * rows[name].fillna(0.0).to_numpy(float)
        start = np.where(value >= 0, up, down)
        label = str(name).removesuffix("_contribution").removesuffix("_growth")
        axes.barh(place, value, left=start, color=color, label=label.upper() if label == "tfp" else label)
        up, down = up + np.maximum(value, 0.0), down + np.minimum(value, 0.0)
    growth = 100 * rows["output_growth"]
    axes.plot(growth, place, "D", color="black", markersize=4, label="output")
    names = [
        f"{country} {sector}".replace("$", r"\$")
        for country, sector in zip(rows["country"], rows["sector"], strict=True)
    ]
    axes.set_yticks(place, names)
    axes.invert_yaxis()
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("per cent a year")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=6, frameon=False, fontsize=8)
    return figure


def alt_text(means: pd.DataFrame) -> str:
    """TFP growth of the series in a sentence, for readers who do not see the figure."""
    rows = means.head(_SHOWN).to_dict("records")
    return "TFP growth, per cent a year: " + "; ".join(
        f"{r['country']} {r['sector']} {100 * r['tfp_growth']:.2f}" for r in rows
    )
