"""Panels of a simulated world: outcomes by country, sector and year, and the use of rare earths."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from reestim import technology
from reestim.dims import COUNTRY, ELEMENT, EXPORTER, IMPORTER, SECTOR, YEAR
from reestim.evidence.truth import Truth
from reestim.supply_chain.flows import abroad, purchases_by_origin, revenue

#: REE price, US$/kg, at q = 0 in a simulated ``ree_use_panel``: it only sets the scale of tonnes against value.
BASELINE_UNIT_VALUE = 10.0


class SimulatedWorld(NamedTuple):
    """What the structure gives, in the years of the evidence."""

    price: xr.DataArray  # q (country, sector, year)
    bias: np.ndarray  # a, by (2b)
    enhancing: np.ndarray  # f of equation (12)
    sigma: xr.DataArray  # σ (sector)


def share_of_users(io: xr.Dataset, price: xr.DataArray) -> xr.DataArray:
    """θ of the sectors that use rare earths, (country, sector)."""
    return io["ree_share"].transpose(COUNTRY, SECTOR).sel(country=price[COUNTRY], sector=price[SECTOR])


def output_of_users(io: xr.Dataset, price: xr.DataArray) -> xr.DataArray:
    """Their revenue at baseline, (country, sector), million US$."""
    return revenue(io).sel(country=price[COUNTRY], sector=price[SECTOR])


def simulated_outcomes(io: xr.Dataset, world: SimulatedWorld, truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """Levels of exports (million US$) and tfp (index) for all goods: effects of country-sector and country-year, the
    response of docs/model.md section 4 for users of rare earths, and noise. Zero exports: no row."""
    price = world.price
    elements = set(io[ELEMENT].values) if ELEMENT in io.coords else set()
    goods = [s for s in io[SECTOR].values if s not in elements]
    theta = share_of_users(io, price)
    share = theta.values[:, :, None]
    log_a, log_b = technology.frontier(world.bias / truth.kappa, share, truth.kappa, np)
    tfp = price.copy(data=technology.tfp_effect(share, log_a, log_b, truth.spillover, truth.spillover_gap))
    response = {"exports": _export_response(io, theta * price - tfp), "tfp": tfp}
    level = {"exports": np.log(np.maximum(_exports(io).sel(country=price[COUNTRY], sector=goods), 1e-9))}
    noise = {"exports": truth.exports_noise, "tfp": truth.tfp_noise}
    frames = []
    for outcome, structural in response.items():
        nothing: Any = 0.0
        full = structural.reindex({SECTOR: goods}, fill_value=nothing).transpose(COUNTRY, SECTOR, YEAR)
        n_country, n_sector, n_year = full.shape
        spread = 10 * noise[outcome]
        unit = 0.0 if outcome == "exports" else spread * rng.standard_normal((n_country, n_sector, 1))
        year = np.cumsum(0.02 + spread / 5 * rng.standard_normal((n_country, 1, n_year)), axis=2)
        log = full + unit + year + noise[outcome] * rng.standard_normal(full.shape)
        log = (log + level[outcome] if outcome in level else log + np.log(100.0)).transpose(COUNTRY, SECTOR, YEAR)
        frame = xr.DataArray(np.exp(log)).to_series().rename("value").reset_index()
        frames.append(frame[frame["value"] > 1e-6].assign(outcome=outcome))
    table: Any = pd.concat(frames, ignore_index=True)
    return table[[COUNTRY, SECTOR, YEAR, "outcome", "value"]].assign(value=_significant(table["value"]))


def _exports(io: xr.Dataset) -> xr.DataArray:
    """Baseline exports, (country, sector), million US$, purchaser prices; domestic sales excluded."""
    return abroad(purchases_by_origin(io)).sum(IMPORTER).rename({EXPORTER: COUNTRY})


def _export_response(io: xr.Dataset, cost: xr.DataArray) -> xr.DataArray:
    """−ε·(d ln c − market average), the average over foreign markets of the costs of all who sell there."""
    share = io["trade_share"].sel(sector=cost[SECTOR])
    market = (share * cost.rename({COUNTRY: EXPORTER})).sum(EXPORTER)  # d ln P of the importer
    weight = abroad(purchases_by_origin(io)).sel(sector=cost[SECTOR])
    weight = weight / weight.sum(IMPORTER).where(lambda x: x > 0, 1.0)
    average = (weight * market).sum(IMPORTER).rename({EXPORTER: COUNTRY})
    return -io["trade_elasticity"].sel(sector=cost[SECTOR]) * (cost - average)


def simulated_ree_use(io: xr.Dataset, world: SimulatedWorld, truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """Value (million US$), tonnes and output by cell, equation (15); no row where θ = 0."""
    price, sigma = world.price, world.sigma
    q, theta = price.values, share_of_users(io, price).values
    change = technology.cost_share_effect(sigma.values[None, :, None], np.diff(q), np.diff(world.bias), truth.spillover)
    change = change + truth.ree_use_noise * rng.standard_normal(change.shape)
    with np.errstate(divide="ignore"):
        start = np.log(theta / (1 - theta))[..., None]
    share = 1 / (1 + np.exp(-(start + np.concatenate([np.zeros_like(start), np.cumsum(change, axis=2)], axis=2))))
    sales = output_of_users(io, price).values[..., None] * np.ones_like(share)
    columns = {"value": share * sales, "output": sales}
    columns["tonnes"] = columns["value"] * 1000 / (BASELINE_UNIT_VALUE * np.exp(q))
    data = xr.Dataset({k: (price.dims, v) for k, v in columns.items()}, coords=price.coords)
    frame: Any = data.to_dataframe().reset_index()
    frame = frame[frame["value"] > 0][[COUNTRY, SECTOR, YEAR, "tonnes", "value", "output"]].reset_index(drop=True)
    return frame.assign(**{name: _significant(frame[name]) for name in ("tonnes", "value", "output")})


def _significant(values: pd.Series, digits: int = 9) -> np.ndarray:
    """Rounded to so many significant digits: files stay the same on machines whose last bits differ."""
    return np.array([float(f"{v:.{digits}g}") for v in values])
