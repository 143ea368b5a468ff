"""Draws of a counterfactual as effects: fixed technology, directed technology, and what direction contributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, SECTOR, TECHNOLOGY
from reestim.intervals import KIND, LEVEL, ends
from reestim.runs.parts import CounterfactualRecord
from reestim.supply_chain.flows import exports

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

FIXED, DIRECTED, CONTRIBUTION = "fixed", "directed", "contribution"
BRACKETS = f"Brackets: {100 * LEVEL:.0f} % {KIND} posterior intervals."

#: Groups of estimated draws, and those that hold them as they were carried to another economy.
CARRIED = {"posterior": "transferred", "prior": "prior_transferred"}
PERCENT = 100.0
#: Sectors shown: those that use most rare earths per dollar of cost.
MOST_EXPOSED = 5


def effects(ds: xr.Dataset, name: str) -> xr.DataArray:
    """A log change in per cent of the baseline, 100 (exp − 1), by technology, with ``contribution`` = directed − fixed
    in percentage points, draw by draw, where both were solved.

    Dims as in the group ``counterfactual`` (scenario, technology, chain, draw, ...); unsolved draws are NaN.
    """
    return with_contribution(PERCENT * xr.ufuncs.expm1(ds[name].where(ds["solved"])))


def with_contribution(change: xr.DataArray) -> xr.DataArray:
    """With ``contribution`` = directed − fixed among the technologies, where both are there."""
    if {FIXED, DIRECTED} <= set(change[TECHNOLOGY].values.tolist()):
        both = change.sel({TECHNOLOGY: DIRECTED}, drop=True) - change.sel({TECHNOLOGY: FIXED}, drop=True)
        change = xr.concat([change, both.expand_dims({TECHNOLOGY: [CONTRIBUTION]})], TECHNOLOGY)
    return change


def quantiles(draws: xr.DataArray, level: float = LEVEL) -> xr.Dataset:
    """``median``, and ``low`` and ``high`` of the equal-tailed interval, over (chain, draw); NaN draws are left out."""
    low, high = ends(level)
    there = draws.notnull().any((CHAIN, DRAW))  # of a scenario without a solved draw nothing is known
    q = draws.where(there, 0.0).quantile([low, 0.5, high], dim=(CHAIN, DRAW), skipna=True).where(there)
    return xr.Dataset({name: q.isel(quantile=i, drop=True) for i, name in enumerate(("low", "median", "high"))})


def probability(draws: xr.DataArray, condition: xr.DataArray) -> xr.DataArray:
    """Share of the draws that are there for which ``condition`` holds."""
    return condition.where(draws.notnull()).mean((CHAIN, DRAW))


def economy_of(post: xr.DataTree) -> Economy:
    """The baseline a counterfactual was computed on, from the group ``economy``."""
    from reestim.equilibrium.economy import Economy

    return Economy(post["economy"].to_dataset())


def parameter_draws(post: xr.DataTree, group: str = "posterior") -> xr.Dataset:
    """The draws of ``posterior`` or ``prior`` that went through the equilibrium: those carried to its economy, if any
    were."""
    carried = CARRIED[group]
    return post[carried if carried in post.children else group].to_dataset()


def income(economy: Economy) -> xr.DataArray:
    """Baseline income of final demand by country, a year, in the money of the data (``money_unit``)."""
    return xr.DataArray(np.asarray(economy.baseline.income), {COUNTRY: list(economy.countries)})


def money_unit(economy: Economy) -> str:
    """``million US$ of 2008`` in a dataset with that base year; an economy of somebody's own arrays says it in
    ``attrs["units"]`` and ``attrs["base_year"]``."""
    stated = str(economy.ds.attrs.get("units", "")).partition(" and ")[0] or "money units of the data"
    year = economy.ds.attrs.get("base_year")
    return stated if year is None else f"{stated} of {year}"


def exposed_sectors(economy: Economy, n: int = MOST_EXPOSED) -> list[str]:
    """Goods whose costs hold most rare earths in the world, the most exposed first."""
    output = np.asarray(economy.baseline.output)
    world = (np.asarray(economy.baseline.ree_share) * output).sum(0) / np.maximum(output.sum(0), 1e-300)
    order = [int(s) for s in np.argsort(-world) if world[s] > 0]
    return [economy.sectors[s] for s in order if economy.sectors[s] not in economy.members][:n]


def described_scenarios(ds: xr.Dataset) -> dict[str, Any]:
    """What the scenarios of a group counterfactual are, by name (`reestim.equilibrium.scenario`)."""
    return CounterfactualRecord.of(ds.attrs).scenarios


def restrictors(ds: xr.Dataset, scenario: str, economy: Economy) -> list[str]:
    """Countries that restrict their exports in a scenario; China where the scenario does not say."""
    from reestim.equilibrium.restriction import restricting_countries

    described = described_scenarios(ds).get(scenario, {})
    return restricting_countries(described.get("policies", []), economy.countries)


def exports_outside(ds: xr.Dataset, scenario: str, economy: Economy) -> xr.DataArray:
    """Change in per cent of the joint exports of all countries that do not restrict, by exposed sector.

    Dims (technology, chain, draw, sector), ``contribution`` among the technologies as in ``effects``.
    """
    return with_contribution(joint_exports(ds, scenario, economy))


def joint_exports(ds: xr.Dataset, scenario: str, economy: Economy, suffix: str = "") -> xr.DataArray:
    """The same over the dims of ``exports`` without country; ``suffix="_path"`` takes the years of a transition.

    Weights are baseline exports, so that sums are compared with sums.
    """
    sectors = exposed_sectors(economy)
    others = [c for c in economy.countries if c not in restrictors(ds, scenario, economy)]
    weight = exports(economy.ds).sel({COUNTRY: others, SECTOR: sectors})
    one = ds.sel({SCENARIO: scenario})
    change = one[f"exports{suffix}"].where(one[f"solved{suffix}"]).sel({COUNTRY: others, SECTOR: sectors})
    # expm1 keeps changes of 1e-8 exact; a country without exports has weight zero and no change to speak of.
    moved = (weight * xr.ufuncs.expm1(change.where(weight > 0, 0.0))).sum(COUNTRY, skipna=False) / weight.sum(COUNTRY)
    return (PERCENT * moved).where(one[f"solved{suffix}"])
