"""Draws added to a run, the heavy stages faked; and a fit killed at random moments, which is not."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.study.spec import Gates, Sampler
from tests.interface.faked_run import DRAWS, Run

CHAINS = 6


def test_draws_are_added_to_a_run_in_whole_chains(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    assert cli("run", "study.toml", "--out", "one").exit_code == 0
    done = cli("run", "study.toml", "--out", "one", "--more-draws", str(DRAWS + 1))
    assert done.exit_code == 0, done.output
    assert f"2 chains of {DRAWS} draws are added to the 2 of the run" in done.output
    (_, first, settings), (_, second, more) = [call for call in faked["calls"] if call[0] == "fit"]
    assert (first[1].chains, second[1].chains) == (2, 4)
    assert settings["continued"] is None
    xr.testing.assert_identical(
        more["continued"]["posterior"].to_dataset(), ree.load("one")["posterior"].to_dataset()
    )  # fit is faked: it gives the same again
    assert "counterfactual" in ree.load("one").children, "it is solved again"


REFUSED = {
    ("--out", "none"): "no run to add draws to",
    (): "no run to add draws to",
    ("--out", "one", "--seed", "2"): "it was made with the seed 1, not 2",
    ("--out", "one", "--overwrite"): "or it is replaced",
    ("--out", "one", "--quick"): "this would be a QUICK smoke run",
}


def test_what_no_draws_can_be_added_to_is_said_before_sampling(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    assert cli("run", "study.toml", "--out", "one").exit_code == 0
    before = (place / "one" / "posterior.nc").read_bytes()
    faked["calls"].clear()
    for options, said in REFUSED.items():
        done = cli("run", "study.toml", "--more-draws", "10", *options)
        assert done.exit_code == 1, options
        assert said in done.output, options
    assert "fit" not in [call[0] for call in faked["calls"]]
    assert (place / "one" / "posterior.nc").read_bytes() == before


def model():
    """A model that compiles fast."""
    import pymc as pm

    with pm.Model(coords={"place": range(20)}) as made:
        centre, spread = pm.Normal("centre"), pm.HalfNormal("spread")
        effect = pm.Normal("effect", centre, spread, dims="place")
        pm.Normal("y", effect, 1.0, observed=np.linspace(-1, 2, 20), dims="place")
    return made


def sampled(store: Path | None, result: Path) -> None:
    """What the killed process does; top level, so that a fresh process finds it."""
    settings = Sampler(draws=2000, tune=500, chains=CHAINS)
    post = ree.fit(model(), settings, 5, False, Gates(max_r_hat=9, min_ess=1, max_divergences=99999), store=store)
    hidden = result.with_name(f".{result.name}")
    post["posterior"].to_dataset().to_netcdf(hidden, engine="h5netcdf")
    hidden.rename(result)


def kept(store: Path) -> dict[str, int]:
    """The chains that are whole, each with the identity of its folder: one written again would have another."""
    places = store.iterdir() if store.is_dir() else []
    return {place.name: place.stat().st_ino for place in places if place.name.startswith("chain-")}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fit_killed_at_random_moments_ends_with_the_bits_of_the_uninterrupted(tmp_path: Path, seed: int) -> None:
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["reestim.estimate.fit"])
    rng, store = np.random.default_rng(seed), tmp_path / "chains"

    def start(folder: Path | None, name: str) -> multiprocessing.process.BaseProcess:
        process = fresh.Process(target=sampled, args=(folder, tmp_path / name))
        process.start()
        return process

    straight = start(None, "straight.nc")
    straight.join()
    assert straight.exitcode == 0
    done: dict[str, int] = {}
    for _ in range(3):
        process = start(store, "resumed.nc")
        while process.is_alive() and len(kept(store)) <= len(done):
            time.sleep(0.002)
        time.sleep(float(rng.uniform(0, 0.3)))
        process.kill()
        process.join()
        now = kept(store)
        assert done.items() <= now.items(), "what was done stays as it was"
        done = now
        if len(done) >= CHAINS - 1:
            break
    assert 1 <= len(done) <= CHAINS
    last = start(store, "resumed.nc")
    last.join()
    assert last.exitcode == 0
    assert done.items() <= kept(store).items()
    assert len(kept(store)) == CHAINS
    one, other = (xr.load_dataset(tmp_path / name) for name in ("straight.nc", "resumed.nc"))
    xr.testing.assert_equal(one, other)
