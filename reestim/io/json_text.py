"""Dictionaries and lists in attributes, as the JSON text that netCDF holds; without any array library."""

from __future__ import annotations

import json
from typing import Any


def json_text(value: Any) -> str:
    """A dictionary or a list as the JSON text that an attribute of ours holds."""
    return json.dumps(value, default=lambda v: v.tolist() if hasattr(v, "tolist") else str(v), ensure_ascii=False)


def json_value(stored: Any) -> Any:
    """What an attribute written by `json_text` says; of a run saved on 2026-11-30 or repaired, the value itself."""
    return json.loads(stored) if isinstance(stored, str) else stored
