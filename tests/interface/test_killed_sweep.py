"""A counterfactual killed (SIGKILL) at random moments and resumed: no draw lost, none done twice, the same bits."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from tests.oracles import random_economy

DRAWS, CHUNK = 8, 2  # of two chains
PARTS = 2 * DRAWS // CHUNK * 2  # two technologies


def world() -> tuple[ree.Economy, ree.Scenario, xr.DataTree]:
    """A small economy, a quota, and a made-up posterior."""
    economy = random_economy(33, countries=3, goods=2, elements=1, ree_share=(1e-3, 0.1))
    rng = np.random.default_rng(0)
    share = economy.ds.ree_share.max("country")
    users = [s for s in economy.sectors if float(share.sel(sector=s)) > 0]
    posterior = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), rng.uniform(0.2, 0.9, (2, DRAWS, len(users)))),
            "kappa": (("chain", "draw"), rng.uniform(0.5, 1.5, (2, DRAWS))),
        },
        coords={"sector": users},
    )
    quota = ree.Scenario("quota", policies=(ree.ExportQuota("c0", "all", 0.5),))
    return economy, quota, xr.DataTree.from_dict({"posterior": posterior})


def sweep(store: Path | None, result: Path, cache: Path) -> None:
    """What the killed process does; top level, so that a fresh process finds it."""
    import jax

    jax.config.update("jax_compilation_cache_dir", str(cache))  # a start must not spend its time compiling again
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    economy, quota, post = world()
    out = ree.counterfactual(economy, quota, post, progress=False, store=store, chunk=CHUNK)
    hidden = result.with_name(f".{result.name}")
    out["counterfactual"].to_dataset().to_netcdf(hidden, engine="h5netcdf")
    hidden.rename(result)


def whole(store: Path) -> dict[str, tuple[int, int]]:
    """The finished chunks, each with the identity of its folder: a chunk written again would have another."""
    found = [(path, path.stat()) for path in store.glob("*.zarr")] if store.is_dir() else []
    return {path.name: (about.st_ino, about.st_mtime_ns) for path, about in found if not path.name.startswith(".")}


def kill_at_some_moment(started: multiprocessing.process.BaseProcess, store: Path, rng: np.random.Generator) -> None:
    """After one to three further chunks: at once while the next is written, or somewhere in the next."""
    until = len(whole(store)) + int(rng.integers(1, 4))
    while started.is_alive() and len(whole(store)) < until:
        time.sleep(0.002)
    if rng.random() < 0.5:
        left = set(store.glob(".*"))
        while started.is_alive() and set(store.glob(".*")) <= left:
            time.sleep(0.0005)
    else:
        time.sleep(float(rng.uniform(0, 0.1)))
    started.kill()
    started.join()


@pytest.mark.slow
@pytest.mark.parametrize("times", [2, 8])
def test_killed_at_random_moments_it_ends_with_the_bits_of_the_uninterrupted(tmp_path: Path, times: int) -> None:
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["reestim.counterfactuals.counterfactual", "tests.oracles"])
    rng = np.random.default_rng(times)
    store, cache = tmp_path / "chunks", tmp_path / "compiled"
    uninterrupted, resumed = tmp_path / "uninterrupted.nc", tmp_path / "resumed.nc"

    def start(folder: Path | None, result: Path) -> multiprocessing.process.BaseProcess:
        process = fresh.Process(target=sweep, args=(folder, result, cache))
        process.start()
        return process

    straight = start(None, uninterrupted)
    straight.join()
    assert straight.exitcode == 0
    done: dict[str, tuple[int, int]] = {}
    kills = 0
    for _ in range(times):
        process = start(store, resumed)
        kill_at_some_moment(process, store, rng)
        kills += process.exitcode == -9
        now = whole(store)
        assert done.items() <= now.items(), "what was finished stays as it was"
        done = now
    assert kills == times or len(done) == PARTS, "killed, not ended by itself"
    assert kills >= 2
    last = start(store, resumed)
    last.join()
    assert last.exitcode == 0
    end = whole(store)
    assert done.items() <= end.items(), "no draw was done twice"
    assert len(end) == PARTS, "no draw was lost"
    one, other = xr.load_dataset(uninterrupted), xr.load_dataset(resumed)
    assert bool(one.solved.all())
    xr.testing.assert_identical(one, other)
