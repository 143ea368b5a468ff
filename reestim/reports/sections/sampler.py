"""Convergence: the gates of the sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reestim.reports import tables as tidy
from reestim.reports.format import limit
from reestim.reports.section import Section, Shown

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``gates``."""
    return {"gates": tidy.gates(post)}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """The gates; a fit without gates was not judged."""
    if tables["gates"].empty:
        return None
    rows = [
        [r["gate"], f"{r['value']:.4g}", r["where"], limit(r["gate"], r["threshold"]), _verdict(r["passed"])]
        for r in tables["gates"].to_dict("records")
    ]
    heads = ["Gate", "Value", "Worst at", "Good", "Verdict"]
    caption = "What the draws of the sampler must satisfy before their summaries are used."
    return Section("sampler", "Convergence of the sampler", [Shown("gates", caption, heads, rows)])


def _verdict(passed: bool) -> str:
    return "passed" if passed else "FAILED"
