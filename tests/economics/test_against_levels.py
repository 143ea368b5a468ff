"""Exact-hat solver against an independent one in levels (tests/economics/levels_oracle.py)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from tests.economics.levels_oracle import solve_levels
from tests.oracles import random_economy, random_parameters, random_scenario


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_independent_solver(seed: int) -> None:
    """Taxes, trade costs, productivity; quotas, subsidies, mines and scrap; joint supply with odd seeds."""
    directed, binding, joint = seed % 2 == 0, seed % 3 == 0, seed % 2 == 1
    economy = random_economy(50 + seed, countries=3, goods=2, elements=2, zero_flows=False, ree_share=(0.01, 0.3))
    parameters = random_parameters(50 + seed, economy)
    arrays = random_scenario(50 + seed, economy, size=0.25)
    policies = (
        *((ree.ExportQuota("c0", "all", 0.1, pooled=False),) if binding else ()),
        ree.Subsidy(0.2, "c1", ("g1",)),
        ree.SupplyShock("c1", ("e1",), 1.5),
        ree.Recycling(0.3, "c2", ("e0",)),
    )
    scenario = dataclasses.replace(arrays, policies=policies)
    technology, supply = ("directed" if directed else "fixed"), ("joint" if joint else "independent")
    result = ree.solve(economy, scenario, parameters, technology=technology, tolerance=1e-12, supply=supply)

    shape = economy.ds.expenditure.shape
    foreign = ~np.eye(shape[0], dtype=bool)[:, :, None]

    def where(array: xr.DataArray, start: float, value: float, **cell: str) -> np.ndarray:
        filled = xr.full_like(array, start)
        filled.loc[cell] = value
        return filled.values

    policy = {
        "tariff": np.where(foreign, scenario.tariff.values, 0.0),
        "export_tax": np.where(foreign, scenario.export_tax.values, 0.0),
        "trade_cost": np.where(foreign, scenario.trade_cost.values, 1.0),
        "productivity": scenario.productivity.values,
        "quota": {(0, economy.sectors.index(e)): 0.1 for e in economy.elements if binding},
        "subsidy": where(economy.ds.expenditure, 0.0, 0.2, country="c1", sector="g1"),
        "endowment": where(economy.ds.factor_share.isel(sector=0), 1.0, 1.5, country="c1", factor="resource_e1"),
        "recycled": where(economy.ds.element_share.isel(sector=0), 0.0, 0.3, country="c2", element="e0"),
        "joint": joint,
    }
    if binding:  # the oracle takes every quota as binding: make sure that they are
        rent = result.quota_rent.sel(country="c0", sector=list(economy.elements))
        assert float(rent.min()) > 0
    oracle = solve_levels(
        economy.ds,
        sigma=np.broadcast_to(parameters.sigma.values, shape),
        kappa=parameters.kappa,
        xi=parameters.spillover,
        gap=parameters.spillover_gap,
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
