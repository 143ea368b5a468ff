"""Where rare earths enter production: equations (1), (2), (2a) and (2b) of the model, stated once.

The first part is arithmetic only and works on numbers, NumPy, JAX and PyTensor alike, so that the estimation and the
equilibrium share it. The second part is JAX: the CES functions of the equilibrium, smooth through σ = 1 in value and
derivatives, with no branch on a draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from reestim.numerics.jax_setup import configure
from reestim.numerics.smooth import log1p_ratio, second_order_exponential

configure()

#: ln(1−δ) − g where nothing limits how fast knowledge may fall: technology that stands still has no years.
UNLIMITED = -1e9


class TechnologyParameters(NamedTuple):
    """Parameters of equations (1)–(2b), each broadcast to (country, sector); σ is 1 where no rare earths are used."""

    sigma: Float[Array, "country sector"]
    kappa: Float[Array, "country sector"]
    spillover: Float[Array, "country sector"]
    spillover_gap: Float[Array, "country sector"]
    diffusion: Float[Array, "country sector"]
    element_elasticity: Float[Array, "country sector"]
    adjustment_rate: Float[Array, ""]  # λ: 1 the long run of directed technology, 0 fixed technology
    largest_loss: Float[Array, ""]  # ln(1−δ) − g, the fastest fall of knowledge in a year
    research_before: Float[Array, "country sector"]  # a/κ of the year before; 0 but in a transition


# --- Directed technological change, any array library ---------------------------------------------------------------


def sigma_upper_bound(kappa: Any, spillover: Any) -> Any:
    """Supremum of σ for an interior research optimum, 1 + 1/κ̃ with κ̃ = κ(1+ξ) (condition under equation 2)."""
    return 1 + 1 / (kappa * (1 + spillover))


def research_response(sigma: Any, kappa: Any, spillover: Any) -> Any:
    """a/κ per log point of the relative price, (1−σ)/(1+κ̃(1−σ)): how far the odds of research follow scarcity.

    It is also how far the cost share moves in the long run, 1 − σ_L, because research follows the cost share.
    """
    return (1 - sigma) / (1 + kappa * (1 + spillover) * (1 - sigma))


def innovation_passthrough(sigma: Any, kappa: Any, spillover: Any) -> Any:
    """m = κ(1−σ) / (1+κ̃(1−σ)), equation (2): log points of technology bias per log point of relative price."""
    return kappa * research_response(sigma, kappa, spillover)


def long_run_elasticity(sigma: Any, kappa: Any, spillover: Any) -> Any:
    """σ_L = 1 − (1−σ)/(1+κ̃(1−σ)), equation (2a): elasticity of substitution once research has answered."""
    return 1 - research_response(sigma, kappa, spillover)


def frontier(research: Any, ree_share: Any, kappa: Any, xp: Any = jnp) -> tuple[Any, Any]:
    """ln Â and ln B̂ on the frontier (2) at the technology bias a = κ·research. Log changes.

    ``research`` is a/κ, the log change in the odds of research about rare earths, so that κ = 0 is no special case.
    The two forms of ln(1−θ+θeˣ) are the same number; each is used where it neither cancels nor overflows. ``xp``: the
    array module.
    """
    far = research > 30.0
    small = xp.where(far, 0.0, research)
    large = xp.where(far, research, 1.0)
    near_form = xp.log1p(ree_share * xp.expm1(small))
    far_form = large + xp.log1p((1 - ree_share) * xp.expm1(-large))
    log_b = -kappa * xp.where(far, far_form, near_form)
    return kappa * research + log_b, log_b


def advance_knowledge(before: Any, target: Any, rate: Any, largest_loss: Any, xp: Any = jnp) -> Any:
    """Equation (2b): before + max(λ·(target − before), largest_loss). Knowledge follows, and falls no faster
    than it becomes obsolete; all in the unit of ``before``.
    """
    return xp.maximum(before + rate * (target - before), before + largest_loss)


def obsolescence_floor(obsolescence: Any, knowledge_growth: Any, xp: Any = jnp) -> Any:
    """ln(1−δ) − g: what a stock of knowledge without new ideas loses in a year against its trend. Log points."""
    return xp.log1p(-obsolescence) - knowledge_growth


class Clock(NamedTuple):
    """Parameters of the clock (2b), numbers that all equations in time share."""

    adjustment_rate: Any  # λ, share of the distance that knowledge closes in a year
    obsolescence: Any  # δ, share of knowledge lost a year
    knowledge_growth: Any  # g, log points a year


class Knowledge(NamedTuple):
    """Knowledge over consecutive years, along the last axis; log points."""

    bias: Any  # a_t
    before: Any  # a_{t−1}; in the first year a_t itself
    change: Any  # λ(m·q − a_{t−1}): what prices ask for, whether or not knowledge can be lost as fast


def bias_path(target: Any, years: int, rate: Any, largest_loss: Any, xp: Any = jnp) -> Any:
    """a_t (..., year) of equation (2b): in the first year at its target, then from year to year."""
    bias = [target[..., 0]]
    for t in range(1, years):
        bias.append(advance_knowledge(bias[-1], target[..., t], rate, largest_loss, xp))
    return xp.stack(bias, axis=-1)


def bias_path_pullback(
    target: Any, bias: Any, cotangent: Any, years: int, rate: Any, largest_loss: Any, xp: Any = jnp
) -> tuple[Any, Any, Any]:
    """Derivatives of Σ cotangent·a, a = `bias_path`, in the target (..., year), the rate and the largest loss.

    A log point of a_t counts in the years after it too: c_t = cotangent_t + (1−λ)·c_{t+1} where knowledge then follows
    its target, cotangent_t + c_{t+1} where it falls as fast as it can.
    """
    follows = bias[..., 1:] > bias[..., :-1] + largest_loss
    kept = xp.where(follows, 1 - rate, 1.0)
    counted = [cotangent[..., years - 1]]
    for t in range(years - 2, -1, -1):
        counted.append(cotangent[..., t] + kept[..., t] * counted[-1])
    later = xp.stack(counted[-2::-1], axis=-1)  # of the years after the first
    following = xp.where(follows, later, 0.0)
    of_target = xp.concatenate([counted[-1][..., None], rate * following], axis=-1)
    return of_target, (following * (target[..., 1:] - bias[..., :-1])).sum(), (later - following).sum()


def knowledge_path(
    target: Any, years: int, clock: Clock, xp: Any = jnp, path: Callable[..., Any] = bias_path
) -> Knowledge:
    """Equation (2b) from year to year. ``target``: m·q (..., year), the long-run bias at the prices of each of so many
    ``years``. ``path``: `bias_path`, or the same with derivatives of its own.

    Before the first year prices stood where they are then, so that knowledge starts at its target.
    """
    floor = obsolescence_floor(clock.obsolescence, clock.knowledge_growth, xp)
    bias = path(target, years, clock.adjustment_rate, floor, xp)
    before = xp.concatenate([bias[..., :1], bias[..., :-1]], axis=-1)
    return Knowledge(bias, before, clock.adjustment_rate * (target - before))


#: Additions to knowledge below about one part in this many of normal ones are not told apart from none, see
#: `patent_flow`.
_FEWEST = 100.0


def patent_flow(knowledge: Knowledge, clock: Clock, xp: Any = jnp) -> Any:
    """f_t of equation (12), log points: patents as the gross additions to knowledge, against those of normal times.

    f = a_{t−1} + ln(G/G₀), G = exp(g + Δa) − 1 + δ the additions to a stock that grows at g and loses δ, G₀ those at
    Δa = 0. Where knowledge would be lost faster than it becomes obsolete, G is not positive and ln G no number. So
    ln(G/G₀) is taken as asinh(N·G/2G₀) − asinh(N/2), N = 100: 3e-4 log points off at half the normal additions, a
    hundredth of normal patents at G = 0, further down below, and a bounded slope everywhere.
    """
    g, d = clock.knowledge_growth, clock.obsolescence
    normal = xp.expm1(g) + d
    additions = xp.expm1(g + knowledge.change) + d
    half = _FEWEST / 2
    return knowledge.before + xp.arcsinh(half * additions / normal) - np.arcsinh(half)


def tfp_effect(
    ree_share: Any, log_ree_technology: Any, log_other_technology: Any, spillover: Any, spillover_gap: Any
) -> Any:
    """Effect of directed technology on sectoral TFP, (1+ξ)(θ ln Â + (1−θ) ln B̂) + ω·θ·ln Â. Log change."""
    private = ree_share * log_ree_technology + (1 - ree_share) * log_other_technology
    return (1 + spillover) * private + spillover_gap * ree_share * log_ree_technology


def price_passthrough(ree_share: Any, new_ree_share: Any, research: Any, parameters: Any) -> Any:
    """d ln c / d q at given ln c_X, with knowledge following as far as it does within the year.

    θ′ less what knowledge takes off the cost: (1+ξ)a moves the cost by θ′−τ, τ the share of research about rare earths,
    and the gap ω by θ(1−τ). In the long run without gap θ′ = τ, and this is θ′, as in any CES economy. ``research``:
    a/κ; ``parameters``: `TechnologyParameters`.
    """
    t = parameters
    bias = t.adjustment_rate * innovation_passthrough(t.sigma, t.kappa, t.spillover)
    tau = ree_share / (ree_share + (1 - ree_share) * jnp.exp(-research))
    saved = (1 + t.spillover) * (new_ree_share - tau) + t.spillover_gap * ree_share * (1 - tau)
    return new_ree_share - bias * saved


def cost_share_effect(sigma: Any, relative_price: Any, bias: Any, spillover: Any) -> Any:
    """Δ ln(θ/(1−θ)) = (1−σ)(q − (1+ξ)a), equation (15). Log change."""
    return (1 - sigma) * (relative_price - (1 + spillover) * bias)


# --- The CES functions of the equilibrium, JAX -----------------------------------------------------------------------


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
    spread = (weight * deviation**2 * second_order_exponential(across * deviation, xp)).sum(axis=axis)
    return mean + h * spread * log1p_ratio(h**2 * spread, xp)


class Costs(NamedTuple):
    """What the technology block returns; log changes except the two shares, which are new levels. (country, sector)."""

    unit_cost: Float[Array, "country sector"]  # ln ĉ, equation (1)
    ree_price: Float[Array, "country sector"]  # ln p̂_R
    research: Float[Array, "country sector"]  # a/κ, equation (2)
    ree_technology: Float[Array, "country sector"]  # ln Â
    other_technology: Float[Array, "country sector"]  # ln B̂
    ree_augmentation: Float[Array, "country sector"]  # (1+ξ)·ln Â, what (1) takes
    other_augmentation: Float[Array, "country sector"]  # (1+ξ)·ln B̂
    productivity: Float[Array, "country sector"]  # ln T̂ of the spillover gap, ω·θ·ln Â
    ree_share: Float[Array, "country sector"]  # θ′
    member_share: Float[Array, "country member sector"]  # ϑ′


def research_target(
    relative_price: Float[Array, "country sector"],
    diffusion_weight: Float[Array, "country sector"],
    parameters: TechnologyParameters,
) -> Float[Array, "country sector"]:
    """a/κ in the long run: each country's own response to q and the world's, (2) with diffusion ψ."""
    t = parameters
    own = research_response(t.sigma, t.kappa, t.spillover) * relative_price
    world = jnp.sum(diffusion_weight * t.kappa * own, axis=0)  # the mean bias a
    some = t.kappa > 0
    return (1 - t.diffusion) * own + jnp.where(some, t.diffusion * world / jnp.where(some, t.kappa, 1.0), 0.0)


def unit_costs(
    other_cost: Float[Array, "country sector"],
    member_price: Float[Array, "country member"],
    ree_share: Float[Array, "country sector"],
    member_share: Float[Array, "country member sector"],
    diffusion_weight: Float[Array, "country sector"],
    parameters: TechnologyParameters,
) -> Costs:
    """Equations (1) and (2): unit cost, technology and cost shares at given prices of the two bundles.

    ``other_cost`` is ln ĉ_X, ``member_price`` ln P̂_ne. ``diffusion_weight`` sums to 1 over countries (zero for
    sectors without rare earths). Sectors with θ = 0 keep c = c_X and no technology response.
    """
    t, users = parameters, ree_share > 0
    log_price = jnp.broadcast_to(member_price[:, :, None], member_share.shape)
    ree_price = ces_index(member_share, log_price, t.element_elasticity, axis=1)
    relative_price = jnp.where(users, ree_price - other_cost, 0.0)

    target = jnp.where(users, research_target(relative_price, diffusion_weight, t), 0.0)
    loss = jnp.where(t.kappa > 0, t.largest_loss / jnp.where(t.kappa > 0, t.kappa, 1.0), UNLIMITED)
    research = advance_knowledge(t.research_before, target, t.adjustment_rate, loss)
    log_a, log_b = frontier(research, ree_share, t.kappa)
    augments_ree, augments_other = (1 + t.spillover) * log_a, (1 + t.spillover) * log_b
    productivity = t.spillover_gap * ree_share * log_a

    other = other_cost - augments_other
    bundles = jnp.stack([other, jnp.where(users, ree_price - augments_ree, other)])
    nest = ces_index(jnp.stack([1 - ree_share, ree_share]), bundles, t.sigma, axis=0)
    new_ree_share = ree_share * jnp.exp((1 - t.sigma) * (bundles[1] - nest))
    h = 1.0 - t.element_elasticity
    new_member_share = member_share * jnp.exp(h[:, None, :] * (log_price - ree_price[:, None, :]))
    return Costs(
        nest - productivity,
        ree_price,
        research,
        log_a,
        log_b,
        augments_ree,
        augments_other,
        productivity,
        new_ree_share,
        new_member_share,
    )
