"""The technology of mines: an element's resource and other inputs, with the supply elasticity that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reestim.equilibrium.accounts import Baseline
from reestim.technology import ces_index

if TYPE_CHECKING:
    from reestim.equilibrium.parameter_arrays import ParameterArrays

Mines = Float[Array, "country element"]
#: How near to the yield of a free resource, in logs, output counts as that of an idle one.
IDLE = 0.05


def cost_shares(
    b: Baseline,
) -> tuple[Float[Array, "country factor sector"], Float[Array, "country input sector"]]:
    """Shares of factors and inputs in costs other than rare earths, rents among them."""
    e, rent = b.element_index, b.resource_share[:, None, :]
    factors = b.factor_share.at[:, :, e].set(
        (1 - rent) * b.factor_share[:, :, e] + rent * b.resource, unique_indices=True
    )
    return factors, b.input_share.at[:, :, e].set((1 - rent) * b.input_share[:, :, e], unique_indices=True)


def with_resource_share(b: Baseline, share: Float[Array, "country element"]) -> Baseline:
    """The baseline whose mines pay another share of revenue as rent: trade, spending, taxes and deficits stay.

    Other inputs of a mine keep their proportions. What mines buy more of other sectors final demand buys less; income
    and factor incomes move by the same amount.
    """
    e = b.element_index
    more = (share - b.resource_share) * b.output[:, e]  # of rent, in money
    inputs = jnp.einsum("nke,ne->nk", b.input_share[:, :, e], more)
    income = b.income + inputs.sum(axis=1)
    return b._replace(
        resource_share=share,
        factor_income=b.factor_income + jnp.einsum("nfe,ne->nf", b.resource - b.factor_share[:, :, e], more),
        final_share=(b.final_share * b.income[:, None] + inputs) / income[:, None],
        income=income,
    )


def mine_substitution(b: Baseline, parameters: ParameterArrays) -> Mines:
    """Elasticity η = μ·r/(1−r) between the resource and other inputs; 1 where a mine has no other inputs."""
    r = b.resource_share
    mixed = r < 1
    return jnp.where(mixed, parameters.supply_elasticity * r / jnp.where(mixed, 1 - r, 1.0), 1.0)


def mine_costs(
    b: Baseline, parameters: ParameterArrays, resource_price: Mines, other_cost: Mines
) -> tuple[Mines, Mines]:
    """ln ĉ = ln [r·ŵ^(1−η) + (1−r)·ĉ_X^(1−η)]^(1/(1−η)) of each mine, and the new share r′ = r·(ŵ/ĉ)^(1−η) of rent.

    At given costs of other inputs output then answers its price with the elasticity μ.
    """
    r, eta = b.resource_share, mine_substitution(b, parameters)
    cost = ces_index(jnp.stack([r, 1 - r]), jnp.stack([resource_price, other_cost]), eta, axis=0)
    return cost, r * jnp.exp((1 - eta) * (resource_price - cost))


def idle_resources(
    b: Baseline, parameters: ParameterArrays, log_yield: Mines, log_quantity: Mines
) -> Bool[Array, "country element"]:
    """Mines whose resource is all but idle. Free, it yields r^(η/(η−1)) of baseline output if η > 1, all if η = 0.

    ``log_yield`` is what the shock itself does to the mine: a larger resource, productivity. A mine that may sell less
    has no equilibrium in which its resource has a price.
    """
    r, eta = b.resource_share, mine_substitution(b, parameters)
    mined = (b.output[:, b.element_index] > 0) & ((eta > 1) | (eta == 0)) & (r > 0)
    safe = jnp.where(mined & (eta > 1), eta, 2.0)
    share = jnp.log(jnp.where(mined, r, 1.0))
    least = jnp.where(eta > 1, safe / (safe - 1) * share, 0.0) + log_yield
    return mined & (log_quantity < least + IDLE)
