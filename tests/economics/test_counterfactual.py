"""Posterior draws through the solver: the sweep is the solver, draw by draw, and hides nothing."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax.flatten_util import ravel_pytree

import reestim as ree
from reestim.equilibrium.equations import residual
from reestim.equilibrium.separable import prepare, separable_residual
from reestim.equilibrium.solve import no_change
from reestim.errors import InputError, ParameterError, UnsolvedDrawsError
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
            "sigma": (("chain", "draw", "sector"), (1 + 1 / kappa[..., None]) / (1 + np.exp(-logit))),
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
    defaults = ree.Parameters(spillover=0.5, crowding_out=0.2)
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
                    crowding_out=0.2,
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
    defaults = ree.Parameters(spillover=0.5, crowding_out=0.2)
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
    zero, unravel = ravel_pytree(no_change(economy.baseline, policy))
    u = unravel(jnp.asarray(np.random.default_rng(seed).normal(size=zero.size) * 0.3))
    u = u._replace(shadow_tax=jnp.abs(u.shadow_tax))
    weights = prepare(economy.baseline, policy, arrays.trade_elasticity)
    expected = residual(economy.baseline, policy, arrays, u)
    for a, b in zip(separable_residual(economy.baseline, policy, arrays, weights, u), expected, strict=True):
        assert float(jnp.abs(b).max()) > 0.01
        np.testing.assert_allclose(a, b, atol=1e-13)
