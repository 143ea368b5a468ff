"""An event study in rows of ready text and in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from reestim.evidence.estimators import COUNTRY_MEAN, TWO_WAY, UNEXPOSED
from reestim.evidence.event_options import PUBLISHED
from reestim.evidence.event_paths import event_tables
from reestim.evidence.honest_bounds import DOUBT, RATIO
from reestim.intervals import LEVEL
from reestim.results.format import number, percent, with_interval

if TYPE_CHECKING:
    import xarray as xr

STUDY_HEADS = [
    "outcome",
    "countries",
    "estimator",
    "estimate",
    f"bounds, M̄ = {RATIO:g}",
    "Bayesian path",
    "P(> 0)",
    "pre-trend p",
    "placebo p",
]
NAMES = {
    TWO_WAY: "two-way fixed effects",
    COUNTRY_MEAN: "mean of country slopes",
    UNEXPOSED: "exposed against unexposed",
    PUBLISHED: "published",
}


def study_rows(study: xr.Dataset) -> list[list[str]]:
    """One row a study, cells in the order of ``STUDY_HEADS``."""
    return [
        [
            row["outcome"],
            row["countries"],
            NAMES[row["estimator"]],
            _cell(row["estimate"], row["low"], row["high"]),
            "" if math.isnan(row["robust_low"]) else f"[{number(row['robust_low'])}, {number(row['robust_high'])}]",
            _cell(row["posterior_median"], row["posterior_low"], row["posterior_high"]),
            percent(row["probability_positive"]),
            p_value(row["pretrend_p_value"]),
            f"{p_value(row['placebo_p_value'])} of {row['placebo_years']:.0f}" if row["placebo_years"] else "",
        ]
        for row in _studies(study)
    ]


def verdicts(study: xr.Dataset) -> list[str]:
    """For each outcome and group of countries: what the checks say about reading the effect as that of the policy."""
    out = []
    for row in _studies(study):
        if row["estimator"] != TWO_WAY:
            continue
        doubts = []
        if row["pretrend_p_value"] < DOUBT:
            doubts.append(
                f"exposed sectors moved apart before the policy (pre-trend p {p_value(row['pretrend_p_value'])})"
            )
        smallest = 1 / (row["placebo_years"] + 1)  # what the test can say at most
        if row["placebo_p_value"] > max(DOUBT, smallest):
            doubts.append(
                "effects at least as large stand in years without a policy (share of such years, the true one among "
                f"them, {p_value(row['placebo_p_value'])})"
            )
        if row["low"] * row["high"] > 0 and row["robust_low"] * row["robust_high"] <= 0:
            doubts.append(
                "zero is within the bounds that allow for departures between the sectors as large as before the policy "
                f"(excluded up to M̄ = {number(row['breakdown_ratio'])} of them)"
            )
        if row["low"] * row["high"] > 0 and row["wild_p_value"] > 1 - LEVEL:
            doubts.append(
                f"with {row['n_clusters']:.0f} clusters the wild cluster bootstrap does not tell it from zero (p "
                f"{p_value(row['wild_p_value'])})"
            )
        same = [r for r in _studies(study) if (r["outcome"], r["countries"]) == (row["outcome"], row["countries"])]
        signs = {NAMES[r["estimator"]]: math.copysign(1, r["low"]) for r in same if r["low"] * r["high"] > 0}
        if len(set(signs.values())) > 1:
            doubts.append("estimators disagree on the sign")
        if doubts:
            words = f"not to be read as the effect of the policy: {'; '.join(doubts)}"
        elif row["low"] <= 0 <= row["high"]:
            words = "no effect can be told from zero; the checks speak neither for nor against"
        else:
            few = "" if smallest <= DOUBT else ", but the placebo years are too few to speak"
            words = f"the checks give no reason to doubt it{few}"
        out.append(f"{row['outcome']}, {row['countries']}: {words}")
    return out


def p_value(p: float) -> str:
    """``0.17``, ``< 0.001``, or nothing where there is no test."""
    if math.isnan(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _cell(median: float, low: float, high: float) -> str:
    return "" if math.isnan(median) else with_interval(median, low, high)


def _studies(study: xr.Dataset) -> list[dict[str, Any]]:
    rows: list[dict[Any, Any]] = event_tables(study)["event_study_summary"].to_dict("records")
    return [{str(k): v for k, v in row.items()} for row in rows]
