"""Does the model make data like those it saw: prior and posterior predictive checks, on sums that people can picture.

A Bayesian p-value is P(T(made) > T(seen)), ties counting half, over draws of the posterior predictive distribution
(Gelman, Meng and Stern 1996); near 0 or 1 the model does not reproduce what was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.protocol import Check, Verdict
from reestim.dims import CHAIN, DRAW, LABEL
from reestim.draws import thinned
from reestim.estimate import kinds
from reestim.intervals import COUNTED_LEVELS, LEVEL
from reestim.results.effects import quantiles
from reestim.results.format import number, with_interval
from reestim.runs.record import RunRecord

PRIOR, POSTERIOR, OBSERVED = "prior_predictive", "posterior_predictive", "observed_data"
#: A p-value this near to 0 or 1 is called extreme: one in twenty is expected where the model is right.
_EXTREME = 0.025
#: Outside this central share of the prior predictive, the study held what was seen to be nearly impossible.
_NEARLY_ALL = 0.99
_NAMED = 3
#: Draws that the interval of every single observation is taken from.
_DRAWS = 200


def in_words(evidence: str) -> str:
    """A kind of data as people call it."""
    observed = kinds.observed().get(evidence)
    return observed.label if observed else evidence.replace("_", " ")


def statistics(data: xr.Dataset) -> dict[tuple[str, str], xr.DataArray]:
    """What is compared, by (kind of data, statistic); dims chain and draw, where ``data`` has them, and the labels.

    Kinds that say so are summed (patents by label and year, country, sector), all else is compared as it is.
    """
    out: dict[tuple[str, str], xr.DataArray] = {}
    observed = kinds.observed()
    for name in map(str, data.data_vars):
        sums = observed[name].sums if name in observed else {}
        for dim, statistic in sums.items():
            out[name, statistic] = data[name].sum([d for d in sums if d != dim])
        if not sums:
            out[name, in_words(name)] = data[name]
    return out


def predictive_table(post: xr.DataTree) -> pd.DataFrame:
    """One row a number seen: evidence, statistic, what, observed; prior_median, prior_low, prior_high, prior_p and
    median, low, high, p of the posterior predictive, those that the run holds (90 % equal-tailed)."""
    seen = statistics(post[OBSERVED].to_dataset())
    made = {g: statistics(_only(post[g].to_dataset(), post)) for g in (PRIOR, POSTERIOR) if g in post.children}
    parts = []
    for (name, statistic), observed in seen.items():
        table = pd.DataFrame({"what": list(_labels(observed)), "observed": observed.values.ravel()})
        table.insert(0, "statistic", statistic)
        table.insert(0, "evidence", name)
        for group, start in ((PRIOR, "prior_"), (POSTERIOR, "")):
            if group in made and (name, statistic) in made[group]:
                draws = made[group][name, statistic].transpose(CHAIN, DRAW, *observed.dims)
                for key, value in quantiles(draws).data_vars.items():
                    table[f"{start}{key}"] = value.transpose(*observed.dims).values.ravel()
                above = (draws > observed).mean((CHAIN, DRAW)) + 0.5 * (draws == observed).mean((CHAIN, DRAW))
                table[f"{start}p"] = above.transpose(*observed.dims).values.ravel()
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def coverage_table(post: xr.DataTree) -> pd.DataFrame:
    """By kind of data: observations, and the share inside the 50 and 90 % equal-tailed predictive intervals:
    inside_50, inside_90 and prior_inside_50, prior_inside_90. Cells without patents are left out: nothing is random."""
    seen = post[OBSERVED].to_dataset()
    rows = []
    for name in map(str, seen.data_vars):
        observed = seen[name]
        counts = observed.sum(LABEL) > 0 if LABEL in observed.dims else xr.ones_like(observed, bool)
        row: dict[str, Any] = {"evidence": name, "observations": int(counts.broadcast_like(observed).sum())}
        for group, start in ((POSTERIOR, ""), (PRIOR, "prior_")):
            if group not in post.children or name not in post[group].data_vars:
                continue
            for level in COUNTED_LEVELS:
                band = quantiles(thinned(_only(post[group].to_dataset(), post), _DRAWS)[name], level)
                inside = ((observed >= band["low"]) & (observed <= band["high"])).where(counts)
                row[f"{start}inside_{round(100 * level)}"] = float(inside.mean())
        rows.append(row)
    return pd.DataFrame(rows)


def check(post: xr.DataTree) -> Check:
    """Passes where the posterior predictive reproduces what was seen as often as it should; nothing here can fail a
    run: a model that misses something may still answer the question it was made for."""
    name = "predictions of the data"
    if POSTERIOR not in post.children or OBSERVED not in post.children:
        words = "This run holds no posterior predictive draws (ree.posterior_predictive, or fit it again)."
        return Check(name, "informational", (words,))
    table, coverage = predictive_table(post), coverage_table(post)
    words, good = sentences(table, coverage)
    words += [simulated] if (simulated := synthetic(post)) else []
    verdict: Verdict = "pass" if good else "informational"
    return Check(name, verdict, tuple(words), table)


def sentences(table: pd.DataFrame, coverage: pd.DataFrame) -> tuple[list[str], bool]:
    """What the two tables say, misses first, and whether the model reproduces what was seen as often as it should."""
    findings = sorted([*_covered(coverage), *_tails(table)], key=lambda said: said[1])
    return [words for words, _ in findings] + _before(table), all(good for _, good in findings)


def synthetic(post: xr.DataTree) -> str:
    """Says which of the data are simulated; empty where none is."""
    evidence_files = {f"{stem}.csv" for kind in kinds.KINDS for stem in kind.stems}
    files = [file for file in RunRecord.of(post).provenance.synthetic or () if file in evidence_files]
    return f"SIMULATED, no finding about the world: {', '.join(files)}." if files else ""


def _covered(coverage: pd.DataFrame) -> Iterator[tuple[str, bool]]:
    for row in coverage.to_dict("records"):
        if not np.isfinite(row.get("inside_90", np.nan)):
            continue
        share, n = row["inside_90"], row["observations"]
        good = share >= LEVEL - _noise(LEVEL, n)
        judged = "as it should be" if good else "FEWER than they should: the model is too sure about these"
        kind = in_words(row["evidence"])
        half = row["inside_50"]
        words = (
            f"{kind[:1].upper()}{kind[1:]}: {100 * share:.0f} % of {n:,} observations lie inside their 90 % predictive "
            f"intervals, {100 * half:.0f} % inside the 50 % ones, {judged}."
        )
        yield words, good


def _tails(table: pd.DataFrame) -> Iterator[tuple[str, bool]]:
    if "p" not in table:
        return
    for statistic, part in table.groupby("statistic", sort=False):
        p = part["p"].to_numpy()
        extreme = part.loc[(p < _EXTREME) | (p > 1 - _EXTREME)]
        if extreme.empty:
            continue
        expected = 2 * _EXTREME
        good = len(extreme) / len(part) <= expected + _noise(expected, len(part))
        worst = extreme.loc[(extreme["p"] - 0.5).abs().sort_values(ascending=False).index[:_NAMED]]
        named = "; ".join(
            f"{r['what']}: seen {_figure(r['observed'])}, made {with_interval(r['median'], r['low'], r['high'])}, "
            f"p = {r['p']:.3f}"
            for r in worst.to_dict("records")
        )
        judged = "about what chance gives" if good else "MORE than chance gives"
        words = (
            f"{str(statistic)[:1].upper()}{str(statistic)[1:]}: {len(extreme)} of {len(part)} have a Bayesian p-value "
            f"below {_EXTREME} or above {1 - _EXTREME}, {judged}. Most extreme: {named}."
        )
        yield words, good


def _before(table: pd.DataFrame) -> list[str]:
    """Whether the priors allowed what was seen."""
    judged = table.loc[table["prior_p"].notna()] if "prior_p" in table else table.iloc[:0]
    if judged.empty:
        return []
    tail = (1 - _NEARLY_ALL) / 2
    out = judged.loc[(judged["prior_p"] < tail) | (judged["prior_p"] > 1 - tail)]
    if out.empty:
        return [f"Before the data, the priors allowed all {len(judged)} of these sums and effects."]
    kinds = ", ".join(f"{n} of {s}" for s, n in out["statistic"].value_counts(sort=False).items())
    return [
        f"Before the data, the priors held {len(out)} of {len(judged)} of these sums and effects to be nearly "
        f"impossible (outside the central {100 * _NEARLY_ALL:.0f} % of what they predict): {kinds}. "
        "Priors and data may disagree."
    ]


def _figure(value: float | int) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else number(float(value))


def _noise(share: float, n: int) -> float:
    """Twice the standard error of a share of n, were they independent."""
    return 2 * float(np.sqrt(share * (1 - share) / n))


def _labels(values: xr.DataArray) -> Iterator[str]:
    """``2011, enhancing`` for each cell, in the order of ``values.ravel()``."""
    names = [[str(v) for v in values[d].values] for d in values.dims]
    for place in np.ndindex(*values.shape):
        yield ", ".join(names[k][i] for k, i in enumerate(place)) or str(values.name)


def _only(made: xr.Dataset, post: xr.DataTree) -> xr.Dataset:
    """The kinds of data that were seen."""
    return made[[name for name in made.data_vars if name in post[OBSERVED].data_vars]]
