"""Write the dataset of 2023, byte for byte, from figures typed by hand, those of 2010 and the original files that users
bring. It has no evidence for estimation: posterior draws of another dataset are carried to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.importers import magnets
from reestim.importers import real_2023_facts as facts
from reestim.importers.balance import Flows
from reestim.importers.bundle import copy_tables, originals_in, write_csv, write_dataset, write_from_originals
from reestim.importers.dataset_toml import imputed_files, write_meta
from reestim.importers.margins import as_table
from reestim.importers.real_2023_economy import Economy2023, economy_2023
from reestim.importers.update import UPDATED, economy_rows
from reestim.io.resources import REAL, TODAY

#: Files of the dataset of 2010 that are taken over: properties, places of use, trade elasticities.
_TAKEN_OVER = ("elements",)
TYPED = ("element_exports", "carriers")
_TYPED_SOURCES = (
    "separation",
    "magnet_use",
    "magnet_makers",
    "national_use",
    "marginal_prices_2025",
    "china_feed",
)
#: The original files, seen from one folder.
ORIGINALS = {
    "tables": "wiod2013",
    "sections": "panels/icio2019_isic_sections.npz",
    "aggregates": "panels/un_main_aggregates/un_ama_1990_2023_musd.csv.gz",
    "china_japan": "panels/oecd_iot2021_chn_jpn/oecd_iot2021_chn_jpn_1995_2018.npz",
    "united_states": "panels/us_bea_bls_klems/growth_accounts_1997_2023.csv",
    "accounts": "panels/wiod_sea2013/sea2013_wide.csv.gz",
    "prices": "usgs/usgs_mcs2026_observations.csv",
    "mines": "panels/ree/usgs_mcs2025_mine_production_2023_2024.csv",
    "uses": "panels/ree/nrcan_uses.csv",
    "magnets": "panels/ree/baci_magnets_hs850511_2002_2024.csv.gz",
}
#: Rare earths in the cost of a sintered magnet: the middle of 72 % (a maker) and 80 % (a dealer), both read.
COST_SHARE = 0.76
#: Economies by the two letters of BACI.
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
_DESCRIPTION = (
    "Rare earths before the export controls of 2025: the world economy of 2023 in eleven economies and twenty sectors, "
    "balanced from tables of 2011 and 2019 to figures of 2023, with prices, uses and separation of rare earths. "
    "Nothing is simulated; there is no evidence for estimation in it."
)
TOLD_OF_MAGNETS = (
    "imputed: production by makers' shares, the value of oxide and its cost share; trade of HS 850511 (BACI, read) as "
    "far as production allows; use by what sectors make; other costs as metals"
)
_LICENCE = (
    "Compilation: Apache-2.0. trade.csv, input_output.csv and value_added.csv are an adaptation of: World Input-Output "
    "Database, 2013 release (Timmer, Dietzenbacher, Los, Stehrer, de Vries 2015), free to use with citation (CC BY 4.0 "
    "stands on the publisher's page of the 2016 release; recalled for this one); OECD (2023), OECD Inter-Country "
    "Input-Output Tables, and OECD (2021), OECD Input-Output Tables, adapted and redistributed with credit as the "
    "OECD's terms allow; United Nations Statistics Division, National Accounts Main Aggregates, with attribution "
    "(recalled); BEA-BLS: public domain. USGS: public domain. Others: single facts with their source."
)
NOTES = (
    "Figures are read (seen in the source, or arithmetic on what was), recalled (from memory of it), imputed (the rule "
    "is in the column source) or updated (of an older year, balanced to margins of 2023); verified is true only for "
    "the first. Labour's share of value added is of 2009 (WIOD's Socio-Economic Accounts).",
    "What was changed in the tables: countries and industries added up; negative final uses of 2011 set to zero; all "
    "flows scaled and balanced (RAS), so that no cell is that of a source.",
    "Taiwan is in ROW: the OECD's table by sections and the UN's aggregates do not name it. Hong Kong and Macao too.",
    "Magnets are a sector of their own, taken out of metals, and a carrier: users hold them beside oxides. What a "
    "country makes is the value of the oxide in it over a cost share of 0.76, the middle of 72 and 80 % (a maker, a "
    "dealer, read); trade is HS 850511, cut to 90 % of production. What users buy is shared by what they make.",
    "element_output.csv is separated oxide, not ore: export controls act on oxide. A third of China's feed is imported "
    "(sources/china_feed.csv); what Myanmar, Laos and the United States earn from it counts as China's.",
    "element_prices.csv holds averages of a year. Prices asked in Europe in 2025 were up to six times as high for less "
    "than 1 % of what was used: shadow prices, in sources/marginal_prices_2025.csv, of which nothing is made.",
    "No Lu, Ho, Er, Tm, Yb and Sc: the USGS has prices of all but Tm, but how much of them goes into which use was not "
    "found, and an element without a use has no place in the economy.",
    "There is no policy.csv: China's export taxes on rare earths ended in 2015; export licences had no price yet.",
)


def write_2023(out: Path, originals: Path, typed: Path = TODAY, older: Path = REAL) -> list[Path]:
    """Build the dataset in ``out`` from the figures in ``typed``, those of 2010 in ``older`` and the folder of
    originals; returns its files. Raises InputError naming every original that is not there."""
    paths = originals_in(originals, ORIGINALS)
    return write_dataset(out, lambda folder: _build(folder, typed, older, paths))


def _build(folder: Path, typed: Path, older: Path, paths: dict[str, Path]) -> None:
    sources = folder / "sources"
    copy_tables(older, folder, _TAKEN_OVER)
    copy_tables(typed, folder, TYPED)
    copy_tables(typed / "sources", sources, _TYPED_SOURCES)
    of_2010 = older / "sources"
    made = economy_2023(*(paths[name] for name in list(ORIGINALS)[:6]))
    for stem, table in (
        ("nrcan_uses", pd.read_csv(paths["uses"])),
        ("prices", facts.prices(paths["prices"])),
        ("mine_output", facts.mine_output(paths["mines"])),
        ("margins", as_table(made.margins)),
        ("moved", made.moved.round(6)),
        ("magnet_trade", magnets.pairs(paths["magnets"], facts.BASE_YEAR, ALPHA2)),
    ):
        write_csv(table, sources / f"{stem}.csv")
    write_csv(facts.uses(sources, of_2010), sources / "uses.csv")
    use = facts.element_use(sources, of_2010)
    flows, labor_share = _with_magnets(made, use, older, sources)
    source_text = "updated: WIOD 2011 and OECD ICIO 2019, balanced to the margins of 2023 (sources/margins.csv)"
    tables = {
        "element_prices": facts.element_prices(sources),
        "element_use": use,
        "element_output": facts.element_output(sources, use, pd.read_csv(folder / "elements.csv")),
        "country_use": facts.country_use(sources, of_2010),
        "application_sector": magnets.application_sector(older),
        "trade_elasticities": magnets.trade_elasticities(older),
        **economy_rows(flows, labor_share, source_text),
    }
    tables["value_added"]["source"] += "; labour's share of 2009 (WIOD's Socio-Economic Accounts)"
    for stem, table in magnets.told_of_magnets(tables, TOLD_OF_MAGNETS).items():
        write_csv(table, folder / f"{stem}.csv")
    _write_meta(folder, made)


def _with_magnets(made: Economy2023, use: pd.DataFrame, older: Path, sources: Path) -> tuple[Flows, np.ndarray]:
    """The economy with magnets, and labour's share of value added; magnets have that of metals."""
    flows = made.flows
    trade = magnets.matrix(pd.read_csv(sources / "magnet_trade.csv"), flows)
    quoted: Any = pd.read_csv(sources / "prices.csv")
    price = quoted[quoted["year"] == facts.BASE_YEAR].set_index("element")["price"]
    tonnes: Any = use[use["application"] == magnets.MAGNETS].set_index("element")["tonnes"]
    worth = float((tonnes * price.reindex(tonnes.index)).sum()) / 1e3 / COST_SHARE
    output = magnets.production(pd.read_csv(sources / "magnet_makers.csv"), worth, trade, flows)
    host = flows.sectors.index(magnets.HOST)
    labor = np.column_stack([made.labor_share, made.labor_share[:, host]])
    return magnets.with_magnets(flows, output, trade, magnets.users(older), COST_SHARE), labor


def _write_meta(folder: Path, made: Economy2023) -> None:
    shares = "; ".join(
        f"{row['array']} on average {row['mean_change']:.4f}, at most {row['largest_change']:+.4f} ({row['where']})"
        for row in made.moved.to_dict("records")
    )
    keys: dict[str, object] = {
        "name": "rare-earths-2023",
        "description": _DESCRIPTION,
        "base_year": facts.BASE_YEAR,
        "policy_year": 2025,
        "licence": _LICENCE,
        "host_sector": "chemicals",
        "synthetic": [],
        "imputed": imputed_files(folder),
        "updated": [f"{stem}.csv" for stem in UPDATED],
        "notes": [*NOTES, f"How far shares moved from WIOD 2011: {shares}."],
    }
    write_meta(folder, keys)


def main(arguments: list[str] | None = None) -> None:
    """Write the dataset of 2023 to ``--out`` from the original files in ``--originals``."""
    write_from_originals(write_2023, "real_2023", main.__doc__, TODAY, arguments)


if __name__ == "__main__":
    main()
