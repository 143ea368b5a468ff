"""Draws carried to another economy: by label, wider by what is stated, never silently."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.counterfactuals.transfer import transferred_draws
from reestim.errors import InputError
from reestim.results.transfer import transfer_sentences
from reestim.runs.parts import DataRecord, TransferRecord
from reestim.technology import innovation_passthrough, sigma_upper_bound
from tests.economics.posteriors import posterior
from tests.oracles import random_economy


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(7, goods=4, ree_share=(1e-3, 0.1))


@pytest.fixture(scope="module")
def samples(economy: ree.Economy) -> xr.Dataset:
    """Draws with a population of sectors, (14)."""
    draws = posterior(economy, draws=2000)["posterior"].to_dataset()
    lead = ("chain", "draw")
    shape = (2, 2000)
    extra = {"spillover": np.full(shape, 0.5), "mu": np.full(shape, -1.0), "tau": np.full(shape, 0.5)}
    return draws.assign({name: (lead, values) for name, values in extra.items()})


def users(samples: xr.Dataset) -> list[str]:
    return [str(s) for s in samples["sector"].values]


def test_without_widening_the_same_economy_has_the_same_draws(economy: ree.Economy, samples: xr.Dataset) -> None:
    moved = transferred_draws(samples, economy, ree.Transfer(ratio_sd=0.0))
    for name in ("sigma", "kappa", "trade_elasticity"):
        np.testing.assert_array_equal(moved.draws[name], samples[name])
    assert moved.matched == tuple(users(samples))
    assert (moved.from_population, moved.left_aside, moved.own_trade_elasticity) == ((), (), ())


def test_the_ratio_has_the_stated_spread_and_every_draw_stays_inside(economy: ree.Economy, samples: xr.Dataset) -> None:
    sd = 0.4
    moved = transferred_draws(samples, economy, ree.Transfer(ratio_sd=sd)).draws
    bound = sigma_upper_bound(samples["kappa"], samples["spillover"])
    assert bool((moved["sigma"] > 0).all())
    assert bool((moved["sigma"] < bound).all())

    def odds(sigma: xr.DataArray) -> xr.DataArray:
        return sigma / (bound - sigma)

    ratio = (
        np.log(odds(moved["sigma"]) / odds(samples["sigma"]))
        .transpose("sector", ...)
        .values.reshape(len(users(samples)), -1)
    )
    # 4,000 draws: the error of a standard deviation is 1.1 %, that of a correlation of 1/2 is 0.012
    np.testing.assert_allclose(ratio.std(axis=1), sd, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(ratio)[0, 1:], 0.5, atol=0.05)
    np.testing.assert_allclose(np.median(ratio, axis=1), 0.0, atol=0.03)
    m = innovation_passthrough(moved["sigma"], moved["kappa"], moved["spillover"])
    xr.testing.assert_allclose(moved["innovation_passthrough"], m)


def test_far_below_its_bound_sigma_itself_has_the_ratio(economy: ree.Economy, samples: xr.Dataset) -> None:
    low = samples.assign(sigma=1e-3 * samples["sigma"])
    moved = transferred_draws(low, economy, ree.Transfer(ratio_sd=0.3)).draws
    assert float(np.log(moved["sigma"] / low["sigma"]).std()) == pytest.approx(0.3, rel=0.03)


def test_sectors_without_draws_are_refused_by_name_or_drawn_from_the_population(
    economy: ree.Economy, samples: xr.Dataset
) -> None:
    first, second, *rest = users(samples)
    fewer = samples.sel(sector=rest, traded_sector=[s for s in economy.sectors if s != first])
    with pytest.raises(InputError) as refused:
        transferred_draws(fewer, economy, ree.Transfer())
    assert {problem.value for problem in refused.value.problems} == {first, second}
    moved = transferred_draws(fewer, economy, ree.Transfer(ratio_sd=0.0, absent="population"))
    assert moved.from_population == (first, second)
    own_labels = {name: fewer[name].values for name in ("sector", "traded_sector")}
    turned = xr.Dataset(fewer.data_vars, {"draw": range(2000), "chain": range(2), **own_labels})
    again = transferred_draws(turned, economy, ree.Transfer(ratio_sd=0.0, absent="population"))
    np.testing.assert_array_equal(again.draws["sigma"], moved.draws["sigma"], "draws before chains among the labels")
    assert moved.own_trade_elasticity == (first,)
    bound = sigma_upper_bound(samples["kappa"], samples["spillover"])
    logit = np.log(moved.draws["sigma"].sel(sector=first) / (bound - moved.draws["sigma"].sel(sector=first)))
    assert float(logit.mean()) == pytest.approx(-1.0, abs=0.05)
    assert float(logit.std()) == pytest.approx(0.5, rel=0.05)
    own = economy.ds["trade_elasticity"].sel(sector=first)
    assert bool((moved.draws["trade_elasticity"].sel(traded_sector=first) == own).all())
    for sector in rest:
        np.testing.assert_array_equal(moved.draws["sigma"].sel(sector=sector), samples["sigma"].sel(sector=sector))
    with_error = ree.Economy(economy.ds.assign(trade_elasticity_sd=0.25 * economy.ds["trade_elasticity"]))
    moved = transferred_draws(fewer, with_error, ree.Transfer(absent="population"))
    drawn = moved.draws["trade_elasticity"].sel(traded_sector=first)
    assert float(drawn.mean()) == pytest.approx(float(own), rel=0.02)
    assert float(drawn.std()) == pytest.approx(0.25 * float(own), rel=0.05)


def test_a_sector_that_the_other_economy_does_not_have_is_left_aside(economy: ree.Economy, samples: xr.Dataset) -> None:
    one = samples["sigma"].isel(sector=[0]).assign_coords(sector=["elsewhere"])
    sigma = xr.concat([samples["sigma"], one], "sector")
    moved = transferred_draws(samples.drop_dims("sector").assign(sigma=sigma), economy, ree.Transfer())
    assert moved.left_aside == ("elsewhere",)
    assert "elsewhere" not in moved.draws["sector"].values


def test_the_prior_has_a_ratio_of_its_own(economy: ree.Economy, samples: xr.Dataset) -> None:
    one, other = (transferred_draws(samples, economy, ree.Transfer(), stream).draws["sigma"] for stream in (0, 1))
    assert not np.allclose(one, other)
    xr.testing.assert_identical(one, transferred_draws(samples, economy, ree.Transfer(), 0).draws["sigma"])


def test_what_cannot_be_meant_is_listed_at_once() -> None:
    with pytest.raises(InputError) as refused:
        ree.Transfer(ratio_sd=-1.0, absent="guess", seed=-1)
    assert len(refused.value.problems) == 3


def test_the_reader_is_told_of_the_width_and_of_its_absence() -> None:
    told = TransferRecord(dataset="today", base_year=2023, ratio_sd=0.3, matched=("a",), from_population=("magnets",))
    words = " ".join(transfer_sentences(told, DataRecord(dataset="then")))
    assert "estimated on then" in words
    assert "90 % between 0.61 and 1.64" in words
    assert "population of sectors: magnets" in words
    none = TransferRecord(
        dataset="today", base_year=2023, ratio_sd=0.0, matched=("a",), without_width=("impact_ratio",)
    )
    words = " ".join(transfer_sentences(none, DataRecord(dataset="then")))
    assert "NOTHING was added" in words
    assert "nothing is added by impact_ratio" in words
