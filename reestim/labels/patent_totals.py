"""How many patents of all kinds a country was granted, by sector and year: the denominators of patents on rare earths.

``all_patents.csv`` is made by ``reestim.importers.all_patents``, which says from what.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, SECTOR, YEAR

ALL_PATENTS_FILE = Path(__file__).with_name("all_patents.csv")
REGION, TOTAL = "region", "total"
#: Countries that the source does not name: of the European Union, and of the rest of the world.
OTHER_EU, OTHER = "other EU", "other"


@cache
def _wide() -> pd.DataFrame:
    return pd.read_csv(ALL_PATENTS_FILE)


def patent_totals(*, regions: bool = False) -> pd.DataFrame:
    """``country, sector, year, total``: families of patents granted, in parts by the residence of inventors, 1998-2018.

    Countries are alpha-3 codes, ``OTHER_EU`` and ``OTHER``, or the ten economies of the bundled datasets (``regions``);
    sectors are those of the bundled datasets.
    """
    wide = _wide()
    place = wide[REGION] if regions else wide[COUNTRY]
    table = wide.drop(columns=[REGION]).assign(**{COUNTRY: place})
    long: Any = table.melt(id_vars=[COUNTRY, SECTOR], var_name=YEAR, value_name=TOTAL).astype({YEAR: "int64"})
    return long.groupby([COUNTRY, SECTOR, YEAR], as_index=False)[TOTAL].sum()


def in_regions(countries: set[str]) -> bool:
    """Whether these are economies of the bundled datasets, one at least of several countries (REU, ROW)."""
    wide = _wide()
    merged = set(wide.loc[wide[REGION] != wide[COUNTRY], REGION])
    return countries <= set(wide[REGION]) and bool(countries & merged)
