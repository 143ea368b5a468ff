"""What must hold after the rare earths are split out of their host sector, each identity with its largest gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR
from reestim.supply_chain.ree_rows import Split, split_world

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

#: Every identity holds to this, relative to the largest cell of the row or column it speaks of.
SPLIT_TOLERANCE = 1e-9


def split_identities(data: Dataset) -> pd.DataFrame:
    """Check the identities of the input-output table with rare-earth rows against the tables of the dataset.

    Parameters
    ----------
    data
        A dataset with the files on rare earths of data/README.md.

    Returns
    -------
    pandas.DataFrame
        One row an identity: identity, cells (in how many it was checked), worst (the cell), relative_gap (largest gap,
        relative to the size of the account; for non-negativity the most negative cell), holds (gap at most 1e-9).

    Raises
    ------
    InputError
        As :func:`ree_input_output`.

    Examples
    --------
    >>> bool(ree.split_identities(data)["holds"].all())
    True
    """
    return identities_of(data, split_world(data))


def identities_of(data: Dataset, split: Split) -> pd.DataFrame:
    """``split_identities`` of a split that is there already.

    Parameters
    ----------
    data, split
        The dataset and its split.

    Returns
    -------
    pandas.DataFrame
        As of `reestim.split_identities`.
    """
    base, elements, world = split.base, split.elements, split.world
    host = data.meta.host_sector
    together = [host, *data.elements]
    goods = list(data.goods)
    before = base.trade.sel({SECTOR: host}, drop=True)
    after = world.trade.sel({SECTOR: together}).sum(SECTOR)
    costs = world.inputs.sum(INPUT) + world.factors.sum(FACTOR)
    spent = world.trade.sum(EXPORTER).rename({IMPORTER: COUNTRY})
    used = world.inputs.sum(SECTOR).rename({INPUT: SECTOR})
    final = spent - used
    final_before = base.trade.sum(EXPORTER).rename({IMPORTER: COUNTRY}) - base.inputs.sum(SECTOR).rename(
        {INPUT: SECTOR}
    )
    use: Any = data["element_use"]
    put_in: Any = use.groupby(ELEMENT)["tonnes"].sum().reindex(list(data.elements)).fillna(0.0)
    tonnes = xr.DataArray(put_in.to_numpy(float), coords={ELEMENT: list(data.elements)}, dims=ELEMENT)
    worth = split.tonnes * split.prices / 1000.0
    rows = world.inputs.sel({INPUT: list(data.elements), SECTOR: goods}).rename({INPUT: ELEMENT})
    sold = world.trade.sel({SECTOR: list(data.elements)}).rename({SECTOR: ELEMENT})
    paid_before = base.inputs.sel({INPUT: host}, drop=True)
    paid = world.inputs.sel({INPUT: together, SECTOR: goods}).sum(INPUT)
    others = [s for s in goods if s != host]
    element_final = final.sel({SECTOR: list(data.elements)})
    bought = spent.sel({SECTOR: list(data.elements)})
    return pd.DataFrame(
        [
            _equal("costs of each sector equal its revenue", costs, world.output, world.output),
            _equal(
                "importers spend on host and elements what they spent on the host",
                after.sum(EXPORTER),
                before.sum(EXPORTER),
            ),
            _equal(
                "exporters sell of host and elements what they sold of the host",
                after.sum(IMPORTER),
                before.sum(IMPORTER),
            ),
            _equal(
                "users outside the elements' own mines pay for host and elements what they paid for the host",
                _without_host(paid, host),
                _without_host(paid_before, host),
            ),
            _equal(
                "final demand for goods has not moved",
                final.sel({SECTOR: goods}),
                final_before.sel({SECTOR: goods}),
                spent.sel({SECTOR: goods}),
            ),
            _equal(
                "nothing of an element goes to final demand", element_final, 0.0 * element_final, bought.max(COUNTRY)
            ),
            _equal(
                "trade in other goods has not moved",
                world.trade.sel({SECTOR: others}),
                base.trade.sel({SECTOR: others}),
            ),
            _equal(
                "users of an element pay tonnes times the price of their market",
                rows,
                worth.transpose(COUNTRY, ELEMENT, SECTOR).sel({SECTOR: goods}),
                rows.max(SECTOR),
            ),
            _equal(
                "what is bought of an element is what users pay",
                sold.sum(EXPORTER).rename({IMPORTER: COUNTRY}),
                elements.purchases.sum(SECTOR),
            ),
            _equal("world use of each element is the tonnes put in", split.tonnes.sum([COUNTRY, SECTOR]), tonnes),
            _equal("world supply of each element is the tonnes put in", split.supply.sum(COUNTRY), tonnes),
            _not_negative("no cell of trade is negative", world.trade),
            _not_negative("no cell of inputs is negative", world.inputs),
            _not_negative("no cell of factor income is negative", world.factors),
            _not_negative("no final demand is negative", final.where(abs(final) > SPLIT_TOLERANCE * spent, 0.0)),
            _not_negative("no use in tonnes is negative", split.tonnes),
        ]
    )


def _without_host(array: xr.DataArray, host: str) -> xr.DataArray:
    """Leave out the host, whose own column also gives up the inputs of the mines."""
    return array.sel({SECTOR: [s for s in array[SECTOR].values if s != host]})


def _equal(
    identity: str, one: xr.DataArray, other: xr.DataArray, scale: xr.DataArray | None = None
) -> dict[str, object]:
    one, other = xr.align(one, other, join="exact")
    size = abs(other) if scale is None else abs(scale)
    gap = abs(one - other)
    relative = xr.where(gap == 0, 0.0, gap / size.where(size > 0))
    return _row(identity, relative.fillna(np.inf))


def _not_negative(identity: str, flow: xr.DataArray) -> dict[str, object]:
    largest = float(abs(flow).max())
    return _row(identity, (-flow).clip(min=0) / (largest or 1.0))


def _row(identity: str, gap: xr.DataArray) -> dict[str, object]:
    values = gap.values.ravel()
    at = int(np.argmax(values))
    place = np.unravel_index(at, gap.shape)
    cell = ", ".join(str(gap[d].values[i]) for d, i in zip(gap.dims, place, strict=True))
    worst = float(values[at])
    return {
        "identity": identity,
        "cells": int(values.size),
        "worst": cell if worst > 0 else "",
        "relative_gap": worst,
        "holds": worst <= SPLIT_TOLERANCE,
    }
