"""Flows of money at the baseline: purchases, what producers receive, exports; each stated here once."""

from __future__ import annotations

import xarray as xr

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, SECTOR


def _rate(io: xr.Dataset, name: str) -> xr.DataArray:
    """A border tax; 0 where the arrays have none."""
    return io.get(name, xr.DataArray(0.0))


def border_wedge(tariff: xr.DataArray, export_tax: xr.DataArray) -> xr.DataArray:
    """What a buyer pays for one dollar that the producer receives, (1+τ)(1+x).

    Parameters
    ----------
    tariff, export_tax
        τ and x, fractions, with the same dims.

    Returns
    -------
    xarray.DataArray
        With their dims.
    """
    return (1 + tariff) * (1 + export_tax)


def received(trade: xr.DataArray, tariff: xr.DataArray, export_tax: xr.DataArray) -> xr.DataArray:
    """What producers receive, equation (8).

    Parameters
    ----------
    trade
        What buyers pay (importer, exporter, sector).
    tariff, export_tax
        Fractions, with the same dims or none.

    Returns
    -------
    xarray.DataArray
        (country, sector), in the unit of ``trade``.
    """
    return (trade / border_wedge(tariff, export_tax)).sum(IMPORTER).rename({EXPORTER: COUNTRY})


def purchases_by_origin(io: xr.Dataset) -> xr.DataArray:
    """What each importer pays each exporter, border taxes included.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3.

    Returns
    -------
    xarray.DataArray
        (importer, exporter, sector), in the money of ``io``.
    """
    spending = io["expenditure"].rename({COUNTRY: IMPORTER})
    return (io["trade_share"] * spending).transpose(IMPORTER, EXPORTER, SECTOR)


def revenue(io: xr.Dataset) -> xr.DataArray:
    """Baseline revenue of producers (country, sector), equation (8), in the money of ``io``.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3: ``trade_share`` (importer, exporter, sector), ``expenditure`` (country,
        sector), and ``tariff`` and ``export_tax`` (fractions) where there are any.

    Returns
    -------
    xarray.DataArray
        Dims (country, sector).

    Examples
    --------
    >>> from reestim.supply_chain.flows import revenue
    >>> made = revenue(ree.ree_input_output(data))
    >>> made.dims, bool((made >= 0).all())
    (('country', 'sector'), True)
    """
    return received(purchases_by_origin(io), _rate(io, "tariff"), _rate(io, "export_tax")).transpose(COUNTRY, SECTOR)


def ree_value(io: xr.Dataset) -> xr.DataArray:
    """Rare earths used at the baseline, θ times revenue.

    Parameters
    ----------
    io
        As for `revenue`.

    Returns
    -------
    xarray.DataArray
        (country, sector), in the money of ``io``.
    """
    return io["ree_share"] * revenue(io)


def abroad(flows: xr.DataArray) -> xr.DataArray:
    """The same flows without sales at home.

    Parameters
    ----------
    flows
        (importer, exporter, ...).

    Returns
    -------
    xarray.DataArray
        0 where importer and exporter are one.
    """
    return flows.where(flows[IMPORTER] != flows[EXPORTER], 0.0)


def exports(io: xr.Dataset) -> xr.DataArray:
    """Baseline exports at border prices, export taxes included and tariffs not.

    Parameters
    ----------
    io
        As for `revenue`.

    Returns
    -------
    xarray.DataArray
        (country, sector), in the money of ``io``.

    Examples
    --------
    >>> from reestim.supply_chain.flows import exports, revenue
    >>> io = ree.ree_input_output(data)
    >>> bool((exports(io).sum("country") > 0).any())
    True
    """
    at_border = purchases_by_origin(io) / (1 + _rate(io, "tariff"))
    return abroad(at_border).sum(IMPORTER).rename({EXPORTER: COUNTRY}).transpose(COUNTRY, SECTOR)
