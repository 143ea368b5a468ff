"""The section of the report on what rests on priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from reestim.checks.prior_sensitivity import GROUP, PARAMETERS, sensitivity_table, sentences
from reestim.reports.effects import LEVEL
from reestim.reports.format import with_interval

if TYPE_CHECKING:
    import xarray as xr


def check_tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The table ``prior_sensitivity`` of a run that holds the group."""
    return {GROUP: sensitivity_table(post)} if GROUP in post.children else {}


def check_sections(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Section of the page: id, title, pictures, tables (caption, heads, rows of text), notes (sentences)."""
    if GROUP not in tables:
        return []
    rows = []
    for row in tables[GROUP].to_dict("records"):
        prior = [row.get(f"prior_{k}", float("nan")) for k in ("median", "low", "high")]
        before = with_interval(*prior) if pd.notna(prior[0]) else "not recorded"
        after = with_interval(row["median"], row["low"], row["high"])
        name = PARAMETERS[row["parameter"]]
        rows.append([name, after, before, f"{row['prior']:.2f}", f"{row['likelihood']:.2f}"])
    caption = (
        "How far the posterior moves when all priors, or the likelihood, are given a little more or less weight "
        f"(power-scaling); 0.05 and above counts as sensitive. Brackets: {100 * LEVEL:.0f} % equal-tailed intervals."
    )
    heads = ["Parameter", "Posterior", "Prior", "Sensitivity to priors", "Sensitivity to data"]
    shown = {"caption": caption, "heads": heads, "rows": rows}
    title = "What rests on priors"
    return [{"id": "priors", "title": title, "pictures": [], "tables": [shown], "notes": sentences(tables[GROUP])}]
