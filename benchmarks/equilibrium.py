"""The equilibrium solver against what one would use instead, all in one run on one machine, as ratios.

    python -m benchmarks.equilibrium                  # needs ../shared/data (cp2015.npz)
    python -m benchmarks.equilibrium --wiod FOLDER    # and a dataset built from WIOD 2008 with --all-regions

* NAFTA on the economy of Caliendo and Parro (31 × 40, residual of all equations 1e-10): one warm solve, one gradient,
  and 1,000 draws with trade elasticities varied by 10 % (log-normal), against the plain NumPy implementation in
  ``benchmarks/cp2015_numpy.py`` at its fastest damping (0.5) and at that of the published scripts (0.2), and against
  a serial loop of single solves over the draws;
* the WIOD economy of 2008 with ten elements under China's quota and under a 200 % export tax;
* the cost of a draw as the economy grows, beside the growth of its arithmetic N²S + N·S².
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import reestim as ree
from benchmarks.cp2015_numpy import ARCHIVE, balanced_baseline, read_world, solve_numpy
from reestim.counterfactuals.plan import chunk_size
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.solve import solve_arrays
from reestim.equilibrium.sweep import solve_draws
from replications.nafta import tariffs
from replications.nafta import world as world_of_1993
from tests.oracles import random_economy

DRAWS = 1000


def best(run: Callable[[], Any], repetitions: int) -> tuple[float, float]:
    """Seconds, best and median, after one call that compiles."""
    run()
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds), float(np.median(seconds))


def nafta_world() -> tuple[ree.Economy, ree.Scenario]:
    """The balanced economy of 1993 and NAFTA's tariff reductions."""
    raw = world_of_1993(ARCHIVE.parent)
    economy = ree.Economy(raw, allow_imbalance=True).rebased("balanced")
    return economy, ree.Scenario(tariff=tariffs(ARCHIVE.parent, raw))


def varied_elasticities(economy: ree.Economy, draws: int) -> ParameterArrays:
    """Trade elasticities varied by 10 %, log-normal."""
    rng = np.random.default_rng(0)
    varied = economy.ds.trade_elasticity.values * np.exp(0.1 * rng.normal(size=(draws, len(economy.sectors))))
    elasticity = xr.DataArray(varied, dims=("d", "sector"), coords={"sector": list(economy.sectors)})
    return ree.Parameters(trade_elasticity=elasticity).to_batch(economy, "directed", "d")


def nafta() -> None:
    """One solve, one gradient, a sweep."""
    world, tariff = read_world()
    baseline, before = balanced_baseline(world)
    plain = {
        damping: best(lambda d=damping: solve_numpy(baseline, tariff, damping=d, baseline_income=before.income), 3)[0]
        for damping in (0.5, 0.2)
    }
    economy, scenario = nafta_world()
    policy, arrays, b = scenario.to_arrays(economy), ree.Parameters().to_arrays(economy), economy.baseline
    one, median = best(lambda: jax.block_until_ready(solve_arrays(b, policy, arrays)), 20)
    _, root, worst = solve_arrays(b, policy, arrays)
    print(
        f"NAFTA, 31 × 40: {1e3 * one:.1f} ms best, {1e3 * median:.1f} ms median, {int(root.steps)} steps, "
        f"largest residual {float(worst):.1e}"
    )
    for damping, seconds in plain.items():
        print(f"  plain NumPy, damping {damping}: {seconds:.2f} s; ratio {seconds / one:.0f}")
    function, inputs = ree.equilibrium_function(economy, scenario, ree.Parameters())
    gradient = jax.jit(jax.grad(lambda x: function(x).welfare[0], allow_int=True))
    slope, _ = best(lambda: jax.block_until_ready(gradient(inputs)), 10)
    print(f"  gradient of welfare in all parameters and policies: {1e3 * slope:.1f} ms, {slope / one:.1f} solves")

    draws = varied_elasticities(economy, DRAWS)
    size = chunk_size(economy, DRAWS)
    solve_draws(b, policy, jax.tree.map(lambda leaf: leaf[: 2 * size], draws), 1e-10, ("welfare",), size)
    start = time.perf_counter()
    found = solve_draws(b, policy, draws, 1e-10, ("welfare",), size)
    taken = time.perf_counter() - start
    print(
        f"  {DRAWS} draws: {taken:.1f} s, {1e3 * taken / DRAWS:.1f} ms a draw, {int(found.solved.sum())} solved, "
        f"median {np.median(found.steps):.0f} steps, at most {found.steps.max()}"
    )
    for damping, seconds in plain.items():
        print(f"    in units of one NumPy solve at damping {damping}: {taken / seconds:.1f}")
    print(f"    against a serial loop of single solves: {one * DRAWS / taken:.1f} times faster")


def wiod(folder: Path) -> None:
    """The real economy of 2008."""
    economy = ree.Economy.from_dataset(ree.load_dataset(folder))
    arrays = ree.Parameters(sigma=0.5, kappa=1.2, spillover=1.6).to_arrays(economy)
    for name, policies in {
        "China's quota of 2010": (ree.ExportQuota("CHN", "all", 0.531),),
        "a 200 % Chinese export tax on rare earths": (ree.ExportTax(2.0, exporter="CHN", sectors=economy.elements),),
    }.items():
        policy = ree.Scenario(policies=policies).to_arrays(economy)
        one, median = best(lambda p=policy: jax.block_until_ready(solve_arrays(economy.baseline, p, arrays)), 20)
        _, root, worst = solve_arrays(economy.baseline, policy, arrays)
        print(
            f"WIOD 2008, {len(economy.countries)} × {len(economy.sectors)}, {name}: {1e3 * one:.0f} ms best, "
            f"{1e3 * median:.0f} ms median, {int(root.steps)} steps, residual {float(worst):.1e}"
        )


def curve() -> None:
    """Cost of one solve as the economy grows: a tariff of 10 % of the first country."""
    print("countries × sectors: ms a step and ms a solve, and N²S + N·S² against the smallest")
    first = None
    for n, s in ((10, 20), (20, 30), (40, 40), (60, 50), (80, 60)):
        economy = random_economy(1, countries=n, goods=s - 2, elements=2, zero_flows=False, elasticity=(3.0, 6.0))
        policy = ree.Scenario(policies=(ree.Tariff(0.1, "c0"),)).to_arrays(economy)
        arrays = ree.Parameters().to_arrays(economy)
        one, _ = best(lambda e=economy, p=policy, a=arrays: jax.block_until_ready(solve_arrays(e.baseline, p, a)), 5)
        _, root, worst = solve_arrays(economy.baseline, policy, arrays)
        work = n * n * s + n * s * s
        first = first or (one, work)
        steps = int(root.steps)
        print(
            f"  {n} × {s}: {1e3 * one / steps:.2f} ms, {1e3 * one:.1f} ms ({steps} steps, residual "
            f"{float(worst):.0e}); time × {one / first[0]:.1f}, arithmetic × {work / first[1]:.1f}"
        )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wiod", type=Path, help="dataset folder of WIOD 2008, all regions")
    asked = parser.parse_args()
    if not ARCHIVE.is_file():
        raise SystemExit("the archive of Caliendo and Parro is not here (../shared/data/cp2015.npz): nothing measured")
    print(f"{jax.devices()[0].platform}, float64: {jnp.zeros(1).dtype}")
    nafta()
    if asked.wiod:
        wiod(asked.wiod)
    curve()


if __name__ == "__main__":
    main()
