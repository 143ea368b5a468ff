"""Patents among which the labeller errs alike: all, or those of a country, a sector (field) or a period.

``label_error`` of a study says which. Each group has a confusion of its own, drawn towards the common one as far as the
audit of the group is silent (partial pooling).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem

#: Dimension of the groups, and the group of each cell (country, sector, year) as its place along it.
ERROR_GROUP, GROUP_OF_CELL = "error_group", "error_group_of_cell"
#: Length of a period, years, counted from the first year of the patents.
_PERIOD = 5
_COLUMN = {"by_country": COUNTRY, "by_sector": SECTOR, "by_period": YEAR}


def group_of_cell(patent_count: xr.DataArray) -> np.ndarray | None:
    """Group of each cell (country, sector, year), a place along ``error_group``; None where errors are alike."""
    if GROUP_OF_CELL not in patent_count.coords:
        return None
    return patent_count[GROUP_OF_CELL].transpose(COUNTRY, SECTOR, YEAR).values


def grouped_audit(audit: pd.DataFrame, label_error: str, cells: xr.DataArray) -> xr.Dataset:
    """The audit by group, and the group of each cell.

    audit : ``human_label, machine_label, count, design`` and the column that groups are made of; audited patents of
    countries, sectors or years that the study does not have are left out. cells : (country, sector, year).

    Returns
    -------
    ``label_audit`` (error_group, human_label, machine_label) and the coordinate ``error_group_of_cell`` (country,
    sector, year).

    Raises
    ------
    InputError
        If the audit does not state the country, the sector or the year of its patents, or has none of the study's.
    """
    column = _COLUMN[label_error]
    if column not in audit:
        advice = "Read the sample again with `reestim audit read`, or set label_error = true"
        problem = Problem(
            f"the audit does not state the {column} of its patents", advice, file="label_audit.csv", column=column
        )
        raise InputError(problem, "the evidence cannot be used")
    values = [str(v) for v in cells[column].values] if column != YEAR else [int(v) for v in cells[column].values]
    of = dict(zip(values, _periods(values), strict=True)) if column == YEAR else {v: v for v in values}
    groups = list(dict.fromkeys(of.values()))
    rows = audit.assign(group=[of.get(v) for v in audit[column].astype(int if column == YEAR else str)])
    rows = rows.dropna(subset=["group"])
    if rows.empty:
        advice = "Audit patents of the study, or set label_error = true"
        problem = Problem(
            f"no audited patent is of a {column} of the study", advice, file="label_audit.csv", column=column
        )
        raise InputError(problem, "the evidence cannot be used")
    keys = ["group", "human_label", "machine_label"]
    index = pd.MultiIndex.from_product([groups, LABELS, LABELS], names=keys)
    summed: Any = rows.astype({"human_label": "str", "machine_label": "str"}).groupby(keys)["count"].sum()
    counts = summed.reindex(index, fill_value=0).to_numpy(dtype=np.int64).reshape(len(groups), len(LABELS), len(LABELS))
    place = np.array([groups.index(of[v]) for v in values])
    shape = [1, 1, 1]
    shape[cells.get_axis_num(column)] = len(values)
    attrs = {"long_name": "audited patents", "units": "patents", "design": str(rows["design"].iloc[0])}
    return xr.Dataset(
        {
            "label_audit": ((ERROR_GROUP, "human_label", "machine_label"), counts, attrs),
        },
        coords={
            **cells.coords,
            ERROR_GROUP: groups,
            "human_label": list(LABELS),
            "machine_label": list(LABELS),
            GROUP_OF_CELL: (cells.dims, np.broadcast_to(place.reshape(shape), cells.shape).copy()),
        },
    )


def _periods(years: Sequence[Any]) -> list[str]:
    first, last = min(years), max(years)
    starts = [first + _PERIOD * ((year - first) // _PERIOD) for year in years]
    return [f"{start}-{min(start + _PERIOD - 1, last)}" for start in starts]


def group_shares(patents: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Share of each cell in the patents of its group, (error_group, cell); rows sum to 1.

    patents : (country, sector, year), as ``group_of_cell``. A group without patents has equal shares: nothing is said
    of it.
    """
    n = patents.ravel().astype(float)
    member = group.ravel()[None, :] == np.arange(group.max() + 1)[:, None]
    total = (member * n).sum(axis=1, keepdims=True)
    return np.where(total > 0, member * n, member) / np.where(total > 0, total, member.sum(axis=1, keepdims=True))
