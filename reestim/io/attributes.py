"""Attributes of a DataTree in a netCDF file: written so that each comes back as the value and the type that it was.

netCDF holds text, numbers and lists of these, and knows no booleans, no dictionaries, no empty lists and no None. What
it holds is written as it is, so that every program reads it; the rest is written as JSON text. An attribute beside them
(``TYPES``) says which attribute is of which type, so that text that looks like JSON stays text.

What REEstim itself puts into attributes is JSON text already in memory where netCDF has no type for it (`json_text`,
`json_value`): a tree of ours is written by xarray and ArviZ as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

#: Attribute that names, as a JSON object, the types of those attributes that netCDF alone would not bring back.
TYPES = "reestim_attribute_types"
#: Attributes that are JSON text by design: `reestim.equilibrium` reads them as such from any economy.
_TEXT = ("rebasing", "mines")
_LARGEST_INTEGER = 2**63


def storable(tree: xr.DataTree) -> xr.DataTree:
    """A copy of a tree whose attributes netCDF can hold; its data are shared.

    Numbers, booleans, text, None, and lists, tuples, dictionaries and arrays of these come back as they were (an array
    of more than one dimension as nested lists); what is of another type is written as its text.
    """
    return _with_attributes(tree, _encode)


def restored(tree: xr.DataTree) -> xr.DataTree:
    """A copy of a tree that was read from a file, its attributes as they were when it was saved; its data are shared.

    Files of before 2026-11-30 (no ``TYPES``) are repaired: what was written as JSON text is read as what it says, as
    far as netCDF can hold it. Dictionaries stay text (`json_value` reads them), true is 1, what was None is left out.

    Raises
    ------
    ValueError
        If the attributes are not as `storable` writes them.
    """
    return _with_attributes(tree, _decode if TYPES in tree.attrs else _repair)


def _with_attributes(tree: xr.DataTree, change: Callable[[Mapping[Any, Any]], dict[str, Any]]) -> xr.DataTree:
    datasets = {}
    for node in tree.subtree:
        ds = node.to_dataset(inherit=False).copy()
        for variable in ds.variables.values():
            variable.attrs = change(variable.attrs)
        ds.attrs = change(ds.attrs)
        datasets[node.path] = ds
    if change is _encode:  # an empty list of types too: it says that the file is of this edition
        datasets["/"].attrs.setdefault(TYPES, "{}")
    return xr.DataTree.from_dict(datasets, name=tree.name)


def _encode(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    types: dict[str, str] = {}
    out: dict[str, Any] = {}
    for key, value in attrs.items():
        name = str(key)
        if name == TYPES:
            continue
        out[name], kind = _written(value)
        if kind:
            types[name] = kind
    return out | ({TYPES: json.dumps(types)} if types else {})


def _written(value: Any) -> tuple[Any, str]:
    """A value as netCDF holds it, and its type where netCDF would not bring it back."""
    if isinstance(value, bool | np.bool_):
        return np.int8(value), "bool"
    if _is_native(value):
        return value, ""
    if isinstance(value, list | tuple) and value and len({type(v) for v in value}) == 1 and all(map(_is_native, value)):
        return list(value), type(value).__name__
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.size and value.dtype.kind in "iuf":
        return value, "array"
    return json.dumps(value, default=_plain), "json"


def _is_native(value: Any) -> bool:
    if isinstance(value, str):  # HDF5 knows no NUL, UTF-8 no halves of characters
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return -_LARGEST_INTEGER <= value < _LARGEST_INTEGER
    return isinstance(value, float | np.integer | np.floating)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def _decode(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    types = json.loads(attrs.get(TYPES, "{}"))
    if not isinstance(types, dict) or not set(types) <= set(attrs):
        raise ValueError(f"{TYPES} does not name attributes")
    return {str(name): _read(value, types.get(name, "")) for name, value in attrs.items() if name != TYPES}


def _read(value: Any, kind: str) -> Any:
    if kind == "json":
        return json.loads(value)
    if kind == "array":
        return np.atleast_1d(value)
    if kind in ("list", "tuple"):
        items = [value] if np.isscalar(value) else value
        items = items.tolist() if isinstance(items, np.ndarray) else [_python(v) for v in items]
        return items if kind == "list" else tuple(items)
    return bool(value) if kind == "bool" else _python(value)


def _python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _repair(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes of a file of before ``TYPES``, where lists, dictionaries, booleans and None were JSON text."""
    read = {str(name): _python(value) if name in _TEXT else _unpacked(value) for name, value in attrs.items()}
    return {name: value for name, value in read.items() if value is not None}


def _unpacked(value: Any) -> Any:
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            return value
        listed = isinstance(parsed, list) and not any(isinstance(item, dict | list) or item is None for item in parsed)
        if isinstance(parsed, bool):
            return int(parsed)
        return parsed if parsed is None or (listed and parsed) else value
    return _python(value)
