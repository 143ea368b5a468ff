"""Equation (15): how the cost share of rare earths moves, fast and slow; it separates κ from σ."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim import technology
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.priors import describe, variable
from reestim.prior import Prior

AGGREGATE = "all"
_FILE = "ree_use_panel.csv"


def filtered(q: pd.Series, adjustment_rate: float) -> pd.Series:
    """F_t = F_{t−1} + λ(q_t − F_{t−1}), F at the start = q there: knowledge per unit of m, a_t = m·F_t.

    q by year (the index); over a gap of years λ compounds, as if the price had stood at its new level. Linear in q, so
    the transition of (2) is m times data.
    """
    values, years = q.to_numpy(float), q.index.to_numpy()
    out = values.copy()
    for t in range(1, len(out)):
        closed = 1 - (1 - adjustment_rate) ** (years[t] - years[t - 1])
        out[t] = out[t - 1] + closed * (values[t] - out[t - 1])
    return pd.Series(out, index=q.index)


def use_changes(
    panel: pd.DataFrame, relative_price: xr.DataArray, ree_value: xr.DataArray, adjustment_rate: float
) -> xr.Dataset:
    """Observations of (15) from ``ree_use_panel``: changes between the observed years of a country and sector.

    panel: country, sector (or ``all``), year, value (million US$) and/or tonnes, output (million US$, where known);
    relative_price: q (country, sector, year), for rows without a price of their own; ree_value: value of rare earths
    used at baseline (country, sector), the weights of ``all``. The price is the unit value where tonnes and value are
    given, else q of the sector (value = tonnes·price). Without output the change of value stands for that of the share.
    Where a year is missing the change spans more years. Dims ``use_observation`` and ``sector``.
    """
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    users = [str(s) for s in relative_price[SECTOR].values]
    groups: Any = panel.sort_values(YEAR).groupby([COUNTRY, SECTOR], sort=False)
    for (country, sector), group in groups:
        if sector != AGGREGATE and sector not in users:
            problems.append(Problem("this sector uses no rare earths", "Remove its rows", file=_FILE, value=sector))
        elif country not in relative_price[COUNTRY].values:
            problems.append(Problem("unknown country", "Use a country of trade.csv", file=_FILE, value=country))
        else:
            try:
                rows += _changes(str(country), str(sector), group, relative_price, adjustment_rate)
            except InputError as error:
                problems += error.problems
    if not rows and not problems:
        problems.append(
            Problem("no change of use can be formed", "Give two years of value, or of tonnes, at least", file=_FILE)
        )
    if problems:
        raise InputError(problems, "the use of rare earths cannot be used")
    weights = np.array([_weights(r[COUNTRY], r[SECTOR], users, ree_value) for r in rows])
    log = {"units": "log points"}
    fields = {
        "use_share_change": {"long_name": "change of the log cost share of rare earths", **log},
        "use_price_change": {"long_name": "change of their log relative price", **log},
        "use_filtered_change": {"long_name": "change of that price as knowledge follows it", **log},
        "use_years": {"long_name": "years between the observations", "units": "years"},
    }
    data: dict[str, Any] = {name: ("use_observation", [r[name] for r in rows], attrs) for name, attrs in fields.items()}
    data["use_weight"] = (("use_observation", SECTOR), weights, {"long_name": "weight of a sector", "units": "share"})
    names = [f"{r[COUNTRY]} {r[SECTOR]} {r[YEAR]}" for r in rows]
    return xr.Dataset(data, coords={"use_observation": names, SECTOR: users})


def _changes(
    country: str, sector: str, group: pd.DataFrame, relative_price: xr.DataArray, adjustment_rate: float
) -> list[dict[str, Any]]:
    """Differences between consecutive observed years; the filter runs over every year that has a price."""
    table: Any = group.set_index(YEAR).reindex(columns=["value", "tonnes", "output"]).astype(float)
    table = table.where(table > 0)
    unit: Any = np.log(table["value"] * 1000 / table["tonnes"])  # US$/kg
    if unit.notna().sum() >= 2:
        price, value = unit.dropna(), np.log(table["value"])
    elif sector != AGGREGATE:
        price = relative_price.sel(country=country, sector=sector).to_series()
        value = np.log(table["value"]).fillna(np.log(table["tonnes"]) + price.reindex(table.index))
    else:
        advice = "Give tonnes and value, so that the unit value is the price"
        raise InputError(Problem("an aggregate without prices", advice, file=_FILE, value=country))
    if not np.isfinite(price).all():
        raise InputError(Problem("the relative price has gaps", "Fill element_prices.csv", value=f"{country} {sector}"))
    share: Any = _log_odds(value, np.log(table["output"]))
    knowledge = filtered(price, adjustment_rate)
    observed = [int(t) for t in share.index[share.notna()] if t in price.index]
    return [
        {
            COUNTRY: country, SECTOR: sector, YEAR: now,
            "use_share_change": share[now] - share[before],
            "use_price_change": price[now] - price[before],
            "use_filtered_change": knowledge[now] - knowledge[before],
            "use_years": now - before,
        }
        for before, now in itertools.pairwise(observed)
    ]  # fmt: skip


def _log_odds(log_value: Any, log_output: Any) -> Any:
    """ln(θ/(1−θ)), θ = value/output; ln value where no year has output (shares are small, output moves slowly)."""
    if log_output.isna().all():
        return log_value
    share: Any = np.exp(log_value - log_output)
    if (share >= 1).any():
        advice = "Check that value and output are both in million US$"
        raise InputError(Problem("rare earths cost more than the output they go into", advice, file=_FILE))
    return np.log(share / (1 - share))


def _weights(country: str, sector: str, users: list[str], ree_value: xr.DataArray) -> np.ndarray:
    if sector != AGGREGATE:
        return np.array([float(s == sector) for s in users])
    value = ree_value.sel(country=country, sector=users).values
    return value / value.sum()


def sectors_with_own_use(data: xr.Dataset, least: int = 10) -> np.ndarray:
    """Sectors whose own cost share was seen to change ``least`` times or more, (sector,): strong evidence on σ_j."""
    if "use_weight" not in data:
        return np.zeros(data.sizes[SECTOR], dtype=bool)
    return (data["use_weight"].transpose("use_observation", SECTOR).values == 1).sum(axis=0) >= least


def ree_use(data: xr.Dataset, sigma: Any, innovation_passthrough: Any, priors: Mapping[str, Prior]) -> Any:
    """Δ ln(θ/(1−θ)) = Σ_j w_j (1−σ_j)(Δq − m_j·ΔF) + noise, equation (15); an aggregate weighs its sectors by value.

    data: from ``use_changes``; F is q as knowledge follows it (``filtered``): on impact only λ of a price change has
    reached knowledge, in the long run all of it. Prior: ``ree_use_noise``, standard deviation of a yearly change.
    """
    noise = variable(
        priors, "ree_use_noise", long_name="spread of the yearly change of the cost share", units="log points"
    )
    price = data["use_price_change"].values[:, None]
    bias = innovation_passthrough * data["use_filtered_change"].values[:, None]
    change = technology.cost_share_effect(sigma, price, bias)
    mean = (data["use_weight"].transpose("use_observation", SECTOR).values * change).sum(axis=1)
    y = pm.Normal(
        "use_share_change",
        mean,
        noise * pt.sqrt(data["use_years"].values.astype(float)),
        observed=data["use_share_change"].values,
        dims="use_observation",
    )
    return describe(y, "change of the log cost share of rare earths", "log points")
