"""Magnets as a sector of their own in the economy of 2023, taken out of metals, by pairs of countries.

A country's production is what the oxide in it costs over the cost share of rare earths; trade is that of HS 850511
(CEPII BACI), as far as production allows; what is left at home and what comes in is what the country uses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.country_groups import country_group
from reestim.importers.balance import UNIT, Flows

MAGNETS, HOST, OXIDES = "magnets", "metals", "chemicals"
YEAR = 2023
#: Rare earths in the cost of a sintered magnet: the middle of 72 % (a maker) and 80 % (a dealer), both read.
COST_SHARE = 0.76
#: Of its production a country exports at most so much: HS 850511 holds magnets without rare earths and re-exports too.
MOST_EXPORTED = 0.9
#: Two letters of BACI.
ALPHA2 = {
    "CN": "CHN",
    "JP": "JPN",
    "KR": "KOR",
    "US": "USA",
    "DE": "DEU",
    "FR": "FRA",
    "GB": "GBR",
    "IT": "ITA",
    "IN": "IND",
    "AU": "AUS",
}


def pairs(file: Path) -> pd.DataFrame:
    """``sources/magnet_trade.csv``: trade between the economies, million US$; trade inside the rest of the world is
    left out."""
    table: Any = pd.read_csv(file, keep_default_na=False)
    table = table[table["year"] == YEAR]
    named = {end: table[end].map(ALPHA2).fillna("ROW") for end in ("exporter", "importer")}
    sums = table.assign(**named).groupby(["exporter", "importer"], sort=True)["value_usd"].sum().reset_index()
    sums = sums[sums["exporter"] != sums["importer"]]
    return pd.DataFrame(
        {
            "year": YEAR,
            "exporter": sums["exporter"].to_numpy(),
            "importer": sums["importer"].to_numpy(),
            "value": (sums["value_usd"] / 1e6).round(3).to_numpy(),
            "status": "read",
            "source": "CEPII BACI V202601, HS 850511 (metal magnets), added up (licence Etalab 2.0, recalled)",
        }
    )


def production(sources: Path, use: pd.DataFrame, price: pd.Series, trade: np.ndarray, flows: Flows) -> np.ndarray:
    """Magnets made by each country, million US$: the value of the oxide in them over its cost share. Makers of one
    group share it by what they export.

    ``use``: ``element_use``; ``price``: US$/kg by element; ``trade`` (importer, exporter).
    """
    tonnes: Any = use[use["application"] == MAGNETS].set_index("element")["tonnes"]
    worth = float((tonnes * price.reindex(tonnes.index)).sum()) / 1e3 / COST_SHARE
    made = np.zeros(len(flows.countries))
    for row in pd.read_csv(sources / "magnet_makers.csv").to_dict("records"):
        group = [flows.countries.index(c) for c in country_group(str(row["countries"]), flows.countries)]
        exports = trade.sum(axis=0)[group]
        made[group] += float(row["share"]) * worth * exports / exports.sum()
    return made


def with_magnets(flows: Flows, made: np.ndarray, trade: np.ndarray, weights: dict[str, float]) -> Flows:
    """The flows with magnets as the last sector, out of metals; all accounts stay closed.

    ``trade`` (importer, exporter) is cut to ``MOST_EXPORTED`` of production. What a country has goes to its sectors by
    ``weights`` of the world's use times their part of the world's output. Costs other than rare earths are those of
    metals.
    """
    host, oxides = flows.sectors.index(HOST), flows.sectors.index(OXIDES)
    exports = trade.sum(axis=0)
    kept = np.minimum(1.0, np.divide(MOST_EXPORTED * made, exports, out=np.ones_like(made), where=exports > 0))
    sold = _rounded(trade * kept)
    sold += np.diag(_rounded(made) - sold.sum(axis=0))
    bought = sold.sum(axis=1)
    share = np.array([weights.get(s, 0.0) for s in flows.sectors]) * flows.output / flows.output.sum(axis=0)
    used = _rounded(bought[:, None] * share / share.sum(axis=1, keepdims=True))
    used[:, int(np.argmax(share.sum(axis=0)))] += bought - used.sum(axis=1)  # rounding goes to the largest user

    technology = flows.inputs[:, :, host] / flows.output[:, host][:, None]
    costs = technology * (1 - COST_SHARE) * sold.sum(axis=0)[:, None]
    costs[:, oxides] += COST_SHARE * sold.sum(axis=0)
    costs = _rounded(costs)
    n, s = len(flows.countries), len(flows.sectors)
    both = np.zeros((n, s + 1, s + 1))
    both[:, :s, :s] = flows.inputs
    both[:, host, :s] -= used
    both[:, s, :s] = used
    both[:, :s, host] -= costs
    both[:, :s, s] = costs
    goods = np.concatenate([flows.trade, sold[:, :, None]], axis=2)
    goods[:, :, host] -= sold
    wedge = np.concatenate([flows.wedge, np.ones((n, n, 1))], axis=2)
    return Flows(flows.countries, (*flows.sectors, MAGNETS), goods, both, wedge)


def matrix(table: pd.DataFrame, flows: Flows) -> np.ndarray:
    """``pairs`` as (importer, exporter)."""
    wide: Any = table.pivot_table(index="importer", columns="exporter", values="value", aggfunc="sum")
    return wide.reindex(index=list(flows.countries), columns=list(flows.countries)).fillna(0.0).to_numpy()


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values * UNIT) / UNIT
