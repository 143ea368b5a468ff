"""USGS Mineral Commodity Summaries, data release: prices of oxides and mine production of the last two years.

Two layouts: the release (``MCS<year>_Commodities_Data.csv``), all commodities or the chapters of rare earths, and the
same observations with parsed values (``mcs_chapter, ..., value, value_low, value_high``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.countries import alpha3_of_name
from reestim.importers.imported import Imported, ImportOptions, file_date
from reestim.importers.mapping import read_columns
from reestim.importers.mine_output import output_problems, output_tables
from reestim.wording import closest

EDITION = "Mineral Commodity Summaries data release, 2025 or later (one CSV of all commodities)"
#: Columns of the release and of the parsed observations.
_RELEASE = (
    "mcs chapter",
    "section",
    "commodity",
    "country",
    "statistics",
    "statistics_detail",
    "unit",
    "year",
    "value",
)
_SYMBOLS = {
    "Lanthanum": "La",
    "Cerium": "Ce",
    "Praseodymium": "Pr",
    "Neodymium": "Nd",
    "Samarium": "Sm",
    "Europium": "Eu",
    "Gadolinium": "Gd",
    "Terbium": "Tb",
    "Dysprosium": "Dy",
    "Holmium": "Ho",
    "Erbium": "Er",
    "Thulium": "Tm",
    "Ytterbium": "Yb",
    "Lutetium": "Lu",
    "Yttrium": "Y",
}
_CHAPTERS = ("RARE EARTHS", "RARE EARTHS (Heavy)", "YTTRIUM")
PRICE_UNIT, MASS_UNIT = "dollars per kilogram", "metric tons"
#: US$/kg of an oxide: lanthanum 0.96 in 2023, europium 3,790 at the end of 2011.
USUAL_QUOTED_PRICE = (0.2, 10_000.0)
_OXIDE = re.compile(r"\boxide\b|\bY2O3\b", re.I)
_RANGE = re.compile(r"([\d,.]+)\s*(?:-|–|to)\s*([\d,.]+)")
_ZERO = {"—", "--", "–", "Zero"}


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``element_prices.csv`` (market export: free on board, averages of the year) and ``element_output.csv``.

    Raises InputError listing another edition or unit, oxides with a hole in their prices or with two prices, prices
    and masses that are not plausible, unknown countries, and sums that miss the world total.
    """
    del work
    path = files[0]
    problems = [Problem("one file is expected", "Give one release", file=other.name) for other in files[1:]]
    cells, own_problems = _cells(path)
    problems += own_problems
    if cells is None or problems:
        raise InputError(problems, "the release cannot be used")
    prices, left_out, own_problems = _prices(cells, path, choices.confirm_units)
    problems += own_problems
    rows, own_problems = _mines(cells, path, choices.confirm_units)
    problems += own_problems
    if problems or rows is None or prices is None:
        raise InputError(problems, "the release cannot be used")
    source_text = f"USGS Mineral Commodity Summaries, data release, file of {file_date(path)}"
    mined = output_tables(rows, source_text, EDITION, choices.mapping, left_out)
    rules = [
        "price: average of the year, free on board, taken for the export market; a range by its midpoint",
        "world production that no country is named for is put in ROW",
    ]
    return Imported({"element_prices": prices, **mined.tables}, EDITION, [*rules, *mined.rules], left_out, mined.extra)


def _cells(path: Path) -> tuple[Any, list[Problem]]:
    """Cells of the chapters of rare earths under the names of the release, with ``low`` and ``high``."""
    cells, problems = read_columns(path, ())
    if cells is None:
        return None, problems
    cells = cells.rename(columns=lambda name: str(name).lower().replace("mcs_chapter", "mcs chapter"))
    if missing := [name for name in _RELEASE if name not in cells]:
        advice = f"Expected: {EDITION}"
        problems += [Problem("the column is missing", advice, file=path.name, row=1, column=name) for name in missing]
        return None, problems
    chapters = [name.lower() for name in _CHAPTERS]
    rows = cells[cells["mcs chapter"].str.lower().isin(chapters)].copy()
    if rows.empty:
        advice = f"Expected: {EDITION}, with the chapters {', '.join(_CHAPTERS)}"
        return None, [*problems, Problem("there are no rare earths in the file", advice, file=path.name)]
    parsed = "value_low" in rows
    ends = [_ends(row, parsed) for row in rows.to_dict("records")]
    return rows.assign(low=[low for low, _ in ends], high=[high for _, high in ends]), problems


def _ends(row: dict[str, Any], parsed: bool) -> tuple[float, float]:
    """Ends of a printed figure; NaN where it is none (not available, withheld, more than)."""
    text = str(row["value"]).strip()
    if parsed and not text and row.get("comparator") == "range":
        text = f"{row['value_low']} - {row['value_high']}"
    if text in _ZERO:
        return 0.0, 0.0
    match = _RANGE.fullmatch(text)
    limits = match.groups() if match else (text, text)
    try:
        low, high = (float(part.replace(",", "")) for part in limits)
    except ValueError:
        return float("nan"), float("nan")
    return low, high


def _estimated(cells: Any) -> Any:
    if "is_estimated" in cells:
        return cells["is_estimated"].str.lower() == "true"
    notes = cells["notes"] if "notes" in cells else pd.Series("", index=cells.index)
    return notes.str.contains("Estimated", case=False)


def _prices(cells: Any, path: Path, confirmed: bool) -> tuple[Any, list[str], list[Problem]]:
    """Oxides of one element: year by year, without holes."""
    problems: list[Problem] = []
    priced = cells[cells["statistics"] == "Price"]
    for row, unit in priced.loc[priced["unit"] != PRICE_UNIT, "unit"].items():
        place: Any = {"file": path.name, "row": int(row), "column": "Unit", "value": unit}
        problems.append(Problem("another unit", f"Prices are read in {PRICE_UNIT}", **place))
    chosen = priced["statistics_detail"].str.contains(_OXIDE) & priced["commodity"].isin(list(_SYMBOLS))
    others = priced.loc[~chosen, "statistics_detail"].str.split(":", n=1).str[-1].str.strip()
    left_out = [f"prices of {name}" for name in dict.fromkeys(others)]
    rows = priced[chosen].assign(element=priced["commodity"].map(_SYMBOLS))
    rows = rows[rows["year"].str.fullmatch(r"\d{4}")]
    rows[YEAR] = rows["year"].astype(int)
    for row, element, year in rows.loc[rows.duplicated(["element", YEAR]), ["element", YEAR]].itertuples():
        place = {"file": path.name, "row": int(row), "value": f"{element}, {year}"}
        problems.append(Problem("the element has two prices", "Keep one purity", **place))
    years = set(range(rows[YEAR].min(), rows[YEAR].max() + 1)) if len(rows) else set()
    for element, group in rows.groupby("element", sort=False):
        there = set(group.loc[group["low"] > 0, YEAR])
        for year in sorted(years - there):
            advice = "A series with a hole cannot be used: take the element out of the file, or fill it and say how"
            problems.append(Problem("the price is missing", advice, file=path.name, value=f"{element}, {year}"))
    for row, element, year, low, high in rows[["element", YEAR, "low", "high"]].itertuples():
        if (
            not confirmed
            and not math.isnan(low)
            and not USUAL_QUOTED_PRICE[0] <= (low + high) / 2 <= USUAL_QUOTED_PRICE[1]
        ):
            advice = "Is it US$ a tonne, or another currency? If the file is right, say --confirm-units"
            message = f"{(low + high) / 2:,.4g} US$/kg for {element} in {year} is not plausible"
            problems.append(Problem(message, advice, file=path.name, row=int(row), column="Value"))
    if rows.empty:
        problems.append(Problem("there are no prices of oxides", f"Expected: {EDITION}", file=path.name))
    source_text = f"USGS Mineral Commodity Summaries, data release, file of {file_date(path)}"
    texts, exact = [], rows["low"] == rows["high"]
    for detail, plain, guess in zip(rows["statistics_detail"], exact, _estimated(rows), strict=True):
        kind = "read" if plain else "imputed: midpoint of the printed range"
        purity = detail.split(":", 1)[-1].strip()
        texts.append(f"{kind}: {source_text}: {purity}{', estimated' if guess else ''}")
    prices = pd.DataFrame(
        {
            "element": rows["element"],
            YEAR: rows[YEAR],
            "market": "export",
            "price": (rows["low"] + rows["high"]) / 2,
            "source": texts,
            "verified": exact,
        }
    )
    order = {symbol: n for n, symbol in enumerate(_SYMBOLS.values())}
    prices = prices.sort_values(["element", YEAR], key=lambda c: c.map(order) if c.name == "element" else c)
    return prices, left_out, problems


def _mines(cells: Any, path: Path, confirmed: bool) -> tuple[Any, list[Problem]]:
    """Mine production by country; ``Other countries`` are in ROW."""
    detail = cells["statistics_detail"].str.lower()
    mined = cells["section"].str.startswith("World") & (cells["statistics"] == "Production")
    rows = cells[mined & detail.str.startswith("mine production") & (cells["commodity"] == "Rare Earths")].copy()
    problems: list[Problem] = []
    if rows.empty:
        return None, [Problem("there is no mine production", f"Expected: {EDITION}", file=path.name)]
    for row, unit in rows.loc[rows["unit"] != MASS_UNIT, "unit"].items():
        place: Any = {"file": path.name, "row": int(row), "column": "Unit", "value": unit}
        problems.append(Problem("another unit", f"Production is read in {MASS_UNIT}", **place))
    names = alpha3_of_name() | {"Other countries": "ROW"}
    world = rows["country"].str.startswith("World total")
    for row, name in rows.loc[~world & ~rows["country"].isin(list(names)), "country"].items():
        place = {"file": path.name, "row": int(row), "column": "Country", "value": name}
        problems.append(Problem("unknown country", closest(name, names), **place))
    for row in rows.index[rows["low"].isna()]:
        place = {"file": path.name, "row": int(row), "column": "Value", "value": rows["value"][row]}
        problems.append(Problem("there is no figure", "Leave the country out, and say so", **place))
    for row, year in rows.loc[~rows["year"].str.fullmatch(r"(?:19|20)\d\d"), "year"].items():
        place = {"file": path.name, "row": int(row), "column": "Year", "value": year}
        problems.append(Problem("not a year", f"Expected: {EDITION}", **place))
    if problems:
        return None, problems
    rows = rows.assign(**{YEAR: rows["year"].astype(int), "tonnes": (rows["low"] + rows["high"]) / 2})
    rows = rows.assign(producer=rows["country"], estimated=_estimated(rows), **{COUNTRY: rows["country"].map(names)})
    totals = {int(y): float(t) for y, t in rows.loc[world, [YEAR, "tonnes"]].to_numpy()}
    rows = rows.loc[~world]
    return rows, output_problems(rows, totals, path.name, confirmed)
