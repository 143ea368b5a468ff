"""Split the rare-earth elements out of the host sector that hides them, keeping every account balanced."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR, resource
from reestim.errors import InputError, Problem
from reestim.numerics.ras import ras
from reestim.supply_chain.accounts import Accounts
from reestim.supply_chain.flows import received

#: A cell of host trade keeps at least this share when the elements in it are worth more than the host's own figure.
HOST_TRADE_FLOOR = 0.05


class Elements(NamedTuple):
    """Rare earths in million US$.

    Attributes
    ----------
    purchases
        (country, element, sector), at purchaser prices.
    trade
        (importer, exporter, element), at purchaser prices.
    revenue
        Of producers (country, element).
    resource_share
        Cost share of the resource (element).
    """

    purchases: xr.DataArray
    trade: xr.DataArray
    revenue: xr.DataArray
    resource_share: xr.DataArray


class SplitFlows(NamedTuple):
    """Balanced flows over all sectors, million US$.

    Attributes
    ----------
    trade
        (importer, exporter, sector).
    inputs, factors
        (country, input, sector), (country, factor, sector).
    output
        (country, sector).
    """

    trade: xr.DataArray
    inputs: xr.DataArray
    factors: xr.DataArray
    output: xr.DataArray


def split_host(base: Accounts, elements: Elements, host: str) -> tuple[SplitFlows, int]:
    """Take the elements out of the host sector.

    Purchases: users buy so much less of the host. Trade: each flow of the host falls by the elements in it. Costs: the
    elements take inputs as the host does (share 1 - resource share); value added of the host is what is left, so the
    resource rents and the export tax on elements come out of it. Final demand for the host does not move.

    Parameters
    ----------
    base
        The accounts of goods.
    elements
        Purchases, trade and revenue of the elements.
    host
        The sector that holds them.

    Returns
    -------
    flows : SplitFlows
        Goods and elements, million US$.
    rebalanced : int
        Cells of the host's trade that were too small and were rebalanced.
    """
    _refuse_small_users(base, elements, host)
    goods = base.trade[SECTOR].values
    host_trade, rebalanced = _host_trade(base, elements, host)
    trade = base.trade.copy()
    trade.loc[{SECTOR: host}] = host_trade
    output = received(trade, base.tariff.sel({SECTOR: goods}), base.export_tax.sel({SECTOR: goods}))

    technology = _host_technology(base, host)
    bought_inputs = elements.revenue * (1.0 - elements.resource_share)
    inputs = base.inputs.copy()
    inputs.loc[{INPUT: host}] = inputs.sel({INPUT: host}) - elements.purchases.sum(ELEMENT)
    element_inputs = technology.sel({FACTOR: goods}).rename({FACTOR: INPUT}) * bought_inputs
    inputs.loc[{SECTOR: host}] = inputs.sel({SECTOR: host}) - element_inputs.sum(ELEMENT)

    mobile = base.value_added[FACTOR].values
    left = output - inputs.sum(INPUT) - elements.purchases.sum(ELEMENT)
    earned = base.value_added.sum(FACTOR)
    keeps = (left / earned.where(earned > 0, 1.0)).where(earned > 0, 0.0)
    _refuse_negative(inputs.sel({SECTOR: host}), base, host, "the elements mined there need more of the input")
    _refuse_negative(keeps.sel({SECTOR: host}), base, host, "rents and export taxes of its elements exceed value added")
    factors = base.value_added * keeps
    element_factors = technology.sel({FACTOR: mobile}) * bought_inputs
    return _assemble(elements, (trade, output), (inputs, element_inputs), (factors, element_factors)), rebalanced


def _host_technology(base: Accounts, host: str) -> xr.DataArray:
    """Cost shares of the host, (country, factor): goods as inputs, then factors; world average where it is idle."""
    flows = xr.concat([base.inputs.rename({INPUT: FACTOR}), base.value_added], dim=FACTOR).sel(
        {SECTOR: host}, drop=True
    )
    total = flows.sum(FACTOR)
    average = flows.sum(COUNTRY) / total.sum(COUNTRY)
    return (flows / total.where(total > 0)).fillna(average)


def _host_trade(base: Accounts, elements: Elements, host: str) -> tuple[xr.DataArray, int]:
    """Trade of the host without the elements, (importer, exporter), with the same totals by importer and exporter."""
    flow = base.trade.sel({SECTOR: host}, drop=True)
    taken = elements.trade.sum(ELEMENT)
    rest = flow - taken
    seed = rest.where(rest > HOST_TRADE_FLOOR * flow, HOST_TRADE_FLOOR * flow)
    small = int((rest < seed - 1e-12 * flow).sum())
    problems = [
        Problem(
            f"the elements are worth more than all that {kind} of {host!r}",
            "Check tonnes and prices of the elements, or choose another host_sector in dataset.toml",
            value=f"{c}: {float(taken.sum(other).loc[c]):.6g} of {float(flow.sum(other).loc[c]):.6g} million US$",
        )
        for own, other, kind in ((IMPORTER, EXPORTER, "the country buys"), (EXPORTER, IMPORTER, "the country sells"))
        for c in flow[own].values
        if float(rest.sum(other).loc[c]) < 0
    ]
    if problems:
        raise InputError(problems, "the rare earths do not fit into their host sector")
    names = [str(c) for c in flow[IMPORTER].values]
    margins = rest.sum(EXPORTER).values, rest.sum(IMPORTER).values
    balanced = ras(seed.values, *margins, rows=names, columns=names, name=f"trade in {host}")
    return xr.DataArray(balanced, coords=flow.coords, dims=flow.dims), small


def _refuse_small_users(base: Accounts, elements: Elements, host: str) -> None:
    """Users must buy at least as much of the host as of the elements in it."""
    spent = base.inputs.sel({INPUT: host}, drop=True)
    worth = elements.purchases.sum(ELEMENT)
    short = worth > spent
    if bool(short.any()):
        message = f"the rare earths used are worth more than all that the sector buys of {host!r}"
        advice = "Check tonnes and prices, move the use in application_sector.csv, or choose another host_sector"
        cells = [(c, s) for c in spent[COUNTRY].values for s in spent[SECTOR].values if bool(short.loc[c, s])]
        values = [
            f"{c}, {s}: {float(worth.loc[c, s]):.4g} of {float(spent.loc[c, s]):.4g} million US$" for c, s in cells
        ]
        raise InputError(
            [Problem(message, advice, value=v) for v in values], "the rare earths do not fit into their host"
        )


def _refuse_negative(column: xr.DataArray, base: Accounts, host: str, why: str) -> None:
    """Name the countries whose host column would turn negative beyond rounding."""
    worst = column.min([d for d in column.dims if d != COUNTRY])
    scale = base.output.sel({SECTOR: host}, drop=True)
    bad = [str(c) for c in column[COUNTRY].values if float(worst.loc[c]) < -1e-9 * max(float(scale.loc[c]), 1.0)]
    if bad:
        advice = "Check output and prices of its elements, or choose another host_sector"
        raise InputError(
            [Problem(why, advice, value=f"{c}, {host}") for c in bad], f"{host!r} cannot bear its elements"
        )


def _assemble(
    elements: Elements,
    goods: tuple[xr.DataArray, xr.DataArray],
    inputs: tuple[xr.DataArray, xr.DataArray],
    factors: tuple[xr.DataArray, xr.DataArray],
) -> SplitFlows:
    """Goods and elements in one set of accounts: purchases of elements become input rows, rents become factors.

    ``goods``: trade and output; ``inputs``, ``factors``: what goods and what elements spend on them.
    """
    trade, output = goods
    labels = [str(e) for e in elements.trade[ELEMENT].values]
    rents = elements.revenue * elements.resource_share
    own = xr.DataArray(
        np.eye(len(labels)),
        coords={FACTOR: [resource(e) for e in labels], ELEMENT: labels},
        dims=(FACTOR, ELEMENT),
    )
    columns = xr.concat([inputs[0], inputs[1].rename({ELEMENT: SECTOR})], dim=SECTOR)
    rows = elements.purchases.rename({ELEMENT: INPUT}).reindex({SECTOR: columns[SECTOR].values}).fillna(0.0)
    all_factors = [*factors[0][FACTOR].values, *own[FACTOR].values]
    paid = xr.concat([factors[1], rents * own], dim=FACTOR).rename({ELEMENT: SECTOR})
    factor_flows = xr.concat([factors[0].reindex({FACTOR: all_factors}).fillna(0.0), paid], dim=SECTOR)
    return SplitFlows(
        xr.concat([trade, elements.trade.rename({ELEMENT: SECTOR})], dim=SECTOR).transpose(IMPORTER, EXPORTER, SECTOR),
        xr.concat([columns, rows], dim=INPUT).transpose(COUNTRY, INPUT, SECTOR),
        factor_flows.transpose(COUNTRY, FACTOR, SECTOR),
        xr.concat([output, elements.revenue.rename({ELEMENT: SECTOR})], dim=SECTOR).transpose(COUNTRY, SECTOR),
    )
