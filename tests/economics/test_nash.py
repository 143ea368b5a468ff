"""Nash equilibrium of policies against a known answer: each country's tariff is optimal at the other's.

With revenue of the foreign tariff t* in foreign income the offer curve of `test_optimal_tariff` changes in one place:
foreigners pay (1 + t*)·p for home's variety, of an income that has the revenue. Their demand for home's good at world
prices is π F(p) / ((1 + t*) p), F = F₀ / (1 − t*/(1+t*)·π), F₀ their wage bill. With d ln π = −ε (1 − π) d ln p, the
elasticity of what they pay, R = πF/(1 + t*), is d ln R / d ln p = −ε (1 − π)/(1 − kπ), k = t*/(1 + t*). So η = 1 +
ε (1 − π)/(1 − kπ), and home's tariff is t = 1/(η − 1) = (1 − kπ)/(ε (1 − π)).
"""

from __future__ import annotations

import numpy as np
import pytest

import reestim as ree
from reestim.errors import InputError
from tests.economics.test_optimal_tariff import TARIFF, elasticities, two_countries

ANSWER = ree.Instrument("answer", ree.Tariff(0.0, importer="abroad", exporter="home"), 0.0, 1.0)


def players(high: float = 1.0) -> list[ree.Player]:
    answer = ree.Instrument("answer", ANSWER.policy, 0.0, high)
    return [ree.Player("us", ree.Objective("home"), [TARIFF]), ree.Player("them", ree.Objective("abroad"), [answer])]


def formula(economy: ree.Economy, ours: float, theirs: float, elasticity: float, home: str, abroad: str) -> float:
    """The optimal tariff of ``home`` at the shares of both tariffs."""
    policies = (ree.Tariff(ours, importer=home, exporter=abroad), ree.Tariff(theirs, importer=abroad, exporter=home))
    result = ree.solve(economy, ree.Scenario(policies=policies), ree.Parameters(trade_elasticity=elasticity), "fixed")
    share = float(result["trade_share"].sel(importer=abroad, exporter=home, sector="good"))
    return (1 - theirs / (1 + theirs) * share) / (elasticity * (1 - share))


@pytest.mark.parametrize(
    ("income", "share", "damping"), [(1.0, 0.3, 1.0), pytest.param(0.5, 0.2, 0.7, marks=pytest.mark.slow)], ids=str
)
def test_each_tariff_is_optimal_at_the_others(income: float, share: float, damping: float) -> None:
    economy = two_countries(income, share)
    found = ree.nash(economy, players(), elasticities(4.0), technology="fixed", damping=damping, tolerance=1e-6)
    assert found.attrs["converged"], found.attrs["search"]
    ours, theirs = found["choice"].values.tolist()
    assert ours == pytest.approx(formula(economy, ours, theirs, 4.0, "home", "abroad"), rel=1e-4)
    assert theirs == pytest.approx(formula(economy, theirs, ours, 4.0, "abroad", "home"), rel=1e-4)
    assert float(found["deviation_share"].max()) < 1e-6
    assert found["at_bound"].values.tolist() == [0, 0]
    if income == 1.0:
        assert ours == pytest.approx(theirs, rel=1e-4), "two alike choose alike"
        assert (found["objective"] < 0).all(), "both lose by the war"


def test_what_did_not_settle_or_stands_at_a_bound_is_said() -> None:
    economy, post = two_countries(1.0, 0.3), elasticities(4.0)
    early = ree.nash(economy, players(), post, technology="fixed", rounds=1, damping=0.1)
    assert not early.attrs["converged"]
    assert "still move" in early.attrs["search"]
    assert "us gains" in early.attrs["search"]
    assert (early["deviation_gain"] > 0).all()
    held = ree.nash(economy, players(high=0.05), post, technology="fixed")
    assert held.attrs["converged"]
    assert held["at_bound"].sel(instrument="answer").item() == 1
    assert float(held["choice"].sel(instrument="answer")) == pytest.approx(0.05)
    assert held["chosen_by"].values.tolist() == ["us", "them"]


def test_all_that_is_wrong_is_listed() -> None:
    economy, post = two_countries(1.0, 0.3), elasticities(4.0)
    with pytest.raises(InputError) as wrong:
        ree.nash(economy, players()[:1], post, technology="fixed", damping=0.0, rounds=0)
    assert len(wrong.value.problems) == 3
    with pytest.raises(InputError, match="two players"):
        ree.nash(
            economy,
            [ree.Player("us", ree.Objective("home"), [TARIFF]), ree.Player("us", ree.Objective("abroad"), [ANSWER])],
            post,
            technology="fixed",
        )
    with pytest.raises(InputError) as wrong:
        ree.Player("", ree.Objective("home", budget=1.0), [])
    assert len(wrong.value.problems) == 3


@pytest.mark.slow  # three equilibria more
def test_uncertain_players_choose_between_the_equilibria_of_the_draws() -> None:
    economy = two_countries(1.0, 0.3)
    each = [
        float(ree.nash(economy, players(), elasticities(value), technology="fixed")["choice"][0])
        for value in (3.0, 8.0)
    ]
    both = ree.nash(economy, players(), elasticities(3.0, 8.0), technology="fixed")
    assert min(each) < float(both["choice"][0]) < max(each)
    np.testing.assert_allclose(both["choice"][0], both["choice"][1], rtol=1e-3)
