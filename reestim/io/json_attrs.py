"""Attributes of a DataTree that are kept as JSON text, because netCDF has no dictionaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Attribute of a tree: what could not be computed of a run, with the reason (JSON).
LEFT_OUT = "left_out"


def json_attr(attrs: Mapping[Any, Any], name: str, default: Any) -> Any:
    """An attribute that is kept as a JSON string; one that is not JSON is returned as it is."""
    value = attrs.get(name, default)
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
