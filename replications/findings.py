"""What Alfaro, Fadinger, Schymik and Virananda (2025) find, asked of a run of REEstim: posterior probabilities.

The paper's data are not at hand; a run answers from its own evidence, which may be simulated, and the table says so.
Averages over sectors weigh each with what the world spends on rare earths there (θ·Y), averages over countries with
baseline income or output. Abroad: outside the countries that restrict.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, SCENARIO, SECTOR, TECHNOLOGY
from reestim.equilibrium.economy import Economy
from reestim.errors import InputError, Problem
from reestim.results.effects import (
    BRACKETS,
    DIRECTED,
    FIXED,
    economy_of,
    exposed_sectors,
    income,
    probability,
    quantiles,
    restrictors,
)
from reestim.results.format import percent, with_interval
from reestim.runs.record import RunRecord
from replications.tables import Table

#: Imputed files that make the economy a stylised one.
_ECONOMY = ("trade.csv", "input_output.csv", "value_added.csv")
_SURE = 0.95


class Finding(NamedTuple):
    """One claim of the paper and what a run says."""

    claim: str
    asked: str  # the event whose probability is given
    probability: float
    prior: float  # of the same event, NaN where the run has no draws of it
    size: str  # median and interval of what the event is about
    economy: bool  # rests on the economy too


def findings(post: xr.DataTree) -> list[Finding]:
    """The four findings, from the groups posterior, counterfactual and economy of a run.

    Raises InputError where the run has no counterfactual with fixed and directed technology.
    """
    if problems := _problems(post):
        raise InputError(problems, "this run cannot be asked")
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    scenario = str(ds[SCENARIO].values[0])
    here = restrictors(ds, scenario, economy)
    abroad = [c for c in economy.countries if c not in here]
    one = ds.sel({SCENARIO: scenario})
    return [
        _complements(post, economy),
        _direction(post, economy),
        _knowledge(one, economy, abroad),
        *_expansion(one, economy, abroad),
        *_mitigation(one, economy, abroad),
    ]


def table(post: xr.DataTree) -> Table:
    """The findings as a table that says what they rest on."""
    record = RunRecord.of(post)
    about = record.provenance
    synthetic = about.synthetic or ()
    stylised = [name for name in _ECONOMY if name in (about.imputed)]
    evidence = "SYNTHETIC evidence" if synthetic else "real evidence"
    world = ", stylised economy" if set(stylised) & {"trade.csv", "input_output.csv"} else ", real economy"
    rows = [
        [
            f.claim,
            f.asked,
            percent(f.probability),
            "" if np.isnan(f.prior) else percent(f.prior),
            f.size,
            evidence + (world if f.economy else ""),
        ]
        for f in findings(post)
    ]
    ds = post["counterfactual"].to_dataset()
    solved = ds["solved"].isel({SCENARIO: 0})
    seed, dataset = record.seed, about.dataset or "not named"
    notes = [
        f"Dataset {dataset}, scenario {ds[SCENARIO].values[0]}, seed {seed}; {int(solved.sum())} of {solved.size} "
        f"equilibria solved. {BRACKETS} P: share of posterior draws. Every row rests on all evidence of the study, "
        "through the posterior.",
        f"Simulated, not observed: {', '.join(synthetic) or 'nothing'}. Cells of the economy made by a rule: "
        f"{', '.join(stylised) or 'none'}.",
    ]
    if synthetic:
        notes.append("What rests on simulated data shows the method and is no finding about the world.")
    return Table(
        ["the paper", "asked of the run", "P", "prior P", "size", "data"], rows, notes, "" if synthetic else "real"
    )


def _problems(post: xr.DataTree) -> list[Problem]:
    advice = "Give a run of `reestim run`, or carry its draws on with `reestim counterfactual`."
    found = [
        Problem(f"the run has no group {name!r}", advice)
        for name in ("posterior", "counterfactual", "economy")
        if name not in post.children
    ]
    if "counterfactual" in post.children:
        there = set(post["counterfactual"].to_dataset()[TECHNOLOGY].values.tolist())
        found += [
            Problem(f"no equilibria with {name} technology", advice) for name in (FIXED, DIRECTED) if name not in there
        ]
    return found


def _output(economy: Economy) -> xr.DataArray:
    """Baseline output (country, sector)."""
    labels = {COUNTRY: list(economy.countries), SECTOR: list(economy.sectors)}
    return xr.DataArray(np.asarray(economy.baseline.output), labels)


def _spending(economy: Economy) -> xr.DataArray:
    """Spending on rare earths (country, sector), θ·Y."""
    return economy.ds["ree_share"] * _output(economy)


def _world_mean(economy: Economy, values: xr.DataArray) -> xr.DataArray:
    """Mean over sectors, each with what the world spends on rare earths there."""
    spent = _spending(economy).sum(COUNTRY).sel({SECTOR: values[SECTOR].values.tolist()})
    return values.weighted(spent).mean(SECTOR)


def _event(draws: xr.DataArray, positive: bool = True) -> float:
    return float(probability(draws, draws > 0 if positive else draws < 0))


def _in_words(draws: xr.DataArray, unit: str = "") -> str:
    q = quantiles(draws)
    return with_interval(float(q["median"]), float(q["low"]), float(q["high"]), unit)


def _prior(post: xr.DataTree) -> xr.Dataset | None:
    prior = post["prior"].to_dataset() if "prior" in post.children else None
    return prior if prior is not None and {"sigma", "innovation_passthrough"} <= set(prior.data_vars) else None


def _complements(post: xr.DataTree, economy: Economy) -> Finding:
    sigma, prior = post["posterior"].to_dataset()["sigma"], _prior(post)
    by_sector = probability(sigma, sigma < 1)
    sure = int((by_sector > _SURE).sum())
    before = float("nan") if prior is None else _event(1 - _world_mean(economy, prior["sigma"]))
    average = _world_mean(economy, sigma)
    size = f"mean σ {_in_words(average)}; P > {100 * _SURE:.0f} % in {sure} of {by_sector.size} sectors"
    return Finding(
        "rare earths and other inputs are complements", "mean σ < 1", _event(1 - average), before, size, False
    )


def _direction(post: xr.DataTree, economy: Economy) -> Finding:
    def mean(ds: xr.Dataset) -> xr.DataArray:
        return _world_mean(economy, ds["innovation_passthrough"])

    prior, average = _prior(post), mean(post["posterior"].to_dataset())
    before = float("nan") if prior is None else _event(mean(prior))
    asked = "mean m > 0: dearer rare earths draw research towards using them better"
    return Finding(
        "scarcity sets off a surge of innovation", asked, _event(average), before, f"mean m {_in_words(average)}", False
    )


def _knowledge(one: xr.Dataset, economy: Economy, abroad: list[str]) -> Finding:
    at = one.sel({TECHNOLOGY: DIRECTED})
    weight = _spending(economy).sel({COUNTRY: abroad})
    known = at["ree_technology"].where(at["solved"]).sel({COUNTRY: abroad})
    moved = 100 * xr.ufuncs.expm1((known.fillna(0) * weight).sum((COUNTRY, SECTOR)) / weight.sum()).where(at["solved"])
    asked = "REE-enhancing knowledge abroad rises under the restriction"
    return Finding("… and it does so abroad", asked, _event(moved), float("nan"), _in_words(moved, "%"), True)


def _expansion(one: xr.Dataset, economy: Economy, abroad: list[str]) -> list[Finding]:
    """Quantities (output over unit cost) of the sectors that use most rare earths against all other goods."""
    intensive = exposed_sectors(economy)
    others = [s for s in economy.sectors if s not in intensive and s not in economy.elements]
    output = _output(economy).sel({COUNTRY: abroad})

    def grown(sectors: list[str], technology: str) -> xr.DataArray:
        at = one.sel({TECHNOLOGY: technology})
        change = (at["output"] - at["unit_cost"]).sel({COUNTRY: abroad, SECTOR: sectors})
        weight = output.sel({SECTOR: sectors})
        moved = (weight * xr.ufuncs.expm1(change.where(weight > 0, 0.0))).sum((COUNTRY, SECTOR), skipna=False)
        return (1e4 * moved / weight.sum()).where(at["solved"])

    found = []
    for technology in (FIXED, DIRECTED):
        gap = grown(intensive, technology) - grown(others, technology)
        level = grown(intensive, technology)
        asked = f"their quantities abroad rise against all other goods, {technology} technology"
        size = f"{_in_words(gap, 'bp')}; by themselves {_in_words(level, 'bp')}"
        claim = (
            f"rare-earth-intensive sectors expand abroad ({', '.join(intensive)})"
            if technology == DIRECTED
            else ("… they would contract if technology stood still")
        )
        found.append(Finding(claim, asked, _event(gap), float("nan"), size, True))
    return found[::-1]


def _mitigation(one: xr.Dataset, economy: Economy, abroad: list[str]) -> list[Finding]:
    welfare = one["welfare"].where(one["solved"]).sel({COUNTRY: abroad})
    weight = income(economy).sel({COUNTRY: abroad})
    joint = 1e4 * (weight * xr.ufuncs.expm1(welfare)).sum(COUNTRY, skipna=False) / weight.sum()
    fixed, directed = (joint.sel({TECHNOLOGY: name}, drop=True) for name in (FIXED, DIRECTED))
    each = welfare.sel({TECHNOLOGY: DIRECTED}, drop=True) - welfare.sel({TECHNOLOGY: FIXED}, drop=True)
    sure = int((probability(each, each > 0) > _SURE).sum())
    size = f"{_in_words(directed - fixed, 'bp')}; P > {100 * _SURE:.0f} % in {sure} of {len(abroad)} countries"
    return [
        Finding(
            "the restriction costs importers welfare",
            "joint real income abroad falls, fixed technology",
            _event(fixed, positive=False),
            float("nan"),
            _in_words(fixed, "bp"),
            True,
        ),
        Finding(
            "directed technology mitigates their losses",
            "directed loss abroad < fixed loss",
            _event(directed - fixed),
            float("nan"),
            size,
            True,
        ),
        Finding(
            "…",
            "joint real income abroad still falls, directed technology",
            _event(directed, positive=False),
            float("nan"),
            _in_words(directed, "bp"),
            True,
        ),
    ]
