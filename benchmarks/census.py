"""A census of random world economies: how many solve, and whether what is called solved is.

    python -m benchmarks.census                        # 10,000 worlds
    python -m benchmarks.census --worlds 600 --seed 1

Shapes are drawn first (2–12 countries, 1–20 goods, 1–5 elements, log-uniform) and as many worlds for each, so
that the solver is compiled once a shape. In every world: zero flows, REE shares log-uniform from 1e-9 to a largest one
that is itself log-uniform up to 0.5 (``--large-shares``: to 0.5 in every world, where many are not determinate), trade
elasticities log-uniform from 1.2 to 65, σ from 0.02 to just inside the interior, κ, ξ, χ, ψ, ρ over their range, both
technologies, independent and joint supply; and a shock: taxes, trade costs and productivity up to exp(±1.5), a quota, a
mine opened or closed, scrap, a subsidy up to a third of the price and 2 % of an income, export taxes up to the
size of an embargo.

What ``ree.solve`` calls solved is judged again by ``tests/economics/levels_oracle.py``: the equations in levels, with
loops, sharing no code with the solver.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections import Counter
from typing import Any

import jax
import numpy as np
import xarray as xr
from rich.progress import track

import reestim as ree
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.diagnosis import Reason, determinate, reason
from reestim.equilibrium.equations import Unknowns, evaluate
from reestim.equilibrium.implicit import within_tolerance
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.scenario import PolicyArrays
from reestim.equilibrium.solve import solve_adaptively
from reestim.errors import InputError, Problem
from tests.economics.levels_oracle import levels_model
from tests.oracles import random_economy, random_scenario

TOLERANCE = 1e-10
#: Largest gap of an equation in levels that a solved world may show: the same equations in other units and roundings.
EXAMINED = 1e-8


def random_world(
    seed: int, shape: dict[str, Any], all_shares_to_half: bool = False
) -> tuple[ree.Economy, ree.Scenario, ree.Parameters, str, str]:
    """An economy of a shape, a shock, parameters, technology and supply."""
    rng = np.random.default_rng([seed, 77])
    largest = float(np.exp(rng.uniform(np.log(1e-8), np.log(0.5))))
    economy = random_economy(
        seed,
        **shape,
        ree_share=(1e-9, 0.5 if all_shares_to_half else largest),
        elasticity=(1.2, 65.0),
        log_uniform=True,
        taxes=bool(rng.integers(2)),
        deficits=False,
    )
    kappa = float(np.exp(rng.uniform(np.log(0.05), np.log(5.0))))
    technology = ("fixed", "directed")[rng.integers(2)]
    spillover = float(rng.uniform(0, 2))
    upper = 1 + 1 / (kappa * (1 + spillover)) if technology == "directed" else 5.0
    sigma = xr.DataArray(
        rng.uniform(0.02, 0.99 * upper, len(economy.sectors)), coords={"sector": list(economy.sectors)}
    )
    parameters = ree.Parameters(
        sigma=sigma,
        kappa=kappa,
        spillover=spillover,
        spillover_gap=float(rng.uniform(0, 1)),
        element_elasticity=float(rng.uniform(0.3, 3.0)),
        diffusion=float(rng.uniform(0, 1)),
    )
    return economy, random_shock(seed, rng, economy), parameters, technology, ("independent", "joint")[rng.integers(2)]


def random_shock(seed: int, rng: np.random.Generator, economy: ree.Economy) -> ree.Scenario:
    """Arrays of shocks of a random size, one quota, and some policies."""
    size = float(np.exp(rng.uniform(np.log(1e-3), np.log(0.5))))
    shocks = random_scenario(seed, economy, size=size)
    b = economy.baseline
    places = np.asarray(b.element_index)
    abroad = np.einsum("nis,ns->is", b.trade_share * (1 - np.eye(len(economy.countries)))[:, :, None], b.expenditure)
    exported = np.argwhere(abroad[:, places] > 0)
    if not len(exported):
        raise InputError(Problem("no element is exported in this world", "Draw another."))
    exporter, k = exported[rng.integers(len(exported))]
    country = economy.countries[int(rng.integers(len(economy.countries)))]
    element = economy.elements[int(rng.integers(len(economy.elements)))]
    policies: list[Any] = [
        ree.ExportQuota(
            economy.countries[exporter], (economy.elements[k],), float(np.exp(rng.uniform(np.log(0.02), np.log(2.0))))
        )
    ]
    if rng.random() < 0.3:
        miner, e = np.argwhere(np.asarray(b.output)[:, places] > 0)[0]
        policies.append(
            ree.SupplyShock(economy.countries[miner], (economy.elements[e],), float(rng.choice([0.0, 0.3, 3])))
        )
    if rng.random() < 0.3:
        policies.append(ree.Recycling(float(rng.uniform(0, 0.6)), country, (element,)))
    if rng.random() < 0.3:
        n, sector = economy.countries.index(country), economy.sectors[0]
        bill = float(b.output[n, 0] / b.income[n])  # of a full subsidy, in incomes
        policies.append(ree.Subsidy(float(rng.uniform(0, min(0.33, 0.02 / max(bill, 1e-9)))), country, (sector,)))
    tax = shocks.export_tax
    taxed = rng.random() < 0.3 and len(economy.countries) > 2
    if taxed and tax is not None:  # up to the size of an embargo, on one exporter's element
        tax = tax.copy()
        height = float(np.expm1(rng.uniform(0.5, 9.0)))
        tax.loc[{"exporter": economy.countries[exporter], "sector": economy.elements[k]}] = height
    return dataclasses.replace(shocks, export_tax=tax, policies=tuple(policies))


def examine(
    economy: ree.Economy,
    scenario: ree.Scenario,
    parameters: ree.Parameters,
    technology: str,
    arrays: PolicyArrays,
    u: Unknowns,
) -> float:
    """Largest gap of the equations in levels at the solution; quotas by their complementarity."""
    n, s = economy.ds.expenditure.shape
    foreign = ~np.eye(n, dtype=bool)[:, :, None]
    policy = {
        "tariff": np.where(foreign, np.asarray(scenario.tariff), 0.0),
        "export_tax": np.where(foreign, np.asarray(scenario.export_tax), 0.0),
        "trade_cost": np.where(foreign, np.asarray(scenario.trade_cost), 1.0),
        "productivity": np.asarray(scenario.productivity),
        "quota": {
            (int(i), int(k)): float(np.exp(q))
            for i, k, q in zip(arrays.pools.exporter, arrays.pools.sector, arrays.pools.log_limit, strict=True)
        },
        "subsidy": -np.expm1(-np.asarray(arrays.log_subsidy)),
        "endowment": np.exp(np.asarray(arrays.log_endowment)),
        "recycled": np.asarray(arrays.recycled),
        "joint": bool(arrays.joint > 0),
    }
    model, live, mined = levels_model(
        economy.ds,
        sigma=np.broadcast_to(np.asarray(parameters.sigma), (n, s)),
        kappa=parameters.kappa,
        xi=parameters.spillover,
        gap=parameters.spillover_gap,
        psi=parameters.diffusion,
        rho=np.full((n, s), parameters.element_elasticity),
        policy=policy,
        directed=technology == "directed",
    )
    shadow = np.maximum(np.asarray(u.pool), 0.0)  # ln of what the licence adds to the price of its one element
    z = np.concatenate(
        [
            np.asarray(u.factor_price)[live],
            np.asarray(u.price).ravel(),
            np.asarray(u.expenditure).ravel(),
            shadow,
            np.asarray(u.margin)[mined],
        ]
    )
    with np.errstate(all="ignore"):
        gaps, result = model(z)
    first = live.sum() + 2 * n * s
    over = np.maximum(result["exports"], 0.0)  # sold beyond the quota
    idle = np.where(shadow > 1e-9, np.abs(result["exports"]), 0.0)  # a shadow tax without scarcity
    gaps[first : first + len(shadow)] = np.maximum(over, idle)
    worst = np.abs(np.append(gaps, result["dropped"])).max()
    return float(worst) if np.isfinite(worst) and (shadow >= 0).all() else float("inf")


@dataclasses.dataclass
class Census:
    """Counts by kind, the worlds that failed in words, and the largest gap in levels of those called solved."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    failures: list[str] = dataclasses.field(default_factory=list)
    worst: float = 0.0


@jax.jit
def judged(
    b: Baseline, policy: PolicyArrays, arrays: ParameterArrays, u: Unknowns, stage: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Is the equilibrium determinate; and the reason, should it be unsolved."""
    costs = evaluate(b, policy, arrays, u).costs
    return determinate(b, arrays, costs), reason(b, policy, arrays, u, stage)


def random_shape(rng: np.random.Generator) -> dict[str, int]:
    """2–12 countries, 1–20 goods, 1–5 elements, log-uniform; 1–3 mobile factors."""

    def between(low: int, high: int) -> int:
        return int(np.floor(np.exp(rng.uniform(np.log(low), np.log(high + 1)))))

    return {"countries": between(2, 12), "goods": between(1, 20), "elements": between(1, 5), "factors": between(1, 3)}


def census(worlds: int, seed: int, shape: dict[str, int], first: int, large_shares: bool = False) -> Census:
    """Worlds of one shape, numbered from ``first``. One that the generator cannot balance is not counted."""
    found = Census()
    for index in track(range(first, first + worlds), "worlds", transient=True):
        try:
            economy, scenario, parameters, technology, supply = random_world(
                seed * 1_000_000 + index, shape, large_shares
            )
            policy = scenario.to_arrays(economy, supply)
        except (InputError, np.linalg.LinAlgError):
            found.counts["refused"] += 1  # no world, or a shock that the input checks name: nothing to solve
            continue
        b, arrays = economy.baseline, parameters.to_arrays(economy, technology)
        u, root, residual = solve_adaptively(b, policy, arrays, TOLERANCE)
        sure, why = judged(b, policy, arrays, u, root.stage)
        kind = "determinate" if sure else "indeterminate"
        found.counts[kind] += 1
        place = f"world {seed * 1_000_000 + index} {tuple(shape.values())}, {technology}, {kind}"
        if not within_tolerance(float(residual), TOLERANCE):
            found.counts[f"{kind} unsolved"] += 1
            found.counts[Reason(int(why)).words] += 1
            found.failures.append(f"{place}: {Reason(int(why)).words} ({float(root.stage):.0%} of the shock reached)")
            continue
        gap = examine(economy, scenario, parameters, technology, policy, u)
        found.worst = max(found.worst, gap)
        if gap > EXAMINED:
            found.counts["wrong"] += 1
            found.failures.append(f"{place}: called solved, but a gap of {gap:.1e} in levels")
    return found


def main() -> None:
    """Print the census."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=10_000)
    parser.add_argument("--shapes", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip", type=int, default=0, help="shapes to leave out at the beginning, after a kill")
    parser.add_argument("--large-shares", action="store_true")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    each, total, start = asked.worlds // asked.shapes, Census(), time.perf_counter()
    for k in range(asked.shapes):
        shape = random_shape(rng)
        if k < asked.skip:
            continue
        jax.clear_caches()  # programs of the shapes before would fill the memory
        part = census(each, asked.seed, shape, k * each, asked.large_shares)
        total.counts += part.counts
        total.failures += part.failures
        total.worst = max(total.worst, part.worst)
        print(f"-- {k + 1} of {asked.shapes} shapes, {time.perf_counter() - start:.0f} s")
        report(total)


def report(found: Census) -> None:
    """What was counted so far."""
    counts = found.counts
    tried = counts["determinate"] + counts["indeterminate"]
    missing = counts["determinate unsolved"] + counts["indeterminate unsolved"]
    print(f"{tried} worlds ({counts['refused']} more were refused as input)")
    print(f"  solved {tried - missing} ({(tried - missing) / max(tried, 1):.3%}), residual at most {TOLERANCE:g}")
    print(
        f"  determinate {counts['determinate']}, unsolved {counts['determinate unsolved']}; "
        f"not determinate {counts['indeterminate']}, unsolved {counts['indeterminate unsolved']}"
    )
    print(f"  called solved with a gap above {EXAMINED:g} in levels: {counts['wrong']}; largest gap {found.worst:.1e}")
    for line in found.failures:
        print(f"  {line}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
