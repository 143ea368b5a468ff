"""A world map of tiles: one square a country, roughly where it lies, so that small countries are seen as well as large.

Grid by hand, from ISO 3166 alpha-3 codes; rows and columns without a country of the run are left out. Whatever is not
on it (regions such as ROW, labels of somebody's own) stands in a strip below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reestim.dims import COUNTRY, TECHNOLOGY
from reestim.reports.figures.forest import LABEL_OF_TECHNOLOGY, alt_text, plain
from reestim.reports.section import FigureBlock, figure_block
from reestim.results.effects import probability, quantiles
from reestim.results.format import number, percent
from reestim.results.names import short_name

_GRID = """
.   .   .   .   .   .   ISL .   .   NOR SWE FIN EST RUS .   .   .   .   .   .   .   .
.   CAN .   .   .   .   IRL GBR .   DNK .   LVA LTU BLR .   .   KAZ .   MNG .   .   .
.   USA .   .   .   .   .   NLD BEL DEU POL CZE SVK UKR .   UZB KGZ TJK .   PRK KOR JPN
.   MEX CUB DOM .   .   PRT FRA LUX AUT HUN ROU MDA GEO AZE TKM AFG PAK NPL CHN .   .
.   GTM HND JAM .   .   ESP CHE ITA SVN HRV SRB BGR TUR ARM IRN .   IND BGD HKG TWN .
.   SLV NIC .   .   .   .   .   MLT BIH MNE MKD ALB GRC CYP SYR IRQ LKA MMR LAO VNM .
.   CRI PAN VEN GUY .   MAR DZA TUN LBY EGY .   .   LBN ISR JOR KWT .   .   THA KHM PHL
.   COL ECU BRA SUR .   SEN MLI NER TCD SDN ERI .   .   SAU BHR QAT .   .   MYS BRN .
.   PER BOL PRY .   .   CIV GHA NGA CMR ETH SOM .   .   YEM OMN ARE .   .   SGP IDN PNG
.   CHL ARG URY .   .   .   .   GAB COD UGA KEN .   .   .   .   .   .   .   .   AUS .
.   .   .   .   .   .   .   .   AGO ZMB RWA TZA .   .   .   .   .   .   .   .   .   NZL
.   .   .   .   .   .   .   .   NAM BWA ZWE MOZ MDG .   .   .   .   .   .   .   .   .
.   .   .   .   .   .   .   .   .   ZAF .   .   .   .   .   .   .   .   .   .   .   .
"""
_PLACE = {
    code: (row, column)
    for row, line in enumerate(_GRID.strip().splitlines())
    for column, code in enumerate(line.split())
    if code != "."
}
_PLACE["ROM"] = _PLACE["ROU"]  # its code until 2002, which the World Input-Output Database keeps
_SHADES = LinearSegmentedColormap.from_list("loss to gain", ["#B34700", "#F4F1EC", "#005A96"])
_NARROW, _BROAD = 5.2, 9.6  # inches
_LARGEST, _ROOMY = 0.8, 0.55  # inches: a tile, and one that has room for numbers
#: Probabilities between these leave the sign open.
_OPEN = (0.05, 0.95)


def places(countries: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Row and column of every country, closed up, the strip of what is not on the grid last."""
    tiles = {name: _PLACE[name] for name in countries if name in _PLACE}
    if len(set(tiles.values())) < len(tiles):  # both codes of a country
        tiles.pop("ROM")
    rows = {row: k for k, row in enumerate(sorted({row for row, _ in tiles.values()}))}
    columns = {column: k for k, column in enumerate(sorted({column for _, column in tiles.values()}))}
    out = {name: (rows[row], columns[column]) for name, (row, column) in tiles.items()}
    width = max(len(columns), 4)
    rest = [name for name in countries if name not in tiles]
    return out | {name: (len(rows) + k // width, k % width) for k, name in enumerate(rest)}


def tile_map(change: xr.DataArray, apart: Sequence[str], name: str) -> FigureBlock:
    """A map for each technology of ``change`` (technology, chain, draw, country), per cent, on one scale.

    ``apart``: countries whose colour may run off the scale, because theirs would leave the others pale.
    """
    tiles = places([str(c) for c in change[COUNTRY].values])
    height = 1 + max(row for row, _ in tiles.values())
    width = 1 + max(column for _, column in tiles.values())
    inches = _NARROW if width <= 8 else _BROAD
    side = min(_LARGEST, (inches - 0.2) / width)
    technologies = [str(t) for t in change[TECHNOLOGY].values]
    figure = Figure(figsize=(inches, len(technologies) * (height * side + 0.35) + 0.75), layout="constrained")
    panels = figure.subplots(len(technologies), 1, squeeze=False)[:, 0]
    median = quantiles(change)["median"]
    others = median.sel({COUNTRY: [c for c in change[COUNTRY].values if c not in apart] or list(apart)})
    limit = float(abs(others).max())
    scale = Normalize(-limit, limit) if limit > 0 else Normalize(-1, 1)
    loss = probability(change, change < 0)
    for axes, technology in zip(panels, technologies, strict=True):
        axes.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
        axes.set_axis_off()
        axes.set_title(LABEL_OF_TECHNOLOGY[technology], loc="left", fontsize=9)
        for country, place in tiles.items():
            at = {TECHNOLOGY: technology, COUNTRY: country}
            _tile(axes, place, country, float(median.sel(at)), float(loss.sel(at)), scale, side)
    bar = figure.colorbar(
        ScalarMappable(scale, _SHADES),
        ax=list(panels),
        orientation="horizontal",
        extend="both" if apart else "neither",
        shrink=0.7,
        aspect=40,
        pad=0.02,
    )
    bar.ax.tick_params(labelsize=8)
    bar.ax.locator_params(nbins=5)
    bar.set_label("change of welfare, per cent", fontsize=8)
    beyond = f" The colour of {', '.join(map(short_name, apart))} may lie beyond the scale." if apart else ""
    numbers = (
        "in a tile the median in per cent and the probability of a loss"
        if side >= _ROOMY
        else ("in a tile whether the median is a gain (+) or a loss (−)")
    )
    caption = (
        f"Map of welfare: one tile a country, regions below; {numbers}. Hatched: the sign is open, the probability of "
        f"a loss lies between 5 and 95 %.{beyond}"
    )
    return figure_block(figure, name, caption, alt_text(change, COUNTRY))


def _tile(
    axes: Axes, place: tuple[int, int], country: str, median: float, loss: float, scale: Normalize, side: float
) -> None:
    row, column = place
    is_known = bool(np.isfinite(median))
    color = _SHADES(scale(median)) if is_known else (1.0, 1.0, 1.0, 1.0)
    dark = float(np.dot(color[:3], (0.299, 0.587, 0.114))) < 0.5
    hatch = "////" if is_known and _OPEN[0] < loss < _OPEN[1] else None
    axes.add_patch(Rectangle((column + 0.04, row + 0.04), 0.92, 0.92, facecolor=color, edgecolor="#6B6B6B", lw=0.6))
    if hatch:  # a corner, so that the letters stay readable
        corner = Rectangle((column + 0.04, row + 0.82), 0.92, 0.14, facecolor="none", edgecolor="#6B6B6B", lw=0.4)
        corner.set_hatch(hatch)
        axes.add_patch(corner)
    ink = "white" if dark else "black"
    short = country if len(country) <= 8 else f"{country[:7]}…"
    size = min(8.0, 20 * side)
    if side < _ROOMY:
        sign = "+" if median > 0 else "−"
        text = f"{plain(short)}\n{sign}" if is_known else plain(short)
        axes.text(column + 0.5, row + 0.45, text, ha="center", va="center", fontsize=size, color=ink, clip_on=True)
        return
    axes.text(column + 0.5, row + 0.22, plain(short), ha="center", va="center", fontsize=size, color=ink, weight="bold")
    if is_known:
        value = number(float(f"{median:.2g}"))
        axes.text(column + 0.5, row + 0.48, value, ha="center", va="center", fontsize=size * 0.85, color=ink)
        axes.text(column + 0.5, row + 0.69, percent(loss), ha="center", va="center", fontsize=size * 0.75, color=ink)
