"""The event study as evidence: estimated effects around those that the structure predicts (model.md section 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim.dims import COUNTRY, SECTOR, TRADED_SECTOR
from reestim.estimate.priors import describe


def predicted_effects(
    data: xr.Dataset, innovation_passthrough: Any, spillover: Any, crowding_out: Any, trade_elasticity: Any
) -> Any:
    """β(σ, κ, ξ, χ, ε) (effect): the event study of the model's first-order changes.

    data: the responses of ``reestim.evidence.predictions.structural_responses`` and ``ree_share`` (country, sector);
    m (sector), ε (traded_sector). tfp: θ(1−χ+ξ)·ln Â; exports: −ε(d ln c − market average); patents: ln Â − ln B̂.
    """
    m = innovation_passthrough
    share = data["ree_share"].transpose(COUNTRY, SECTOR).values
    dilution = 1 + crowding_out * share / (1 - share)
    knowledge = data["event_knowledge_response"].transpose("effect", COUNTRY, SECTOR).values
    tfp = (1 - crowding_out + spillover) * m * (knowledge / dilution).sum(axis=1)

    users = data.get_index(TRADED_SECTOR).get_indexer(data[SECTOR].values)
    cost = data["event_price_response"].transpose("effect", SECTOR).values
    is_exports = (data["outcome"].values == "exports")[:, None]
    exports: Any = trade_elasticity[users] * (tfp - cost)
    bias = pt.dot(data["event_bias_response"].transpose("effect", SECTOR).values, m)
    effects: Any = pt.where(is_exports, exports, tfp)
    return effects.sum(axis=1) + bias


def event_effects(data: xr.Dataset, predicted: Any) -> Any:
    """β̂ ~ N(β, V̂): ``event_estimate`` (effect) with ``event_covariance`` (effect, effect_other)."""
    root = np.linalg.cholesky(data["event_covariance"].transpose("effect", "effect_other").values)
    estimate = data["event_estimate"].values
    beta = pm.MvNormal("event_estimate", predicted, chol=root, observed=estimate, dims="effect")
    return describe(beta, "event-study effect of exposure", "log points for one standard deviation of exposure")
