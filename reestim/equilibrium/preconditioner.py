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
from reestim.equilibrium.equations import Unknowns, active_cells, at_quotas, mine_mean, revenue
from reestim.equilibrium.mining import cost_shares, mine_substitution
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.scenario import PolicyArrays

#: Elasticity of demand for an element that has one supplier only; any value near the truth serves.
SOLE_SUPPLIER = 0.5


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
    at_home: Float[Array, "country element"]  # fall of sales at home, abroad and in all with the price that is asked
    abroad: Float[Array, "country element"]
    everywhere: Float[Array, "country element"]
    exported: Float[Array, "country element"]  # share of sales abroad
    substitution: Float[Array, "country element"]  # η between a mine's resource and its other inputs
    quota_elasticity: Float[Array, " quota"]


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
    at_home = jnp.diagonal(steep, axis1=0, axis2=1).T
    everywhere = jnp.sum(earned[:, :, e] * steep, axis=0) / made[:, e]
    exported = 1 - sold_home[:, e]
    abroad = (everywhere - sold_home[:, e] * at_home) / jnp.where(exported > 0, exported, 1.0)
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
        at_home,
        jnp.maximum(abroad, SOLE_SUPPLIER),
        jnp.maximum(everywhere, SOLE_SUPPLIER),
        exported,
        eta,
        trade_elasticity[policy.quota_sector],
    )


def binding(parameters: ParameterArrays, policy: PolicyArrays, u: Unknowns, r: Unknowns) -> Bool[Array, " quota"]:
    """Which side of min(ε·shadow tax, slack) a quota's residual shows: true where it is the slack."""
    return -r.shadow_tax < parameters.trade_elasticity[policy.quota_sector] * u.shadow_tax


def apply_preconditioner(
    near: Preconditioner, b: Baseline, policy: PolicyArrays, bound: Bool[Array, " quota"], r: Unknowns
) -> Unknowns:
    """The step that the approximate inverse proposes for the residuals ``r``: linear in them.

    ``bound`` says which quotas bind.
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
    factor, shadow_tax, margin = _mines(near, b, policy, bound, r, market, factor)
    # Then costs, prices, sales and incomes at the new factor prices.
    cost = jnp.einsum("nfs,nf->ns", near.direct, factor)
    e = b.element_index
    tax = at_quotas(b, policy, shadow_tax)[:, e]
    gate = cost[:, e] + margin
    # Elements come from few places: their prices are followed to every buyer, and spending on them with η near 1/2.
    delivered = jnp.einsum("nie,ie->ne", b.trade_share[:, :, e], gate + tax) - near.home[:, e] * tax
    price = jnp.einsum(
        "nsk,nk->ns", near.price, r.price + (near.home * cost).at[:, e].set(delivered, unique_indices=True)
    )
    cost = cost + jnp.einsum("nks,nk->ns", near.use, price)
    inputs = -jnp.einsum("nks,ns->nk", near.use, b.output * near.contested * cost) / bought
    inputs = inputs.at[:, e].add((1 - SOLE_SUPPLIER) * price[:, e], unique_indices=True)
    earned = jnp.sum(b.factor_income * factor, axis=1) / b.income
    spending = jnp.einsum("nsk,nk->ns", near.spending, r.expenditure + inputs + near.final * earned[:, None])
    return Unknowns(factor, price, spending, shadow_tax, margin)


def _mines(
    near: Preconditioner, b: Baseline, policy: PolicyArrays, bound: Array, r: Unknowns, market: Array, factor: Array
) -> tuple[Array, Array, Array]:
    """Steps of resource prices with what they trade off against: shadow taxes of quotas, margins of joint supply.

    A resource is in fixed supply, so a tax on its product comes out of its own price. With γ its cost share and o the
    elasticity of sales, a market under a quota clears with dw = (r_w − s_x·r_t)/(η(1 − γ) + γ·s_h·o_h) and
    dt = r_t/o_x − γ·dw; joint supply with dw = (r_w − r_m)/(η(1 − γ)) and dm = r_m/o − γ·dw, in deviations from the
    mine.
    """
    e = b.element_index
    share = jnp.einsum("nfe,fe->ne", near.direct[:, :, e], near.specific)  # γ
    of_resource = jnp.einsum("nf,fe->ne", market, near.specific)
    i, s = policy.quota_exporter, policy.quota_sector
    k = jnp.argmax(s[:, None] == e, axis=1) if e.size else s
    under = jnp.zeros(share.shape).at[i, k].add(jnp.where(bound, 1.0, 0.0)) > 0
    pressed = jnp.zeros(share.shape).at[i, k].add(jnp.where(bound, r.shadow_tax, 0.0))
    supply = near.substitution * (1 - share)
    damping = supply + share * (1 - near.exported) * near.at_home
    quota_price = (of_resource - near.exported * pressed) / jnp.where(damping > 0, damping, 1.0)

    joint = active_cells(b).margin & (policy.joint > 0)
    mean = partial(mine_mean, b)
    apart, uneven = of_resource - mean(of_resource), r.margin - mean(r.margin)
    own = jnp.einsum("nf,fe->ne", factor, near.specific)
    joint_price = mean(own) + (apart - uneven) / jnp.maximum(supply, 0.05)
    price = jnp.where(joint, joint_price, jnp.where(under, quota_price, own))

    changed = jnp.where(joint | under, price - own, 0.0)
    factor = factor + jnp.einsum("ne,fe->nf", changed, near.specific) * (b.factor_income > 0)
    follow = share * (price - mean(price))
    margin = jnp.where(joint, mean(r.margin) + uneven / near.everywhere - follow, r.margin)
    free = r.shadow_tax / near.quota_elasticity
    tied = r.shadow_tax / near.abroad[i, k] - (share * price)[i, k]
    return factor, jnp.where(bound, tied, free), margin
