"""The same residual for many draws of one scenario, with what does not change between solver steps computed once.

In (6), exp(-ε·(ln ĉ_is + ln κ̂_nis)) is a product: the wedge belongs to the scenario and the draw's ε, the unit cost to
the step. With the weights W = π·κ̂^(-ε) prepared, a step needs exponentials of (country, sector) arrays only, and the
bilateral arrays are read once in each of four contractions. Where the products leave the range of floating point the
result is not finite and the draw goes to the full solver, whose equations (``equations.residual``) are in logs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import Unknowns, active_cells, baseline_exports, demands, excess, other_input_cost
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.policy import PolicyArrays
from reestim.technology import unit_costs


class Weights(NamedTuple):
    """π·κ̂^(-ε) before shadow taxes, and times what producers, tariffs and export taxes take of each dollar.

    ``abroad`` has zeros for domestic sales; they stand apart because shadow taxes spare them.
    """

    abroad: Float[Array, "importer exporter sector"]
    at_home: Float[Array, "country sector"]
    to_producer: Float[Array, "importer exporter sector"]
    to_tariff: Float[Array, "importer exporter sector"]
    shift: Float[Array, "country sector"]  # ln of the largest weight of each importer, taken out of its row


def prepare(b: Baseline, policy: PolicyArrays, trade_elasticity: Float[Array, " sector"]) -> Weights:
    """The parts of (5)-(10) that no solver step changes."""
    wedge = policy.log_trade_cost + policy.log_tariff + policy.log_export_tax
    wedge = wedge - jnp.log1p(b.tariff) - jnp.log1p(b.export_tax)
    traded = b.trade_share > 0
    log_weight = jnp.where(traded, jnp.log(jnp.where(traded, b.trade_share, 1.0)) - trade_elasticity * wedge, -jnp.inf)
    shift = jnp.max(log_weight, axis=1)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    weight = jnp.exp(log_weight - shift[:, None, :])
    foreign = 1.0 - jnp.eye(b.income.size)[:, :, None]
    abroad = weight * foreign
    kept = jnp.exp(-policy.log_tariff - policy.log_export_tax)
    at_home = jnp.diagonal(weight, axis1=0, axis2=1).T
    return Weights(abroad, at_home, abroad * kept, -abroad * jnp.expm1(-policy.log_tariff), shift)


def separable_residual(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, weights: Weights, u: Unknowns
) -> Unknowns:
    """Equal to ``equations.residual`` where everything is finite (a test holds them together)."""
    active = active_cells(b)
    epsilon = parameters.trade_elasticity
    other_cost = other_input_cost(b, u.factor_price, u.price)
    costs = unit_costs(
        other_cost, u.price[:, b.element_index], b.ree_share, b.element_share, b.diffusion_weight, parameters.technology
    )
    unit_cost = costs.unit_cost - policy.log_productivity
    i, s = policy.quota_exporter, policy.quota_sector
    shadow = jnp.zeros_like(unit_cost).at[i, s].add(u.shadow_tax)

    home = jnp.exp(-epsilon * unit_cost)  # ĉ^(-ε)
    sold = home * jnp.exp(-epsilon * shadow)
    total = jnp.sum(weights.abroad * sold, axis=1) + weights.at_home * home
    price = -(jnp.log(jnp.where(active.price, total, 1.0)) + weights.shift) / epsilon

    per_weight = jnp.where(
        active.price, b.expenditure * jnp.exp(u.expenditure) / jnp.where(active.price, total, 1.0), 0.0
    )
    kept = jnp.exp(-shadow)
    received = sold * kept * jnp.sum(weights.to_producer * per_weight[:, None, :], axis=0)  # revenue abroad, (8)
    output = received + weights.at_home * home * per_weight
    tariff_revenue = jnp.sum(jnp.sum(weights.to_tariff * sold, axis=1) * per_weight, axis=1)
    # All that is paid abroad less tariffs is the border value; what producers do not get of it is export tax.
    border = sold * jnp.sum((weights.abroad - weights.to_tariff) * per_weight[:, None, :], axis=0)
    income = (
        jnp.sum(b.factor_income * jnp.exp(u.factor_price), axis=1)
        + tariff_revenue
        + jnp.sum(border - received, axis=1)
        + policy.deficit
    )
    demand, factor_demand = demands(b, costs, output, income)

    exports = jnp.log(received[i, s]) - jnp.log(baseline_exports(b, policy)) - unit_cost[i, s]
    return excess(b, u, price, demand, factor_demand, policy.log_quota - exports)
