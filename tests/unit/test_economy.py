"""Bad economies, scenarios and parameters: each a named error that lists everything and names the cell."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import EquilibriumError, InputError, ParameterError
from tests.oracles import random_economy, random_parameters


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(41)


def changed(economy: ree.Economy, name: str, value: float, **where: str) -> xr.Dataset:
    ds = economy.ds.copy(deep=True)
    ds[name].loc[where] = value
    return ds


def test_labels_are_placed_by_name(economy: ree.Economy) -> None:
    """Shuffling every axis changes nothing."""
    rng = np.random.default_rng(0)
    shuffled = economy.ds
    for dim in shuffled.dims:
        if dim not in ("country", "sector", "factor", "element"):
            shuffled = shuffled.isel({dim: rng.permutation(shuffled.sizes[dim])})
    again = ree.Economy(shuffled)
    for a, b in zip(again.baseline, economy.baseline, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "value", "where", "message"),
    [
        ("expenditure", -1.0, {"country": "c1", "sector": "g1"}, "expenditure is negative at country c1, sector g1"),
        ("input_share", -0.1, {"country": "c0", "input": "g0", "sector": "g2"}, "input_share is negative"),
        ("trade_share", np.nan, {"importer": "c0", "exporter": "c1", "sector": "g0"}, "missing or infinite"),
        ("tariff", -1.5, {"importer": "c0", "exporter": "c1", "sector": "g0"}, "at or below -1"),
        ("ree_share", 1.2, {"country": "c0", "sector": "g1"}, "ree_share is 1 or more"),
        ("ree_share", 0.1, {"country": "c0", "sector": "e0"}, "own sector has a ree_share"),
        ("expenditure", 1e-9, {"country": "c2", "sector": "g2"}, "not so: final demand is not negative, at c2 g2"),
    ],
)
def test_bad_cells_are_named(
    economy: ree.Economy, name: str, value: float, where: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ree.Economy(changed(economy, name, value, **where))


def test_shares_off_by_a_per_cent_are_refused_together(economy: ree.Economy) -> None:
    ds = economy.ds.copy(deep=True)
    ds["trade_share"] = ds.trade_share * 1.01
    ds["factor_share"] = ds.factor_share * 1.01
    with pytest.raises(InputError) as caught:
        ree.Economy(ds)
    assert len(caught.value.problems) == 2
    assert "trade shares do not sum to 1" in str(caught.value)
    assert "factor and input shares do not sum to 1" in str(caught.value)


def test_missing_and_repeated_labels(economy: ree.Economy) -> None:
    with pytest.raises(InputError, match="lacks input_share"):
        ree.Economy(economy.ds.drop_vars("input_share"))
    with pytest.raises(InputError, match="do not have the same labels"):
        ree.Economy(economy.ds.assign_coords(importer=["c0", "c1", "c2", "zz"]))
    with pytest.raises(InputError, match="repeated"):
        ree.Economy(economy.ds.assign_coords(importer=["c0", "c1", "c2", "c2"]))


def test_identities_hold_and_are_printed(economy: ree.Economy) -> None:
    table = economy.check()
    assert list(table.columns) == ["identity", "cells", "worst_cell", "gap", "relative_gap", "holds"]
    assert len(table) >= 5
    assert table.holds.all()
    cells = economy.check(by_cell=True)
    assert set(cells.columns) == {"identity", "cell", "value", "gap", "relative_gap"}
    assert cells.relative_gap.max() < 1e-9
    assert len(cells) == table.cells.sum()


def test_rebasing_a_consistent_economy_moves_nothing(economy: ree.Economy) -> None:
    again = economy.rebased("fixed", random_parameters(41, economy))
    np.testing.assert_allclose(again.baseline.expenditure, economy.baseline.expenditure, rtol=1e-10)
    moved = again.rebasing.set_index("array")
    assert set(moved.index) == {
        "factor_price",
        "price",
        "expenditure",
        "trade_share",
        "ree_share",
        "element_share",
        "factor_share",
        "input_share",
        "deficit",
    }
    assert moved[["smallest", "largest"]].abs().max(axis=None) < 1e-9
    assert economy.rebasing is None
    with pytest.raises(InputError, match="unknown rule"):
        economy.rebased("none")


def test_rebasing_removes_deficits(economy: ree.Economy) -> None:
    balanced = economy.rebased("balanced", random_parameters(41, economy))
    assert np.abs(economy.baseline.deficit).max() > 1e-3 * float(economy.baseline.income.sum())
    assert np.abs(balanced.baseline.deficit).max() < 1e-9 * float(economy.baseline.income.sum())
    moved = balanced.rebasing.set_index("array")
    before = economy.baseline.deficit / economy.baseline.income
    np.testing.assert_allclose(moved.loc["deficit", ["smallest", "largest"]], [-before.max(), -before.min()])
    k = int(np.argmax(np.abs(np.asarray(before))))
    assert moved.loc["deficit", "farthest"] == economy.countries[k]
    assert moved.loc["factor_price", "largest"] > 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma": 3.0, "kappa": 1.0}, "below 1 \\+ 1/κ"),
        ({"sigma": -0.1}, "σ must be > 0"),
        ({"kappa": -1.0}, "κ must be ≥ 0"),
        ({"spillover_gap": -0.5}, "ω must be ≥ 0"),
        ({"trade_elasticity": 0.0}, "ε must be > 0"),
        ({"sigma": xr.DataArray([0.5], coords={"sector": ["g1"]})}, "no value for"),
        ({"sigma": xr.DataArray([0.5], coords={"sector": ["nowhere"]})}, "unknown sector"),
    ],
)
def test_parameters_outside_the_model_are_refused(economy: ree.Economy, changes: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ree.solve(economy, ree.Scenario(), ree.Parameters(**changes))


def test_fixed_technology_needs_no_interior(economy: ree.Economy) -> None:
    """σ ≥ 1 + 1/κ has no interior optimum of research; where technology stands still, κ is not asked for at all."""
    quota = ree.Scenario(policies=(ree.ExportQuota("c0", "all", 0.7),))
    outside = ree.Parameters(sigma=3.0, kappa=1.0)
    with pytest.raises(ParameterError, match="below 1 \\+ 1/κ"):
        ree.solve(economy, quota, outside, technology="directed")
    result = ree.solve(economy, quota, outside, technology="fixed")
    assert float(abs(result.welfare).max()) > 1e-5
    without_research = ree.solve(economy, quota, ree.Parameters(sigma=3.0, kappa=0.0), technology="directed")
    xr.testing.assert_allclose(result.welfare, without_research.welfare, atol=1e-10)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (ree.Scenario(policies=(ree.ExportQuota("XX", "all", 0.5),)), "unknown exporter"),
        (ree.Scenario(policies=(ree.ExportQuota("c0", ("e9",), 0.5),)), "unknown element"),
        (ree.Scenario(policies=(ree.Tariff(0.1, "c0"), ree.Tariff(0.2, exporter="c1"))), "sets it too"),
        (ree.Scenario(policies=(ree.Tariff(0.1, "c9"),)), "unknown importer"),
        (ree.Scenario(policies=(ree.SupplyShock("c3", ("e0",), 2.0),)), "no mine of e0 in the baseline"),
        (ree.Scenario(policies=(ree.Embargo(("c0", "c1", "c2"), "e0"),)), "without any supplier of e0"),
        (ree.Scenario(policies=(ree.Recycling(0.2, elements=("x",)),)), "unknown element"),
        (ree.Scenario(policies=(ree.Tariff(0.1, "c0", years=(2010,)),)), "dated and the scenario is not"),
        (ree.Scenario(tariff=xr.DataArray([0.1], coords={"importer": ["nowhere"]})), "unknown importer"),
        (ree.Scenario(tariff=xr.DataArray([-2.0], coords={"importer": ["c0"]})), "must be finite and above -1"),
        (ree.Scenario(productivity=xr.DataArray([0.0], coords={"sector": ["g0"]})), "must be positive"),
    ],
)
def test_bad_scenarios_are_refused(economy: ree.Economy, scenario: ree.Scenario, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ree.solve(economy, scenario, ree.Parameters())


def test_a_policy_out_of_its_bounds_is_never_made() -> None:
    with pytest.raises(InputError, match="greater than 0"):
        ree.ExportQuota("c0", "all", -1.0)
    with pytest.raises(InputError, match="less than 1"):
        ree.Subsidy(1.0, "c0")
    with pytest.raises(InputError) as refused:
        ree.Tariff(-2.0, 3, years=(20,), rates=0.1)  # type: ignore[arg-type, call-arg]
    assert len(refused.value.problems) == 4
    with pytest.raises(InputError, match="finite"):
        dataclasses.replace(ree.Tariff(0.1), rate=float("nan"))


@pytest.mark.slow  # all that the solver tries, twice
def test_no_equilibrium_is_an_error_or_a_record(economy: ree.Economy) -> None:
    """A deficit that must be repaid from a productivity that is gone: no number comes out."""
    poor = xr.DataArray([1e-40], coords={"country": ["c0"]})
    scenario = ree.Scenario(name="ruin", productivity=poor)
    parameters = random_parameters(41, economy)
    result = ree.solve(economy, scenario, parameters, throw=False)
    if bool(result.solved):
        pytest.fail("expected no equilibrium")
    assert bool(result.welfare.isnull().all())
    with pytest.raises(EquilibriumError, match="no equilibrium found"):
        ree.solve(economy, scenario, parameters)
