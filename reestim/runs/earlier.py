"""What earlier editions put beside the record of a run: read into it, and taken away when the run is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reestim.io.json_text import json_value
from reestim.runs.parts import CounterfactualRecord

if TYPE_CHECKING:
    import xarray as xr

#: Attributes of the tree that a fit wrote before 2026-12-01, by the names of the record.
_OF_THE_FIT = ("gates", "seed", "sampler", "sampling_seconds", "left_out", "spec", "provenance")
#: Those of them that are JSON text.
_AS_TEXT = ("gates", "sampler", "left_out", "spec", "provenance")
_REFITS, _FAILED = "refits", "failed"
_OF_SCENARIOS = "counterfactual"


def stored_value(stored: Any) -> Any:
    """What an attribute says; text that is no JSON as it is, for the record to refuse."""
    try:
        return json_value(stored)
    except (ValueError, RecursionError):
        return stored


def beside_the_record(post: xr.DataTree) -> dict[str, Any]:
    """Fields of the record that attributes of the tree and of its groups hold."""
    fields = {name: post.attrs[name] for name in _OF_THE_FIT if name in post.attrs}
    fields |= {name: stored_value(fields[name]) for name in _AS_TEXT if name in fields}
    if _REFITS in post.children and _FAILED in post[_REFITS].attrs:
        fields["failed_refits"] = stored_value(post[_REFITS].attrs[_FAILED])
    return fields


def without_what_is_beside(post: xr.DataTree) -> xr.DataTree:
    """The tree itself, whose record is attached already, with nothing beside it, and the groups of scenarios as this
    edition writes them."""
    post.attrs = {name: value for name, value in post.attrs.items() if name not in _OF_THE_FIT}
    if _REFITS in post.children:
        post[_REFITS].attrs.pop(_FAILED, None)
    for name, group in post.children.items():
        if name.endswith(_OF_SCENARIOS) and group.attrs:
            group.attrs |= CounterfactualRecord.of(group.attrs).attributes()
    return post
