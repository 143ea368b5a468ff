"""Chains of a fit: each is what it is whatever runs beside it, and those that are done are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pymc as pm
import pytest
import xarray as xr

from reestim.estimate.sampling import SAMPLERS, Chains
from reestim.study.spec import Sampler

FOUR = Sampler(draws=40, tune=100, chains=4)


@pytest.fixture(scope="module")
def model() -> pm.Model:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("x"), pm.HalfNormal("scale") + 0.1, observed=[1.0, 2.0])
    return model


@pytest.fixture(scope="module")
def four(model) -> xr.DataTree:
    return SAMPLERS["nutpie"](model, FOUR, 3, False)


def drawn(model, chains: int, place: Chains, seed: int = 3) -> xr.DataTree:
    return SAMPLERS["nutpie"](model, FOUR.model_copy(update={"chains": chains}), seed, False, place)


def identical(one: xr.DataTree, other: xr.DataTree) -> None:
    for group in ("posterior", "sample_stats"):
        xr.testing.assert_equal(one[group].to_dataset(), other[group].to_dataset())


def test_a_chain_is_the_same_draws_whatever_chains_run_beside_it(model, four) -> None:
    one = drawn(model, 1, Chains(first=2))
    for group in ("posterior", "sample_stats"):
        xr.testing.assert_equal(one[group].to_dataset(), four[group].to_dataset().isel(chain=[2]))


def test_chains_that_are_kept_are_not_drawn_again_and_have_the_same_bits(model, four, tmp_path: Path) -> None:
    drawn(model, 2, Chains(1, tmp_path))
    before = {place.name: place.stat().st_ino for place in tmp_path.iterdir()}
    assert len(before) == 2
    identical(drawn(model, 4, Chains(0, tmp_path)), four)
    after = {place.name: place.stat().st_ino for place in tmp_path.iterdir()}
    assert before.items() <= after.items()
    assert len(after) == 4


def test_a_kept_chain_that_is_damaged_or_of_another_fit_is_drawn_anew(model, four, tmp_path: Path) -> None:
    drawn(model, 1, Chains(0, tmp_path))
    (place,) = tmp_path.iterdir()
    content = bytearray((place / "draws.nc").read_bytes())
    content[len(content) // 2] ^= 1
    os.remove(place / "draws.nc")
    (place / "draws.nc").write_bytes(content)
    again = drawn(model, 1, Chains(0, tmp_path))
    xr.testing.assert_equal(again["posterior"].to_dataset(), four["posterior"].to_dataset().isel(chain=[0]))
    drawn(model, 1, Chains(0, tmp_path), seed=4)
    assert len(list(tmp_path.iterdir())) == 2, "another seed is another chain"


def test_further_chains_of_a_sampler_that_draws_all_from_one_seed_have_another_seed() -> None:
    assert Chains(0).seed(3) == 3
    assert len({3, Chains(1).seed(3), Chains(4).seed(3), Chains(4).seed(5)}) == 4
