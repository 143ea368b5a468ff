"""Tidy tables to labelled arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr


def to_array(table: pd.DataFrame, labels: Mapping[str, Sequence[Any]], value: str = "value") -> xr.DataArray:
    """A column of a table as an array, placed by label.

    Parameters
    ----------
    table
        One row a cell.
    labels
        Column to its labels, in the order of the dims.
    value
        The column of the values.

    Returns
    -------
    xarray.DataArray
        Absent cells are 0, rows with other labels are left out (``check_dataset`` reports them), repeated cells add up.

    Examples
    --------
    >>> import pandas as pd
    >>> from reestim.supply_chain.labelled_arrays import to_array
    >>> to_array(pd.DataFrame({"sector": ["b"], "value": [2.0]}), {"sector": ["a", "b"]}).values.tolist()
    [0.0, 2.0]
    """
    index = {column: pd.Index(list(names)).get_indexer(pd.Index(table[column])) for column, names in labels.items()}
    has_labels = np.all([code >= 0 for code in index.values()], axis=0)
    array = np.zeros([len(names) for names in labels.values()])
    np.add.at(array, tuple(code[has_labels] for code in index.values()), table[value].to_numpy(dtype=float)[has_labels])
    return xr.DataArray(array, coords={k: list(v) for k, v in labels.items()}, dims=list(labels))
