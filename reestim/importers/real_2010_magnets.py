"""Write the economy of 2008 with magnets as a stage of its own, byte for byte, from ``rare-earths-2010``, typed figures
and the trade in magnets that users bring.

A variant, not the default dataset: the price of a carrier is not observed, so nothing can be estimated here; draws of
``rare-earths-2010`` are carried to it. What the stage changes is on the page docs/magnets-2010.md.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.dataset import Dataset, load_dataset
from reestim.dims import COUNTRY, ELEMENT, SECTOR
from reestim.importers import magnets
from reestim.importers.balance import Flows
from reestim.importers.bundle import copy_tables, originals_in, write_csv, write_dataset, write_from_originals
from reestim.importers.concordance import HERE
from reestim.importers.countries import alpha3_of_alpha2
from reestim.importers.dataset_toml import imputed_files, write_meta
from reestim.importers.update import UPDATED, economy_rows, flows_of, labor_share_of
from reestim.io.resources import REAL, REAL_MAGNETS
from reestim.supply_chain.application_use import sector_use
from reestim.supply_chain.ree_use import country_use, element_supply, market_prices

_YEAR = 2008
#: Taken over from ``rare-earths-2010``; its evidence is not.
_TAKEN_OVER = (
    "elements",
    "element_exports",
    "element_output",
    "element_prices",
    "element_use",
    "country_use",
    "policy",
)
TYPED, TYPED_SOURCES = ("carriers",), ("magnet_facts",)
ORIGINALS = {"magnets": "panels/ree/baci_magnets_hs850511_2002_2024.csv.gz"}
#: Taiwan has no rows before 2018: its purchases are those of Korea in 2008 times what it bought for each dollar of
#: Korea's in these years.
TAIWAN, LIKE, LIKE_YEARS = "TWN", "KOR", (2018, 2019, 2020)
#: Cells whose flows did not move by more than this keep their source, million US$ (files are rounded to a thousandth).
SAME = 0.01
_DESCRIPTION = (
    "The world of rare-earths-2010 (2008, ten economies) with magnets as a sector of their own: makers' shares of "
    "2010, trade in magnets of 2008. Nothing is simulated; it has no evidence for estimation, draws are carried to it."
)


class Made(NamedTuple):
    """The flows with magnets; what each country makes (million US$); cost shares of rare earths; trade in rare-earth
    magnets as customs have it and the part of it that production allows, by exporter."""

    flows: Flows
    output: np.ndarray
    cost_share: np.ndarray
    trade: np.ndarray
    kept: np.ndarray


def write_2010_magnets(out: Path, originals: Path, typed: Path = REAL_MAGNETS, older: Path = REAL) -> list[Path]:
    """Build the dataset in ``out`` from the figures in ``typed``, the dataset ``older`` and the folder of originals;
    returns its files. Raises InputError naming every original that is not there."""
    paths = originals_in(originals, ORIGINALS)
    return write_dataset(out, lambda folder: _build(folder, typed, older, paths["magnets"]))


def _build(folder: Path, typed: Path, older: Path, file: Path) -> None:
    sources = folder / "sources"
    copy_tables(older, folder, _TAKEN_OVER)
    copy_tables(typed, folder, TYPED)
    copy_tables(typed / "sources", sources, TYPED_SOURCES)
    trade = magnet_trade(file)
    write_csv(trade, sources / "magnet_trade.csv")
    data = load_dataset(older)
    made = with_stage(data, trade, pd.read_csv(sources / "magnet_facts.csv"), rare_earth_part(file, sources))
    host = made.flows.sectors.index(magnets.HOST)
    shares = labor_share_of(data)
    source_text = "imputed: sales and inputs of metals without those of magnets, which are a sector of their own"
    tables = economy_rows(made.flows, np.column_stack([shares, shares[:, host]]), source_text)
    tables = magnets.told_of_magnets(tables, _told(sources, file))
    for stem in UPDATED:
        write_csv(_with_older_sources(tables[stem], data[stem]), folder / f"{stem}.csv")
    write_csv(magnets.application_sector(older), folder / "application_sector.csv")
    write_csv(magnets.trade_elasticities(older), folder / "trade_elasticities.csv")
    _write_meta(folder, data, made)


def economies() -> dict[str, str]:
    """Economies of ``rare-earths-2010`` by the two letters of BACI."""
    region = pd.read_csv(HERE / "regions_bundled.csv").set_index("country")["region"].to_dict()
    return {two: str(region[three]) for two, three in alpha3_of_alpha2().items() if three in region}


def magnet_trade(file: Path) -> pd.DataFrame:
    """``sources/magnet_trade.csv``: HS 850511 of 2008 between the economies, with Taiwan's purchases imputed."""
    every_economy = economies()
    later: Any = pd.concat([magnets.pairs(file, year, every_economy) for year in LIKE_YEARS])
    of_2008: Any = magnets.pairs(file, _YEAR, every_economy)
    bought = of_2008[of_2008["importer"] == LIKE]["value"].sum() / later[later["importer"] == LIKE]["value"].sum()
    sums = later[later["importer"] == TAIWAN].groupby("exporter", sort=True)["value"].sum().reset_index()
    span = f"{LIKE_YEARS[0]} to {LIKE_YEARS[-1]}"
    source_text = (
        f"imputed: Korea's imports of {_YEAR} times Taiwan's over Korea's of {span}; BACI has no Taiwan before 2018"
    )
    rows = sums.assign(
        year=_YEAR, importer=TAIWAN, value=(sums["value"] * bought).round(3), status="imputed", source=source_text
    )
    return pd.concat([of_2008, rows[list(magnets.COLUMNS)]], ignore_index=True)


def rare_earth_part(file: Path, sources: Path) -> float:
    """Part of HS 850511 that is rare-earth magnets: of China's exports in 2009, for all exporters."""
    facts = _facts(pd.read_csv(sources / "magnet_facts.csv"))
    trade: Any = pd.read_csv(file, keep_default_na=False)
    china = trade[(trade["year"] == 2009) & (trade["exporter"] == "CN")]["value_usd"].sum() / 1e6
    return facts["china_exports_value"] / float(china)


def with_stage(data: Dataset, trade: pd.DataFrame, facts: pd.DataFrame, part: float) -> Made:
    """The economy with magnets: tonnes made are the oxide in magnets over the oxide in a tonne of them, at the unit
    value of China's exports, by makers' shares. What rare earths cost in them follows from the oxide that a country
    uses for them and the price on its market."""
    flows, fact = flows_of(data), _facts(facts)
    value = fact["china_exports_value"] / fact["china_exports_tonnes"]  # million US$ a tonne
    oxide = (fact["metal_content_low"] + fact["metal_content_high"]) / 2 * fact["oxide_per_metal"]
    use: Any = data["element_use"]
    tonnes = float(use.loc[use["application"] == magnets.MAGNETS, "tonnes"].sum())
    places: Any = data["country_use"]
    wide = part * magnets.matrix(trade, flows)
    output = magnets.production(places[places["application"] == magnets.MAGNETS], tonnes / oxide * value, wide, flows)

    def split(cost_share: np.ndarray) -> Flows:
        return magnets.with_magnets(flows, output, wide, magnets.users(data.path), cost_share)

    spent = cost_of_oxide(data, split(np.zeros_like(output)))
    share = np.divide(spent, output, out=np.zeros_like(output), where=output > 0)
    return Made(split(share), output, share, wide, magnets.kept_of_exports(output, wide))


def cost_of_oxide(data: Dataset, flows: Flows) -> np.ndarray:
    """What the oxide in magnets costs each country, million US$: tonnes as the dataset places them in the sector
    magnets of ``flows``, at the price on the country's market."""
    tables = dict(data.tables) | economy_rows(flows, np.full(flows.output.shape, 0.5), "none")
    tables["application_sector"] = magnets.application_sector(data.path)
    with_sector = replace(data, tables=tables)
    use = sector_use(with_sector)
    made = xr.DataArray(flows.output, coords={COUNTRY: list(flows.countries), SECTOR: list(flows.sectors)})
    tonnes = country_use(with_sector, use, element_supply(with_sector, use), made)
    prices = market_prices(with_sector, [_YEAR]).isel(year=0, drop=True)
    return (tonnes.sel({SECTOR: magnets.MAGNETS}) * prices).sum(ELEMENT).sel(
        {COUNTRY: list(data.countries)}
    ).values / 1e3


def _facts(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["name"], table["value"].astype(float), strict=True))


def _told(sources: Path, file: Path) -> str:
    part = rare_earth_part(file, sources)
    return (
        "imputed: tonnes by the oxide in magnets, at the unit value of China's exports of 2009, by makers' shares of "
        f"2010 (country_use.csv); trade {100 * part:.0f} % of HS 850511 of {_YEAR} as far as production allows; use by "
        "what sectors make; other costs as metals"
    )


def _with_older_sources(table: pd.DataFrame, older: pd.DataFrame) -> pd.DataFrame:
    """Rows that the stage does not move are those of the older table, with their source."""
    key = [name for name in older.columns if name not in ("value", "source", "verified")]
    old: Any = older.set_index(key)
    rows = []
    moved: Any = table
    for _, row in moved.iterrows():
        label = tuple(row[key])
        before: Any = old.loc[label] if label in old.index else None
        same_value = before is not None and abs(float(before["value"]) - float(row["value"])) <= SAME
        chosen: Any = before if same_value else row
        rows.append((*label, *chosen[["value", "source", "verified"]]))
    return pd.DataFrame(rows, columns=[*key, "value", "source", "verified"])


def _write_meta(folder: Path, data: Dataset, made: Made) -> None:
    countries, sold = made.flows.countries, made.trade.sum(axis=0)
    cut = "; ".join(
        f"{country} {(1 - kept) * value:,.0f} of {value:,.0f}"
        for country, kept, value in zip(countries, made.kept, sold, strict=True)
        if kept < 1
    )
    shares = ", ".join(
        f"{country} {output:,.0f} (rare earths {100 * share:.0f} % of cost)"
        for country, output, share in zip(countries, made.output, made.cost_share, strict=True)
        if output > 0
    )
    notes = [
        "Figures are read, recalled or imputed as in rare-earths-2010, from which all cells come that the stage does "
        "not move; verified is true only for what was read.",
        f"Magnets made in {_YEAR}, million US$: {shares}.",
        "Exports of HS 850511 that no production stands behind (re-exports, other metal magnets) are left out, million "
        f"US$ after the rare-earth part of the code is taken: {cut}.",
        f"Taiwan's purchases are imputed: BACI has no Taiwan before 2018 ({LIKE_YEARS[0]} to {LIKE_YEARS[-1]} over "
        "Korea's).",
        "Makers' shares are of 2010, the unit value of 2009, oxide, prices and trade of 2008.",
        "China taxed oxides and metals at the border and set quotas on them; magnets left freely and kept their VAT "
        "refund (recalled).",
    ]
    licence = data.meta.licence.replace(" and exports in outcomes.csv", "")
    uncertainty = data.meta.uncertainty.model_dump(exclude_unset=True) if data.meta.uncertainty else None
    keys: dict[str, object] = {
        "name": "rare-earths-2010-magnets",
        "description": _DESCRIPTION,
        "base_year": data.meta.base_year,
        "policy_year": data.meta.policy_year,
        "licence": f"{licence} Trade in magnets: CEPII BACI, Etalab Open Licence 2.0 (recalled).",
        "host_sector": data.meta.host_sector,
        "synthetic": [],
        "imputed": imputed_files(folder),
        "notes": notes,
    }
    write_meta(folder, keys, uncertainty=uncertainty)


def main(arguments: list[str] | None = None) -> None:
    """Write the dataset of 2008 with magnets to ``--out`` from the original files in ``--originals``."""
    write_from_originals(write_2010_magnets, "real_2010_magnets", main.__doc__, REAL_MAGNETS, arguments)


if __name__ == "__main__":
    main()
