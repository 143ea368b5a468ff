"""Posterior draws through the solver: the sweep is the solver, draw by draw, and hides nothing."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax.flatten_util import ravel_pytree

import reestim as ree
from reestim.equilibrium.diagnosis import Reason
from reestim.equilibrium.equations import residual
from reestim.equilibrium.implicit import baseline_unknowns
from reestim.equilibrium.separable import prepare, separable_residual
from reestim.errors import EquilibriumError, InputError, ParameterError, UnsolvedDrawsError
from tests.economics.posteriors import posterior
from tests.oracles import random_economy, random_parameters, random_scenario


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(31, goods=4, ree_share=(1e-3, 0.1))


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


@pytest.mark.slow  # half a minute of continuation
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
