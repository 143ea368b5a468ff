"""Exact-hat solver against an independent one in levels (tests/economics/levels_oracle.py)."""

from __future__ import annotations

import numpy as np
import pytest

import reestim as ree
from tests.economics.levels_oracle import solve_levels
from tests.oracles import random_economy, random_parameters, random_scenario


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_independent_solver(seed: int) -> None:
    directed, binding = seed % 2 == 0, seed % 3 == 0
    economy = random_economy(
        50 + seed, countries=3, goods=2, elements=1 + seed % 2, zero_flows=False, ree_share=(0.01, 0.3)
    )
    parameters = random_parameters(50 + seed, economy)
    scenario = random_scenario(50 + seed, economy, size=0.25, quota=0.6 if binding else None)
    technology = "directed" if directed else "fixed"
    result = ree.solve(economy, scenario, parameters, technology=technology, tolerance=1e-12)

    shape = economy.ds.expenditure.shape
    foreign = ~np.eye(shape[0], dtype=bool)[:, :, None]
    policy = {
        "tariff": np.where(foreign, scenario.tariff.values, 0.0),
        "export_tax": np.where(foreign, scenario.export_tax.values, 0.0),
        "trade_cost": np.where(foreign, scenario.trade_cost.values, 1.0),
        "productivity": scenario.productivity.values,
        "quota": {(0, economy.sectors.index(e)): 0.6 for e in economy.elements if binding},
    }
    if binding:  # the oracle takes every quota as binding: make sure that they are
        rent = result.quota_rent.sel(country="c0", sector=list(economy.elements))
        assert float(rent.min()) > 0
    oracle = solve_levels(
        economy.ds,
        sigma=np.broadcast_to(parameters.sigma.values, shape),
        kappa=parameters.kappa,
        xi=parameters.spillover,
        chi=parameters.crowding_out,
        psi=parameters.diffusion,
        rho=np.full(shape, parameters.element_elasticity),
        policy=policy,
        directed=directed,
    )
    assert np.abs(oracle["welfare"]).max() > 1e-3
    for name in ("welfare", "trade_share", "price", "export_tax"):
        np.testing.assert_allclose(result[name], oracle[name], atol=1e-8, err_msg=name)
    users = np.asarray(economy.baseline.ree_share) > 0
    np.testing.assert_allclose(result.ree_technology.values[users], oracle["ree_technology"][users], atol=1e-8)
