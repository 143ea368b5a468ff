"""pymrio's labelled frames as a raw table: every cell is placed by its labels, an incomplete grid is an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.world import RawTable

#: Region under which pymrio files final uses that belong to no country.
NO_COUNTRY = "ALL"


def raw_table(
    intermediate: Any,
    final: Any,
    output: Any,
    year: int,
    file: str,
    *,
    tolerance: float | None = None,
    may_be_negative: bool = False,
) -> RawTable:
    """``intermediate`` and ``final`` have (region, sector) rows; final has (region, category) columns; ``output`` is
    a series over (region, sector) or None. ``tolerance``: default 0.1 % of output and one unit.

    Raises InputError where regions have different industries, labels repeat, or a cell is not a number.
    """
    regions = tuple(str(r) for r in dict.fromkeys(intermediate.index.get_level_values(0)))
    industries = tuple(str(i) for i in dict.fromkeys(intermediate.index.get_level_values(1)))
    grid = pd.MultiIndex.from_product([regions, industries])
    advice = "Use the file of the edition as it was published"
    problems = []
    for name, axis in (("rows", intermediate.index), ("columns", intermediate.columns), ("final rows", final.index)):
        if len(axis) != len(grid) or not axis.isin(grid).all() or axis.has_duplicates:
            message = f"the {name} are not every region with every industry once"
            problems.append(Problem(message, advice, file=file, value=f"{len(axis)} labels, {len(grid)} expected"))
    buyers = [str(b) for b in dict.fromkeys(final.columns.get_level_values(0))]
    for buyer in [r for r in regions if r not in buyers]:
        problems.append(Problem("the region has no final use", advice, file=file, value=buyer))
    for buyer in [b for b in buyers if b not in (*regions, NO_COUNTRY)]:
        problems.append(Problem("final use of an unknown region", advice, file=file, value=buyer))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    inner = intermediate.reindex(index=grid, columns=grid).to_numpy(dtype=float)
    uses = [final[buyer].reindex(index=grid).to_numpy(dtype=float) for buyer in regions]
    width = max(u.shape[1] for u in uses)
    outer = np.stack([np.pad(u, ((0, 0), (0, width - u.shape[1]))) for u in uses], axis=1)
    loose = final[NO_COUNTRY].reindex(index=grid).sum(axis=1).to_numpy(float) if NO_COUNTRY in buyers else None
    sold = None if output is None else output.reindex(grid).to_numpy(dtype=float)
    for name, cells in (("intermediate", inner), ("final", outer), ("output", sold)):
        if cells is not None and not np.isfinite(cells).all():
            message = f"{int((~np.isfinite(cells)).sum())} cells are not numbers"
            problems.append(Problem(message, advice, file=file, column=name))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    slack: Any = tolerance if tolerance is not None else 1.0 + 1e-3 * np.abs(0.0 if sold is None else sold)
    return RawTable(year, file, regions, industries, inner, outer, sold, loose, slack, may_be_negative)
