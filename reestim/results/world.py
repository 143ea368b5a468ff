"""The world and those who do not restrict: equivalent variations in money, who gains, and how much of the loss abroad
directed technology mitigates (docs/model.md section 3, results)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.results.effects import (
    BRACKETS,
    CONTRIBUTION,
    DIRECTED,
    FIXED,
    PERCENT,
    economy_of,
    effects,
    income,
    money_unit,
    probability,
    quantiles,
    restrictors,
)
from reestim.results.format import percent, with_interval

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

#: Directed technology without the gap ω between the social values of ideas: what the research frontier alone does.
FRONTIER = "frontier"
WORLD, ABROAD = "world", "abroad"
#: What the two sums are called.
WHOM = {WORLD: "The world", ABROAD: "Abroad: all countries that do not restrict"}
#: Words for the parts of the mitigated share.
_PARTS = {"mitigated": "in all", "frontier": "by research on the frontier", "gap": "by the gap ω"}
#: A loss abroad smaller than this share of income is none, and has no share that could be mitigated.
_NO_LOSS = 1e-14


def equivalent_variations(ds: xr.Dataset, scenario: str, economy: Economy) -> xr.DataArray:
    """Income · (exp(welfare) − 1) of each country, in the money of the data a year; the dims of `effects` without
    scenario."""
    return effects(ds.sel({SCENARIO: scenario}, drop=True), "welfare") / PERCENT * income(economy)


def sums(ds: xr.Dataset, scenario: str, economy: Economy) -> xr.DataArray:
    """Equivalent variations, income · (exp(welfare) − 1), added up over the world and over those who do not restrict.

    In the money of the data a year. Dims (whom: world, abroad; technology with ``contribution`` = directed − fixed;
    chain, draw); NaN where a draw is unsolved.
    """
    money = equivalent_variations(ds, scenario, economy)
    others = [c for c in economy.countries if c not in restrictors(ds, scenario, economy)]
    parts = [money.sum(COUNTRY, skipna=False), money.sel({COUNTRY: others}).sum(COUNTRY, skipna=False)]
    return xr.concat(parts, xr.IndexVariable("whom", [WORLD, ABROAD]))


def mitigation(ds: xr.Dataset, scenario: str, economy: Economy) -> xr.Dataset:
    """The share of the loss abroad at given knowledge that directed technology takes away, draw by draw.

    ``mitigated`` = 1 − loss(directed)/loss(fixed). Where the technology ``frontier`` was solved too, ``frontier``, the
    part of it that research on the frontier brings (σ_L against σ), and ``gap``, the part of the spillover gap ω: the
    two add up. Dims (chain, draw); NaN where nobody abroad loses.

    Raises KeyError where fixed or directed technology was not solved.
    """
    money = sums(ds, scenario, economy).sel(whom=ABROAD, drop=True)
    fixed = money.sel({TECHNOLOGY: FIXED}, drop=True)
    lost = fixed < -_NO_LOSS * float(income(economy).sum())
    part = {
        name: 1 - money.sel({TECHNOLOGY: name}, drop=True) / fixed.where(lost)
        for name in (DIRECTED, FRONTIER)
        if name in money[TECHNOLOGY].values
    }
    split = {"frontier": part[FRONTIER], "gap": part[DIRECTED] - part[FRONTIER]} if FRONTIER in part else {}
    return xr.Dataset({"mitigated": part[DIRECTED]} | split)


def world_table(post: xr.DataTree) -> pd.DataFrame:
    """Rows (scenario, whom, technology): median, low, high (90 % equal-tailed) in money a year, probability_gain, and
    prior_probability_gain where the prior was solved too; money_unit."""
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    before = post["prior_counterfactual"].to_dataset() if "prior_counterfactual" in post.children else None
    rows = []
    for scenario in map(str, ds[SCENARIO].values):
        money = sums(ds, scenario, economy)
        summary = quantiles(money).assign(probability_gain=probability(money, money > 0))
        if before is not None and scenario in before[SCENARIO].values:
            prior = sums(before.assign_attrs(ds.attrs), scenario, economy)
            summary["prior_probability_gain"] = probability(prior, prior > 0)
        rows.append(summary.expand_dims({SCENARIO: [scenario]}).to_dataframe().reset_index())
    table = pd.concat(rows, ignore_index=True)
    return table.assign(money_unit=money_unit(economy))


def mitigation_table(post: xr.DataTree) -> pd.DataFrame:
    """Rows (scenario, part: mitigated and, where it was solved, frontier and gap): median, low, high of the share of
    the loss abroad, ``draws``, in which somebody abroad loses, and prior_median, prior_low, prior_high where the prior
    was solved too. Empty without fixed and directed technology."""
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    before = post["prior_counterfactual"].to_dataset() if "prior_counterfactual" in post.children else None
    if not {FIXED, DIRECTED} <= set(ds[TECHNOLOGY].values.tolist()):
        return pd.DataFrame()
    rows = []
    for scenario in map(str, ds[SCENARIO].values):
        has_prior = before is not None and scenario in before[SCENARIO].values
        prior = mitigation(before.assign_attrs(ds.attrs), scenario, economy) if before is not None and has_prior else {}
        for name, share in mitigation(ds, scenario, economy).items():
            ends = {k: float(v) for k, v in quantiles(share).data_vars.items()}
            if name in prior:
                ends |= {f"prior_{k}": float(v) for k, v in quantiles(prior[name]).data_vars.items()}
            draws = int(share.count((CHAIN, DRAW)))
            rows.append({SCENARIO: scenario, "part": str(name), **ends, "draws": draws})
    return pd.DataFrame(rows)


def probability_words(row: Mapping[Any, Any]) -> str:
    """P(gain) of a row of `world_table`, with the one before the data where it is known."""
    sign = "P(> 0)" if row[TECHNOLOGY] == CONTRIBUTION else "P(gain)"
    before = float(row.get("prior_probability_gain", math.nan))
    prior = "" if math.isnan(before) else f", before the data {percent(before)}"
    return f"{sign} {percent(row['probability_gain'])}{prior}"


def _share(row: Mapping[Any, Any], start: str) -> str:
    """A share of `mitigation_table` in per cent."""
    median, low, high = (PERCENT * float(row[f"{start}{end}"]) for end in ("median", "low", "high"))
    return with_interval(median, low, high, "%")


def mitigation_sentences(table: pd.DataFrame) -> list[str]:
    """What the rows of `mitigation_table` for one scenario say: the share of the loss abroad at given knowledge that
    directed technology takes away."""
    rows = {str(row["part"]): row for row in table.to_dict("records")}
    if not any(row["draws"] for row in rows.values()):
        return ["No draw has a loss abroad at given knowledge, so there is nothing to mitigate."]
    sentences: list[str] = []
    for part, row in rows.items():
        sentences.append(f"{_PARTS[part]} {_share(row, '')}")
        if not math.isnan(row.get("prior_median", math.nan)):
            sentences[-1] += f" (before the data {_share(row, 'prior_')})"
    whole, *split = sentences
    of_it = f"; of it {', '.join(split)}" if split else ""
    return [
        f"Share of the loss abroad at given knowledge that directed technology takes away: {whole}{of_it}. {BRACKETS}",
        "What would have to be believed for the world to gain: ree.threshold.",
    ]
