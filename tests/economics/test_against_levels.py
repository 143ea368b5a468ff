"""The exact-hat solver against the independent oracle in levels (tests/economics/levels)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from tests.economics.levels.random_worlds import random_policy, random_technology, random_world
from tests.economics.levels.solver import NotFoundError, Solution, solve
from tests.economics.levels.technology import Clock, Technology
from tests.economics.levels.world import Policy, World
from tests.economics.levels_adapter import as_economy, as_parameters, as_scenario

CLOSE = 1e-8


def answer(world: World, technology: Technology, policy: Policy) -> xr.Dataset:
    """What reestim finds."""
    return ree.solve(
        as_economy(world),
        as_scenario(world, policy),
        as_parameters(world, technology),
        technology="directed" if technology.directed else "fixed",
        supply="joint" if policy.joint else "independent",
        tolerance=1e-12,
    )


def assert_agree(result: xr.Dataset, oracle: Solution) -> None:
    """Every result that both have, where there is something to compare."""
    world, o, u = oracle.world, oracle.outcome, oracle.unknowns
    users, made, bought = world.ree_share > 0, world.revenue > 0, world.expenditure > 0
    known, elements = o.costs.knowledge, len(world.resources)
    everywhere = np.ones(world.income.shape, dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = {
            "welfare": (o.welfare, everywhere),
            "income": (np.log(o.income / world.income), everywhere),
            "price": (np.log(u.price), bought),
            "unit_cost": (np.log(o.costs.unit), made),
            "output": (np.log(o.revenue / world.revenue), made),
            "expenditure": (u.expenditure, bought),
            "trade_share": (o.trade_share, world.trade_share > 0),
            "export_tax": (o.export_tax, world.trade_share > 0),
            "ree_technology": (known.log_a, users),
            "other_technology": (known.log_b, users),
            "ree_share": (o.costs.ree_share, users),
            "element_share": (o.costs.member_share[:, :elements], world.member_share[:, :elements] > 0),
        }
    for name, (value, where) in expected.items():
        np.testing.assert_allclose(result[name].values[where], value[where], rtol=CLOSE, atol=CLOSE, err_msg=name)
    np.testing.assert_allclose(result.quota_rent.sum("sector"), o.rent, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(
    "seed", [pytest.param(24, marks=pytest.mark.slow), pytest.param(28, marks=pytest.mark.slow), 29]
)
def test_agrees_with_the_oracle(seed: int) -> None:
    """Frontier, spillover, gap and diffusion; nests, carriers and mines; taxes, quotas, licences, scrap, subsidies."""
    world = random_world(seed)
    technology, policy = random_technology(seed, world), random_policy(seed, world)
    oracle = solve(world, technology, policy)
    assert np.abs(oracle.outcome.welfare).max() > 1e-3
    assert_agree(answer(world, technology, policy), oracle)


@pytest.mark.slow
def test_agrees_with_the_oracle_in_many_worlds() -> None:
    """60 worlds of three shapes; those in which the oracle finds nothing are counted."""
    missed = 0
    shapes = (
        {},
        {"countries": 4, "goods": 3, "elements": 3, "carriers": 2},
        {"goods": 4, "elements": 1, "carriers": 0},
    )
    for seed in range(60):
        world = random_world(100 + seed, **shapes[seed % 3])
        technology, policy = random_technology(100 + seed, world), random_policy(100 + seed, world)
        try:
            oracle = solve(world, technology, policy)
        except NotFoundError:
            missed += 1
            continue
        assert_agree(answer(world, technology, policy), oracle)
    assert missed <= 2


@pytest.mark.slow
def test_a_transition_agrees_with_the_oracle_year_by_year() -> None:
    """A tax for three years: knowledge follows by (2b), and is lost afterwards no faster than it is obsolete."""
    rate, obsolescence, growth = 0.6, 0.02, 0.01
    world = random_world(2)
    technology, users = random_technology(2, world), world.ree_share > 0
    years = range(2010, 2015)
    tax = ree.ExportTax(4.0, "all", "c0", ("e2", "e3"), years=(2010, 2011, 2012))
    clock = {"adjustment_rate": rate, "obsolescence": obsolescence, "knowledge_growth": growth}
    path = ree.solve(
        as_economy(world),
        ree.Scenario(policies=(tax,)),
        as_parameters(world, technology, **clock),
        technology="transition",
        years=years,
        tolerance=1e-12,
    )
    before, floor, lost = np.zeros(users.shape), float(np.log(1 - obsolescence) - growth), 0
    taxed = world.export_tax.copy()
    taxed[1:, 0, [2, 3]] = 4.0
    for year in years:
        policy = Policy(export_tax=taxed if year in tax.years else None)
        oracle = solve(world, dataclasses.replace(technology, clock=Clock(before, rate, floor)), policy)
        known = oracle.outcome.costs.knowledge
        lost += int(np.isclose(known.bias - before, floor, atol=1e-12)[users].sum())
        before = known.bias
        found = path.sel(year=year)
        np.testing.assert_allclose(found.welfare, oracle.outcome.welfare, atol=CLOSE)
        np.testing.assert_allclose(found.ree_technology.values[users], known.log_a[users], atol=CLOSE)
    assert lost > 0
