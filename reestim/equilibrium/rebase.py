"""A consistent baseline for data that are not an equilibrium (Caliendo and Parro's first step)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.contract import DERIVED
from reestim.equilibrium.drawn_baseline import drawn_baseline
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.mining import cost_shares
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.solve import TOLERANCE, solve_adaptively
from reestim.equilibrium.welfare import outcomes
from reestim.errors import EquilibriumError, InputError, Problem
from reestim.io.json_text import json_text


def rebase(economy: Economy, deficits: str = "fixed", parameters: Parameters | None = None) -> Economy:
    """Solve (3)–(11) with no shock, at the data's technology, tastes and factor incomes, for a baseline that holds.

    ``deficits="balanced"`` sets D = 0 first. Rare-earth knowledge does not move: this is another base year's table,
    not a response. The new Dataset's attrs carry ``rebasing`` (JSON): how far each array moved.
    """
    if deficits not in ("fixed", "balanced"):
        raise InputError(Problem("unknown rule for deficits", "Use 'fixed' or 'balanced'.", value=deficits))
    arrays = (parameters or Parameters()).to_arrays(economy, "fixed")
    b = _with_all_demand(drawn_baseline(economy.baseline, arrays))
    policy = Scenario(name="rebase").to_arrays(economy)
    # Data that do not add up have no deficits that do either: what the world misses is shared out by income.
    deficit = b.deficit - b.deficit.sum() * b.income / b.income.sum()
    wanted = jnp.zeros_like(b.deficit) if deficits == "balanced" else deficit
    policy = policy._replace(deficit_change=wanted - b.deficit)
    u, _, worst = solve_adaptively(b, policy, arrays, 1e-13)
    if not worst <= TOLERANCE:
        raise EquilibriumError(f"no consistent baseline found: largest relative residual {float(worst):.1e}")
    result = outcomes(b, policy, arrays, u)
    ds = economy.ds.drop_vars(DERIVED, errors="ignore").copy()
    ds["trade_share"] = xr.DataArray(np.asarray(result.trade_share), dims=(IMPORTER, EXPORTER, SECTOR))
    ds["expenditure"] = xr.DataArray(np.asarray(result.expenditure), dims=(COUNTRY, SECTOR))
    ds["ree_share"] = xr.DataArray(np.asarray(result.ree_share), dims=(COUNTRY, SECTOR))
    if economy.elements:
        mined = b.output[:, b.element_index] > 0
        factors, inputs = cost_shares(
            b._replace(resource_share=jnp.where(mined, result.resource_share, b.resource_share))
        )
        ds["factor_share"] = xr.DataArray(np.asarray(factors), dims=(COUNTRY, FACTOR, SECTOR))
        ds["input_share"] = xr.DataArray(np.asarray(inputs), dims=(COUNTRY, INPUT, SECTOR))
        ds["element_share"] = economy.ds.element_share.copy(data=np.asarray(result.element_share))
    if economy.carriers:
        ds["carrier_share"] = economy.ds.carrier_share.copy(data=np.asarray(result.carrier_share))
    logs, shares = "log change", "change of a share"
    old = economy.ds
    moves = [
        _move("factor_price", u.factor_price, b.factor_income > 0, logs, (COUNTRY, FACTOR), ds),
        _move("price", u.price, b.expenditure > 0, logs, (COUNTRY, SECTOR), ds),
        _move("expenditure", u.expenditure, b.expenditure > 0, logs, (COUNTRY, SECTOR), ds),
    ]
    for name in ("trade_share", "ree_share", "element_share", "carrier_share", "factor_share", "input_share"):
        if name in old and old[name].size:
            dims = tuple(str(dim) for dim in old[name].dims)
            change = ds[name].transpose(*dims).values - old[name].values
            moves.append(_move(name, change, np.ones(change.shape, bool), shares, dims, ds))
    relative = np.asarray(policy.deficit_change) / np.asarray(b.income)
    moves.append(_move("deficit", relative, np.ones(relative.shape, bool), "change, of income", (COUNTRY,), ds))
    ds.attrs["rebasing"] = json_text({"deficits": deficits, "moves": moves})
    return Economy(ds)


def _move(
    name: str, change: Any, where: Any, unit: str, dims: tuple[str, ...], ds: xr.Dataset
) -> dict[str, str | float]:
    """Smallest and largest change of an array, and the cell that moved farthest."""
    change, where = np.asarray(change), np.asarray(where)
    cell = np.unravel_index(int(np.argmax(np.where(where, np.abs(change), -1.0))), change.shape)
    labels = " ".join(str(ds[dim].values[k]) for dim, k in zip(dims, cell, strict=True))
    moved = change[where]
    return {
        "array": name,
        "smallest": float(moved.min()),
        "largest": float(moved.max()),
        "unit": unit,
        "farthest": labels,
    }


def _with_all_demand(b: Baseline) -> Baseline:
    """Start every cell that somebody demands from a positive expenditure, so that the solver may move it."""
    use = jnp.einsum("nks,ns->nk", cost_shares(b)[1], (1 - b.ree_share) * b.output)
    use = use.at[:, b.member_index].add(jnp.einsum("nms,ns->nm", b.member_share, b.ree_share * b.output))
    demand = use + b.final_share * b.income[:, None]
    sold = b.trade_share.sum(axis=1) > 0
    return b._replace(expenditure=jnp.where(sold, jnp.maximum(b.expenditure, demand), b.expenditure))
