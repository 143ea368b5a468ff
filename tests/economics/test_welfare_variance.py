"""Which parameter drives the uncertainty of welfare: shares are gradients times the covariance of the draws."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from tests.economics.posteriors import posterior
from tests.oracles import random_economy, random_scenario


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(31, goods=4, ree_share=(1e-3, 0.1))


@pytest.fixture(scope="module")
def scenarios(economy: ree.Economy) -> list[ree.Scenario]:
    quota = ree.Scenario(name="quota", policies=(ree.ExportQuota("c0", "all", 0.5),))
    return [quota, random_scenario(31, economy, size=0.2)]


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
