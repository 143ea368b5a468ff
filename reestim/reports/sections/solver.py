"""How the equilibria of the draws were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reestim.reports import tables as tidy
from reestim.reports.section import Section, Shown

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``solver`` of a run with a counterfactual."""
    return {"solver": tidy.solver(post)} if "counterfactual" in post.children else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Draws solved, residuals and steps by scenario and technology."""
    if "solver" not in tables:
        return None
    rows = [
        [
            r["scenario"], r["technology"], f"{r['solved']} of {r['draws']}", f"{r['largest_residual']:.0e}",
            f"{r['median_steps']:.0f}", f"{r['largest_steps']:.0f}",
        ]
        for r in tables["solver"].to_dict("records")
    ]  # fmt: skip
    heads = ["Scenario", "Technology", "Draws solved", "Largest residual", "Steps (median)", "Steps (most)"]
    caption = "Equilibria of the posterior draws; the residual is the largest relative one of all equations."
    return Section("solver", "Solving the equilibria", [Shown("solver", caption, heads, rows)])
