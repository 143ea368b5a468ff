"""A census of random world economies: how many solve, and whether what is called solved is.

    python -m benchmarks.census                        # 10,000 worlds
    python -m benchmarks.census --worlds 600 --seed 1

Shapes are drawn first (2–12 countries, 1–20 goods, 1–5 elements, log-uniform, 0–2 carriers) and as many worlds for
each, so that the solver is compiled once a shape. In every world: zero flows, REE shares log-uniform from 1e-9 to a
largest one that is itself log-uniform up to 0.5 (``--large-shares``: to 0.5 in every world), trade elasticities
log-uniform from 1.2 to 65, σ from 0.02 to just inside the interior, κ, ξ, ω, ψ, ρ and the supply elasticities of mines
over their range, both technologies, independent and joint supply; and a shock: taxes, trade costs and productivity up
to exp(±1.5), an export quota, a production quota and licences with waste in tonnes, a mine opened or closed, scrap, a
subsidy up to a third of the price and 2 % of an income, export taxes up to the size of an embargo.

What ``ree.solve`` calls solved is judged again by ``tests/economics/levels``: the equations in levels, sharing no code
with the solver.
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
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.solve import solve_adaptively
from reestim.errors import InputError, Problem
from tests.economics.levels.solver import judge
from tests.economics.levels_adapter import as_levels, as_policy, as_technology, as_world
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
    if "carrier" in economy.ds.coords:
        price = np.exp(rng.uniform(np.log(3e3), np.log(3e5), (len(economy.countries), economy.ds.carrier.size)))
        economy = ree.Economy(economy.ds.assign(carrier_price=(("country", "carrier"), price)))
    kappa = float(np.exp(rng.uniform(np.log(0.05), np.log(5.0))))
    technology = ("fixed", "directed")[rng.integers(2)]
    spillover = float(rng.uniform(0, 2))
    upper = 1 + 1 / (kappa * (1 + spillover)) if technology == "directed" else 5.0
    sigma = rng.uniform(0.02, 0.99 * upper, len(economy.sectors))
    parameters = ree.Parameters(
        sigma=xr.DataArray(sigma, coords={"sector": list(economy.sectors)}),
        kappa=kappa,
        spillover=spillover,
        spillover_gap=float(rng.uniform(0, 1)),
        element_elasticity=float(np.exp(rng.uniform(np.log(0.05), np.log(3.0)))),
        diffusion=float(rng.uniform(0, 1)),
        supply_elasticity=random_supply(rng, economy),
    )
    supply = ("independent", "joint")[rng.integers(2)]
    return economy, random_shock(seed, rng, economy, supply), parameters, technology, supply


def random_supply(rng: np.random.Generator, economy: ree.Economy) -> xr.DataArray:
    """Supply elasticities of mines whose resource and other inputs are complements, to nearly fixed proportions."""
    share = np.asarray(economy.baseline.resource_share)
    eta = np.exp(rng.uniform(np.log(0.02), 0.0, share.shape))
    values = eta * (1 - share) / np.where(share > 0, share, 1.0)
    return xr.DataArray(values, coords={"country": list(economy.countries), "element": list(economy.elements)})


def random_shock(seed: int, rng: np.random.Generator, economy: ree.Economy, supply: str) -> ree.Scenario:
    """Arrays of shocks of a random size, three pools of tonnes, and some policies."""
    size = float(np.exp(rng.uniform(np.log(1e-3), np.log(0.5))))
    shocks = random_scenario(seed, economy, size=size)
    b = economy.baseline
    places = np.asarray(b.element_index)
    country = economy.countries[int(rng.integers(len(economy.countries)))]
    element = economy.elements[int(rng.integers(len(economy.elements)))]
    policies, exporter, held = random_pools(rng, economy, supply)
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
        tax.loc[{"exporter": exporter, "sector": held[0]}] = float(np.expm1(rng.uniform(0.5, 9.0)))
    return dataclasses.replace(shocks, export_tax=tax, policies=tuple(policies))


def random_pools(rng: np.random.Generator, economy: ree.Economy, supply: str) -> tuple[list[Any], str, tuple[str, ...]]:
    """An export quota, a production quota and licences to one buyer, of as many products in every world of a shape.

    One good in two is in the pools: two elements, or an element and a carrier. Limits are log-uniform around the
    baseline, so that many are slack. Where supply is joint the production quota never binds: tonnes that come out of
    one mine and pay one licence price would pile up, and the model has no disposal.
    """
    b = economy.baseline
    flows = np.asarray(b.trade_share * b.expenditure[:, None, :]) * (1 - np.eye(len(economy.countries)))[:, :, None]
    elements = [economy.sectors.index(e) for e in economy.elements]
    carriers = [economy.sectors.index(m) for m in economy.members if m not in economy.elements]
    first, second = elements[0], (carriers or elements)[-1]
    chosen = sorted({first, second})
    able = [i for i in range(len(economy.countries)) if (flows[:, i, chosen].sum(axis=0) > 0).all()]
    if not able:
        raise InputError(Problem("nobody exports the products of the pools in this world", "Draw another."))
    i = able[int(rng.integers(len(able)))]
    buyers = np.flatnonzero((flows[:, i, chosen] > 0).all(axis=1))
    buyer = int(buyers[rng.integers(len(buyers))]) if len(buyers) else int(flows[:, i, first].argmax())
    products = tuple(economy.sectors[s] for s in chosen)
    licensed = products if len(buyers) else products[:1]

    def limit(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    mined = limit(0.3, 2.0) if supply == "independent" else 1e4
    policies = [
        ree.ExportQuota(economy.countries[i], products, limit(0.02, 2.0), leakage=float(rng.uniform(0, 0.5))),
        ree.ProductionQuota(economy.countries[i], products, mined),
        ree.Licence(economy.countries[i], (economy.countries[buyer],), licensed, limit(0.05, 3.0), float(rng.random())),
    ]
    return policies, economy.countries[i], products


def examine(
    economy: ree.Economy,
    parameters: ree.Parameters,
    technology: str,
    arrays: PolicyArrays,
    u: Unknowns,
    licence_price: jax.Array,
) -> float:
    """Largest gap of the equations in levels at the solution; quotas by their complementarity."""
    world, policy = as_world(economy, parameters), as_policy(arrays)
    levels = as_levels(world, u, np.asarray(licence_price))
    return judge(world, as_technology(economy, world, parameters, technology), policy, levels)


@dataclasses.dataclass
class Census:
    """Counts by kind, the worlds that failed in words, and the largest gap in levels of those called solved."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    failures: list[str] = dataclasses.field(default_factory=list)
    worst: float = 0.0


@jax.jit
def judged(
    b: Baseline, policy: PolicyArrays, arrays: ParameterArrays, u: Unknowns, stage: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Is the equilibrium determinate; the reason, should it be unsolved; and the licence price of each pool."""
    state = evaluate(b, policy, arrays, u)
    licences = state.pools.at_mine.price + state.pools.at_border.price
    return determinate(b, arrays, state.costs), reason(b, policy, arrays, u, stage), licences


def random_shape(rng: np.random.Generator) -> dict[str, int]:
    """2–12 countries, 1–20 goods, 1–5 elements, log-uniform; 1–3 mobile factors."""

    def between(low: int, high: int) -> int:
        return int(np.floor(np.exp(rng.uniform(np.log(low), np.log(high + 1)))))

    return {
        "countries": between(2, 12),
        "goods": between(1, 20),
        "elements": between(1, 5),
        "factors": between(1, 3),
        "carriers": int(rng.integers(3)),
    }


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
        sure, why, licences = judged(b, policy, arrays, u, root.stage)
        kind = "determinate" if sure else "indeterminate"
        found.counts[kind] += 1
        place = f"world {seed * 1_000_000 + index} {tuple(shape.values())}, {technology}, {kind}"
        if not within_tolerance(float(residual), TOLERANCE):
            found.counts[f"{kind} unsolved"] += 1
            found.counts[Reason(int(why)).meaning] += 1
            found.failures.append(f"{place}: {Reason(int(why)).meaning} ({float(root.stage):.0%} of the shock reached)")
            continue
        gap = examine(economy, parameters, technology, policy, u, licences)
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
