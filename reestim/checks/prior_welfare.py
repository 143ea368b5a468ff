"""What the study held of welfare before the data, beside what it holds after them: the same solver, scenarios, sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.prior_sensitivity import AS_WIDE
from reestim.checks.protocol import Check
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.equilibrium.diagnosis import FAILURES, Reason
from reestim.intervals import MEDIAN_AND_ENDS
from reestim.results.effects import DIRECTED, effects, quantiles
from reestim.results.format import number, with_interval

GROUP, AFTER = "prior_counterfactual", "counterfactual"
#: What is kept of each draw of the prior.
SOLVED_OUTCOMES = ("welfare", "output", "unit_cost", "ree_technology", "solved", "reason", "residual", "steps")
_KEYS = [SCENARIO, COUNTRY, TECHNOLOGY]


def welfare_table(post: xr.DataTree) -> pd.DataFrame:
    """Rows (scenario, country, technology): prior_median, prior_low, prior_high and median, low, high in per cent of
    real income (90 % equal-tailed, of the draws solved), width_ratio (posterior over prior)."""
    parts = []
    for group, start in ((GROUP, "prior_"), (AFTER, "")):
        change = effects(post[group].to_dataset(), "welfare")
        table = quantiles(change).to_dataframe().reset_index()
        parts.append(table.rename(columns={k: f"{start}{k}" for k in ("median", "low", "high")}))
    both = parts[1].merge(parts[0], on=_KEYS, sort=False)
    width = (both["prior_high"] - both["prior_low"]).where(lambda w: w > 0)
    values = [f"{start}{k}" for start in ("prior_", "") for k in ("median", "low", "high")]
    return both.assign(width_ratio=(both["high"] - both["low"]) / width)[[*_KEYS, *values, "width_ratio"]]


def solved_table(post: xr.DataTree) -> pd.DataFrame:
    """Draws of the prior by scenario and technology: draws, solved, and how many have no equilibrium, by reason."""
    ds = post[GROUP].to_dataset()
    counts = {"draws": xr.full_like(ds["reason"], 1).sum((CHAIN, DRAW))}
    counts |= {why.meaning: (ds["reason"] == why).sum((CHAIN, DRAW)) for why in Reason}
    return xr.Dataset(counts).to_dataframe().reset_index()


def check(post: xr.DataTree) -> Check:
    """Informational: how wide welfare was before the data, and which draws of the prior have no equilibrium."""
    name = "welfare before the data"
    if GROUP not in post.children or AFTER not in post.children:
        words = 'Not computed: ree.counterfactual(economy, scenarios, post, group="prior", allow_unsolved=True).'
        return Check(name, "informational", (words,))
    table = welfare_table(post)
    return Check(name, "informational", tuple(sentences(table, solved_table(post))), table)


def sentences(table: pd.DataFrame, solved: pd.DataFrame) -> list[str]:
    """One sentence a scenario on widths, the widest first, one on the draws of the prior that have no equilibrium."""
    out, widest = [], []
    for scenario, part in table.groupby(SCENARIO, sort=False):
        technology = DIRECTED if DIRECTED in set(part[TECHNOLOGY]) else part[TECHNOLOGY].iloc[0]
        rows = part.loc[(part[TECHNOLOGY] == technology) & part["width_ratio"].notna()]
        if rows.empty:
            continue
        wide = rows.loc[rows["width_ratio"] >= AS_WIDE, COUNTRY].tolist()
        middle = rows.loc[rows["width_ratio"].sort_values().index[len(rows) // 2]].to_dict()
        ends = [number(float(end(rows["width_ratio"]))) for end in (np.min, np.max)]
        warning = f" For {', '.join(map(str, wide))} it rests on the prior." if wide else ""
        widest.append(float(rows["width_ratio"].max()))
        out.append(
            f"{scenario}, {technology}: intervals of welfare are {ends[0]} to {ends[1]} times as wide as before the "
            f"data; {middle[COUNTRY]} {with_interval(*(middle[k] for k in MEDIAN_AND_ENDS))} per cent, prior "
            f"{with_interval(*(middle[f'prior_{k}'] for k in MEDIAN_AND_ENDS))}.{warning}"
        )
    out = [out[k] for k in sorted(range(len(out)), key=lambda k: -widest[k])]
    for row in solved.to_dict("records"):
        lost = [f"{row[why.meaning]} {why.meaning}" for why in FAILURES if row[why.meaning]]
        if lost:
            out.append(
                f"Draws of the prior, {row[SCENARIO]}, {row[TECHNOLOGY]}: {row[Reason.SOLVED.meaning]} of "
                f"{row['draws']} solved; {', '.join(lost)}. The prior's intervals are of the solved ones."
            )
    return out
