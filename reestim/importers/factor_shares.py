"""Labour's share of value added by region and sector, from accounts in national currencies.

Currencies cannot be added up: within a region and sector the shares of countries and industries weigh by the value
added that the world table gives them in US$. Where the accounts say nothing the sector has the mean of all countries in
them, which is imputed, and how much value added that is can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class LaborShares:
    """``share`` of labour in value added; ``known``: the accounts say it of some country of the region; ``covered``:
    value added of which they say it, ``whole``: all of it, million US$ by region."""

    share: Float[np.ndarray, "region sector"]
    known: Bool[np.ndarray, "region sector"]
    covered: Mapping[str, float]
    whole: Mapping[str, float]

    def words(self) -> list[str]:
        """What the accounts lack, region by region, with its amount."""
        total = sum(self.whole.values())
        sentences = []
        for region, whole in self.whole.items():
            lacking = whole - self.covered[region]
            if lacking > 1e-6 * whole:
                sentences.append(
                    f"The accounts say nothing of labour in {lacking:,.0f} million US$ of value added in {region} "
                    f"({lacking / whole:.1%} of it, {lacking / total:.1%} of the world's): it has the share of what "
                    "they cover there, or where that is nothing the mean of all countries in them (imputed)."
                )
        return sentences


def labor_shares(
    accounts: pd.DataFrame,
    value_added: Mapping[tuple[str, ...], float],
    regions: Mapping[str, str],
    sectors: Mapping[str, str],
) -> LaborShares:
    """Shares of the regions and sectors, in the order in which the mappings first name them.

    Parameters
    ----------
    accounts : country, industry, labor, added (million units of national currency, added > 0), labels as in the table.
    value_added : million US$ by country and industry of the world table.
    regions, sectors : country to region, industry to sector.
    """
    names, labels = list(dict.fromkeys(regions.values())), list(dict.fromkeys(sectors.values()))
    rows: Any = accounts
    rows = rows.assign(
        region=rows["country"].map(dict(regions)),
        sector=rows["industry"].map(dict(sectors)),
        weight=[
            value_added.get((str(c), str(i)), 0.0)
            for c, i in zip(accounts["country"], accounts["industry"], strict=True)
        ],
    )
    rows["labor"] = rows["weight"] * rows["labor"] / rows["added"]
    sums: Any = rows.groupby(["region", "sector"])[["labor", "weight"]].sum()
    world: Any = rows.groupby("sector")[["labor", "weight"]].sum()
    index = pd.MultiIndex.from_product([names, labels])
    share = (sums["labor"] / sums["weight"].where(sums["weight"] > 0)).reindex(index)
    stated = share.notna().to_numpy() & ((share > 0) & (share < 1)).to_numpy()
    mean = (world["labor"] / world["weight"]).reindex(index.get_level_values(1)).to_numpy()
    shape = len(names), len(labels)
    covered, whole = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for region, weight in rows.groupby("region")["weight"].sum().items():
        covered[str(region)] = float(weight)
    for (country, *_), added in value_added.items():
        whole[regions[country]] += float(added)
    return LaborShares(np.where(stated, share.to_numpy(), mean).reshape(shape), stated.reshape(shape), covered, whole)
