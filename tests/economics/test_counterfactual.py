"""Posterior draws through the solver: the sweep is the solver, draw by draw, and hides nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from distributed import Client, LocalCluster
from jax.flatten_util import ravel_pytree

import reestim as ree
from reestim.counterfactuals import executors
from reestim.equilibrium.diagnosis import Reason
from reestim.equilibrium.equations import residual
from reestim.equilibrium.implicit import baseline_unknowns
from reestim.equilibrium.separable import prepare, separable_residual
from reestim.errors import EquilibriumError, InputError, ParameterError, UnsolvedDrawsError
from tests.oracles import random_economy, random_parameters, random_scenario


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(31, goods=4, ree_share=(1e-3, 0.1))


def posterior(economy: ree.Economy, draws: int = 6, seed: int = 0) -> xr.DataTree:
    """A made-up posterior over the sectors that use rare earths, trade elasticities uncertain too."""
    rng = np.random.default_rng(seed)
    share = economy.ds.ree_share.max("country")
    users = [s for s in economy.sectors if float(share.sel(sector=s)) > 0]
    kappa = rng.lognormal(0.0, 0.4, (2, draws))
    logit = rng.normal(-0.5, 0.7, (2, draws, len(users)))
    epsilon = economy.ds.trade_elasticity.values * np.exp(0.2 * rng.normal(size=(2, draws, len(economy.sectors))))
    ds = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), (1 + 1 / (1.5 * kappa[..., None])) / (1 + np.exp(-logit))),
            "kappa": (("chain", "draw"), kappa),
            "trade_elasticity": (("chain", "draw", "traded_sector"), epsilon),
        },
        coords={"chain": [0, 1], "draw": np.arange(draws), "sector": users, "traded_sector": list(economy.sectors)},
    )
    return xr.DataTree.from_dict({"posterior": ds})


@pytest.fixture(scope="module")
def scenarios(economy: ree.Economy) -> list[ree.Scenario]:
    quota = ree.Scenario(name="quota", policies=(ree.ExportQuota("c0", "all", 0.5),))
    return [quota, random_scenario(31, economy, size=0.2)]


@pytest.fixture(scope="module")
def result(economy: ree.Economy, scenarios: list[ree.Scenario]) -> xr.DataTree:
    defaults = ree.Parameters(spillover=0.5, spillover_gap=0.2)
    return ree.counterfactual(economy, scenarios, posterior(economy), defaults=defaults, progress=False)


def test_every_draw_is_the_single_solve(
    economy: ree.Economy, scenarios: list[ree.Scenario], result: xr.DataTree
) -> None:
    cf, draws = result["counterfactual"].to_dataset(), posterior(economy)["posterior"].to_dataset()
    assert bool(cf.solved.all())
    for scenario in scenarios:
        for technology in ("fixed", "directed"):
            for chain, draw in ((0, 0), (1, 5)):
                d = draws.sel(chain=chain, draw=draw)
                p = ree.Parameters(
                    sigma=d.sigma,
                    kappa=float(d.kappa),
                    spillover=0.5,
                    spillover_gap=0.2,
                    trade_elasticity=d.trade_elasticity,
                )
                one = ree.solve(economy, scenario, p, technology=technology, tolerance=1e-12)
                many = cf.sel(scenario=scenario.name, technology=technology, chain=chain, draw=draw)
                for name in ("welfare", "exports", "output", "ree_technology", "ree_share", "quota_rent"):
                    np.testing.assert_allclose(many[name], one[name], atol=1e-9, err_msg=name)


def test_results_are_labelled_and_documented(economy: ree.Economy, result: xr.DataTree) -> None:
    cf = result["counterfactual"].to_dataset()
    assert cf.welfare.dims == ("scenario", "technology", "chain", "draw", "country")
    assert list(cf.country.values) == list(economy.countries)
    assert all("long_name" in cf[name].attrs for name in cf.data_vars)
    np.testing.assert_allclose(cf.ree_technology.sel(technology="fixed").fillna(0), 0.0)
    again = ree.Economy(result["economy"].to_dataset())
    np.testing.assert_array_equal(again.baseline.output, economy.baseline.output)


def test_thinning_keeps_the_chains_and_the_labels(
    economy: ree.Economy, scenarios: list[ree.Scenario], result: xr.DataTree
) -> None:
    defaults = ree.Parameters(spillover=0.5, spillover_gap=0.2)
    few = ree.counterfactual(economy, scenarios[0], posterior(economy), draws=4, defaults=defaults, progress=False)
    cf = few["counterfactual"].to_dataset()
    assert dict(cf.sizes)["chain"] == 2
    assert list(cf.draw.values) == [0, 5]
    whole = result["counterfactual"].to_dataset().sel(scenario=["quota"], draw=[0, 5])
    np.testing.assert_allclose(cf.welfare, whole.welfare, atol=1e-10)


def test_a_draw_outside_the_interior_is_counted_not_used(economy: ree.Economy, scenarios: list[ree.Scenario]) -> None:
    post = posterior(economy)
    post["posterior"]["sigma"][0, 0, 0] = 50.0
    with pytest.raises(UnsolvedDrawsError, match="outside the interior"):
        ree.counterfactual(economy, scenarios[0], post, progress=False)
    out = ree.counterfactual(economy, scenarios[0], post, progress=False, allow_unsolved=True)["counterfactual"]
    directed = out.to_dataset().sel(scenario="quota", technology="directed")
    assert int((~directed.solved).sum()) == 1
    assert int(directed.reason[0, 0]) == 1
    assert bool(directed.welfare[0, 0].isnull().all())
    assert bool(directed.welfare[0, 1:].notnull().all())


def test_an_income_that_subsidies_exhaust_is_the_reason(economy: ree.Economy) -> None:
    """A subsidy that costs more than a country earns has no equilibrium: said of one solution and of every draw."""
    scenario = ree.Scenario(name="gift", policies=(ree.Subsidy(0.9, "c1", ("g1", "g2", "g3")),))
    with pytest.raises(EquilibriumError, match=r"take \d+% of what c1 receives"):
        ree.solve(economy, scenario, ree.Parameters(), technology="fixed")
    out = ree.counterfactual(
        economy, scenario, posterior(economy, draws=1), technology="fixed", progress=False, allow_unsolved=True
    )
    reason = out["counterfactual"].reason
    assert (reason == Reason.EXHAUSTED).all()
    assert "exhaust" in reason.attrs["flag_meanings"].split("; ")[int(reason.values.flat[0])]


def test_bad_requests_are_refused_before_solving(economy: ree.Economy, scenarios: list[ree.Scenario]) -> None:
    post = posterior(economy)
    with pytest.raises(InputError, match="given twice"):
        ree.counterfactual(economy, [scenarios[0], scenarios[0]], post)
    with pytest.raises(InputError, match="no group 'posterior'"):
        ree.counterfactual(economy, scenarios, xr.DataTree())
    unknown = xr.DataTree.from_dict({"posterior": post["posterior"].to_dataset().assign_coords(sector=["x", "y", "z"])})
    with pytest.raises(ParameterError, match="unknown sector"):
        ree.counterfactual(economy, scenarios, unknown)
    missing = xr.DataTree.from_dict({"posterior": post["posterior"].to_dataset().isel(sector=[0])})
    with pytest.raises(ParameterError, match="no value for"):
        ree.counterfactual(economy, scenarios, missing)


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


@pytest.mark.parametrize("seed", range(3))
def test_the_sweep_solves_the_same_equations(seed: int) -> None:
    """The residual that a sweep prepares per draw equals the solver's, away from the solution too."""
    economy = random_economy(32 + seed)
    policy = random_scenario(32 + seed, economy, quota=0.5).to_arrays(economy)
    arrays = random_parameters(32 + seed, economy).to_arrays(economy)
    zero, unravel = ravel_pytree(baseline_unknowns(economy.baseline, policy))
    u = unravel(jnp.asarray(np.random.default_rng(seed).normal(size=zero.size) * 0.3))
    u = u._replace(pool=jnp.abs(u.pool))
    weights = prepare(economy.baseline, policy, arrays.trade_elasticity)
    expected = residual(economy.baseline, policy, arrays, u)
    found, _ = separable_residual(economy.baseline, policy, arrays, weights, u)
    for a, b in zip(found, expected, strict=True):
        assert float(jnp.abs(b).max()) > 0.01
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_welfare_before_the_data_marks_draws_outside_the_interior(
    economy: ree.Economy, scenarios: list[ree.Scenario], result: xr.DataTree
) -> None:
    prior = posterior(economy)["posterior"].to_dataset()
    prior["sigma"] = prior["sigma"].where((prior["chain"] == 0) | (prior["draw"] != 2), 1.1 + 1 / prior["kappa"])
    tree = xr.DataTree.from_dict({"posterior": prior.isel(draw=[0]), "prior": prior})
    defaults = ree.Parameters(spillover=0.5, spillover_gap=0.2)
    found = ree.counterfactual(
        economy, scenarios[0], tree, "directed", defaults=defaults, group="prior", allow_unsolved=True, progress=False
    )
    assert "counterfactual" not in found.children
    before = found["prior_counterfactual"].to_dataset().squeeze(["scenario", "technology"])
    outside = xr.zeros_like(before["reason"]).copy()
    outside.loc[{"chain": 1, "draw": 2}] = 1
    np.testing.assert_array_equal(before["reason"], outside)
    assert "12 of 12 prior draws" in before.attrs["draws"]
    same = result["counterfactual"].to_dataset().sel(scenario="quota", technology="directed")["welfare"]
    np.testing.assert_allclose(before["welfare"].where(outside == 0, 0), same.where(outside == 0, 0), atol=1e-9)


def narrow(economy: ree.Economy) -> xr.DataTree:
    """A posterior within about one per cent of its mean; κ moves against the first σ."""
    post = posterior(economy, seed=2)
    ds = post["posterior"].to_dataset()
    ds = np.exp(np.log(ds).mean(("chain", "draw")) + 0.01 * np.log(ds / ds.mean(("chain", "draw"))))
    ds["kappa"] = 1.1 * (0.5 / ds["sigma"].isel(sector=0, drop=True)) ** 0.5
    post["posterior"] = xr.DataTree(ds.transpose("chain", "draw", ...))
    return post


@pytest.fixture(scope="module")
def split(economy: ree.Economy, scenarios: list[ree.Scenario]) -> tuple[xr.DataTree, xr.Dataset]:
    defaults = ree.Parameters(spillover=0.5, spillover_gap=0.2)
    post = ree.counterfactual(economy, scenarios, narrow(economy), defaults=defaults, progress=False)
    return post, ree.welfare_variance(economy, scenarios, post, defaults)


def test_shares_of_variance_are_gradients_times_covariance(split: tuple[xr.DataTree, xr.Dataset]) -> None:
    post, found = split
    assert set(found["parameter"].values) == {"sigma", "kappa", "trade_elasticity"}, "what does not vary has no share"
    np.testing.assert_allclose(found["share"].sum("parameter"), 1.0, rtol=1e-9)
    np.testing.assert_allclose(found["component_share"].sum("component"), 1.0, rtol=1e-9)
    draws = post["posterior"].to_dataset().stack(point=["chain", "draw"])
    columns = {"kappa": draws["kappa"]}
    columns |= {f"sigma[{s}]": draws["sigma"].sel(sector=s) for s in draws["sector"].values.tolist()}
    columns |= {
        f"trade_elasticity[{s}]": draws["trade_elasticity"].sel(traded_sector=s)
        for s in draws["traded_sector"].values.tolist()
    }
    covariance = np.cov(np.log(np.stack(list(columns.values()))), bias=True)
    one = found.sel(scenario="quota", technology="directed", country="c1", component=list(columns))
    slope = one["slope"].to_numpy()
    variance = slope @ covariance @ slope
    np.testing.assert_allclose(one["component_share"], slope * (covariance @ slope) / variance, atol=1e-9)
    assert float(one["first_order_sd"]) == pytest.approx(np.sqrt(variance))


def test_a_linear_prediction_explains_small_spreads_and_fixed_technology_needs_no_kappa(
    split: tuple[xr.DataTree, xr.Dataset],
) -> None:
    _, found = split
    assert float(found["explained"].min()) > 0.99
    np.testing.assert_allclose(found["first_order_sd"], found["sd"], rtol=0.1)
    fixed = found["share"].sel(technology="fixed", parameter="kappa")
    np.testing.assert_allclose(fixed, 0.0, atol=1e-6)
    assert float(abs(found["share"].sel(technology="directed", parameter="kappa")).max()) > 0.01


@pytest.mark.slow
def test_slopes_of_welfare_are_those_of_implicit_differentiation(
    economy: ree.Economy, scenarios: list[ree.Scenario], split: tuple[xr.DataTree, xr.Dataset]
) -> None:
    post, found = split
    mean = np.exp(np.log(post["posterior"].to_dataset()).mean(("chain", "draw")))
    at = ree.Parameters(
        sigma=mean["sigma"],
        kappa=float(mean["kappa"]),
        trade_elasticity=mean["trade_elasticity"],
        spillover=0.5,
        spillover_gap=0.2,
    )
    exact = ree.sensitivity(economy, scenarios[0], at)
    slopes = found["slope"].sel(scenario="quota", technology="directed")
    size = 1e-6 * float(abs(exact["trade_elasticity"]).max())
    np.testing.assert_allclose(slopes.sel(component="kappa"), exact["kappa"], rtol=1e-4, atol=size)
    for sector in mean["sector"].values.tolist():
        by = slopes.sel(component=f"sigma[{sector}]")
        np.testing.assert_allclose(by, exact["sigma"].sel(sector=sector), rtol=1e-4, atol=size)
    for sector in economy.sectors:
        by = slopes.sel(component=f"trade_elasticity[{sector}]")
        np.testing.assert_allclose(by, exact["trade_elasticity"].sel(sector=sector), rtol=1e-4, atol=size)


def test_a_variance_needs_its_counterfactual(economy: ree.Economy, split: tuple[xr.DataTree, xr.Dataset]) -> None:
    with pytest.raises(InputError, match="lacks this scenario"):
        ree.welfare_variance(economy, ree.Scenario("other"), split[0])
    with pytest.raises(InputError, match="no counterfactual"):
        ree.welfare_variance(economy, ree.Scenario("other"), posterior(economy))
