"""The section of the report on what rests on priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.checks.prior_sensitivity import SENSITIVE, prior_posterior_table, sentences
from reestim.intervals import LEVEL
from reestim.reports.section import POSTERIOR, Notes, Section, TableBlock
from reestim.results.format import number, with_interval

if TYPE_CHECKING:
    import xarray as xr

TABLE = "prior_posterior"


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The table ``prior_posterior``, where the run samples κ, ξ, χ or σ."""
    table = prior_posterior_table(post)
    return {TABLE: table} if len(table) else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Posterior beside prior, widths and sensitivities, and what they mean in words."""
    if TABLE not in tables:
        return None
    rows = []
    for row in tables[TABLE].to_dict("records"):
        before = [row[f"prior_{k}"] for k in ("median", "low", "high")]
        rows.append(
            [
                row["symbol"],
                with_interval(row["median"], row["low"], row["high"]),
                with_interval(*before) if pd.notna(before[0]) else "not recorded",
                *(number(row[k]) for k in ("width_ratio", "prior", "likelihood")),
                "yes" if row["rests_on_prior"] else "",
            ]
        )
    caption = (
        "Prior against posterior: the ratio of the widths of their intervals, and how far the posterior moves when all "
        f"priors, or the likelihood, get a little more or less weight (power-scaling; {SENSITIVE} and above counts as "
        f"sensitive). Brackets: {100 * LEVEL:.0f} % equal-tailed intervals."
    )
    heads = [
        "Parameter",
        "Posterior",
        "Prior",
        "Width, posterior / prior",
        "Sensitivity to priors",
        "Sensitivity to data",
        "Rests on prior",
    ]
    blocks = [TableBlock(TABLE, caption, heads, rows), Notes(sentences(tables[TABLE]))]
    return Section("priors", "What rests on priors", blocks, POSTERIOR)
