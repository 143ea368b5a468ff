"""Which elements resemble which, and how hard sectors can substitute them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reestim.evidence.groups import ELEMENTS
from reestim.reports.figures import elements
from reestim.reports.section import Section, TableBlock, figure_block

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``element_similarity``, ``element_distance``, ``substitutability`` of a run that holds the elements."""
    if ELEMENTS not in post.children:
        return {}
    from reestim.supply_chain.element_similarity import similarity_table, wide

    alike = post[ELEMENTS].to_dataset()
    return {
        "element_similarity": similarity_table(alike),
        "element_distance": wide(alike["distance"]),
        "substitutability": wide(alike["substitutability"]),
    }


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """The map of elements and substitutability by sector."""
    if ELEMENTS not in post.children:
        return None
    alike = post[ELEMENTS].to_dataset()
    figure = elements.element_figure(alike)
    z = tables["substitutability"]
    caption = (
        "Substitutability z by sector, through its mix of elements: standard deviations over sectors, higher is harder "
        "to substitute. These are the predictors that elasticities are pooled on."
    )
    rows = [[str(row[0]), *(f"{value:+.2f}" for value in row[1:])] for row in z.itertuples(index=False)]
    shown = TableBlock("substitutability", caption, [str(name).replace("_", " ") for name in z.columns], rows)
    block = figure_block(figure, "element_similarity", elements.CAPTION, elements.alt_text(alike))
    files = ("elements.csv", "element_use.csv", "application_sector.csv")
    return Section("elements", "Which elements resemble which", [block, shown], files)
