"""Growth accounts of NACE industries to those of sectors: values add up, volumes grow by Törnqvist's index.

For a sector with industries i: d ln V = Σ_i ½ (s_i,t + s_i,t−1) d ln V_i, s_i the share of the industry in the sector's
nominal value of output, labour, capital or intermediates (Jorgenson, Ho and Stiroh 2005, chapter 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.growth_accounts import INPUTS
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError
from reestim.importers.mapping import read_concordance

_ALL = ("output", *INPUTS)


def nace_industries(path: Path) -> Any:
    """The concordance nace, industry, weight (sums to 1 a code), unless: a code that takes its place where it is there.

    Raises InputError listing everything wrong with the file.
    """
    cells, problems = read_concordance(path, "nace", what="value is")
    if problems:
        raise InputError(problems, "the concordance cannot be used")
    return cells.assign(unless=cells.get("unless", ""))[["nace", "industry", "unless", "weight"]]


def sector_accounts(accounts: Any, concordance: Any, sectors: Mapping[str, str]) -> tuple[Any, list[str]]:
    """``growth_accounts.csv`` and, in words, which industries and series are left out.

    accounts : country, nace, year, ``<what>_value`` and ``<what>_volume`` of output, labor, capital, intermediates.
    A series is left out where an industry of it has a figure that is not above 0, in the years that all industries
    have, or a gap between years.
    """
    there = set(accounts["nace"])
    used = concordance[concordance["nace"].isin(list(there)) & ~concordance["unless"].isin(list(there))]
    parts = used.assign(sector=used["industry"].map(sectors)).groupby(["nace", SECTOR], as_index=False)["weight"].sum()
    words = []
    if other := sorted(there - set(used["nace"])):
        words.append(f"industries that are parts or sums of others, or not in the concordance: {', '.join(other)}")
    reached = set(used["industry"].map(sectors))
    if lacking := sorted(set(sectors.values()) - reached):
        words.append(f"sectors without accounts in the files: {', '.join(lacking)}")
    values, volumes = [f"{w}_value" for w in _ALL], [f"{w}_volume" for w in _ALL]
    rows = accounts.merge(parts, on="nace").dropna(subset=[*values, *volumes])
    members = parts.groupby(SECTOR)["nace"].nunique()
    tables, holes, signs, short = [], [], [], []
    for (country, sector), group in rows.groupby([COUNTRY, SECTOR]):
        label = f"{country} {sector}"
        counts = group.groupby(YEAR)["nace"].size()
        years = sorted(int(year) for year in counts.index[counts == members[sector]])
        complete = group[group[YEAR].isin(years)]
        if len(years) < 2:
            short.append(label)
        elif years[-1] - years[0] + 1 > len(years):
            holes.append(label)
        elif (complete[[*values, *volumes]] <= 0).to_numpy().any():
            signs.append(label)
        else:
            tables.append(_series(complete, country, sector, years))
    for what, labels in (
        ("series without all industries of the sector, or of one year", short),
        ("series with a gap between years", holes),
        ("series with a value or volume that is not above 0", signs),
    ):
        words += [f"{what}: {', '.join(labels)}"] if labels else []
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return table, words


def _series(group: Any, country: object, sector: object, years: list[int]) -> pd.DataFrame:
    """One sector of one country."""
    table = pd.DataFrame({COUNTRY: country, SECTOR: sector, YEAR: years})
    nominal = {}
    for what in _ALL:
        cells = group.set_index([YEAR, "nace"])
        value = (cells[f"{what}_value"] * cells["weight"]).unstack("nace").to_numpy()  # noqa: PD010
        volume = np.log(cells[f"{what}_volume"].unstack("nace").to_numpy())  # noqa: PD010
        share = value / value.sum(axis=1, keepdims=True)
        growth = (0.5 * (share[1:] + share[:-1]) * np.diff(volume, axis=0)).sum(axis=1)
        table[what] = np.exp(np.concatenate([[0.0], np.cumsum(growth)]))
        nominal[what] = value.sum(axis=1)
    cost = np.sum([nominal[what] for what in INPUTS], axis=0)
    for what in INPUTS:
        table[f"{what}_share"] = nominal[what] / cost
    return table
