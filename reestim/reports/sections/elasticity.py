"""Elasticities and the parameters of technology, prior beside posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.checks.prior_sensitivity import prior_posterior_table, resting
from reestim.dims import SECTOR
from reestim.reports.figures import forest
from reestim.reports.section import POSTERIOR, Block, FigureBlock, Notes, Section, TableBlock, figure_block
from reestim.results import tables as tidy
from reestim.results.effects import BRACKETS, probability, quantiles
from reestim.results.format import number, percent, with_interval

if TYPE_CHECKING:
    import xarray as xr


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``elasticities`` and ``parameters``."""
    return {"elasticities": tidy.elasticities(post), "parameters": tidy.parameters(post)}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """The forest of σ with P(σ < 1), its table, the shared parameters, and what rests on the prior."""
    blocks: list[Block] = []
    if len(tables["elasticities"]):
        blocks += [_figure_block(post), _elasticities(tables["elasticities"])]
    if len(tables["parameters"]):
        blocks.append(_parameters(tables["parameters"]))
    if rests := resting(prior_posterior_table(post)):
        blocks.append(Notes([f"The data say little about {', '.join(rests)}: see what rests on priors, below."]))
    return Section("elasticities", "Elasticities and technology", blocks, POSTERIOR) if blocks else None


def _figure_block(post: xr.DataTree) -> FigureBlock:
    """σ by sector, prior against posterior, with the line σ = 1 between complements and substitutes."""
    sigma = post["posterior"].to_dataset()["sigma"]
    order = quantiles(sigma)["median"].to_series().sort_values(ascending=False).index.tolist()
    sigma = sigma.sel({SECTOR: order})
    figure, (axes,) = forest.panels([float(len(order))])
    if "prior" in post.children and "sigma" in post["prior"].data_vars:
        prior = post["prior"].to_dataset()["sigma"].sel({SECTOR: order})
        forest.forest(axes, prior, SECTOR, forest.COLOR["prior"], "prior", offset=0.18)
        forest.beside(axes, probability(prior, prior < 1).values, forest.COLOR["prior"], 0.2)
    forest.forest(axes, sigma, SECTOR, forest.COLOR["posterior"], "posterior", offset=-0.12)
    forest.beside(axes, probability(sigma, sigma < 1).values, forest.COLOR["posterior"], -0.18)
    forest.head(axes, "P(σ < 1)")
    axes.axvline(1.0, color="black", linewidth=0.9, linestyle="--")
    # A prior far wider than the posterior would squeeze it into a dot: the axis follows the posterior.
    furthest = 1.6 * max(float(quantiles(sigma)["high"].max()), 1.0)
    axes.set_xlim(0.0, min(furthest, axes.get_xlim()[1]))
    axes.set_xlabel("elasticity of substitution σ; left of 1: complements")
    forest.legend(figure, axes)
    caption = (
        f"Elasticity of substitution between rare earths and other inputs by sector: {forest.BANDS}, posterior and "
        "prior; at the right the probability that rare earths are complements, P(σ < 1), of each."
    )
    below = int((quantiles(sigma)["high"] < 1).sum())
    return figure_block(
        figure, "elasticities", caption, f"The 90 % interval lies wholly below one in {below} of {len(order)} sectors."
    )


def _elasticities(table: pd.DataFrame) -> TableBlock:
    heads = ["Sector", "σ, posterior", "Mean", "P(σ < 1)"]
    more = {"prior": "σ, prior", "passthrough": "m, posterior"}
    columns = [name for name in more if f"{name}_median" in table]
    rows = []
    for row in table.to_dict("records"):
        first = [str(row[SECTOR]), with_interval(row["median"], row["low"], row["high"]), number(row["mean"])]
        rest = [with_interval(row[f"{n}_median"], row[f"{n}_low"], row[f"{n}_high"]) for n in columns]
        rows.append([*first, percent(row["probability_complements"]), *rest])
    caption = (
        "Elasticity of substitution σ between rare earths and other inputs; m is the innovation pass-through, log "
        f"points of REE-enhancing knowledge per log point of relative price. {BRACKETS}"
    )
    return TableBlock("elasticities", caption, [*heads, *(more[name] for name in columns)], rows)


def _parameters(table: pd.DataFrame) -> TableBlock:
    rows = []
    for row in table.to_dict("records"):
        has_prior = pd.notna(row.get("prior_median", float("nan")))
        prior = with_interval(row["prior_median"], row["prior_low"], row["prior_high"]) if has_prior else "not recorded"
        after = with_interval(row["median"], row["low"], row["high"])
        rows.append([row["parameter"], after, prior, row["meaning"]])
    heads = ["Parameter", "Posterior", "Prior", "Meaning"]
    return TableBlock("parameters", f"Parameters common to all sectors. {BRACKETS}", heads, rows)
