"""Write the dataset of real figures, byte for byte, from figures typed by hand and the original files that users bring.

Nothing in it is simulated or stylised. The original files stay out: what goes in are sums of them (the world economy,
exports, productivity) and single figures with their source. Nothing depends on the clock, the machine or the folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from reestim.importers import facts, real_economy
from reestim.importers.bundle import (
    TYPED_TABLES,
    copy_tables,
    originals_in,
    write_csv,
    write_dataset,
    write_from_originals,
)
from reestim.importers.concordance import HERE
from reestim.importers.dataset_toml import imputed_files, write_meta
from reestim.importers.imported import ImportOptions
from reestim.importers.sources import usgs_ds140, usitc
from reestim.io.resources import REAL

#: Files a person typed and edits; everything else in the folder is made from them, from ``sources/`` and the originals.
_TYPED_SOURCES = (
    "prices",
    "price_quotations",
    "uses",
    "use_shares",
    "use_by_region_2010",
    "japan_demand",
    "japan_demand_by_element",
    "us_consumption_summaries",
    "china_export_quotas",
    "published_effects",
    "published_elasticities",
)
#: The original files, seen from one folder.
ORIGINALS = {
    "tables": "wiod2013",
    "accounts": "panels/wiod_sea2013/sea2013_wide.csv.gz",
    "productivity": "panels/us_bea_bls_klems/growth_accounts_1997_2023.csv",
    "imports": "usgs/usitc_ree_hts4_1993_2026.csv",
    "consumption": "usgs/usgs_rare_earths_historical.csv",
    "trade": "panels/ree/comtrade_ree_top10_2000_2023.csv",
    "mines": "panels/ree/bgs_mine_production_reo_1992_2023.csv",
}
#: Uses of ``use_by_region_2010.csv`` that are two applications in ``element_use.csv``.
_SPLIT = {
    "catalysts": ("auto_catalysts", "cracking_catalysts"),
    "metal alloys": ("metallurgy", "battery_alloys"),
}
#: Errors of measurement of the series of use, log points of a level, and their years. Why: data/README.md.
SERIES = {
    "imports": ("imports of compounds", 0.0, range(1999, 2019)),
    "consumption": ("apparent consumption", 0.35, range(1999, 2019)),
    "demand": ("demand in tonnes", 0.25, range(2007, 2015)),
    "trade": ("imports of metals and cerium", 0.35, range(2000, 2015)),
}
_DESCRIPTION = (
    "Rare earths around China's export restrictions of 2010, in published figures only: the world economy of 2008 and "
    "exports of 1995-2011 added up from the World Input-Output Database, productivity of the United States from the "
    "BEA-BLS account, prices, quotas, mine output and uses of rare earths from their statistics. Nothing is simulated."
)
_LICENCE = (
    "Compilation: Apache-2.0. trade.csv, input_output.csv, value_added.csv and exports in outcomes.csv: an adaptation "
    "of the World Input-Output Database, 2013 release (Timmer, Dietzenbacher, Los, Stehrer, de Vries 2015), free to "
    "use with citation (CC BY 4.0 stands on the publisher's page of the 2016 release; recalled for this one). BEA-BLS, "
    "USGS and USITC: public domain. Mine output: British Geological Survey (c) UKRI. Others: single facts with their "
    "source."
)
#: How far figures may be off; what each file says goes before what holds for all.
UNCERTAINTY_REASON = (
    "Conventions of this project: a figure that was read is within a tenth nine times out of ten, one from memory "
    "within a quarter, an imputed one within a factor of 1.6. Trade: what partners report of the same flow differs by "
    "a tenth and more. Applications: the place of use was judged by us. Countries: within 10 to 15 %, says the source. "
    "Prices: low and high quotations are about a tenth apart."
)
UNCERTAINTY: dict[str, object] = {
    "reason": UNCERTAINTY_REASON,
    "application_sector": {"imputed": 0.5},
    "element_use": {"recalled": 0.2},
    "element_output": {"imputed": 0.2},
    "element_prices": {"read": 0.1, "imputed": 0.15},
    "trade": {"read": 0.1},
}
NOTES = (
    "Figures are read (seen in the source, or arithmetic on what was), recalled (from memory of it) or imputed (the "
    "rule is in the column source); verified is true only for the first.",
    "What was changed in the World Input-Output Database: countries and industries added up; negative final uses "
    "(inventories) set to zero; output is what is then sold, value added what is left of it.",
    "Mine output is split into elements by the composition of world use in 2008 (imputed).",
    "country_use.csv: shares of 2010, counted where oxide is processed. application_sector.csv names the industries "
    "that use what is made of it, in the same country.",
    "Prices inside China are without value added tax of 17 %, which buyers deduct.",
    "electronegativity is on the scale of Martynov and Batsanov; ionic_radius is Shannon's, 3+, six neighbours, pm;"
    " magnetic_moment is of the free 3+ ion by Hund's rules, in Bohr magnetons.",
)


def write_real(out: Path, originals: Path, typed: Path = REAL) -> list[Path]:
    """Build the dataset in ``out`` from the figures in ``typed`` and the folder of originals; returns its files.

    Raises InputError naming every original that is not there.
    """
    paths = originals_in(originals, ORIGINALS)
    return write_dataset(out, lambda folder: _build(folder, typed, paths))


def _build(folder: Path, typed: Path, paths: dict[str, Path]) -> None:
    sources = folder / "sources"
    copy_tables(typed, folder, TYPED_TABLES)
    copy_tables(typed / "sources", sources, _TYPED_SOURCES)
    for stem, table in _source_tables(paths).items():
        write_csv(table, sources / f"{stem}.csv")
    policy = pd.read_csv(folder / "policy.csv")
    export_tax = {str(e): float(x) for e, x in zip(policy["sector"], policy["export_tax"], strict=True)}
    made = real_economy.economy(paths["tables"], facts.BASE_YEAR)
    accounts = real_economy.united_states_accounts(paths["productivity"])
    panel = pd.concat([real_economy.export_panel(paths["tables"]), real_economy.productivity_panel(accounts)])
    tables = {
        "element_prices": facts.element_prices(sources, export_tax),
        "element_use": facts.element_use(sources),
        "element_output": facts.element_output(sources),
        "country_use": country_use(sources),
        "ree_use_panel": use_panel(sources),
        "event_study": pd.read_csv(sources / "published_effects.csv"),
        "growth_accounts": accounts,
        "outcomes": panel.reset_index(drop=True),
        **real_economy.economy_tables(made, paths["accounts"]),
    }
    for stem, table in tables.items():
        write_csv(table, folder / f"{stem}.csv")
    _write_meta(folder)


def _source_tables(paths: dict[str, Path]) -> dict[str, pd.DataFrame]:
    """What goes into ``sources/`` from the originals: single figures, with where they are from."""
    imported: Any = usitc.read([paths["imports"]], ImportOptions(), paths["imports"].parent).extra["usitc_trade"]
    compounds = imported[(imported["flow"] == "imports") & (imported["hts"] == "2846")]
    source_text = "USITC DataWeb: US imports for consumption of HTS 2846 from"
    trade: Any = pd.read_csv(paths["trade"])
    japan = trade[(trade["country_name"] == "Japan") & (trade["side"] == "importers") & (trade["stage"] == "refined")]
    partners = compounds["partner"].nunique()
    return {
        "us_imports_2846_china": _imports(compounds[compounds["partner"] == "CHN"], f"{source_text} China"),
        "us_imports_2846": _imports(compounds, f"{source_text} {partners} partners, nearly all there are"),
        "us_consumption": _consumption(paths["consumption"]),
        "japan_imports": pd.DataFrame(
            {
                "year": japan["year"],
                "value_usd": japan["value_usd"].round().astype(int),
                "status": "read",
                "source": "UN Comtrade: Japan's imports of HS 280530 (rare-earth metals) and 284610 (cerium compounds)",
            }
        ),
        "mine_output": _mines(paths["mines"]),
    }


def _imports(rows: Any, told: str) -> pd.DataFrame:
    sums: Any = rows[rows["year"].between(1999, 2025)].groupby("year")[["value", "tonnes"]].sum()
    return pd.DataFrame(
        {
            "year": sums.index,
            "customs_value_usd": (sums["value"] * 1e6).round().astype(int).to_numpy(),
            "kilograms": (sums["tonnes"] * 1e3).round().astype(int).to_numpy(),
            "status": "read",
            "source": told,
        }
    )


def _consumption(path: Path) -> pd.DataFrame:
    table: Any = usgs_ds140.read([path], ImportOptions(), path.parent).tables["ree_use_panel"]
    table = table[table["year"] >= 1999]
    return table[["year", "tonnes", "value"]].assign(
        status="read", source="USGS Data Series 140: apparent consumption, and its value at the unit value of the year"
    )


def _mines(path: Path) -> pd.DataFrame:
    """National totals of the British Geological Survey, 2005-2015; countries without a region are in ROW."""
    table: Any = pd.read_csv(path).dropna(subset=["tonnes_reo"])
    table = table[table["year"].isin(list(facts.OUTPUT_YEARS))]
    region = pd.read_csv(HERE / "regions_bundled.csv").set_index("country")["region"].to_dict()
    return pd.DataFrame(
        {
            "country": [region.get(code, region["*"]) for code in table["country"]],
            "producer": table["country_name"],
            "year": table["year"],
            "low": table["tonnes_reo"],
            "high": table["tonnes_reo"],
            "status": "read, BGS",
            "source": "British Geological Survey (c) UKRI, World Mineral Statistics",
        }
    )


def country_use(sources: Path) -> pd.DataFrame:
    """``country_use.csv``: shares of groups of countries in each application, from the amounts of 2010."""
    table: Any = pd.read_csv(sources / "use_by_region_2010.csv")
    total = table.groupby("use")["amount"].transform("sum")
    rows = [
        (application, row.stage, row.countries, round(row.amount / whole, 6), f"{row.status}: {row.source}", row.status)
        for row, whole in zip(table.itertuples(index=False), total, strict=True)
        for application in _SPLIT.get(str(row.use), (row.use,))
    ]
    columns = ["application", "stage", "countries", "share", "source", "verified"]
    made = pd.DataFrame(rows, columns=columns)
    made = made.sort_values("application", kind="stable", ignore_index=True)
    return made.assign(verified=[status == "read" for status in made["verified"]])


def use_panel(sources: Path) -> pd.DataFrame:
    """``ree_use_panel.csv``: series of the United States and of Japan, each with its own error of measurement."""
    imports = pd.read_csv(sources / "us_imports_2846.csv")
    parts = {
        "imports": imports.assign(tonnes=imports["kilograms"] / 1e3, value=imports["customs_value_usd"] / 1e6),
        "consumption": pd.read_csv(sources / "us_consumption.csv"),
        "demand": pd.read_csv(sources / "japan_demand.csv"),
        "trade": pd.read_csv(sources / "japan_imports.csv").eval("value = value_usd / 1e6"),
    }
    country = {"imports": "USA", "consumption": "USA", "demand": "JPN", "trade": "JPN"}
    columns = ["country", "sector", "series", "year", "tonnes", "value", "error", "source", "verified"]
    tables = []
    for name, (series, error, years) in SERIES.items():
        table = parts[name][parts[name]["year"].isin(list(years))]
        source = table["status"] + ": " + table["source"]
        made = table.assign(
            country=country[name], sector="all", series=series, error=error, source=source, verified=True
        )
        tables.append(made.reindex(columns=columns))
    return pd.concat(tables, ignore_index=True)


def _write_meta(folder: Path) -> None:
    """Write ``dataset.toml``; ``imputed``: the files with a cell that a rule made."""
    keys: dict[str, object] = {
        "name": "rare-earths-2010",
        "description": _DESCRIPTION,
        "base_year": facts.BASE_YEAR,
        "policy_year": 2010,
        "licence": _LICENCE,
        "host_sector": "chemicals",
        "synthetic": [],
        "imputed": imputed_files(folder),
        "notes": list(NOTES),
    }
    write_meta(folder, keys, uncertainty=UNCERTAINTY)


def main(arguments: list[str] | None = None) -> None:
    """Write the dataset of real figures to ``--out`` from the original files in ``--originals``."""
    write_from_originals(write_real, "real_dataset", main.__doc__, REAL, arguments)


if __name__ == "__main__":
    main()
