"""The optimal tariff of two countries with one good each, against its formula.

Derivation. One factor, no intermediates, balanced trade, Armington varieties with trade elasticity ε (exponent of
(6)). Take the foreign wage as numéraire; abroad nothing is taxed, so that foreign income is a constant F. Foreigners
buy q = π F / p of home's variety at its price p, where π, home's share of foreign spending, falls with d ln π = −ε (1
− π) d ln p. Foreign demand therefore has the elasticity η = 1 + ε (1 − π). Home's imports at world prices are what
foreigners pay, p q = π F, and the foreign variety costs home 1 each before its tariff. So home trades q of its good
for R(q) = p q of the foreign one, on an offer curve with R′(q) = p (1 − 1/η). Whoever plans for home gives up a unit
of its own good as long as R′(q) units of imports are worth more: the price ratio that consumers face, p/(1 + t) as
home's good costs p and imports 1 + t, has to be R′(q). Hence 1 + t = η/(η − 1), and

    t = 1/(η − 1) = 1 / (ε (1 − π)),   π at the optimum.

Nothing here depends on home's size. A small country has π → 0 and t → 1/ε, not zero: it is the only seller of its
variety however small it is. It has no power over prices, and the tariff goes to zero, only as varieties become the same
good, ε → ∞.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.decisions.instruments import with_policies
from tests.economics.decisions import problem_of

NAMES = ["home", "abroad"]
TARIFF = ree.Instrument("tariff", ree.Tariff(0.0, importer="home", exporter="abroad"), 0.0, 1.0)


def two_countries(home_income: float, share_abroad: float, elasticity: float = 5.0) -> ree.Economy:
    """Abroad has an income of 1, of which it spends ``share_abroad`` on home's good; trade is balanced."""
    at_home = share_abroad / home_income
    share = np.array([[1 - at_home, at_home], [share_abroad, 1 - share_abroad]])[:, :, None]
    ds = xr.Dataset(
        {
            "trade_share": (("importer", "exporter", "sector"), share),
            "expenditure": (("country", "sector"), np.array([[home_income], [1.0]])),
            "factor_share": (("country", "factor", "sector"), np.ones((2, 1, 1))),
            "input_share": (("country", "input", "sector"), np.zeros((2, 1, 1))),
            "trade_elasticity": (("sector",), [elasticity]),
        },
        coords={
            "country": NAMES,
            "importer": NAMES,
            "exporter": NAMES,
            "sector": ["good"],
            "input": ["good"],
            "factor": ["labor"],
        },
    )
    return ree.Economy(ds)


def elasticities(*values: float) -> xr.DataTree:
    """A posterior of the trade elasticity: four draws that take the values in turn (one size compiles once)."""
    array = np.resize(values, 4)[None, :, None]
    coords = {"chain": [0], "draw": range(4), "traded_sector": ["good"]}
    ds = xr.Dataset({"trade_elasticity": (("chain", "draw", "traded_sector"), array)}, coords=coords)
    return xr.DataTree.from_dict({"posterior": ds})


def optimum(economy: ree.Economy, post: xr.DataTree, whom: str = "home", tail: float | None = None) -> xr.Dataset:
    """The best of home's tariffs on the foreign good."""
    return ree.optimise(economy, TARIFF, ree.Objective(whom, tail), post, technology="fixed")


def share_of_home(economy: ree.Economy, tariff: float, elasticity: float) -> float:
    """π: home's share of foreign spending under the tariff."""
    scenario = ree.Scenario(policies=(ree.Tariff(tariff, importer="home", exporter="abroad"),))
    result = ree.solve(economy, scenario, ree.Parameters(trade_elasticity=elasticity), "fixed")
    return float(result["trade_share"].sel(importer="abroad", exporter="home", sector="good"))


@pytest.mark.parametrize(
    ("income", "share", "elasticity"), [(0.6, 0.2, 5.0), (3.0, 0.4, 2.0), (1.0, 0.3, 9.0)], ids=str
)
def test_it_is_that_of_the_formula(income: float, share: float, elasticity: float) -> None:
    economy = two_countries(income, share)
    best = optimum(economy, elasticities(elasticity))
    tariff = float(best["optimum"][0])
    assert best.attrs["converged"]
    assert tariff == pytest.approx(1 / (elasticity * (1 - share_of_home(economy, tariff, elasticity))), rel=1e-4)
    assert float(best["gain"].mean()) > 0
    assert float(best["regret"].max()) < 0, "no corner of the bounds does as well"


def test_a_small_country_has_power_over_the_price_of_its_own_variety_only() -> None:
    small = two_countries(1e-4, 5e-5)
    for elasticity in (3.0, 8.0, 50.0):
        tariff = float(optimum(small, elasticities(elasticity))["optimum"][0])
        assert tariff == pytest.approx(1 / elasticity, rel=1e-3)


def test_under_uncertainty_it_is_between_those_of_the_draws_and_the_tail_asks_for_less() -> None:
    economy, values = two_countries(0.6, 0.2), (2.0, 4.0, 8.0, 12.0)
    each = [float(optimum(economy, elasticities(value))["optimum"][0]) for value in values]
    together = optimum(economy, elasticities(*values))
    tail = optimum(economy, elasticities(*values), tail=0.25)
    assert min(each) < float(together["optimum"][0]) < max(each)
    assert float(tail["optimum"][0]) == pytest.approx(each[-1], rel=1e-3), "the worst draw has the least to gain"
    worst = float(tail["gain"].min())
    assert worst > float(together["gain"].min()), "the tail is better off where it is the objective"
    assert float(together["gain"].mean()) > float(tail["gain"].mean())
    assert 0 < float(together["probability_helps"]) <= 1
    gains = together["gain"].values
    assert float(together["objective"].sel(rule="optimum")) == pytest.approx(gains.mean(), rel=1e-9)


def test_free_trade_is_best_for_the_world() -> None:
    best = optimum(two_countries(0.6, 0.2), elasticities(5.0), whom="all")
    assert float(best["optimum"][0]) == pytest.approx(0.0, abs=1e-6)
    assert float(best["objective"].sel(rule="tariff 1")) < 0


def test_slopes_are_central_differences_and_the_optimum_that_of_a_grid() -> None:
    economy, post = two_countries(0.6, 0.2), elasticities(3.0, 4.0, 6.0, 9.0)
    world = problem_of(economy, (TARIFF,), post, (1.0, 0.0), "fixed")
    index, step = np.arange(4), 1e-4
    _, slopes = world.slopes([0.3], world.draws(index))
    up, down = (world.money([0.3 + sign * step], index).welfare for sign in (1, -1))
    np.testing.assert_allclose(slopes.welfare[:, 0], (up - down) / (2 * step), rtol=1e-6)

    def gain(tariff: float) -> float:
        scenario = with_policies(ree.Scenario(), [TARIFF], [tariff])
        result = ree.solve(economy, scenario, ree.Parameters(trade_elasticity=4.0), "fixed")
        return 0.6 * float(np.expm1(result["welfare"].sel(country="home")))

    best = optimum(economy, elasticities(4.0))
    grid = np.linspace(0, 1, 41)
    gains = np.array([gain(tariff) for tariff in grid])
    top = int(np.argmax(gains))
    assert grid[top - 1] < float(best["optimum"][0]) < grid[top + 1]
    assert float(best["gain"][0, 0]) >= gains[top]
    assert float(best["gain"][0, 0]) == pytest.approx(gain(float(best["optimum"][0])), rel=1e-7)


def test_the_other_sides_tariff_stands_under_the_answer_to_it() -> None:
    economy, post = two_countries(0.6, 0.2), elasticities(4.0)
    theirs = ree.Scenario("theirs", policies=(ree.Tariff(0.4, importer="home", exporter="abroad"),))
    answer = ree.Instrument("answer", ree.Tariff(0.0, importer="abroad", exporter="home"), 0.0, 1.0)
    best = ree.optimise(economy, answer, ree.Objective("abroad"), post, theirs, technology="fixed")
    done = with_policies(theirs, [answer], best["optimum"].values.tolist())
    before, after = (
        float(np.expm1(ree.solve(economy, s, ree.Parameters(trade_elasticity=4.0), "fixed")["welfare"][1]))
        for s in (theirs, done)
    )
    assert before < 0 < float(best["optimum"][0])
    np.testing.assert_allclose(best["gain"], after - before, rtol=1e-6)
    assert "scenario theirs" in ree.optimum_text(best)


def test_a_cost_lowers_what_is_chosen_by_what_its_slope_says() -> None:
    """At the optimum the gain rises by as much as the cost."""
    economy, post = two_countries(0.6, 0.2), elasticities(4.0)
    dear = ree.Instrument("tariff", TARIFF.policy, 0.0, 1.0, cost=0.02)
    best = ree.optimise(economy, dear, ree.Objective("home"), post, technology="fixed")
    chosen = float(best["optimum"][0])
    assert 0 < chosen < float(optimum(economy, post)["optimum"][0])
    world = problem_of(economy, (TARIFF,), post, (1.0, 0.0), "fixed")
    _, slopes = world.slopes([chosen], world.draws(np.arange(4)))
    assert slopes.welfare[0, 0] == pytest.approx(0.02, rel=1e-4)
    assert float(best["cost"][0, 0]) == pytest.approx(0.02 * chosen)


def test_a_budget_binds() -> None:
    economy, post = two_countries(0.6, 0.2), elasticities(4.0)
    costly = ree.Instrument("tariff", TARIFF.policy, 0.0, 1.0, cost=1e-6)
    free = ree.optimise(economy, costly, ree.Objective("home"), post, technology="fixed")
    spent = float(free["cost"].mean())
    half = ree.optimise(economy, costly, ree.Objective("home", budget=spent / 2), post, technology="fixed")
    assert float(half["cost"].mean()) == pytest.approx(spent / 2, rel=1e-5)
    assert float(half["optimum"][0]) == pytest.approx(float(free["optimum"][0]) / 2, rel=1e-5)
    assert 0 < float(half["objective"].sel(rule="optimum")) < float(free["objective"].sel(rule="optimum"))
    assert "tariff 1" in free["rule"].values
    assert "tariff 1" not in half["rule"].values, "a rule beyond the budget is no alternative"
    least = ree.Instrument("tariff", TARIFF.policy, 0.1, 1.0, cost=1.0)
    with pytest.raises(ree.InputError, match="allows no value"):
        ree.optimise(economy, least, ree.Objective("home", budget=0.01), post, technology="fixed")


def test_the_budget_counts_what_is_paid_as_a_subsidy() -> None:
    """A subsidy of all that a country makes of one factor goes into its price: nobody gains, and it is still paid."""
    economy, post = two_countries(0.6, 0.2), elasticities(4.0)
    subsidy = ree.Instrument("subsidy", ree.Subsidy(0.0, country="home"), 0.0, 0.5)
    world = problem_of(economy, (subsidy,), post, (1.0, 1.0), "fixed")
    money = world.money([0.3], np.arange(4))
    result = ree.solve(
        economy,
        with_policies(ree.Scenario(), [subsidy], [0.3]),
        ree.Parameters(trade_elasticity=4.0),
        "fixed",
    )
    sold = 0.6 * float(np.exp(result["output"].sel(country="home", sector="good")))
    np.testing.assert_allclose(money.outlay, 0.3 * sold, rtol=1e-8)
    np.testing.assert_allclose(money.welfare, 0.0, atol=1e-10)


@pytest.mark.slow  # a scenario with a quota is a program of its own
def test_the_exporters_best_quota_does_what_its_best_tariff_does() -> None:
    """Lerner: with one good, holding exports back and taxing imports are the same policy."""
    economy, post = two_countries(0.6, 0.2), elasticities(4.0)
    quota = ree.Instrument("exports", ree.Licence("home", "all", ("good",), 1.0), 0.2, 1.0)
    held = ree.optimise(economy, quota, ree.Objective("home"), post, technology="fixed")
    taxed = optimum(economy, post)
    assert quota.low < float(held["optimum"][0]) < quota.high
    np.testing.assert_allclose(held["gain"], taxed["gain"], rtol=1e-7)
