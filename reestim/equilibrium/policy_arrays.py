"""A scenario as arrays in the economy's order of labels, and a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from reestim.dims import SECTOR
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.coordinates import label_problems
from reestim.equilibrium.pools import Pools
from reestim.errors import Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


class PolicyArrays(NamedTuple):
    """A scenario in the economy's order: new log tax factors, log changes, and pools of quotas and licences.

    Attributes
    ----------
    log_tariff, log_export_tax, log_trade_cost
        ln(1+τ′), ln(1+x′) before licences, ln d̂ (importer, exporter, sector).
    log_productivity, log_subsidy
        ln T̂ˣ, and −ln(1−s), what the government adds to each dollar of sales (country, sector).
    log_endowment
        ln of the quantity of a factor against the baseline (country, factor).
    recycled
        Share of industry's use that comes from scrap (country, member).
    deficit_change
        D′ − D (country), in the money of the data.
    pools
        Pools of quotas and licences.
    joint
        1 where the elements of a country come out of one mine in fixed proportions, else 0.
    """

    log_tariff: Float[Array, "importer exporter sector"]  # ln(1+τ′)
    log_export_tax: Float[Array, "importer exporter sector"]  # ln(1+x′), before licences
    log_trade_cost: Float[Array, "importer exporter sector"]  # ln d̂
    log_productivity: Float[Array, "country sector"]  # ln T̂ˣ
    log_subsidy: Float[Array, "country sector"]  # −ln(1−s), what the government adds to each dollar of sales
    log_endowment: Float[Array, "country factor"]  # ln of the quantity of a factor against the baseline
    recycled: Float[Array, "country member"]  # share of industry's use that comes from scrap
    deficit_change: Float[Array, " country"]  # D′ − D
    pools: Pools
    joint: Float[Array, ""]  # 1 if the elements of a country come out of one mine in fixed proportions


def place_array(
    name: str, value: xr.DataArray, economy: Economy, dims: tuple[str, ...], old: np.ndarray, problems: list[Problem]
) -> np.ndarray:
    """Broadcast ``value`` by name onto ``dims``; labels it does not mention, and NaN, keep the old level."""
    labels = {d: list(economy.sectors if d == SECTOR else economy.countries) for d in dims}
    wrong = label_problems(name, value, labels)
    if wrong:
        problems.extend(wrong)
        return old
    full = xr.DataArray(old, dims=dims, coords=labels)
    mine = {d: labels[str(d)] for d in value.dims}
    placed = value.reindex(mine).broadcast_like(full).transpose(*dims)
    return np.where(placed.isnull(), old, placed)


def scaled(b: Baseline, policy: PolicyArrays, stage: Float[Array, ""]) -> PolicyArrays:
    """The scenario at a part of its size: geometric between baseline and target for taxes, costs and quotas.

    Parameters
    ----------
    b, policy
        Baseline and the scenario at its full size.
    stage
        Part of the size, 0 (the baseline) to 1.

    Returns
    -------
    PolicyArrays
        A limit above the baseline stays where it is.
    """

    def between(old: Array, new: Array) -> Array:
        return (1 - stage) * old + stage * new

    limit = policy.pools.log_limit
    return policy._replace(
        log_tariff=between(jnp.log1p(b.tariff), policy.log_tariff),
        log_export_tax=between(jnp.log1p(b.export_tax), policy.log_export_tax),
        log_trade_cost=stage * policy.log_trade_cost,
        log_productivity=stage * policy.log_productivity,
        log_subsidy=stage * policy.log_subsidy,
        log_endowment=stage * policy.log_endowment,
        recycled=stage * policy.recycled,
        deficit_change=stage * policy.deficit_change,
        pools=policy.pools._replace(log_limit=jnp.where(limit > 0, limit, stage * limit)),
    )
