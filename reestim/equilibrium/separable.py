"""The same residual for many steps of one scenario, with what does not change between the steps computed once.

In (6), exp(-ε·(ln ĉ_is + ln b̂_nis)) is a product: the wedge belongs to the scenario and the elasticity, the unit cost
to the step. With the weights W = π·b̂^(-ε) prepared, a step needs exponentials of (country, sector) arrays only, and the
bilateral arrays are read once in each of four contractions. Where the products leave the range of floating point the
result is not finite and the full solver takes over, whose equations (``equations.residual``) are in logs.

A licence price per tonne is not a product: what it adds to a price differs by buyer where export taxes do. The flows of
pairs (exporter, sector) under a quota or licence are therefore left out of the weights and stand apart, buyer by buyer.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import (
    Unknowns,
    active_cells,
    at_elements,
    border_wedge,
    demands,
    excess,
    factor_income,
    lost_rent,
    producers_revenue,
    production,
    revenue,
)
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.pools import PoolState, licences_at_border, licences_at_mine, pool_state


class Weights(NamedTuple):
    """π·b̂^(-ε) before licences, and times what producers, tariffs and export taxes take of each dollar.

    Foreign sales only (the diagonal is zero); domestic ones stand apart, and so do pairs under a quota or licence.
    Sectors first, so that each contraction is one batched matrix product, over the second axis and for two things at
    once.
    """

    buying: Float[Array, "sector exporter two*importer"]  # weight; times tariff revenue of a dollar
    selling: Float[Array, "sector importer two*exporter"]  # times producers' part; times what is paid at the border
    at_home: Float[Array, "country sector"]
    shift: Float[Array, "country sector"]  # ln of the largest weight of each importer, taken out of its row
    held: Float[Array, "importer pair"]  # weights of pairs under a quota or licence
    held_tariff: Float[Array, "importer pair"]  # tariff revenue of a dollar spent on them
    before: Float[Array, "importer pair"]  # what was paid for them at the gate of the baseline


def prepare(b: Baseline, policy: PolicyArrays, trade_elasticity: Float[Array, " sector"]) -> Weights:
    """The parts of (5)-(10) that no solver step changes."""
    wedge = border_wedge(b, policy, policy.log_tariff, policy.log_export_tax)
    traded = b.trade_share > 0
    log_weight = jnp.where(traded, jnp.log(jnp.where(traded, b.trade_share, 1.0)) - trade_elasticity * wedge, -jnp.inf)
    shift = jnp.max(log_weight, axis=1)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    weight = jnp.exp(log_weight - shift[:, None, :])
    abroad = weight * (1.0 - jnp.eye(b.income.size))[:, :, None]
    i, s = policy.pools.exporter, policy.pools.sector
    held, abroad = abroad[:, i, s], abroad.at[:, i, s].set(0.0)
    to_producer = abroad * jnp.exp(-policy.log_tariff - policy.log_export_tax)
    to_tariff = -abroad * jnp.expm1(-policy.log_tariff)
    buying = jnp.concatenate([abroad, to_tariff], axis=0).transpose(2, 1, 0)
    selling = jnp.concatenate([to_producer, abroad - to_tariff], axis=1).transpose(2, 0, 1)
    at_home = jnp.diagonal(weight, axis1=0, axis2=1).T
    held_tariff = -jnp.expm1(-policy.log_tariff[:, i, s])
    before = revenue(b.trade_share, b.expenditure, jnp.log1p(b.tariff), jnp.log1p(b.export_tax))[:, i, s]
    return Weights(buying, selling, at_home, shift, held, held_tariff, before)


def separable_residual(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, weights: Weights, u: Unknowns
) -> tuple[Unknowns, PoolState]:
    """Equal to ``equations.residual`` where everything is finite (a test holds them together); and the pools there."""
    active = active_cells(b)
    epsilon = parameters.trade_elasticity
    made = production(b, policy, parameters, u)
    costs = made.costs
    margin = at_elements(b, u.margin)
    asked = costs.unit_cost + margin - policy.log_subsidy
    pools, n = policy.pools, jnp.arange(b.income.size)
    i, s = pools.exporter, pools.sector
    at_mine = licences_at_mine(pools, u.pool, asked[i, s])
    asked = asked.at[i, s].add(at_mine.wedge)
    log_export_tax = policy.log_export_tax[:, i, s]
    at_border = licences_at_border(pools, u.pool, asked[i, s], log_export_tax)
    border = at_border.wedge

    home = jnp.exp(-epsilon * asked)  # what is asked at the gate, to the power -ε
    held = weights.held * jnp.exp(-epsilon[s] * (asked[i, s] + border))
    bought, of_tariff = jnp.split(jnp.einsum("siv,is->vs", weights.buying, home), 2)
    bought, of_tariff = bought.at[:, s].add(held), of_tariff.at[:, s].add(held * weights.held_tariff)
    total = bought + weights.at_home * home
    price = -(jnp.log(jnp.where(active.price, total, 1.0)) + weights.shift) / epsilon

    per_weight = jnp.where(
        active.price, b.expenditure * jnp.exp(u.expenditure) / jnp.where(active.price, total, 1.0), 0.0
    )
    of_producer, of_border = jnp.split(jnp.einsum("snv,ns->vs", weights.selling, per_weight), 2)
    flow = held * per_weight[:, s]
    held_border = flow * (1 - weights.held_tariff)
    received = held_border * jnp.exp(-log_export_tax - border)
    abroad = (home * of_producer).at[i, s].add(received.sum(axis=0))  # paid from abroad, (8)
    crossing = (home * of_border).at[i, s].add(held_border.sum(axis=0))
    own = weights.at_home * home * per_weight
    paid = abroad + own
    earned = jnp.where(n[:, None] == i, own[i, s], received)
    state = pool_state(
        pools,
        u.pool,
        earned,
        weights.before,
        asked[i, s],
        log_export_tax,
        at_mine,
        at_border,
    )
    output = producers_revenue(policy, paid, state)
    tariff_revenue = jnp.sum(of_tariff * per_weight, axis=1)
    waste = lost_rent(b, policy, state)
    # What is paid at the border and does not reach producers is export tax or rent.
    taxes = tariff_revenue + jnp.sum(crossing - abroad, axis=1) - jnp.sum(output - paid, axis=1) - waste
    earnings = factor_income(b, policy, u.factor_price).sum(axis=1)
    _, demand, factor_demand, _ = demands(b, policy, made, output * jnp.exp(-margin), earnings + taxes, waste)
    return excess(b, policy, u, price, demand, factor_demand, state.over, output, costs.unit_cost), state
