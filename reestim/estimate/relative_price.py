"""q of equations (2), (12) and (15), the relative price that research answers, and the knowledge that follows it.

Arithmetic for any array library: the blocks of PyMC and NumPyro share it, each with its own variables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.compile.builders import OpFromGraph

from reestim import technology
from reestim.dims import COUNTRY, ELEMENT, PRICE_LAG, PRICE_YEAR, SECTOR, YEAR
from reestim.estimate.priors import Priors, share_weights, variable
from reestim.technology import Clock, Knowledge

#: Attribute of the inputs that says what patents are taken for, and its values (``evidence.patents_as``).
PATENTS_AS, FLOWS, LEVELS = "patents_as", "flows", "levels"


def clock_of(priors: Priors) -> Clock:
    """λ, δ and g of equation (2b), from the priors of these names; one clock for all evidence."""
    return Clock(*(variable(priors, name) for name in Clock._fields))


def relative_price(data: xr.Dataset, priors: Priors, rho: Any) -> tuple[Any, Any]:
    """q (country, sector, price_year), and the weights of the lags (price_lag), None where the study fixes one lag.

    With several lags, research answers Σ_k w_k q_{t−k}, w ~ Dirichlet (prior ``lag_weights``). With prices by element
    in ``data`` the bundle is CES with one elasticity ρ for all sectors, equation (1); otherwise it is Cobb–Douglas,
    ρ = 1, and q is data.
    """
    weights = None
    if data.sizes[PRICE_LAG] > 1:
        prior = share_weights(priors, "lag_weights", data.sizes[PRICE_LAG])
        weights = pm.Dirichlet("lag_weights", prior, dims=PRICE_LAG)
    return bundle_price(data, rho, pt), weights


def bundle_price(data: xr.Dataset, rho: Any, xp: Any) -> Any:
    """q (country, sector, price_year): data, or with prices by element their CES index less the cost of other inputs.
    ``xp``: the array module, ``pytensor.tensor`` or ``jax.numpy``."""
    if "element_price" not in data:
        return data["relative_price"].transpose(COUNTRY, SECTOR, PRICE_YEAR).values
    share = data["element_weight"].transpose(COUNTRY, SECTOR, ELEMENT).values[..., None]
    price = data["element_price"].transpose(COUNTRY, ELEMENT, PRICE_YEAR).values[:, None]
    bundle = technology.ces_index(share, price, rho, axis=2, xp=xp)
    return bundle - data["input_cost"].transpose(COUNTRY, SECTOR, PRICE_YEAR).values


def lagged(data: xr.Dataset, price: Any, years: int, weights: Any) -> Any:
    """Σ_k w_k q_{t−k} over the lags of the study, along the last axis, so many consecutive ``years``; before the first,
    prices stood as then."""
    at = np.arange(years)
    parts = [price[..., np.maximum(at - int(k), 0)] if k else price for k in data[PRICE_LAG].values]
    if weights is None:
        return parts[0]
    return sum(weights[i] * part for i, part in enumerate(parts))


def knowledge_of(
    data: xr.Dataset, q: Any, innovation_passthrough: Any, clock: Clock, lag_weights: Any, *, xp: Any = pt
) -> Knowledge:
    """a_t (country, sector, price_year) by equation (2b), from q and m (sector), with the lags of the study."""
    target = innovation_passthrough[:, None] * lagged(data, q, data.sizes[PRICE_YEAR], lag_weights)
    return knowledge_path(target, data.sizes[PRICE_YEAR], clock, xp)


def knowledge_path(target: Any, years: int, clock: Clock, xp: Any) -> Knowledge:
    """`technology.knowledge_path`; in PyTensor with the derivatives of `technology.bias_path_pullback`: those of every
    year by itself would be half of the density's arithmetic."""
    return technology.knowledge_path(target, years, clock, xp, _path if xp is pt else technology.bias_path)


def _path(target: Any, years: int, rate: Any, largest_loss: Any, xp: Any) -> Any:
    outer = [pt.as_tensor(each) for each in (target, rate, largest_loss)]
    inner: list[Any] = [each.type() for each in outer]

    def pullback(inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        at, rate, loss = inputs
        return list(technology.bias_path_pullback(at, outputs[0], cotangents[0], years, rate, loss, xp))

    at, speed, floor = inner
    bias = technology.bias_path(at, years, speed, floor, xp)
    return OpFromGraph(inner, [bias], pullback=pullback)(*outer)


def enhancing_response(
    data: xr.Dataset,
    q: Any,
    innovation_passthrough: Any,
    knowledge: Knowledge,
    clock: Clock,
    lag_weights: Any,
    *,
    xp: Any = pt,
) -> Any:
    """f (country, sector, price_year) of equation (12): how log odds of ``enhancing`` patents answer prices.

    Patents are the flow into knowledge; or, where the study takes them for its level, f = m·q.
    """
    if data.attrs[PATENTS_AS] == LEVELS:
        return innovation_passthrough[:, None] * lagged(data, q, data.sizes[PRICE_YEAR], lag_weights)
    return technology.patent_flow(knowledge, clock, xp)


def in_years_of_patents(data: xr.Dataset, values: Any) -> Any:
    """Of ``values`` (..., price_year), those of the years with patents (..., year)."""
    return values[..., data.get_index(PRICE_YEAR).get_indexer(data[YEAR].values)]
