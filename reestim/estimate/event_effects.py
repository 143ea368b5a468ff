"""The event study as evidence: estimated effects around those that the structure predicts (docs/model.md section 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import COUNTRY, KNOWLEDGE_AGE, PRICE_LAG, SECTOR, TRADED_SECTOR
from reestim.errors import InputError, Problem
from reestim.estimate.equilibrium_effects import is_solved
from reestim.estimate.relative_price import age_weights, over_lags
from reestim.evidence.predictions import EVENT_YEAR


def predicted_effects(
    data: xr.Dataset,
    innovation_passthrough: Any,
    kappa: Any,
    spillover: Any,
    spillover_gap: Any,
    trade_elasticity: Any,
    lag_weights: Any = None,
    adjustment_rate: Any = None,
    *,
    xp: Any = pt,
) -> Any:
    """β(σ, κ, ξ, ω, ε) (effect): the event study of the model's changes at given costs of other inputs.

    data: from ``reestim.evidence.predictions.structural_responses`` (with a last dimension ``price_lag`` where
    ``lag_weights`` are estimated, or ``knowledge_age`` where knowledge follows prices at ``adjustment_rate``) and
    ``ree_share`` (country, sector); m (sector), ε (traded_sector). ``xp``: the array module.
    tfp: (1+ξ)(θ ln Â + (1−θ) ln B̂) + ωθ ln Â; exports: −ε(θq − tfp, less the market average); patents: ln Â − ln B̂.

    Raises InputError where the study asks for the equilibrium instead.
    """
    if is_solved(data):
        advice = 'Set model = "substitution_numpyro.py" in the study, or evidence.equilibrium = false'
        message = (
            "the study asks for the equilibrium in the loop, and this model predicts the event study in closed form"
        )
        raise InputError(Problem(message, advice, column="evidence.equilibrium"))

    def at_lags(name: str, *dims: str) -> Any:
        array = data[name]
        if KNOWLEDGE_AGE in array.dims:
            weights = age_weights(adjustment_rate, array.sizes[KNOWLEDGE_AGE])
            return over_lags(array.transpose(*dims, KNOWLEDGE_AGE).values, weights)
        lags = [] if lag_weights is None else [PRICE_LAG]
        return over_lags(array.transpose(*dims, *lags).values, lag_weights)

    m = innovation_passthrough
    share = data["ree_share"].transpose(COUNTRY, SECTOR).values[:, :, None]
    bias = m[:, None] * at_lags("event_relative_price", COUNTRY, SECTOR, EVENT_YEAR)
    log_a, log_b = technology.frontier(bias / kappa, share, kappa, xp)
    productivity = technology.tfp_effect(share, log_a, log_b, spillover, spillover_gap)
    weights = data["event_knowledge_weight"].transpose("effect", COUNTRY, SECTOR, EVENT_YEAR).values
    tfp = (weights * productivity).sum(axis=(1, 3))

    users = data.get_index(TRADED_SECTOR).get_indexer(data[SECTOR].values)
    exports: Any = trade_elasticity[users] * (tfp - at_lags("event_price_response", "effect", SECTOR))
    is_exports = (data["outcome"].values == "exports").astype(float)[:, None]
    patents = at_lags("event_bias_response", "effect", SECTOR) * m
    return (tfp + is_exports * (exports - tfp) + patents).sum(axis=1)


def event_effects(data: xr.Dataset, predicted: Any) -> Any:
    """β̂ ~ N(β, V̂): ``event_estimate`` (effect) with ``event_covariance`` (effect, effect_other)."""
    root = np.linalg.cholesky(data["event_covariance"].transpose("effect", "effect_other").values)
    estimate = data["event_estimate"].values
    return pm.MvNormal("event_estimate", predicted, chol=root, observed=estimate, dims="effect")
