"""Welfare split into terms of trade, volume of trade, technology and endowments: first order, with what is left named.

Caliendo and Parro's one-step accounting (``equilibrium.welfare.first_order``) is linear; what the exact change of real
income has beyond it is ``higher_order``, so that the parts add up draw by draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.reports.figures import forest
from reestim.reports.section import FigureBlock, TableBlock, figure_block
from reestim.results.effects import DIRECTED, FIXED, PERCENT, quantiles
from reestim.results.format import with_interval
from reestim.results.names import country_label, short_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PART, TOTAL = "part", "welfare"
_FIRST_ORDER = ("terms_of_trade", "volume_of_trade", "technology_effect", "endowment_effect")
_NAMES = {
    "terms_of_trade": "terms of trade",
    "volume_of_trade": "volume of trade",
    "technology_effect": "technology",
    "endowment_effect": "mines and scrap",
    "higher_order": "higher order",
}
_COLORS = dict(zip(_NAMES, ("#4C8CBF", "#E0B050", "#5AA886", "#9C7FBF", "#ABABAB"), strict=True))
#: A part is left out of the figure if it is nowhere a hundredth of the largest.
_VISIBLE = 0.01
#: An error of the first-order accounting above this multiple of the exact change makes it pointless.
_TOO_LARGE = 2.0


def has_parts(ds: xr.Dataset) -> bool:
    """Did this counterfactual keep the accounting?"""
    return set(_FIRST_ORDER) <= set(map(str, ds.data_vars))


def welfare_parts(ds: xr.Dataset) -> xr.DataArray:
    """Per cent of baseline income: ``welfare`` (exact), and the parts that sum to it, over (part, ...)."""
    exact: xr.DataArray = PERCENT * xr.ufuncs.expm1(ds["welfare"].where(ds["solved"]))
    parts = [ds[name].where(ds["solved"]) for name in _FIRST_ORDER]
    rest = exact - sum(parts[1:], parts[0])
    names = [TOTAL, *_FIRST_ORDER, "higher_order"]
    joined = xr.concat([exact, *parts, rest], xr.IndexVariable(PART, names), coords="minimal", compat="override")
    return joined.drop_attrs()


def too_large(draws: xr.DataArray) -> str:
    """Why the split of a scenario is not shown; empty where it is. An embargo makes prices rise a thousandfold, and a
    linear accounting of that says nothing."""
    size = abs(draws.mean((CHAIN, DRAW))).max((COUNTRY, TECHNOLOGY))
    ratio = float(size.sel({PART: "higher_order"}) / size.sel({PART: TOTAL}))
    if not ratio > _TOO_LARGE:
        return ""
    return (
        "Terms of trade, volume of trade and technology are not shown apart: this shock is too large for first-order "
        f"accounting, whose error is {ratio:,.0f} times the exact change of welfare. ree.decompose splits the exact "
        "change along the path to the full shock."
    )


def parts_table(ds: xr.Dataset) -> pd.DataFrame:
    """scenario, country, technology, part; mean_percent (means add up), median_percent, low_percent, high_percent."""
    draws = welfare_parts(ds)
    summary = quantiles(draws).assign(mean=draws.mean((CHAIN, DRAW)))
    keys = [SCENARIO, COUNTRY, TECHNOLOGY, PART]
    table = summary.rename({k: f"{k}_percent" for k in ("mean", "median", "low", "high")}).to_dataframe().reset_index()
    for key in keys:  # the order of the data, not of the alphabet
        table[key] = pd.Categorical(table[key], draws[key].values.tolist())
    table = table.sort_values(keys, ignore_index=True).astype(dict.fromkeys(keys, "str"))
    return table.loc[:, [*keys, "mean_percent", "median_percent", "low_percent", "high_percent"]]


def parts_table_block(table: pd.DataFrame, name: str, brackets: str) -> TableBlock:
    """A row a country and technology, a column a part."""
    cells = {
        (r[COUNTRY], r[TECHNOLOGY], r[PART]): with_interval(r["median_percent"], r["low_percent"], r["high_percent"])
        for r in table.to_dict("records")
    }
    keys = list(dict.fromkeys(zip(table[COUNTRY], table[TECHNOLOGY], strict=True)))
    rows = [[f"{country_label(c)}, {t}", *(cells[c, t, part] for part in (TOTAL, *_NAMES))] for c, t in keys]
    caption = (
        "Change of welfare and its parts, per cent of income. Terms and volume of trade, technology (Domar-weighted "
        "productivity, that of directed research included), mines and scrap: first-order accounting (Caliendo and "
        f"Parro 2015); higher order: what the exact change has beyond it. {brackets}"
    )
    return TableBlock(
        name, caption, ["Country, technology", "Welfare, exact", *(_capital(n) for n in _NAMES.values())], rows, table
    )


def parts_figure_block(draws: xr.DataArray, groups: list[list[str]], name: str) -> FigureBlock:
    """Stacked posterior means by country, a bar a technology; the markers are the exact totals."""
    mean = draws.mean((CHAIN, DRAW))
    technologies = [t for t in (FIXED, DIRECTED) if t in draws[TECHNOLOGY].values]
    size = abs(mean).max((COUNTRY, TECHNOLOGY))
    shown = [p for p in _NAMES if float(size.sel({PART: p})) > _VISIBLE * float(size.max())]
    groups = [group for group in groups if group]
    figure, axes = forest.panels([len(group) * 1.3 for group in groups])
    for one, group in zip(axes, groups, strict=True):
        first = mean.sel({COUNTRY: group, TECHNOLOGY: technologies[0], PART: TOTAL})
        order = [group[k] for k in np.argsort(-first.fillna(0.0).to_numpy())]
        for technology, offset in zip(technologies, [0.0] if len(technologies) == 1 else [0.19, -0.19], strict=True):
            _bars(one, mean.sel({COUNTRY: order, TECHNOLOGY: technology}), shown, technology, offset)
        one.set_yticks(range(len(order)), [forest.plain(short_name(c)) for c in order])
        one.set_ylim(-0.6, len(order) - 0.4)
        one.axvline(0.0, color="black", linewidth=0.9)
    axes[-1].set_xlabel("per cent of income")
    forest.legend(figure, axes[0])
    caption = (
        "Where welfare comes from: posterior means of its first-order parts, upper bar with fixed, lower bar with "
        "directed technology; the markers are the means of the exact changes. The shift from the upper to the lower "
        "bar is what directed technology does through each channel."
    )
    parts = "; ".join(
        f"{short_name(c)} {t}: {_said(mean.sel({COUNTRY: c, TECHNOLOGY: t}), shown)}"
        for c in draws[COUNTRY].values
        for t in technologies
    )
    return figure_block(figure, name, caption, f"Means, per cent: {parts}.")


def _bars(axes: Axes, mean: xr.DataArray, shown: list[str], technology: str, offset: float) -> None:
    y = np.arange(mean.sizes[COUNTRY]) + offset
    up, down = np.zeros(y.size), np.zeros(y.size)
    first = offset >= 0  # one entry a part in the legend
    for part in shown:
        value = mean.sel({PART: part}).fillna(0.0).to_numpy()
        start = np.where(value >= 0, up, down)
        axes.barh(y, value, 0.32, left=start, color=_COLORS[part], label=_NAMES[part] if first else None)
        up, down = up + np.maximum(value, 0.0), down + np.minimum(value, 0.0)
    marker = "o" if first else "s"
    look: dict[str, Any] = {"markersize": 4.5, "color": forest.COLOR[technology], "markeredgecolor": "white"}
    axes.plot(mean.sel({PART: TOTAL}), y, marker, label=f"exact, {technology}", **look)


def _said(mean: xr.DataArray, shown: list[str]) -> str:
    return ", ".join(f"{_NAMES[part]} {float(mean.sel({PART: part})):.2g}" for part in shown)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
