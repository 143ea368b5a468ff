"""Memory of a sweep against the number of draws: bundled economy, China's quota of 2010, results kept in a folder.

    python -m benchmarks.memory                     # 2,000 and 100,000 draws
    python -m benchmarks.memory --draws 2000 8000

Each number of draws runs in a process of its own, whose largest resident memory is reported by the kernel. Draws are
made up: σ, κ, ξ, χ vary, everything else is the economy's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import reestim as ree

DATASET, SCENARIO = "simulated-2010", Path("models/scenarios/china-quota-2010.toml")


def posterior(economy: ree.Economy, draws: int) -> xr.DataTree:
    """Four chains of made-up draws inside the interior."""
    rng = np.random.default_rng(0)
    share = economy.ds.ree_share.max("country")
    users = [s for s in economy.sectors if float(share.sel(sector=s)) > 0]
    shape = (4, draws // 4)
    ds = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), rng.uniform(0.2, 1.2, (*shape, len(users)))),
            "kappa": (("chain", "draw"), rng.uniform(0.5, 2.0, shape)),
            "spillover": (("chain", "draw"), rng.uniform(0.0, 1.0, shape)),
            "spillover_gap": (("chain", "draw"), rng.uniform(0.0, 1.0, shape)),
        },
        coords={"sector": users},
    )
    return xr.DataTree.from_dict({"posterior": ds})


def sweep(draws: int, found: multiprocessing.SimpleQueue[Any]) -> None:
    """One sweep with its seconds, draws solved, and largest memory in GiB."""
    economy = ree.Economy.from_dataset(ree.load_dataset(DATASET))
    scenario = ree.read_scenario(SCENARIO)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        post = ree.counterfactual(economy, scenario, posterior(economy, draws), store=folder)
        seconds = time.perf_counter() - start
        cf = post["counterfactual"].to_dataset()
        welfare = cf.welfare.sel(technology="directed", country="JPN").quantile([0.05, 0.5, 0.95]).values
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        found.put((seconds, int(cf.solved.sum()), cf.solved.size, peak, welfare.tolist()))


def main() -> None:
    """Print a line for each number of draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, nargs="+", default=[2_000, 100_000])
    for draws in parser.parse_args().draws:
        context = multiprocessing.get_context("spawn")
        found = context.SimpleQueue()
        process = context.Process(target=sweep, args=(draws, found))
        process.start()
        seconds, solved, tried, peak, _ = found.get()
        process.join()
        print(f"{draws} draws × fixed, directed: {solved} of {tried} solved, {seconds:.0f} s, at most {peak:.2f} GiB")


if __name__ == "__main__":
    main()
