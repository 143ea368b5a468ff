"""Equation (15): how the cost share of rare earths moves, fast and slow; it separates κ from σ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import SECTOR
from reestim.estimate.kinds.ree_use import points_of_changes
from reestim.estimate.priors import Priors, variable
from reestim.estimate.relative_price import knowledge_path, lagged
from reestim.estimate.unit_values import unit_value_error
from reestim.estimate.use_noise import noise_structure, noisy_changes
from reestim.technology import Clock


def sectors_with_own_use(data: xr.Dataset, least: int = 10) -> np.ndarray:
    """Sectors whose own cost share was seen to change ``least`` times or more, (sector,): strong evidence on σ_j."""
    if "use_weight" not in data:
        return np.zeros(data.sizes[SECTOR], dtype=bool)
    own = data["use_weight"].transpose("use_series", SECTOR).values == 1
    return own[data["use_in_series"].values].sum(axis=0) >= least


def ree_use(
    data: xr.Dataset,
    sigma: Any,
    innovation_passthrough: Any,
    spillover: Any,
    clock: Clock,
    lag_weights: Any,
    priors: Priors,
) -> Any:
    """Δ ln(θ/(1−θ)) = Σ_j w_j (1−σ_j)(Δq − (1+ξ)Δa_j) + noise, equation (15), a by (2b). An aggregate weighs its
    sectors by value.

    data: from `use_changes`. Priors: ``ree_use_noise``, standard deviation of a yearly change, and where a use has
    several series ``ree_use_common``, the share of that variance that they have in common. A unit value is value
    over tonnes, so its error (composition, timing) is in price and value alike and would pull σ down: with the prior
    ``unit_value_error`` (not Fixed at 0) the true price is the unit value less an error with that standard deviation,
    and true prices change by ``unit_value_spread`` a year.
    """
    noise = variable(priors, "ree_use_noise")
    error = unit_value_error(data, priors)
    mean = expected_change(data, sigma, innovation_passthrough, spillover, clock, lag_weights, error)
    known = noise_structure(data)
    common = variable(priors, "ree_use_common") if known.shared else 0.0
    change = data["use_share_change"].values
    return noisy_changes("use_share_change", mean, known, noise, common, observed=change, dims="use_observation")


def expected_change(
    data: xr.Dataset,
    sigma: Any,
    innovation_passthrough: Any,
    spillover: Any,
    clock: Clock,
    lag_weights: Any,
    error: Any,
    *,
    xp: Any = pt,
) -> Any:
    """Mean of the observed Δ ln(θ/(1−θ)) (use_observation), equation (15), given the error of each log price
    (use_price_point), which is in the observed value too. ``xp``: the array module."""
    weight = data["use_weight"].transpose("use_series", SECTOR).values
    series, sector = np.nonzero(weight)  # the pairs that have a weight
    point = data["use_point"].transpose("use_series", "use_year").values[series]  # (pair, use_year)
    q = (data["use_price"].values - error)[point]
    target = innovation_passthrough[sector][:, None] * lagged(data, q, data.sizes["use_year"], lag_weights)
    knowledge = knowledge_path(target, data.sizes["use_year"], clock, xp)
    share = technology.cost_share_effect(sigma[sector][:, None], q, knowledge.bias, spillover)  # (pair, use_year)
    by_series = np.zeros((len(weight), len(series)))
    by_series[series, np.arange(len(series))] = weight[series, sector]
    level = xp.dot(by_series, share)
    of, now, before = (data[name].values for name in ("use_in_series", "use_now", "use_before"))
    later, earlier = points_of_changes(data)
    return level[of, now] - level[of, before] + error[later] - error[earlier]
