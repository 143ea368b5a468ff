"""What drives the uncertainty of welfare: shares against cases with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from tests.economics.posteriors import posterior
from tests.economics.test_drawn_inputs import uncertain
from tests.oracles import random_economy

QUOTA = ree.Scenario("quota", policies=(ree.ExportQuota("c0", "all", 0.5),))
DEFAULTS = ree.Parameters(spillover=0.5)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    """Errors of inputs are stated, and are drawn only where a test asks for it."""
    return uncertain(random_economy(31, goods=3, ree_share=(1e-3, 0.05)), 0.2)


def narrow(economy: ree.Economy) -> xr.DataTree:
    """A posterior within a few per cent of its mean, whose components are independent normals in logs."""
    post = posterior(economy, draws=150, seed=2)
    ds = post["posterior"].to_dataset()
    rng = np.random.default_rng(8)
    middle = np.log(ds).mean(("chain", "draw"))
    noise = ds.map(lambda v: v.copy(data=rng.standard_normal(v.shape)))
    post["posterior"] = xr.DataTree(np.exp(middle + 0.02 * noise).transpose("chain", "draw", ...))
    return post


def by_slopes(economy: ree.Economy, ds: xr.Dataset) -> xr.Dataset:
    """Shares of a linear economy: squared slopes times variances, by central differences at the mean of logs.

    The points are draws of a posterior as long as the other, so that nothing is compiled for them.
    """
    names = ["sigma", "kappa", "trade_elasticity"]
    logs = [np.log(ds[name].transpose("chain", "draw", ...).values) for name in names]
    logs = [values.reshape(*values.shape[:2], -1) for values in logs]
    member = np.repeat(names, [values.shape[2] for values in logs])
    flat, count, step = np.concatenate(logs, axis=2), len(member), 1e-3
    points = np.broadcast_to(flat.mean((0, 1)), flat.shape).copy()
    for k in range(count):
        points[0, 2 * k, k] += step
        points[0, 2 * k + 1, k] -= step
    made = ds.copy(data={n: np.exp(points[..., member == n]).reshape(ds[n].shape) for n in names})
    solved = ree.counterfactual(
        economy, QUOTA, xr.DataTree.from_dict({"posterior": made}), "directed", defaults=DEFAULTS, progress=False
    )
    welfare = solved["counterfactual/welfare"].squeeze().sel(chain=0).transpose("draw", "country").values
    slope = (welfare[0 : 2 * count : 2] - welfare[1 : 2 * count : 2]) / (2 * step)
    parts = slope**2 * flat.var((0, 1))[:, None]
    shares = {n: ("country", parts[member == n].sum(0) / parts.sum(0)) for n in names}
    return xr.Dataset(shares, coords={"country": list(economy.countries)})


@pytest.fixture(scope="module")
def split(economy: ree.Economy) -> tuple[xr.DataTree, xr.Dataset]:
    post = ree.counterfactual(economy, QUOTA, narrow(economy), defaults=DEFAULTS, progress=False)
    return post, ree.welfare_variance(economy, QUOTA, post, DEFAULTS, draws=200)


def test_shares_of_a_narrow_posterior_are_squared_slopes_times_variances(
    economy: ree.Economy, split: tuple[xr.DataTree, xr.Dataset]
) -> None:
    post, found = split
    one = found.sel(scenario="quota", technology="directed")
    exact = by_slopes(economy, post["posterior"].to_dataset())
    np.testing.assert_allclose(one["share"].sum("source"), 1.0)
    for name in exact.data_vars:
        off = abs(one["share"].sel(source=name) - exact[name])
        assert bool((off < 4 * one["share_error"].sel(source=name) + 0.01).all()), name
    assert 0 < float(one["share_error"].max()) < 0.1
    assert int(one["left_out"]) == 0


def test_what_does_not_enter_has_no_share(split: tuple[xr.DataTree, xr.Dataset]) -> None:
    _, found = split
    fixed = found.sel(technology="fixed")
    np.testing.assert_array_equal(fixed["share"].sel(source="kappa"), 0.0)
    np.testing.assert_allclose(fixed["share"].sum("source"), 1.0)
    assert set(found["source"].values) == {"sigma", "kappa", "trade_elasticity"}


@pytest.mark.slow  # a sweep of drawn inputs to compile
def test_inputs_have_shares_where_they_are_drawn(
    economy: ree.Economy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of use of 20 % and a posterior within 2 %: nearly all of the variance is what is used, and where. What is
    solved is kept, and read back."""
    post = ree.counterfactual(
        economy, QUOTA, narrow(economy), "fixed", 60, DEFAULTS, progress=False, inputs="drawn", seed=3
    )
    post = ree.load(ree.save(post, tmp_path / "run"))
    own, kept = ree.Economy(post["economy"].to_dataset()), tmp_path / "kept"
    found = ree.welfare_variance(own, QUOTA, post, DEFAULTS, draws=60, store=kept)
    mean = found["share"].mean("country").squeeze()
    assert found.attrs["inputs"] == "drawn"
    assert float(mean.sel(source=["element_use", "country_use"]).sum()) > 0.9
    np.testing.assert_allclose(found["share"].sum("source"), 1.0)
    other = uncertain(random_economy(31, goods=3, ree_share=(1e-3, 0.05)), 0.3)
    with pytest.raises(InputError, match="not those of this economy"):
        ree.welfare_variance(other, QUOTA, post, DEFAULTS)

    def solves(*_: object, **__: object) -> None:
        raise AssertionError("nothing is solved again")

    monkeypatch.setattr("reestim.counterfactuals.variance.solve_draws", solves)
    again = ree.welfare_variance(own, QUOTA, post, DEFAULTS, draws=60, store=kept)
    xr.testing.assert_identical(again, found)
    with pytest.raises(AssertionError, match="again"):
        ree.welfare_variance(own, QUOTA, post, DEFAULTS, draws=60, store=kept, seed=1)


def test_a_variance_needs_its_counterfactual(economy: ree.Economy, split: tuple[xr.DataTree, xr.Dataset]) -> None:
    with pytest.raises(InputError, match="lacks this scenario"):
        ree.welfare_variance(economy, ree.Scenario("other"), split[0])
    with pytest.raises(InputError, match="no counterfactual"):
        ree.welfare_variance(economy, ree.Scenario("other"), posterior(economy))
