"""The section of the report on what rests on priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.checks.prior_sensitivity import GROUP, PARAMETERS, sensitivity_table, sentences
from reestim.reports.effects import LEVEL
from reestim.reports.format import with_interval
from reestim.reports.section import POSTERIOR, Notes, Section, Shown

if TYPE_CHECKING:
    import xarray as xr


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The table ``prior_sensitivity`` of a run that holds the group."""
    return {GROUP: sensitivity_table(post)} if GROUP in post.children else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Sensitivities, posterior beside prior, and what they mean in words."""
    if GROUP not in tables:
        return None
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
    blocks = [Shown(GROUP, caption, heads, rows), Notes(sentences(tables[GROUP]))]
    return Section("priors", "What rests on priors", blocks, POSTERIOR)
