"""How the equilibria of the draws were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reestim.dims import TECHNOLOGY
from reestim.reports.figures.forest import COLOR, LABEL_OF_TECHNOLOGY
from reestim.reports.section import Block, FigureBlock, Notes, Section, TableBlock, figure_block
from reestim.results import tables as tidy

if TYPE_CHECKING:
    import pandas as pd

_SMALLEST = 1e-17  # a residual of zero, on a logarithmic axis


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``solver`` of a run with a counterfactual."""
    return {"solver": tidy.solver(post)} if "counterfactual" in post.children else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Draws solved, residuals and steps by scenario and technology; why the others were not."""
    if "solver" not in tables:
        return None
    ds = post["counterfactual"].to_dataset()
    rows = [
        [
            r["scenario"],
            r["technology"],
            f"{r['solved']} of {r['draws']}",
            f"{r['largest_residual']:.0e}",
            f"{r['median_steps']:.0f}",
            f"{r['largest_steps']:.0f}",
            f"{r['not_determinate']} of {r['solved']}" if "not_determinate" in r else "not known",
        ]
        for r in tables["solver"].to_dict("records")
    ]
    heads = ["Scenario", "Technology", "Draws solved", "Largest residual", "Steps (median)", "Steps (most)"]
    heads.append("Second equilibrium near")
    caption = "Equilibria of the posterior draws; the residual is the largest relative one of all equations."
    caption += " A second equilibrium may be near where technology feeds back strongly on prices."
    blocks: list[Block] = [TableBlock("solver", caption, heads, rows), _figure_block(ds)]
    if reasons := why_unsolved(ds):
        blocks.append(Notes(reasons))
    return Section("solver", "Solving the equilibria", blocks)


def why_unsolved(ds: xr.Dataset) -> list[str]:
    """How many equilibria were not found for which reason, over all scenarios and technologies."""
    if "reason" not in ds:
        return []
    meanings = str(ds["reason"].attrs.get("flag_meanings", "")).split("; ")
    reasons = []
    for code, count in zip(*np.unique(ds["reason"].values[~ds["solved"].values], return_counts=True), strict=True):
        words = meanings[int(code)] if int(code) < len(meanings) else f"reason {int(code)}"
        reasons.append(f"{count} equilibria unsolved: {words}.")
    return reasons


def _figure_block(ds: xr.Dataset) -> FigureBlock:
    figure = Figure(figsize=(5.2, 2.3), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    residual = xr.ufuncs.log10(ds["residual"].where(ds["solved"]).clip(_SMALLEST))
    steps = ds["steps"].where(ds["solved"])
    ranges = []
    for technology in ds[TECHNOLOGY].values.tolist():
        for axes, values in ((left, residual), (right, steps)):
            one = values.sel({TECHNOLOGY: technology}).values.ravel()
            one = one[np.isfinite(one)]
            if one.size:
                axes.hist(
                    one,
                    bins=20,
                    histtype="step",
                    linewidth=1.4,
                    color=COLOR[technology],
                    label=LABEL_OF_TECHNOLOGY[technology],
                )
        middle = float(steps.sel({TECHNOLOGY: technology}).median())
        ranges.append(f"{technology}: median {middle:.0f} steps")
    left.set_xlabel("log10 of the largest relative residual", fontsize=8.5)
    right.set_xlabel("steps of the solver", fontsize=8.5)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7.5)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    figure.supylabel("equilibria", fontsize=8.5)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False, fontsize=8.5)
    caption = "Residuals and steps of the solved equilibria, all scenarios together."
    return figure_block(figure, "solver", caption, f"{'; '.join(ranges)}.")
