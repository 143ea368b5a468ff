"""Use of rare earths over the years, the evidence of equation (15)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, PRICE_LAG, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.variable import NEVER_ZERO, POSITIVE, Variable

_STEM = "ree_use_panel"
AGGREGATE = "all"
_FILE = f"{_STEM}.csv"


def use_changes(panel: pd.DataFrame, relative_price: xr.DataArray, ree_value: xr.DataArray) -> xr.Dataset:
    """Observations of (15) from ``ree_use_panel``: changes between the observed years of a country and sector.

    panel: country, sector (or ``all``), year, value (million US$) and/or tonnes, output (million US$, where known);
    relative_price: q (country, sector, year) of the same year, for rows without a price of their own; ree_value: value
    of rare earths used at baseline (country, sector), the weights of ``all``. The price is the unit value where tonnes
    and value are given, else q of the sector (value = tonnes·price). Without output the change of value stands for that
    of the share. Where a year is missing the change spans more years.

    Dims ``use_observation``, ``sector``, ``use_price_point`` (a price of a series in a year) and ``use_lag`` (years):
    ``use_now`` and ``use_before`` say which prices stood k years before the two years of a change, so that what
    knowledge has followed, at any rate of adjustment, is a weighted sum (`partial_adjustment`). Before the first price
    of a series it stood where the first is; in a year without a price, where the next one is.
    """
    rows: list[dict[str, Any]] = []
    points: list[tuple[str, float, bool]] = []  # label, log price, is it a unit value
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
                found, series = _changes(str(country), str(sector), group, relative_price, len(points))
                rows, points = rows + found, points + series
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
        "use_years": {"long_name": "years between the observations", "units": "years"},
    }
    data: dict[str, Any] = {name: ("use_observation", [r[name] for r in rows], attrs) for name, attrs in fields.items()}
    data["use_weight"] = (("use_observation", SECTOR), weights, {"long_name": "weight of a sector", "units": "share"})
    longest = max(len(r["now"]) for r in rows)
    for name, words in (("now", "later"), ("before", "earlier")):
        index = np.array([np.pad(r[name], (0, longest - len(r[name])), mode="edge") for r in rows])
        attrs = {"long_name": f"price point of the {words} year, by years before it", "units": "position"}
        data[f"use_{name}"] = (("use_observation", "use_lag"), index, attrs)
    prices = [price for _, price, _ in points]
    data["use_price"] = ("use_price_point", prices, {"long_name": "log relative price", **log})
    measured = [is_unit_value for *_, is_unit_value in points]
    data["use_is_unit_value"] = ("use_price_point", measured, {"long_name": "whether a price is a unit value"})
    names = [f"{r[COUNTRY]} {r[SECTOR]} {r[YEAR]}" for r in rows]
    labels = [label for label, *_ in points]
    return xr.Dataset(data, coords={"use_observation": names, SECTOR: users, "use_price_point": labels})


def _changes(
    country: str, sector: str, group: pd.DataFrame, relative_price: xr.DataArray, first: int
) -> tuple[list[dict[str, Any]], list[tuple[str, float, bool]]]:
    """Differences between consecutive observed years, and the prices of the series, the first at position ``first``."""
    table: Any = group.set_index(YEAR).reindex(columns=["value", "tonnes", "output"]).astype(float)
    table = table.where(table > 0)
    unit: Any = np.log(table["value"] * 1000 / table["tonnes"])  # US$/kg
    own = bool(unit.notna().sum() >= 2)
    if own:
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
    observed = [int(t) for t in share.index[share.notna()] if t in price.index]
    years = price.index.to_numpy()

    def positions(year: int) -> np.ndarray:
        """Of the prices in ``year``, a year before, ..., the start: the same year, or the next that has a price."""
        return first + np.searchsorted(years, np.arange(year, years[0] - 1, -1))

    rows = [
        {
            COUNTRY: country,
            SECTOR: sector,
            YEAR: now,
            "use_share_change": share[now] - share[before],
            "use_years": now - before,
            "now": positions(now),
            "before": np.pad(positions(before), (0, now - before), mode="edge"),
        }
        for before, now in itertools.pairwise(observed)
    ]
    return rows, [(f"{country} {sector} {t}", float(p), own) for t, p in price.items()]


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


def unit_value_changes(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations between two unit values, and the positions of the later and of the earlier one."""
    now, before = (
        data[name].transpose("use_observation", "use_lag").values[:, 0] for name in ("use_now", "use_before")
    )
    changed = data["use_is_unit_value"].values[now]
    return changed, now[changed], before[changed]


def _inputs(sources: Sources) -> xr.Dataset:
    """Changes of use, at the prices that buyers faced in the year itself."""
    price = sources.price
    first = price.isel({PRICE_LAG: 0}, drop=True) if PRICE_LAG in price.dims else price
    of_the_year = first.assign_coords({YEAR: first[YEAR] - sources.evidence.price_lags[0]})
    return use_changes(sources.tables[_STEM], of_the_year, _ree_value(sources.io))


def _ree_value(io: xr.Dataset) -> xr.DataArray:
    """Rare earths used at baseline, θ times revenue (country, sector), million US$."""
    wedge = (1 + io["tariff"] if "tariff" in io else 1) * (1 + io["export_tax"] if "export_tax" in io else 1)
    spent = io["trade_share"] * io["expenditure"].rename({COUNTRY: IMPORTER}) / wedge
    return io["ree_share"] * spent.sum(IMPORTER).rename({EXPORTER: COUNTRY})


def _coords(data: xr.Dataset) -> Mapping[str, Sequence[object]]:
    measured = data["use_is_unit_value"].values
    return {
        "use_unit_value": data["use_price_point"].values[measured].tolist(),
        "use_unit_value_change": data["use_observation"].values[unit_value_changes(data)[0]].tolist(),
    }


REE_USE = EvidenceKind(
    name="ree_use",
    files=((_STEM,),),
    inputs=_inputs,
    observed={
        "use_share_change": Observed("change of the use of rare earths", panel="log points, change of use: {}"),
        "unit_value_change": Observed("change of unit values"),
    },
    variables={
        "ree_use_noise": Variable("spread of the yearly change of the cost share", "log points", POSITIVE),
        "use_share_change": Variable("change of the log cost share of rare earths", "log points"),
        "unit_value_error": Variable("error of unit values as a price", "log points", POSITIVE),
        "unit_value_spread": Variable("spread of the yearly change of the true price", "log points", NEVER_ZERO),
        "unit_value_deviation": Variable("error of each unit value", "standard deviations"),
        "unit_value_change": Variable("change of the log unit value", "log points"),
    },
    by_sector=(_STEM,),
    coords=_coords,
)
