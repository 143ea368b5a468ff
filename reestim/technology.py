"""Where rare earths enter production: equations (1) and (2) of the model, stated once.

The first part is arithmetic only and works on numbers, NumPy, JAX and PyTensor alike, so that the estimation and the
equilibrium share it. The second part is JAX: the CES functions of the equilibrium, smooth through σ = 1 in value and
derivatives, with no branch on a draw.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from reestim.numerics.jax_setup import configure

configure()


class TechnologyParameters(NamedTuple):
    """Parameters of equations (1)–(2), each broadcast to (country, sector); σ is 1 where no rare earths are used."""

    sigma: Float[Array, "country sector"]
    kappa: Float[Array, "country sector"]
    spillover: Float[Array, "country sector"]
    crowding_out: Float[Array, "country sector"]
    diffusion: Float[Array, "country sector"]
    element_elasticity: Float[Array, "country sector"]
    adjustment_rate: Float[Array, ""]  # λ: 1 the long run of directed technology, 0 fixed technology
    inherited: Float[Array, "country sector"]  # (1−λ)·a of the year before; 0 but in a transition


# --- Directed technological change, any array library ---------------------------------------------------------------


def sigma_upper_bound(kappa: Any) -> Any:
    """Supremum of σ for an interior research optimum, 1 + 1/κ (condition under equation 2)."""
    return 1 + 1 / kappa


def innovation_passthrough(sigma: Any, kappa: Any) -> Any:
    """m = κ(1−σ) / (1 + κ(1−σ)), equation (2): log points of technology bias per log point of relative price."""
    lean = kappa * (1 - sigma)
    return lean / (1 + lean)


def ree_technology(bias: Any, ree_share: Any, crowding_out: Any) -> Any:
    """ln Â from the technology bias a = ln Â − ln B̂, given ln B̂ = −χ·θ/(1−θ)·ln Â. Log change."""
    return bias / (1 + crowding_out * ree_share / (1 - ree_share))


def other_technology(log_ree_technology: Any, ree_share: Any, crowding_out: Any) -> Any:
    """ln B̂ = −χ·θ/(1−θ)·ln Â: what REE-enhancing research takes from the other bundle. Log change."""
    return -crowding_out * ree_share / (1 - ree_share) * log_ree_technology


def tfp_effect(ree_share: Any, log_ree_technology: Any, crowding_out: Any, spillover: Any) -> Any:
    """First-order effect of directed technology on sectoral TFP, θ(1−χ+ξ)·ln Â. Log change."""
    return ree_share * (1 - crowding_out + spillover) * log_ree_technology


def cost_effect(ree_share: Any, relative_price: Any, log_ree_technology: Any, crowding_out: Any, spillover: Any) -> Any:
    """First-order d ln c − d ln c_X = θ·q − θ(1−χ+ξ)·ln Â. Log change; q in log points."""
    return ree_share * relative_price - tfp_effect(ree_share, log_ree_technology, crowding_out, spillover)


def price_passthrough(ree_share: Any, new_ree_share: Any, response: Any, crowding_out: Any, spillover: Any) -> Any:
    """d ln c / d q at given ln c_X: θ′ less what the response a = response·q of technology takes off the cost.

    Between 0 and 1 dearer rare earths raise unit costs by less than themselves. Outside, a strong ξ·θ makes them lower
    costs, or technology overshoots, and the equilibrium need not be unique.
    """
    taken = crowding_out * ree_share / (1 - ree_share)
    saved = (new_ree_share + spillover * ree_share - (1 - new_ree_share) * taken) / (1 + taken)
    return new_ree_share - response * saved


def cost_share_effect(sigma: Any, relative_price: Any, bias: Any) -> Any:
    """Δ ln(θ/(1−θ)) = (1−σ)(q − a), equation (15). Log change."""
    return (1 - sigma) * (relative_price - bias)


# --- The CES functions of the equilibrium, JAX -----------------------------------------------------------------------

_SERIES_TERMS = 15
_FACTORIALS = [1.0]
for _k in range(1, _SERIES_TERMS + 3):
    _FACTORIALS.append(_FACTORIALS[-1] * _k)


def _second_order_exponential(y: Any, xp: Any = jnp) -> Any:
    """(eʸ − 1 − y)/y², smooth through y = 0: a Taylor polynomial inside |y| < 1/2, the formula outside."""
    near = abs(y) < 0.5
    small = xp.where(near, y, 0.0)
    polynomial = xp.zeros_like(small)
    for k in reversed(range(_SERIES_TERMS)):
        polynomial = polynomial * small + 1.0 / _FACTORIALS[k + 2]
    large = xp.where(near, 1.0, y)
    return xp.where(near, polynomial, (xp.expm1(large) - large) / large**2)


def _log1p_ratio(v: Any, xp: Any = jnp) -> Any:
    """ln(1+v)/v for v ≥ 0, smooth through v = 0 in value and derivatives."""
    near = v < 0.01
    small = xp.where(near, v, 0.0)
    polynomial = xp.zeros_like(small)
    for k in reversed(range(10)):
        polynomial = polynomial * -small + 1.0 / (k + 1)
    large = xp.where(near, 1.0, v)
    return xp.where(near, polynomial, xp.log1p(large) / large)


def ces_index(weight: Any, log_price: Any, elasticity: Any, axis: int, xp: Any = jnp) -> Any:
    """Log change of a CES price index, (1/h)·ln Σ wᵢ·exp(h·xᵢ) with h = 1 − elasticity, weights summing to 1.

    Deviations from the weighted mean are expanded around h = 0, so the Cobb–Douglas limit (elasticity 1) is exact in
    value and derivatives and there is no cancellation for large changes: the sum is at least 1 by Jensen's inequality.
    Where all weights are zero the index is zero. ``elasticity`` is a number, or an array without ``axis``; ``xp`` is
    the array module, ``jax.numpy`` or ``pytensor.tensor``.
    """
    h = 1.0 - elasticity
    mean = (weight * log_price).sum(axis=axis)
    deviation = log_price - xp.expand_dims(mean, axis)
    across = xp.expand_dims(h, axis) if getattr(h, "ndim", 0) else h
    spread = (weight * deviation**2 * _second_order_exponential(across * deviation, xp)).sum(axis=axis)
    return mean + h * spread * _log1p_ratio(h**2 * spread, xp)


class Costs(NamedTuple):
    """What the technology block returns; log changes except the two shares, which are new levels. (country, sector)."""

    unit_cost: Float[Array, "country sector"]  # ln ĉ, equation (1)
    ree_price: Float[Array, "country sector"]  # ln p̂_R
    bias: Float[Array, "country sector"]  # a = ln Â − ln B̂, equation (2)
    ree_technology: Float[Array, "country sector"]  # ln Â
    other_technology: Float[Array, "country sector"]  # ln B̂
    productivity: Float[Array, "country sector"]  # ln T̂ from spillovers, ξ·θ·ln Â
    ree_share: Float[Array, "country sector"]  # θ′
    element_share: Float[Array, "country element sector"]  # ϑ′


def unit_costs(
    other_cost: Float[Array, "country sector"],
    element_price: Float[Array, "country element"],
    ree_share: Float[Array, "country sector"],
    element_share: Float[Array, "country element sector"],
    diffusion_weight: Float[Array, "country sector"],
    parameters: TechnologyParameters,
) -> Costs:
    """Equations (1) and (2): unit cost, technology and cost shares at given prices of the two bundles.

    ``other_cost`` is ln ĉ_X, ``element_price`` ln P̂_ne. ``diffusion_weight`` sums to 1 over countries (zero for
    sectors without rare earths). Sectors with θ = 0 keep c = c_X and no technology response.
    """
    users = ree_share > 0
    log_price = jnp.broadcast_to(element_price[:, :, None], element_share.shape)
    ree_price = ces_index(element_share, log_price, parameters.element_elasticity, axis=1)
    relative_price = jnp.where(users, ree_price - other_cost, 0.0)

    own = innovation_passthrough(parameters.sigma, parameters.kappa) * relative_price
    world = jnp.sum(diffusion_weight * own, axis=0)
    target = jnp.where(users, (1 - parameters.diffusion) * own + parameters.diffusion * world, jnp.zeros_like(own))
    bias = parameters.inherited + parameters.adjustment_rate * target
    log_a = ree_technology(bias, ree_share, parameters.crowding_out)
    log_b = other_technology(log_a, ree_share, parameters.crowding_out)
    productivity = parameters.spillover * ree_share * log_a

    bundles = jnp.stack([other_cost - log_b, jnp.where(users, ree_price - log_a, other_cost - log_b)])
    nest = ces_index(jnp.stack([1 - ree_share, ree_share]), bundles, parameters.sigma, axis=0)
    new_ree_share = ree_share * jnp.exp((1 - parameters.sigma) * (bundles[1] - nest))
    h = 1.0 - parameters.element_elasticity
    new_element_share = element_share * jnp.exp(h[:, None, :] * (log_price - ree_price[:, None, :]))
    return Costs(nest - productivity, ree_price, bias, log_a, log_b, productivity, new_ree_share, new_element_share)
