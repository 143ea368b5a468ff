"""Quotas and licences: policies that hold tonnes and leave it to the market who uses them (docs/model.md section 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from reestim.equilibrium.placing import Levels, Pool
from reestim.equilibrium.policy import STRICT_DATACLASS, TONNES, Labels, Name, Policy
from reestim.errors import Problem

_Quantity = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Leakage = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True, config=STRICT_DATACLASS)
class ExportQuota(Policy):
    """The tonnes of elements that leave a country, together, held at or below a quantity.

    The quota has one licence price per tonne, the same for every element and buyer abroad, found with the
    equilibrium: x′ = x + r/p′, with p′ the producer's price per tonne. Where the quota is not used up the licence is
    free and nothing changes. The rent is the exporter's. Own use and sales inside a region count in no quota.

    Parameters
    ----------
    exporter
        The country.
    elements
        Elements or carriers, or ``"all"``: every element that it sells abroad. Several need ``producer_price`` in the
        economy.
    quantity_change
        The quota as a multiple of the tonnes of the baseline, summed over the elements (30,258 t against 56,939 t:
        0.531). A ban is an embargo.
    pooled
        False: a quota for each element by itself, all with this multiple.
    leakage
        Tonnes that leave beside the quota (smuggled), as a fraction of it, at the same price abroad.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.ExportQuota("CHN", "all", 30258 / 56939).pooled
    True
    """

    exporter: Name
    elements: Labels
    quantity_change: _Quantity
    pooled: bool = True
    leakage: Leakage = 0.0
    kind: ClassVar[str] = "export_quota"
    restricts: ClassVar[str] = "exporter"
    keys_in_files: ClassVar[tuple[str, ...]] = TONNES

    def apply(self, levels: Levels) -> None:
        """One pool of exports, or one for each element."""
        economy = levels.economy
        exporter = levels.countries(self, self.exporter, "exporter")
        which = levels.members(self, self.elements)
        value = np.asarray(economy.baseline.trade_share * economy.baseline.expenditure[:, None, :])
        for i in np.flatnonzero(exporter):
            cells = _elements(levels, which) & (np.delete(value[:, i, :], i, axis=0).sum(axis=0) > 0)
            _refuse_nothing(self, levels, which & ~cells[_places(levels)], "exports")
            abroad = np.arange(len(exporter)) != i
            for group in _groups(cells, self.pooled):
                border = abroad[:, None, None] & exporter[None, :, None] & group[None, None, :]
                mine = np.zeros(border.shape[1:], bool)
                levels.hold(self, Pool(self.kind, border, mine, math.log(self.quantity_change * (1 + self.leakage))))


@dataclass(frozen=True, config=STRICT_DATACLASS)
class ProductionQuota(Policy):
    """The tonnes of elements that a country mines, together, held at or below a quantity.

    As :class:`ExportQuota`, but the licence is needed for every tonne mined, so that buyers at home pay it too. The
    rent goes to the households of the country.

    Parameters
    ----------
    country
        The country.
    elements
        Elements or carriers, or ``"all"``: every element that it mines. Several need ``producer_price`` in the
        economy.
    quantity_change, pooled, leakage
        As for an :class:`ExportQuota`, of the tonnes mined.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.ProductionQuota("CHN", ("Nd", "Pr"), 0.8).kind
    'production_quota'
    """

    country: Name
    elements: Labels
    quantity_change: _Quantity
    pooled: bool = True
    leakage: Leakage = 0.0
    kind: ClassVar[str] = "production_quota"
    restricts: ClassVar[str] = "country"
    keys_in_files: ClassVar[tuple[str, ...]] = TONNES

    def apply(self, levels: Levels) -> None:
        """One pool of mines, or one for each element."""
        country = levels.countries(self, self.country)
        which = levels.members(self, self.elements)
        output = np.asarray(levels.economy.baseline.output)
        for i in np.flatnonzero(country):
            cells = _elements(levels, which) & (output[i] > 0)
            _refuse_nothing(self, levels, which & ~cells[_places(levels)], "mines")
            for group in _groups(cells, self.pooled):
                mine = country[:, None] & group[None, :]
                border = np.zeros((len(country), *mine.shape), bool)
                levels.hold(self, Pool(self.kind, border, mine, math.log(self.quantity_change * (1 + self.leakage))))


@dataclass(frozen=True, config=STRICT_DATACLASS)
class Licence(Policy):
    """Exports of products to destinations, together, held at or below a quantity; part of the rent may be lost.

    One licence price per tonne for all that one ``Licence`` names, as for an :class:`ExportQuota`; caps by destination
    are several of them. A tonne under a quota and a licence pays both.

    Parameters
    ----------
    exporter
        The country that gives licences.
    importer
        Destinations, or ``"all"`` that buy something.
    sectors
        Products: elements or goods, labels, or ``"all"`` elements. Several need ``producer_price`` in the economy.
    quantity_change
        The limit as a multiple of the tonnes of the baseline, summed over destinations and products.
    waste
        Share of the rent that is spent to nobody's gain: waiting and paperwork take goods and labour of the exporter.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Licence("CHN", ("JPN",), ("Dy", "Tb"), 0.5, waste=0.3).waste
    0.3
    """

    exporter: Name
    importer: Labels
    sectors: Labels
    quantity_change: _Quantity
    waste: Share = 0.0
    kind: ClassVar[str] = "licence"
    restricts: ClassVar[str] = "exporter"
    keys_in_files: ClassVar[tuple[str, ...]] = TONNES

    def apply(self, levels: Levels) -> None:
        """One pool of all the flows."""
        b = levels.economy.baseline
        sectors = levels.economy.elements if self.sectors == "all" else self.sectors
        cells = levels.flows(self, self.importer, self.exporter, sectors)
        bought = cells & (np.asarray(b.trade_share * b.expenditure[:, None, :]) > 0)
        named = (("importer", (1, 2), levels.economy.countries), ("sectors", (0, 1), levels.economy.sectors))
        for name, axis, labels in named:
            idle = cells.any(axis=axis) & ~bought.any(axis=axis)
            if getattr(self, name) != "all" and idle.any():
                message = f"a Licence names {name} without trade from {self.exporter} in the baseline"
                value = ", ".join(labels[k] for k in np.flatnonzero(idle))
                levels.problems.append(Problem(message, "Leave them out of the licence.", value=value))
        if not bought.any():
            message = f"{self.exporter} sells nothing that this Licence names"
            levels.problems.append(Problem(message, "Name products and destinations with trade.", value=str(self)))
            return
        mine = np.zeros(cells.shape[1:], bool)
        levels.hold(self, Pool(self.kind, bought, mine, math.log(self.quantity_change), self.waste))


def _places(levels: Levels) -> list[int]:
    """Positions of the members of the bundle among the sectors."""
    return [levels.economy.sectors.index(member) for member in levels.economy.members]


def _elements(levels: Levels, which: np.ndarray) -> np.ndarray:
    """Members of the bundle as a mask of sectors."""
    mask = np.zeros(len(levels.economy.sectors), bool)
    mask[_places(levels)] = which
    return mask


def _groups(cells: np.ndarray, pooled: bool) -> Sequence[np.ndarray]:
    """Sectors that share a limit: all of them, or each by itself."""
    each = [np.arange(cells.size) == s for s in np.flatnonzero(cells)]
    return [cells] if pooled and each else each


def _refuse_nothing(policy: ExportQuota | ProductionQuota, levels: Levels, idle: np.ndarray, does: str) -> None:
    """Elements named that the country does not sell have no tonnes to be held; of ``"all"`` they are left out."""
    who = policy.exporter if isinstance(policy, ExportQuota) else policy.country
    names = [e for e, is_idle in zip(levels.economy.members, idle, strict=True) if is_idle]
    if policy.elements == "all" and len(names) == len(levels.economy.elements):
        message, advice = f"{who} {does} no element in the baseline, so a quota has no tonnes", "Leave it out."
        levels.problems.append(Problem(message, advice, value=type(policy).__name__))
    if policy.elements != "all":
        for element in names:
            message = f"{who} {does} no {element} in the baseline, so a quota on it has no tonnes"
            levels.problems.append(Problem(message, "Leave this element out of the quota.", value=element))
