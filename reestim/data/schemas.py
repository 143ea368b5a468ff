"""The shape of every file of a dataset: columns, types, allowed labels and ranges, as pandera schemas.

Rules about one file stand here; rules that compare files stand in ``rules.py``. Units: money million US$ at current
prices, mass tonnes of rare-earth oxide, prices US$/kg, shares and taxes fractions, years integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandera.pandas as pa

from reestim import dims
from reestim.data.read import Kind

MARKETS = ("export", "domestic_CHN")
#: Of an elasticity: within months, over a year, in the long run.
HORIZONS = ("months", "year", "long")
_GROUPS = ("light", "heavy", "scandium")
#: Where a country's share of an application is counted: oxide made into magnet, powder or catalyst, or the final good.
USE_STAGES = ("processing", "final")
AUDIT_DESIGNS = ("by_label", "by_class", "random")
ALL_SECTORS = "all"
WEIGHT_TOLERANCE = 1e-5
#: Stands for every label that no other row names.
ALL_OTHERS = "*"


@dataclass(frozen=True)
class Field:
    """One column. ``required``: the column must exist; ``may_be_empty``: its cells may be blank."""

    kind: Kind = "text"
    checks: tuple[pa.Check, ...] = ()
    required: bool = True
    may_be_empty: bool = False


@dataclass(frozen=True)
class FileSchema:
    """One file: its columns and its key. ``extra_numbers``: further numeric columns are welcome (properties)."""

    fields: Mapping[str, Field]
    key: tuple[str, ...]
    required: bool = False
    extra_numbers: bool = False
    all_fields: Mapping[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        extra = {"source": Field(required=False), "verified": Field("boolean", required=False), "note": _NOTE}
        object.__setattr__(self, "all_fields", {**extra, **self.fields})


_NOTE = Field(required=False, may_be_empty=True)
LABELS_OF: dict[str, tuple[str, ...]] = {}  # sentence of a label check -> allowed labels, for "did you mean"


def _check(function: Any, message: str, advice: str) -> tuple[pa.Check, ...]:
    return (pa.Check(function, error=message, description=advice),)


def _one_of(labels: tuple[str, ...], message: str) -> tuple[pa.Check, ...]:
    LABELS_OF[message] = labels
    return (pa.Check.isin(list(labels), error=message, description=""),)


def _flow(what: str) -> tuple[pa.Check, ...]:
    return _check(lambda v: v >= 0, f"a negative {what}", "Set it to 0 or move it to where it belongs, and say so")


def _positive(what: str) -> tuple[pa.Check, ...]:
    return _check(lambda v: v > 0, f"{what} must be above 0", "Correct it, or leave the row out if it is not known")


def _between(what: str, low: float | int, high: float | int) -> tuple[pa.Check, ...]:
    return _check(
        lambda v: (v >= low) & (v <= high),
        f"{what} must lie between {low:g} and {high:g}",
        "Check the unit of the figure",
    )


#: Log points of a published effect; more is a percentage, or an error.
LARGEST_EFFECT = 10.0
#: Of a published elasticity; more is a percentage, or another object.
LARGEST_ELASTICITY = 20.0
_YEAR = Field("integer", _between("a year", 1900, 2100))
_NAME = Field()
_SOURCE = {"source": Field(), "verified": Field("boolean")}
_MONEY = Field("number", _flow("value"))
_TONNES = Field("number", _flow("tonnage"))
_COUNT = Field("integer", _flow("count"))
_LABEL = Field(checks=_one_of(dims.LABELS, "unknown label"))
_TAX = Field("number", _check(lambda v: v > -1, "a tax of -1 or less", "Write a fraction: 0.25 for 25 per cent"))
_VOLUME = Field("number", _positive("a volume index"))
_SHARE = Field("number", _between("a cost share", 0, 1))
_INSIDE = _check(
    lambda v: (v > 0) & (v < 1),
    "rent's share of revenue must lie inside (0, 1)",
    "Write a fraction: 0.3 where rents are 30 per cent of what a mine earns",
)
_OUTCOME = Field(checks=_one_of(dims.OUTCOMES, "unknown outcome"))

SCHEMAS: Mapping[str, FileSchema] = {
    "elements": FileSchema(
        {
            "element": _NAME,
            "atomic_number": Field("integer", _between("an atomic number", 1, 118)),
            "group": Field(checks=_one_of(_GROUPS, "unknown group")),
            "ionic_radius": Field("number", _positive("a radius")),
            "electronegativity": Field("number", _positive("an electronegativity")),
            "substitute_performance": Field("number", _between("substitute performance", 0, 100)),
            "supply_elasticity": Field("number", _flow("supply elasticity")),
            "long_run_supply_elasticity": Field("number", _flow("supply elasticity"), required=False),
            "resource_share": Field("number", _INSIDE),
            **_SOURCE,
        },
        key=("element",),
        required=True,
        extra_numbers=True,
    ),
    "element_prices": FileSchema(
        {
            "element": _NAME,
            "year": _YEAR,
            "market": Field(checks=_one_of(MARKETS, "unknown market")),
            "price": Field("number", _positive("a price")),
            **_SOURCE,
        },
        key=("element", "year", "market"),
        required=True,
    ),
    "element_output": FileSchema(
        {"country": _NAME, "element": _NAME, "year": _YEAR, "tonnes": _TONNES, **_SOURCE},
        key=("country", "element", "year"),
        required=True,
    ),
    "element_use": FileSchema(
        {
            "application": _NAME,
            "element": _NAME,
            "tonnes": _TONNES,
            "cv": Field("number", _flow("coefficient of variation"), required=False, may_be_empty=True),
            **_SOURCE,
        },
        key=("application", "element"),
        required=True,
    ),
    "application_sector": FileSchema(
        {"application": _NAME, "sector": _NAME, "weight": Field("number", _between("a weight", 0, 1))},
        key=("application", "sector"),
        required=True,
    ),
    "country_use": FileSchema(
        {
            "application": _NAME,
            "stage": Field(checks=_one_of(USE_STAGES, "unknown stage")),
            "countries": _NAME,
            "share": Field("number", _between("a share of world use", 0, 1)),
            **_SOURCE,
        },
        key=("application", "countries"),
    ),
    "carriers": FileSchema({"carrier": _NAME, **_SOURCE}, key=("carrier",)),
    "trade": FileSchema(
        {"importer": _NAME, "exporter": _NAME, "sector": _NAME, "value": _MONEY},
        key=("importer", "exporter", "sector"),
        required=True,
    ),
    "input_output": FileSchema(
        {"country": _NAME, "input": _NAME, "sector": _NAME, "value": _MONEY},
        key=("country", "input", "sector"),
        required=True,
    ),
    "value_added": FileSchema(
        {
            "country": _NAME,
            "factor": Field(checks=_one_of((dims.LABOR, dims.CAPITAL), "unknown factor")),
            "sector": _NAME,
            "value": _MONEY,
        },
        key=("country", "factor", "sector"),
        required=True,
    ),
    "trade_elasticities": FileSchema(
        {
            "sector": _NAME,
            "trade_elasticity": Field("number", _positive("a trade elasticity")),
            "sd": Field("number", _flow("standard deviation")),
            "source": Field(),
        },
        key=("sector",),
        required=True,
    ),
    "element_exports": FileSchema(
        {"country": _NAME, "year": _YEAR, "tonnes": _TONNES, **_SOURCE}, key=("country", "year")
    ),
    "policy": FileSchema(
        {"importer": _NAME, "exporter": _NAME, "sector": _NAME, "tariff": _TAX, "export_tax": _TAX},
        key=("importer", "exporter", "sector"),
    ),
    "patent_labels": FileSchema(
        {"country": _NAME, "sector": _NAME, "year": _YEAR, "label": _LABEL, "count": _COUNT},
        key=("country", "sector", "year", "label"),
    ),
    "label_audit": FileSchema(
        {
            "human_label": _LABEL,
            "machine_label": _LABEL,
            "count": _COUNT,
            "country": Field(required=False),
            "sector": Field(required=False),
            "year": Field("integer", _between("a year", 1900, 2100), required=False),
            "design": Field(checks=_one_of(AUDIT_DESIGNS, "unknown audit design")),
        },
        key=("human_label", "machine_label", "country", "sector", "year"),
    ),
    "ree_use_panel": FileSchema(
        {
            "country": _NAME,
            "sector": _NAME,
            "year": _YEAR,
            "tonnes": Field("number", _flow("tonnage"), required=False, may_be_empty=True),
            "value": Field("number", _flow("value"), required=False, may_be_empty=True),
            "output": Field("number", _flow("output"), required=False, may_be_empty=True),
            "series": Field(required=False, may_be_empty=True),
            "error": Field("number", _flow("error of measurement"), required=False, may_be_empty=True),
        },
        key=("country", "sector", "series", "year"),
    ),
    "outcomes": FileSchema(
        {
            "country": _NAME,
            "sector": _NAME,
            "year": _YEAR,
            "outcome": _OUTCOME,
            "value": Field("number", _positive("the level of an outcome (its log is taken)")),
        },
        key=("country", "sector", "year", "outcome"),
    ),
    "growth_accounts": FileSchema(
        {
            "country": _NAME,
            "sector": _NAME,
            "year": _YEAR,
            **dict.fromkeys(("output", dims.LABOR, dims.CAPITAL, "intermediates"), _VOLUME),
            **dict.fromkeys((f"{name}_share" for name in (dims.LABOR, dims.CAPITAL, "intermediates")), _SHARE),
            "ree": Field("number", _positive("a volume index"), required=False, may_be_empty=True),
            "ree_share": Field("number", _between("a cost share", 0, 1), required=False, may_be_empty=True),
        },
        key=("country", "sector", "year"),
    ),
    "input_costs": FileSchema(
        {"country": _NAME, "sector": _NAME, "year": _YEAR, "index": Field("number", _positive("an index"))},
        key=("country", "sector", "year"),
    ),
    "event_study": FileSchema(
        {
            "outcome": _OUTCOME,
            "countries": Field(required=False, may_be_empty=True),
            "event_time": Field("integer"),
            "last_event_time": Field("integer", required=False, may_be_empty=True),
            "reference_event_time": Field("integer", required=False, may_be_empty=True),
            "estimate": Field("number", _between("an effect in log points", -LARGEST_EFFECT, LARGEST_EFFECT)),
            "std_error": Field(
                "number", _positive("a standard error") + _between("a standard error", 0, LARGEST_EFFECT)
            ),
        },
        key=("outcome", "countries", "event_time"),
    ),
    "published_moments": FileSchema(
        {
            "sector": _NAME,
            "horizon": Field(checks=_one_of(HORIZONS, "unknown horizon")),
            "estimate": Field("number", _between("an elasticity of substitution", 0, LARGEST_ELASTICITY)),
            "std_error": Field("number", _positive("a standard error")),
            **_SOURCE,
        },
        key=("sector", "horizon", "source"),
    ),
    "event_study_covariance": FileSchema(
        {
            "outcome": _OUTCOME,
            "countries": Field(required=False, may_be_empty=True),
            "event_time": Field("integer"),
            "other_outcome": _OUTCOME,
            "other_countries": Field(required=False, may_be_empty=True),
            "other_event_time": Field("integer"),
            "covariance": Field("number"),
        },
        key=("outcome", "countries", "event_time", "other_outcome", "other_countries", "other_event_time"),
    ),
}

REQUIRED_FILES = tuple(stem for stem, schema in SCHEMAS.items() if schema.required)
