"""The economy, exports and productivity of the dataset of real figures, from the tables that users bring.

World Input-Output Database, 2013 release, added up to ten economies and twenty sectors; its Socio-Economic Accounts for
labour and capital; the BEA-BLS production account for productivity of the United States. A cell that cleaning changed
says so: it is imputed, all others are sums of published figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reestim.dims import CAPITAL, LABOR
from reestim.errors import InputError, Problem
from reestim.evidence.productivity import growth_accounting, outcome_rows
from reestim.importers.concordance import HERE
from reestim.importers.factor_shares import labor_shares
from reestim.importers.klems_sectors import nace_industries, sector_accounts
from reestim.importers.mapping import RENAMED, read_mapping
from reestim.importers.regions import REGIONS_OF_BUNDLED, sectors_of
from reestim.importers.rows import export_rows, input_rows, trade_rows
from reestim.importers.sources import wiod
from reestim.importers.world import (
    RawTable,
    WorldTable,
    aggregate,
    clean,
    exports,
    without_negative_value_added,
)

#: In the order of the files.
ECONOMIES = ("CHN", "JPN", "KOR", "TWN", "USA", "DEU", "REU", "IND", "AUS", "ROW")
_RELEASE = "WIOD 2013 release"
#: Million US$; what cleaning moved below this is rounding of the release.
MONEY_ROUNDING = 0.5
#: Columns of the BEA-BLS account: nominal value and volume index of output and inputs.
BEA_BLS = {
    "output": ("output_nominal", "output"),
    LABOR: ("labor_cost", "labor"),
    CAPITAL: ("capital_cost", "capital"),
    "intermediates": ("intermediate_cost", "intermediates"),
}
DIGITS = 6


class AggregatedEconomy(NamedTuple):
    """The clean world table of a year, the sums of the published cells, the mappings that were used, and value added of
    each country and industry, million US$."""

    world: WorldTable
    published: WorldTable
    regions: Mapping[str, str]
    sectors: Mapping[str, str]
    value_added: Mapping[tuple[str, ...], float]


def economy(tables: Path, year: int, mapping: Path = REGIONS_OF_BUNDLED) -> AggregatedEconomy:
    """The table of one year in the economies of ``mapping`` and twenty sectors; ``tables``: folder of the release.

    Raises InputError listing everything wrong with the file.
    """
    raw = wiod.read(wiod.files(tables)[year], year)
    found, _ = read_mapping(mapping, "country", "region", raw.regions, shipped=True)
    order: list[str] = (
        list(dict.fromkeys(pd.read_csv(mapping)["region"])) if mapping != REGIONS_OF_BUNDLED else list(ECONOMIES)
    )
    regions = dict(sorted(found.items(), key=lambda item: order.index(item[1])))
    sectors = sectors_of(None, raw.industries)
    world = without_negative_value_added(aggregate(clean(raw), regions, sectors))
    published = _as_published(raw)
    added = _labelled(published.value_added, (raw.regions, raw.industries))
    return AggregatedEconomy(world, aggregate(published, regions, sectors), regions, sectors, added)


def _as_published(raw: RawTable) -> WorldTable:
    n, s = len(raw.regions), len(raw.industries)
    final = raw.final.astype(float).sum(axis=2).reshape(n, s, n)
    return WorldTable(
        raw.year, raw.regions, raw.industries, raw.intermediate.astype(float).reshape(n, s, n, s), final, {}
    )


def economy_tables(made: AggregatedEconomy, accounts: Path) -> dict[str, pd.DataFrame]:
    """``trade``, ``input_output`` and ``value_added`` with their sources; ``accounts``: the Socio-Economic Accounts."""
    world, published = made.world, made.published
    year = world.year
    trade, inputs = trade_rows(world), input_rows(world)
    moved = {
        "trade": _labelled(np.abs(world.trade - published.trade), (world.regions, world.industries, world.regions)),
        "inputs": _labelled(
            np.abs(world.inputs - published.inputs), (world.industries, world.regions, world.industries)
        ),
    }
    rows: Any = zip(trade["exporter"], trade["sector"], trade["importer"], strict=True)
    trade = _told(trade, [moved["trade"][key] for key in rows], year)
    rows = zip(inputs["input"], inputs["country"], inputs["sector"], strict=True)
    inputs = _told(inputs, [moved["inputs"][key] for key in rows], year)
    return {"trade": trade, "input_output": inputs, "value_added": _value_added(made, accounts)}


def _labelled(values: np.ndarray, labels: tuple[tuple[str, ...], ...]) -> dict[tuple[str, ...], float]:
    return {key: float(v) for key, v in zip(product(*labels), values.ravel(), strict=True)}


def _told(table: pd.DataFrame, moved: list[float], year: int) -> pd.DataFrame:
    touched = [value > MONEY_ROUNDING for value in moved]
    cleaned = f"imputed: {_RELEASE}, {year}, added up; cells below zero set to zero"
    source = [cleaned if t else f"read: {_RELEASE}, {year}, added up" for t in touched]
    return table.assign(source=source, verified=[not t for t in touched])


def _value_added(made: AggregatedEconomy, accounts: Path) -> pd.DataFrame:
    """Value added by factor: output less inputs, shared by labour's part of it in the Socio-Economic Accounts (labour
    of the self-employed included). The rest of the world has the share of its countries that the accounts cover."""
    world, published, year = made.world, made.published, made.world.year
    share, known = labor_share(made, accounts)
    whole = _all_in_the_accounts(made, accounts)
    total = np.maximum(world.value_added, 0.0)
    rows = []
    for (n, region), (s, sector) in product(enumerate(world.regions), enumerate(world.industries)):
        if total[n, s] <= 0:
            continue
        labor = round(float(total[n, s] * share[n, s]), 3)
        moved = abs(float(total[n, s] - published.value_added[n, s])) > MONEY_ROUNDING
        read = bool(known[n, s]) and whole[region] and not moved
        how = "labour share of the accounts" if known[n, s] else "mean labour share of all countries in the accounts"
        how += "" if whole[region] or not known[n, s] else ", of its countries that they cover"
        cells = "" if not moved else "; cells below zero set to zero"
        source = f"{'read' if read else 'imputed'}: {_RELEASE}, {year}, output less inputs{cells}; {how}"
        rows += [
            (region, LABOR, sector, labor, source, read),
            (region, CAPITAL, sector, round(float(total[n, s]) - labor, 3), source, read),
        ]
    return pd.DataFrame(rows, columns=["country", "factor", "sector", "value", "source", "verified"])


def labor_share(made: AggregatedEconomy, accounts: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labour's share of value added (region, sector), and whether the accounts know it."""
    table: Any = pd.read_csv(accounts)
    table = table[(table["year"] == made.world.year) & (table["VA"] > 0)]
    ours = {RENAMED.get(country, country): country for country in made.regions}
    rows = table.assign(country=table["country"].map(ours), labor=table["LAB"], added=table["VA"])
    found = labor_shares(rows.dropna(subset=["country"]), made.value_added, made.regions, made.sectors)
    return found.share, found.known


def _all_in_the_accounts(made: AggregatedEconomy, accounts: Path) -> dict[str, bool]:
    """Whether the accounts cover every country of a region."""
    there = set(pd.read_csv(accounts, usecols=["country"])["country"])
    covered = {region: True for region in made.world.regions}
    for country, region in made.regions.items():
        covered[region] &= RENAMED.get(country, country) in there
    return covered


def export_panel(tables: Path) -> pd.DataFrame:
    """Exports of all years of the release by economy and sector, million US$, rows of ``outcomes.csv``."""
    parts = []
    for year in wiod.files(tables):
        made = economy(tables, year)
        rows = export_rows(made.world)
        moved = _labelled(
            np.abs(exports(made.world) - exports(made.published)), (made.world.regions, made.world.industries)
        )
        parts.append(_told(rows, [moved[key] for key in zip(rows["country"], rows["sector"], strict=True)], year))
    return pd.concat(parts, ignore_index=True)


def united_states_accounts(account: Path) -> pd.DataFrame:
    """Growth accounts of the United States in twenty sectors from the BEA-BLS account by industry, 1997-2023."""
    table = pd.read_csv(account)
    columns = {"country": table["country"], "nace": table["industry"], "year": table["year"]}
    for name, (value, volume) in BEA_BLS.items():
        columns |= {f"{name}_value": table[value].astype(float), f"{name}_volume": table[volume].astype(float)}
    concordance = nace_industries(HERE / "bea_industries.csv")
    sectors = sectors_of(None, sorted(set(concordance["industry"])))
    accounts, left_out = sector_accounts(pd.DataFrame(columns), concordance, sectors)
    if left_out:
        raise InputError([Problem(words, "Give the file as it was published", file=account.name) for words in left_out])
    numbers = [name for name in accounts if name not in ("country", "sector", "year")]
    accounts[numbers] = accounts[numbers].round(DIGITS)
    source = "read: BEA-BLS Integrated Industry-Level Production Account, release of April 2025, added up (Törnqvist)"
    return accounts.assign(source=source, verified=True)


def productivity_panel(accounts: pd.DataFrame) -> pd.DataFrame:
    """TFP on gross output from growth accounts, the first year of a series 1, rows of ``outcomes.csv``."""
    rows = outcome_rows(growth_accounting(accounts))
    rows["value"] = rows["value"].round(DIGITS)
    source = "read: BEA-BLS production account of April 2025, TFP of gross output by reestim tfp"
    return rows.assign(source=source, verified=True)
