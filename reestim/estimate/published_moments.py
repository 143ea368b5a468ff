"""Published elasticities of substitution in the likelihood."""

from __future__ import annotations

from typing import Any

import pymc as pm
import xarray as xr

from reestim import technology
from reestim.evidence.published_moments import predicted_moments


def published_moments(data: xr.Dataset, sigma: Any, kappa: Any, spillover: Any, impact_ratio: Any) -> Any:
    """Each published elasticity is that of the structure at its horizon, σ·s, σ or σ_L, with its standard error.

    Rows are taken as independent: of several estimates from one sample keep one, or widen their errors.

    Parameters
    ----------
    data
        Inputs of the model, with the arrays of `reestim.evidence.published_moments`.
    sigma
        σ (sector).
    kappa, spillover, impact_ratio
        κ, ξ and s.

    Returns
    -------
    TensorVariable
        The observed variable ``moment_estimate`` (moment).
    """
    long_run = technology.long_run_elasticity(sigma, kappa, spillover)
    mean = predicted_moments(data, sigma, long_run, impact_ratio)
    error, estimate = data["moment_error"].values, data["moment_estimate"].values
    return pm.Normal("moment_estimate", mean, error, observed=estimate, dims="moment")
