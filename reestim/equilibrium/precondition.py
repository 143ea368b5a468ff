"""An approximate inverse of the equilibrium's Jacobian: each country by itself, its markets by their slopes.

The residuals of (6) and (9) feed on themselves through domestic inputs; those loops are inverted country by country.
A factor market's excess falls with the factor's price by one plus the elasticity of demand for what it makes: ε times
the share of markets that others serve, times the pass-through of the price into costs at home. Then the countries'
own prices, costs, sales and incomes are followed through in turn. What links countries beyond that is left to the
acceleration, which needs half as many steps for it as with the diagonal alone.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import Unknowns, active_cells, revenue
from reestim.equilibrium.scenario import PolicyArrays


class Approximate(NamedTuple):
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
    quota_elasticity: Float[Array, " quota"]
    element_elasticity: Float[Array, " element"]


def approximate(b: Baseline, policy: PolicyArrays, trade_elasticity: Float[Array, " sector"]) -> Approximate:
    """The approximate inverse; depends on the baseline and the trade elasticities only."""
    use = b.input_share * (1 - b.ree_share)[:, None, :]
    use = use.at[:, b.element_index, :].add(b.element_share * b.ree_share[:, None, :])
    direct = b.factor_share * (1 - b.ree_share)[:, None, :]
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
    return Approximate(
        price, spending, slope, use, direct, home, sold_home, contested, b.final_share * b.income[:, None] / bought,
        trade_elasticity[policy.quota_sector], trade_elasticity[b.element_index],
    )  # fmt: skip


def apply(near: Approximate, b: Baseline, r: Unknowns) -> Unknowns:
    """The step that the approximate inverse proposes for the residuals ``r``: linear in them."""
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
    # Then costs, prices, sales and incomes at the new factor prices.
    cost = jnp.einsum("nfs,nf->ns", near.direct, factor)
    price = jnp.einsum("nsk,nk->ns", near.price, r.price + near.home * cost)
    cost = cost + jnp.einsum("nks,nk->ns", near.use, price)
    inputs = -jnp.einsum("nks,ns->nk", near.use, b.output * near.contested * cost) / bought
    earned = jnp.sum(b.factor_income * factor, axis=1) / b.income
    spending = jnp.einsum("nsk,nk->ns", near.spending, r.expenditure + inputs + near.final * earned[:, None])

    mined = active_cells(b).margin
    before = jnp.where(mined, b.output[:, b.element_index], 0.0)
    share = before / jnp.maximum(before.sum(axis=1, keepdims=True), jnp.finfo(float).tiny)
    mean = jnp.sum(share * r.margin, axis=1, keepdims=True)
    margin = jnp.where(mined, mean + (r.margin - mean) / near.element_elasticity, r.margin)
    return Unknowns(factor, price, spending, r.shadow_tax / near.quota_elasticity, margin)
