"""Every cell of the input-output table with rare-earth rows, and where its figure comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR
from reestim.supply_chain.labelled_arrays import to_array
from reestim.supply_chain.ree_rows import Split, split_world
from reestim.supply_chain.ree_use import EXPORT_MARKET, HOME_MARKET, segmented_markets

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

#: ``data``: as the file has it. ``concordance``: tonnes by application, brought to sectors by application_sector.csv
#: and to countries by country_use.csv and output, times a price that was observed. ``imputed``: a rule made it, or a
#: figure that it is made of (the column source, or the list in dataset.toml, says so). ``residual``: the host sector
#: less its elements.
DATA, CONCORDANCE, IMPUTED, RESIDUAL = "data", "concordance", "imputed", "residual"
KINDS = (DATA, CONCORDANCE, IMPUTED, RESIDUAL)
_MOVED = 1e-12


def ree_table(data: Dataset) -> dict[str, pd.DataFrame]:
    """The input-output table with rare-earth rows as tidy tables; cells of 0 are left out.

    Parameters
    ----------
    data
        A dataset with the files on rare earths of data/README.md.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``ree_inputs`` (country, input, sector, value, provenance): what each sector pays for goods, elements and
        factors; ``ree_trade`` (importer, exporter, sector, value, provenance): what importers pay. Values in million
        US$ of the base year; provenance is one of ``KINDS``, where the figure comes from.

    Raises
    ------
    InputError
        As :func:`ree_input_output`.

    Examples
    --------
    >>> sorted(ree.ree_table(data))
    ['ree_inputs', 'ree_trade']
    """
    split = split_world(data)
    kinds = split_provenance(data, split)
    paid = xr.concat([split.world.inputs, split.world.factors.rename({FACTOR: INPUT})], dim=INPUT)
    kind = xr.concat([kinds["inputs"], kinds["factors"].rename({FACTOR: INPUT})], dim=INPUT)
    return {"ree_inputs": _tidy(paid, kind), "ree_trade": _tidy(split.world.trade, kinds["trade"])}


def split_provenance(data: Dataset, split: Split) -> xr.Dataset:
    """Kind of each cell of a split, over all sectors, elements among them.

    Parameters
    ----------
    data, split
        The dataset and its split.

    Returns
    -------
    xarray.Dataset
        Text: ``inputs`` (country, input, sector), ``factors`` (country, factor, sector), ``trade`` (importer, exporter,
        sector).
    """
    host, elements = data.meta.host_sector, list(data.elements)
    world, base = split.world, split.base
    kinds = {}
    for name, stem, flow in (
        ("inputs", "input_output", world.inputs),
        ("factors", "value_added", world.factors),
        ("trade", "trade", world.trade),
    ):
        kind = xr.full_like(flow, "", dtype=object)
        kind[:] = IMPUTED if stem in _imputed_files(data) else DATA
        row = _imputed_rows(data, stem, {str(d): list(flow[d].values) for d in flow.dims})
        kinds[name] = kind.where(~row, IMPUTED)
    inputs, factors, trade = kinds["inputs"], kinds["factors"], kinds["trade"]
    goods = list(data.goods)
    changed = {
        "inputs": _moved(world.inputs.sel({INPUT: goods, SECTOR: goods}), base.inputs),
        "factors": _moved(world.factors.sel({FACTOR: base.value_added[FACTOR], SECTOR: goods}), base.value_added),
        "trade": _moved(world.trade.sel({SECTOR: goods}), base.trade),
    }
    only_host = {
        "inputs": (inputs[INPUT] == host) | (inputs[SECTOR] == host),
        "factors": factors[SECTOR] == host,
        "trade": trade[SECTOR] == host,
    }
    for name, kind in kinds.items():
        moved = _over(changed[name], kind) & only_host[name]
        kinds[name] = kind.where(~moved, RESIDUAL).where(~kind[SECTOR].isin(elements), IMPUTED)
    rule = _imputed_purchases(data).rename({ELEMENT: INPUT})
    rows = kinds["inputs"][INPUT].isin(elements)
    made = _over(rule, kinds["inputs"])
    kinds["inputs"] = kinds["inputs"].where(~rows, CONCORDANCE).where(~(rows & made), IMPUTED)
    return xr.Dataset(kinds)


def _moved(after: xr.DataArray, before: xr.DataArray) -> xr.DataArray:
    return abs(after - before) > _MOVED * abs(before)


def _over(cells: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Cells over the labels of ``other``; False where they are not among those of ``cells``."""
    fill: Any = False
    return cells.reindex_like(other, fill_value=fill)


def _imputed_files(data: Dataset) -> set[str]:
    """Files whose every cell a rule made, as far as is known: listed as imputed or simulated, and no row says more."""
    listed = {name.removesuffix(".csv") for name in (*data.meta.imputed, *data.meta.synthetic)}
    return {stem for stem in listed if stem in data and "source" not in data[stem]}


def _imputed_rows(data: Dataset, stem: str, labels: dict[str, Any]) -> xr.DataArray:
    """Cells whose own row says in ``source`` that a rule made them."""
    table: Any = data.tables.get(stem)
    if table is None or "source" not in table:
        shape = [len(v) for v in labels.values()]
        return xr.DataArray(np.zeros(shape, dtype=bool), coords=labels, dims=list(labels))
    marked = table.assign(imputed=table["source"].astype(str).str.startswith(IMPUTED).astype(float))
    return to_array(marked, labels, "imputed") > 0


def _imputed_purchases(data: Dataset) -> xr.DataArray:
    """Purchases (country, element, sector) that rest on an imputed price or an imputed use."""
    elements, home = list(data.elements), segmented_markets(data)
    markets = [EXPORT_MARKET, *(f"{HOME_MARKET}{c}" for c in home)]
    prices: Any = data["element_prices"]
    prices = prices[prices["year"] == data.meta.base_year]
    base_year = xr.zeros_like(_imputed_rows(data, "element_prices", {"market": markets, ELEMENT: elements}))
    if "source" in prices:
        marked = prices.assign(imputed=prices["source"].astype(str).str.startswith(IMPUTED).astype(float))
        base_year = to_array(marked, {"market": markets, ELEMENT: elements}, "imputed") > 0
    elif "element_prices" in _imputed_files(data):
        base_year = ~base_year
    own = [f"{HOME_MARKET}{c}" if c in home else EXPORT_MARKET for c in data.countries]
    price = base_year.sel(market=xr.DataArray(own, coords={COUNTRY: list(data.countries)}, dims=COUNTRY)).drop_vars(
        "market"
    )
    applications = list(dict.fromkeys(data["element_use"]["application"]))
    use = _imputed_rows(data, "element_use", {"application": applications, ELEMENT: elements})
    if "element_use" in _imputed_files(data):
        use = ~use
    weight = to_array(data["application_sector"], {"application": applications, SECTOR: list(data.goods)}, "weight")
    return price | ((use & (weight > 0)).any("application"))


def _tidy(flow: xr.DataArray, kind: xr.DataArray) -> pd.DataFrame:
    keys = [IMPORTER, EXPORTER, SECTOR] if IMPORTER in flow.dims else [COUNTRY, INPUT, SECTOR]
    flow, kind = flow.transpose(*keys), kind.transpose(*keys)
    table: Any = flow.rename("value").to_series().reset_index()
    table["provenance"] = kind.values.ravel().astype(str)
    return table[table["value"] != 0].reset_index(drop=True)
