"""Policies: what a government or a mine does, to whom, in which years, and how it changes the arrays of a scenario.

One declaration for Python and for scenario files: a class here is a policy of :class:`reestim.Scenario` and, under its
``kind``, a table of a TOML file. Fields carry their bounds; ``apply`` writes the policy into :class:`Levels`. Each
policy names labels or ``"all"``, can be bounded to ``years`` (none given: always in force), and is combined with
others. Domestic sales (importer = exporter) are never taxed at a border.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from reestim.dims import resource
from reestim.equilibrium.placing import Levels
from reestim.equilibrium.policy import STRICT, Fraction, Labels, Name, Policy, Tax
from reestim.equilibrium.quotas import ExportQuota, Licence, ProductionQuota
from reestim.errors import Problem

#: What an embargo leaves of a flow's price competitiveness: the border wedge ln(1+x′) that stands for "no sales". Its
#: limit is infinity; at this one a flow with trade elasticity 5 falls to e^-46 of what it was.
EMBARGO_LOG_TAX = 9.2
#: What is left of a resource that is closed altogether (the limit is zero).
CLOSED = 1e-6


@dataclass(frozen=True, config=STRICT)
class Tariff(Policy):
    """New ad valorem level τ′ of tariffs on the trade named (a fraction: 0.25 is 25 %), replacing the baseline's."""

    rate: Tax
    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    kind: ClassVar[str] = "tariff"

    def apply(self, levels: Levels) -> None:
        """Set τ′ on the flows named."""
        levels.set("tariff", levels.flows(self, self.importer, self.exporter, self.sectors), self.rate, self)


@dataclass(frozen=True, config=STRICT)
class ExportTax(Policy):
    """New ad valorem level x′ of export taxes on the trade named (a fraction), replacing the baseline's."""

    rate: Tax
    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    kind: ClassVar[str] = "export_tax"
    restricts: ClassVar[str] = "exporter"

    def apply(self, levels: Levels) -> None:
        """Set x′ on the flows named."""
        levels.set("export_tax", levels.flows(self, self.importer, self.exporter, self.sectors), self.rate, self)


@dataclass(frozen=True, config=STRICT)
class Subsidy(Policy):
    """The government pays the fraction ``rate`` of producers' revenue in these sectors, out of the country's income.

    Buyers at home and abroad pay 1 − rate of the producer's price. Baseline subsidies are part of the data's taxes and
    start from zero here.
    """

    rate: Fraction
    country: Labels = "all"
    sectors: Labels = "all"
    kind: ClassVar[str] = "subsidy"

    def apply(self, levels: Levels) -> None:
        """Set the subsidy of the cells (country, sector)."""
        cells = np.multiply.outer(levels.countries(self, self.country), levels.sectors(self, self.sectors))
        levels.set("subsidy", cells, self.rate, self)


@dataclass(frozen=True, config=STRICT)
class Embargo(Policy):
    """No sales of these sectors to these importers: the limit of a large export tax, taken at e^9.2 − 1.

    What is left of the flows is in the result's ``embargo_remaining``; a buyer with no other supplier is an error.
    """

    exporter: Labels
    sectors: Labels
    importer: Labels = "all"
    kind: ClassVar[str] = "embargo"
    restricts: ClassVar[str] = "exporter"

    def apply(self, levels: Levels) -> None:
        """Tax the flows away; refuse to take a buyer's only suppliers."""
        economy = levels.economy
        cells = levels.flows(self, self.importer, self.exporter, self.sectors)
        share = np.asarray(economy.baseline.trade_share)
        left = np.where(cells, 0.0, share).sum(axis=1)
        for n, s in np.argwhere((left <= 0) & (np.where(cells, share, 0.0).sum(axis=1) > 0)):
            message = f"the embargo leaves {economy.countries[n]} without any supplier of {economy.sectors[s]}"
            advice = "Zero flows stay zero in this model: leave this buyer out."
            levels.problems.append(Problem(message, advice, value="Embargo"))
        levels.set("export_tax", cells, math.expm1(EMBARGO_LOG_TAX), self)


@dataclass(frozen=True, config=STRICT)
class SupplyShock(Policy):
    """The resource of an element in a country becomes ``quantity_change`` times what it was: mines opened or closed.

    0 closes it (taken at a millionth). A country that does not mine in the baseline needs a mine in the data first:
    ``economy.with_mine``.
    """

    country: Name
    elements: Labels
    quantity_change: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    kind: ClassVar[str] = "supply_shock"

    def apply(self, levels: Levels) -> None:
        """Change the endowment of the elements' resources in the country."""
        economy, problems = levels.economy, levels.problems
        income = np.asarray(economy.baseline.factor_income)
        cells = np.zeros(income.shape, bool)
        where, which = levels.countries(self, self.country), levels.elements(self, self.elements)
        for n in np.flatnonzero(where):
            for element in np.array(economy.elements)[which]:
                factor = resource(str(element))
                if factor not in economy.factors:
                    advice = f"Name the element's own factor {factor!r} in the economy."
                    problems.append(Problem(f"{element} has no resource of its own", advice, value=str(element)))
                    continue
                f = economy.factors.index(factor)
                if income[n, f] > 0:
                    cells[n, f] = True
                elif self.elements != "all":
                    message = f"{self.country} has no mine of {element} in the baseline"
                    advice = "Put one into the baseline first: economy.with_mine(...)."
                    problems.append(Problem(message, advice, value=str(element)))
            if self.elements == "all" and not cells.any():
                message = f"{self.country} mines no element in the baseline"
                problems.append(Problem(message, "Use economy.with_mine(...)."))
        levels.set("endowment", cells, max(self.quantity_change, CLOSED), self)


@dataclass(frozen=True, config=STRICT)
class Recycling(Policy):
    """The fraction ``rate`` of an element's use by industry comes out of scrap, at the market price.

    Buyers pay the price of new material for it; the scrap belongs to the country's households, who earn it. Costs of
    collection are not modelled, so that the gain is an upper bound.
    """

    rate: Fraction
    country: Labels = "all"
    elements: Labels = "all"
    kind: ClassVar[str] = "recycling"

    def apply(self, levels: Levels) -> None:
        """Set the share of scrap in the cells (country, element)."""
        cells = np.multiply.outer(levels.countries(self, self.country), levels.members(self, self.elements))
        levels.set("recycled", cells, self.rate, self)


POLICIES: tuple[type[Policy], ...] = (
    ExportQuota,
    ProductionQuota,
    Licence,
    Tariff,
    ExportTax,
    Embargo,
    SupplyShock,
    Recycling,
    Subsidy,
)
