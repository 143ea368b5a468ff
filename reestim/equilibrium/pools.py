"""Quotas and licences in tonnes: pools of trade that share one licence price per tonne (docs/model.md section 3).

A pool holds the tonnes of its cells (importer, exporter, sector) at or below a limit. Its licence price r ≥ 0 is money
per tonne, the same in all cells, and either r = 0 or the limit is reached. The unknown of a pool is one number z: where
it is positive, ln of what the licence adds to the price of the pool's cheapest product, r = p′·(e^z − 1), so that a
pool of one product is solved in logs; z ≤ 0 is the part of the limit that stays unused, and r = 0 exactly.

Pools stand on ``pair``: the (exporter, sector) pairs that any of them names, each with all importers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from reestim.equilibrium.accounts import Baseline

PoolArray = Float[Array, " pool"]
PairArray = Float[Array, " pair"]
PairFlows = Float[Array, "importer pair"]


class Pools(NamedTuple):
    """The pools of a scenario as arrays."""

    exporter: Int[Array, " pair"]
    sector: Int[Array, " pair"]
    price: PairArray  # producer price per tonne at the baseline; 1 where it is not known
    per_kg: PairArray  # licence price in the money of ``price`` per tonne to US$ per kg; not a number where not known
    border: Float[Array, "pool importer pair"]  # 1 where exports to this importer need the pool's licence
    mine: Float[Array, "pool pair"]  # 1 where all that is produced needs it
    log_limit: PoolArray  # ln of the limit against the tonnes of the baseline, leakage included
    waste: PoolArray  # share of the rent that is spent to nobody's gain


class Licences(NamedTuple):
    """Licences at a candidate equilibrium: prices in money per tonne, and ln of what they add to the price."""

    price: PoolArray
    paid: Float[Array, "*importer pair"]
    wedge: Float[Array, "*importer pair"]


class PoolState(NamedTuple):
    """Pools at a candidate equilibrium."""

    at_mine: Licences
    at_border: Licences
    over: PoolArray  # ln of tonnes against the limit
    rent: PairArray  # of licences, waste included
    waste: PairArray
    steps: PoolSteps


class PoolSteps(NamedTuple):
    """How delivered prices of pairs move, near a candidate: d ln price = passed·h + Σ_p (drawn·h_r + rise·dz).

    h is d ln of the producer's price of the pair, h_r that of the pool's cheapest product.
    """

    binds: PoolArray  # 1 where the limit is what the pool's residual shows
    rise: Float[Array, "pool importer pair"]
    drawn: Float[Array, "pool importer pair"]
    passed: PairFlows
    tonnes: Float[Array, "pool importer pair"]  # shares of the pool's tonnes
    sold: PairFlows  # shares of the pair's tonnes by importer


def cheapest(pools: Pools) -> Int[Array, " pool"]:
    """The pair of each pool with the smallest price per tonne at the baseline."""
    covered = (pools.mine + pools.border.sum(axis=1)) > 0
    return jnp.argmin(jnp.where(covered, pools.price, jnp.inf), axis=1)


def _prices(pools: Pools, unknown: PoolArray, gate: PairArray) -> PoolArray:
    """Money per tonne of each pool: zero where its unknown is not positive."""
    return (pools.price * jnp.exp(gate))[cheapest(pools)] * jnp.expm1(jnp.where(unknown > 0, unknown, 0.0))


def licences_at_mine(pools: Pools, unknown: PoolArray, producer: PairArray) -> Licences:
    """What licences add to the price at the gate; ``producer`` is ln of the producer's price against the baseline."""
    price = jnp.where(pools.mine.sum(axis=1) > 0, _prices(pools, unknown, producer), 0.0) if unknown.size else unknown
    paid = price @ pools.mine
    return Licences(price, paid, jnp.log1p(paid / (pools.price * jnp.exp(producer))))


def licences_at_border(pools: Pools, unknown: PoolArray, gate: PairArray, log_export_tax: PairFlows) -> Licences:
    """What licences add at the border: ln(1+x′) − ln(1+x), x′ = x + r/p′; ``gate`` is ln p′ against the baseline."""
    price = jnp.where(pools.mine.sum(axis=1) > 0, 0.0, _prices(pools, unknown, gate)) if unknown.size else unknown
    paid = jnp.einsum("p,pnq->nq", price, pools.border)
    return Licences(price, paid, jnp.log1p(paid / (pools.price * jnp.exp(gate + log_export_tax))))


def pool_state(
    pools: Pools,
    unknown: PoolArray,
    earned: PairFlows,
    before: PairFlows,
    gate: PairArray,
    log_export_tax: PairFlows,
    at_mine: Licences,
    at_border: Licences,
) -> PoolState:
    """Tonnes, rents and waste of all pools. ``earned`` and ``before``: paid at the gate by importer, new and old."""
    covers = pools.border + pools.mine[:, None, :]
    price = pools.price * jnp.exp(gate)
    tonnes = earned / price
    held = jnp.einsum("pnq,nq->p", covers, tonnes)
    allowed = jnp.einsum("pnq,nq->p", covers, before / pools.price)
    over = jnp.log(held) - jnp.log(allowed) - pools.log_limit
    licence = at_mine.price + at_border.price
    each = licence[:, None] * jnp.einsum("pnq,nq->pq", covers, tonnes)  # rent by pool and pair

    binds = jnp.where((unknown > 0) | ((unknown == 0) & (over > 0)), 1.0, 0.0)
    part = pools.border / (price * jnp.exp(log_export_tax + at_border.wedge))  # of a delivered price, a money unit
    part = part + pools.mine[:, None, :] / price * jnp.exp(-at_border.wedge)
    drawn = licence[:, None, None] * part
    # dr/dz = r·e^z/(e^z − 1), which at z = 0 is the price of the cheapest product.
    z = jnp.maximum(unknown, 0.0)
    slope = binds * jnp.exp(z)
    if z.size:
        lead = cheapest(pools)
        slope = slope * price[lead] * jnp.where(pools.mine.sum(axis=1) > 0, jnp.exp(-at_mine.wedge[lead]), 1.0)
    sold = tonnes.sum(axis=0)
    steps = PoolSteps(
        binds,
        slope[:, None, None] * part,
        drawn,
        jnp.exp(-at_border.wedge - at_mine.wedge),
        covers * tonnes / held[:, None, None],
        tonnes / jnp.where(sold > 0, sold, 1.0),
    )
    return PoolState(at_mine, at_border, over, each.sum(axis=0), pools.waste @ each, steps)


def pool_residual(over: PoolArray, unknown: PoolArray) -> PoolArray:
    """0 ≤ r ⊥ limit − tonnes ≥ 0 as one equation: the limit is reached where z > 0; below, z is what stays unused.

    ``over`` is ln of tonnes against the limit; beneath it, in parts of the limit, so that z is never below −1.
    """
    return jnp.where(over > 0, over, jnp.expm1(jnp.where(over > 0, 0.0, over))) - jnp.where(unknown > 0, 0.0, unknown)


def slack_unknowns(pools: Pools) -> PoolArray:
    """The unknowns at the baseline: zero, or the part of a generous limit that stays unused."""
    return jnp.expm1(jnp.minimum(-pools.log_limit, 0.0))


def at_pairs(b: Baseline, pools: Pools, values: PairArray) -> Float[Array, "country sector"]:
    """Values of pairs at their exporter and sector, zero elsewhere."""
    return jnp.zeros(b.expenditure.shape).at[pools.exporter, pools.sector].set(values)
