"""A saved run is all that its counterfactual needs: another process computes the same numbers from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from tests.oracles import random_economy

SCENARIO = """
name = "quota"
[[export_quota]]
exporter = "c0"
quota_tonnes = 70
baseline_tonnes = 100
[[tariff]]
importer = "c1"
exporter = "c0"
sectors = ["g0", "g1"]
rate = 0.2
"""

AGAIN = """
import sys
import numpy as np
import reestim as ree

run, scenario = sys.argv[1:]
post = ree.load(run)
economy = ree.Economy(post["economy"].to_dataset())
again = ree.counterfactual(economy, ree.read_scenario(scenario), post, progress=False)
before, after = (tree["counterfactual"].to_dataset() for tree in (post, again))
assert bool(after["solved"].all())
worst = max(float(np.nanmax(np.abs(after[name] - before[name]))) for name in ("welfare", "exports", "ree_technology"))
print(worst)
"""


@pytest.mark.slow  # half a minute
def test_the_counterfactual_of_a_saved_run_reproduces_in_a_new_process(tmp_path: Path) -> None:
    economy = random_economy(11, countries=3, goods=2, elements=2)
    rng = np.random.default_rng(1)
    users = [s for s in economy.sectors if s not in economy.elements][1:]
    posterior = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), rng.uniform(0.2, 0.9, (2, 3, len(users)))),
            "kappa": (("chain", "draw"), rng.uniform(0.5, 1.5, (2, 3))),
        },
        coords={"sector": users, "chain": range(2), "draw": range(3)},
    )
    (tmp_path / "quota.toml").write_text(SCENARIO)
    post = xr.DataTree.from_dict({"posterior": posterior})
    scenario = ree.read_scenario(tmp_path / "quota.toml")
    post = ree.counterfactual(economy, scenario, post, progress=False)
    welfare = post["counterfactual"].to_dataset()["welfare"]
    assert float(np.abs(welfare).max()) > 1e-6
    run = ree.save(post, tmp_path / "run")
    command = [sys.executable, "-c", AGAIN, str(run), str(tmp_path / "quota.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-12
