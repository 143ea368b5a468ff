"""TFP of the United States by industry: `reestim tfp` on the accounts of BEA and BLS beside the index they publish.

The Integrated Industry-Level Production Account (release of April 2025) gives volumes and cost shares of 63 industries
from 1997 to 2023, and an index of TFP on gross output. Our step, Törnqvist growth accounting, is run on the volumes and
shares; growth is compared year by year, in percentage points.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import reestim as ree
from reestim.errors import InputError, Problem
from replications.tables import Table, number

FILE = Path("panels") / "us_bea_bls_klems" / "growth_accounts_1997_2023.csv"
SHARES = {"labor_share": "share_labor", "capital_share": "share_capital", "intermediates_share": "share_intermediate"}
#: What a TFP step has to reach, percentage points.
MEDIAN_GAP, WORST_GAP = 0.001, 0.1
SHOWN = 8


def read(data: Path) -> pd.DataFrame:
    """Growth accounts of the 63 industries, the published index beside them (``published``).

    Raises InputError where the file is not there.
    """
    path = data / FILE
    if not path.is_file():
        advice = "Put the account, as volumes and shares by industry, into the folder of data"
        raise InputError(Problem("the account of BEA and BLS is not here", advice, file=str(FILE)))
    table = pd.read_csv(path)
    columns = ["country", "year", "output", "labor", "capital", "intermediates", "name"]
    accounts = table[columns].assign(sector=table["industry"], published=table["tfp_published"])
    return accounts.assign(**{ours: table[theirs] for ours, theirs in SHARES.items()})


def compare(data: Path) -> pd.DataFrame:
    """Growth of TFP by industry and year, per cent: ``ours``, ``published`` and the ``gap``."""
    accounts = read(data)
    growth: Any = ree.growth_accounting(accounts)["tfp_growth"].sel(country="USA")
    ours = growth.to_series().dropna().rename("ours") * 100
    level: Any = np.log(accounts.pivot_table(index="year", columns="sector", values="published"))
    published = (100 * level.diff()).unstack().dropna().rename("published")  # noqa: PD010
    both = pd.concat([ours, published], axis=1, join="inner")
    names: Any = accounts.drop_duplicates("sector").set_index("sector")["name"]
    return both.assign(gap=both["ours"] - both["published"], name=names.loc[both.index.get_level_values(0)].to_numpy())


def table(data: Path) -> Table:
    """Average growth of the industries with the largest gaps; the measures in the notes."""
    found: Any = compare(data)
    size = found["gap"].abs()
    by_industry: Any = found.assign(size=size).groupby("name")
    means: Any = by_industry[["ours", "published"]].mean().assign(largest=by_industry["size"].max())
    means = means.sort_values("largest", ascending=False)
    rows = [
        [str(name), number(row["ours"], 3), number(row["published"], 3), number(row["largest"], 3)]
        for name, row in means.head(SHOWN).iterrows()
    ]
    notes = [
        f"{means.shape[0]} industries, {len(found)} changes of a year: median gap {number(float(size.median()), 4)}, "
        f"99th percentile {number(float(size.quantile(0.99)), 3)}, largest {number(float(size.max()), 3)} percentage "
        f"points; correlation {number(float(found[['ours', 'published']].corr().iloc[0, 1]), 5)}. The table shows the "
        f"{SHOWN} industries with the largest gap of a year. Volumes and shares are printed with three to five digits."
    ]
    return Table(["industry", "TFP growth, ours", "published", "largest gap of a year"], rows, notes)
