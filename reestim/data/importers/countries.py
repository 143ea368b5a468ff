"""Codes of countries, ISO 3166-1: alpha-2 to alpha-3, and the names that the United States' agencies use."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

#: Names in USGS and USITC files, as far as they occur in statistics of rare earths.
NAMES = {
    "Australia": "AUS", "Austria": "AUT", "Belgium": "BEL", "Brazil": "BRA", "Burma": "MMR", "Burundi": "BDI",
    "Canada": "CAN", "China": "CHN", "Estonia": "EST", "France": "FRA", "Germany": "DEU", "Greenland": "GRL",
    "Hong Kong": "HKG", "India": "IND", "Italy": "ITA", "Japan": "JPN", "Kazakhstan": "KAZ", "Korea": "KOR",
    "Korea, Republic of": "KOR", "Madagascar": "MDG", "Malaysia": "MYS", "Mexico": "MEX", "Mongolia": "MNG",
    "Netherlands": "NLD", "Nigeria": "NGA", "Norway": "NOR", "Philippines": "PHL", "Russia": "RUS",
    "South Africa": "ZAF", "South Korea": "KOR", "Sweden": "SWE", "Switzerland": "CHE", "Taiwan": "TWN",
    "Tanzania": "TZA", "Thailand": "THA", "Ukraine": "UKR", "United Kingdom": "GBR", "United States": "USA",
    "Vietnam": "VNM",
}  # fmt: skip


@cache
def alpha3_of_alpha2() -> dict[str, str]:
    """Alpha-3 code by alpha-2 code."""
    with (Path(__file__).parent / "countries.csv").open(encoding="utf-8", newline="") as file:
        return {row["alpha2"]: row["alpha3"] for row in csv.DictReader(file)}
