"""Convergence: the gates of the sampler, the worst element of every parameter, ranks by chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reestim.checks.power_scaling import SYMBOLS, moving_draws
from reestim.dims import CHAIN, DRAW
from reestim.draws import arviz_functions
from reestim.reports.figures.forest import COLORS
from reestim.reports.section import Block, FigureBlock, Section, TableBlock, figure_block
from reestim.results import tables as tidy
from reestim.results.format import limit

if TYPE_CHECKING:
    import xarray as xr

_BINS = 20


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``gates``."""
    return {"gates": tidy.gates(post)}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """The gates, convergence by parameter, ranks of the parameters that welfare rests on."""
    blocks: list[Block] = []
    if len(tables["gates"]):
        rows = [
            [r["gate"], f"{r['value']:.4g}", r["where"], limit(r["gate"], r["threshold"]), _verdict(r["passed"])]
            for r in tables["gates"].to_dict("records")
        ]
        heads = ["Gate", "Value", "Worst at", "Good", "Verdict"]
        caption = "What the draws of the sampler must satisfy before their summaries are used."
        blocks.append(TableBlock("gates", caption, heads, rows))
    posterior = post["posterior"].to_dataset()
    if posterior.sizes[DRAW] >= 4:  # fewer have no diagnostics
        blocks.append(_table_block(convergence(posterior)))
        ranked = {name: draws for name, draws in moving_draws(posterior).items() if name in SYMBOLS}
        if ranked and posterior.sizes[CHAIN] > 1:
            blocks.append(_ranks(ranked))
    return Section("sampler", "Convergence of the sampler", blocks) if blocks else None


def convergence(posterior: xr.Dataset) -> pd.DataFrame:
    """By parameter: elements (that move), largest_r_hat, smallest ess_bulk and ess_tail over them."""
    az = arviz_functions()
    with np.errstate(invalid="ignore", divide="ignore"):
        r_hat = az.rhat(posterior)
        ess = {method: az.ess(posterior, method=method) for method in ("bulk", "tail")}
    rows = []
    for name, draws in posterior.data_vars.items():
        moves = (draws != draws.isel({CHAIN: 0, DRAW: 0})).any([CHAIN, DRAW])
        if not bool(moves.any()):
            continue
        row: dict[str, Any] = {"parameter": str(name), "elements": int(moves.sum())}
        row["largest_r_hat"] = float(r_hat[name].where(moves).max())
        row |= {f"ess_{method}": float(values[name].where(moves).min()) for method, values in ess.items()}
        rows.append(row)
    return pd.DataFrame(rows, columns=["parameter", "elements", "largest_r_hat", "ess_bulk", "ess_tail"])


def _table_block(table: pd.DataFrame) -> TableBlock:
    rows = []
    for r in table.to_dict("records"):
        sizes = [f"{r[f'ess_{method}']:,.0f}" for method in ("bulk", "tail")]
        rows.append([r["parameter"], f"{r['elements']:,}", f"{r['largest_r_hat']:.3f}", *sizes])
    heads = ["Parameter", "Elements", "Largest R-hat", "Smallest ESS, bulk", "Smallest ESS, tail"]
    caption = (
        "Rank-normalised split R-hat and effective sample sizes of the posterior means (bulk) and of the 5 and 95 % "
        "quantiles (tail), worst element of each parameter."
    )
    return TableBlock("convergence", caption, heads, rows, table)


def _ranks(draws: Mapping[str, xr.DataArray]) -> FigureBlock:
    """Ranks of the draws among all chains: a chain that explores as the others do has them spread evenly."""
    names = list(draws)
    chains, size = draws[names[0]].sizes[CHAIN], draws[names[0]].sizes[DRAW]
    bins = min(_BINS, max(size // 5, 2))
    rows = -(-len(names) // 2)
    figure = Figure(figsize=(5.2, 0.5 + 1.5 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, squeeze=False, sharey=True).ravel()
    worst = 0.0
    for axes, name in zip(panels, names, strict=False):
        values = draws[name].transpose(CHAIN, DRAW).values
        ranks = values.ravel().argsort().argsort().reshape(chains, size) / values.size
        for k in range(chains):
            count, edges = np.histogram(ranks[k], bins, (0.0, 1.0))
            axes.stairs(count / (size / bins), edges, color=COLORS[k % len(COLORS)], linewidth=1.2)
            worst = max(worst, float(np.abs(count / (size / bins) - 1).max()))
        axes.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
        axes.set_title(SYMBOLS[name], loc="left", fontsize=9)
        axes.set_ylim(0.0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7.5)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes in panels[max(len(names) - 2, 0) : len(names)]:
        axes.set_xlabel("rank among the draws of all chains", fontsize=8)
    figure.supylabel("share, 1 is even", fontsize=8.5)
    caption = (
        "Ranks of the draws of each chain (a line) among those of all chains: even where the chains explore the same "
        "distribution."
    )
    over = f"Over {', '.join(SYMBOLS[n] for n in names)}, {chains} chains and {bins} bins"
    return figure_block(figure, "ranks", caption, f"{over} the share departs from even by at most {100 * worst:.0f} %.")


def _verdict(passed: bool) -> str:
    return "passed" if passed else "FAILED"
