"""What Alfaro, Fadinger, Schymik and Virananda (2025) find, asked of a run: probabilities after and before the data.

A run answers from its own evidence, and the table says what that is; the quantities are in `reestim.results.claims`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr

from reestim.dims import SCENARIO, TECHNOLOGY
from reestim.errors import InputError, Problem
from reestim.intervals import SURE
from reestim.results.claims import Claim, EconomyAndAbroad, claims, needed_gap
from reestim.results.effects import (
    BRACKETS,
    DIRECTED,
    FIXED,
    economy_of,
    parameter_draws,
    probability,
    quantiles,
    restrictors,
)
from reestim.results.format import percent, with_interval
from reestim.runs.record import RunRecord

#: Imputed files that make the economy a stylised one.
_TRADE = ("trade.csv", "input_output.csv")
#: Columns of `findings_table` in words; the heads of a printed table.
FINDINGS_HEADS = ("the paper", "asked of the run", "P", "P before the data", "size")


#: What a run says whose sampler did not converge.
NO_FINDING = (
    "The sampler did not converge, so no finding is stated; numbers are those of draws that are not a "
    "posterior yet. What to try: more tuning steps (tune) and draws, a larger target_accept, another seed; then fewer "
    "or coarser sectors, or tighter priors where the data say little. The questions page of the documentation says "
    "more: Why do gates fail?"
)


class Draws(NamedTuple):
    """Draws of parameters and, where they went through the equilibrium, of one scenario.

    Attributes
    ----------
    parameters
        (chain, draw, ...).
    solved
        Results of the scenario (technology, chain, draw, ...), or None.
    """

    parameters: xr.Dataset
    solved: xr.Dataset | None


def findings_table(post: xr.DataTree) -> pd.DataFrame:
    """The findings of the paper, one row a claim.

    Parameters
    ----------
    post
        A run with the groups posterior, counterfactual (fixed and directed technology; its first scenario is asked) and
        economy; ``prior`` and ``prior_counterfactual`` give the probabilities before the data.

    Returns
    -------
    pandas.DataFrame
        ``claim``, ``asked`` (the event), ``probability``, ``prior_probability`` (NaN where the run has no draws of it),
        ``median``, ``low``, ``high`` (90 % equal-tailed), ``unit``, ``sure`` (members with P > 0.95 of ``members``, NaN
        where the claim is not about several) and ``of_equilibrium``: it rests on the economy too.

    Raises
    ------
    InputError
        Where the run has no counterfactual with fixed and directed technology.

    Examples
    --------
    >>> table = ree.findings_table(post)
    >>> table["asked"][0], bool(0 <= table["probability"][0] <= 1)
    ('mean σ < 1, sectors weighted by what they spend on rare earths', True)
    """
    if problems := _problems(post):
        raise InputError(problems, "this run cannot be asked")
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    scenario = str(ds[SCENARIO].values[0])
    here = restrictors(ds, scenario, economy)
    world = EconomyAndAbroad(economy, [c for c in economy.countries if c not in here])
    after = Draws(parameter_draws(post), ds.sel({SCENARIO: scenario}))
    before = _prior(post, scenario)
    return pd.DataFrame([_row(claim, after, before, world) for claim in claims(economy)])


def rows_as_text(table: pd.DataFrame) -> list[list[str]]:
    """The rows of a table of findings as text.

    Parameters
    ----------
    table
        From `reestim.findings_table`.

    Returns
    -------
    list of list of str
        Cells under `FINDINGS_HEADS`.
    """
    return [
        [str(row["claim"]), str(row["asked"]), percent(row["probability"]), _or_none(row), _size(row)]
        for row in table.to_dict("records")
    ]


def notes_of(post: xr.DataTree) -> list[str]:
    """What `reestim.findings_table` rests on: dataset, scenario, solved draws, what is simulated, what ω must be.

    Parameters
    ----------
    post
        A run.

    Returns
    -------
    list of str
        Sentences.
    """
    record, ds = RunRecord.of(post), post["counterfactual"].to_dataset()
    about, solved = record.provenance, ds["solved"].isel({SCENARIO: 0})
    synthetic, made = about.synthetic or (), [name for name in _TRADE if name in about.imputed]
    notes = [] if record.gates_passed() else [NO_FINDING]
    if record.quick:
        notes.append("QUICK smoke run: do not use its numbers.")
    if own := sorted(set(_published_by_the_paper(post))):
        notes.append(
            f"The evidence holds effects on {', '.join(own)} that accounts of the paper itself report: what they say "
            "is not found again independently."
        )
    notes += [
        f"Dataset {about.dataset or 'not named'}"
        f"{f', draws carried to {record.transfer.dataset}' if record.transfer else ''}, "
        f"scenario {ds[SCENARIO].values[0]}, seed {record.seed}; "
        f"{int(solved.sum())} of {solved.size} equilibria solved. {BRACKETS} P: share of draws. A row is what all the "
        "evidence of the study and its priors say together; where P hardly differs from P before the data, the prior "
        "says it.",
        f"Imputed cells in the world table: {', '.join(made) or 'none'}.",
    ]
    if synthetic:
        notes.append(f"Simulated, not observed: {', '.join(synthetic)}.")
        notes.append("What rests on simulated data shows the method and is not a finding about the world.")
    omega = needed_gap(parameter_draws(post), economy_of(post))
    if omega is not None:
        ends = quantiles(omega)
        needed = with_interval(float(ends["median"]), float(ends["low"]), float(ends["high"]))
        notes.append(
            "For sectors to expand by themselves, ideas about rare earths would have to be worth more to all than "
            f"those they displace: by ω > 1/((1−θ)·m) = {needed} times "
            "their private value, to first order where m > 0. No evidence here speaks to ω."
        )
    return notes


def _published_by_the_paper(post: xr.DataTree) -> list[str]:
    """Outcomes of published effects in the likelihood of the run."""
    if "constant_data" not in post.children or "effect" not in post["constant_data"].to_dataset().coords:
        return []
    inputs = post["constant_data"].to_dataset()
    pairs = zip(inputs["effect"].values, inputs["outcome"].values, strict=True)
    return [str(outcome) for effect, outcome in pairs if "(published)" in str(effect)]


def _row(claim: Claim, after: Draws, before: Draws | None, world: EconomyAndAbroad) -> dict[str, Any]:
    source, source_before = _source(claim, after), None if before is None else _source(claim, before)
    assert source is not None, "_problems asks for what every claim needs"
    draws = claim.quantity(source, world)
    prior = None if source_before is None else claim.quantity(source_before, world)
    members = None
    if claim.members is not None:
        each = claim.members(source, world)
        members = probability(each, claim.holds(each))
    return {
        "claim": claim.claim,
        "asked": claim.asked,
        "probability": float(probability(draws, claim.holds(draws))),
        "prior_probability": math.nan if prior is None else float(probability(prior, claim.holds(prior))),
        **{str(name): float(value) for name, value in quantiles(draws).data_vars.items()},
        "unit": claim.unit,
        "sure": math.nan if members is None else int((members > SURE).sum()),
        "members": math.nan if members is None else int(members.size),
        "member": claim.member,
        "of_equilibrium": claim.of_equilibrium,
    }


def _source(claim: Claim, draws: Draws) -> xr.Dataset | None:
    """The draws that the claim is about, where they hold what it needs."""
    source = draws.solved if claim.of_equilibrium else draws.parameters
    return source if source is not None and all(name in source for name in claim.needs) else None


def _or_none(row: Mapping[Any, Any]) -> str:
    return "" if math.isnan(row["prior_probability"]) else percent(row["prior_probability"])


def _size(row: Mapping[Any, Any]) -> str:
    size = with_interval(row["median"], row["low"], row["high"], row["unit"])
    if math.isnan(row["sure"]):
        return size
    return f"{size}; P > {100 * SURE:.0f} % in {row['sure']:.0f} of {row['members']:.0f} {row['member']}"


def _problems(post: xr.DataTree) -> list[Problem]:
    advice = "Give a run of `reestim run`, or carry its draws on with `reestim counterfactual`."
    missing = [name for name in ("posterior", "counterfactual", "economy") if name not in post.children]
    problems = [Problem(f"the run has no group {name!r}", advice) for name in missing]
    if "counterfactual" in post.children:
        there = set(post["counterfactual"].to_dataset()[TECHNOLOGY].values.tolist())
        problems += [
            Problem(f"no equilibria with {name} technology", advice) for name in (FIXED, DIRECTED) if name not in there
        ]
    for claim in [] if missing else claims(economy_of(post)):
        group = "counterfactual" if claim.of_equilibrium else "posterior"
        there = set(map(str, post[group].data_vars))
        problems += [
            Problem(f"the {group} has no {name}", advice, value=name) for name in claim.needs if name not in there
        ]
    return list(dict.fromkeys(problems))


def _prior(post: xr.DataTree, scenario: str) -> Draws | None:
    """Draws before the data, with equilibria where the prior went through this scenario with both technologies."""
    if "prior" not in post.children:
        return None
    solved = None
    if "prior_counterfactual" in post.children:
        ds = post["prior_counterfactual"].to_dataset()
        both = {FIXED, DIRECTED} <= set(ds[TECHNOLOGY].values.tolist())
        solved = ds.sel({SCENARIO: scenario}) if both and scenario in ds[SCENARIO].values else None
    return Draws(parameter_draws(post, "prior"), solved)
