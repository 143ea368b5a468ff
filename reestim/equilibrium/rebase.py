"""A consistent baseline for data that are not an equilibrium (Caliendo and Parro's first step)."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, EXPORTER, FACTOR, IMPORTER, SECTOR
from reestim.equilibrium.economy import Baseline, Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.solve import TOLERANCE, find
from reestim.equilibrium.welfare import outcomes
from reestim.errors import EquilibriumError, InputError, Problem


def rebase(economy: Economy, deficits: str = "fixed", parameters: Parameters | None = None) -> Economy:
    """Solve (3)–(11) with no shock, at the data's technology, tastes and factor incomes, for a baseline that holds.

    ``deficits="balanced"`` sets D = 0 first. Rare-earth knowledge does not move: this is another base year's table,
    not a response. The new Dataset's attrs carry ``rebasing``: JSON with the largest relative move of each array.
    """
    if deficits not in ("fixed", "balanced"):
        raise InputError(Problem("unknown rule for deficits", "Use 'fixed' or 'balanced'.", value=deficits))
    b = _with_all_demand(economy.baseline)
    policy = Scenario(name="rebase").to_arrays(economy)
    # Data that do not add up have no deficits that do either: what the world misses is shared out by income.
    deficit = b.deficit - b.deficit.sum() * b.income / b.income.sum()
    policy = policy._replace(deficit=jnp.zeros_like(b.deficit) if deficits == "balanced" else deficit)
    arrays = (parameters or Parameters()).to_arrays(economy, "fixed")
    u, _, worst = find(b, policy, arrays, 1e-13)
    if not worst <= TOLERANCE:
        raise EquilibriumError(f"no consistent baseline found: largest relative residual {float(worst):.1e}")
    result = outcomes(b, policy, arrays, u)
    ds = economy.ds.drop_vars(["final_share", "factor_income", "deficit"], errors="ignore").copy()
    ds["trade_share"] = xr.DataArray(np.asarray(result.trade_share), dims=(IMPORTER, EXPORTER, SECTOR))
    ds["expenditure"] = xr.DataArray(np.asarray(result.expenditure), dims=(COUNTRY, SECTOR))
    ds["ree_share"] = xr.DataArray(np.asarray(result.ree_share), dims=(COUNTRY, SECTOR))
    if economy.elements:
        ds["element_share"] = economy.ds.element_share.copy(data=np.asarray(result.element_share))
    moves: dict[str, float | list[float]] = {
        "wage": _largest(np.asarray(u.factor_price), np.asarray(b.factor_income) > 0),
        "price": _largest(np.asarray(u.price), np.asarray(b.expenditure) > 0),
        "expenditure": _largest(np.asarray(u.expenditure), np.asarray(b.expenditure) > 0),
    }
    wages = np.asarray(u.factor_price)[np.asarray(b.factor_income) > 0]
    moves["wage_range"] = [float(wages.min()), float(wages.max())]
    ds.attrs["rebasing"] = json.dumps(
        {"deficits": deficits, "largest_log_move": moves, "factors": list(map(str, ds[FACTOR].values))}
    )
    return Economy(ds)


def _with_all_demand(b: Baseline) -> Baseline:
    """Start every cell that somebody demands from a positive expenditure, so that the solver may move it."""
    use = jnp.einsum("nks,ns->nk", b.input_share, (1 - b.ree_share) * b.output)
    use = use.at[:, b.element_index].add(jnp.einsum("nes,ns->ne", b.element_share, b.ree_share * b.output))
    demand = use + b.final_share * b.income[:, None]
    sold = b.trade_share.sum(axis=1) > 0
    return b._replace(expenditure=jnp.where(sold, jnp.maximum(b.expenditure, demand), b.expenditure))


def _largest(move: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(move[where]).max())
