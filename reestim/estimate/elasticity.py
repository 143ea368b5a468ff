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
from reestim.estimate.odds_coordinates import OddsCoordinates
from reestim.estimate.priors import Priors, along_ridge, variable
from reestim.estimate.sampling_coordinates import normal_at
from reestim.supply_chain.trade_elasticity import trade_elasticity_in_logs

#: Slopes of the two ridges in ln κ and ln(1+ξ), at κ = 1.2, ξ = 1.6 and σ = 0.7, see `pooled_elasticity`.
_AT_GIVEN_SIGMA, _AT_GIVEN_PASSTHROUGH = (0.5, 0.5), (1.4, -0.3)
_LEAST_CV = 1e-4  # a standard deviation of zero: known to four digits


def pooled_elasticity(
    substitutability: xr.DataArray, kappa: Any, spillover: Any, priors: Priors, *, centred: Any = False
) -> Any:
    """Elasticities of substitution, equation (14): logit(σ_j / (1+1/κ̃)) = μ + β′z_j + τ·u_j, u_j ~ N(0, 1).

    Every draw is interior. Priors: ``mu``, ``beta`` (property), ``tau``.

    Parameters
    ----------
    substitutability
        z (sector, property), standardised.
    kappa, spillover
        κ and ξ.
    priors
        Priors by name.
    centred
        (sector), or one for all; it chooses what is sampled, not what the model says: u_j (False: sectors without much
        evidence of their own fall back to the population without a funnel) or the logit itself (True: sectors with
        strong evidence). Either way a sampler moves ``odds_coordinates``.

    Returns
    -------
    TensorVariable
        σ (sector).

    Examples
    --------
    >>> import pymc as pm
    >>> from reestim.estimate.elasticity import pooled_elasticity
    >>> from reestim.estimate.inputs import coordinates, model_inputs
    >>> spec = ree.read_spec("models/substitution.toml")
    >>> inputs = model_inputs(spec, data)
    >>> with pm.Model(coords=coordinates(inputs)) as model:
    ...     sigma = pooled_elasticity(inputs["substitutability"], 1.2, 1.6, spec.priors)
    >>> model.named_vars_to_dims["sigma"]
    ('sector',)
    """
    z = substitutability.transpose(SECTOR, "property").values
    own = np.broadcast_to(np.asarray(centred, bool), len(z)).astype(float)
    # Evidence that fixes one combination of κ, ξ and σ leaves a ridge: logit(x), x = σ_j/(1+1/κ̃), moves with ln κ and
    # with ln(1+ξ) by 1/(1+κ̃(1−σ_j)) where σ_j is known, by 1/σ_j and 1−κ̃(1−σ_j)/σ_j where m_j is.
    along, shift = along_ridge(priors, "mu", ridge(kappa, spillover, centred, pt.log))
    beta = variable(priors, "beta", dims="property")
    tau = variable(priors, "tau")
    mean = along + pt.dot(z, beta)
    at = OddsCoordinates(own, pt.broadcast_to(shift, mean.shape), mean, tau)
    log_odds = at.log_odds(normal_at("sigma_sampled", at, dims=SECTOR))
    sigma = technology.sigma_upper_bound(kappa, spillover) * pm.math.sigmoid(log_odds)
    return pm.Deterministic("sigma", sigma, dims=SECTOR)


def ridge(kappa: Any, spillover: Any, centred: Any, log: Callable[[Any], Any]) -> Any:
    """How far the mean of the logit of σ moves with κ and ξ, given what the evidence knows better: σ_j, or m_j.

    Parameters
    ----------
    kappa, spillover, centred
        As for `pooled_elasticity`.
    log
        Of the array library.

    Returns
    -------
    number
        The shift.
    """
    with_kappa, with_spillover = _AT_GIVEN_SIGMA if np.any(centred) else _AT_GIVEN_PASSTHROUGH
    return with_kappa * log(kappa) + with_spillover * log(1 + spillover)


def passthrough(sigma: Any, kappa: Any, spillover: Any) -> Any:
    """Pass-through m of equation (2), ``innovation_passthrough``; beside it ``long_run_elasticity`` σ_L, equation (2a).

    Parameters
    ----------
    sigma
        σ (sector).
    kappa, spillover
        κ and ξ.

    Returns
    -------
    TensorVariable
        m (sector).
    """
    pm.Deterministic("long_run_elasticity", technology.long_run_elasticity(sigma, kappa, spillover), dims=SECTOR)
    m = technology.innovation_passthrough(sigma, kappa, spillover)
    return pm.Deterministic("innovation_passthrough", m, dims=SECTOR)


def measured_trade_elasticity(data: xr.Dataset) -> Any:
    """Trade elasticities with their error of measurement, so that bands contain it.

    Parameters
    ----------
    data
        Inputs of the model, with ``trade_elasticity_mean`` and ``trade_elasticity_sd`` (traded_sector).

    Returns
    -------
    TensorVariable
        ε (traded_sector), lognormal.
    """
    location, spread = lognormal_trade_elasticity(data)
    return pm.LogNormal("trade_elasticity", location, spread, dims=TRADED_SECTOR)


def lognormal_trade_elasticity(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Location and spread of ln ε.

    Parameters
    ----------
    data
        As for `measured_trade_elasticity`.

    Returns
    -------
    location, spread : numpy.ndarray
        (traded_sector).
    """
    mean, sd = data["trade_elasticity_mean"].values, data["trade_elasticity_sd"].values
    return trade_elasticity_in_logs(mean, sd, _LEAST_CV)
