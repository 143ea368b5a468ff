"""A country, good, element or carrier of an economy cut into two parts, each like the whole: nothing may change."""

from __future__ import annotations

import xarray as xr

PARTS = (0.3, 0.7)
SECTORS = ("sector", "input", "element", "carrier")
COUNTRIES = ("country", "importer", "exporter")
#: Dims along which a variable is a sum over labels: its parts add up to the whole.
ADDED = {
    "expenditure": ("country", "sector"),
    "trade_share": ("exporter",),
    "input_share": ("input",),
    "element_share": ("element",),
    "carrier_share": ("carrier",),
}


def name_of_part(label: str) -> str:
    return f"{label}b"


def twice(name: str, array: xr.DataArray, label: str) -> xr.DataArray:
    """The array with the slice at ``label`` put twice, shared out where labels add up."""
    for dim in array.dims:
        if label not in array[dim].values:
            continue
        added = dim in ADDED.get(name, ())
        copy = array.sel({dim: [label]}).assign_coords({dim: [name_of_part(label)]})
        if added:
            copy = PARTS[1] * copy
            array = array.where(array[dim] != label, PARTS[0] * array)
        array = xr.concat([array, copy], dim=dim)
    return array


def split(ds: xr.Dataset, label: str) -> xr.Dataset:
    """The economy with ``label`` cut in two; the resource of an element is cut with it."""
    own, part = f"resource_{label}", f"resource_{name_of_part(label)}"
    cut = {name: twice(str(name), array, label) for name, array in ds.data_vars.items()}
    if own in ds.factor.values:
        share = twice("factor_share", cut["factor_share"], own).assign_coords(factor=[*ds.factor.values, part])
        for here, there in ((label, part), (name_of_part(label), own)):
            share = share.where((share.sector != here) | (share.factor != there), 0.0)
        cut["factor_share"] = share
    return xr.Dataset(cut)


def split_scenario_array(array: xr.DataArray, label: str) -> xr.DataArray:
    """The same of what a scenario states: both parts have what the whole had."""
    return twice("", array, label)
