"""Where rare earths enter production: equations (1) and (2) of the model, stated once.

The first part is arithmetic only and works on numbers, NumPy, JAX and PyTensor alike, so that the estimation and the
equilibrium share it. The second part is JAX: the CES functions of the equilibrium, smooth through σ = 1 in value and
derivatives, with no branch on a draw.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

jax.config.update("jax_enable_x64", True)

# --- Directed technological change, any array library ---------------------------------------------------------------


def sigma_upper_bound(kappa: Any) -> Any:
    """Supremum of σ for an interior research optimum, 1 + 1/κ (condition under equation 2)."""
    return 1 + 1 / kappa


def innovation_passthrough(sigma: Any, kappa: Any) -> Any:
    """m = κ(1−σ) / (1 + κ(1−σ)), equation (2): log points of REE-enhancing knowledge per log point of relative price."""
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


def cost_share_effect(sigma: Any, relative_price: Any, bias: Any) -> Any:
    """Δ ln(θ/(1−θ)) = (1−σ)(q − a), equation (15). Log change."""
    return (1 - sigma) * (relative_price - bias)
