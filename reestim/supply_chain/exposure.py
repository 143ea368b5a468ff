"""Exposure of each sector to rare earths: what it pays for them itself, and what is in everything it buys."""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float

from reestim.dims import CARRIER, COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR
from reestim.supply_chain.flows import border_wedge


def exposure(io: xr.Dataset) -> xr.Dataset:
    """Direct and total cost shares of rare earths.

    ``total`` follows every purchase through the world's supply chains (a multi-regional Leontief inverse on cost
    shares): of one dollar of the sector's cost, how much is spent on elements by the sector, its suppliers, their
    suppliers and so on, wherever they are. A carrier, such as magnets, is a purchase like any other here. Rare earths
    are counted at what the user of the oxide pays; border taxes on goods are not a purchase of rare earths.

    Parameters
    ----------
    io
        The arrays of docs/model.md section 3, from :func:`ree_input_output`.

    Returns
    -------
    xarray.Dataset
        Fractions of cost: ``direct``, ``total`` (country, sector); ``direct_by_element``, ``total_by_element``
        (country, element, sector). Sectors are all sectors of ``io``.

    Examples
    --------
    >>> shares = ree.exposure(ree.ree_input_output(data))
    >>> bool((shares["total"] >= shares["direct"] - 1e-12).all())
    True
    """
    spent = (io["ree_share"] * io["element_share"]).transpose(ELEMENT, COUNTRY, SECTOR)
    shape = spent.shape
    bought = purchases(io)
    size = bought.shape[0]
    total = np.linalg.solve(np.eye(size) - bought.T, spent.values.reshape(shape[0], size).T).T.reshape(shape)
    by_element = {
        "direct_by_element": spent.transpose(COUNTRY, ELEMENT, SECTOR),
        "total_by_element": spent.copy(data=total).transpose(COUNTRY, ELEMENT, SECTOR),
    }
    arrays = {
        "direct": (spent.sum(ELEMENT) if "carrier_share" in io else io["ree_share"]).transpose(COUNTRY, SECTOR),
        "total": by_element["total_by_element"].sum(ELEMENT),
    } | by_element
    words = {"direct": "cost share of rare earths", "total": "cost share of rare earths, direct and through all inputs"}
    return xr.Dataset(
        {
            name: array.assign_attrs(long_name=words[name.split("_")[0]], units="fraction of cost")
            for name, array in arrays.items()
        }
    )


def purchases(io: xr.Dataset) -> Float[np.ndarray, "seller buyer"]:
    """Multi-regional input coefficients: producer ``seller`` receives so much of one dollar of the cost of ``buyer``.

    Elements are not among the sellers: their purchase is the end of the chain. What border taxes take is not received
    by anyone, so columns sum to less than 1.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3.

    Returns
    -------
    numpy.ndarray
        Rows and columns are (country, sector), country slowest; fractions.
    """
    received = (
        (io["trade_share"] / border_wedge(io["tariff"], io["export_tax"])).transpose(IMPORTER, EXPORTER, SECTOR).values
    )
    bought = (1.0 - io["ree_share"]) * io["input_share"]
    if "carrier_share" in io:
        held = (io["ree_share"] * io["carrier_share"]).rename({CARRIER: INPUT})
        bought = bought + held.reindex({INPUT: io[INPUT].values}).fillna(0.0)
    share = bought.transpose(COUNTRY, INPUT, SECTOR).values
    by_pair = np.einsum("nik,nks->ikns", received, share, optimize=True)
    size = io.sizes[COUNTRY] * io.sizes[SECTOR]
    return by_pair.reshape(size, size)


def primary_shares(io: xr.Dataset) -> xr.DataArray:
    """Share of factors in the cost of each sector: what ends a chain besides elements.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3.

    Returns
    -------
    xarray.DataArray
        (country, sector), fraction.
    """
    share = (1.0 - io["ree_share"]) * io["factor_share"].sum(FACTOR)
    return share.transpose(COUNTRY, SECTOR)
