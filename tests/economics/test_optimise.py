"""Instruments and objectives: where they stand in the arrays, slopes, the tail, and what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import reestim as ree
from reestim.decisions.instruments import place, with_policies, with_values
from tests.economics.decisions import problem_of
from tests.economics.posteriors import posterior
from tests.oracles import random_economy

#: One instrument of each kind, with a value at which all of them act.
EVERY = (
    (ree.Instrument("tariff", ree.Tariff(0.0, importer="c1", exporter="c2"), 0.0, 0.5), 0.2),
    (ree.Instrument("export tax", ree.ExportTax(0.0, exporter="c2", sectors=("g0",)), 0.0, 0.5), 0.1),
    (ree.Instrument("quota", ree.ExportQuota("c0", "all", 1.0, leakage=0.1), 0.3, 1.0), 0.6),
    (ree.Instrument("licence", ree.Licence("c0", "all", ("g1",), 1.0, waste=0.2), 0.3, 1.0), 0.7),
    (ree.Instrument("subsidy", ree.Subsidy(0.0, country="c1", sectors=("e0",)), 0.0, 0.5), 0.3),
    (ree.Instrument("mines", ree.SupplyShock("c1", "all", 1.0), 0.5, 3.0, cost=0.01), 1.5),
    (ree.Instrument("scrap", ree.Recycling(0.0, country="c2"), 0.0, 0.5, cost=0.01), 0.2),
)
TARIFF, QUOTA = EVERY[0][0], EVERY[2][0]


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    """Three countries, two goods, one element that all mine, and that all need much of."""
    return random_economy(33, countries=3, goods=2, elements=1, ree_share=(0.02, 0.2), zero_flows=False, taxes=False)


def test_instruments_move_the_arrays_as_their_policies_do(economy: ree.Economy) -> None:
    instruments, values = [one for one, _ in EVERY], [value for _, value in EVERY]
    nothing, names, placement = place(economy, ree.Scenario(), instruments, "independent")
    moved = with_values(nothing, names, placement, jnp.array(values))
    stated = with_policies(ree.Scenario(), instruments, values).to_arrays(economy)
    for ours, theirs in zip(jax.tree.leaves(moved), jax.tree.leaves(stated), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-15)
    assert len(set(names)) == 6, "every kind of array is moved"


@pytest.mark.slow  # half a minute to compile; the default suite has the slope of a tariff (test_optimal_tariff.py)
def test_slopes_in_every_kind_of_instrument_are_central_differences(economy: ree.Economy) -> None:
    post = posterior(economy, draws=1)  # of two chains
    problem = problem_of(economy, tuple(one for one, _ in EVERY), post, (0.0, 1.0, 1.0), "directed")
    values, index = np.array([value for _, value in EVERY]), np.arange(2)
    money, slopes = problem.slopes(values.tolist(), problem.draws(index))
    swept = problem.money(values.tolist(), index)
    assert money.solved.all()
    assert swept.solved.all()
    np.testing.assert_allclose(money.welfare, swept.welfare, rtol=1e-8)
    np.testing.assert_allclose(money.outlay, swept.outlay, rtol=1e-8)
    step = 1e-4
    for k in range(len(values)):
        by = step * np.eye(len(values))[k]
        up, down = (problem.money((values + sign * by).tolist(), index) for sign in (1, -1))
        for name in ("welfare", "outlay"):
            difference = (getattr(up, name) - getattr(down, name)) / (2 * step)
            scale = np.abs(getattr(slopes, name)).max()
            np.testing.assert_allclose(getattr(slopes, name)[:, k], difference, atol=1e-6 * scale, err_msg=name)
    assert (np.abs(slopes.welfare) > 0).all(), "every instrument matters"


def test_what_adds_material_states_its_cost() -> None:
    for policy in (ree.SupplyShock("c1", "all", 1.0), ree.Recycling(0.0, country="c1")):
        with pytest.raises(ree.InputError, match="nothing is free"):
            ree.Instrument("material", policy, 0.1, 0.2)
    assert ree.Instrument("mines", ree.SupplyShock("c1", "all", 1.0), 1.0, 2.0, cost=3.0).stated_cost(1.5) == (1.5, 3.0)


def test_the_tail_is_the_mean_of_the_worst() -> None:
    money = np.array([3.0, -2.0, 5.0, 0.0, 1.0, 4.0, 2.0, 8.0])
    assert ree.Objective("c0", tail=0.25).value(money) == pytest.approx((-2.0 + 0.0) / 2)
    assert ree.Objective("c0", tail=0.2).value(money) == pytest.approx((-2.0 / 8 + 0.0 * 0.6 / 8) / 0.2)
    assert ree.Objective("c0", tail=1.0).value(money) == pytest.approx(money.mean())
    assert ree.Objective("c0").value(money) == pytest.approx(money.mean())


def test_all_that_is_wrong_is_listed(economy: ree.Economy) -> None:
    with pytest.raises(ree.InputError) as wrong:
        ree.Instrument("", ree.Tariff(0.0), -2.0, 0.5, cost=-1.0)
    assert len(wrong.value.problems) == 3
    with pytest.raises(ree.InputError, match="no rate or quantity"):
        ree.Instrument("ban", ree.Embargo("c0", "all"), 0.0, 1.0)
    post = posterior(economy, draws=1)
    with pytest.raises(ree.InputError, match="unknown country"):
        ree.optimise(economy, TARIFF, ree.Objective("Atlantis"), post)
    with pytest.raises(ree.InputError, match="one name"):
        ree.optimise(economy, [TARIFF, TARIFF], ree.Objective("c1"), post)
    licence = ree.Scenario(policies=(ree.Licence("c0", "all", ("e0",), 0.8),))
    with pytest.raises(ree.InputError, match="same tonnes"):
        ree.optimise(economy, QUOTA, ree.Objective("c0"), post, licence)
