"""Equations (3)–(11): the equilibrium in changes, each a function named after what it says.

Log changes are against the baseline; primes are new levels. Unknowns are stacked in :class:`Unknowns`; every residual
is relative (a log difference), so that small countries and sectors weigh as much as large ones.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reestim.equilibrium.economy import Baseline
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.policy import PolicyArrays
from reestim.technology import Costs, unit_costs


class Unknowns(NamedTuple):
    """What the solver finds. Cells without a baseline value are inactive and stay 0."""

    factor_price: Float[Array, "country factor"]  # ln ŵ
    price: Float[Array, "country sector"]  # ln P̂
    expenditure: Float[Array, "country sector"]  # ln X′ − ln X
    shadow_tax: Float[Array, " quota"]  # ln(1+x′) − ln(1+x) of each quota, ≥ 0


class State(NamedTuple):
    """Everything at a candidate equilibrium (not only at a solution). New levels unless said otherwise."""

    other_cost: Float[Array, "country sector"]  # ln ĉ_X
    costs: Costs
    log_tariff: Float[Array, "importer exporter sector"]  # ln(1+τ′)
    log_export_tax: Float[Array, "importer exporter sector"]  # ln(1+x′), shadow taxes included
    trade_cost: Float[Array, "importer exporter sector"]  # ln(ĉ κ̂)
    price: Float[Array, "country sector"]  # ln P̂ implied by (6)
    trade_share: Float[Array, "importer exporter sector"]  # π′
    output: Float[Array, "country sector"]  # Y′
    tariff_revenue: Float[Array, " country"]
    export_tax_revenue: Float[Array, " country"]
    income: Float[Array, " country"]  # I′
    expenditure: Float[Array, "country sector"]  # X′ implied by (9)
    factor_demand: Float[Array, "country factor"]  # right side of (11)
    export_quantity: Float[Array, " quota"]  # ln of exports under quota against the baseline


def other_input_cost(b: Baseline, factor_price: Array, price: Array) -> Float[Array, "country sector"]:
    """(3) ln ĉ_X: Cobb–Douglas over factors and intermediate inputs."""
    factors = jnp.einsum("nfs,nf->ns", b.factor_share, factor_price)
    return factors + jnp.einsum("nks,nk->ns", b.input_share, price)


def border_taxes(b: Baseline, policy: PolicyArrays, shadow_tax: Array) -> tuple[Array, Array]:
    """New ln(1+τ′) and ln(1+x′) with each quota's shadow tax on all foreign buyers of the exporter's element."""
    n = b.expenditure.shape[0]
    quota = jnp.zeros(b.expenditure.shape).at[policy.quota_exporter, policy.quota_sector].add(shadow_tax)
    foreign = 1.0 - jnp.eye(n)
    return policy.log_tariff, policy.log_export_tax + foreign[:, :, None] * quota[None, :, :]


def border_wedge(b: Baseline, policy: PolicyArrays, log_tariff: Array, log_export_tax: Array) -> Array:
    """(5) ln κ̂ of importer n buying from exporter i."""
    return policy.log_trade_cost + log_tariff + log_export_tax - jnp.log1p(b.tariff) - jnp.log1p(b.export_tax)


def price_and_trade_share(b: Baseline, trade_cost: Array, elasticity: Array) -> tuple[Array, Array]:
    """(6) ln P̂ and (7) π′, in logs so that elasticities of 65 and near-zero flows are safe."""
    traded = b.trade_share > 0
    log_share = jnp.where(traded, jnp.log(jnp.where(traded, b.trade_share, 1.0)), -jnp.inf)
    weight = jnp.where(traded, log_share - elasticity * trade_cost, -jnp.inf)
    bought = jnp.any(traded, axis=1)
    total = jax.nn.logsumexp(jnp.where(bought[:, None, :], weight, 0.0), axis=1)
    price = jnp.where(bought, -total / elasticity, 0.0)
    share = jnp.where(traded, jnp.exp(jnp.where(traded, weight, 0.0) - total[:, None, :]), 0.0)
    return price, share


def revenue(trade_share: Array, expenditure: Array, log_tariff: Array, log_export_tax: Array) -> Array:
    """(8) producers' revenue by bilateral flow; summed over importers it is Y′. (importer, exporter, sector)."""
    return trade_share * expenditure[:, None, :] * jnp.exp(-log_tariff - log_export_tax)


def evaluate(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> State:
    """All equations at the candidate ``u``."""
    other_cost = other_input_cost(b, u.factor_price, u.price)
    costs = unit_costs(
        other_cost, u.price[:, b.element_index], b.ree_share, b.element_share, b.diffusion_weight, parameters.technology
    )
    costs = costs._replace(unit_cost=costs.unit_cost - policy.log_productivity)
    log_tariff, log_export_tax = border_taxes(b, policy, u.shadow_tax)
    trade_cost = costs.unit_cost[None, :, :] + border_wedge(b, policy, log_tariff, log_export_tax)
    price, trade_share = price_and_trade_share(b, trade_cost, parameters.trade_elasticity)

    spending = b.expenditure * jnp.exp(u.expenditure)
    flow = trade_share * spending[:, None, :]
    earned = revenue(trade_share, spending, log_tariff, log_export_tax)
    output = earned.sum(axis=0)
    tariff_revenue = -jnp.sum(flow * jnp.expm1(-log_tariff), axis=(1, 2))  # τ′/(1+τ′)·π′X′
    export_tax_revenue = jnp.sum(earned * jnp.expm1(log_export_tax), axis=(0, 2))
    factor_income = jnp.sum(b.factor_income * jnp.exp(u.factor_price), axis=1)
    income = factor_income + tariff_revenue + export_tax_revenue + policy.deficit  # (10)
    demand, factor_demand = demands(b, costs, output, income)
    return State(
        other_cost, costs, log_tariff, log_export_tax, trade_cost, price, trade_share, output, tariff_revenue,
        export_tax_revenue, income, demand, factor_demand, _export_quantity(b, policy, earned, costs.unit_cost),
    )  # fmt: skip


def demands(b: Baseline, costs: Costs, output: Array, income: Array) -> tuple[Array, Array]:
    """(9) expenditure (country, sector) and (11) what factors are paid (country, factor), at new output and income."""
    income = jnp.where(income > 0, income, jnp.nan)  # a fixed deficit can exhaust it: no equilibrium, never a number
    other_spending = (1 - costs.ree_share) * output
    demand = b.final_share * income[:, None] + jnp.einsum("nks,ns->nk", b.input_share, other_spending)
    element_demand = jnp.einsum("nes,ns->ne", costs.element_share, costs.ree_share * output)
    demand = demand.at[:, b.element_index].add(element_demand)
    return demand, jnp.einsum("nfs,ns->nf", b.factor_share, other_spending)


def _export_quantity(b: Baseline, policy: PolicyArrays, earned: Array, unit_cost: Array) -> Float[Array, " quota"]:
    """Log change of the physical exports under each quota: revenue abroad deflated by the producer's price."""
    i, s = policy.quota_exporter, policy.quota_sector
    return jnp.log(_abroad(earned, policy)) - jnp.log(baseline_exports(b, policy)) - unit_cost[i, s]


def baseline_exports(b: Baseline, policy: PolicyArrays) -> Float[Array, " quota"]:
    """Producers' baseline revenue abroad from what each quota covers."""
    before = revenue(b.trade_share, b.expenditure, jnp.log1p(b.tariff), jnp.log1p(b.export_tax))
    return _abroad(before, policy)


def _abroad(earned: Array, policy: PolicyArrays) -> Float[Array, " quota"]:
    i, s = policy.quota_exporter, policy.quota_sector
    foreign = 1.0 - jnp.eye(earned.shape[0])
    return jnp.sum(foreign[:, i] * earned[:, i, s], axis=0)


class Active(NamedTuple):
    """Cells of the unknowns that exist: factors that earn, sectors that are bought."""

    factor_price: Bool[Array, "country factor"]
    price: Bool[Array, "country sector"]
    numeraire: Bool[Array, "country factor"]  # the one market dropped by Walras' law


def active_cells(b: Baseline) -> Active:
    """The dropped market is that of the factor with the largest income."""
    largest = jnp.argmax(b.factor_income)
    dropped = (jnp.arange(b.factor_income.size) == largest).reshape(b.factor_income.shape)
    return Active(b.factor_income > 0, b.expenditure > 0, dropped)


def residual(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns, walras: bool = False
) -> Unknowns:
    """Relative excess of (6), (9), (11) and of the quotas' complementarity; zero at an equilibrium.

    The numéraire (world factor income unchanged) stands in the place of the redundant factor market, or, with
    ``walras=True``, that market itself, to see that it clears too.
    """
    state = evaluate(b, policy, parameters, u)
    slack = policy.log_quota - state.export_quantity
    return excess(b, u, state.price, state.expenditure, state.factor_demand, slack, walras)


def excess(
    b: Baseline, u: Unknowns, price: Array, expenditure: Array, factor_demand: Array, slack: Array, walras: bool = False
) -> Unknowns:
    """Log gaps between what the equations imply and the candidate; inactive cells are held at zero."""
    active = active_cells(b)
    earns = jnp.where(active.factor_price, b.factor_income, 1.0)
    demanded = jnp.where(active.factor_price, factor_demand, 1.0)
    factor = jnp.where(active.factor_price, jnp.log(demanded) - jnp.log(earns) - u.factor_price, u.factor_price)
    if not walras:
        world = jnp.log(jnp.sum(b.factor_income * jnp.exp(u.factor_price)) / jnp.sum(b.factor_income))
        factor = jnp.where(active.numeraire, world, factor)
    bought = jnp.where(active.price, b.expenditure, 1.0)
    wanted = jnp.where(active.price, expenditure, 1.0)
    spending = jnp.where(active.price, jnp.log(wanted) - jnp.log(bought) - u.expenditure, u.expenditure)
    level = jnp.where(active.price, price - u.price, u.price)
    return Unknowns(factor, level, spending, jnp.minimum(u.shadow_tax, slack))
