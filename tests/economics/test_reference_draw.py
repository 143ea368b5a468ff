"""A sweep whose reference draw the accelerated steps do not solve: Newton's method is asked once, not once a draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.equilibrium import sweep
from tests.oracles import random_economy


def test_newton_solves_the_reference_draw_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    economy = random_economy(4, 3, 3, 2, factors=1, zero_flows=False, taxes=False, ree_share=(1e-3, 1e-2))
    quota = ree.Scenario("quota", policies=(ree.ExportQuota(str(economy.countries[0]), "all", 0.7),))
    sigma = xr.DataArray(np.linspace(0.3, 0.6, 5), dims="draw")
    draws = ree.Parameters(sigma=sigma, kappa=1.2, trade_elasticity=4.0).to_batch(economy, "directed", "draw")
    policy = quota.to_arrays(economy)

    def welfare() -> Any:
        found = sweep.solve_draws(economy.baseline, policy, draws, 1e-11, ("welfare",), 5)
        assert found.solved.all()
        return found.outcomes["welfare"]

    expected, solve, newton = welfare(), sweep._solve_reference_draw, sweep.solve_by_newton
    asked = {"reference": 0, "newton": 0}

    def stalls_at_first(*args: Any) -> Any:
        asked["reference"] += 1
        warm_start, worst = solve(*args)
        return warm_start, worst if asked["reference"] > 1 else np.inf

    def counted(*args: Any) -> Any:
        asked["newton"] += 1
        return newton(*args)

    monkeypatch.setattr(sweep, "_solve_reference_draw", stalls_at_first)
    monkeypatch.setattr(sweep, "solve_by_newton", counted)
    np.testing.assert_allclose(welfare(), expected, atol=1e-10)
    assert asked == {"reference": 2, "newton": 1}
