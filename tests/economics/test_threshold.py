"""What must be believed for a restriction to help others, and how much of a loss direction mitigates."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.reports.section import Notes
from reestim.reports.sections import world as report_section
from reestim.results.world import mitigation, sums, world_table
from tests.oracles import random_economy

KAPPA = 1.0
SIGMA = np.array([0.3, 0.7, 1.2])


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    """Without taxes and deficits: the baseline is efficient."""
    return random_economy(
        5, countries=3, goods=2, elements=2, factors=1, ree_share=(1e-4, 1e-3), taxes=False, deficits=False
    )


@pytest.fixture(scope="module")
def quota() -> ree.Scenario:
    return ree.Scenario("quota", policies=(ree.ExportQuota("c0", "e0", 0.7),))


def draws(gap: float | np.ndarray) -> xr.DataTree:
    given = {"sigma": SIGMA, "kappa": KAPPA, "spillover": 0.5, "spillover_gap": gap}
    values = {name: np.broadcast_to(value, 3) for name, value in given.items()}
    data = {name: (("chain", "draw"), value[None]) for name, value in values.items()}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(data, coords={"chain": [0], "draw": range(3)})})


def test_the_threshold_is_where_it_says_and_near_the_first_order_formula(
    economy: ree.Economy, quota: ree.Scenario
) -> None:
    found = ree.threshold(economy, quota, draws(0.0), draws=None)
    expansion, gain = found["expansion"].values[0], found["world_gain"].values[0]
    passthrough = KAPPA * (1 - SIGMA) / (1 + 1.5 * KAPPA * (1 - SIGMA))
    assert np.isinf([expansion[2], gain[2]]).all()  # substitutes: research turns away from rare earths
    assert np.all(np.abs(expansion[:2] * passthrough[:2] - 1) < 0.5)  # ω·m = 1 to first order, at given other costs
    at = ree.counterfactual(economy, quota, draws(np.where(np.isinf(gain), 0.0, gain)), progress=False)
    world = sums(at["counterfactual"].to_dataset(), "quota", economy).sel(whom="world", chain=0, draw=[0, 1])
    assert (world.sel(technology="fixed") < 0).all()
    assert (abs(world.sel(technology="directed")) < 1e-5 * abs(world.sel(technology="fixed"))).all()


def test_the_mitigated_share_splits_into_the_frontier_and_the_gap(economy: ree.Economy, quota: ree.Scenario) -> None:
    technology = ["fixed", "frontier", "directed"]
    post = ree.counterfactual(economy, quota, draws(0.4), technology, progress=False)
    ds = post["counterfactual"].to_dataset()
    world = sums(ds, "quota", economy).sel(whom="world", chain=0)
    assert (world.sel(technology=["fixed", "frontier"]) < 0).all()  # an efficient baseline, and research is paid for
    parts = mitigation(ds, "quota", economy)
    np.testing.assert_allclose(parts["mitigated"], parts["frontier"] + parts["gap"])
    assert (parts["gap"].values[0, :2] > 0).all()
    assert parts["gap"].values[0, 2] < 0  # ideas about rare earths are worth more, and fewer are made
    plain = ree.counterfactual(economy, quota, draws(0.0), technology, progress=False)
    without = plain["counterfactual"].to_dataset()["welfare"]
    np.testing.assert_array_equal(without.sel(technology="frontier"), without.sel(technology="directed"))
    np.testing.assert_array_equal(ds["welfare"].sel(technology="frontier"), without.sel(technology="frontier"))
    table = world_table(post).set_index(["whom", "technology"])
    assert table.loc[("world", "frontier"), "probability_gain"] == 0
    section = report_section.section(post, report_section.tables(post))
    assert section is not None
    said = next(block for block in section.blocks if isinstance(block, Notes)).lines[0]
    assert "by research on the frontier" in said
    assert "not available" not in said
    directed = post["counterfactual"].to_dataset().sel(technology=["fixed", "directed"])
    assert set(mitigation(directed, "quota", economy)) == {"mitigated"}  # what was not solved is not told apart


def test_a_group_that_is_not_there_is_named(economy: ree.Economy, quota: ree.Scenario) -> None:
    with pytest.raises(ree.InputError, match="no group 'prior'"):
        ree.threshold(economy, quota, draws(0.0), group="prior")
