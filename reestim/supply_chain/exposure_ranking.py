"""Who is exposed to rare earths: sectors of the world and countries in order, and what a sector needs in tonnes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, SECTOR
from reestim.supply_chain.exposure import exposure, purchases
from reestim.supply_chain.flows import revenue

if TYPE_CHECKING:
    from collections.abc import Mapping


def total_requirements(io: xr.Dataset) -> xr.DataArray:
    """Tonnes of each element in one million US$ of a sector's output: its own use and that of all its suppliers.

    By the multi-regional Leontief inverse.

    Parameters
    ----------
    io
        From `reestim.ree_input_output`.

    Returns
    -------
    xarray.DataArray
        (country, element, sector), t REO per million US$ at producer prices.
    """
    made = revenue(io)
    used = io["element_tonnes"].transpose(ELEMENT, COUNTRY, SECTOR)
    own = (used / made.where(made > 0)).fillna(0.0).transpose(ELEMENT, COUNTRY, SECTOR)
    bought = purchases(io)
    size = bought.shape[0]
    total = np.linalg.solve(np.eye(size) - bought.T, own.values.reshape(own.shape[0], size).T).T.reshape(own.shape)
    requirements = own.copy(data=total).transpose(COUNTRY, ELEMENT, SECTOR)
    return requirements.rename("total_requirements").assign_attrs(
        long_name="rare earths in the output, direct and through all inputs", units="t REO per million US$"
    )


def exposure_tables(io: xr.Dataset) -> Mapping[str, pd.DataFrame]:
    """Exposure in four tables, the most exposed first.

    Shares are per cent of cost, direct and total (through all suppliers in the world); a mean over countries or sectors
    is weighted by output.

    Parameters
    ----------
    io
        From `reestim.ree_input_output`.

    Returns
    -------
    dict of pandas.DataFrame
        * ``exposure_sectors``: sector, direct, total, value (million US$ paid for rare earths), tonnes, output,
          main_element (largest in value), and one column an element with its tonnes;
        * ``exposure_countries``: country, the same, and main_sector (largest in value);
        * ``exposure_cells``: country, sector, direct, total, value, tonnes, output;
        * ``exposure_elements``: sector, element, direct, total (per cent of cost, world), total_tonnes (t per million
          US$).

    Examples
    --------
    >>> from reestim.supply_chain.exposure_ranking import exposure_tables
    >>> sorted(exposure_tables(ree.ree_input_output(data)))[0]
    'exposure_cells'
    """
    elements = [str(e) for e in io[ELEMENT].values]
    goods = [str(s) for s in io[SECTOR].values if str(s) not in elements]
    shares, made = exposure(io).sel({SECTOR: goods}), revenue(io).sel({SECTOR: goods})
    tonnes = io["element_tonnes"].sel({SECTOR: goods})
    worth = tonnes * io["element_price"] / 1000.0

    def summary(over: str) -> pd.DataFrame:
        key = SECTOR if over == COUNTRY else COUNTRY
        weight = made / made.sum(over).where(made.sum(over) > 0, 1.0)
        table = pd.DataFrame(
            {
                key: made[key].values,
                "direct": 100 * _of(shares["direct"] * weight, over),
                "total": 100 * _of(shares["total"] * weight, over),
                "value": _of(worth.sum(ELEMENT), over),
                "tonnes": _of(tonnes.sum(ELEMENT), over),
                "output": _of(made, over),
                "main_element": _largest(worth.sum(over).transpose(key, ELEMENT)),
            }
        )
        if over == SECTOR:
            table["main_sector"] = _largest(worth.sum(ELEMENT).transpose(key, SECTOR))
        by_element = tonnes.sum(over).transpose(key, ELEMENT).values
        return table.assign(**{f"tonnes_{e}": by_element[:, k] for k, e in enumerate(elements)})

    cells = xr.Dataset(
        {
            "direct": 100 * shares["direct"],
            "total": 100 * shares["total"],
            "value": worth.sum(ELEMENT),
            "tonnes": tonnes.sum(ELEMENT),
            "output": made,
        }
    )
    weight = made / made.sum(COUNTRY).where(made.sum(COUNTRY) > 0, 1.0)
    by_element = xr.Dataset(
        {
            "direct": 100 * (shares["direct_by_element"] * weight).sum(COUNTRY),
            "total": 100 * (shares["total_by_element"] * weight).sum(COUNTRY),
            "total_tonnes": (total_requirements(io).sel({SECTOR: goods}) * weight).sum(COUNTRY),
        }
    )
    return {
        "exposure_sectors": _ranked(summary(COUNTRY)),
        "exposure_countries": _ranked(summary(SECTOR)),
        "exposure_cells": _ranked(_frame(cells, [COUNTRY, SECTOR])),
        "exposure_elements": _ranked(_frame(by_element, [SECTOR, ELEMENT])),
    }


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["direct", "total"], ascending=False, ignore_index=True, kind="stable")


def _frame(ds: xr.Dataset, keys: list[str]) -> pd.DataFrame:
    table: Any = ds.reset_coords(drop=True).to_dataframe(dim_order=keys).reset_index()
    return table[[*keys, *map(str, ds.data_vars)]]


def _of(array: xr.DataArray, over: str) -> np.ndarray:
    return array.sum(over).values


def _largest(array: xr.DataArray) -> np.ndarray:
    """Label of the largest cell of each row, empty where all are 0."""
    labels = array[array.dims[1]].values.astype(str)
    return np.where(array.values.max(axis=1) > 0, labels[array.values.argmax(axis=1)], "")
