"""Magnets as a sector of their own in a world economy, taken out of metals, by pairs of countries.

A country's production is what its oxide can have made; trade is that of HS 850511 (CEPII BACI), as far as production
allows; what is left at home and what comes in is what the country uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.data.country_groups import country_group
from reestim.importers.balance import UNIT, Flows
from reestim.importers.update import UPDATED

MAGNETS, HOST, OXIDES = "magnets", "metals", "chemicals"
#: Of its production a country exports at most so much: HS 850511 holds magnets without rare earths and re-exports too.
MOST_EXPORTED = 0.9
TOLD = "CEPII BACI V202601, HS 850511 (metal magnets), added up (licence Etalab 2.0, recalled)"
COLUMNS = ("year", "exporter", "importer", "value", "status", "source")


def pairs(file: Path, year: int, economies: Mapping[str, str]) -> pd.DataFrame:
    """``sources/magnet_trade.csv``: trade of a year between economies, million US$; trade inside one is left out.

    ``economies``: by the two letters of BACI; all others are ROW.
    """
    table: Any = pd.read_csv(file, keep_default_na=False)
    table = table[table["year"] == year]
    named = {end: table[end].map(dict(economies)).fillna("ROW") for end in ("exporter", "importer")}
    sums = table.assign(**named).groupby(["exporter", "importer"], sort=True)["value_usd"].sum().reset_index()
    sums = sums[sums["exporter"] != sums["importer"]].reset_index(drop=True)
    sums = sums.assign(year=year, value=(sums["value_usd"] / 1e6).round(3), status="read", source=TOLD)
    return sums[list(COLUMNS)]


def production(makers: pd.DataFrame, worth: float, trade: np.ndarray, flows: Flows) -> np.ndarray:
    """Magnets made by each country, million US$: parts of ``worth``, what the world makes. Makers of one group share
    it by what they export.

    ``makers``: columns countries, share; ``trade`` (importer, exporter).
    """
    made = np.zeros(len(flows.countries))
    for row in makers.to_dict("records"):
        group = [flows.countries.index(c) for c in country_group(str(row["countries"]), flows.countries)]
        exports = trade.sum(axis=0)[group]
        made[group] += float(row["share"]) * worth * exports / exports.sum()
    return made


def kept_of_exports(made: np.ndarray, trade: Float[np.ndarray, "importer exporter"]) -> Float[np.ndarray, " exporter"]:
    """The part of a country's exports that its production allows."""
    exports = trade.sum(axis=0)
    return np.minimum(1.0, np.divide(MOST_EXPORTED * made, exports, out=np.ones_like(made), where=exports > 0))


def with_magnets(
    flows: Flows,
    made: np.ndarray,
    trade: Float[np.ndarray, "importer exporter"],
    weights: Mapping[str, float],
    cost_share: Float[np.ndarray, " country"] | float,
) -> Flows:
    """The flows with magnets as the last sector, out of metals; all accounts stay closed.

    ``trade`` is cut to ``MOST_EXPORTED`` of production. What a country has goes to its sectors by ``weights`` of the
    world's use times their part of the world's output. ``cost_share``: of rare earths in magnets; other costs are those
    of metals.
    """
    host, oxides = flows.sectors.index(HOST), flows.sectors.index(OXIDES)
    rare = np.broadcast_to(cost_share, made.shape)
    sold = _rounded(trade * kept_of_exports(made, trade))
    sold += np.diag(_rounded(made) - sold.sum(axis=0))
    bought = sold.sum(axis=1)
    share = np.array([weights.get(s, 0.0) for s in flows.sectors]) * flows.output / flows.output.sum(axis=0)
    used = _rounded(bought[:, None] * share / share.sum(axis=1, keepdims=True))
    used[:, int(np.argmax(share.sum(axis=0)))] += bought - used.sum(axis=1)  # rounding goes to the largest user

    technology = flows.inputs[:, :, host] / flows.output[:, host][:, None]
    costs = technology * ((1 - rare) * sold.sum(axis=0))[:, None]
    costs[:, oxides] += rare * sold.sum(axis=0)
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


def told_of_magnets(tables: Mapping[str, pd.DataFrame], told: str) -> dict[str, pd.DataFrame]:
    """The tables of the economy whose cells of magnets say how they were made."""
    out = dict(tables)
    for stem in UPDATED:
        table = out[stem].copy()
        columns = [name for name in ("sector", "input") if name in table]
        table.loc[(table[columns] == MAGNETS).any(axis=1), "source"] = told
        out[stem] = table
    return out


def application_sector(older: Path) -> pd.DataFrame:
    """``application_sector.csv``: that of a dataset without the carrier, but oxide of magnets goes into magnets."""
    table: Any = pd.read_csv(older / "application_sector.csv")
    source_text = "imputed: oxide of magnets goes into the sector magnets, whose users are in input_output.csv"
    rows = pd.DataFrame([(MAGNETS, MAGNETS, 1.0, source_text, False)], columns=list(table.columns))
    others: Any = table[table["application"] != MAGNETS]
    return pd.concat([rows, others], ignore_index=True)


def trade_elasticities(older: Path) -> pd.DataFrame:
    """``trade_elasticities.csv``: that of a dataset without it, and magnets as electrical and optical goods."""
    table: Any = pd.read_csv(older / "trade_elasticities.csv")
    like = table.set_index("sector").loc["electrical_optical"]
    source_text = "imputed: that of electrical_optical; no estimate for magnets was found"
    values = {"sector": MAGNETS, "trade_elasticity": like["trade_elasticity"], "sd": like["sd"], "source": source_text}
    row: Any = pd.DataFrame([{**values, "verified": False}])
    return pd.concat([table, row[list(table.columns)]], ignore_index=True)


def users(older: Path) -> dict[str, float]:
    """Sectors that the magnets of a dataset without the carrier go into, and their weights in the world's use."""
    weights: Any = pd.read_csv(older / "application_sector.csv")
    return weights[weights["application"] == MAGNETS].set_index("sector")["weight"].to_dict()


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values * UNIT) / UNIT
