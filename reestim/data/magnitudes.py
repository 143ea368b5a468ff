"""Questions about units: figures whose size looks like another unit. ``units_confirmed`` answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reestim.data.meta import DATASET_FILE
from reestim.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reestim.data.partial_tables import PartialTables

USE, OUTPUT, PRICES = "element_use", "element_output", "element_prices"
#: World use and output of rare earths were near 0.12 million t REO in 2008 and stay well inside these bounds, t.
WORLD_TONNES = (1e3, 3e6)
#: Lowest and highest price of 1999-2014 in the bundled dataset, US$/kg; a figure may lie outside by ``_ROOM``.
_RANGE = {
    "La": (2.0, 104),
    "Ce": (1.9, 102),
    "Pr": (14, 197),
    "Nd": (15, 234),
    "Sm": (2.2, 103),
    "Eu": (202, 2843),
    "Gd": (1.7, 45),
    "Tb": (254, 2334),
    "Dy": (56, 1450),
    "Y": (2.4, 62),
}
_ROOM = 10.0
#: Quotations inside China, 16 September 2011 and 9 March 2012 (Reuters, read), US$/kg.
_QUOTED = {
    ("La", 2011): 21.9,
    ("Ce", 2011): 22.7,
    ("Pr", 2011): 134,
    ("Nd", 2011): 168,
    ("Sm", 2011): 15.6,
    ("Tb", 2011): 2269,
    ("Dy", 2011): 1448,
    ("Eu", 2011): 2582,
    ("La", 2012): 12.3,
    ("Ce", 2012): 13.5,
    ("Pr", 2012): 71.3,
    ("Nd", 2012): 75.3,
    ("Sm", 2012): 13.9,
    ("Tb", 2012): 856,
    ("Dy", 2012): 626,
    ("Eu", 2012): 1284,
}
#: Figure in the other unit over the figure in US$/kg, at 6.35 yuan a dollar.
_OTHER_UNITS = {"10⁴ CNY/t": 0.635, "CNY/kg": 6.35}
_NEAR, _SPREAD, _FEWEST = 0.12, 0.15, 3  # log points; quotations compared


def magnitude_questions(base_year: int | None, data: PartialTables, confirmed: Sequence[str]) -> list[Problem]:
    """One question for each file whose size suggests another unit, unless ``units_confirmed`` names the file."""
    asked = [*_mass(base_year, data), *_prices(data)]
    return [problem for problem in asked if problem.file not in confirmed]


def _question(file: str, column: str, value: str, message: str, unit: str) -> Problem:
    advice = f'Give {unit}; if the figures are right, say units_confirmed = ["{file}"] in {DATASET_FILE}'
    return Problem(message, advice, file=file, column=column, value=value)


def _mass(base_year: int | None, data: PartialTables) -> list[Problem]:
    """Both files in kilograms agree with each other, and with no other."""
    problems = []
    totals = {}
    for stem in (USE, OUTPUT):
        table: Any = data.sound(stem, "element", "tonnes")
        if table is None or (stem == OUTPUT and (base_year is None or "year" not in table)):
            return []
        totals[stem] = float((table if stem == USE else table[table["year"] == base_year])["tonnes"].sum())
    if min(totals.values()) <= 0 or not 1 / 3 < totals[USE] / totals[OUTPUT] < 3:
        return []  # they disagree: that has its own problem
    for stem, total in totals.items():
        if not WORLD_TONNES[0] <= total <= WORLD_TONNES[1]:
            other = "kilograms" if total > WORLD_TONNES[1] else "thousand tonnes"
            message = f"the world total is of another size than rare earths: are these {other}?"
            problems.append(_question(f"{stem}.csv", "tonnes", f"{total:,.6g} t", message, "tonnes of oxide (REO)"))
    return problems


def _prices(data: PartialTables) -> list[Problem]:
    table: Any = data.sound(PRICES, "element", "year", "market", "price")
    if table is None:
        return []
    problems = []
    for market, rows in table.groupby("market", sort=False):
        unit = _unit_by_range(rows) or (_unit_by_quotation(rows) if market == "domestic_CHN" else None)
        if unit is not None:
            value, message = unit
            problems.append(_question(f"{PRICES}.csv", "price", f"{market}: {value}", message, "US$/kg"))
    return problems


def _unit_by_range(rows: Any) -> tuple[str, str] | None:
    """A question where most prices lie far outside anything seen."""
    rows = rows[rows["element"].isin(list(_RANGE))]
    bounds = np.array([_RANGE[e] for e in rows["element"]]).reshape(-1, 2)
    price = rows["price"].to_numpy(float)
    high, low = price > bounds[:, 1] * _ROOM, price < bounds[:, 0] / _ROOM
    for side, other in ((high, "US$/t or CNY/t"), (low, "US$/g")):
        if len(price) and side.mean() > 0.5:
            worst = rows.iloc[int(np.argmax(side))]
            value = f"{worst['element']} {worst['year']} {worst['price']:g}"
            return value, f"most prices are of another size than US$/kg: are these {other}?"
    return None


def _unit_by_quotation(rows: Any) -> tuple[str, str] | None:
    """A question where prices inside China are quotations that are known, times the factor of another unit."""
    cells = {(e, int(y)): float(p) for e, y, p in zip(rows["element"], rows["year"], rows["price"], strict=True)}
    ratio = np.log([cells[key] / quoted for key, quoted in _QUOTED.items() if cells.get(key, 0.0) > 0])
    if len(ratio) < _FEWEST:
        return None
    middle, spread = float(np.median(ratio)), float(np.median(np.abs(ratio - np.median(ratio))))
    for unit, factor in _OTHER_UNITS.items():
        if abs(middle - np.log(factor)) < _NEAR and spread < _SPREAD:
            value = f"{len(ratio)} prices are {np.exp(middle):.2f} times the quotations of 2011 and 2012"
            return value, f"prices inside China look like another unit: are these {unit}?"
    return None
