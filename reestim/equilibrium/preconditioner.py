"""An approximate inverse of the equilibrium's Jacobian: each country by itself, its markets by their slopes.

The residuals of (6) and (9) feed on themselves through domestic inputs; those loops are inverted country by country.
A factor market's excess falls with the factor's price by one plus the elasticity of demand for what it makes: ε times
the share of markets that others serve, times the pass-through of the price into costs at home. Then the countries'
own prices, costs, sales and incomes are followed through in turn. What links countries beyond that is left to the
acceleration, which needs half as many steps for it as with the diagonal alone.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import Unknowns, active_cells, mine_mean, revenue
from reestim.equilibrium.mining import cost_shares, mine_substitution
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.pool_steps import Producers, delivered_prices, move_pools
from reestim.equilibrium.pools import PoolSteps

#: Elasticity of demand for an element that has one supplier only; any value near the truth serves.
SOLE_SUPPLIER = 0.5
#: Least elasticity of a joint mine's resources that is divided by, and what stands for nothing where one divides.
FLAT, TINY = 0.05, 1e-300


class Preconditioner(NamedTuple):
    """Pieces of the approximate inverse, at the baseline."""

    price: Float[Array, "country sector sector"]  # inverse of the loop of prices through domestic inputs
    spending: Float[Array, "country sector sector"]  # the same of spending
    slope: Float[Array, "country factor"]  # how fast a factor market's excess falls with its price
    use: Float[Array, "country input sector"]  # cost shares of inputs, elements among them
    direct: Float[Array, "country factor sector"]  # cost shares of factors
    home: Float[Array, "country sector"]  # share of spending that stays at home
    sold_home: Float[Array, "country sector"]  # share of sales that stay at home
    contested: Float[Array, "country sector"]  # fall of sales with the seller's cost
    final: Float[Array, "country sector"]  # share of final demand in spending
    specific: Bool[Array, "factor element"]  # the factor that only this element's sector employs
    everywhere: Float[Array, "country element"]  # fall of sales with the price that is asked, at home and abroad
    substitution: Float[Array, "country element"]  # η between a mine's resource and its other inputs
    held: Float[Array, "importer pair"]  # fall of sales of pairs under a quota or licence, by importer


def build_preconditioner(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays) -> Preconditioner:
    """The approximate inverse; depends on the baseline, trade elasticities and supply elasticities only."""
    trade_elasticity = parameters.trade_elasticity
    factor_share, input_share = cost_shares(b)
    use = input_share * (1 - b.ree_share)[:, None, :]
    use = use.at[:, b.member_index, :].add(b.member_share * b.ree_share[:, None, :])
    direct = factor_share * (1 - b.ree_share)[:, None, :]
    home = jnp.diagonal(b.trade_share, axis1=0, axis2=1).T
    earned = revenue(b.trade_share, b.expenditure, jnp.log1p(b.tariff), jnp.log1p(b.export_tax))
    made = jnp.where(b.output > 0, b.output, 1.0)
    bought = jnp.where(b.expenditure > 0, b.expenditure, 1.0)
    sold_home = jnp.diagonal(earned, axis1=0, axis2=1).T / made
    eye = jnp.eye(b.expenditure.shape[1])
    price = jnp.linalg.inv(eye - home[:, :, None] * jnp.swapaxes(use, 1, 2))
    spending = jnp.linalg.inv(eye - use * (b.output * sold_home)[:, None, :] / bought[:, :, None])

    around = jnp.einsum("nkl,nfl->nfk", price, home[:, None, :] * direct)
    passed = direct + jnp.einsum("nks,nfk->nfs", use, around)
    contested = trade_elasticity * jnp.sum(earned * (1 - b.trade_share), axis=0) / made
    income = jnp.where(b.factor_income > 0, b.factor_income, 1.0)
    slope = 1 + jnp.sum(direct * passed * (b.output * contested)[:, None, :], axis=2) / income

    # A resource's share of cost rises by (1−η)(1−r) with its price: not so in a Cobb–Douglas mine.
    eta = mine_substitution(b, parameters)
    slope = slope - jnp.einsum("ne,fe->nf", (1 - eta) * (1 - b.resource_share), b.resource)

    e = b.element_index
    others = jnp.sum(jnp.where(jnp.arange(made.shape[1])[:, None] == e, 0.0, direct.sum(axis=0)[:, :, None]), axis=1)
    specific = (others <= 0) & (direct[:, :, e].sum(axis=0) > 0)
    steep = trade_elasticity[e] * (1 - b.trade_share[:, :, e]) + SOLE_SUPPLIER * b.trade_share[:, :, e]
    everywhere = jnp.sum(earned[:, :, e] * steep, axis=0) / made[:, e]
    i, k = policy.pools.exporter, policy.pools.sector
    bought_there = b.trade_share[:, i, k]
    held = trade_elasticity[k] * (1 - bought_there) + SOLE_SUPPLIER * bought_there
    return Preconditioner(
        price,
        spending,
        slope,
        use,
        direct,
        home,
        sold_home,
        contested,
        b.final_share * b.income[:, None] / bought,
        specific,
        jnp.maximum(everywhere, SOLE_SUPPLIER),
        eta,
        jnp.maximum(held, SOLE_SUPPLIER),
    )


def apply_preconditioner(
    near: Preconditioner, b: Baseline, policy: PolicyArrays, steps: PoolSteps, r: Unknowns
) -> Unknowns:
    """The step that the approximate inverse proposes for the residuals ``r``: linear in them.

    ``steps`` says which pools bind and how they move.
    """
    income = jnp.where(b.factor_income > 0, b.factor_income, 1.0)
    bought = jnp.where(b.expenditure > 0, b.expenditure, 1.0)
    # What the gaps in prices and spending alone would do to sales, and with them to factor markets.
    price = jnp.einsum("nsk,nk->ns", near.price, r.price)
    spending = jnp.einsum("nsk,nk->ns", near.spending, r.expenditure)
    sales = near.sold_home * spending - near.contested * jnp.einsum("nks,nk->ns", near.use, price)
    market = r.factor_price + jnp.einsum("nfs,ns->nf", near.direct, b.output * sales) / income
    market = jnp.where(b.factor_income > 0, market, r.factor_price)
    raw = market / near.slope
    # Rows carry the numéraire's gap: what all of them share moves all factor prices one for one.
    weight = b.factor_income / b.factor_income.sum()
    factor = jnp.where(b.factor_income > 0, raw + jnp.sum(weight * (market - raw)), r.factor_price)
    factor, pool, margin = _mines(near, b, policy, steps, r, market, factor)
    # Then costs, prices, sales and incomes at the new factor prices.
    cost = jnp.einsum("nfs,nf->ns", near.direct, factor)
    e = b.element_index
    gate = cost[:, e] + margin
    # Elements come from few places: their prices are followed to every buyer, and spending on them with η near 1/2.
    delivered = jnp.einsum("nie,ie->ne", b.trade_share[:, :, e], gate)
    at_gate = (near.home * cost).at[:, e].set(delivered, unique_indices=True)
    if policy.pools.sector.size:
        i, s = policy.pools.exporter, policy.pools.sector
        asked = cost.at[:, e].set(gate, unique_indices=True)[i, s]
        moved = delivered_prices(steps, policy.pools, asked) + jnp.einsum("pnq,p->nq", steps.rise, pool)
        at_gate = at_gate.at[:, s].add(b.trade_share[:, i, s] * (moved - asked))
    price = jnp.einsum("nsk,nk->ns", near.price, r.price + at_gate)
    cost = cost + jnp.einsum("nks,nk->ns", near.use, price)
    inputs = -jnp.einsum("nks,ns->nk", near.use, b.output * near.contested * cost) / bought
    inputs = inputs.at[:, e].add((1 - SOLE_SUPPLIER) * price[:, e], unique_indices=True)
    earned = jnp.sum(b.factor_income * factor, axis=1) / b.income
    spending = jnp.einsum("nsk,nk->ns", near.spending, r.expenditure + inputs + near.final * earned[:, None])
    return Unknowns(factor, price, spending, pool, margin)


def _mines(
    near: Preconditioner, b: Baseline, policy: PolicyArrays, steps: PoolSteps, r: Unknowns, market: Array, factor: Array
) -> tuple[Array, Array, Array]:
    """Steps of resource prices with what they trade off against: licences of pools, margins of joint supply.

    Joint supply clears with dw = (r_w − r_m)/(η(1 − γ)) and dm = r_m/o − γ·dw, in deviations from the mine, γ the cost
    share of a resource and o the elasticity of sales; pools as in ``pool_steps``.
    """
    e = b.element_index
    share = jnp.einsum("nfe,fe->ne", near.direct[:, :, e], near.specific)  # γ
    of_resource = jnp.einsum("nf,fe->ne", market, near.specific)
    supply = near.substitution * (1 - share)
    joint = active_cells(b).margin & (policy.joint > 0)
    mean = partial(mine_mean, b)
    own = jnp.einsum("nf,fe->ne", factor, near.specific)
    apart, uneven = of_resource - mean(of_resource), r.margin - mean(r.margin)
    price = jnp.where(joint, mean(own) + (apart - uneven) / jnp.maximum(supply, FLAT), own)
    follow = share * (price - mean(price))
    margin = jnp.where(joint, mean(r.margin) + uneven / near.everywhere - follow, r.margin)
    pool = r.pool
    if pool.size:
        i, s = policy.pools.exporter, policy.pools.sector
        at = s[:, None] == e  # pairs of goods are beside the elements: in a column of their own, which is dropped
        k = jnp.where(jnp.any(at, axis=1), jnp.argmax(jnp.pad(at, ((0, 0), (0, 1))), axis=1), e.size)

        def of_pairs(values: Array, goods: float = 0.0) -> Array:
            return jnp.pad(values, ((0, 0), (0, 1)), constant_values=goods)[i, k]

        output = b.output[:, e]
        same = (i[:, None] == i) & (of_pairs(output) > 0)
        made = Producers(
            of_pairs(share),
            of_pairs(supply, 1.0),
            of_pairs(of_resource),
            of_pairs(joint) > 0,
            of_pairs(share * price + margin),
            of_pairs(near.everywhere, 1.0),
            jnp.where(same, of_pairs(output) / jnp.maximum(output.sum(axis=1)[i], TINY)[:, None], 0.0),
            jnp.maximum(mean(share / jnp.maximum(supply, FLAT) + 1 / near.everywhere)[i, 0], TINY),
        )
        moved = move_pools(policy.pools, steps, near.held, made, r.pool)
        pool = moved.pool
        held = jnp.any(steps.rise > 0, axis=(0, 1))
        rent = jnp.where(held & (made.rent > 0), moved.price / jnp.where(made.rent > 0, made.rent, 1.0), 0.0)

        def at_mines(values: Array) -> Array:
            return jnp.zeros((len(share), e.size + 1)).at[i, k].add(values)[:, : e.size]  # no pair stands twice

        # A mine whose quantity falls pays its resources less; its margins follow what its products lose abroad.
        # Its pairs move together; their mean says so linearly, which the transposed system needs.
        pairs = jnp.zeros(len(share)).at[i].add(made.joint * 1.0)
        fall = jnp.zeros(len(share)).at[i].add(jnp.where(made.joint, moved.quantity, 0.0))
        mine = (fall / jnp.maximum(pairs, 1.0))[:, None]
        lower = mine / jnp.maximum(supply, FLAT)
        asked = at_mines(jnp.where(made.joint, moved.price - made.proposed, 0.0))
        asked = jnp.where(at_mines(jnp.ones(k.shape)) > 0, asked, mine / near.everywhere)
        price = jnp.where(joint, price - lower, jnp.where(at_mines(held * 1.0) > 0, at_mines(rent), price))
        margin = jnp.where(joint, margin + asked + share * lower, margin)
    factor = factor + jnp.einsum("ne,fe->nf", price - own, near.specific) * (b.factor_income > 0)
    return factor, pool, margin
