"""All patents of the world by country, sector and year: what patents on rare earths are set against.

The original is a table of the National Science Board's Science and Engineering Indicators 2020 (U.S. government work):
families of patents granted, by 35 fields of WIPO, countries in parts by the residence of inventors. Fields go to
sectors by ``wipo_fields.csv`` (judged by us), countries that it does not name to two rests.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.schemas import ALL_OTHERS
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.bundle import missing_originals
from reestim.importers.concordance import HERE
from reestim.importers.countries import alpha3_of_name
from reestim.importers.mapping import read_concordance
from reestim.importers.regions import REGIONS_OF_BUNDLED, sectors_of
from reestim.io.files import atomic_write
from reestim.labels.patent_totals import ALL_PATENTS_FILE, OTHER, OTHER_EU, REGION, TOTAL

#: The original file, seen from the folder of originals.
ORIGINAL = "patents/real_patents_by_field_country_year_NCSES_SEI2020.csv.gz"
FIELDS = HERE / "wipo_fields.csv"
#: The European Union of 2013 without Germany, as the bundled datasets have it.
REST_OF_EU = "REU"
#: What the original counts without a place in our table: sums of other rows, families without a field or a country.
_SUMS, _NONE = "all fields", ("unclassified", "World -> Unclassified")


def totals_of(original: Path) -> pd.DataFrame:
    """``country, sector, year, total``: families granted, of the original file; two rests beside the named countries.

    Raises InputError where the file is not there or not the table that it should be.
    """
    if missing := missing_originals([original]):
        raise InputError(missing, "nothing was made")
    table: Any = pd.read_csv(original, comment="#")
    paths = set(table["region_path"])
    parents = {path.rpartition(" -> ")[0] for path in paths}
    leaf = table["region_path"].isin(sorted(paths - parents - {_NONE[1]}))
    table = table[leaf & ~table["field"].isin([_SUMS, _NONE[0]])]
    table = table.assign(country=[_country(*row) for row in zip(table["name"], table["region_path"], strict=True)])
    parts = table.merge(_fields(), on="field", how="left", validate="many_to_many")
    if unknown := sorted(set(parts.loc[parts[SECTOR].isna(), "field"])):
        problems = [Problem("the field has no sector", "Add a row", file=FIELDS.name, value=name) for name in unknown]
        raise InputError(problems, "nothing was made")
    parts[TOTAL] = parts["patent_families"] * parts["weight"]
    return parts.groupby([COUNTRY, SECTOR, YEAR], as_index=False)[TOTAL].sum()


def _country(name: str, path: str) -> str:
    """Alpha-3 code, or the rest that a group of countries is in."""
    if code := alpha3_of_name().get(name):
        return code
    return OTHER_EU if " -> EU -> " in path else OTHER


def _fields() -> pd.DataFrame:
    """``field, sector, weight``; the weights of a field sum to 1."""
    cells, problems = read_concordance(FIELDS, "field", what="patents are")
    if problems:
        raise InputError(problems, "the concordance cannot be used")
    sector = cells["industry"].map(sectors_of(None, sorted(set(cells["industry"]))))
    return cells[["field", "weight"]].assign(**{SECTOR: sector})


def _regions(countries: Sequence[str]) -> list[str]:
    """The economy of the bundled datasets that each country is in."""
    table = pd.read_csv(REGIONS_OF_BUNDLED)
    region = dict(zip(table["country"], table["region"], strict=True)) | {OTHER_EU: REST_OF_EU}
    return [region.get(country, region[ALL_OTHERS]) for country in countries]


def write_totals(original: Path, out: Path) -> Path:
    """Write the table that ships: a row a country and sector, a column a year, families to a tenth."""
    totals = totals_of(original)
    totals[TOTAL] = totals[TOTAL].round(1)
    wide: Any = totals.pivot_table(index=[COUNTRY, SECTOR], columns=YEAR, values=TOTAL, sort=True).reset_index()
    wide.insert(1, REGION, _regions(wide[COUNTRY].tolist()))
    text = wide.to_csv(index=False, lineterminator="\n", float_format="%g")
    atomic_write(out, text.encode())
    return out


def main(arguments: list[str] | None = None) -> None:
    """Write the totals of all patents that ship with REEstim, from the original file."""
    parser = argparse.ArgumentParser(prog="python -m reestim.importers.all_patents", description=main.__doc__)
    parser.add_argument("--originals", type=Path, required=True, help="folder with the original files")
    parser.add_argument("--out", type=Path, default=ALL_PATENTS_FILE, help="file to write")
    chosen = parser.parse_args(arguments)
    print(write_totals(chosen.originals / ORIGINAL, chosen.out))


if __name__ == "__main__":
    main()
