"""A mine put into the baseline: the accounts still hold, it is as large as asked, and nobody else's spending moves."""

from __future__ import annotations

import json

import numpy as np
import pytest

import reestim as ree
from reestim.errors import InputError
from tests.oracles import random_economy


@pytest.mark.parametrize("seed", range(5))
def test_the_accounts_hold_with_the_mine(seed: int) -> None:
    economy = random_economy(70 + seed)
    made = economy.with_mine("c3", "e0", 0.05)
    assert float(made.check()["relative_gap"].max()) < 1e-10
    old, new = economy.baseline, made.baseline
    s = economy.sectors.index("e0")
    revenue = np.asarray(new.output)[:, s]
    assert revenue[3] / revenue.sum() == pytest.approx(0.05, rel=1e-10)
    np.testing.assert_allclose(new.expenditure, old.expenditure)
    others = np.arange(len(economy.sectors)) != s
    np.testing.assert_allclose(new.output[:, others], old.output[:, others], rtol=1e-12)
    np.testing.assert_allclose(float(new.deficit.sum()), 0, atol=1e-9 * float(new.income.sum()))
    (mine,) = json.loads(made.ds.attrs["mines"])
    assert mine["largest_move_of_a_deficit"] == pytest.approx(float(np.abs(new.deficit - old.deficit).max()))


def test_a_vanishing_mine_leaves_the_economy_alone() -> None:
    economy = random_economy(71)
    made = economy.with_mine("c3", "e0", 1e-9)
    np.testing.assert_allclose(made.baseline.output[:, :4], economy.baseline.output[:, :4], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(made.baseline.income, economy.baseline.income, rtol=1e-7)


def test_a_mine_that_cannot_be_is_refused_in_words() -> None:
    economy = random_economy(72)
    with pytest.raises(InputError, match="unknown country") as refused:
        economy.with_mine("nowhere", "lead", 2.0)
    assert len(refused.value.problems) == 3
    with pytest.raises(InputError, match="mines e0 in the baseline"):
        economy.with_mine("c0", "e0", 0.01)


def test_more_ore_abroad_lowers_what_users_pay() -> None:
    economy = random_economy(73, countries=3, goods=2, elements=1).with_mine("c2", "e0", 0.02)
    wider = ree.Scenario(policies=(ree.SupplyShock("c2", "e0", 5.0),))
    found = ree.solve(economy, wider, ree.Parameters())
    assert bool((found.ree_price.sel(sector="g1") < 0).all())
