"""The sweep and the samplers on whatever device JAX finds, to be run once for each: the same draws, the same posterior.

    python -m benchmarks.device                                # a GPU, where JAX has one
    JAX_PLATFORMS=cpu python -m benchmarks.device              # the processor of the same machine

* 1,000 draws of NAFTA on the economy of Caliendo and Parro (31 × 40), as in ``benchmarks.equilibrium``, and 2,000 draws
  of China's quota on the bundled economy, directed technology, by the number of draws solved at once;
* ``--wiod FOLDER``: 500 draws of the quota on the WIOD economy of 2008 (41 × 45);
* the default posterior by NumPyro's NUTS, all chains in one program, for each number of ``--chains``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import reestim as ree
from benchmarks.cp2015_numpy import ARCHIVE
from benchmarks.equilibrium import nafta_world, varied_elasticities
from benchmarks.sampling import measured, table
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.sweep import solve_draws
from reestim.estimate.inputs import model_inputs

MODELS = Path("models")


def nafta(draws: int) -> tuple[ree.Economy, PolicyArrays, ParameterArrays]:
    """The same draws as in ``benchmarks.equilibrium``."""
    economy, scenario = nafta_world()
    return economy, scenario.to_arrays(economy), varied_elasticities(economy, draws)


def quota(economy: ree.Economy, draws: int) -> tuple[ree.Economy, PolicyArrays, ParameterArrays]:
    """China's quota of 2010; σ uniform between 0.2 and 0.7, κ log-normal around 1.2."""
    rng = np.random.default_rng(0)
    uniform = xr.DataArray(rng.uniform(0.2, 0.7, draws), dims="d")
    kappa = xr.DataArray(1.2 * np.exp(0.3 * rng.normal(size=draws)), dims="d")
    scenario = ree.Scenario(policies=(ree.ExportQuota("CHN", "all", 0.531),))
    parameters = ree.Parameters(sigma=uniform, kappa=kappa, spillover=1.6)
    return economy, scenario.to_arrays(economy), parameters.to_batch(economy, "directed", "d")


def by_size(name: str, world: tuple[ree.Economy, PolicyArrays, ParameterArrays], draws: int, sizes: list[int]) -> None:
    """Time of the sweep by draws solved at once; the second of two sweeps, so that everything is compiled."""
    economy, policy, arrays = world
    n, s = len(economy.countries), len(economy.sectors)
    for size in sizes:
        solve_draws(economy.baseline, policy, arrays, 1e-10, ("welfare",), size)
        start = time.perf_counter()
        found = solve_draws(economy.baseline, policy, arrays, 1e-10, ("welfare",), size)
        taken = time.perf_counter() - start
        print(
            f"| {name}, {n} × {s} | {draws} | {size} | {taken:.2f} | {1e3 * taken / draws:.2f} | "
            f"{int(found.solved.sum())} | {np.median(found.steps):.0f} |",
            flush=True,
        )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wiod", type=Path, help="dataset folder of WIOD 2008, all regions")
    parser.add_argument("--sizes", type=int, nargs="*", default=[8, 64, 256, 1000], help="draws solved at once")
    parser.add_argument(
        "--chains", type=int, nargs="*", default=[4, 64], help="chains of the sampler; none: no sampling"
    )
    parser.add_argument("--draws", type=int, default=400, help="and as many tuning steps")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    device = jax.devices()[0]
    print(f"{device.platform} ({device.device_kind}), {jnp.zeros(1).dtype}, JAX {jax.__version__}\n")
    print("| sweep | draws | at once | seconds | ms a draw | solved | median steps |\n|---|---|---|---|---|---|---|")
    if ARCHIVE.is_file():
        by_size("NAFTA", nafta(1000), 1000, asked.sizes)
    data = ree.load_dataset("simulated-2010")
    by_size("China's quota", quota(ree.Economy.from_dataset(data), 2000), 2000, asked.sizes)
    if asked.wiod:
        real = ree.Economy.from_dataset(ree.load_dataset(asked.wiod))
        by_size("China's quota, WIOD", quota(real, 500), 500, [size for size in asked.sizes if size <= 500])
    spec = ree.read_spec(MODELS / "substitution.toml")
    model = ree.build(spec, model_inputs(spec, data)) if asked.chains else None
    rows = []
    for chains in asked.chains:
        length = {"draws": asked.draws, "tune": asked.draws, "chains": chains}
        sampler = spec.sampler.model_copy(update=length | {"name": "numpyro"})
        rows.append(measured(f"numpyro, {chains} chains", model, sampler, 1))
    if rows:
        print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
