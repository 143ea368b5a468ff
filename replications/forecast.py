"""Dated scenarios solved with the draws of a run, set against what was seen in the months after, with scores.

What a scenario takes from those months (quantities held back) is given to it and is no test; prices, and tonnes of what
was not held back, are. Nothing of ``rare-earths-2023`` is later than the controls.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.stats import norm

import reestim as ree
from reestim.counterfactuals.transfer import transferred_draws
from reestim.dims import CHAIN, COUNTRY, DRAW, ELEMENT, SCENARIO, SECTOR
from reestim.equilibrium.economy import Economy
from reestim.intervals import ends
from reestim.supply_chain.flows import exports
from replications.scores import crps, crps_of_normal, interval_score
from replications.tables import Table, number

DATASET = "rare-earths-2023"
OBSERVED = Path(__file__).parent / "observed_2025.csv"
SCENARIOS = "models/scenarios/today"
#: Countries of the dataset that are in the European Union.
EU = ("DEU", "FRA", "ITA")
DRAWS, SEED = 40, 1
_HEADER = (
    *("scenario", "what, log change", "when", "seen", "forecast", "inside"),
    *("CRPS", "no change", "interval score", "no change"),
)


def observed() -> pd.DataFrame:
    """Rows of ``observed_2025.csv`` with ``log_change`` filled in and ``se`` 0 where none is stated."""
    rows = pd.read_csv(OBSERVED, dtype={"against": str}, keep_default_na=True)
    change = rows["log_change"].where(rows["log_change"].notna(), np.log(rows["after"] / rows["before"]))
    return rows.assign(log_change=change, se=rows["se"].fillna(0.0), against=rows["against"].fillna(""))


def solved(run: Path) -> tuple[xr.Dataset, Economy]:
    """Every scenario of the log at draws of ``run`` carried to the economy before the controls, fixed technology."""
    economy = Economy.from_dataset(ree.load_dataset(DATASET))
    post = ree.load(run)
    moved = transferred_draws(post["posterior"].to_dataset(), economy, ree.Transfer(absent="population", seed=SEED))
    names = list(dict.fromkeys(observed()["scenario"]))
    scenarios = [ree.read_scenario(f"{SCENARIOS}/{name}.toml") for name in names]
    draws = xr.DataTree.from_dict({"posterior": moved.draws})
    out = ree.counterfactual(economy, scenarios, draws, technology=["fixed"], draws=DRAWS, allow_unsolved=True)
    return out["counterfactual"].to_dataset().isel(technology=0, drop=True), economy


def predicted(row: dict[str, Any], ds: xr.Dataset, economy: Economy) -> npt.NDArray[np.float64]:
    """Draws of the log change that a row of `observed` speaks of; draws without an equilibrium are left out."""
    one = ds.sel({SCENARIO: row["scenario"]}, drop=True)
    one = one.where(one["solved"])
    products = str(row["products"]).split()
    if row["quantity"] == "export tonnes":
        change = _tonnes(one, economy, str(row["where"]), products)
    else:
        where: list[str] = [*EU] if row["where"] == "EU" else [str(row["where"])]
        change = _price(one, economy, where, products)
        if row["against"]:
            change = change - _price(one, economy, where, str(row["against"]).split())
    values = change.transpose(CHAIN, DRAW).to_numpy().ravel()
    return values[np.isfinite(values)]


def _price(one: xr.Dataset, economy: Economy, where: list[str], products: list[str]) -> xr.DataArray:
    """Mean log change of what buyers pay in ``where``, products weighted with what is spent on them."""
    chosen = {COUNTRY: where, SECTOR: products}
    weight = economy.ds["expenditure"].sel(chosen)
    return (one["price"].sel(chosen) * weight).sum([COUNTRY, SECTOR], skipna=False) / weight.sum()


def _tonnes(one: xr.Dataset, economy: Economy, where: str, elements: list[str]) -> xr.DataArray:
    """Log change of the tonnes that a country exports: export value less rent of quotas, over the price at home."""
    at = {COUNTRY: where, SECTOR: elements}
    price = economy.ds["producer_price"].sel({COUNTRY: where, ELEMENT: elements}).rename({ELEMENT: SECTOR})
    price = price.reset_coords(drop=True)
    value = exports(economy.ds).sel(at).reset_coords(drop=True)
    earned = value * np.exp(one["exports"].sel(at)) - one["quota_rent"].sel(at)
    after = earned / np.exp(one["unit_cost"].sel(at)) / price
    ratio: xr.DataArray = after.sum(SECTOR, skipna=False) / (value / price).sum(SECTOR)
    return xr.ufuncs.log(ratio)


def scores(draws: npt.NDArray[np.float64], change: float, se: float) -> dict[str, float]:
    """Median, ends of the 90 % interval and scores of a forecast, and the scores of "no change".

    ``se``: standard error of what was observed, added to both forecasts (to draws as normal noise from a fixed seed).
    """
    noise = np.random.default_rng(SEED).standard_normal(len(draws))
    noisy = draws + se * noise
    below, upto = ends()
    low, median, high = np.quantile(noisy, [below, 0.5, upto])
    reach = float(norm.ppf(upto)) * se
    return {
        "median": float(median),
        "low": float(low),
        "high": float(high),
        "inside": float(low <= change <= high),
        "crps": crps(noisy, change),
        "naive_crps": crps_of_normal(0.0, se, change),
        "interval_score": interval_score(float(low), float(high), change),
        "naive_interval_score": interval_score(-reach, reach, change),
    }


def table(run: Path) -> Table:
    """What was seen beside the forecast and "no change", row by row, with scores."""
    ds, economy = solved(run)
    rows = observed()
    return scored(rows, [predicted(row, ds, economy) for row in rows.to_dict("records")], ds)


def scored(rows: pd.DataFrame, draws: list[npt.NDArray[np.float64]], ds: xr.Dataset) -> Table:
    """The table of `observed` rows and the draws that forecast them; ``ds`` says how many were solved."""
    each = [
        scores(forecast, float(row["log_change"]), float(row["se"]))
        for row, forecast in zip(rows.to_dict("records"), draws, strict=True)
    ]
    found: Any = pd.DataFrame(each).assign(scenario=rows["scenario"].to_numpy())
    lines = [_line(row, score) for row, score in zip(rows.to_dict("records"), each, strict=True)]
    notes = []
    for name, part in found.groupby("scenario", sort=False):
        there = ds["solved"].sel({SCENARIO: name})
        notes.append(
            f"`{name}`: {int(there.sum())} of {there.size} draws solved; {int(part['inside'].sum())} of {len(part)} "
            f"inside the 90 % interval; mean CRPS {number(part['crps'].mean(), 2)} against "
            f"{number(part['naive_crps'].mean(), 2)} of no change, mean interval score "
            f"{number(part['interval_score'].mean(), 1)} against {number(part['naive_interval_score'].mean(), 1)}."
        )
    return Table(_HEADER, lines, notes)


def _line(row: dict[str, Any], score: dict[str, float]) -> list[str]:
    against = f" against {row['against']}" if row["against"] else ""
    seen = number(float(row["log_change"]), 2) + (f" (se {number(float(row['se']), 2)})" if row["se"] else "")
    median, low, high = (number(score[name], 2) for name in ("median", "low", "high"))
    return [
        str(row["scenario"]),
        f"{row['quantity']}, {row['where']}: {row['products']}{against}",
        str(row["when"]),
        seen,
        f"{median} [{low}, {high}]",
        "yes" if score["inside"] else "no",
        *(number(score[name], 2) for name in ("crps", "naive_crps")),
        *(number(score[name], 1) for name in ("interval_score", "naive_interval_score")),
    ]
