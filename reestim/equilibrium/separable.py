"""The same residual for many steps of one scenario, with what does not change between the steps computed once.

In (6), exp(-ε·(ln ĉ_is + ln b̂_nis)) is a product: the wedge belongs to the scenario and the elasticity, the unit cost
to the step. With the weights W = π·b̂^(-ε) prepared, a step needs exponentials of (country, sector) arrays only, and the
bilateral arrays are read once in each of four contractions. Where the products leave the range of floating point the
result is not finite and the full solver takes over, whose equations (``equations.residual``) are in logs.
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
    at_quotas,
    baseline_exports,
    border_wedge,
    demands,
    excess,
    factor_income,
    production,
)
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.scenario import PolicyArrays


class Weights(NamedTuple):
    """π·b̂^(-ε) before shadow taxes, and times what producers, tariffs and export taxes take of each dollar.

    Foreign sales only (the diagonal is zero): shadow taxes spare domestic ones, which stand apart. Sectors first, so
    that each contraction is one batched matrix product, over the second axis and for two things at once.
    """

    buying: Float[Array, "sector exporter two*importer"]  # weight; times tariff revenue of a dollar
    selling: Float[Array, "sector importer two*exporter"]  # times producers' part; times what is paid at the border
    at_home: Float[Array, "country sector"]
    shift: Float[Array, "country sector"]  # ln of the largest weight of each importer, taken out of its row
    log_exports: Float[Array, " quota"]  # ln of baseline exports under each quota


def prepare(b: Baseline, policy: PolicyArrays, trade_elasticity: Float[Array, " sector"]) -> Weights:
    """The parts of (5)-(10) that no solver step changes."""
    wedge = border_wedge(b, policy, policy.log_tariff, policy.log_export_tax)
    traded = b.trade_share > 0
    log_weight = jnp.where(traded, jnp.log(jnp.where(traded, b.trade_share, 1.0)) - trade_elasticity * wedge, -jnp.inf)
    shift = jnp.max(log_weight, axis=1)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    weight = jnp.exp(log_weight - shift[:, None, :])
    abroad = weight * (1.0 - jnp.eye(b.income.size))[:, :, None]
    to_producer = abroad * jnp.exp(-policy.log_tariff - policy.log_export_tax)
    to_tariff = -abroad * jnp.expm1(-policy.log_tariff)
    buying = jnp.concatenate([abroad, to_tariff], axis=0).transpose(2, 1, 0)
    selling = jnp.concatenate([to_producer, abroad - to_tariff], axis=1).transpose(2, 0, 1)
    at_home = jnp.diagonal(weight, axis1=0, axis2=1).T
    return Weights(buying, selling, at_home, shift, jnp.log(baseline_exports(b, policy)))


def separable_residual(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, weights: Weights, u: Unknowns
) -> Unknowns:
    """Equal to ``equations.residual`` where everything is finite (a test holds them together)."""
    active = active_cells(b)
    epsilon = parameters.trade_elasticity
    made = production(b, policy, parameters, u)
    costs = made.costs
    margin = at_elements(b, u.margin)
    asked = costs.unit_cost + margin - policy.log_subsidy
    shadow = at_quotas(b, policy, u.shadow_tax)

    home = jnp.exp(-epsilon * asked)  # what is asked at the gate, to the power -ε
    sold = home * jnp.exp(-epsilon * shadow)
    bought, of_tariff = jnp.split(jnp.einsum("siv,is->vs", weights.buying, sold), 2)
    total = bought + weights.at_home * home
    price = -(jnp.log(jnp.where(active.price, total, 1.0)) + weights.shift) / epsilon

    per_weight = jnp.where(
        active.price, b.expenditure * jnp.exp(u.expenditure) / jnp.where(active.price, total, 1.0), 0.0
    )
    of_producer, at_border = jnp.split(jnp.einsum("snv,ns->vs", weights.selling, per_weight), 2)
    received = sold * jnp.exp(-shadow) * of_producer  # paid from abroad, (8)
    paid = received + weights.at_home * home * per_weight
    output = paid * jnp.exp(policy.log_subsidy)
    tariff_revenue = jnp.sum(of_tariff * per_weight, axis=1)
    # What is paid at the border and does not reach producers is export tax.
    taxes = tariff_revenue + jnp.sum(sold * at_border - received, axis=1) - jnp.sum(output - paid, axis=1)
    earnings = factor_income(b, policy, u.factor_price).sum(axis=1)
    _, demand, factor_demand, _ = demands(b, policy, made, output * jnp.exp(-margin), earnings + taxes)

    i, s = policy.quota_exporter, policy.quota_sector
    exports = jnp.log(received[i, s]) - weights.log_exports - asked[i, s]
    slack = policy.log_quota - exports
    return excess(b, policy, parameters, u, price, demand, factor_demand, slack, output, costs.unit_cost)
