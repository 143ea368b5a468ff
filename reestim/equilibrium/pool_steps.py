"""The part of the preconditioner that knows quotas and licences: how far their unknowns move, and producers' prices.

A resource is in fixed supply, so a licence on its product comes out of its own price. With γ its cost share, o_n the
elasticity of sales to importer n and σ_n the share of these sales, a resource's market clears with

    η(1 − γ)·dw + Σ_n σ_n o_n a_n = r_w,   a_n = passed·γ dw + Σ_p (drawn·γ_r dw_r + rise·dz_p),

a_n the change of the price delivered to n, and the tonnes of a pool, in shares ω, with r_z = Σ ω_n o_n a_n. With joint
supply a licence comes out of the margins of a mine, and their common quantity falls.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reestim.equilibrium.pools import PairArray, Pools, PoolSteps, cheapest


class Producers(NamedTuple):
    """Who makes what the pairs of pools sell."""

    rent: PairArray  # γ, share of the resource in cost; 0 where there is none of its own
    supply: PairArray  # η(1 − γ)
    scarce: PairArray  # r_w, gap of the resource's market
    joint: Bool[Array, " pair"]  # out of one mine with other elements
    proposed: PairArray  # of joint ones: step of the price at the gate without licences
    elasticity: PairArray  # fall of all their sales with that price
    same_mine: Float[Array, "pair pair"]  # of joint ones: weight of the second in the mean over the mine of the first
    steepness: PairArray  # of joint ones: mean over the mine of γ/(η(1−γ)) + 1/o


class PoolMove(NamedTuple):
    """Steps of the pools, and what they do to producers' prices (as γ·dw) and, joint ones, to the mine's quantity."""

    pool: Float[Array, " pool"]
    price: PairArray
    quantity: PairArray


def delivered_prices(steps: PoolSteps, pools: Pools, producer: Float[Array, "*pool pair"]) -> Array:
    """Change of delivered prices (..., importer, pair) as producers' prices of pairs change by ``producer``."""
    return steps.passed * producer[..., None, :] + jnp.einsum(
        "...p,pnq->...nq", producer[..., cheapest(pools)], steps.drawn
    )


def move_pools(
    pools: Pools,
    steps: PoolSteps,
    elasticity: Float[Array, "importer pair"],
    made: Producers,
    gap: Float[Array, " pool"],
) -> PoolMove:
    """Steps of the pools for their residuals ``gap``; ``elasticity``: o_n."""
    lead, sales = cheapest(pools), steps.sold * elasticity
    pressed = jnp.einsum("nq,pnq->pq", sales, steps.rise)
    drawn = jnp.einsum("nq,pnq->pq", sales, steps.drawn)
    leads = lead[:, None] == jnp.arange(made.rent.size)
    damping = made.supply + made.rent * (jnp.sum(sales * steps.passed, axis=0) + jnp.sum(drawn * leads, axis=0))
    weight = made.rent / jnp.where(damping > 0, damping, 1.0)
    others = jnp.where(leads, 0.0, drawn)
    # What a producer's price does by itself, and with each licence: out of rent, that of the cheapest product first,
    # because it moves the licence price of all.
    alone, licensed = weight * made.scarce, -weight * pressed
    alone = alone - weight * (alone[lead] @ others)
    licensed = licensed - weight * (licensed[:, lead] @ others)
    taken = pressed / made.elasticity
    falls = jnp.where(made.joint, taken @ made.same_mine.T / made.steepness, 0.0)
    alone = jnp.where(made.joint, made.proposed, alone)
    licensed = jnp.where(made.joint, falls / made.elasticity - taken, licensed)

    less = steps.tonnes * elasticity  # fall of a pool's tonnes with delivered prices
    matrix = jnp.einsum("pnq,rnq->pr", less, steps.rise + delivered_prices(steps, pools, licensed))
    bound = steps.binds > 0
    matrix = jnp.where(bound[:, None], matrix, 0.0) + jnp.diag(jnp.where(bound, 0.0, 1.0))
    asked = jnp.where(bound, gap - jnp.einsum("pnq,nq->p", less, delivered_prices(steps, pools, alone)), gap)
    pool = asked / matrix[0] if gap.size == 1 else jnp.linalg.solve(matrix, asked)
    return PoolMove(pool, alone + pool @ licensed, pool @ falls)
