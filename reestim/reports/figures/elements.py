"""Figure of how alike the rare-earth elements are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from reestim.dims import ELEMENT

if TYPE_CHECKING:
    import xarray as xr

CAPTION = (
    "Likeness of the elements in ionic radius, electronegativity, melting point, density, 4f electrons and magnetic "
    "moment: left, root mean square difference in standard deviations, the alike next to each other; right, the first "
    "two principal components."
)
_COLOR = {"light": "#B34700", "heavy": "#005A96", "scandium": "#00704F"}
_MARKER = {"light": "o", "heavy": "s", "scandium": "^"}


def element_figure(similarity: xr.Dataset) -> Figure:
    """Distances as a heat map in the order of the clusters, and the map of principal components."""
    names = similarity[ELEMENT].values.tolist()
    distance = similarity["distance"].values
    figure = Figure(figsize=(10.0, 4.6), layout="constrained")
    heat, plane = figure.subplots(1, 2, width_ratios=[1.15, 1])
    shown = heat.imshow(distance, cmap="cividis")
    heat.set_xticks(range(len(names)), names)
    heat.set_yticks(range(len(names)), names)
    middle = distance.max() / 2
    for i, j in np.ndindex(distance.shape):
        color = "black" if distance[i, j] > middle else "white"
        heat.text(j, i, f"{distance[i, j]:.1f}", ha="center", va="center", fontsize=7, color=color)
    figure.colorbar(shown, ax=heat, label="difference, standard deviations", shrink=0.85)
    xy, groups = similarity["map"].values, similarity["group"].values
    for group in dict.fromkeys(groups.tolist()):
        inside = groups == group
        plane.plot(*xy[inside].T, _MARKER[group], color=_COLOR[group], label=group, markersize=7)
    for name, place in zip(names, xy, strict=True):
        plane.annotate(name, tuple(place), xytext=(6, 4), textcoords="offset points")
    explained = similarity["map"].attrs["explained"]
    plane.set_xlabel(f"first component ({100 * explained[0]:.0f} % of variance)")
    plane.set_ylabel(f"second component ({100 * explained[1]:.0f} %)")
    plane.spines[["top", "right"]].set_visible(False)
    plane.legend(frameon=False)
    return figure


def alt_text(similarity: xr.Dataset) -> str:
    """The nearest element of each, for readers who do not see the figure."""
    from reestim.supply_chain.element_similarity import similarity_table

    rows = similarity_table(similarity).to_dict("records")
    return "Most alike: " + "; ".join(f"{r['element']} and {r['nearest']} ({r['nearest_distance']:.2f})" for r in rows)
