"""The world economy of 2023 in eleven economies and twenty sectors, by balancing older tables to newer figures.

Structure within manufacturing from the World Input-Output Database of 2011; flows between sections of industry and
countries from the OECD's inter-country table of 2019; industries of China and Japan (2018, OECD) and of the United
States (2023, BEA-BLS) from their own accounts; value added and trade of 2023 from the UN's main aggregates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reestim.importers.balance import Flows, balanced, moved
from reestim.importers.concordance import HERE
from reestim.importers.margins import Margin, margins_of
from reestim.importers.real_economy import economy, labor_share
from reestim.importers.regions import INDUSTRIES
from reestim.importers.world import WorldTable

REGIONS = HERE / "regions_2023.csv"
_YEAR, STRUCTURE_YEAR, LABOR_YEAR, CHN_JPN_YEAR = 2023, 2011, 2009, 2018
MANUFACTURING = (
    "food",
    "textiles_leather",
    "wood_paper",
    "petroleum",
    "chemicals",
    "plastics",
    "mineral_products",
    "metals",
    "machinery",
    "electrical_optical",
    "transport_equipment",
    "other_manufacturing",
)
#: Sectors of the dataset by sections of ISIC revision 4.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "A": ("agriculture",),
    "B": ("mining",),
    "C": MANUFACTURING,
    "DE": ("utilities",),
    "F": ("construction",),
    "GI": ("trade_hospitality",),
    "H": ("transport",),
    "JKLMN": ("business_finance",),
    "OPQRST": ("public_personal",),
}
#: Value added of the UN's groups of industry (ISIC revision 3; columns, with their signs) by sectors of the dataset.
#: Communications are with transport there and with business services here, so the services are one group.
UN_GROUPS: Sequence[tuple[Mapping[str, int], tuple[str, ...]]] = (
    ({"va_A-B": 1}, ("agriculture",)),
    ({"va_C-E": 1, "va_D": -1}, ("mining", "utilities")),
    ({"va_D": 1}, MANUFACTURING),
    ({"va_F": 1}, ("construction",)),
    ({"va_G-H": 1}, ("trade_hospitality",)),
    ({"va_I": 1, "va_J-P": 1}, ("transport", "business_finance", "public_personal")),
)
#: Countries of the UN's table (M49); all others are the rest of the world.
M49 = {
    "CHN": 156,
    "JPN": 392,
    "KOR": 410,
    "USA": 840,
    "DEU": 276,
    "FRA": 250,
    "GBR": 826,
    "ITA": 380,
    "IND": 356,
    "AUS": 36,
}
REST = "ROW"
#: Manufacturing of the OECD's national tables (45 industries).
OECD45: Mapping[str, tuple[str, ...]] = dict(
    zip(
        MANUFACTURING,
        (
            ("06",),
            ("07",),
            ("08", "09"),
            ("10",),
            ("11", "12"),
            ("13",),
            ("14",),
            ("15", "16"),
            ("19",),
            ("17", "18"),
            ("20", "21"),
            ("22",),
        ),
        strict=True,
    )
)


class Economy2023(NamedTuple):
    """Flows of 2023, labour's share of value added (country, sector), the margins, how far shares moved from 2011."""

    flows: Flows
    labor_share: np.ndarray
    margins: tuple[Margin, ...]
    moved: pd.DataFrame


def economy_2023(
    tables: Path, sections: Path, aggregates: Path, china_japan: Path, united_states: Path, accounts: Path
) -> Economy2023:
    """The economy from the original files: WIOD's folder, the OECD's sections of 2019, the UN's aggregates, the OECD's
    tables of China and Japan, the BEA-BLS account, WIOD's Socio-Economic Accounts (labour).

    Raises InputError where a file is not what it should be, or the margins contradict each other.
    """
    old = _flows(economy(tables, STRUCTURE_YEAR, REGIONS).world)
    finer = _china_and_japan(china_japan) | {"USA": _united_states(united_states)}
    seed, final = _to_sections(_with_industries(old, finer), sections)
    rows = [*_value_added(old, seed, aggregates, finer), *_trade(seed.countries, aggregates)]
    flows = balanced(seed, margins_of(rows, seed), final)
    shares, _ = labor_share(economy(tables, LABOR_YEAR, REGIONS), accounts)
    return Economy2023(flows, shares, tuple(rows), moved(old, flows))


def _flows(world: WorldTable) -> Flows:
    ones = np.ones((len(world.regions), len(world.regions), len(world.industries)))
    trade, inputs = world.trade.transpose(2, 0, 1), world.inputs.transpose(1, 0, 2)
    return Flows(world.regions, world.industries, trade, inputs, ones)


class _Industries(NamedTuple):
    """Manufacturing of a country by sector, million US$: output, value added and, where known, exports; in words where
    from."""

    output: np.ndarray
    value_added: np.ndarray
    exports: np.ndarray | None
    told: str


def _china_and_japan(path: Path) -> dict[str, _Industries]:
    table = np.load(path, allow_pickle=False)
    year = list(table["years"]).index(CHN_JPN_YEAR)
    codes, uses = [str(c) for c in table["industries"]], [str(c) for c in table["final_columns"]]
    out = {}
    for country in ("CHN", "JPN"):
        flows = (
            table[f"{country}_output"][year],
            table[f"{country}_value_added"][year],
            table[f"{country}_final"][year, :, uses.index("EXPO")],
        )
        sums = [np.array([sum(float(v[codes.index(c)]) for c in group) for group in OECD45.values()]) for v in flows]
        source_text = f"industries as in OECD Input-Output Tables 2021, {CHN_JPN_YEAR}"
        out[country] = _Industries(sums[0], sums[1], sums[2], source_text)
    return out


def _united_states(path: Path) -> _Industries:
    table: Any = pd.read_csv(path)
    table = table[table["year"] == _YEAR]
    of_wiod = pd.read_csv(HERE / "bea_industries.csv").set_index("nace")["industry"]
    sector = pd.read_csv(INDUSTRIES).set_index("industry")["sector"]
    table = table.assign(sector=table["industry"].map(of_wiod).map(sector))
    sums: Any = table.groupby("sector")[["output_nominal", "value_added_nominal"]].sum().loc[list(MANUFACTURING)]
    source_text = f"industries as in the BEA-BLS production account of April 2025, {_YEAR}"
    return _Industries(sums["output_nominal"].to_numpy(), sums["value_added_nominal"].to_numpy(), None, source_text)


def _with_industries(old: Flows, finer: Mapping[str, _Industries]) -> Flows:
    """The flows of 2011 with manufacturing of some countries as their own accounts have it: output and value added, and
    exports where they are known; who buys what keeps its shares."""
    trade, inputs = old.trade.copy(), old.inputs.copy()
    for country, known in finer.items():
        c = old.countries.index(country)
        for s, k in enumerate(old.sectors.index(name) for name in MANUFACTURING):
            sold = old.trade[:, c, k]
            abroad = np.where(np.arange(len(sold)) == c, 0.0, sold)
            exports = abroad.sum() / sold.sum() * known.output[s] if known.exports is None else known.exports[s]
            trade[:, c, k] = abroad / abroad.sum() * exports
            trade[c, c, k] = known.output[s] - exports
            inputs[c, :, k] *= (known.output[s] - known.value_added[s]) / inputs[c, :, k].sum()
    return Flows(old.countries, old.sectors, trade, inputs, old.wedge)


def _to_sections(old: Flows, path: Path) -> tuple[Flows, np.ndarray]:
    """The flows scaled to the OECD's table of 2019 between sections of industry and countries, and its final demand
    (country, sector). They need not balance: they are the seed."""
    table = np.load(path, allow_pickle=False)
    named, letters = [str(c) for c in table["countries"]], [str(c) for c in table["sections"]]
    n, s = len(named), len(letters)
    region = np.array([[(c if c in M49 else REST) == r for c in named] for r in old.countries], dtype=float)
    group = np.array([[letter in name for letter in letters] for name in SECTIONS], dtype=float)
    member = np.array([[k in sectors for k in old.sectors] for sectors in SECTIONS.values()], dtype=float)
    cells = table["intermediate"].astype(float).reshape(n, s, n, s)
    last = table["final"].astype(float).reshape(n, s, n, -1).sum(axis=3)
    trade_2019 = np.einsum("ia,gk,nb,akb->nig", region, group, region, cells.sum(axis=3) + last)
    inputs_2019 = np.einsum("gk,nb,hs,akbs->ngh", group, region, group, cells)
    final_2019 = np.einsum("gk,nb,akb->ng", group, region, last)

    def scaled(values: np.ndarray, sums: np.ndarray, wanted: np.ndarray, back: str) -> np.ndarray:
        ratio = np.divide(wanted, sums, out=np.zeros_like(sums), where=sums > 0)
        return values * np.einsum(back, ratio, *[member] * back.count(","))

    trade = scaled(old.trade, np.einsum("nik,gk->nig", old.trade, member), trade_2019, "nig,gk->nik")
    used = np.einsum("gk,nks,hs->ngh", member, old.inputs, member)
    inputs = scaled(old.inputs, used, inputs_2019, "ngh,gk,hs->nks")
    left = np.maximum(old.final, 0.0)
    final = scaled(left, left @ member.T, final_2019, "ng,gk->nk")
    return Flows(old.countries, old.sectors, trade, inputs, old.wedge), final


def _value_added(old: Flows, seed: Flows, path: Path, finer: Mapping[str, _Industries]) -> list[Margin]:
    """Value added of 2023 by sector, and output by its ratio to it: of a group of sectors that of 2019, within
    manufacturing that of the finer account."""
    un = _united_nations(path)
    ratio = old.value_added / old.output
    rows = []
    for n, country in enumerate(seed.countries):
        for columns, sectors in UN_GROUPS:
            k = [seed.sectors.index(s) for s in sectors]
            output, added, within = seed.output[n, k], seed.value_added[n, k], "the OECD's table of 2019"
            if sectors == MANUFACTURING and country in finer:
                known = finer[country]
                output, added, within = known.output, known.value_added, known.told
            elif sectors == MANUFACTURING:
                added, within = output * ratio[n, k], "the OECD's table of 2019 and ratios of WIOD 2011"
            total = float(sum(sign * un.loc[country, name] for name, sign in columns.items()))
            per_added = seed.output[n, k].sum() / seed.value_added[n, k].sum()
            signs = " ".join(f"{'-' if sign < 0 else '+'} {name}" for name, sign in columns.items()).removeprefix("+ ")
            source_text = f"updated: {signs} of the UN's main aggregates, {_YEAR}"
            source_text += "" if len(sectors) == 1 else f", shared by {within}"
            made = f"{source_text}; output by the ratio of the group in 2019"
            for sector, value, sold in zip(
                sectors, total * added / added.sum(), total * per_added * output / output.sum(), strict=True
            ):
                rows.append(Margin(country, (sector,), "value_added", round(float(value), 3), source_text))
                rows.append(Margin(country, (sector,), "output", round(float(sold), 3), made))
    return rows


def _trade(countries: Sequence[str], path: Path) -> list[Margin]:
    """Exports and imports of goods and services of each economy; those of the rest of the world hold trade inside it
    and are not stated."""
    un = _united_nations(path)
    source_text = f"read: UN main aggregates, {_YEAR}"
    return [
        Margin(country, tuple(_all_sectors()), measure, float(un.loc[country, measure]), source_text)
        for country in countries
        if country != REST
        for measure in ("exports", "imports")
    ]


def _all_sectors() -> list[str]:
    return [sector for sectors in SECTIONS.values() for sector in sectors]


def _united_nations(path: Path) -> Any:
    table: Any = pd.read_csv(path)
    table = table[table["year"] == _YEAR]
    named = {code: country for country, code in M49.items()}
    numbers = [c for c in table.columns if c not in ("m49", "country_name", "year")]
    return table.groupby(table["m49"].map(named).fillna(REST))[numbers].sum()
