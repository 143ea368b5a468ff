"""Policies placed on an economy: labels become cells, and what cannot hold is listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reestim.dims import resource
from reestim.equilibrium.policies import (
    CLOSED,
    EMBARGO_LOG_TAX,
    Embargo,
    ExportQuota,
    ExportTax,
    Labels,
    Policy,
    Recycling,
    Subsidy,
    SupplyShock,
    Tariff,
)
from reestim.errors import Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


@dataclass
class Levels:
    """New levels while policies are placed, and which cells a policy has set already (by name of the array)."""

    tariff: np.ndarray  # (importer, exporter, sector)
    export_tax: np.ndarray  # (importer, exporter, sector)
    subsidy: np.ndarray  # (country, sector)
    endowment: np.ndarray  # (country, factor), factors of change
    recycled: np.ndarray  # (country, element)
    quota: dict[tuple[int, int], float] = field(default_factory=dict)  # (exporter, sector): multiple of the baseline
    taken: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, economy: Economy) -> Levels:
        """Nothing changed."""
        b = economy.baseline
        return cls(
            np.array(b.tariff),
            np.array(b.export_tax),
            np.zeros(b.expenditure.shape),
            np.ones(b.factor_income.shape),
            np.zeros((len(economy.countries), len(economy.elements))),
        )

    def set(self, name: str, cells: np.ndarray, value: float, policy: Policy, problems: list[Problem]) -> None:
        """Write ``value`` where ``cells`` is true; a cell that another policy holds already is a problem."""
        array = getattr(self, name)
        taken = self.taken.setdefault(name, np.zeros(array.shape, bool))
        if (cells & taken).any():
            message = f"{type(policy).__name__} sets {name} where another policy of the scenario sets it too"
            problems.append(Problem(message, "Keep one of the two, or give them different years.", value=str(policy)))
            return
        taken |= cells
        array[cells] = value


def place_policy(policy: Policy, economy: Economy, levels: Levels, problems: list[Problem]) -> None:  # noqa: PLR0912
    """Write one policy into ``levels``; append to ``problems`` whatever keeps it from holding."""
    found = len(problems)
    who = type(policy).__name__
    countries, sectors, elements = economy.countries, economy.sectors, economy.elements

    def pick(labels: Labels, known: Sequence[str], what: str) -> np.ndarray:
        return _pick(labels, known, f"{who} names an unknown {what}", problems)

    match policy:
        case Tariff() | ExportTax():
            _need(math.isfinite(policy.rate) and policy.rate > -1, f"{who} must be above -1", policy.rate, problems)
            cells = _flows(
                pick(policy.importer, countries, "importer"),
                pick(policy.exporter, countries, "exporter"),
                pick(policy.sectors, sectors, "sector"),
            )
            if len(problems) == found:
                levels.set(policy.kind, cells, policy.rate, policy, problems)
        case Embargo():
            cells = _flows(
                pick(policy.importer, countries, "importer"),
                pick(policy.exporter, countries, "exporter"),
                pick(policy.sectors, sectors, "sector"),
            )
            if len(problems) == found:
                _refuse_sole_suppliers(cells, economy, problems)
                levels.set("export_tax", cells, math.expm1(EMBARGO_LOG_TAX), policy, problems)
        case Subsidy():
            _need(0 <= policy.rate < 1, f"{who} must be a fraction in [0, 1)", policy.rate, problems)
            cells = np.multiply.outer(
                pick(policy.country, countries, "country"), pick(policy.sectors, sectors, "sector")
            )
            if len(problems) == found:
                levels.set("subsidy", cells, policy.rate, policy, problems)
        case Recycling():
            _need(0 <= policy.rate < 1, f"{who} must be a fraction in [0, 1)", policy.rate, problems)
            cells = np.multiply.outer(
                pick(policy.country, countries, "country"), pick(policy.elements, elements, "element")
            )
            if len(problems) == found:
                levels.set("recycled", cells, policy.rate, policy, problems)
        case SupplyShock():
            good = math.isfinite(policy.quantity_change) and policy.quantity_change >= 0
            _need(good, f"{who} must be zero or more", policy.quantity_change, problems)
            where = pick(policy.country, countries, "country")
            which = pick(policy.elements, elements, "element")
            if len(problems) == found:
                cells = _resources(where, which, policy.elements == "all", economy, problems)
                if len(problems) == found:
                    levels.set("endowment", cells, max(policy.quantity_change, CLOSED), policy, problems)
        case ExportQuota():
            good = math.isfinite(policy.quantity_change) and policy.quantity_change > 0
            message = "a quota must be positive (quota / baseline exports; a ban is an Embargo)"
            _need(good, message, policy.quantity_change, problems)
            exporter = pick(policy.exporter, countries, "exporter")
            which = pick(policy.elements, elements, "element")
            if len(problems) == found:
                _place_quota(policy, int(exporter.argmax()), which, economy, levels, problems)


def _need(good: bool, message: str, value: object, problems: list[Problem]) -> None:
    if not good:
        problems.append(Problem(message, "Correct the scenario.", value=value))


def _pick(labels: Labels, known: Sequence[str], message: str, problems: list[Problem]) -> np.ndarray:
    """Which of ``known`` are named; unknown names and empty lists are problems."""
    if isinstance(labels, str) and labels == "all":
        return np.ones(len(known), bool)
    names = (labels,) if isinstance(labels, str) else tuple(labels)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        value = ", ".join(map(str, unknown)) if unknown else "(none)"
        problems.append(Problem(message, f"The economy has {', '.join(known) or 'none'}.", value=value))
    return np.array([name in names for name in known], bool)


def _flows(importer: np.ndarray, exporter: np.ndarray, sector: np.ndarray) -> np.ndarray:
    """Cells (importer, exporter, sector) of trade between different countries."""
    cells = importer[:, None, None] & exporter[None, :, None] & sector[None, None, :]
    return cells & ~np.eye(len(importer), dtype=bool)[:, :, None]


def _refuse_sole_suppliers(cells: np.ndarray, economy: Economy, problems: list[Problem]) -> None:
    share = np.asarray(economy.baseline.trade_share)
    left = np.where(cells, 0.0, share).sum(axis=1)
    alone = np.argwhere((left <= 0) & (np.where(cells, share, 0.0).sum(axis=1) > 0))
    for n, s in alone:
        message = f"the embargo leaves {economy.countries[n]} without any supplier of {economy.sectors[s]}"
        problems.append(Problem(message, "Zero flows stay zero in this model: leave this buyer out.", value="Embargo"))


def _resources(
    where: np.ndarray, which: np.ndarray, every: bool, economy: Economy, problems: list[Problem]
) -> np.ndarray:
    """Cells (country, factor) of the resources of these elements; with ``every``, of those that are mined."""
    income = np.asarray(economy.baseline.factor_income)
    cells = np.zeros(income.shape, bool)
    n = int(where.argmax())
    country = economy.countries[n]
    for element in np.array(economy.elements)[which]:
        factor = resource(str(element))
        if factor not in economy.factors:
            advice = f"Name the element's own factor {factor!r} in the economy."
            problems.append(Problem(f"{element} has no resource of its own", advice, value=str(element)))
            continue
        f = economy.factors.index(factor)
        if income[n, f] > 0:
            cells[n, f] = True
        elif not every:
            advice = "Put one into the baseline first: economy.with_mine(...)."
            problems.append(Problem(f"{country} has no mine of {element} in the baseline", advice, value=str(element)))
    if not cells.any() and every:
        problems.append(Problem(f"{country} mines no element in the baseline", "Use economy.with_mine(...)."))
    return cells


def _place_quota(
    quota: ExportQuota, i: int, which: np.ndarray, economy: Economy, levels: Levels, problems: list[Problem]
) -> None:
    flows = np.asarray(economy.baseline.trade_share * economy.baseline.expenditure[:, None, :])
    abroad = np.delete(flows[:, i, :], i, axis=0).sum(axis=0)
    for element in np.array(economy.elements)[which]:
        s = economy.sectors.index(str(element))
        if abroad[s] <= 0:
            if quota.elements != "all":
                message = f"{quota.exporter} exports no {element} in the baseline, so a quota on it has no base"
                problems.append(Problem(message, "Leave this element out of the quota.", value=str(element)))
        elif (i, s) in levels.quota:
            problems.append(Problem(f"two quotas on {element} from {quota.exporter}", "Keep the tighter one."))
        else:
            levels.quota[i, s] = quota.quantity_change
