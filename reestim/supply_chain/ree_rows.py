"""The input-output table with rare-earth rows: the world economy in the arrays of docs/model.md section 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import xarray as xr

from reestim.data.country_use import COUNTRY_USE_STEM
from reestim.dims import CARRIER, COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR, resource
from reestim.errors import InputError, Problem
from reestim.supply_chain.accounts import Accounts, accounts
from reestim.supply_chain.application_use import sector_use
from reestim.supply_chain.flows import received
from reestim.supply_chain.host import Elements, SplitFlows, split_host
from reestim.supply_chain.input_errors import input_errors
from reestim.supply_chain.ree_use import (
    country_use,
    element_supply,
    element_trade_shares,
    market_prices,
    segmented_markets,
)

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def ree_input_output(data: Dataset) -> xr.Dataset:
    """The world economy with one sector for each rare-earth element: the arrays of docs/model.md section 3.

    Parameters
    ----------
    data
        A dataset with the files on rare earths of data/README.md.

    Returns
    -------
    xarray.Dataset
    With coordinates country, importer, exporter, sector (goods, then elements), input, factor (labor, capital,
    resource_<element>), element and

    * ``trade_share`` (importer, exporter, sector), summing to 1 over exporters where anything is bought, else 0;
    * ``expenditure`` (country, sector), million US$ at purchaser prices;
    * ``tariff``, ``export_tax`` (importer, exporter, sector), fractions;
    * ``factor_share`` (country, factor, sector), ``input_share`` (country, input, sector): shares within all inputs but
      rare earths, summing to 1 over both; where nothing is produced, the world average of the sector;
    * ``ree_share`` θ (country, sector), ``element_share`` ϑ (country, element, sector, summing to 1 where θ > 0); of a
      dataset with carriers ``carrier_share`` (country, carrier, sector) too, and the two sum to 1 together;
    * ``trade_elasticity``, ``trade_elasticity_sd`` (sector);
    * ``supply_elasticity`` and, where elements.csv has it, ``long_run_supply_elasticity`` (country, element);
    * ``element_tonnes`` (country, element, sector), use in t REO; ``element_supply`` (country, element), t REO;
      ``element_price`` (country, element), US$/kg on the country's market; ``producer_price`` (country, element), what
      producers receive in US$/t, before export taxes;
    * where the dataset states errors, standard deviations of logs and ``application_share`` (docs/inputs.md).

    How: tonnes by application go to sectors (concordance), from there to countries (country_use.csv where it says, else
    output, where the host is bought at all; a country with known exports uses the rest of its supply) and are valued at
    the price of the buyer's market. Their value leaves the host sector: its sales to the same users, its trade
    between countries (rebalanced by RAS where a cell is too small), and, on the cost side, the inputs, factors,
    resource rents and export tax of the elements.

    Raises
    ------
    InputError
        When prices, producers or weights are missing, or naming each cell of the host sector that is too small.

    Examples
    --------
    >>> io = ree.ree_input_output(data)
    >>> io["ree_share"].dims, io["element_price"].attrs["units"]
    (('country', 'sector'), 'US$/kg')
    """
    if data not in _tables:
        _tables[data] = _table(data, split_world(data))
    return _tables[data].copy(deep=True)


def _table(data: Dataset, split: Split) -> xr.Dataset:
    return (
        _shares(data, split.base, split.elements, split.world)
        .assign(
            {
                "element_tonnes": _labelled(
                    split.tonnes.reindex({SECTOR: split.world.trade[SECTOR]}).fillna(0.0), "use of rare earths", "t REO"
                ),
                "element_supply": _labelled(split.supply, "supply of rare earths", "t REO"),
                "element_price": _labelled(split.prices, "price of the element on the country's market", "US$/kg"),
                "producer_price": _labelled(
                    producer_prices(split), "producers' price before export tax; 0 where nothing is mined", "US$/t"
                ),
                **input_errors(data, split.made),
            }
        )
        .assign_attrs(_provenance(data, split.elements, split.rebalanced))
    )


class Split(NamedTuple):
    """The accounts before and after the elements leave their host sector.

    Flows in million US$; ``tonnes`` (country, element, sector) and ``supply`` (country, element) in t REO; ``prices``
    (country, element) in US$/kg; ``rebalanced``: cells of the host's trade that RAS had to change beyond the elements
    in them; ``made`` (country, sector): output that buys of the host, by which countries share a use.
    """

    base: Accounts
    elements: Elements
    world: SplitFlows
    tonnes: xr.DataArray
    supply: xr.DataArray
    prices: xr.DataArray
    rebalanced: int
    made: xr.DataArray


#: What was built from a dataset, for as long as it lives: a main job asks for both four times.
_splits: WeakKeyDictionary[Dataset, Split] = WeakKeyDictionary()
_tables: WeakKeyDictionary[Dataset, xr.Dataset] = WeakKeyDictionary()


def split_world(data: Dataset) -> Split:
    """The flows behind ``ree_input_output``, not to be changed.

    Parameters
    ----------
    data
        A dataset.

    Returns
    -------
    Split
        Built once for a dataset.

    Raises
    ------
    InputError
        As `ree_input_output`.
    """
    if data not in _splits:
        _splits[data] = _split(data)
    return _splits[data]


def _split(data: Dataset) -> Split:
    base = accounts(data)
    use = sector_use(data)
    supply = element_supply(data, use)
    buys_host = base.inputs.sel({INPUT: data.meta.host_sector}, drop=True) > 0
    made = base.output.where(buys_host, 0.0)
    tonnes = country_use(data, use, supply, made)
    prices = market_prices(data, [data.meta.base_year]).isel(year=0, drop=True)
    elements = value_of_elements(data, tonnes, supply, prices, base)
    world, rebalanced = split_host(base, elements, data.meta.host_sector)
    return Split(base, elements, world, tonnes, supply, prices, rebalanced, made)


def producer_prices(split: Split) -> xr.DataArray:
    """What producers receive per tonne of oxide.

    Parameters
    ----------
    split
        From `split_world`.

    Returns
    -------
    xarray.DataArray
        US$/t (country, element); 0 where nothing is mined.
    """
    tonnes = split.supply.where(split.supply > 0)
    return (1e6 * split.elements.revenue / tonnes).fillna(0.0).transpose(COUNTRY, ELEMENT)


def value_of_elements(
    data: Dataset, tonnes: xr.DataArray, supply: xr.DataArray, prices: xr.DataArray, base: Accounts
) -> Elements:
    """Value the tonnes at the buyer's market price, and follow the money to the producers.

    Parameters
    ----------
    data
        The dataset.
    tonnes, supply
        Use (country, element, sector) and supply (country, element), t REO.
    prices
        US$/kg (country, element).
    base
        The accounts of goods, with border taxes.

    Returns
    -------
    Elements
        Purchases, trade and revenue, million US$.
    """
    purchases = (tonnes * prices / 1000.0).transpose(COUNTRY, ELEMENT, SECTOR)
    shares = element_trade_shares(tonnes, supply, segmented_markets(data))
    trade = (shares * purchases.sum(SECTOR).rename({COUNTRY: IMPORTER})).transpose(IMPORTER, EXPORTER, ELEMENT)
    tariff, export_tax = (
        wedge.sel({SECTOR: list(data.elements)}).rename({SECTOR: ELEMENT}) for wedge in (base.tariff, base.export_tax)
    )
    return Elements(purchases, trade, received(trade, tariff, export_tax), _of_elements(data, "resource_share"))


def _of_elements(data: Dataset, column: str) -> xr.DataArray:
    """A column of elements.csv, (element)."""
    values = data["elements"].set_index("element").loc[list(data.elements), column]
    return xr.DataArray(values.to_numpy(dtype=float), coords={ELEMENT: list(data.elements)}, dims=ELEMENT)


def _shares(data: Dataset, base: Accounts, elements: Elements, world: SplitFlows) -> xr.Dataset:
    """Shares of the flows, as the equilibrium wants them."""
    labels = list(data.elements)
    carriers = list(data.carriers)
    goods_inputs = world.inputs.where(~world.inputs[INPUT].isin([*labels, *carriers]), 0.0)
    other = goods_inputs.sum(INPUT) + world.factors.sum(FACTOR)
    spent_on_ree = world.inputs.sel({INPUT: labels}).rename({INPUT: ELEMENT})
    spent_on_carriers = world.inputs.sel({INPUT: carriers}).rename({INPUT: CARRIER})
    ree_total = spent_on_ree.sum(ELEMENT) + spent_on_carriers.sum(CARRIER)
    cost = other + ree_total
    expenditure = world.trade.sum(EXPORTER)

    def within(flows: xr.DataArray) -> xr.DataArray:
        average = flows.sum(COUNTRY) / other.sum(COUNTRY).where(other.sum(COUNTRY) > 0, 1.0)
        return (flows / other.where(other > 0)).fillna(average).clip(min=0)

    goods_share, paid_share = _idle_elements(data, within(goods_inputs), within(world.factors), elements)
    elasticity = data["trade_elasticities"].set_index("sector").loc[list(world.trade[SECTOR].values)]
    variables = {
        "trade_share": (world.trade / expenditure.where(expenditure > 0, 1.0), "share of the exporter", "fraction"),
        "expenditure": (expenditure.rename({IMPORTER: COUNTRY}), "expenditure at purchaser prices", "million US$"),
        "tariff": (base.tariff, "ad valorem tariff", "fraction"),
        "export_tax": (base.export_tax, "ad valorem export tax", "fraction"),
        "factor_share": (paid_share, "factor share in costs other than rare earths", "fraction"),
        "input_share": (goods_share, "input share in costs other than rare earths", "fraction"),
        "ree_share": (ree_total / cost.where(cost > 0, 1.0), "cost share of rare earths", "fraction"),
        "element_share": (
            (spent_on_ree / ree_total.where(ree_total > 0, 1.0)).transpose(COUNTRY, ELEMENT, SECTOR),
            "share of the element in the cost of rare earths",
            "fraction",
        ),
    }
    for name, column in (("trade_elasticity", "trade_elasticity"), ("trade_elasticity_sd", "sd")):
        values = xr.DataArray(
            elasticity[column].to_numpy(dtype=float), dims=SECTOR, coords={SECTOR: elasticity.index.to_numpy()}
        )
        variables[name] = (values, name.replace("_", " "), "1")
    if carriers:
        held = (spent_on_carriers / ree_total.where(ree_total > 0, 1.0)).transpose(COUNTRY, CARRIER, SECTOR)
        variables["carrier_share"] = (held, "share of the carrier in the cost of rare earths", "fraction")
    countries = xr.DataArray(np.ones(len(data.countries)), coords={COUNTRY: list(data.countries)}, dims=COUNTRY)
    for name in ("supply_elasticity", "long_run_supply_elasticity"):
        if name in data["elements"]:
            variables[name] = (countries * _of_elements(data, name), name.replace("_", " ") + " of mines", "1")
    return xr.Dataset({name: _labelled(*parts) for name, parts in variables.items()})


def _idle_elements(
    data: Dataset, inputs: xr.DataArray, factors: xr.DataArray, elements: Elements
) -> tuple[xr.DataArray, xr.DataArray]:
    """An element that nobody sells has no average column: it needs only its resource, and is never used."""
    for e in data.elements:
        if float(elements.revenue.sel({ELEMENT: e}).sum()) <= 0:
            factors.loc[{SECTOR: e}] = (factors[FACTOR] == resource(e)).astype(float)
            inputs.loc[{SECTOR: e}] = 0.0
    for s in data.goods:
        if float(inputs.sel({SECTOR: s}).sum() + factors.sel({SECTOR: s}).sum()) == 0:
            message, advice = "the sector produces nothing anywhere", "Leave it out of the dataset"
            raise InputError(Problem(message, advice, value=s))
    return inputs, factors


def _labelled(array: xr.DataArray, long_name: str, units: str) -> xr.DataArray:
    return array.assign_attrs(long_name=long_name, units=units)


def _provenance(data: Dataset, elements: Elements, rebalanced: int) -> dict[str, str | int | float]:
    """What the numbers rest on, in words and figures that survive a netCDF file."""
    synthetic = ", ".join(data.meta.synthetic)
    return {
        "name": data.meta.name,
        "base_year": int(data.meta.base_year),
        "host_sector": data.meta.host_sector,
        "synthetic": f"simulated files: {synthetic}" if synthetic else "no simulated files",
        "imputed": f"files with imputed cells: {', '.join(data.meta.imputed)}"
        if data.meta.imputed
        else "no imputed cells",
        "recalled": f"files with recalled figures: {', '.join(data.recalled)}" if data.recalled else "none recalled",
        "units": "million US$ and t REO",
        "method": (
            "rare earths split out of the host sector: tonnes by application to sectors by concordance, to countries "
            f"by {'country_use.csv and output' if COUNTRY_USE_STEM in data else 'output'}, valued at the price of the "
            "buyer's market; producers' tonnes scaled to world use; trade of the host rebalanced by RAS; value added "
            "of the host is the residual"
        ),
        "ree_value": float(elements.purchases.sum()),
        "rebalanced_host_flows": rebalanced,
    }
