"""A counterfactual over a cluster of processes, one of which is killed, and over several devices: the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from distributed import Client, LocalCluster

import reestim as ree
from tests.interface.test_killed_sweep import world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected() -> xr.Dataset:
    economy, quota, post = world()
    out = ree.counterfactual(economy, quota, post, progress=False, chunk=2)
    return out["counterfactual"].to_dataset()


def test_a_killed_worker_loses_no_chunk(expected: xr.Dataset, tmp_path: Path) -> None:
    economy, quota, post = world()
    quiet: dict[str, Any] = {"dashboard_address": None}
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit="2GiB", **quiet) as cluster, Client(cluster) as c:
        first, *_ = c.run(os.getpid).values()
        store = tmp_path / "chunks"

        def kill_after_a_chunk() -> None:
            while not list(store.glob("*.zarr")):
                time.sleep(0.005)
            os.kill(first, signal.SIGKILL)

        killer = threading.Thread(target=kill_after_a_chunk)
        killer.start()
        out = ree.counterfactual(economy, quota, post, progress=False, chunk=2, executor=c, store=store)
        killer.join()
        assert first not in c.run(os.getpid).values(), "it was killed"
        used = c.run(lambda: __import__("psutil").Process().memory_info().rss)
        assert max(used.values()) < 2 * 2**30
    xr.testing.assert_identical(out["counterfactual"].to_dataset(), expected)


SEVERAL = """
import sys
import jax
import reestim as ree
from reestim.counterfactuals import executors
from tests.interface.test_killed_sweep import world

assert len(jax.devices()) == 3
used = set()
real = executors.solve_chunk
executors.solve_chunk = lambda chunk, *a: used.add(chunk.baseline.output.device) or real(chunk, *a)
economy, quota, post = world()
out = ree.counterfactual(economy, quota, post, progress=False, chunk=2, devices="all")
assert len(used) == 3, used
out["counterfactual"].to_dataset().to_netcdf(sys.argv[1], engine="h5netcdf")
"""


def test_chunks_are_dealt_over_devices(expected: xr.Dataset, tmp_path: Path, project: Path) -> None:
    env = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=3", "PYTHONPATH": str(project)}
    subprocess.run([sys.executable, "-c", SEVERAL, str(tmp_path / "out.nc")], check=True, env=env)
    found = xr.load_dataset(tmp_path / "out.nc", engine="h5netcdf")
    xr.testing.assert_allclose(found, expected, atol=1e-11)
    xr.testing.assert_identical(found, expected)
