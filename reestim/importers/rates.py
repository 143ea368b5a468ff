"""US$ for one unit of a table's money, by year."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reestim.data.read import parse_column
from reestim.errors import Problem
from reestim.importers.mapping import read_columns

_OPTION = "--exchange-rate"


def exchange_rates(given: str | None, years: Sequence[int], currency: str) -> tuple[dict[int, float], list[Problem]]:
    """Rates of all ``years``. ``given``: a number, a CSV file with columns year, usd_per_unit, or None for US$."""
    if given is None:
        if currency == "US$":
            return dict.fromkeys(years, 1.0), []
        advice = f"Give {_OPTION}: US$ for one {currency}, average of the year (a number, or a CSV year,usd_per_unit)"
        return {}, [Problem(f"the tables are in million {currency}, a dataset is in million US$", advice)]
    try:
        rate = float(given)
    except ValueError:
        return _from_file(Path(given), years)
    if not 0 < rate < float("inf"):
        return {}, [Problem("an exchange rate is above 0", "US$ for one unit", column=_OPTION, value=given)]
    if len(years) > 1 and currency != "US$":
        advice = (
            "Give a CSV file with columns year, usd_per_unit: one rate for all years would move the panel of exports"
        )
        return {}, [Problem(f"there are tables of {len(years)} years", advice, column=_OPTION, value=given)]
    return dict.fromkeys(years, rate), []


def _from_file(path: Path, years: Sequence[int]) -> tuple[dict[int, float], list[Problem]]:
    cells, problems = read_columns(path, ("year", "usd_per_unit"))
    if cells is None:
        return {}, problems
    year, own_problems, _ = parse_column(cells["year"], "integer", file=path.name, may_be_empty=False)
    rate: Any
    rate, more, _ = parse_column(cells["usd_per_unit"], "number", file=path.name, may_be_empty=False)
    problems = [*problems, *own_problems, *more]
    for row in rate.index[~(rate > 0)]:
        problems.append(Problem("an exchange rate is above 0", "US$ for one unit", file=path.name, row=int(row)))
    rates = dict(zip((int(y) for y in year), (float(r) for r in rate), strict=True))
    for missing in [y for y in years if y not in rates]:
        problems.append(Problem("the rate of a year is missing", "Add the row", file=path.name, value=missing))
    return rates, problems
