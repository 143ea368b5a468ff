"""Use of rare earths over the years, the evidence of equation (15)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.signal import Block, Signal
from reestim.estimate.kinds.variable import NEVER_ZERO, POSITIVE, SHARE, Variable

if TYPE_CHECKING:
    from reestim.estimate.structure import StructureAtDraw

_STEM = "ree_use_panel"
AGGREGATE = "all"
_FILE = f"{_STEM}.csv"


def use_changes(panel: pd.DataFrame, relative_price: xr.DataArray, ree_value: xr.DataArray) -> xr.Dataset:
    """Observations of (15) from ``ree_use_panel``: changes between the observed years of a country and sector.

    panel: country, sector (or ``all``), year, value (million US$) and/or tonnes, output (million US$, where known);
    relative_price: q (country, sector, year), for rows without a price of their own; ree_value: value of rare earths
    used at baseline (country, sector), the weights of ``all``. The price is the unit value where tonnes and value are
    given, else q (value = tonnes·price). Without output the change of value stands for that of the share.
    Where a year is missing the change spans more years. A country and sector may have several series, told apart by
    ``series``; ``error``, the error of measurement of a row in log points, becomes ``use_error`` of the later and of
    the earlier year of a change, which ends in the year ``use_until``; ``use_cell`` numbers countries and sectors. An
    aggregate without unit values takes the mean q of its sectors.

    Dims ``use_observation``, ``use_series`` (a country and sector), ``sector``, ``use_price_point`` (a price of a
    series in a year) and ``use_year`` (years since the first price of a series). ``use_point`` (use_series, use_year)
    is the price of each year, consecutive years, so that knowledge is carried through them: in a year without a price
    it stood where the next one is. ``use_now`` and ``use_before`` are the years of a change.
    """
    rows: list[dict[str, Any]] = []
    points: list[tuple[str, float, bool]] = []  # label, log price, is it a unit value
    series: list[dict[str, Any]] = []
    problems: list[Problem] = []
    users = [str(s) for s in relative_price[SECTOR].values]
    named = panel["series"].fillna("").astype(str) if "series" in panel else pd.Series("", index=panel.index)
    groups: Any = panel.assign(series=named).sort_values(YEAR).groupby([COUNTRY, SECTOR, "series"], sort=False)
    for (country, sector, name), group in groups:
        if sector != AGGREGATE and sector not in users:
            problems.append(Problem("this sector uses no rare earths", "Remove its rows", file=_FILE, value=sector))
        elif country not in relative_price[COUNTRY].values:
            problems.append(Problem("unknown country", "Use a country of trade.csv", file=_FILE, value=country))
        else:
            try:
                weight = _weights(str(country), str(sector), users, ree_value)
                changes, prices = _changes(str(country), str(sector), group, relative_price, weight)
            except InputError as error:
                problems += error.problems
                continue
            label = f"{country} {sector}" + (f", {name}" if name else "")
            rows += [row | {"series": len(series)} for row in changes]
            point = len(points) + _next_price(prices.years)
            series.append({"label": label, "weight": weight, "point": point, COUNTRY: country, SECTOR: sector})
            points += [(f"{label} {t}", p, prices.own) for t, p in zip(*prices[:2], strict=True)]
    if not rows and not problems:
        problems.append(
            Problem("no change of use can be formed", "Give two years of value, or of tonnes, at least", file=_FILE)
        )
    if problems:
        raise InputError(problems, "the use of rare earths cannot be used")
    log = {"units": "log points"}
    fields = {
        "use_share_change": {"long_name": "change of the log cost share of rare earths", **log},
        "use_years": {"long_name": "years between the observations", "units": "years"},
        "use_now": {"long_name": "later year of the change, since the first price", "units": "years"},
        "use_before": {"long_name": "earlier year of the change, since the first price", "units": "years"},
        "use_until": {"long_name": "later year of the change", "units": "year"},
    }
    data: dict[str, Any] = {name: ("use_observation", [r[name] for r in rows], attrs) for name, attrs in fields.items()}
    about = {"long_name": "error of measurement of the later and of the earlier year", **log}
    data["use_error"] = (("use_observation", "use_end"), [r["use_error"] for r in rows], about)
    data["use_in_series"] = ("use_observation", [r["series"] for r in rows], {"long_name": "series of the change"})
    longest = max(len(s["point"]) for s in series)
    point = [np.pad(s["point"], (0, longest - len(s["point"])), mode="edge") for s in series]
    data["use_point"] = (("use_series", "use_year"), point, {"long_name": "price of a year", "units": "position"})
    cells = [(s[COUNTRY], s[SECTOR]) for s in series]
    number = [cells.index(cell) for cell in cells]
    data["use_cell"] = ("use_series", number, {"long_name": "country and sector of a series", "units": "position"})
    weights = [s["weight"] for s in series]
    data["use_weight"] = (("use_series", SECTOR), weights, {"long_name": "weight of a sector", "units": "share"})
    prices = [price for _, price, _ in points]
    data["use_price"] = ("use_price_point", prices, {"long_name": "log relative price", **log})
    measured = [is_unit_value for *_, is_unit_value in points]
    data["use_is_unit_value"] = ("use_price_point", measured, {"long_name": "whether a price is a unit value"})
    coords = {
        "use_observation": [f"{series[r['series']]['label']} {r[YEAR]}" for r in rows],
        "use_series": [s["label"] for s in series],
        "use_end": ["later", "earlier"],
        SECTOR: users,
        "use_price_point": [label for label, *_ in points],
    }
    return xr.Dataset(data, coords=coords)


class _Prices(NamedTuple):
    """Log prices of a series, by year, and whether they are unit values of its own."""

    years: np.ndarray
    level: np.ndarray
    own: bool


def _next_price(years: np.ndarray) -> np.ndarray:
    """For each year from the first to the last: the position of its price, or of the next one there is."""
    return np.searchsorted(years, np.arange(years[0], years[-1] + 1))


def _changes(
    country: str, sector: str, group: pd.DataFrame, relative_price: xr.DataArray, weight: np.ndarray
) -> tuple[list[dict[str, Any]], _Prices]:
    """Differences between consecutive observed years, and the prices of the series."""
    table: Any = group.set_index(YEAR).reindex(columns=["value", "tonnes", "output", "error"]).astype(float)
    error = table.pop("error").fillna(0.0)
    table = table.where(table > 0)
    unit: Any = np.log(table["value"] * 1000 / table["tonnes"])  # US$/kg
    own = bool(unit.notna().sum() >= 2)
    if own:
        price, value = unit.dropna(), np.log(table["value"])
    else:
        q = relative_price.sel(country=country).transpose(YEAR, SECTOR)
        price = pd.Series(q.values @ weight, index=q[YEAR].values)
        value = np.log(table["value"]).fillna(np.log(table["tonnes"]) + price.reindex(table.index))
    if not np.isfinite(price).all():
        raise InputError(Problem("the relative price has gaps", "Fill element_prices.csv", value=f"{country} {sector}"))
    share: Any = _log_odds(value, np.log(table["output"]))
    observed = [int(t) for t in share.index[share.notna()] if t in price.index]
    years = price.index.to_numpy().astype(int)
    rows = [
        {
            YEAR: now,
            "use_share_change": share[now] - share[before],
            "use_years": now - before,
            "use_now": now - years[0],
            "use_before": before - years[0],
            "use_until": now,
            "use_error": (float(error[now]), float(error[before])),
        }
        for before, now in itertools.pairwise(observed)
    ]
    return rows, _Prices(years, price.to_numpy().astype(float), own)


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


def points_of_changes(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the price of the later and of the earlier year of each observation."""
    point = data["use_point"].transpose("use_series", "use_year").values
    series = data["use_in_series"].values
    return point[series, data["use_now"].values], point[series, data["use_before"].values]


def unit_value_changes(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations between two unit values, and the positions of the later and of the earlier one."""
    now, before = points_of_changes(data)
    changed = data["use_is_unit_value"].values[now]
    return changed, now[changed], before[changed]


def _inputs(sources: Sources) -> xr.Dataset:
    """Changes of use, at the prices that buyers faced in the year itself."""
    from reestim.supply_chain.flows import ree_value

    return use_changes(sources.tables[_STEM], sources.price, ree_value(sources.io))


def _coords(data: xr.Dataset) -> Mapping[str, Sequence[object]]:
    measured = data["use_is_unit_value"].values
    return {
        "use_unit_value": data["use_price_point"].values[measured].tolist(),
        "use_unit_value_change": data["use_observation"].values[unit_value_changes(data)[0]].tolist(),
    }


def _signal(draw: StructureAtDraw) -> Signal:
    from reestim.estimate.ree_use import expected_change
    from reestim.estimate.use_noise import covariance, noise_structure

    data, v = draw.data, draw.values
    none = np.zeros(data.sizes["use_price_point"])
    mean = expected_change(data, v["sigma"], v["m"], v["spillover"], draw.clock, draw.lag_weights, none, xp=np)
    between = covariance(noise_structure(data), float(v["ree_use_noise"]), float(v.get("ree_use_common", 0.0)))
    return Signal(np.asarray(mean), np.sqrt(np.diag(between)), np.linalg.inv(between))


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
        "ree_use_common": Variable(
            "share of the variance of its noise that the series of one use have in common", "share", SHARE
        ),
        "use_share_change": Variable("change of the log cost share of rare earths", "log points"),
        "unit_value_error": Variable("error of unit values as a price", "log points", POSITIVE),
        "unit_value_spread": Variable("spread of the yearly change of the true price", "log points", NEVER_ZERO),
        "unit_value_deviation": Variable("error of each unit value", "standard deviations"),
        "unit_value_change": Variable("change of the log unit value", "log points"),
    },
    blocks=(Block("ree_use", "use of rare earths", "use_share_change", _signal),),
    by_sector=(_STEM,),
    coords=_coords,
)
