"""Equations (3)–(11): the equilibrium in changes, each a function named after what it says.

Log changes are against the baseline; primes are new levels. Unknowns are stacked in :class:`Unknowns`; every residual
is relative (a log difference), so that small countries and sectors weigh as much as large ones.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.mining import mine_costs
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.pools import PoolState, licences_at_border, licences_at_mine, pool_residual, pool_state
from reestim.technology import Costs, unit_costs

Country = Float[Array, " country"]
CountryFactor = Float[Array, "country factor"]
CountryElement = Float[Array, "country element"]
CountryMember = Float[Array, "country member"]
Cells = Float[Array, "country sector"]
Flows = Float[Array, "importer exporter sector"]


class Unknowns(NamedTuple):
    """What the solver finds. Cells without a baseline value are inactive and stay 0."""

    factor_price: CountryFactor  # ln ŵ
    price: Cells  # ln P̂
    expenditure: Cells  # ln X′ − ln X
    pool: Float[
        Array, " pool"
    ]  # of quotas and licences: ln(1 + licence price/scale) where positive, else what stays unused
    margin: CountryElement  # ln of price over unit cost at a mine's gate; 0 unless supply is joint


class Production(NamedTuple):
    """Costs at the prices of a candidate."""

    other_cost: Cells  # ln ĉ_X; of a mine, with its rent
    costs: Costs
    resource_share: CountryElement  # r′, the new share of rent in a mine's cost


class State(NamedTuple):
    """Everything at a candidate equilibrium (not only at a solution). New levels unless said otherwise."""

    other_cost: Cells  # ln ĉ_X; of a mine, with its rent
    costs: Costs
    resource_share: CountryElement  # r′
    log_tariff: Flows  # ln(1+τ′)
    log_export_tax: Flows  # ln(1+x′), licences included
    trade_cost: Flows  # ln(ĉ b̂), margins, subsidies and licences included
    price: Cells  # ln P̂ implied by (6)
    trade_share: Flows  # π′
    earned: Flows  # what buyers pay at the gate: before subsidies, licences of the mine included
    output: Cells  # Y′, subsidies included
    tariff_revenue: Country
    export_tax_revenue: Country
    income: Country  # I′
    expenditure: Cells  # X′ implied by (9)
    factor_demand: CountryFactor  # right side of (11)
    scrap: CountryMember  # value of what is recycled
    pools: PoolState


def production(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> Production:
    """(3), Cobb–Douglas but for the rent of mines; (4) technology, unit costs and cost shares at ``u``."""
    e = b.element_index
    other_cost = jnp.einsum("nfs,nf->ns", b.factor_share, u.factor_price)
    other_cost = other_cost + jnp.einsum("nks,nk->ns", b.input_share, u.price)
    resource_price = jnp.einsum("nf,fe->ne", u.factor_price, b.resource)
    mines, resource_share = mine_costs(b, parameters, resource_price, other_cost[:, e])
    other_cost = other_cost.at[:, e].set(mines)
    costs = unit_costs(
        other_cost, u.price[:, b.member_index], b.ree_share, b.member_share, b.diffusion_weight, parameters.technology
    )
    costs = costs._replace(unit_cost=costs.unit_cost - policy.log_productivity)
    return Production(other_cost, costs, resource_share)


def at_elements(b: Baseline, values: CountryElement) -> Cells:
    """Values (country, element) at the elements' places among the sectors, zero elsewhere."""
    return jnp.zeros(b.expenditure.shape).at[:, b.element_index].set(values)


def border_wedge(b: Baseline, policy: PolicyArrays, log_tariff: Flows, log_export_tax: Flows) -> Flows:
    """(5) ln b̂ of importer n buying from exporter i."""
    return policy.log_trade_cost + log_tariff + log_export_tax - jnp.log1p(b.tariff) - jnp.log1p(b.export_tax)


def price_and_trade_share(b: Baseline, trade_cost: Flows, elasticity: Float[Array, " sector"]) -> tuple[Cells, Flows]:
    """(6) ln P̂ and (7) π′, in logs so that elasticities of 65 and near-zero flows are safe."""
    traded = b.trade_share > 0
    log_share = jnp.where(traded, jnp.log(jnp.where(traded, b.trade_share, 1.0)), -jnp.inf)
    weight = jnp.where(traded, log_share - elasticity * trade_cost, -jnp.inf)
    bought = jnp.any(traded, axis=1)
    total = jax.nn.logsumexp(jnp.where(bought[:, None, :], weight, 0.0), axis=1)
    price = jnp.where(bought, -total / elasticity, 0.0)
    share = jnp.where(traded, jnp.exp(jnp.where(traded, weight, 0.0) - total[:, None, :]), 0.0)
    return price, share


def revenue(trade_share: Flows, expenditure: Cells, log_tariff: Flows, log_export_tax: Flows) -> Flows:
    """(8) what buyers pay to producers by bilateral flow; summed over importers it is Y′, before subsidies."""
    return trade_share * expenditure[:, None, :] * jnp.exp(-log_tariff - log_export_tax)


def factor_income(b: Baseline, policy: PolicyArrays, factor_price: CountryFactor) -> CountryFactor:
    """ŵ V times the change of the factor's quantity."""
    return b.factor_income * jnp.exp(factor_price + policy.log_endowment)


def evaluate(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> State:
    """All equations at the candidate ``u``."""
    made = production(b, policy, parameters, u)
    costs = made.costs
    log_tariff, pools = policy.log_tariff, policy.pools
    i, s = pools.exporter, pools.sector
    margin = at_elements(b, u.margin)
    asked = costs.unit_cost + margin - policy.log_subsidy  # what buyers pay at the gate
    at_mine = licences_at_mine(pools, u.pool, asked[i, s])
    asked = asked.at[i, s].add(at_mine.wedge)
    at_border = licences_at_border(pools, u.pool, asked[i, s], policy.log_export_tax[:, i, s])
    log_export_tax = policy.log_export_tax.at[:, i, s].add(at_border.wedge)
    trade_cost = asked[None, :, :] + border_wedge(b, policy, log_tariff, log_export_tax)
    price, trade_share = price_and_trade_share(b, trade_cost, parameters.trade_elasticity)

    spending = b.expenditure * jnp.exp(u.expenditure)
    flow = trade_share * spending[:, None, :]
    earned = revenue(trade_share, spending, log_tariff, log_export_tax)
    held = pool_state(
        pools,
        u.pool,
        earned[:, i, s],
        revenue(b.trade_share, b.expenditure, jnp.log1p(b.tariff), jnp.log1p(b.export_tax))[:, i, s],
        asked[i, s],
        policy.log_export_tax[:, i, s],
        at_mine,
        at_border,
    )
    paid = earned.sum(axis=0)
    output = producers_revenue(policy, paid, held)
    tariff_revenue = -jnp.sum(flow * jnp.expm1(-log_tariff), axis=(1, 2))  # τ′/(1+τ′)·π′X′
    export_tax_revenue = jnp.sum(earned * jnp.expm1(log_export_tax), axis=(0, 2))
    waste = lost_rent(b, policy, held)
    taxes = tariff_revenue + export_tax_revenue - (output - paid).sum(axis=1) - waste
    earnings = factor_income(b, policy, u.factor_price).sum(axis=1)
    income, demand, factor_demand, scrap = demands(b, policy, made, output * jnp.exp(-margin), earnings + taxes, waste)
    return State(
        made.other_cost,
        costs,
        made.resource_share,
        log_tariff,
        log_export_tax,
        trade_cost,
        price,
        trade_share,
        earned,
        output,
        tariff_revenue,
        export_tax_revenue,
        income,
        demand,
        factor_demand,
        scrap,
        held,
    )


def producers_revenue(policy: PolicyArrays, paid: Cells, held: PoolState) -> Cells:
    """What producers earn of what is paid at the gate: subsidies on top, licences of the mine taken off."""
    licensed = jnp.zeros(paid.shape).at[policy.pools.exporter, policy.pools.sector].set(held.at_mine.wedge)
    return paid * jnp.exp(policy.log_subsidy - licensed)


def lost_rent(b: Baseline, policy: PolicyArrays, held: PoolState) -> Country:
    """Rent of licences that is spent to nobody's gain, by the country that gives them."""
    return jnp.zeros(b.income.shape).at[policy.pools.exporter].add(held.waste)


def demands(
    b: Baseline, policy: PolicyArrays, made: Production, cost: Cells, earnings: Country, waste: Country
) -> tuple[Country, Cells, CountryFactor, CountryMember]:
    """(10) income, (9) expenditure, (11) what factors are paid, and the value of scrap, at new costs of production.

    ``cost`` is what producers spend: output less the margins of mines. ``earnings``: factor incomes and net taxes;
    deficits and scrap come on top. ``waste`` buys the country's final bundle and is nobody's income.
    """
    costs, e = made.costs, b.element_index
    rent = made.resource_share * cost[:, e]
    other_spending = ((1 - costs.ree_share) * cost).at[:, e].add(-rent)
    members = jnp.einsum("nms,ns->nm", costs.member_share, costs.ree_share * cost)
    scrap = policy.recycled * members
    income = earnings + (b.deficit + policy.deficit_change) + scrap.sum(axis=1)
    income = jnp.where(income > 0, income, jnp.nan)  # a fixed deficit can exhaust it: no equilibrium, never a number
    demand = b.final_share * (income + waste)[:, None] + jnp.einsum("nks,ns->nk", b.input_share, other_spending)
    demand = demand.at[:, b.member_index].add(members - scrap)
    factors = jnp.einsum("nfs,ns->nf", b.factor_share, other_spending) + jnp.einsum("ne,fe->nf", rent, b.resource)
    return income, demand, factors, scrap


class Active(NamedTuple):
    """Cells of the unknowns that exist: factors that earn, sectors that are bought, elements that are mined."""

    factor_price: Bool[Array, "country factor"]
    price: Bool[Array, "country sector"]
    margin: Bool[Array, "country element"]


def active_cells(b: Baseline) -> Active:
    """Where the baseline has something."""
    return Active(b.factor_income > 0, b.expenditure > 0, b.output[:, b.element_index] > 0)


def residual(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> Unknowns:
    """Relative excess of (6), (9), (11), of the pools' complementarity and of joint supply; zero at an equilibrium."""
    state = evaluate(b, policy, parameters, u)
    return excess(
        b,
        policy,
        u,
        state.price,
        state.expenditure,
        state.factor_demand,
        state.pools.over,
        state.output,
        state.costs.unit_cost,
    )


def excess(
    b: Baseline,
    policy: PolicyArrays,
    u: Unknowns,
    price: Cells,
    expenditure: Cells,
    factor_demand: CountryFactor,
    over: Float[Array, " pool"],
    output: Cells,
    unit_cost: Cells,
) -> Unknowns:
    """Log gaps between what the equations imply and the candidate; inactive cells are held at zero.

    Numéraire: world factor income stays as it was. Its gap is taken off every factor market: by Walras' law the gaps of
    the markets, weighted by income, sum to zero when all else holds, so that none need be dropped and all are judged.
    """
    active = active_cells(b)
    earns = jnp.where(active.factor_price, b.factor_income, 1.0)
    demanded = jnp.where(active.factor_price, factor_demand, 1.0)
    gap = jnp.log(demanded) - jnp.log(earns) - u.factor_price - policy.log_endowment - numeraire_gap(b, policy, u)
    factor = jnp.where(active.factor_price, gap, -u.factor_price)
    bought = jnp.where(active.price, b.expenditure, 1.0)
    wanted = jnp.where(active.price, expenditure, 1.0)
    spending = jnp.where(active.price, jnp.log(wanted) - jnp.log(bought), 0.0) - u.expenditure
    level = jnp.where(active.price, price, 0.0) - u.price
    margin = joint_supply(b, policy, u, output, unit_cost)
    return Unknowns(factor, level, spending, pool_residual(over, u.pool), margin)


def numeraire_gap(b: Baseline, policy: PolicyArrays, u: Unknowns) -> Float[Array, ""]:
    """ln of world factor income against the baseline's."""
    return jnp.log(jnp.sum(factor_income(b, policy, u.factor_price))) - jnp.log(jnp.sum(b.factor_income))


def mine_mean(b: Baseline, values: CountryElement) -> Float[Array, "country 1"]:
    """Mean over the elements of each country's mine, baseline output as weights; 0 where nothing is mined."""
    output = b.output[:, b.element_index]
    weight = output / jnp.maximum(output.sum(axis=1, keepdims=True), jnp.finfo(float).tiny)
    return jnp.sum(weight * values, axis=1, keepdims=True)


def joint_supply(b: Baseline, policy: PolicyArrays, u: Unknowns, output: Cells, unit_cost: Cells) -> CountryElement:
    """Joint supply: the quantities of a country's elements move together, and its mine as a whole earns its cost.

    Deviations of ln quantities from their mean (baseline values as weights) sum to zero, so the mine's profit can stand
    beside them in every row. Independent supply: no margins.
    """
    mined = active_cells(b).margin
    before = b.output[:, b.element_index]
    after = jnp.where(mined, output[:, b.element_index], 1.0)
    quantity = jnp.where(
        mined,
        jnp.log(after) - jnp.log(jnp.where(mined, before, 1.0)) - unit_cost[:, b.element_index] - u.margin,
        0.0,
    )
    mean = mine_mean(b, quantity)
    sold = jnp.where(mined, after, 0.0).sum(axis=1, keepdims=True)
    spent = jnp.where(mined, after * jnp.exp(-u.margin), 0.0).sum(axis=1, keepdims=True)
    one = jnp.any(mined, axis=1, keepdims=True)
    profit = jnp.log(jnp.where(one, sold, 1.0)) - jnp.log(jnp.where(one, spent, 1.0))
    return jnp.where(mined & (policy.joint > 0), quantity - mean - profit, -u.margin)
