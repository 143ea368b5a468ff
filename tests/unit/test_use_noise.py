"""Noise of (15): series of one use are one piece of news in part, an error of a year is in two changes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from reestim.estimate.kinds.ree_use import use_changes
from reestim.estimate.numpyro_blocks import NoisyChanges
from reestim.estimate.use_noise import covariance, log_density, noise_structure, noisy_changes
from reestim.numerics.jax_setup import require_jax
from tests.recovery.world import small_world

NOISE, COMMON = 0.3, 0.6


def changes_of(*series: tuple[str, str, str, dict[int, float]]) -> xr.Dataset:
    """Of series (country, sector, name, error by year)."""
    io, price, _ = small_world()
    rows = [
        {"country": c, "sector": s, "series": name, "year": year, "value": 10.0 + year % 7, "error": error}
        for c, s, name, errors in series
        for year, error in errors.items()
    ]
    return use_changes(pd.DataFrame(rows), price, io["ree_share"].sel(sector=price["sector"]))


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Two series of one use with a gap and errors, one of another use with errors, one without."""
    require_jax()  # 64 bits
    return changes_of(
        ("USA", "all", "imports", dict.fromkeys(range(2008, 2013), 0.0)),
        ("USA", "all", "consumption", {2008: 0.2, 2010: 0.4, 2011: 0.1, 2012: 0.0}),
        ("JPN", "all", "demand", {2009: 0.3, 2010: 0.2, 2012: 0.1}),
        ("JPN", "glass", "", {2009: 0.0, 2010: 0.0, 2011: 0.0}),
    )


def by_simulation_of_years(data: xr.Dataset, n: int = 200_000) -> np.ndarray:
    """Covariance of changes made year by year: a common and an own random walk, and an error at each year."""
    rng, years = np.random.default_rng(0), np.arange(2008, 2013)
    own = {k: rng.normal(size=(n, 5)).cumsum(1) for k in range(data.sizes["use_series"])}
    common = {k: rng.normal(size=(n, 5)).cumsum(1) for k in np.unique(data["use_cell"])}
    wrong = {k: rng.normal(size=(n, 5)) for k in own}
    drawn = []
    for o in range(data.sizes["use_observation"]):
        at = data.isel(use_observation=o)
        k, end = int(at["use_in_series"]), int(at["use_until"])
        now, before = (int(np.flatnonzero(years == t)[0]) for t in (end, end - int(at["use_years"])))
        level = np.sqrt(1 - COMMON) * own[k] + np.sqrt(COMMON) * common[int(data["use_cell"][k])]
        late, early = at["use_error"].values
        drawn.append(NOISE * (level[:, now] - level[:, before]) + late * wrong[k][:, now] - early * wrong[k][:, before])
    return np.cov(drawn)


def test_the_covariance_is_that_of_walks_and_errors_made_year_by_year(data: xr.Dataset) -> None:
    known = noise_structure(data)
    assert known.shared
    np.testing.assert_allclose(covariance(known, NOISE, COMMON), by_simulation_of_years(data), atol=2e-3)
    assert len(known.alone) == 2  # the glass series: neither errors nor a second series


def test_the_density_is_multivariate_normal_in_all_three_libraries(data: xr.Dataset) -> None:
    known, rng = noise_structure(data), np.random.default_rng(1)
    mean, value = rng.normal(size=(2, len(known.years)))
    exact = stats.multivariate_normal.logpdf(value, mean, covariance(known, NOISE, COMMON))
    numpy = log_density(known, value - mean, NOISE, COMMON, np)
    with pm.Model() as model:
        noisy_changes("y", mean, known, NOISE, COMMON, observed=value)
    (pymc,) = model.compile_logp(sum=False)({})
    twin = NoisyChanges(jnp.asarray(mean), known, NOISE, COMMON).log_prob(jnp.asarray(value))
    np.testing.assert_allclose(numpy.sum(), exact, rtol=1e-12)
    np.testing.assert_allclose(pymc, numpy, rtol=1e-10)
    np.testing.assert_allclose(twin, numpy, rtol=1e-10)
    alone = known.alone
    by_itself = stats.norm.logpdf(value[alone], mean[alone], NOISE * np.sqrt(known.years[alone]))
    np.testing.assert_allclose(numpy[alone], by_itself, rtol=1e-12)


def test_data_that_the_model_makes_have_the_covariance(data: xr.Dataset) -> None:
    import jax

    known: Any = noise_structure(data)
    wanted, n = covariance(known, NOISE, COMMON), len(known.years)
    with pm.Model() as model:
        y = noisy_changes("y", np.arange(float(n)), known, NOISE, COMMON)
    drawn = pm.draw(y, 20_000, random_seed=1)
    twin = NoisyChanges(jnp.arange(float(n)), known, NOISE, COMMON).sample(jax.random.key(2), (20_000,))
    for sample in (drawn, np.asarray(twin)):
        np.testing.assert_allclose(sample.mean(0), np.arange(n), atol=0.02)
        np.testing.assert_allclose(np.cov(sample.T), wanted, atol=0.015)
    assert model.named_vars


def test_a_second_series_tells_less_the_more_it_shares() -> None:
    """Information about a common slope: two when nothing is shared, near one when nearly all is."""
    years = dict.fromkeys(range(2008, 2013), 0.0)
    one = noise_structure(changes_of(("USA", "all", "imports", years)))
    two = noise_structure(changes_of(("USA", "all", "imports", years), ("USA", "all", "consumption", years)))
    assert not one.shared

    def information(known: Any, common: float) -> float:
        return float(np.linalg.inv(covariance(known, NOISE, common)).sum())

    single = information(one, 0.0)
    assert information(two, 0.0) == pytest.approx(2 * single)
    assert information(two, 0.5) == pytest.approx(single * 2 / 1.5)
    assert information(two, 0.99) == pytest.approx(single, rel=0.01)
