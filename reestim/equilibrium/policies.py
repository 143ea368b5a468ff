"""Policies as small declarative objects: what a government or a mine does, to whom, in which years.

Each policy names labels or ``"all"``, can be bounded to ``years`` (none given: always in force), and is combined with
others in a :class:`reestim.Scenario`. Domestic sales (importer = exporter) are never taxed at a border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

Labels = tuple[str, ...] | str
Years = tuple[int, ...]

#: What an embargo leaves of a flow's price competitiveness: the border wedge ln(1+x′) that stands for "no sales". Its
#: limit is infinity; at this one a flow with trade elasticity 5 falls to e^-46 of what it was.
EMBARGO_LOG_TAX = 9.2
#: What is left of a resource that is closed altogether (the limit is zero).
CLOSED = 1e-6


@dataclass(frozen=True)
class Tariff:
    """New ad valorem level τ′ of tariffs on the trade named (a fraction: 0.25 is 25 %), replacing the baseline's."""

    rate: float
    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    years: Years = ()
    kind: ClassVar[str] = "tariff"


@dataclass(frozen=True)
class ExportTax:
    """New ad valorem level x′ of export taxes on the trade named (a fraction), replacing the baseline's."""

    rate: float
    importer: Labels = "all"
    exporter: Labels = "all"
    sectors: Labels = "all"
    years: Years = ()
    kind: ClassVar[str] = "export_tax"


@dataclass(frozen=True)
class Subsidy:
    """The government pays the fraction ``rate`` of producers' revenue in these sectors, out of the country's income.

    Buyers at home and abroad pay 1 − rate of the producer's price. Baseline subsidies are part of the data's taxes and
    start from zero here.
    """

    rate: float
    country: Labels = "all"
    sectors: Labels = "all"
    years: Years = ()
    kind: ClassVar[str] = "subsidy"


@dataclass(frozen=True)
class ExportQuota:
    """Exports of elements held at or below a quantity, one quota per element (docs/model.md section 3).

    ``quantity_change`` is the quota as a multiple of baseline exports (30,258 t against 56,939 t: 0.531). The shadow
    tax that enforces it is found with the equilibrium and its rent accrues to the exporter; a slack quota gives zero.
    ``elements`` is a tuple of labels, or ``"all"``: every element the exporter sells abroad.
    """

    exporter: str
    elements: Labels
    quantity_change: float
    years: Years = ()
    kind: ClassVar[str] = "export_quota"


@dataclass(frozen=True)
class Embargo:
    """No sales of these sectors to these importers: the limit of a large export tax, taken at e^9.2 − 1.

    What is left of the flows is in the result's ``embargo_remaining``; a buyer with no other supplier is an error.
    """

    exporter: Labels
    sectors: Labels
    importer: Labels = "all"
    years: Years = ()
    kind: ClassVar[str] = "embargo"


@dataclass(frozen=True)
class SupplyShock:
    """The resource of an element in a country becomes ``quantity_change`` times what it was: mines opened or closed.

    0 closes it (taken at a millionth). A country that does not mine in the baseline needs a mine in the data first:
    ``economy.with_mine``.
    """

    country: str
    elements: Labels
    quantity_change: float
    years: Years = ()
    kind: ClassVar[str] = "supply_shock"


@dataclass(frozen=True)
class Recycling:
    """The fraction ``rate`` of an element's use by industry comes out of scrap, at the market price.

    Buyers pay the price of new material for it; the scrap belongs to the country's households, who earn it. Costs of
    collection are not modelled, so that the gain is an upper bound.
    """

    rate: float
    country: Labels = "all"
    elements: Labels = "all"
    years: Years = ()
    kind: ClassVar[str] = "recycling"


Policy = Tariff | ExportTax | Subsidy | ExportQuota | Embargo | SupplyShock | Recycling
POLICIES: tuple[type, ...] = (Tariff, ExportTax, Subsidy, ExportQuota, Embargo, SupplyShock, Recycling)
