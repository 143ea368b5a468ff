"""A world table as the tidy tables of a dataset (columns of data/README.md), million US$."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.importers.world import WorldTable, exports

#: Of value added, where no source divides it between labour and capital.
LABOR_SHARE = 2 / 3


def trade_rows(world: WorldTable) -> pd.DataFrame:
    value = world.trade
    rows = [
        (buyer, seller, industry, float(value[i, k, n]))
        for (n, buyer), (i, seller), (k, industry) in product(
            enumerate(world.regions), enumerate(world.regions), enumerate(world.industries)
        )
        if value[i, k, n] > 0 or n == i  # own sales stay even where zero: they name the sectors in their order
    ]
    return pd.DataFrame(rows, columns=["importer", "exporter", "sector", "value"])


def input_rows(world: WorldTable) -> pd.DataFrame:
    value = world.inputs
    rows = [
        (region, supplier, industry, float(value[k, n, s]))
        for (n, region), (k, supplier), (s, industry) in product(
            enumerate(world.regions), enumerate(world.industries), enumerate(world.industries)
        )
        if value[k, n, s] > 0
    ]
    return pd.DataFrame(rows, columns=["country", "input", "sector", "value"])


def value_added_rows(
    world: WorldTable, labor_share: Float[np.ndarray, "region sector"] | float = LABOR_SHARE
) -> pd.DataFrame:
    """Value added by factor; labour's share of it by region and industry, or two thirds everywhere."""
    total = np.maximum(world.value_added, 0.0)  # what is below zero here is the last bit of a difference
    labor = np.broadcast_to(labor_share, total.shape)
    rows = [
        (region, factor, industry, float(total[n, s] * share[n, s]))
        for (n, region), (factor, share), (s, industry) in product(
            enumerate(world.regions), (("labor", labor), ("capital", 1 - labor)), enumerate(world.industries)
        )
        if total[n, s] > 0
    ]
    return pd.DataFrame(rows, columns=["country", "factor", "sector", "value"])


def export_rows(table: WorldTable) -> pd.DataFrame:
    """Rows of ``outcomes.csv`` of one year: positive exports to other regions, million US$."""
    value = exports(table)
    rows = [
        (region, industry, table.year, "exports", float(value[i, k]))
        for (i, region), (k, industry) in product(enumerate(table.regions), enumerate(table.industries))
        if value[i, k] > 0
    ]
    return pd.DataFrame(rows, columns=["country", "sector", "year", "outcome", "value"])


def tariff_rows(world: WorldTable) -> pd.DataFrame:
    """Rows of ``policy.csv``: ad valorem tariffs of the table, paid over value before duty; none where it has none."""
    columns = ["importer", "exporter", "sector", "tariff", "export_tax", "source", "verified"]
    if world.duties is None:
        return pd.DataFrame(columns=columns)
    before = world.trade - world.duties
    rows = [
        (
            buyer,
            seller,
            industry,
            float(world.duties[i, k, n] / before[i, k, n]),
            0.0,
            "read: tariffs of the table",
            False,
        )
        for (n, buyer), (i, seller), (k, industry) in product(
            enumerate(world.regions), enumerate(world.regions), enumerate(world.industries)
        )
        if n != i and world.duties[i, k, n] > 0
    ]
    return pd.DataFrame(rows, columns=columns)
