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
from reestim.equilibrium.policy import STRICT_DATACLASS, Fraction, Labels, Name, Policy, Tax
from reestim.equilibrium.quotas import ExportQuota, Licence, ProductionQuota
from reestim.errors import Problem

#: What an embargo leaves of a flow's price competitiveness: the border wedge ln(1+x′) that stands for "no sales". Its
#: limit is infinity; at this one a flow with trade elasticity 5 falls to e^-46 of what it was.
EMBARGO_LOG_TAX = 9.2
#: What is left of a resource that is closed altogether (the limit is zero).
CLOSED = 1e-6


@dataclass(frozen=True, config=STRICT_DATACLASS)
class Tariff(Policy):
    """New ad valorem level τ′ of tariffs on some trade, in place of the baseline's.

    Parameters
    ----------
    rate
        τ′ > −1, a fraction: 0.25 is 25 %.
    importer, exporter, sectors
        The trade: labels of the economy, or ``"all"``. Domestic sales are never taxed.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Tariff(0.25, importer="USA", exporter="CHN", sectors=("machinery",)).rate
    0.25
    """

    rate: Tax
    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    kind: ClassVar[str] = "tariff"

    def apply(self, levels: Levels) -> None:
        """Set τ′ on the flows named."""
        levels.set("tariff", levels.flows(self, self.importer, self.exporter, self.sectors), self.rate, self)


@dataclass(frozen=True, config=STRICT_DATACLASS)
class ExportTax(Policy):
    """New ad valorem level x′ of export taxes on some trade, in place of the baseline's.

    Parameters
    ----------
    rate
        x′ > −1, a fraction of the price at the producer.
    importer, exporter, sectors
        The trade: labels of the economy, or ``"all"``. Domestic sales are never taxed.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.ExportTax(0.15, exporter="CHN", sectors=("Nd", "Dy")).kind
    'export_tax'
    """

    rate: Tax
    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    kind: ClassVar[str] = "export_tax"
    restricts: ClassVar[str] = "exporter"

    def apply(self, levels: Levels) -> None:
        """Set x′ on the flows named."""
        levels.set("export_tax", levels.flows(self, self.importer, self.exporter, self.sectors), self.rate, self)


@dataclass(frozen=True, config=STRICT_DATACLASS)
class Subsidy(Policy):
    """A share of producers' revenue that the government pays, out of the country's income.

    Buyers at home and abroad pay 1 − rate of the producer's price. Subsidies of the baseline are part of the taxes in
    the data; here every subsidy starts from zero.

    Parameters
    ----------
    rate
        Fraction of revenue, 0 ≤ rate < 1.
    country, sectors
        Whose producers: labels of the economy, or ``"all"``.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Subsidy(0.1, country="USA", sectors=("Nd", "Pr")).rate
    0.1
    """

    rate: Fraction
    country: Labels = "all"
    sectors: Labels = "all"
    kind: ClassVar[str] = "subsidy"

    def apply(self, levels: Levels) -> None:
        """Set the subsidy of the cells (country, sector)."""
        cells = np.multiply.outer(levels.countries(self, self.country), levels.sectors(self, self.sectors))
        levels.set("subsidy", cells, self.rate, self)


@dataclass(frozen=True, config=STRICT_DATACLASS)
class Embargo(Policy):
    """No sales of some sectors to some importers: the limit of a large export tax, taken at e^9.2 − 1.

    The result's ``embargo_remaining`` is the largest share of a flow that is left. A buyer with no other supplier is an
    error when the scenario meets the economy.

    Parameters
    ----------
    exporter, sectors, importer
        The trade: labels of the economy, or ``"all"``.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Embargo("CHN", ("Dy", "Tb"), importer="JPN").importer
    'JPN'
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


@dataclass(frozen=True, config=STRICT_DATACLASS)
class SupplyShock(Policy):
    """A change of the resource of elements in a country: mines opened or closed.

    A country that does not mine in the baseline needs a mine in the data first, see :class:`Mine`.

    Parameters
    ----------
    country
        A label of the economy.
    elements
        Labels, or ``"all"``.
    quantity_change
        The resource as a multiple of the baseline's, ≥ 0. 0 closes the mine (taken at a millionth).
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.SupplyShock("AUS", "all", 2.0).quantity_change
    2.0
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


@dataclass(frozen=True, config=STRICT_DATACLASS)
class Recycling(Policy):
    """A share of the use of elements by industry that comes out of scrap, at the market price.

    Buyers pay the price of new material for scrap. It belongs to the country's households, who earn it. Costs of
    collection are not modelled, so the gain is an upper bound.

    Parameters
    ----------
    rate
        Fraction of use, 0 ≤ rate < 1.
    country, elements
        Labels of the economy, or ``"all"``.
    years, source
        As for every :class:`Policy`.

    Raises
    ------
    InputError
        Listing every value out of its bounds.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Recycling(0.2, country="JPN").rate
    0.2
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
