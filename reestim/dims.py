"""The vocabulary of the model: dimension names and labels, once (docs/model.md section 1).

Every array of REEstim carries these names; nothing is ever matched by position.
"""

from typing import Annotated

from pydantic import Field

COUNTRY = "country"
IMPORTER = "importer"
EXPORTER = "exporter"
SECTOR = "sector"
INPUT = "input"
FACTOR = "factor"
ELEMENT = "element"
CARRIER = "carrier"
#: What rare earths are used in, as the statistics of use say it: magnets, phosphors.
APPLICATION = "application"
YEAR = "year"
#: A year as a file gives it.
Year = Annotated[int, Field(ge=1900, le=2100)]
LABEL = "label"
OUTCOME = "outcome"
SCENARIO = "scenario"
TECHNOLOGY = "technology"
#: Years between a price and what it induces.
PRICE_LAG = "price_lag"
#: Consecutive years with a price, in which knowledge is carried from year to year; patents may be of fewer.
PRICE_YEAR = "price_year"
CHAIN = "chain"
DRAW = "draw"

#: Dimension of ``trade_elasticity`` in a posterior. Elasticities of substitution exist only for the sectors that
#: use rare earths (dimension ``sector`` there), trade elasticities for all: one name cannot have two lengths.
TRADED_SECTOR = "traded_sector"

#: Classes of a patent, in the order of every array; ``unrelated`` is the reference of the logit (equation 12).
LABELS = ("unrelated", "using", "enhancing", "substituting")

OUTCOMES = ("exports", "tfp", "patents")

#: Mobile factors; each element adds the factor ``resource_<element>``.
LABOR = "labor"
CAPITAL = "capital"

#: Dims of what stands at a border.
BILATERAL = (IMPORTER, EXPORTER, SECTOR)
#: Columns that name a cell of a panel.
PANEL_KEY = [COUNTRY, SECTOR, YEAR]


def resource(element: str) -> str:
    """Name of the factor that is specific to an element, e.g. ``resource_Nd``."""
    return f"resource_{element}"
