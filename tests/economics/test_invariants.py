"""What must hold beside the properties of test_properties.py: limits, slopes and quotas, each on a chosen economy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.equilibrium.solve import solve_arrays
from reestim.equilibrium.welfare import outcomes
from tests.oracles import random_economy, random_parameters, random_scenario


def test_results_are_smooth_through_unit_elasticities() -> None:
    """σ and ρ at, and just beside, 1: values and slopes agree across the point where CES becomes Cobb-Douglas."""
    economy = random_economy(5, ree_share=(0.05, 0.2))
    scenario = random_scenario(5, economy, quota=0.5)
    policy = scenario.to_arrays(economy)
    base = random_parameters(5, economy, sigma=0.9, kappa=1.0, element_elasticity=1.0).to_arrays(economy)

    def welfare(sigma: float, rho: float) -> jax.Array:
        t = base.technology._replace(
            sigma=jnp.where(economy.baseline.ree_share > 0, sigma, 1.0),
            element_elasticity=jnp.full_like(base.technology.sigma, rho),
        )
        arrays = base._replace(technology=t)
        u, _, _ = solve_arrays(economy.baseline, policy, arrays, 1e-13)
        return outcomes(economy.baseline, policy, arrays, u).welfare[1]

    slopes = jax.jit(jax.grad(welfare, argnums=(0, 1)))
    for argument in (0, 1):
        points = [[1.0 + d * (k == argument) for k in (0, 1)] for d in (-1e-3, -1e-7, 0.0, 1e-7, 1e-3)]
        at = [float(slopes(*point)[argument]) for point in points]
        assert abs(at[2]) > 1e-6
        np.testing.assert_allclose([at[1], at[3]], at[2], rtol=1e-5)
        np.testing.assert_allclose((at[0] + at[4]) / 2, at[2], rtol=1e-4)


def test_neutral_direction_is_second_order() -> None:
    """ω = 0, any ξ: from an undistorted baseline what directed technology does for the world, in equivalent variations,
    vanishes with the square of the shock, and helps."""
    economy = random_economy(6, countries=3, taxes=False, deficits=False, ree_share=(0.05, 0.3))
    before = np.asarray(economy.baseline.income)
    parameters = random_parameters(6, economy, spillover_gap=0.0, diffusion=0.0)

    def gap(size: float) -> float:
        productivity = xr.DataArray([np.exp(-size)] * len(economy.elements), coords={"sector": list(economy.elements)})
        scenario = ree.Scenario(productivity=productivity)
        fixed, directed = (
            ree.solve(economy, scenario, parameters, technology=t, tolerance=1e-13).welfare.values
            for t in ("fixed", "directed")
        )
        return float(before @ (np.expm1(directed) - np.expm1(fixed)) / before.sum())

    small, double = gap(0.01), gap(0.02)
    assert small > 1e-9
    np.testing.assert_allclose(double / small, 4.0, rtol=0.05)


def test_gradients_match_central_differences() -> None:
    """Backwards. Forward: test_carriers.py; both ways, along random directions: test_properties.py, with `-m slow`."""
    economy = random_economy(8, ree_share=(0.01, 0.2))
    policy = random_scenario(8, economy, quota=0.5).to_arrays(economy)
    arrays = random_parameters(8, economy, sigma=0.6).to_arrays(economy)
    users = economy.baseline.ree_share > 0

    def welfare(x: dict[str, jax.Array]) -> jax.Array:
        t = arrays.technology._replace(
            sigma=jnp.where(users, arrays.technology.sigma + x["sigma"], 1.0),
            kappa=arrays.technology.kappa + x["kappa"],
            spillover=arrays.technology.spillover + x["spillover"],
            spillover_gap=arrays.technology.spillover_gap + x["spillover_gap"],
            element_elasticity=arrays.technology.element_elasticity + x["element_elasticity"],
        )
        p = arrays._replace(technology=t, trade_elasticity=arrays.trade_elasticity + x["trade_elasticity"])
        foreign = 1.0 - jnp.eye(len(economy.countries))[:, :, None]
        pol = policy._replace(
            log_tariff=policy.log_tariff + foreign * x["log_tariff"],
            log_export_tax=policy.log_export_tax.at[1:, 0, -1].add(x["log_export_tax"]),
            pools=policy.pools._replace(log_limit=policy.pools.log_limit + x["log_quota"]),
        )
        u, _, _ = solve_arrays(economy.baseline, pol, p, 1e-13)
        return outcomes(economy.baseline, pol, p, u).welfare[2]

    names = [
        "sigma",
        "kappa",
        "spillover",
        "spillover_gap",
        "element_elasticity",
        "trade_elasticity",
        "log_tariff",
        "log_export_tax",
    ]
    zero = {name: jnp.zeros(()) for name in [*names, "log_quota"]}
    reverse = jax.grad(welfare)(zero)
    step = 1e-4
    for name in zero:
        up, down, up2, down2 = (welfare(zero | {name: jnp.asarray(d * step)}) for d in (1, -1, 2, -2))
        central = (8 * (up - down) - (up2 - down2)) / (12 * step)  # fourth order
        assert abs(central) > 1e-7, name
        np.testing.assert_allclose(reverse[name], central, rtol=1e-6, err_msg=name)


def test_trade_elasticity_has_its_sign_and_size() -> None:
    """d ln π_ni / d ln κ_ni = -ε(1 - π_ni) at given prices of the exporters: catches a flipped or scaled elasticity."""
    economy = random_economy(9, elements=0, goods=1, factors=1, inputs=False, taxes=False, countries=6)
    ds = economy.ds.copy(deep=True)
    ds["expenditure"] = ds.expenditure * xr.DataArray(
        np.r_[1e-7, np.ones(5)], dims="country"
    )  # a small importer moves nobody's wage
    from reestim.equilibrium.equations import price_and_trade_share

    epsilon = jnp.asarray(ds.trade_elasticity.values)
    cost = jnp.zeros_like(economy.baseline.trade_share)
    bump = 1e-6
    _, before = price_and_trade_share(economy.baseline, cost, epsilon)
    _, after = price_and_trade_share(economy.baseline, cost.at[0, 1, 0].add(bump), epsilon)
    slope = float(jnp.log(after[0, 1, 0] / before[0, 1, 0]) / bump)
    np.testing.assert_allclose(slope, -float(epsilon[0]) * (1 - float(before[0, 1, 0])), rtol=1e-4)


def test_slack_quota_changes_nothing_and_a_tight_one_holds() -> None:
    economy = random_economy(10)
    parameters = random_parameters(10, economy)
    slack = ree.solve(economy, ree.Scenario(policies=(ree.ExportQuota("c0", "all", 1.2, pooled=False),)), parameters)
    assert float(abs(slack.welfare).max()) < 1e-12
    assert float(abs(slack.quota_rent).max()) == 0.0
    each = ree.Scenario(policies=(ree.ExportQuota("c0", "all", 0.5, pooled=False),))
    tight = ree.solve(economy, each, parameters, tolerance=1e-12)
    b = economy.baseline
    foreign = 1.0 - np.eye(len(economy.countries))[:, 0]
    taxed = np.asarray(tight.export_tax)[:, 0, :]
    for element in economy.elements:
        s = economy.sectors.index(element)
        new = (
            tight.trade_share.values[:, 0, s]
            * tight.expenditure.values[:, s]
            / (1 + np.asarray(b.tariff)[:, 0, s])
            / (1 + taxed[:, s])
        )
        old = (
            np.asarray(b.trade_share * b.expenditure[:, None])[:, 0, s]
            / (1 + np.asarray(b.tariff)[:, 0, s])
            / (1 + np.asarray(b.export_tax)[:, 0, s])
        )
        quantity = (
            (foreign * new).sum()
            / (foreign * old).sum()
            / np.exp(float(tight.unit_cost.sel(country="c0", sector=element)))
        )
        np.testing.assert_allclose(quantity, 0.5, rtol=1e-10)
        assert float(tight.quota_rent.sel(country="c0", sector=element)) > 0


@pytest.mark.parametrize("seed", range(4))
def test_first_order_accounting_is_the_slope(seed: int) -> None:
    """Terms of trade + volume of trade + technology is the slope of exact welfare along any shock (balanced trade)."""
    economy = random_economy(20 + seed, deficits=False)
    parameters = random_parameters(20 + seed, economy)
    errors = []
    for size in (2e-3, 1e-3):
        s = random_scenario(20 + seed, economy, size=size)
        b = economy.ds
        scenario = ree.Scenario(
            tariff=b.tariff + s.tariff,
            export_tax=b.export_tax + s.export_tax,
            trade_cost=s.trade_cost,
            productivity=s.productivity,
        )
        result = ree.solve(economy, scenario, parameters, tolerance=1e-13)
        errors.append(np.abs(result.welfare - result.welfare_first_order / 100).values)
    assert np.all(errors[0] > 1e-12)
    assert errors[1].max() < 0.3 * errors[0].max()
