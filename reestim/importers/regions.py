"""Countries of an original file to regions, industries to sectors: as they are, or by mapping files of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reestim.errors import InputError
from reestim.importers.concordance import HERE
from reestim.importers.mapping import read_mapping

#: Goods and services by the World Input-Output Database: what the shipped concordances lead to.
INDUSTRIES = HERE / "industries_wiod.csv"
#: Countries by the ten economies of the bundled dataset; REU: the European Union of 2013 without Germany.
REGIONS_OF_BUNDLED = HERE / "regions_bundled.csv"
#: Says the same on the command line.
BUNDLED_NAME = "bundled"


def regions_of(mapping: Path | None, countries: Sequence[str]) -> dict[str, str]:
    """Country -> region: each its own, those of the bundled dataset (``bundled``), or by a CSV file country,region that
    may name more countries than there are.

    Raises InputError for countries that the file leaves out: what they trade would be lost.
    """
    if mapping is None:
        return {country: country for country in countries}
    file = REGIONS_OF_BUNDLED if str(mapping) == BUNDLED_NAME else mapping
    seen, problems = read_mapping(file, "country", "region", countries, shipped=True)
    if problems:
        raise InputError(problems, "the mapping of regions cannot be used")
    return seen


def sectors_of(sectors: Path | None, industries: Sequence[str]) -> dict[str, str]:
    """Industry -> sector: those of the bundled dataset, or by a CSV file industry,sector.

    Raises InputError for industries that the file leaves out.
    """
    if sectors is None:
        table = pd.read_csv(INDUSTRIES)
        known = dict(zip(table["industry"], table["sector"], strict=True))
        return {industry: str(known[industry]) for industry in industries}
    seen, problems = read_mapping(sectors, "industry", "sector", industries, shipped=True)
    if problems:
        raise InputError(problems, "the mapping of sectors cannot be used")
    return seen
