"""Each draw may have its own baseline: an exact equilibrium, whatever the draw says of the inputs."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.equilibrium.drawn_baseline import InputArrays, drawn_baseline, drawn_fields
from reestim.equilibrium.implicit import all_residuals, baseline_unknowns
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.path_sweep import solve_draw_paths
from reestim.equilibrium.sweep import solve_draws
from reestim.numerics.biproportional import fit_totals
from tests.oracles import random_economy

DRAWS = 6
ECONOMY = random_economy(5, goods=4, carriers=1, ree_share=(1e-3, 0.1))
QUOTA = ree.Scenario("quota", policies=(ree.ExportQuota("c0", "all", 0.6),))


def drawn_inputs(economy: ree.Economy, seed: int = 3, size: float = 0.3, draws: int = DRAWS) -> InputArrays:
    """Every input with an error, trade in goods only."""
    rng = np.random.default_rng(seed)
    b = economy.baseline
    n, s = b.expenditure.shape
    trade = np.exp(size * rng.normal(size=(draws, n, n, s)))
    trade[..., np.asarray(b.element_index)] = 1.0
    factors = {
        "use": np.exp(size * rng.normal(size=(draws, n, b.element_index.size, s))),
        "price": np.exp(size * rng.normal(size=(draws, b.element_index.size))),
        "supply": np.exp(size * rng.normal(size=(draws, n, b.element_index.size))),
        "trade": trade,
    }
    return InputArrays(**{name: jnp.asarray(value) for name, value in factors.items()})


def batch(economy: ree.Economy, inputs: InputArrays | None) -> ParameterArrays:
    values = xr.DataArray(np.linspace(0.3, 0.8, DRAWS), dims="_sample")
    parameters = ree.Parameters(sigma=values, kappa=0.8, spillover=0.5, element_elasticity=0.6)
    return parameters.to_batch(economy, "directed", "_sample")._replace(inputs=inputs)


def take(draws: ParameterArrays, k: int) -> ParameterArrays:
    return jax.tree.map(lambda leaf: leaf[k], draws)


def test_a_drawn_baseline_is_an_exact_equilibrium() -> None:
    draws = batch(ECONOMY, drawn_inputs(ECONOMY))
    policy = ree.Scenario("nothing").to_arrays(ECONOMY)

    @jax.vmap
    def residual(draw: ParameterArrays) -> tuple[jax.Array, jax.Array]:
        b = drawn_baseline(ECONOMY.baseline, draw)
        return all_residuals(b, policy, draw, baseline_unknowns(b, policy)), b.deficit.sum() / b.income.sum()

    worst, world_deficit = residual(draws)
    assert float(worst.max()) < 1e-9
    np.testing.assert_allclose(world_deficit, 0.0, atol=1e-12)


def test_the_accounts_of_a_drawn_baseline_are_those_of_an_economy_with_its_arrays() -> None:
    """Shares and spending of a draw, given as data, have the same output, demand, incomes and deficits."""
    draw = take(batch(ECONOMY, drawn_inputs(ECONOMY)), 2)
    b = drawn_baseline(ECONOMY.baseline, draw)
    ds, elements = ECONOMY.ds.copy(), len(ECONOMY.elements)
    for name in ("trade_share", "expenditure", "ree_share"):
        ds[name] = ds[name].copy(data=np.asarray(getattr(b, name)))
    ds["element_share"] = ds.element_share.copy(data=np.asarray(b.member_share[:, :elements]))
    ds["carrier_share"] = ds.carrier_share.copy(data=np.asarray(b.member_share[:, elements:]))
    found = ree.Economy(ds).baseline
    for name in ("output", "final_share", "factor_income", "income", "deficit"):
        size = float(jnp.abs(getattr(found, name)).max())
        np.testing.assert_allclose(getattr(b, name), getattr(found, name), rtol=1e-9, atol=1e-11 * size, err_msg=name)


def test_what_a_draw_says_is_what_its_baseline_has() -> None:
    """Use and prices move purchases, supply moves sellers' shares, and trade in goods keeps its totals."""
    inputs = drawn_inputs(ECONOMY)
    before, b = ECONOMY.baseline, drawn_baseline(ECONOMY.baseline, take(batch(ECONOMY, inputs), 1))
    elements, e = len(ECONOMY.elements), np.asarray(before.element_index)

    def purchases(b: object) -> np.ndarray:
        return np.asarray(b.member_share * (b.ree_share * b.output)[:, None, :])  # type: ignore[attr-defined]

    factor = np.asarray(inputs.use[1] * inputs.price[1][:, None])  # type: ignore[index]
    np.testing.assert_allclose(purchases(b)[:, :elements], purchases(before)[:, :elements] * factor)
    np.testing.assert_allclose(purchases(b)[:, elements:], purchases(before)[:, elements:])
    odds = np.asarray(b.trade_share)[..., e] / np.asarray(inputs.supply[1])  # type: ignore[index]
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), np.asarray(before.trade_share)[..., e])
    goods = np.delete(np.arange(len(ECONOMY.sectors)), e)
    spent = [np.asarray(x.trade_share * x.expenditure[:, None, :])[..., goods] for x in (b, before)]
    np.testing.assert_allclose(spent[0].sum(1), spent[1].sum(1))
    np.testing.assert_allclose(spent[0].sum(0), spent[1].sum(0), rtol=1e-9)
    assert np.abs(spent[0] / np.where(spent[1] > 0, spent[1], 1) - 1).max() > 0.05


def test_a_sweep_over_drawn_baselines_is_a_row_of_economies() -> None:
    """Draw by draw: the economy with the drawn arrays as its data, and prices per tonne, solved by itself."""
    inputs = drawn_inputs(ECONOMY)
    draws = batch(ECONOMY, inputs)
    policy = QUOTA.to_arrays(ECONOMY)
    found = solve_draws(ECONOMY.baseline, policy, draws, 1e-12, ("welfare", "licence_price"), DRAWS)
    assert found.solved.all()
    elements = len(ECONOMY.elements)
    for k in (0, 4):
        b = drawn_baseline(ECONOMY.baseline, take(draws, k))
        ds = ECONOMY.ds.copy()
        for name in ("trade_share", "expenditure", "ree_share"):
            ds[name] = ds[name].copy(data=np.asarray(getattr(b, name)))
        ds["element_share"] = ds.element_share.copy(data=np.asarray(b.member_share[:, :elements]))
        ds["carrier_share"] = ds.carrier_share.copy(data=np.asarray(b.member_share[:, elements:]))
        ds["producer_price"] = ds.producer_price * np.asarray(inputs.price[k])  # type: ignore[index]
        sigma = float(np.linspace(0.3, 0.8, DRAWS)[k])
        parameters = ree.Parameters(sigma=sigma, kappa=0.8, spillover=0.5, element_elasticity=0.6)
        alone = ree.solve(ree.Economy(ds), QUOTA, parameters, tolerance=1e-12)
        np.testing.assert_allclose(found.outcomes["welfare"][k], alone["welfare"], rtol=1e-6, atol=1e-11)
        np.testing.assert_allclose(found.outcomes["licence_price"][k], alone["licence_price"], rtol=1e-6, atol=1e-11)


@pytest.mark.slow
def test_the_interval_holds_the_truth_when_the_data_have_errors() -> None:
    """A hundred worlds whose data are the truth with errors in use, prices, supply and trade: 90 % intervals of welfare
    drawn around the data hold the welfare of the truth nine times out of ten."""
    economy, worlds, draws, size = random_economy(31, goods=3, ree_share=(1e-3, 0.05)), 100, 60, 0.15
    b, rng = economy.baseline, np.random.default_rng(11)
    (n, s), e = b.expenditure.shape, b.element_index.size
    shapes = {"use": (n, e, s), "price": (e,), "supply": (n, e), "trade": (n, n, s)}
    goods = np.ones(s)
    goods[np.asarray(b.element_index)] = 0.0
    factors = {}
    for name, shape in shapes.items():
        of_data = rng.normal(size=(worlds, 1, *shape))
        of_draw = rng.normal(size=(worlds, draws, *shape))
        of_draw[:, 0] = of_data[:, 0]  # the first is the truth: the errors of the data taken back
        log = size * (of_draw - of_data) * (goods if name == "trade" else 1.0)
        factors[name] = np.exp(log).reshape(-1, *shape)
    count = worlds * draws
    parameters = ree.Parameters(sigma=xr.DataArray(np.full(count, 0.5), dims="_sample"), kappa=0.8)
    batch = parameters.to_batch(economy, "fixed", "_sample")._replace(inputs=InputArrays(**factors))
    found = solve_draws(b, QUOTA.to_arrays(economy), batch, 1e-10, ("welfare",), 256)
    assert found.solved.all()
    welfare = found.outcomes["welfare"].reshape(worlds, draws, n)
    low, high = np.quantile(welfare[:, 1:], (0.05, 0.95), axis=1)
    holds = ((low <= welfare[:, 0]) & (welfare[:, 0] <= high)).mean(axis=0)
    assert (np.abs(holds - 0.9) < 0.1).all(), holds


@pytest.mark.slow
def test_a_transition_of_a_drawn_baseline_without_research_is_its_static_equilibrium() -> None:
    economy = random_economy(31, goods=2, countries=3, ree_share=(1e-3, 0.05))
    values = xr.DataArray(np.linspace(0.3, 0.8, DRAWS), dims="_sample")
    parameters = ree.Parameters(sigma=values, kappa=0.0)
    inputs = drawn_inputs(economy)
    found = {
        name: parameters.to_batch(economy, name, "_sample")._replace(inputs=inputs) for name in ("fixed", "transition")
    }
    static = solve_draws(economy.baseline, QUOTA.to_arrays(economy), found["fixed"], 1e-12, ("welfare",), DRAWS)
    path = QUOTA.path(economy, [2010, 2011])
    years = solve_draw_paths(economy.baseline, path, found["transition"], 1e-12, ("welfare",), DRAWS)
    assert years.solved.all()
    for year in (0, 1):
        np.testing.assert_allclose(years.outcomes["welfare"][:, year], static.outcomes["welfare"], atol=1e-10)


def test_draws_that_state_no_input_share_the_whole_baseline() -> None:
    draws = batch(ECONOMY, None)
    assert drawn_fields(ECONOMY.baseline, draws) == {}
    assert drawn_fields(ECONOMY.baseline, draws._replace(inputs=InputArrays())) == {}
    use = drawn_inputs(ECONOMY)._replace(price=None, supply=None, trade=None)
    varying = jax.vmap(partial(drawn_fields, ECONOMY.baseline))(draws._replace(inputs=use))
    assert not {"trade_share", "input_share", "factor_share", "tariff"} & set(varying), "large arrays stay shared"


def test_totals_are_fitted_where_most_is_sold_at_home_and_where_markets_are_not_linked() -> None:
    rng = np.random.default_rng(1)
    cells = rng.gamma(0.5, size=(7, 7)) * 1e-3 + np.diag(rng.gamma(3.0, size=7))
    cells[:3, 3:], cells[3:, :3] = 0.0, 0.0  # two worlds
    cells[6] = 0.0  # somebody who buys nothing
    seed = cells * np.exp(0.3 * rng.normal(size=cells.shape))
    rows, columns = cells.sum(1), cells.sum(0)
    found = np.asarray(fit_totals(jnp.asarray(seed), jnp.asarray(rows), jnp.asarray(columns)))
    np.testing.assert_allclose(found.sum(1), rows, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.sum(0), columns, rtol=1e-9)
    odds = found[:3, :3] / seed[:3, :3]
    np.testing.assert_allclose(odds, np.outer(odds[:, 0], odds[0]) / odds[0, 0], rtol=1e-6)
