"""Studies that cannot answer, or are told wrong things: do their intervals stay honest, and do they say so?

    python -m benchmarks.stress --out build/stress                     # 10 datasets a case; goes on after a kill
    python -m benchmarks.stress --out build/stress --case one-country  # one case
    python -m benchmarks.stress --out build/stress --part 1/2          # one of two processes; without --part: the table

In every case evidence is simulated (`reestim.evidence.simulate`, which shares the equations of technology with the
models and nothing else), made into inputs, fitted and judged as a user would: gates, and the sentences on what rests on
a prior. Where truths are drawn from the priors of the study, intervals of 90 % must hold them nine times in ten
whatever the data are worth; where they are placed (a corner, a conflict with the prior), no theorem says so, and
the table shows what happens. Welfare: first scenario of the study, directed technology, through the solver.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

import reestim as ree
from benchmarks.sampling import covariates
from reestim.calibration.design import WHOLE, SbcDesign, parse_shard, ranked_draws, with_welfare
from reestim.calibration.fit_store import DRAWS, TRUTH, load_fit, save_fit
from reestim.calibration.label_noise import EXACT_UNIT_VALUES, PatentWorld, fewer, misclassified, truths, world_of
from reestim.calibration.summary import covers_truth
from reestim.checks.prior_sensitivity import GROUP, prior_posterior_table, prior_sensitivity
from reestim.dims import COUNTRY, DRAW, SECTOR
from reestim.estimate.inputs import assemble
from reestim.estimate.priors import variable
from reestim.evidence.simulate import simulate_evidence
from reestim.evidence.truth import Truth
from reestim.runs.record import RunRecord
from reestim.study.spec import Evidence, Spec
from reestim.technology import sigma_upper_bound
from tests.oracles import random_economy

_JUDGED = {"sigma": "σ", "innovation_passthrough": "m", "kappa": "κ", "spillover": "ξ", "welfare": "welfare"}
_DRAWN = (
    "kappa",
    "spillover",
    "mu",
    "beta",
    "tau",
    "using_slope",
    "substituting_slope",
    "adjustment_rate",
    "obsolescence",
    "knowledge_growth",
)


@dataclass(frozen=True)
class Case:
    """What is wrong with a study: ``world`` changes what its evidence is simulated on, ``place`` the drawn truth,
    ``evidence`` what it uses. ``random_shares``: a random world with θ in this range instead of the bundled one."""

    says: str
    countries: int = 4
    world: Callable[[PatentWorld], PatentWorld] = lambda world: world
    place: Callable[[Truth, PatentWorld], Truth] = lambda truth, _: truth
    evidence: dict[str, bool] | None = None
    random_shares: tuple[float, float] | None = None
    placed: bool = False


def _moving(share: float) -> Callable[[PatentWorld], PatentWorld]:
    return lambda world: replace(world, price=share * world.price)


def _around_one(truth: Truth, world: PatentWorld) -> Truth:
    """σ of the sectors evenly from 0.8 to 1.2."""
    users = world.price[SECTOR].values
    return replace(truth, sigma=dict(zip(users, np.linspace(0.8, 1.2, len(users)), strict=True)))


def _corner(truth: Truth, world: PatentWorld) -> Truth:
    """Every other sector at 1 % of the bound, the others at 99 %."""
    users = world.price[SECTOR].values
    share = np.where(np.arange(len(users)) % 2, 0.01, 0.99) * sigma_upper_bound(truth.kappa, truth.spillover)
    return replace(truth, sigma=dict(zip(users, share, strict=True)))


CASES = {
    "reference": Case("the default evidence, four countries"),
    "still-prices": Case("prices of rare earths move by 2 % of what they did", world=_moving(0.02)),
    "one-country": Case("one country", countries=1),
    "patents-only": Case("patents only: κ and σ trade off", evidence={"ree_use": False, "event_study": False}),
    "few-patents": Case(
        "one patent a cell, 40 audited", place=lambda t, _: replace(t, patents_per_cell=1.0, audit_size=40)
    ),
    "label-noise": Case("40 % of the labels are wrong", place=lambda t, _: misclassified(t, 0.4)),
    "conflict": Case(
        "truth far from the priors: κ = 4, μ = −3", place=lambda t, _: replace(t, kappa=4.0, mu=-3.0), placed=True
    ),
    "tiny-shares": Case("θ from 1e-9 to 1e-6", random_shares=(1e-9, 1e-6)),
    "huge-shares": Case("θ from 0.02 to 0.4", random_shares=(0.02, 0.4)),
    "around-one": Case("σ from 0.8 to 1.2", place=_around_one, placed=True),
    "corners": Case("σ at 1 and 99 % of its bound", place=_corner, placed=True),
}


@cache
def bundled(countries: int) -> tuple[PatentWorld, ree.Economy, ree.Scenario]:
    """PatentWorld and economy of the bundled dataset, evidence from its largest countries."""
    world = world_of(ree.load_dataset("simulated-2010"))
    size = world.io["expenditure"].sum(SECTOR).to_series().sort_values(ascending=False)
    names = [c for c in world.price[COUNTRY].values if c in size.index[:countries]]
    return fewer(world, names), ree.Economy(world.io), ree.read_scenario("models/scenarios/china-quota-2010.toml")


@cache
def random(shares: tuple[float, float], countries: int) -> tuple[PatentWorld, ree.Economy, ree.Scenario]:
    """A random balanced world with shares of rare earths in this range; a shock to prices after 2009."""
    economy = random_economy(
        11,
        countries,
        8,
        2,
        factors=1,
        zero_flows=False,
        taxes=False,
        deficits=False,
        ree_share=shares,
        log_uniform=True,
    )
    io = economy.ds.assign(trade_elasticity_sd=0.3 * economy.ds["trade_elasticity"])
    users = [str(s) for s in io[SECTOR].values if s not in io["element"].values]
    rng, years = np.random.default_rng(5), np.arange(2000, 2015)
    exposure = rng.uniform(0.5, 1.3, (countries, len(users), 1))
    price, like = covariates(rng, list(economy.countries), users, years, exposure, ["a", "b", "c"])
    quota = ree.Scenario("quota", policies=(ree.ExportQuota(economy.countries[0], tuple(economy.elements), 0.6),))
    return PatentWorld(io, price, like, Truth(beta=(0.0,) * 3), 2010), economy, quota


def drawn_truth(spec: Spec, properties: Sequence[str], seed: int) -> Truth:
    """Truth with the parameters of ``_DRAWN`` from the study's priors, the others as stated in `Truth`."""
    with pm.Model(coords={"property": list(properties)}):
        made = [variable(spec.priors, n, dims="property" if n == "beta" else None) for n in _DRAWN]
        values = pm.draw(made, random_seed=seed)
    found: dict[str, Any] = {n: np.asarray(v, float).tolist() for n, v in zip(_DRAWN, values, strict=True)}
    return replace(Truth(), **(found | {"beta": tuple(found["beta"])}))


def one(case: Case, spec: Spec, folder: Path, name: str, seed: int) -> xr.DataTree:
    """Simulate, fit and judge one dataset; the draws that truths are ranked among, and what was said of them."""
    world, economy, scenario = (
        random(case.random_shares, case.countries) if case.random_shares else bundled(case.countries)
    )
    world = case.world(world)
    truth = case.place(drawn_truth(spec, world.substitutability["property"].values.tolist(), seed), world)
    evidence = Evidence.model_validate(spec.evidence.model_dump() | (case.evidence or {}))
    used = spec.model_copy(update={"evidence": evidence, "priors": spec.priors | EXACT_UNIT_VALUES})
    tables = simulate_evidence(world.io, world.price, world.substitutability, truth, seed, ree_use_panel=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few clusters, and of gates: those are in the table
        inputs = assemble(
            world.io, world.price, world.substitutability, tables, evidence, policy_year=world.policy_year
        )
        post = ree.fit(ree.build(used, inputs), used.sampler, seed, progress=False, gates=used.gates)
    sensitivity = prior_sensitivity(post)
    if sensitivity is not None:
        post[GROUP] = xr.DataTree(sensitivity)
    table: Any = prior_posterior_table(post).set_index("parameter")
    true = truths(replace(world, truth=truth), seed, inputs)
    true = true.assign(spillover=truth.spillover, spillover_gap=truth.spillover_gap)
    design = SbcDesign(used, inputs, economy, scenario, 1, 99, seed)
    posterior = post["posterior"].to_dataset()
    draws = with_welfare(
        ranked_draws(posterior[[n for n in (*true, "trade_elasticity") if n in posterior]], 99), design
    )
    known = with_welfare(true.expand_dims({DRAW: 1}), design).isel({DRAW: 0})
    wanted = list(_JUDGED)
    said = {
        "verdict": {p: table.loc[p, "verdict"] for p in ("kappa", "mean_sigma") if p in table.index},
        "sectors_on_prior": float(table[table.index.str.startswith("sigma[")]["rests_on_prior"].mean()),
        "width": {p: float(table.loc[p, "width_ratio"]) for p in ("kappa", "mean_sigma") if p in table.index},
    }
    return save_fit(folder, name, draws[wanted], known[wanted], RunRecord.of(post).updated(said))


def row(case: Case, trees: Sequence[xr.DataTree]) -> dict[str, Any]:
    """One line of the table: how often intervals of 90 % held the truth, how wide they are, and what was said."""
    found: dict[str, Any] = {"case": case.says + (" (placed)" if case.placed else ""), "n": len(trees)}
    for variable_, symbol in _JUDGED.items():
        held = [
            float(covers_truth(t[DRAWS].to_dataset()[variable_], t[TRUTH].to_dataset()[variable_], 0.9).mean())
            for t in trees
        ]
        error = np.nanstd(held, ddof=1) / np.sqrt(len(held)) if len(held) > 1 else np.nan
        found[symbol] = f"{np.nanmean(held):.2f} ± {error:.2f}"
    told = [RunRecord.of(t).as_json() for t in trees]
    for parameter, symbol in (("kappa", "κ"), ("mean_sigma", "mean σ")):
        found[f"width {symbol}"] = f"{np.median([s['width'].get(parameter, np.nan) for s in told]):.2f}"
        verdicts = [s["verdict"].get(parameter, "") for s in told]
        found[f"{symbol} on prior"] = sum(v in ("prior", "shifted") for v in verdicts)
        found[f"{symbol} both"] = sum(v == "both" for v in verdicts)
    found["sectors on prior"] = f"{100 * np.mean([s['sectors_on_prior'] for s in told]):.0f} %"
    found["gates failed"] = sum(not s["gates"]["passed"] for s in told)
    found["divergent"] = sum(s["gates"]["gates"][0]["value"] > 0 for s in told)
    return found


def main() -> None:
    logging.getLogger("pymc").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--case", choices=list(CASES), nargs="*", default=list(CASES))
    parser.add_argument("-n", "--datasets", type=int, default=10)
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--tune", type=int, default=300)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--part")
    given = parser.parse_args()
    spec = ree.read_spec("models/substitution.toml")
    sampler = spec.sampler.model_copy(update={"draws": given.draws, "tune": given.tune, "chains": given.chains})
    gates = spec.gates.model_copy(update={"min_ess": 50.0, "max_r_hat": 1.05})  # as short runs can pass
    spec, shard = spec.model_copy(update={"sampler": sampler, "gates": gates}), parse_shard(given.part)
    seeds = np.random.SeedSequence(given.seed).generate_state(given.datasets).tolist()
    rows = []
    for index, seed in enumerate(seeds):
        for name in given.case:
            label = f"{name}-{index:03d}"
            if shard.holds(index) and load_fit(given.out, label) is None:
                one(CASES[name], spec, given.out, label, seed)
                print(label, flush=True)
    if shard == WHOLE:
        for name in given.case:
            trees = [tree for i in range(len(seeds)) if (tree := load_fit(given.out, f"{name}-{i:03d}")) is not None]
            rows.append(row(CASES[name], trees))
        print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    main()
