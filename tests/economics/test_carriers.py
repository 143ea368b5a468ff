"""Carriers: members of the bundle that are made and traded themselves, mines to oxides to magnets to motors."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from tests.economics.splits import name_of_part, split, split_scenario_array
from tests.oracles import random_economy, random_parameters, random_scenario

SHAPE = {"countries": 3, "goods": 2, "elements": 2, "factors": 1, "ree_share": (0.02, 0.2)}
ECONOMY = random_economy(95, carriers=1, **SHAPE)
PARAMETERS = dataclasses.replace(random_parameters(95, ECONOMY), sigma=0.5, kappa=0.4, supply_elasticity=0.3)
SCENARIO = random_scenario(95, ECONOMY, size=0.1)


def test_the_baseline_is_an_equilibrium_and_is_found_again() -> None:
    assert ECONOMY.carriers == ("m0",)
    assert "1 carriers" in repr(ECONOMY)
    still = ree.solve(ECONOMY, ree.Scenario(), PARAMETERS, tolerance=1e-13)
    assert float(np.abs(still.welfare).max()) < 1e-12
    bundle = still.element_share.sum("element") + still.carrier_share.sum("carrier")
    np.testing.assert_allclose(bundle.where(still.ree_share > 0, 1.0), 1.0, atol=1e-12)
    again = ECONOMY.rebased("fixed", PARAMETERS)
    np.testing.assert_allclose(again.baseline.member_share, ECONOMY.baseline.member_share, atol=1e-9)
    assert ree.Economy(ECONOMY.ds.isel(sector=slice(None, None, -1), carrier=slice(None, None, -1))).carriers == ("m0",)


def test_splitting_everything_changes_nothing() -> None:
    """A country, a good, an element and a carrier, each in two identical parts, the country's parts trading at home."""
    policies = (ree.Recycling(0.2, "c2", ("e1", "m0")), ree.SupplyShock("c0", ("e0",), 0.7))
    scenario = dataclasses.replace(SCENARIO, policies=policies)
    whole = ree.solve(ECONOMY, scenario, PARAMETERS, tolerance=1e-13)
    ds, arrays = (
        ECONOMY.ds,
        {name: getattr(SCENARIO, name) for name in ("tariff", "export_tax", "trade_cost", "productivity")},
    )
    foreign = xr.DataArray(
        ~np.eye(3, dtype=bool), coords={"importer": list(ECONOMY.countries), "exporter": list(ECONOMY.countries)}
    )
    for name, at_home in (("tariff", 0.0), ("export_tax", 0.0), ("trade_cost", 1.0)):
        arrays[name] = arrays[name].where(foreign, at_home)  # sales between the parts of a country are sales at home
    for label in ("c1", "g1", "e1", "m0"):
        ds, arrays = split(ds, label), {name: split_scenario_array(array, label) for name, array in arrays.items()}
    both = tuple(name for label in ("e1", "m0") for name in (label, name_of_part(label)))
    policies = (ree.Recycling(0.2, "c2", both), ree.SupplyShock("c0", ("e0",), 0.7))
    parts = ree.solve(ree.Economy(ds), ree.Scenario(policies=policies, **arrays), PARAMETERS, tolerance=1e-13)
    assert float(np.abs(whole.welfare).max()) > 1e-3
    np.testing.assert_allclose(parts.welfare.sel(country=list(ECONOMY.countries)), whole.welfare, atol=1e-12)
    np.testing.assert_allclose(
        parts.welfare.sel(country=name_of_part("c1")), whole.welfare.sel(country="c1"), atol=1e-12
    )
    here = {"country": list(ECONOMY.countries), "sector": list(ECONOMY.sectors)}
    np.testing.assert_allclose(parts.price.sel(here), whole.price, atol=1e-12)


def test_an_empty_carrier_leaves_the_economy_as_it_was() -> None:
    economy = random_economy(96, **SHAPE)
    ds, empty = economy.ds, {"sector": "m0", "input": "m0"}
    wide = ds.reindex(sector=[*economy.sectors, "m0"], input=[*economy.sectors, "m0"], fill_value=0.0)
    wide["factor_share"].loc[{"sector": "m0", "factor": "labor"}] = 1.0
    wide["ree_share"].loc[{"sector": "m0"}] = 0.3
    wide["element_share"].loc[{"sector": "m0", "element": "e0"}] = 1.0
    wide["trade_elasticity"].loc[{"sector": "m0"}] = 5.0
    shape = (len(economy.countries), 1, len(economy.sectors) + 1)
    wide = wide.assign_coords(carrier=["m0"])
    wide["carrier_share"] = (("country", "carrier", "sector"), np.zeros(shape))
    assert float(wide.input_share.sel(empty).sum()) == 0
    parameters, scenario = random_parameters(96, economy, sigma=0.5, kappa=0.4), random_scenario(96, economy, size=0.1)
    without = ree.solve(economy, scenario, parameters, tolerance=1e-13)
    with_it = ree.solve(ree.Economy(wide), scenario, parameters, tolerance=1e-13)
    for name in ("welfare", "income", "real_wage"):
        np.testing.assert_allclose(with_it[name], without[name], atol=1e-12)
    assert "carrier_share" not in without
    assert "carrier" not in without.coords


def test_a_restriction_of_oxides_draws_magnet_making_to_the_country_that_restricts() -> None:
    """One of both draws less of it. Exports of the carrier are what a quota on it says."""
    economy = random_economy(97, carriers=1, **SHAPE, zero_flows=False, taxes=False)
    parameters = ree.Parameters(sigma=0.4, kappa=0.1, element_elasticity=0.5)
    oxides = ree.ExportTax(0.5, "all", "c0", ("e0", "e1"))
    magnets = ree.ExportQuota("c0", ("m0",), 0.6)
    one = ree.solve(economy, ree.Scenario(policies=(oxides,)), parameters)
    two = ree.solve(economy, ree.Scenario(policies=(oxides, magnets)), parameters, tolerance=1e-12)
    share = one.trade_share.sel(sector="m0", exporter="c0") - economy.ds.trade_share.sel(sector="m0", exporter="c0")
    assert bool((share > 0).all())
    assert float((one.output - two.output).sel(country="c0", sector="m0")) > 0
    assert float(two.quota_rent.sel(country="c0", sector="m0")) > 0


def test_oxides_and_magnets_under_one_quota_pay_one_licence_price() -> None:
    """Tonnes of the carrier are its own; with prices of carriers unknown they cannot be summed."""
    economy = random_economy(97, carriers=1, **SHAPE, zero_flows=False, taxes=False)
    quota = ree.Scenario(policies=(ree.ExportQuota("c0", ("e0", "m0"), 0.7),))
    with pytest.raises(InputError, match="no price per tonne of"):
        quota.to_arrays(economy)
    price = xr.DataArray(np.full((3, 1), 40_000.0), coords={"country": list(economy.countries), "carrier": ["m0"]})
    priced = ree.Economy(economy.ds.assign(carrier_price=price))
    found = ree.solve(priced, quota, ree.Parameters(sigma=0.4, kappa=0.1, element_elasticity=0.5), tolerance=1e-12)
    licence = found.licence_price.sel(country="c0")
    assert float(licence.sel(sector="m0")) == pytest.approx(float(licence.sel(sector="e0")), rel=1e-12)
    tax = found.export_tax.sel(exporter="c0", importer="c1", sector="m0")
    gate = 40.0 * np.exp(float(found.unit_cost.sel(country="c0", sector="m0")))
    assert float(tax) * gate == pytest.approx(float(licence.sel(sector="m0")), rel=1e-9)


def test_derivatives_through_a_carrier_are_central_differences() -> None:
    function, inputs = ree.equilibrium_function(ECONOMY, SCENARIO, PARAMETERS, tolerance=1e-13)
    carrier = ECONOMY.sectors.index("m0")
    buyer = 1 + int(np.argmax(ECONOMY.ds.trade_share.values[1:, 0, carrier]))

    def welfare(move: jax.Array) -> jax.Array:
        t, policy = inputs.parameters.technology, inputs.policy
        t = t._replace(sigma=t.sigma.at[:, carrier].add(move[0]), element_elasticity=t.element_elasticity + move[1])
        tax = policy.log_export_tax.at[buyer, 0, carrier].add(move[2])
        parameters = inputs.parameters._replace(technology=t)
        return function(inputs._replace(parameters=parameters, policy=policy._replace(log_export_tax=tax))).welfare

    compiled, slope_of, step = jax.jit(welfare), jax.jit(lambda d: jax.jvp(welfare, (jnp.zeros(3),), (d,))[1]), 1e-4
    for direction in np.eye(3):
        slope = slope_of(direction)
        across = (compiled(step * direction) - compiled(-step * direction)) / (2 * step)
        assert np.abs(slope).max() > 1e-7
        np.testing.assert_allclose(slope, across, atol=1e-6 * float(np.abs(slope).max()), rtol=1e-6)


def test_carriers_that_cannot_be_are_listed_together() -> None:
    wrong = ECONOMY.ds.copy(deep=True)
    wrong["carrier_share"].loc[{"sector": "m0"}] = 0.5
    wrong["element_share"].loc[{"sector": "m0"}] *= 0.5
    wrong["input_share"].loc[{"input": "m0", "sector": "g0"}] = 0.1
    with pytest.raises(InputError, match="a carrier uses itself") as refused:
        ree.Economy(wrong)
    said = str(refused.value)
    assert "a carrier enters input_share" in said
    none = ECONOMY.ds.copy(deep=True)
    none["ree_share"].loc[{"sector": "m0"}] = 0.0
    with pytest.raises(InputError, match="holds no rare earths"):
        ree.Economy(none)
    with pytest.raises(InputError, match="a carrier is an element"):
        ree.Economy(ECONOMY.ds.assign_coords(carrier=["e0"]))
    two = random_economy(98, carriers=2, **SHAPE).ds.copy(deep=True)
    two["carrier_share"].loc[{"sector": "m0", "carrier": "m1"}] = 0.5
    two["element_share"].loc[{"sector": "m0"}] *= 0.5
    with pytest.raises(InputError, match="made of one another") as circle:
        ree.Economy(two)
    assert "m0 of m1 of m0" in str(circle.value)
    with pytest.raises(InputError, match="unknown element"):
        ree.Scenario(policies=(ree.SupplyShock("c0", ("m0",), 2.0),)).to_arrays(ECONOMY)
