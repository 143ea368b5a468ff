"""Equation (14): elasticities of substitution pooled on physical and chemical properties; trade elasticities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import SECTOR, TRADED_SECTOR
from reestim.estimate.priors import describe, variable
from reestim.prior import Prior

#: Largest coefficient of variation of a measured trade elasticity: above, a lognormal has its mass near zero.
MAX_CV = 0.5
_RIDGE = 1.4  # see _shifted_mean
_MIN_CV = 1e-4  # a standard deviation of zero: known to four digits


def pooled_elasticity(substitutability: xr.DataArray, kappa: Any, priors: Mapping[str, Prior]) -> Any:
    """σ_j (sector): logit(σ_j / (1+1/κ)) = μ + β′z_j + τ·u_j, u_j ~ N(0, 1), equation (14); every draw is interior.

    substitutability: z (sector, property), standardised. Priors: ``mu``, ``beta`` (property), ``tau``. u_j is what is
    sampled: sectors without evidence of their own fall back to the population without a funnel.
    """
    z = substitutability.transpose(SECTOR, "property").values
    mu = _shifted_mean(kappa, priors)
    beta = variable(
        priors, "beta", dims="property", long_name="β, effect of substitutability on σ", units="log odds per sd"
    )
    tau = variable(priors, "tau", long_name="τ, spread of σ around its properties", units="log odds")
    mean = mu + pt.dot(z, beta)
    offset = pm.Normal("sigma_offset", 0, 1, dims=SECTOR)
    describe(offset, "u_j, deviation of a sector from what its properties say", "standard deviations")
    logit = mean + tau * offset
    sigma = technology.sigma_upper_bound(kappa) * pm.math.sigmoid(logit)
    return describe(
        pm.Deterministic("sigma", sigma, dims=SECTOR), "σ, elasticity of substitution of rare earths", "elasticity"
    )


def _shifted_mean(kappa: Any, priors: Mapping[str, Prior]) -> Any:
    """μ with exactly its stated prior, sampled along the ridge where the evidence on m_j leaves it.

    At given m_j, d logit(x) = d ln(1+κ)/x with x = σ_j/(1+1/κ): 1.4 per log point of κ near κ = 1.2 and x = 0.4. In a
    location family, μ = μ* + 1.4·ln κ with μ* drawn around the stated mean less 1.4·ln κ; other priors are not shifted.
    """
    prior = priors["mu"] if "mu" in priors else None  # noqa: SIM401 - a PriorBook answers [] for what it lacks
    about = {"long_name": "μ, mean of the scaled log odds of σ", "units": "log odds"}
    if prior is None or prior.distribution not in ("Normal", "StudentT"):
        return variable(priors, "mu", **about)
    log_kappa: Any = pt.log(kappa)
    shift = _RIDGE * log_kappa
    parameters = {**prior.parameters, "mu": prior.parameters["mu"] - shift}
    along = describe(getattr(pm, prior.distribution)("mu_along_ridge", **parameters), "μ less its ridge", "log odds")
    return describe(pm.Deterministic("mu", along + shift), **about)


def passthrough(sigma: Any, kappa: Any) -> Any:
    """m_j (sector), equation (2), kept in the posterior as ``innovation_passthrough``."""
    m = pm.Deterministic("innovation_passthrough", technology.innovation_passthrough(sigma, kappa), dims=SECTOR)
    return describe(m, "m, log points of knowledge per log point of relative price", "elasticity")


def measured_trade_elasticity(data: xr.Dataset) -> Any:
    """ε (traded_sector): lognormal with the measured mean and standard deviation, so that bands contain its error.

    data: ``trade_elasticity_mean`` and ``trade_elasticity_sd`` (traded_sector). A coefficient of variation above 0.5 is
    cut to 0.5.
    """
    mean, sd = data["trade_elasticity_mean"].values, data["trade_elasticity_sd"].values
    spread = np.sqrt(np.log1p(np.clip(sd / mean, _MIN_CV, MAX_CV) ** 2))
    epsilon = pm.LogNormal("trade_elasticity", np.log(mean) - spread**2 / 2, spread, dims=TRADED_SECTOR)
    return describe(epsilon, "ε, trade elasticity", "elasticity")
