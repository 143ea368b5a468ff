"""The event study as evidence: estimated effects around those that the structure predicts (docs/model.md section 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import COUNTRY, PRICE_YEAR, SECTOR, TRADED_SECTOR
from reestim.errors import InputError, Problem
from reestim.estimate.equilibrium_effects import is_solved
from reestim.technology import Knowledge


def predicted_effects(
    data: xr.Dataset,
    q: Any,
    knowledge: Knowledge,
    enhancing: Any,
    kappa: Any,
    spillover: Any,
    spillover_gap: Any,
    trade_elasticity: Any,
    *,
    xp: Any = pt,
) -> Any:
    """β(σ, κ, ξ, ω, ε, λ, δ, g) (effect): the event study of the model's changes at given costs of other inputs.

    data: with ``event_cell_weight`` (`reestim.evidence.predictions.cell_weights`) and ``ree_share``; q, knowledge and
    ``enhancing`` f (country, sector, price_year) from `reestim.estimate.relative_price`; ε (traded_sector). ``xp``: the
    array module. Prices act on costs in their own year, knowledge by (2b). tfp: (1+ξ)(θ ln Â + (1−θ) ln B̂) + ωθ ln Â;
    exports: −ε(θq − tfp, less the market average); patents: f.

    Raises InputError where the study asks for the equilibrium instead.
    """
    if is_solved(data):
        advice = 'Set model = "substitution_numpyro.py" in the study, or evidence.equilibrium = false'
        message = (
            "the study asks for the equilibrium in the loop, and this model predicts the event study in closed form"
        )
        raise InputError(Problem(message, advice, column="evidence.equilibrium"))
    share = data["ree_share"].transpose(COUNTRY, SECTOR).values[:, :, None]
    log_a, log_b = technology.frontier(knowledge.bias / kappa, share, kappa, xp)
    tfp = technology.tfp_effect(share, log_a, log_b, spillover, spillover_gap)
    users = data.get_index(TRADED_SECTOR).get_indexer(data[SECTOR].values)
    exports = trade_elasticity[users][:, None] * (tfp - share * q)
    weights = data["event_cell_weight"].transpose("effect", COUNTRY, SECTOR, PRICE_YEAR).values
    predicted = {"tfp": tfp, "exports": exports, "patents": enhancing}
    effects, places = [], []
    for outcome, cells in predicted.items():
        rows = np.flatnonzero(data["outcome"].values == outcome)
        if rows.size:  # a product of matrices: as a sum, compilers would predict the cells anew for each effect
            effects.append(xp.dot(weights[rows].reshape(rows.size, -1), cells.reshape((-1,))))
            places.append(rows)
    return xp.concatenate(effects)[np.argsort(np.concatenate(places))]


def event_effects(data: xr.Dataset, predicted: Any) -> Any:
    """β̂ ~ N(β, V̂): ``event_estimate`` (effect) with ``event_covariance`` (effect, effect_other)."""
    root = np.linalg.cholesky(data["event_covariance"].transpose("effect", "effect_other").values)
    estimate = data["event_estimate"].values
    return pm.MvNormal("event_estimate", predicted, chol=root, observed=estimate, dims="effect")
