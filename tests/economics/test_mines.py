"""A mine put into the baseline: the accounts still hold, it is as large as asked, and nobody else's spending moves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.counterfactuals.counterfactual import summarise_scenario
from reestim.errors import InputError
from reestim.results.caveats import caveats
from reestim.results.effects import described_scenarios
from reestim.study.scenario_file import read_scenario
from reestim.supply_chain.ree_rows import ree_input_output
from tests.oracles import random_economy
from tests.unit.supply_world import tiny_world


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


def test_more_ore_abroad_lowers_what_users_pay_and_what_other_mines_earn() -> None:
    """The more, the larger the new deposit; and the world gains the ore."""
    economy = random_economy(73, countries=3, goods=2, elements=1).with_mine("c2", "e0", 0.02)
    users = np.asarray(economy.baseline.ree_share > 0)
    assert users.any()
    income = np.asarray(economy.baseline.income)
    before = None
    for size in (2.0, 5.0):
        found = ree.solve(economy, ree.Scenario(policies=(ree.SupplyShock("c2", "e0", size),)), ree.Parameters())
        moved = {
            "what users pay": found.ree_price.values[users],
            "price on every market": found.price.sel(sector="e0").values,
            "value of the other mines": found.output.sel(sector="e0", country=["c0", "c1"]).values,
            "less the world's real income": -(income @ found.welfare.values),
        }
        assert all(np.all(value < (0 if before is None else before[name])) for name, value in moved.items()), moved
        before = moved


FILE = """
name = "opened"
[[mine]]
country = "c2"
elements = "e0"
share_of_world = 0.02
source = "made up"
[[supply_shock]]
country = "c2"
elements = ["e0"]
quantity_change = 5.0
"""


def test_a_mine_in_a_scenario_file_is_the_mine_in_python(tmp_path: Path) -> None:
    (tmp_path / "opened.toml").write_text(FILE)
    scenario = read_scenario(tmp_path / "opened.toml")
    assert scenario.mines == (ree.Mine("c2", "e0", 0.02),)
    economy = random_economy(73, countries=3, goods=2, elements=1)
    by_hand = ree.Scenario(name="opened", policies=scenario.policies)
    expected = ree.solve(economy.with_mine("c2", "e0", 0.02), by_hand, ree.Parameters())
    xr.testing.assert_identical(ree.solve(economy, scenario, ree.Parameters()), expected)
    kappa = xr.DataArray([[1.0, 1.0]], dims=("chain", "draw"))
    post = xr.DataTree.from_dict({"posterior": xr.Dataset({"kappa": kappa})})
    without = ree.Scenario("without", policies=(ree.SupplyShock("c0", "e0", 5.0),))
    both = ree.counterfactual(economy, [scenario, without], post, technology="directed", progress=False)
    found = both["counterfactual"].to_dataset().sel(chain=0, draw=1, technology="directed")
    np.testing.assert_allclose(found.welfare.sel(scenario="opened"), expected.welfare, atol=1e-9)
    alone = ree.solve(economy, without, ree.Parameters())
    np.testing.assert_allclose(found.welfare.sel(scenario="without"), alone.welfare, atol=1e-9)
    (mine,) = described_scenarios(both["counterfactual"].to_dataset())["opened"]["mines"]
    assert mine == {"country": "c2", "elements": "e0", "share_of_world": 0.02}


def test_mines_that_cannot_be_are_listed_together(tmp_path: Path) -> None:
    economy = random_economy(73, countries=3, goods=2, elements=1)
    mines = (ree.Mine("nowhere", "e0", 0.02), ree.Mine("c0", "e0", 0.02))
    scenario = ree.Scenario("both", policies=(ree.SupplyShock("c0", "e0", 2.0),), mines=mines)
    with pytest.raises(InputError, match="'both' does not fit") as refused:
        ree.solve(economy, scenario, ree.Parameters())
    assert len(refused.value.problems) == 2
    mine = FILE[: FILE.index("[[supply")]
    (tmp_path / "wrong.toml").write_text(mine.replace("0.02", "2") + '[[mine]]\ncuntry = "c1"\n')
    with pytest.raises(InputError) as caught:
        read_scenario(tmp_path / "wrong.toml")
    said = str(caught.value)
    for words in ("[[mine]] 1, key 'share_of_world'", "Did you mean 'country'?", "[[mine]] 2, key 'elements'"):
        assert words in said
    (tmp_path / "twice.toml").write_text(mine + mine[mine.index("[[mine") :])
    with pytest.raises(InputError) as caught:
        read_scenario(tmp_path / "twice.toml")
    assert "are the same mine" in str(caught.value)
    assert "changes nothing" in str(caught.value)
    assert "supply_shock" in str(caught.value)


def test_a_mine_of_several_elements_is_the_mines_of_each() -> None:
    economy = ree.Economy(ree_input_output(tiny_world()))  # Japan mines nothing
    one_by_one = economy.with_mine("JPN", "Nd", 0.02).with_mine("JPN", "Ce", 0.02)
    for elements in (("Nd", "Ce"), "all"):
        xr.testing.assert_allclose(ree.Mine("JPN", elements, 0.02).opened(economy).ds, one_by_one.ds)
    assert ree.Mine("JPN", "all", 0.02).labels(economy.with_mine("JPN", "Nd", 0.02)) == ("Ce",)
    with pytest.raises(InputError, match="mines every element"):
        ree.Mine("JPN", "all", 0.02).opened(one_by_one)


def test_what_a_scenario_gets_for_nothing_is_said_with_its_size() -> None:
    economy = ree.Economy(ree_input_output(tiny_world()))
    mine, more = ree.Mine("JPN", ("Nd", "Ce"), 0.1), ree.SupplyShock("JPN", "all", 3.0)
    (ore,) = caveats(summarise_scenario(ree.Scenario(mines=(mine,), policies=(more,))), economy)
    # 800 t + 90 t of Nd and 900 t + 600 t of Ce are used, and supplied, in the world
    assert "the new mine in Japan begins with 10 %" in ore
    assert "Nd, Ce, about 89 t Nd, 150 t Ce" in ore
    assert "upper bound" in ore
    (scrap,) = caveats(summarise_scenario(ree.Scenario(policies=(ree.Recycling(0.2),))))
    assert scrap.startswith("Scrap costs nothing to collect")
    closed = ree.Scenario(policies=(ree.SupplyShock("CHN", "Nd", 0.5), ree.Recycling(0.0)))
    assert caveats(summarise_scenario(closed)) == []


def test_a_file_may_name_several_elements_and_each_once(tmp_path: Path) -> None:
    file = tmp_path / "opened.toml"
    file.write_text(FILE.replace('elements = "e0"', 'elements = ["e0", "e1"]'))
    assert read_scenario(file).mines == (ree.Mine("c2", ("e0", "e1"), 0.02),)
    again = '[[mine]]\ncountry = "c2"\nelements = "e1"\nshare_of_world = 0.1\n'
    file.write_text(FILE.replace('elements = "e0"', 'elements = ["e0", "e1"]') + again)
    with pytest.raises(InputError, match=r"entries 1 and 2 of \[\[mine\]\] are the same mine"):
        read_scenario(file)
    file.write_text(FILE.replace('elements = "e0"', 'element = "e0"'))
    with pytest.raises(InputError, match="Did you mean 'elements'"):
        read_scenario(file)
