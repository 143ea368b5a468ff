"""The real panels of exports and productivity around 2010: where they lie, and how each is read.

They are not the project's to ship, but for the last; `panels/` beside the checkout has them in the project's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.io.resources import REAL

POLICY_YEAR = 2010
LAYOUT = Path("panels") / "project_layout"
#: Series of the OECD tables with breaks of benchmark revisions (panels/oecd_iot2021_chn_jpn/README.md).
BROKEN = ("plastics", "mineral_products", "other_manufacturing")
#: Sections of the Harmonized System, and the sectors whose exposure they take (by output).
SECTIONS: dict[str, Sequence[str]] = {
    "Animal": ("agriculture",),
    "Vegetable": ("agriculture",),
    "Food Products": ("food",),
    "Minerals": ("mining",),
    "Fuels": ("mining", "petroleum"),
    "Chemicals": ("chemicals",),
    "Plastic or Rubber": ("plastics",),
    "Hides and Skins": ("textiles_leather",),
    "Wood": ("wood_paper",),
    "Textiles and Clothing": ("textiles_leather",),
    "Footwear": ("textiles_leather",),
    "Stone and Glass": ("mineral_products",),
    "Metals": ("metals",),
    "Mach and Elec": ("machinery", "electrical_optical"),
    "Transportation": ("transport_equipment",),
    "Miscellaneous": ("other_manufacturing", "electrical_optical"),
}
#: The most exposed sector, in sectors and in sections.
ELECTRICAL = ("electrical_optical", "Mach and Elec")
MERGED: dict[str, Sequence[str]] = {"plastics_mineral_products": ("plastics", "mineral_products")}
#: A country of the panel of sections exports in so many of them in so many years, 2009 among them.
LEAST_SECTIONS, LEAST_YEARS, SECTION_YEARS = 12, 12, range(1996, 2016)


@dataclass(frozen=True)
class Panel:
    """One panel: its name in words, the outcome, its file, how it is read, and the groups of countries to estimate."""

    words: str
    outcome: str
    file: Path
    read: Callable[[Path], pd.DataFrame]
    groups: tuple[str, ...]
    sectors: dict[str, Sequence[str]] | None = None


def _plain(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


def _of_source(name: str, countries: Sequence[str], without: Sequence[str] = ()) -> Callable[[Path], pd.DataFrame]:
    def read(path: Path) -> pd.DataFrame:
        table: Any = pd.read_csv(path)
        chosen = table["src"].str.startswith(name) & table[COUNTRY].isin(list(countries))
        return table[chosen & ~table[SECTOR].isin(list(without))]

    return read


def _sections(path: Path) -> pd.DataFrame:
    table: Any = pd.read_csv(path).rename(columns={"industry": SECTOR})
    table = table[table[SECTOR].isin(list(SECTIONS)) & table[YEAR].isin(list(SECTION_YEARS)) & (table["value"] > 0)]
    table = table[table["outcome"] == "exports"]
    each: Any = table.groupby([COUNTRY, YEAR])[SECTOR].nunique().unstack(fill_value=0)  # noqa: PD010
    reported: Any = each.reindex(columns=list(SECTION_YEARS), fill_value=0) >= LEAST_SECTIONS
    kept = reported.index[reported[POLICY_YEAR - 1] & (reported.sum(axis=1) >= LEAST_YEARS)]
    return table[table[COUNTRY].isin(list(kept))]


def _without_petroleum(path: Path) -> pd.DataFrame:
    table: Any = pd.read_csv(path)
    return table[table[SECTOR] != "petroleum"]


def _shipped(path: Path) -> pd.DataFrame:
    table: Any = pd.read_csv(path)
    return table[table["outcome"] == "tfp"]


SOURCE_FILE = LAYOUT / "outcomes_exports_chn_jpn_usa_aus_to_2014_2018.csv"
PANELS = (
    Panel(
        "exports, 40 countries and the rest, 1995-2011 (WIOD 2013)",
        "exports",
        LAYOUT / "outcomes_exports_wiod2013.csv",
        _plain,
        ("all", "all but CHN", "CHN", "JPN", "KOR", "DEU", "USA"),
    ),
    Panel(
        "exports, China and Japan, 1995-2018 (OECD 2021)",
        "exports",
        SOURCE_FILE,
        _of_source("OECD", ("CHN", "JPN"), BROKEN),
        ("CHN", "JPN"),
    ),
    Panel(
        "exports, United States and Australia, 2000-2014 (WIOD 2016)",
        "exports",
        SOURCE_FILE,
        _of_source("WIOD", ("USA", "AUS")),
        ("USA", "AUS"),
    ),
    Panel(
        "exports, HS sections, 1996-2015 (WITS)",
        "exports",
        Path("panels") / "wits_trade" / "outcomes.csv.gz",
        _sections,
        ("all", "all but CHN"),
        SECTIONS,
    ),
    Panel(
        "TFP on value added, 13 countries, 1995-2018 (KLEMS)",
        "tfp",
        LAYOUT / "outcomes_tfp_klems_va.csv",
        _without_petroleum,
        ("all", "JPN", "DEU", "USA"),
        MERGED,
    ),
    Panel("TFP on gross output, United States, 1997-2023 (BEA-BLS)", "tfp", REAL / "outcomes.csv", _shipped, ("USA",)),
)
