"""Inputs known with error: their draws follow from the seed, and what is not drawn is as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.counterfactuals.inputs import DrawnInputs, inputs_of, uncertain_inputs
from reestim.data.uncertainty import FileErrors, Uncertainty, log_sd
from reestim.errors import InputError
from reestim.supply_chain.ree_rows import ree_input_output
from tests.economics.posteriors import posterior
from tests.oracles import random_economy
from tests.unit.supply_world import Tables, tiny_world

QUOTA = ree.Scenario("quota", policies=(ree.ExportQuota("c0", "all", 0.6),))
LABELS = ([0, 1], range(6))


def uncertain(economy: ree.Economy, size: float = 0.3) -> ree.Economy:
    """The economy with one application, whose use is off by ``size``, and shares of countries off by half of it."""
    ds = economy.ds.assign_coords(application=["all"])
    used = (ds.element_share * ds.ree_share > 0).astype(float)
    ds["application_share"] = used.expand_dims("application").transpose("application", "country", "element", "sector")
    ds["element_use_sd"] = (("application", "element"), np.full((1, ds.element.size), size))
    ds["country_use_sd"] = (("application", "country"), np.full((1, ds.country.size), size / 2))
    return ree.Economy(ds)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(31, goods=3, ree_share=(1e-3, 0.05))


def solved(economy: ree.Economy, **more: object) -> xr.DataTree:
    return ree.counterfactual(economy, QUOTA, posterior(economy), "fixed", progress=False, **more)  # type: ignore[arg-type]


@pytest.mark.slow  # two sweeps to compile
def test_fixed_inputs_are_the_same_bits_whether_errors_are_stated_or_not(economy: ree.Economy) -> None:
    """Stating errors changes nothing unless inputs are drawn; then bands widen, and the factors are in the run."""
    plain, stated = solved(economy), solved(uncertain(economy))
    for name in ("welfare", "output", "price"):
        left, right = plain[f"counterfactual/{name}"].values, stated[f"counterfactual/{name}"].values
        assert left.tobytes() == right.tobytes()
    drawn = solved(uncertain(economy), inputs="drawn", seed=4)
    assert "inputs" not in stated.children
    assert set(drawn["inputs"].data_vars) == {"element_use", "country_use"}
    assert drawn["inputs"].attrs == {"seed": 4, "sources": "element_use, country_use"}
    assert not np.allclose(drawn["counterfactual/welfare"], plain["counterfactual/welfare"])
    again = solved(uncertain(economy), inputs="drawn", seed=4)
    assert again["counterfactual/welfare"].values.tobytes() == drawn["counterfactual/welfare"].values.tobytes()


def test_the_loss_is_proportional_to_what_is_used(economy: ree.Economy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half as much again of every use: half as much again of every loss, where rare earths are a small part of cost."""
    small = uncertain(random_economy(31, goods=3, ree_share=(1e-6, 1e-5)))
    plain = solved(small)["counterfactual/welfare"]

    def common(self: DrawnInputs, source: str, index: np.ndarray) -> np.ndarray:
        shape = [len(index), 1, len(small.elements if source == "element_use" else small.countries)]
        return np.full(shape, 1.5 if source == "element_use" else 1.0)

    monkeypatch.setattr(DrawnInputs, "factors", common)
    drawn = solved(small, inputs="drawn", seed=1)["counterfactual/welfare"]
    np.testing.assert_allclose(drawn, 1.5 * plain, rtol=1e-3)


def test_a_draw_is_the_same_whatever_else_is_drawn(economy: ree.Economy) -> None:
    """Thinning, the order of draws and further sources leave the inputs of a draw as they are."""
    whole = inputs_of(uncertain(economy), "drawn", 3, *LABELS)
    part = inputs_of(uncertain(economy), "drawn", 3, [1], [2, 4])
    more = uncertain(economy).ds
    more["element_price_sd"] = ("element", np.full(more.element.size, 0.1))
    other = inputs_of(ree.Economy(more), "drawn", 3, *LABELS)
    assert whole is not None
    assert part is not None
    assert other is not None
    first, sixth = np.array([0]), np.array([5])
    kept = whole.factors("element_use", np.array([8, 10]))
    np.testing.assert_array_equal(part.factors("element_use", np.arange(2)), kept)
    np.testing.assert_array_equal(other.factors("country_use", sixth), whole.factors("country_use", sixth))
    assert not np.array_equal(whole.factors("element_use", first), whole.factors("element_use", sixth))


def test_factors_have_mean_one_the_stated_spread_and_shares_that_sum_to_one(economy: ree.Economy) -> None:
    world = uncertain(economy)
    drawn = inputs_of(world, "drawn", 5, [0], range(4000))
    assert drawn is not None
    factor = drawn.factors("element_use", np.arange(4000))
    np.testing.assert_allclose(factor.mean(0), 1.0, atol=4 * 0.3 / np.sqrt(4000))
    np.testing.assert_allclose(np.log(factor).std(0), 0.3, rtol=0.05)
    b = world.baseline
    value = np.asarray(b.member_share * (b.ree_share * b.output)[:, None, :]).sum(axis=(1, 2))
    places = drawn.factors("country_use", np.arange(50))[:, 0]
    np.testing.assert_allclose(places @ value, value.sum(), rtol=1e-12)


def test_chunks_go_on_where_they_were_and_know_their_inputs(economy: ree.Economy, tmp_path: Path) -> None:
    whole = solved(uncertain(economy), inputs="drawn", seed=4)
    first = solved(uncertain(economy), inputs="drawn", seed=4, store=tmp_path).load()
    chunks = sorted(path.name for path in tmp_path.glob("*.zarr"))
    np.testing.assert_array_equal(first["counterfactual/welfare"], whole["counterfactual/welfare"])
    solved(uncertain(economy), inputs="drawn", seed=4, store=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.zarr")) == chunks, "read back"
    solved(uncertain(economy), inputs="drawn", seed=5, store=tmp_path)
    assert len(list(tmp_path.glob("*.zarr"))) == 2 * len(chunks), "another seed has chunks of its own"


def test_what_cannot_be_drawn_is_refused_in_one_list(economy: ree.Economy) -> None:
    with pytest.raises(InputError) as error:
        solved(economy, inputs="drawn")
    said = str(error.value)
    assert "does not say how far its inputs may be off" in said
    assert "drawn from a seed" in said
    with pytest.raises(InputError, match="drawn or fixed"):
        solved(economy, inputs="random")
    with pytest.raises(InputError, match="producers need more of a good"):
        solved(uncertain(random_economy(31, goods=3, ree_share=(0.2, 0.5)), 2.0), inputs="drawn", seed=1)


def test_errors_of_applications_need_their_shares_and_shares_sum_to_one(economy: ree.Economy) -> None:
    ds = uncertain(economy).ds
    with pytest.raises(InputError, match="element_use_sd and country_use_sd need application_share"):
        ree.Economy(ds.drop_vars("application_share"))
    with pytest.raises(InputError, match="application shares do not sum to 1"):
        ree.Economy(ds.assign(application_share=0.5 * ds["application_share"]))
    with pytest.raises(InputError, match="element_use_sd is negative"):
        ree.Economy(ds.assign(element_use_sd=-ds["element_use_sd"]))


def with_errors(**changes: object) -> Tables:
    def edit(tables: Tables) -> None:
        tables["element_use"]["cv"] = [0.4] + [np.nan] * (len(tables["element_use"]) - 1)

    data = tiny_world(edit)
    return replace(data, meta=data.meta.model_copy(update=changes))  # type: ignore[return-value]


def test_a_coefficient_of_variation_is_used_and_goes_before_the_provenance() -> None:
    data = with_errors()
    expected = np.sqrt(np.log1p(0.4**2))
    np.testing.assert_allclose(log_sd(data, "element_use"), [expected] + [0.0] * (len(data["element_use"]) - 1))
    economy = ree.Economy(ree_input_output(data))
    assert uncertain_inputs(economy) == ["element_use"]
    stated = with_errors(uncertainty=Uncertainty(reason="test", read=0.1, trade=FileErrors(read=0.0)))
    np.testing.assert_allclose(log_sd(stated, "element_use"), [expected] + [0.1] * (len(data["element_use"]) - 1))
    assert "trade" not in uncertain_inputs(ree.Economy(ree_input_output(stated)))


def test_provenance_is_the_first_word_of_the_source() -> None:
    data = with_errors(uncertainty=Uncertainty(reason="test"))
    words = ["read: USGS", "recalled: Goonan", "imputed: rule", "Statistics Japan", "updated: table of 2008"]
    table = pd.DataFrame({"source": words})
    data = replace(data, tables={**data.tables, "trade": table})
    np.testing.assert_allclose(log_sd(data, "trade"), [0.05, 0.15, 0.3, 0.05, 0.15])


def test_a_dataset_without_errors_has_the_economy_it_had() -> None:
    ds = ree_input_output(tiny_world())
    assert not [name for name in ds.data_vars if str(name).endswith("_sd") and name != "trade_elasticity_sd"]
    stated = ree_input_output(with_errors(uncertainty=Uncertainty(reason="test")))
    same = stated[list(ds.data_vars)].drop_vars("application", errors="ignore")
    xr.testing.assert_identical(ds.drop_attrs(), same.drop_attrs())
    shares = stated["application_share"].sum("application")
    np.testing.assert_allclose(shares.where(shares > 0, 1.0), 1.0)
    used = stated["element_tonnes"].transpose(*shares.dims) > 0
    assert bool((used == (shares > 0)).all())
