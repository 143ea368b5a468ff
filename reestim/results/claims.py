"""The claims of Alfaro, Fadinger, Schymik and Virananda (2025) as quantities of a run, draw by draw.

Means over sectors weigh each with what the world spends on rare earths there (θ·Y), means over countries with baseline
income or output. Abroad: outside the countries that restrict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, SECTOR, TECHNOLOGY
from reestim.equilibrium.economy import Economy
from reestim.results.effects import DIRECTED, FIXED, exposed_sectors, income

_BASIS_POINTS = 1e4


class EconomyAndAbroad(NamedTuple):
    """What the weights are made of, and who does not restrict."""

    economy: Economy
    abroad: list[str]


_Quantity = Callable[[xr.Dataset, EconomyAndAbroad], xr.DataArray]


def _positive(draws: xr.DataArray) -> xr.DataArray:
    return draws > 0


def _negative(draws: xr.DataArray) -> xr.DataArray:
    return draws < 0


class Claim(NamedTuple):
    """One claim of the paper.

    ``quantity`` takes the posterior, or with ``of_equilibrium`` the counterfactual of one scenario, and gives draws
    (chain, draw) in ``unit``; the claim holds where ``holds`` does. ``members``: the same by sector or country.
    """

    claim: str
    asked: str
    quantity: _Quantity
    unit: str = ""
    of_equilibrium: bool = True
    holds: Callable[[xr.DataArray], xr.DataArray] = _positive
    members: _Quantity | None = None
    member: str = ""  # what a member is called, in the plural
    needs: tuple[str, ...] = ("welfare",)  # variables that the quantity takes


def claims(economy: Economy) -> list[Claim]:
    """The findings of the paper in its order."""
    intensive = ", ".join(exposed_sectors(economy))
    return [
        Claim(
            "rare earths and other inputs are complements",
            "mean σ < 1, sectors weighted by what they spend on rare earths",
            lambda ds, w: world_mean(w.economy, ds["sigma"]),
            of_equilibrium=False,
            holds=lambda sigma: sigma < 1,
            members=lambda ds, _: ds["sigma"],
            member="sectors",
            needs=("sigma",),
        ),
        Claim(
            "scarcity sets off a surge of innovation",
            "mean m > 0: dearer rare earths draw research towards using them better",
            lambda ds, w: world_mean(w.economy, ds["innovation_passthrough"]),
            of_equilibrium=False,
            needs=("innovation_passthrough",),
        ),
        Claim(
            "… and it does so abroad",
            "REE-enhancing knowledge abroad rises under the restriction",
            _knowledge,
            "%",
            needs=("ree_technology",),
        ),
        Claim(
            "sectors that use many rare earths would contract abroad if technology stood still",
            f"quantities of {intensive} abroad fall against all other goods, fixed technology",
            lambda ds, w: _growth_gap(ds, w, FIXED),
            "bp",
            holds=_negative,
            needs=("output", "unit_cost"),
        ),
        Claim(
            "… with directed technology they expand",
            "their quantities abroad rise against all other goods, directed technology",
            lambda ds, w: _growth_gap(ds, w, DIRECTED),
            "bp",
            needs=("output", "unit_cost"),
        ),
        Claim(
            "the restriction costs countries abroad welfare",
            "joint real income abroad falls, fixed technology",
            lambda ds, w: _joint_income(ds, w, FIXED),
            "bp",
            holds=_negative,
        ),
        Claim(
            "directed technology mitigates their losses",
            "directed loss abroad < fixed loss",
            lambda ds, w: _joint_income(ds, w, DIRECTED) - _joint_income(ds, w, FIXED),
            "bp",
            members=lambda ds, w: _real_income(ds, w, DIRECTED) - _real_income(ds, w, FIXED),
            member="countries",
        ),
        Claim(
            "… and turns them into a gain",
            "joint real income abroad rises, directed technology",
            lambda ds, w: _joint_income(ds, w, DIRECTED),
            "bp",
        ),
    ]


def needed_gap(parameters: xr.Dataset, economy: Economy) -> xr.DataArray | None:
    """ω from which the world's mean user of rare earths expands by itself, first order (docs/model.md section 2).

    NaN in draws with m ≤ 0, where no ω does; None without draws of m, or where it is never positive.
    """
    if "innovation_passthrough" not in parameters:
        return None
    m = world_mean(economy, parameters["innovation_passthrough"])
    share = float((economy.ds["ree_share"] * _spending(economy)).sum() / _spending(economy).sum())
    needed = (1 / ((1 - share) * m)).where(m > 0)
    return needed if bool(needed.notnull().any()) else None


def _output(economy: Economy) -> xr.DataArray:
    """Baseline output (country, sector)."""
    labels = {COUNTRY: list(economy.countries), SECTOR: list(economy.sectors)}
    return xr.DataArray(np.asarray(economy.baseline.output), labels)


def _spending(economy: Economy) -> xr.DataArray:
    """Spending on rare earths (country, sector), θ·Y."""
    return economy.ds["ree_share"] * _output(economy)


def world_mean(economy: Economy, values: xr.DataArray) -> xr.DataArray:
    """Mean over sectors, each with what the world spends on rare earths there."""
    spent = _spending(economy).sum(COUNTRY).sel({SECTOR: values[SECTOR].values.tolist()})
    return values.weighted(spent).mean(SECTOR)


def _knowledge(solved: xr.Dataset, world: EconomyAndAbroad) -> xr.DataArray:
    """Change of REE-enhancing knowledge abroad, per cent; weights θ·Y."""
    at = solved.sel({TECHNOLOGY: DIRECTED}, drop=True)
    weight = _spending(world.economy).sel({COUNTRY: world.abroad})
    change = at["ree_technology"].where(at["solved"]).sel({COUNTRY: world.abroad})
    mean = (change.fillna(0) * weight).sum((COUNTRY, SECTOR)) / weight.sum()
    return 100 * xr.ufuncs.expm1(mean).where(at["solved"])


def _growth_gap(solved: xr.Dataset, world: EconomyAndAbroad, technology: str) -> xr.DataArray:
    """Growth of quantities (output over unit cost) of sectors that use most rare earths less that of other goods."""
    economy = world.economy
    intensive = exposed_sectors(economy)
    others = [s for s in economy.sectors if s not in intensive and s not in economy.elements]
    output, at = _output(economy).sel({COUNTRY: world.abroad}), solved.sel({TECHNOLOGY: technology}, drop=True)

    def grown(sectors: Sequence[str]) -> xr.DataArray:
        labels = {COUNTRY: world.abroad, SECTOR: list(sectors)}
        change, weight = (at["output"] - at["unit_cost"]).sel(labels), output.sel({SECTOR: list(sectors)})
        moved = (weight * xr.ufuncs.expm1(change.where(weight > 0, 0.0))).sum((COUNTRY, SECTOR), skipna=False)
        return (_BASIS_POINTS * moved / weight.sum()).where(at["solved"])

    return grown(intensive) - grown(others)


def _real_income(solved: xr.Dataset, world: EconomyAndAbroad, technology: str) -> xr.DataArray:
    """Change of real income of each country abroad, basis points."""
    at = solved.sel({TECHNOLOGY: technology}, drop=True)
    welfare = at["welfare"].where(at["solved"]).sel({COUNTRY: world.abroad})
    return _BASIS_POINTS * xr.ufuncs.expm1(welfare)


def _joint_income(solved: xr.Dataset, world: EconomyAndAbroad, technology: str) -> xr.DataArray:
    """The same of all abroad together."""
    weight = income(world.economy).sel({COUNTRY: world.abroad})
    return (weight * _real_income(solved, world, technology)).sum(COUNTRY, skipna=False) / weight.sum()
