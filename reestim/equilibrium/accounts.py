"""The accounting identities of the baseline: from a Dataset to arrays, and how far each identity is from holding."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float, Int

from reestim.dims import CARRIER, COUNTRY, ELEMENT, FACTOR, SECTOR, resource
from reestim.equilibrium.contract import OPTIONAL, REQUIRED
from reestim.errors import Problem

#: Largest relative gap of an accounting identity that counts as rounding.
IDENTITY_TOLERANCE = 1e-6


class Baseline(NamedTuple):
    """The baseline in arrays (docs/model.md section 3): values in the data's money, shares and taxes as fractions."""

    trade_share: Float[Array, "importer exporter sector"]  # π
    expenditure: Float[Array, "country sector"]  # X, purchaser prices
    tariff: Float[Array, "importer exporter sector"]  # τ
    export_tax: Float[Array, "importer exporter sector"]  # x
    factor_share: Float[Array, "country factor sector"]  # γ_nfs, shares within the X bundle, rents apart
    input_share: Float[Array, "country input sector"]  # γ_nks
    resource_share: Float[Array, "country element"]  # r, rent's share of a mine's revenue
    resource: Float[Array, "factor element"]  # 1 where the factor is the element's resource
    ree_share: Float[Array, "country sector"]  # θ
    member_share: Float[Array, "country member sector"]  # ϑ, elements first, then carriers
    element_index: Int[Array, " element"]  # position of each element among the sectors
    member_index: Int[Array, " member"]  # position of each member of the bundle
    final_share: Float[Array, "country sector"]  # α
    output: Float[Array, "country sector"]  # Y, producers' revenue
    factor_income: Float[Array, "country factor"]  # V
    income: Float[Array, " country"]  # I, what final demand spends
    deficit: Float[Array, " country"]  # D
    diffusion_weight: Float[Array, "country sector"]  # output shares among the users of rare earths of a sector


def account(ds: xr.Dataset) -> tuple[Baseline, pd.DataFrame]:
    """Arrays of the baseline from the accounting identities, and how far each identity is from holding."""
    get = {name: ds[name].values for name in ds.data_vars if name in (REQUIRED | OPTIONAL)}
    sums = get["trade_share"].sum(axis=1, keepdims=True)
    pi = np.divide(get["trade_share"], sums, out=np.zeros_like(get["trade_share"]), where=sums > 0)
    x, tau, tax = get["expenditure"], get["tariff"], get["export_tax"]
    total = get["factor_share"].sum(axis=1, keepdims=True) + get["input_share"].sum(axis=1, keepdims=True)
    gamma_f, gamma_k = get["factor_share"] / total, get["input_share"] / total
    theta, omega = get["ree_share"], get["element_share"]
    if "carrier_share" in get:
        omega = np.concatenate([omega, get["carrier_share"]], axis=1)
    mix = omega.sum(axis=1, keepdims=True)
    omega = np.divide(omega, mix, out=np.zeros_like(omega), where=mix > 0)
    member_index = np.concatenate([_places(ds, ELEMENT), _places(ds, CARRIER)])

    flow = pi * x[:, None, :]
    revenue = (flow / ((1 + tau) * (1 + tax))).sum(axis=0)
    use = np.einsum("nks,ns->nk", gamma_k, (1 - theta) * revenue)
    use[:, member_index] += np.einsum("nes,ns->ne", omega, theta * revenue)
    final = x - use
    earned = np.einsum("nfs,ns->nf", gamma_f, (1 - theta) * revenue)
    gaps = [_gap_rows("final demand is not negative", ds, (COUNTRY, SECTOR), x, np.minimum(final, 0.0))]
    final = np.maximum(final, 0.0)
    final[np.abs(final) < 1e-12 * x] = 0.0  # rounding of a sector that is only an input
    income = final.sum(axis=1)
    alpha = final / income[:, None]
    if "final_share" in get:
        stated = get["final_share"] / get["final_share"].sum(axis=1, keepdims=True)
        gaps.append(
            _gap_rows(
                "final_share agrees with final demand", ds, (COUNTRY, SECTOR), x, (stated - alpha) * income[:, None]
            )
        )
        alpha = stated
    if "factor_income" in get:
        gap = get["factor_income"] - earned
        gaps.append(_gap_rows("factor_income agrees with costs", ds, (COUNTRY, FACTOR), get["factor_income"], gap))
        earned = get["factor_income"]
    tariffs = (tau / (1 + tau) * flow).sum(axis=(1, 2))
    taxes = (tax / ((1 + tau) * (1 + tax)) * flow).sum(axis=(0, 2))
    deficit = income - earned.sum(axis=1) - tariffs - taxes
    if "deficit" in get:
        gaps.append(_gap_rows("deficit agrees with income", ds, (COUNTRY,), income, get["deficit"] - deficit))
        deficit = get["deficit"]
    demanded = use + alpha * income[:, None]
    gaps.append(_gap_rows("spending is what production and final demand use", ds, (COUNTRY, SECTOR), x, x - demanded))
    spent = earned.sum(axis=1) + _use_cost(gamma_k, theta, revenue)
    gaps.append(
        _gap_rows(
            "revenue is what factors and inputs cost", ds, (COUNTRY,), revenue.sum(axis=1), revenue.sum(axis=1) - spent
        )
    )
    paid = earned.sum(axis=1) + tariffs + taxes + deficit
    gaps.append(_gap_rows("income is earned, collected or borrowed", ds, (COUNTRY,), income, income - paid))
    gaps.append(_gap_rows("world deficits sum to zero", ds, (), np.array(income.sum()), np.array(deficit.sum())))

    user_output = np.where(theta > 0, revenue, 0.0)
    world = user_output.sum(axis=0, keepdims=True)
    weight = np.divide(user_output, world, out=np.zeros_like(user_output), where=world > 0)
    arrays = _without_rent(gamma_f, gamma_k, ds) | {
        "trade_share": pi,
        "expenditure": x,
        "tariff": tau,
        "export_tax": tax,
        "ree_share": theta,
        "member_share": omega,
        "element_index": _places(ds, ELEMENT),
        "member_index": member_index,
        "final_share": alpha,
        "output": revenue,
        "factor_income": earned,
        "income": income,
        "deficit": deficit,
        "diffusion_weight": weight,
    }
    baseline = Baseline(**{name: jnp.asarray(value) for name, value in arrays.items()})
    return baseline, pd.concat(gaps, ignore_index=True)


def _places(ds: xr.Dataset, dim: str) -> np.ndarray:
    """Positions among the sectors of the labels of a dimension."""
    sectors = list(ds[SECTOR].values)
    return np.array([sectors.index(label) for label in (ds[dim].values if dim in ds.coords else ())], dtype=int)


def _without_rent(factor_share: np.ndarray, input_share: np.ndarray, ds: xr.Dataset) -> dict[str, np.ndarray]:
    """Cost shares, those of mines in what is not rent; rent's share of revenue; which factor is whose resource."""
    names, e = [resource(str(e)) for e in ds[ELEMENT].values], _places(ds, ELEMENT)
    own = np.array([[str(f) == name for name in names] for f in ds[FACTOR].values], dtype=float)
    own = own.reshape(ds[FACTOR].size, len(names))
    rent = np.einsum("nfe,fe->ne", factor_share[:, :, e], own)
    factors, inputs, other = factor_share.copy(), input_share.copy(), (1 - rent)[:, None, :]
    factors[:, :, e] *= 1 - own
    for shares in (factors, inputs):
        here = shares[:, :, e]
        shares[:, :, e] = np.divide(here, other, out=np.zeros_like(here), where=other > 0)
    return {"factor_share": factors, "input_share": inputs, "resource_share": rent, "resource": own}


def _use_cost(input_share: np.ndarray, ree_share: np.ndarray, revenue: np.ndarray) -> np.ndarray:
    """What each country's producers pay for intermediate inputs and rare earths. (country)"""
    inputs = np.einsum("nks,ns->n", input_share, (1 - ree_share) * revenue)
    return inputs + (ree_share * revenue).sum(axis=1)


def _gap_rows(identity: str, ds: xr.Dataset, dims: tuple[str, ...], value: np.ndarray, gap: np.ndarray) -> pd.DataFrame:
    labels = [ds[d].values for d in dims]
    cells = [" ".join(str(axis[i]) for axis, i in zip(labels, index, strict=True)) for index in np.ndindex(gap.shape)]
    scale = np.abs(value).ravel()
    size = np.abs(gap).ravel()
    relative = np.divide(size, scale, out=np.where(size > 0, np.inf, 0.0), where=scale > 0)
    frame = {"identity": identity, "cell": cells, "value": value.ravel(), "gap": gap.ravel(), "relative_gap": relative}
    return pd.DataFrame(frame)


def by_identity(gaps: pd.DataFrame) -> pd.DataFrame:
    """One row an identity, with its worst cell."""
    rows = []
    for identity, cells in gaps.groupby("identity", sort=False):
        worst = cells.loc[cells["relative_gap"].idxmax()]
        rows.append(
            {
                "identity": identity,
                "cells": len(cells),
                "worst_cell": worst["cell"],
                "gap": worst["gap"],
                "relative_gap": worst["relative_gap"],
                "holds": worst["relative_gap"] <= IDENTITY_TOLERANCE,
            }
        )
    return pd.DataFrame(rows)


def imbalance_problems(gaps: pd.DataFrame) -> list[Problem]:
    bad = gaps.loc[gaps.relative_gap > IDENTITY_TOLERANCE].sort_values(by="relative_gap", ascending=False)
    problems = []
    for identity, rows in bad.groupby("identity", sort=False):
        worst = rows.iloc[0]
        more = f" (and {len(rows) - 1} more cells)" if len(rows) > 1 else ""
        advice = "Correct the data, or use Economy(ds, allow_imbalance=True).rebased() for data known to be off."
        message = f"not so: {identity}, at {worst.cell}{more}, off by {worst.relative_gap:.2%}"
        problems.append(Problem(message, advice, value=float(worst.gap)))
    return problems
