"""Mine output by country and year as the USGS prints it, to ``element_output.csv``; its split by element is imputed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from reestim.data.read import gaps
from reestim.dims import COUNTRY, YEAR
from reestim.errors import Problem
from reestim.importers.facts import element_use, split_by_element
from reestim.importers.imported import Imported
from reestim.importers.regions import regions_of
from reestim.io.resources import FACTS

#: The printed total of the world is rounded to three digits; countries must add up to it but for that.
TOTAL_ROUNDING = 0.02
#: Tonnes of oxide that the world has mined in a year; 390,000 in 2025.
_MOST_TONNES = 5e6
RULE = (
    "national totals split by the composition of world use in 2008 (bundled element_use.csv), because mines report no "
    "elements: every row is imputed"
)


def output_problems(rows: Any, totals: dict[int, float], file: str, confirmed: bool) -> list[Problem]:
    """Repeated countries, years that some countries lack, sums that miss the world total, masses that are not tonnes.

    rows : producer, country, year, tonnes; index: lines of the file. totals : of the world, by year.
    """
    problems = []
    for row, name, year in rows.loc[rows.duplicated(["producer", YEAR]), ["producer", YEAR]].itertuples():
        place: Any = {"file": file, "row": int(row), "value": f"{name}, {year}"}
        problems.append(Problem("the country is repeated", "Keep one row a country and year", **place))
    years = sorted(set(rows[YEAR]))
    for hole in gaps(years):
        problems.append(Problem("a year is missing", "Use the whole table", file=file, value=hole))
    for name, group in rows.groupby("producer", sort=False):
        lacking = [str(year) for year in years if year not in set(group[YEAR])]
        if lacking:
            advice = "Use the whole table; a producer that stopped has a 0"
            problems.append(Problem(f"no figure for {', '.join(lacking)}", advice, file=file, value=name))
    for year, tonnes in rows.groupby(YEAR)["tonnes"].sum().items():
        total = totals.get(int(str(year)))
        if total is None:
            message, advice = f"no world total for {year}", "Use the whole table: countries are checked against it"
            problems.append(Problem(message, advice, file=file))
        elif not problems and abs(tonnes - total) > TOTAL_ROUNDING * total:
            advice = "A country is missing, or counted twice"
            message = f"countries add up to {tonnes:,.0f} t in {year}, the world total is {total:,.0f} t"
            problems.append(Problem(message, advice, file=file))
        if tonnes > _MOST_TONNES and not confirmed:
            advice = "Are these kilograms? If the file is right, say --confirm-units"
            problems.append(Problem(f"{tonnes:,.0f} t in {year} is more than was ever mined", advice, file=file))
    return problems


def output_tables(rows: Any, told: str, edition: str, mapping: Any, left_out: Sequence[str]) -> Imported:
    """``element_output.csv``, and the totals as printed in ``sources/mine_output.csv``.

    rows : producer, country, year, tonnes, estimated. Raises InputError for a mapping that loses a country.
    """
    region = regions_of(mapping, sorted(set(rows[COUNTRY])))
    mines = pd.DataFrame(
        {
            COUNTRY: rows[COUNTRY].map(region).to_numpy(),
            "producer": rows["producer"].to_numpy(),
            YEAR: rows[YEAR].to_numpy(),
            "low": rows["tonnes"].to_numpy(),
            "high": rows["tonnes"].to_numpy(),
            "status": "read",
            "source": [f"{told}{', estimated' if e else ''}" for e in rows["estimated"]],
        }
    )
    output = split_by_element(mines, element_use(FACTS / "sources"), sorted(set(mines[YEAR])))
    return Imported({"element_output": output}, edition, [RULE], left_out, {"mine_output": mines})
