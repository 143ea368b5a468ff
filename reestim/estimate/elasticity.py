"""Equation (14): elasticities of substitution pooled on physical and chemical properties; trade elasticities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import SECTOR, TRADED_SECTOR
from reestim.estimate.priors import Priors, along_ridge, variable
from reestim.supply_chain.trade_elasticity import trade_elasticity_in_logs

#: Slopes of the two ridges in ln κ and ln(1+ξ), at κ = 1.2, ξ = 1.6 and σ = 0.7, see `pooled_elasticity`.
_AT_GIVEN_SIGMA, _AT_GIVEN_PASSTHROUGH = (0.5, 0.5), (1.4, -0.3)
_LEAST_CV = 1e-4  # a standard deviation of zero: known to four digits


def pooled_elasticity(
    substitutability: xr.DataArray, kappa: Any, spillover: Any, priors: Priors, *, centred: Any = False
) -> Any:
    """σ_j (sector): logit(σ_j / (1+1/κ̃)) = μ + β′z_j + τ·u_j, u_j ~ N(0, 1), equation (14); every draw is interior.

    substitutability: z (sector, property), standardised. Priors: ``mu``, ``beta`` (property), ``tau``. ``centred``
    (sector, or one for all) chooses what is sampled, not what the model says: u_j (False: sectors without much evidence
    of their own fall back to the population without a funnel) or the logit itself (True: sectors with strong evidence).
    """
    z = substitutability.transpose(SECTOR, "property").values
    own = np.broadcast_to(np.asarray(centred, bool), len(z)).astype(float)
    # Evidence that fixes one combination of κ, ξ and σ leaves a ridge: logit(x), x = σ_j/(1+1/κ̃), moves with ln κ and
    # with ln(1+ξ) by 1/(1+κ̃(1−σ_j)) where σ_j is known, by 1/σ_j and 1−κ̃(1−σ_j)/σ_j where m_j is.
    along, shift = along_ridge(priors, "mu", ridge(kappa, spillover, centred, pt.log))
    beta = variable(priors, "beta", dims="property")
    tau = variable(priors, "tau")
    mean = along + pt.dot(z, beta)
    sampled = pm.Normal("sigma_sampled", own * mean, own * tau + (1 - own), dims=SECTOR)
    logit = shift + own * sampled + (1 - own) * (mean + tau * sampled)
    sigma = technology.sigma_upper_bound(kappa, spillover) * pm.math.sigmoid(logit)
    return pm.Deterministic("sigma", sigma, dims=SECTOR)


def ridge(kappa: Any, spillover: Any, centred: Any, log: Callable[[Any], Any]) -> Any:
    """How far the mean of the logit of σ moves with κ and ξ, given what the evidence knows better: σ_j, or m_j."""
    with_kappa, with_spillover = _AT_GIVEN_SIGMA if np.any(centred) else _AT_GIVEN_PASSTHROUGH
    return with_kappa * log(kappa) + with_spillover * log(1 + spillover)


def passthrough(sigma: Any, kappa: Any, spillover: Any) -> Any:
    """m_j (sector), equation (2), kept in the posterior as ``innovation_passthrough``; beside it
    ``long_run_elasticity`` σ_L (sector), equation (2a)."""
    pm.Deterministic("long_run_elasticity", technology.long_run_elasticity(sigma, kappa, spillover), dims=SECTOR)
    m = technology.innovation_passthrough(sigma, kappa, spillover)
    return pm.Deterministic("innovation_passthrough", m, dims=SECTOR)


def measured_trade_elasticity(data: xr.Dataset) -> Any:
    """ε (traded_sector): lognormal with the measured mean and standard deviation, so that bands contain its error."""
    location, spread = lognormal_trade_elasticity(data)
    return pm.LogNormal("trade_elasticity", location, spread, dims=TRADED_SECTOR)


def lognormal_trade_elasticity(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Location and spread of ln ε (traded_sector), from ``trade_elasticity_mean`` and ``trade_elasticity_sd``."""
    mean, sd = data["trade_elasticity_mean"].values, data["trade_elasticity_sd"].values
    return trade_elasticity_in_logs(mean, sd, _LEAST_CV)
