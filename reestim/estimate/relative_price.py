"""q of equations (2) and (12): the relative price that research answers, with its lags and its bundle of elements.

Arithmetic for any array library: the blocks of PyMC and NumPyro share it, each with its own variables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import COUNTRY, ELEMENT, PRICE_LAG, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.priors import Priors, share_weights, variable

TRANSITION, LONG_RUN = "transition", "long run"


def relative_price(data: xr.Dataset, priors: Priors) -> tuple[Any, Any]:
    """q (country, sector, year) and the weights of its lags (price_lag), None where the study fixes one lag.

    With several lags, q_t = Σ_k w_k q_{t−k}, w ~ Dirichlet (prior ``lag_weights``). With prices by element in ``data``
    the bundle is CES with one elasticity ρ for all sectors (prior ``element_elasticity``), equation (1); otherwise it
    is Cobb–Douglas, ρ = 1, and q is data.
    """
    weights = rho = None
    if PRICE_LAG in data["relative_price"].dims:
        size = data.sizes[PRICE_LAG]
        weights = pm.Dirichlet("lag_weights", share_weights(priors, "lag_weights", size), dims=PRICE_LAG)
    if "element_price" in data:
        rho = variable(priors, "element_elasticity")
    return over_lags(prices_by_lag(data, rho, pt), weights), weights


def prices_by_lag(data: xr.Dataset, rho: Any, xp: Any) -> Any:
    """q (country, sector, year[, price_lag]): data for ρ None, else the CES index of the elements' prices less the cost
    of other inputs. ``xp``: the array module, ``pytensor.tensor`` or ``jax.numpy``."""
    lags = [PRICE_LAG] if PRICE_LAG in data["relative_price"].dims else []
    if rho is None:
        return data["relative_price"].transpose(COUNTRY, SECTOR, YEAR, *lags).values
    share = data["element_weight"].transpose(COUNTRY, SECTOR, ELEMENT).values
    price = data["element_price"].transpose(COUNTRY, ELEMENT, YEAR, *lags).values
    share = share.reshape((*share.shape, *[1] * (price.ndim - 2)))  # (country, sector, element, 1[, 1])
    bundle = technology.ces_index(share, price[:, None], rho, axis=2, xp=xp)
    return bundle - data["input_cost"].transpose(COUNTRY, SECTOR, YEAR, *lags).values


def over_lags(values: Any, weights: Any) -> Any:
    """Σ_k w_k·values over the last axis; ``values`` as they are where no weights are estimated."""
    return values if weights is None else (values * weights).sum(axis=-1)


def in_transition(data: xr.Dataset) -> bool:
    """Whether the study takes patents for the flow into knowledge (``evidence.transition``), not for its level."""
    return data.attrs.get("knowledge") == TRANSITION


def age_weights(adjustment_rate: Any, ages: int) -> Any:
    """Weights (knowledge_age) of the prices 0, 1, … years ago in F_t = F_{t−1} + λ(q_t − F_{t−1}); the last age stands
    for all prices from then back. They sum to one. Arithmetic for any array library."""
    age = np.arange(ages)
    last = age == ages - 1
    return (1 - adjustment_rate) ** age * (adjustment_rate * ~last + last)


def knowledge_flow(data: xr.Dataset, q: Any, passthrough: Any, adjustment_rate: Any, growth: Any) -> Any:
    """(λ/g)(m·q_t − a_{t−1}) (country, sector, year): patents as the flow into knowledge, the dynamic variant of (12).

    a_t = a_{t−1} + λ(m·q_t − a_{t−1}) is m times the partial adjustment of q (see `adjustment_gap`); g is the growth of
    relative knowledge in normal times, to which a burst is relative. Raises InputError where years are missing.
    """
    years = data[YEAR].values.astype(int)
    if (np.diff(years) != 1).any():
        holes = sorted(set(range(years[0], years[-1])) - set(years.tolist()))
        advice = "Add patents of these years; knowledge is carried from year to year"
        raise InputError(Problem("years without patents", advice, file="patent_labels.csv", value=holes))
    return adjustment_rate / growth * passthrough[:, None] * adjustment_gap(q, adjustment_rate)


def knowledge_growth(priors: Priors) -> Any:
    """g, the yearly growth of relative knowledge in normal times (prior ``knowledge_growth``)."""
    return variable(priors, "knowledge_growth")


def adjustment_gap(q: Any, adjustment_rate: Any) -> Any:
    """q_t − F_{t−1} (country, sector, year): gap between the price and F, its partial adjustment at the rate λ. F is q
    before the first year. Times m, it is what knowledge has still to adjust by.

    From F_t = F_{t−1} + λ(q_t − F_{t−1}): q_t − F_{t−1} = Σ_k (1−λ)^k Δq_{t−k}, linear in q for a given λ.
    """
    years = q.shape[2]
    age = np.subtract.outer(np.arange(years), np.arange(1, years))  # years since each change
    memory = (1 - adjustment_rate) ** np.maximum(age, 0) * (age >= 0)
    change = q[:, :, 1:] - q[:, :, :-1]
    return (change[:, :, None, :] * memory[None, None]).sum(axis=-1)
