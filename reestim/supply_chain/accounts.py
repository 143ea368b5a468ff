"""The goods economy of a dataset in arrays, before the rare earths are split out of their host sector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import xarray as xr

from reestim.data.identities import ACCOUNTS_TOLERANCE
from reestim.data.policy import policy_arrays
from reestim.dims import CAPITAL, COUNTRY, EXPORTER, FACTOR, IMPORTER, INPUT, LABOR, SECTOR
from reestim.errors import InputError, Problem
from reestim.supply_chain.flows import received
from reestim.supply_chain.labelled_arrays import to_array

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


class Accounts(NamedTuple):
    """Flows of goods at the baseline in million US$; ``tariff`` and ``export_tax`` are fractions, goods then elements.

    trade (importer, exporter, sector) is what importers spend; inputs (country, input, sector) and value_added
    (country, factor, sector) are what producers spend; output (country, sector) is what they receive.
    """

    trade: xr.DataArray
    inputs: xr.DataArray
    value_added: xr.DataArray
    output: xr.DataArray
    tariff: xr.DataArray
    export_tax: xr.DataArray


def accounts(data: Dataset) -> Accounts:
    """Read trade, inputs, value added and border taxes by label; absent cells are 0.

    Output is what all importers pay net of tariffs and export taxes (equation 8). Value added is scaled by the rounding
    of the files so that inputs and value added equal output exactly; the use of inputs is kept.

    Parameters
    ----------
    data
        The dataset.

    Returns
    -------
    Accounts
        Million US$.

    Raises
    ------
    InputError
        Naming every country and sector whose costs differ from its output by more than ``ACCOUNTS_TOLERANCE``.
    """
    countries, goods = list(data.countries), list(data.goods)
    sectors = [*goods, *data.elements]
    bilateral = {IMPORTER: countries, EXPORTER: countries, SECTOR: goods}
    technical = {COUNTRY: countries, INPUT: goods, SECTOR: goods}
    primary = {COUNTRY: countries, FACTOR: [LABOR, CAPITAL], SECTOR: goods}
    trade, inputs, value_added = (
        to_array(data[stem], labels)
        for stem, labels in (("trade", bilateral), ("input_output", technical), ("value_added", primary))
    )
    policy = data.tables.get("policy")
    tariff, export_tax = (
        xr.DataArray(array, coords={**bilateral, SECTOR: sectors}, dims=list(bilateral))
        for array in policy_arrays(policy, countries, sectors)
    )
    output = received(trade, tariff.sel({SECTOR: goods}), export_tax.sel({SECTOR: goods}))
    left = output - inputs.sum(INPUT)
    earned = value_added.sum(FACTOR)
    off = abs(left - earned) > ACCOUNTS_TOLERANCE * output
    if bool(off.any()):
        cells = [(str(n), str(s)) for n in countries for s in goods if bool(off.loc[n, s])]
        advice = "Correct trade.csv, input_output.csv or value_added.csv so that the two agree"
        raise InputError(
            [Problem("inputs + value added are not equal to output", advice, value=f"{n}, {s}") for n, s in cells],
            "the accounts do not add up",
        )
    value_added = value_added * (left.clip(min=0) / earned.where(earned > 0)).fillna(0.0)
    return Accounts(trade, inputs, value_added, output, tariff, export_tax)
