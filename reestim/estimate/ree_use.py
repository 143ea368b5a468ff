"""Equation (15): how the cost share of rare earths moves, fast and slow; it separates κ from σ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import SECTOR
from reestim.estimate.kinds.ree_use import unit_value_changes
from reestim.estimate.priors import Priors, variable


def sectors_with_own_use(data: xr.Dataset, least: int = 10) -> np.ndarray:
    """Sectors whose own cost share was seen to change ``least`` times or more, (sector,): strong evidence on σ_j."""
    if "use_weight" not in data:
        return np.zeros(data.sizes[SECTOR], dtype=bool)
    return (data["use_weight"].transpose("use_observation", SECTOR).values == 1).sum(axis=0) >= least


def ree_use(
    data: xr.Dataset, sigma: Any, innovation_passthrough: Any, spillover: Any, adjustment_rate: Any, priors: Priors
) -> Any:
    """Δ ln(θ/(1−θ)) = Σ_j w_j (1−σ_j)(Δq − (1+ξ)m_j·ΔF) + noise, equation (15).

    An aggregate weighs its sectors by value.

    data: from `use_changes`; F is the partial adjustment of q at the rate λ (`partial_adjustment`): on impact only λ of
    a price change has reached knowledge, in the long run all of it. Prior: ``ree_use_noise``, standard deviation of a
    yearly change. A unit value is value over tonnes, so its error (composition, timing) is in price and value alike and
    would pull σ down: with the prior ``unit_value_error`` (not Fixed at 0) the true price is the unit value less an
    error with that standard deviation, and true prices change by ``unit_value_spread`` a year.
    """
    noise = variable(priors, "ree_use_noise")
    years = np.sqrt(data["use_years"].values.astype(float))
    error = _unit_value_error(data, years, priors)
    mean = expected_change(data, sigma, innovation_passthrough, spillover, adjustment_rate, error)
    change = data["use_share_change"].values
    return pm.Normal("use_share_change", mean, noise * years, observed=change, dims="use_observation")


def _unit_value_error(data: xr.Dataset, years: np.ndarray, priors: Priors) -> Any:
    """Error of each log price (use_price_point); zero where prices are no unit values, or known without error."""
    measured = np.flatnonzero(data["use_is_unit_value"].values)
    if not has_unit_value_error(data, priors):
        return np.zeros(data.sizes["use_price_point"])
    size = variable(priors, "unit_value_error")
    spread = variable(priors, "unit_value_spread")
    z = pm.Normal("unit_value_deviation", dims="use_unit_value")
    error: Any = pt.set_subtensor(pt.zeros(data.sizes["use_price_point"])[measured], size * z)
    changed, now, before = unit_value_changes(data)
    pm.Normal(
        "unit_value_change",
        error[now] - error[before],
        spread * years[changed],
        observed=(data["use_price"].values[now] - data["use_price"].values[before]),
        dims="use_unit_value_change",
    )
    return error


def has_unit_value_error(data: xr.Dataset, priors: Priors) -> bool:
    """Whether there are unit values and the study gives them an error."""
    if not data["use_is_unit_value"].values.any():
        return False
    known = priors.get("unit_value_error")
    return known is None or known.distribution != "Fixed" or known.parameters["value"] > 0


def expected_change(
    data: xr.Dataset, sigma: Any, passthrough: Any, spillover: Any, adjustment_rate: Any, error: Any
) -> Any:
    """Mean of the observed Δ ln(θ/(1−θ)) (use_observation), equation (15), given the error of each log price
    (use_price_point), which is in the observed value too. Arithmetic for any array library."""
    now, before = (data[name].transpose("use_observation", "use_lag").values for name in ("use_now", "use_before"))
    price = data["use_price"].values - error
    history = price[now] - price[before]  # (use_observation, use_lag)
    now_error, before_error = error[now[:, 0]], error[before[:, 0]]
    bias = passthrough * partial_adjustment(history, adjustment_rate, now.shape[1])[:, None]
    change = technology.cost_share_effect(sigma, history[:, 0][:, None], bias, spillover)
    weight = data["use_weight"].transpose("use_observation", SECTOR).values
    return (weight * change).sum(axis=1) + now_error - before_error


def partial_adjustment(history: Any, adjustment_rate: Any, lags: int) -> Any:
    """ΔF = Σ_k λ(1−λ)^k Δq_{t−k}, from F_t = F_{t−1} + λ(q_t − F_{t−1}); history: Δq by years before (..., use_lag)."""
    lag = np.arange(lags)
    return (history * (adjustment_rate * (1 - adjustment_rate) ** lag)).sum(axis=-1)
