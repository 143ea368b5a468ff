"""A sweep whose reference draw quick steps do not solve: Newton's method is asked once, not once a draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.equilibrium import reference, sweep
from tests.oracles import random_economy


@pytest.mark.slow  # compiles for a quarter of a minute
def test_newton_solves_the_reference_draw_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large economy, whose Jacobian is not inverted."""
    monkeypatch.setattr(reference, "DENSE_UP_TO", 0)
    economy = random_economy(4, 3, 3, 2, factors=1, zero_flows=False, taxes=False, ree_share=(1e-3, 1e-2))
    quota = ree.Scenario("quota", policies=(ree.ExportQuota(str(economy.countries[0]), "all", 0.7),))
    sigma = xr.DataArray(np.linspace(0.3, 0.6, 5), dims="draw")
    draws = ree.Parameters(sigma=sigma, kappa=1.2, trade_elasticity=4.0).to_batch(economy, "directed", "draw")
    policy = quota.to_arrays(economy)

    def welfare() -> Any:
        found = sweep.solve_draws(economy.baseline, policy, draws, 1e-11, ("welfare",), 5)
        assert found.solved.all()
        return found.outcomes["welfare"]

    expected, solve, newton = welfare(), reference._accelerated, reference.solve_by_newton
    asked = {"accelerated": 0, "newton": 0}

    def stalls_at_first(*args: Any) -> Any:
        asked["accelerated"] += 1
        known, worst = solve(*args)
        return known, worst if asked["accelerated"] > 1 else np.inf

    def counted(*args: Any) -> Any:
        asked["newton"] += 1
        return newton(*args)

    monkeypatch.setattr(reference, "_accelerated", stalls_at_first)
    monkeypatch.setattr(reference, "solve_by_newton", counted)
    np.testing.assert_allclose(welfare(), expected, atol=1e-10)
    assert asked == {"accelerated": 2, "newton": 1}


def test_draws_far_from_the_reference_are_solved_from_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few steps a round only the nearest draws are solved from the reference; no draw needs Newton's method."""
    economy = random_economy(4, 3, 3, 2, factors=1, zero_flows=False, taxes=False, ree_share=(1e-3, 1e-2))
    quota = ree.Scenario("quota", policies=(ree.ExportQuota(str(economy.countries[0]), "all", 0.4),))
    sigma = xr.DataArray(np.linspace(0.15, 1.2, 40), dims="draw")
    draws = ree.Parameters(sigma=sigma, kappa=1.2, trade_elasticity=4.0).to_batch(economy, "fixed", "draw")
    policy = quota.to_arrays(economy)
    expected = sweep.solve_draws(economy.baseline, policy, draws, 1e-11, ("welfare",), 8)

    def refused(*_: Any) -> Any:
        raise AssertionError("no draw is left for Newton's method")

    monkeypatch.setattr(sweep, "solve_by_newton", refused)
    monkeypatch.setattr(sweep, "STEPS_A_ROUND", 9)
    found = sweep.solve_draws(economy.baseline, policy, draws, 1e-11, ("welfare",), 8)
    assert found.solved.all()
    assert expected.solved.all()
    assert (found.steps > 9).any(), "more than one round was needed"
    np.testing.assert_allclose(found.outcomes["welfare"], expected.outcomes["welfare"], atol=1e-10)
