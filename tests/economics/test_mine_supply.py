"""Mines: output answers its price with the elasticity that was asked for, whatever the share of rent."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.equilibrium.drawn_baseline import drawn_baseline
from reestim.equilibrium.mining import idle_resources, mine_costs
from reestim.errors import ParameterError
from tests.oracles import random_economy, random_parameters, random_scenario

SHAPE = {"countries": 3, "goods": 2, "elements": 2, "factors": 2}
ECONOMY = random_economy(81, **SHAPE)
PARAMETERS = random_parameters(81, ECONOMY)
SCENARIO = random_scenario(81, ECONOMY, quota=0.6)


def with_mines(**values: object) -> ree.Parameters:
    return dataclasses.replace(PARAMETERS, **values)


def by_mine(values: np.ndarray) -> xr.DataArray:
    coords = {"country": list(ECONOMY.countries), "element": list(ECONOMY.elements)}
    return xr.DataArray(values, dims=("country", "element"), coords=coords)


@pytest.mark.parametrize(("r", "mu"), [(0.3, 0.3), (0.77, 0.3), (0.3, 0.0), (0.5, 1.0), (0.5, 3.0)])
def test_output_answers_the_price_with_the_supply_elasticity(r: float, mu: float) -> None:
    """At given costs of other inputs, of a mine whose resource is fixed and used: ln Q = ln(ŵ/r′·r) − ln ĉ."""
    arrays = with_mines(resource_share=r, supply_elasticity=mu).to_arrays(ECONOMY)
    b = drawn_baseline(ECONOMY.baseline, arrays)

    def output_and_price(rent: float) -> tuple[np.ndarray, np.ndarray]:
        price, share = mine_costs(b, arrays, jnp.full(b.resource_share.shape, rent), jnp.zeros(b.resource_share.shape))
        return np.asarray(rent + jnp.log(b.resource_share / share) - price), np.asarray(price)

    (q0, p0), (q1, p1) = output_and_price(-1e-4), output_and_price(1e-4)
    mined = np.asarray(b.output)[:, np.asarray(b.element_index)] > 0
    np.testing.assert_allclose(((q1 - q0) / (p1 - p0))[mined], mu, atol=1e-6)


def test_the_supply_elasticity_is_that_of_the_whole_equilibrium() -> None:
    """ln Q = μ·(ln ĉ − ln ĉ_X), to first order, of every mine of a world that a small shock moves."""
    mu = by_mine(np.random.default_rng(1).uniform(0.1, 2.0, (3, 2)))
    parameters = with_mines(supply_elasticity=mu, resource_share=0.4)
    small = dataclasses.replace(random_scenario(81, ECONOMY, size=1e-4), tariff=None, export_tax=None)
    old = ree.solve(ECONOMY, ree.Scenario(), parameters, tolerance=1e-13)
    new = ree.solve(ECONOMY, small, parameters, tolerance=1e-13)
    np.testing.assert_allclose(old.welfare, 0, atol=1e-12)
    ds, elements = ECONOMY.ds, list(ECONOMY.elements)
    mined = np.asarray(ECONOMY.baseline.output)[:, np.asarray(ECONOMY.baseline.element_index)] > 0
    mobile = [f for f in ECONOMY.factors if not f.startswith("resource")]
    shares = ds.factor_share.sel(factor=mobile, sector=elements), ds.input_share.sel(sector=elements)
    cost = (shares[0] * new.factor_price.sel(factor=mobile)).sum("factor") + (
        shares[1] * new.price.rename(sector="input")
    ).sum("input")
    cost = (cost / (shares[0].sum("factor") + shares[1].sum("input"))).transpose("country", "sector").values
    productivity = np.log(small.productivity.sel(sector=elements).values)
    price = new.unit_cost.sel(sector=elements).values + productivity
    quantity = new.output.sel(sector=elements).values - price
    np.testing.assert_allclose(quantity[mined], (mu.values * (price - cost))[mined], atol=1e-7)
    assert np.abs(quantity[mined]).max() > 1e-5


@pytest.mark.slow
def test_another_resource_share_is_another_economy() -> None:
    """What ``resource_share`` does is to change the cost shares of mines; trade, spending and deficits stay."""
    r, ds = 0.35, ECONOMY.ds.copy(deep=True)
    for element in ECONOMY.elements:
        own = f"resource_{element}"
        old = ds.factor_share.sel(factor=own, sector=element).copy()
        for name in ("factor_share", "input_share"):
            ds[name].loc[{"sector": element}] = ds[name].sel(sector=element) * (1 - r) / (1 - old)
        ds["factor_share"].loc[{"sector": element, "factor": own}] = r
    other = ree.Economy(ds)
    arrays = with_mines(resource_share=r).to_arrays(ECONOMY)
    drawn = drawn_baseline(ECONOMY.baseline, arrays)
    mined = np.asarray(drawn.output)[:, np.asarray(drawn.element_index)] > 0
    for name in ("factor_income", "income", "final_share", "deficit", "factor_share", "input_share"):
        np.testing.assert_allclose(getattr(drawn, name), getattr(other.baseline, name), atol=1e-10, err_msg=name)
    np.testing.assert_allclose(np.asarray(drawn.resource_share)[mined], r)
    here = ree.solve(ECONOMY, SCENARIO, with_mines(supply_elasticity=0.5, resource_share=r), tolerance=1e-12)
    there = ree.solve(other, SCENARIO, with_mines(supply_elasticity=0.5), tolerance=1e-12)
    for name in ("welfare", "price", "factor_price", "resource_share"):
        np.testing.assert_allclose(here[name], there[name], atol=1e-10, err_msg=name)
    again = other.rebased("fixed", with_mines(supply_elasticity=0.5))
    np.testing.assert_allclose(again.baseline.resource_share, other.baseline.resource_share, atol=1e-9)


def test_cobb_douglas_is_one_case_and_nothing_jumps_there() -> None:
    rent = np.asarray(ECONOMY.baseline.resource_share)
    mu = by_mine(np.where(rent > 0, (1 - rent) / np.where(rent > 0, rent, 1.0), 0.0))
    old = ree.solve(ECONOMY, SCENARIO, PARAMETERS, tolerance=1e-12)
    for near in (1.0, 1 + 1e-9, 1 - 1e-9):
        new = ree.solve(ECONOMY, SCENARIO, with_mines(supply_elasticity=near * mu), tolerance=1e-12)
        np.testing.assert_allclose(new.welfare, old.welfare, atol=1e-9)
    assert not np.allclose(
        ree.solve(ECONOMY, SCENARIO, with_mines(supply_elasticity=0.3 * mu)).welfare, old.welfare, atol=1e-4
    )


@pytest.mark.slow
def test_derivatives_are_central_differences() -> None:
    parameters = with_mines(supply_elasticity=0.4, resource_share=0.4)
    function, inputs = ree.equilibrium_function(ECONOMY, SCENARIO, parameters, tolerance=1e-13)

    def welfare(move: jax.Array) -> jax.Array:
        draw = inputs.parameters
        draw = draw._replace(supply_elasticity=draw.supply_elasticity + move[0])
        return function(inputs._replace(parameters=draw._replace(resource_share=draw.resource_share + move[1]))).welfare

    compiled, step = jax.jit(welfare), 1e-4
    for direction in np.eye(2):
        _, slope = jax.jit(lambda d: jax.jvp(welfare, (jnp.zeros(2),), (d,)))(direction)
        across = (compiled(step * direction) - compiled(-step * direction)) / (2 * step)
        assert np.abs(slope).max() > 1e-6
        np.testing.assert_allclose(slope, across, rtol=1e-6, atol=1e-6 * float(np.abs(slope).max()))


@pytest.mark.slow
def test_draws_of_mines_are_solved_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    draws = {
        "supply_elasticity": (("chain", "draw", "element"), rng.uniform(0.1, 1.5, (1, 4, 2))),
        "resource_share": (("chain", "draw"), rng.uniform(0.2, 0.6, (1, 4))),
    }
    samples = xr.Dataset(draws, coords={"chain": [0], "draw": range(4), "element": list(ECONOMY.elements)})
    post = xr.DataTree.from_dict({"posterior": samples})
    found = ree.counterfactual(ECONOMY, SCENARIO, post, technology=["fixed"], defaults=PARAMETERS)
    each = found["counterfactual"].to_dataset().isel(chain=0, scenario=0, technology=0)
    for k in (0, 3):
        values = {name: samples[name].isel(chain=0, draw=k, drop=True) for name in samples}
        values["resource_share"] = float(values["resource_share"])
        alone = ree.solve(ECONOMY, SCENARIO, with_mines(**values), technology="fixed", tolerance=1e-12)
        np.testing.assert_allclose(each.welfare.isel(draw=k), alone.welfare, atol=1e-9)


def test_what_no_mine_can_have_is_listed_together() -> None:
    wrong = with_mines(resource_share=by_mine(np.array([[1.2, 0.0], [0.3, 0.3], [0.3, 0.3]])), supply_elasticity=-1.0)
    with pytest.raises(ParameterError, match=r"inside \(0, 1\)") as refused:
        wrong.to_arrays(ECONOMY)
    assert {p.column for p in refused.value.problems} == {"resource_share", "supply_elasticity"}
    with pytest.raises(ParameterError, match="unknown element"):
        with_mines(supply_elasticity=xr.DataArray([1.0], coords={"element": ["lead"]})).to_arrays(ECONOMY)


@pytest.mark.parametrize("eta", [5.0, 0.0])
def test_a_mine_whose_resource_is_all_but_free_counts_as_idle(eta: float) -> None:
    """With η = 5 it still yields r^(5/4) of its output, with η = 0 all of it; less cannot be sold at any price."""
    arrays = with_mines(resource_share=0.3, supply_elasticity=eta * 0.7 / 0.3).to_arrays(ECONOMY)
    b = drawn_baseline(ECONOMY.baseline, arrays)
    mined, zero = np.asarray(b.output)[:, np.asarray(b.element_index)] > 0, jnp.zeros(b.resource_share.shape)
    price, share = mine_costs(b, arrays, zero - 20.0, zero)
    quantity = jnp.log(b.resource_share / share) - 20.0 - price
    np.testing.assert_allclose(quantity[mined], 1.25 * np.log(0.3) if eta else 0.0, atol=1e-3)
    assert (np.asarray(idle_resources(b, arrays, zero, quantity)) == mined).all()
    assert not np.asarray(idle_resources(b, arrays, zero, zero + 0.1)).any()
