"""The horizon of a scenario is a choice of elasticities, the same for every technology."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError, ParameterError
from reestim.results.effects import described_scenarios
from tests.oracles import random_economy, random_scenario

ECONOMY = random_economy(91, countries=3, goods=2, elements=2, factors=1)
PARAMETERS = ree.Parameters(
    sigma=0.4,
    kappa=0.5,
    element_elasticity=0.8,
    supply_elasticity=0.4,
    long_run_supply_elasticity=1.5,
    impact_ratio=0.2,
)
SCENARIO = random_scenario(91, ECONOMY, size=0.05, quota=0.6)


def at(horizon: str) -> ree.Scenario:
    return dataclasses.replace(SCENARIO, horizon=horizon)


def test_a_horizon_is_its_elasticities() -> None:
    s = 0.2
    months = dataclasses.replace(
        PARAMETERS,
        sigma=s * PARAMETERS.sigma,
        element_elasticity=s * PARAMETERS.element_elasticity,
        supply_elasticity=s * 0.4,
    )
    meant = {"months": months, "year": PARAMETERS, "long": dataclasses.replace(PARAMETERS, supply_elasticity=1.5)}
    dearest = {}
    for horizon, parameters in meant.items():
        for technology in ("fixed", "directed"):
            here = parameters.to_arrays(ECONOMY, technology)
            there = PARAMETERS.to_arrays(ECONOMY, technology, horizon)
            for one, other in zip(here.technology, there.technology, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-14)
            np.testing.assert_allclose(here.supply_elasticity, there.supply_elasticity, rtol=1e-14)
        found = ree.solve(ECONOMY, at(horizon), PARAMETERS)
        assert found.attrs["horizon"] == horizon
        dearest[horizon] = float(found.ree_price.max())
    assert dearest["months"] > dearest["year"] > dearest["long"]
    own = dataclasses.replace(PARAMETERS, impact_supply_elasticity=0.0).to_arrays(ECONOMY, "fixed", "months")
    assert float(np.abs(own.supply_elasticity).max()) == 0


def test_both_technologies_of_a_counterfactual_stand_at_the_horizon() -> None:
    draws = xr.Dataset({"kappa": (("chain", "draw"), [[0.3, 0.5]])}, coords={"chain": [0], "draw": [0, 1]})
    post = xr.DataTree.from_dict({"posterior": draws})
    scenarios = [dataclasses.replace(at(horizon), name=horizon) for horizon in ("months", "long")]
    known = dataclasses.replace(PARAMETERS, sigma=0.6)
    found = ree.counterfactual(ECONOMY, scenarios, post, technology=["fixed", "directed"], defaults=known)
    ds = found["counterfactual"].to_dataset()
    for scenario in scenarios:
        for technology in ("fixed", "directed"):
            alone = ree.solve(ECONOMY, scenario, dataclasses.replace(known, kappa=0.5), technology, tolerance=1e-12)
            here = ds.welfare.sel(scenario=scenario.name, technology=technology, draw=1).squeeze("chain")
            np.testing.assert_allclose(here, alone.welfare, atol=1e-9)
    about = described_scenarios(ds)
    assert [about[name]["horizon"] for name in ("months", "long")] == ["months", "long"]


def test_a_scenario_file_states_its_horizon(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    text = 'name = "x"\nhorizon = "{}"\n[[tariff]]\nrate = 0.1\n'
    file.write_text(text.format("months"))
    assert ree.read_scenario(file).horizon == "months"
    file.write_text(text.format("weeks"))
    with pytest.raises(InputError, match="horizon"):
        ree.read_scenario(file)


def test_what_is_no_horizon_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="not a horizon") as refused:
        ree.Scenario(horizon="weeks")
    assert "long" in refused.value.problems[0].advice
    with pytest.raises(ParameterError, match="how mines answer in the long run"):
        dataclasses.replace(PARAMETERS, long_run_supply_elasticity=None).to_arrays(ECONOMY, "fixed", "long")
    with pytest.raises(ParameterError, match="s must lie"):
        dataclasses.replace(PARAMETERS, impact_ratio=1.5).to_arrays(ECONOMY, "fixed", "months")
    with pytest.raises(InputError, match="horizon is of months"):
        ree.solve(ECONOMY, at("months"), PARAMETERS, "transition", years=[2010, 2011])
