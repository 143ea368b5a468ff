"""Transitions of posterior draws, their chunks on disk, and where they are solved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from distributed import Client, LocalCluster

import reestim as ree
from reestim.counterfactuals import executors
from reestim.errors import InputError
from tests.economics.posteriors import posterior
from tests.oracles import random_economy


@pytest.fixture(scope="module")
def small() -> ree.Economy:
    return random_economy(33, countries=3, goods=2, elements=1, ree_share=(1e-3, 0.1))


@pytest.fixture(scope="module")
def dated() -> list[ree.Scenario]:
    held = ree.ExportQuota("c0", "all", 0.5, years=(2010, 2011))
    return [
        ree.Scenario(name="quota", year=2010, policies=(held,)),
        ree.Scenario(name="scrap", year=2010, policies=(held, ree.Recycling(0.2, years=(2011,)))),
    ]


def path_sweep(small: ree.Economy, dated: list[ree.Scenario], **more: object) -> xr.DataTree:
    return ree.counterfactual(
        small,
        dated,
        posterior(small, draws=3),
        technology=("directed", "transition"),
        years=range(2010, 2013),
        defaults=ree.Parameters(spillover=0.5, adjustment_rate=0.4),
        progress=False,
        **more,
    )


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep") / "chunks"


@pytest.fixture(scope="module")
def paths(small: ree.Economy, dated: list[ree.Scenario], chunks: Path) -> xr.DataTree:
    return path_sweep(small, dated, store=chunks, chunk=4)


@pytest.mark.slow  # 47 s to compile; test_quota_pools.py has sweeps of transitions against single ones
def test_every_path_is_the_single_transition(small: ree.Economy, dated: list[ree.Scenario], paths: xr.DataTree) -> None:
    cf, draws = paths["counterfactual"].to_dataset(), posterior(small, draws=3)["posterior"].to_dataset()
    assert cf.welfare_path.dims == ("scenario", "chain", "draw", "year", "country")
    assert bool(cf.solved_path.all())
    assert float(cf.residual_path.max()) < 1.5e-12
    d = draws.sel(chain=1, draw=2)
    p = ree.Parameters(
        sigma=d.sigma, kappa=float(d.kappa), spillover=0.5, trade_elasticity=d.trade_elasticity, adjustment_rate=0.4
    )
    one = ree.solve(small, dated[1], p, technology="transition", tolerance=1e-12, years=range(2010, 2013))
    many = cf.sel(scenario="scrap", chain=1, draw=2)
    for name in ("welfare", "exports", "ree_technology", "quota_rent"):
        np.testing.assert_allclose(many[f"{name}_path"], one[name], atol=1e-9, err_msg=name)


def test_a_difference_of_scenarios_is_draw_by_draw(paths: xr.DataTree) -> None:
    gain = ree.scenario_difference(paths, "scrap", "quota")
    cf = paths["counterfactual"].to_dataset()
    expected = cf.welfare_path.sel(scenario="scrap") - cf.welfare_path.sel(scenario="quota")
    np.testing.assert_array_equal(gain.welfare_path, expected)
    np.testing.assert_allclose(gain.welfare_path.sel(year=2010), 0, atol=1e-10)  # scrap comes in 2011
    assert float(np.abs(gain.welfare_path.sel(year=2011)).max()) > 1e-6
    assert "solved" not in gain
    with pytest.raises(InputError, match="no such scenario"):
        ree.scenario_difference(paths, "scrap", "nothing")


def test_chunks_that_are_there_are_not_solved_again(
    small: ree.Economy, dated: list[ree.Scenario], paths: xr.DataTree, chunks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = sorted(chunks.glob("*.zarr"))
    assert len(there) == 3 * 2  # of 4 and 2 draws; in 2010 the two scenarios are the same and share theirs
    solved = []
    for name in ("solve_draws", "solve_draw_paths"):
        real = getattr(executors, name)
        monkeypatch.setattr(executors, name, lambda *a, real=real: solved.append(1) or real(*a))
    expected = paths["counterfactual"].to_dataset().load()
    block = next(p for p in sorted(chunks.glob("results/*/welfare/c/**/*")) if p.is_file())
    block.unlink()  # zarr would read empty cells there
    for lost in ((), (chunks / "results",), (chunks / "results", there[3])):
        for folder in lost:
            shutil.rmtree(folder)
        again = path_sweep(small, dated, store=chunks, chunk=4)["counterfactual"].to_dataset()
        assert len(solved) == max(len(lost) - 1, 0)
        assert not any(isinstance(v.variable._data, np.ndarray) for v in again.data_vars.values()), "read when used"
        xr.testing.assert_identical(again, expected)


def test_a_cluster_gives_the_same_bits(
    small: ree.Economy, dated: list[ree.Scenario], paths: xr.DataTree, tmp_path: Path
) -> None:
    expected = paths["counterfactual"].to_dataset()
    quiet: dict[str, Any] = {"dashboard_address": None}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, **quiet) as cluster,
        Client(cluster) as client,
    ):
        again = path_sweep(small, dated, executor=client, chunk=4, store=tmp_path)
        assert not client.futures, "nothing is left on the cluster"
    xr.testing.assert_identical(again["counterfactual"].to_dataset(), expected)
    assert len(list(tmp_path.glob("*.zarr"))) == 3 * 2, "what two scenarios share is solved once"


def test_executors_that_cannot_be_are_refused_in_words(small: ree.Economy, dated: list[ree.Scenario]) -> None:
    for wrong, words in (
        ({"executor": "tcp://127.0.0.1:9", "devices": "all"}, "one way only"),
        ({"devices": "gpu"}, "unknown devices"),
        ({"devices": []}, "no device"),
        ({"executor": "nowhere at all"}, "no Dask scheduler"),
    ):
        with pytest.raises(InputError, match=words):
            path_sweep(small, dated, **wrong)


def test_a_transition_needs_its_years_and_its_long_run(small: ree.Economy, dated: list[ree.Scenario]) -> None:
    post = posterior(small)
    with pytest.raises(InputError, match="needs its years"):
        ree.counterfactual(small, dated, post, technology=("fixed", "transition"))
    with pytest.raises(InputError, match="static technology"):
        ree.counterfactual(small, dated, post, technology="transition", years=[2010])
    with pytest.raises(InputError, match="for a transition"):
        ree.counterfactual(small, dated, post, years=[2010])
