"""Codes of countries, ISO 3166-1: alpha-2, numeric, names to alpha-3; with what statistical offices write otherwise.

``countries.csv``: ISO 3166-1 as in the package pycountry 24 (public standard).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

#: Names in USGS and USITC files that are not those of ISO, as far as they occur in statistics of rare earths.
_NAMES = {
    "Australia": "AUS",
    "Austria": "AUT",
    "Belgium": "BEL",
    "Brazil": "BRA",
    "Burma": "MMR",
    "Burundi": "BDI",
    "Canada": "CAN",
    "China": "CHN",
    "Congo (Kinshasa)": "COD",
    "Czech Republic": "CZE",
    "Democratic Republic of the Congo": "COD",
    "Estonia": "EST",
    "France": "FRA",
    "Germany": "DEU",
    "Greenland": "GRL",
    "Hong Kong": "HKG",
    "India": "IND",
    "Italy": "ITA",
    "Japan": "JPN",
    "Kazakhstan": "KAZ",
    "Korea": "KOR",
    "Korea, Republic of": "KOR",
    "Madagascar": "MDG",
    "Malaysia": "MYS",
    "Mexico": "MEX",
    "Mongolia": "MNG",
    "Myanmar (Burma)": "MMR",
    "Netherlands": "NLD",
    "Nigeria": "NGA",
    "Norway": "NOR",
    "Philippines": "PHL",
    "Russia": "RUS",
    "South Africa": "ZAF",
    "South Korea": "KOR",
    "Sweden": "SWE",
    "Switzerland": "CHE",
    "Taiwan": "TWN",
    "Tanzania": "TZA",
    "Thailand": "THA",
    "Turkey": "TUR",
    "Ukraine": "UKR",
    "United Kingdom": "GBR",
    "United States": "USA",
    "Vietnam": "VNM",
}


#: Numeric codes of customs statistics (UN Comtrade, BACI) that are not ISO 3166-1: the same country, as it declares.
CUSTOMS_CODES = {
    "251": "FRA",
    "490": "TWN",
    "579": "NOR",
    "699": "IND",
    "757": "CHE",
    "842": "USA",
}
#: Alpha-3 codes of the same statistics, of WITS, and of ISO 3166-1 before a country was renamed: "Other Asia, not
#: elsewhere specified" is Taiwan.
CUSTOMS_ALPHA3 = {
    "S19": "TWN", "OAS": "TWN", "ROM": "ROU", "ZAR": "COD", "TMP": "TLS", "BUR": "MMR", "HVO": "BFA", "DHY": "BEN",
}  # fmt: skip
#: States that are no more and customs unions: their trade belongs to several countries of today, in no known parts.
FORMER = {
    "SCG": "Serbia and Montenegro", "YUG": "Yugoslavia", "CSK": "Czechoslovakia", "SUN": "Soviet Union",
    "DDR": "German Democratic Republic", "ANT": "Netherlands Antilles", "YMD": "Democratic Yemen",
    "BLX": "Belgium-Luxembourg",
}  # fmt: skip
#: The same by the numeric codes of customs statistics.
FORMER_CODES = {
    "891": "SCG", "890": "YUG", "200": "CSK", "810": "SUN", "278": "DDR", "530": "ANT", "720": "YMD", "58": "BLX",
}  # fmt: skip


@cache
def _table() -> tuple[dict[str, str], ...]:
    with (Path(__file__).parent / "concordances" / "countries.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def alpha3_of_alpha2() -> dict[str, str]:
    """Alpha-3 code by alpha-2 code."""
    return {row["alpha2"]: row["alpha3"] for row in _table()}


@cache
def alpha3_of_code() -> dict[str, str]:
    """Alpha-3 code by the numeric code of customs statistics, without leading zeros."""
    return {row["numeric"].lstrip("0"): row["alpha3"] for row in _table()} | CUSTOMS_CODES


@cache
def alpha3_of_name() -> dict[str, str]:
    """Alpha-3 code by name, of ISO 3166-1 and of the agencies of the United States."""
    return {row["name"]: row["alpha3"] for row in _table()} | _NAMES


@cache
def name_of_alpha3() -> dict[str, str]:
    """Name of ISO 3166-1 by alpha-3 code."""
    return {row["alpha3"]: row["name"] for row in _table()}


#: Names of all that a table does not tell apart.
_REST = {"rest of the world": "ROW", "rest of world": "ROW", "row": "ROW"}


def code_of_country(label: str) -> str:
    """The code of a country that is named (``China``, ``Korea, Republic of``), ROW for the rest of the world; any other
    label as it is."""
    return label if label in alpha3_codes() else _REST.get(label.lower()) or alpha3_of_name().get(label, label)


def alpha3_of_customs(label: str) -> str:
    """The alpha-3 code of today of a country that statistics of trade name by a code of theirs, an older code or a
    name; any other label as it is."""
    code = CUSTOMS_ALPHA3.get(label, label)
    return code if code in alpha3_codes() else alpha3_of_name().get(label, label)


@cache
def alpha3_codes() -> frozenset[str]:
    """All alpha-3 codes."""
    return frozenset(row["alpha3"] for row in _table())
