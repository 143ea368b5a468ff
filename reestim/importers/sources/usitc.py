"""USITC DataWeb: imports of rare earths by the United States, as exported by year (one column a year).

Rows pair up: the value (``Customs Value`` of imports for consumption, ``FAS Value`` of domestic exports) and the
``First Unit of Quantity`` of a partner, HTS number and unit. Several exports may stand in one CSV file, told apart by a
column ``file``. Values are US$, masses kilograms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.read import parse_column
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.countries import alpha3_codes, alpha3_of_name
from reestim.importers.hs import USUAL_PRICE
from reestim.importers.imported import Imported, ImportOptions, file_date, unit_value_problem
from reestim.importers.mapping import read_columns
from reestim.wording import closest

COLUMNS = ("Data Type", "Country", "HTS Number", "Quantity Description")
EDITION = "DataWeb export by year: customs value and first unit of quantity, HTS numbers of one length"
QUANTITY = "First Unit of Quantity"
FLOWS = {"Customs Value": "imports", "FAS Value": "exports"}
COMPOUNDS = ("2846",)
_YEAR = re.compile(r"(?:19|20)\d\d")
_SUPPRESSED = "_Suppressed"
_WORLD = ("World", "Total", "All Countries")


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``ree_use_panel.csv``: US imports for consumption of HTS 2846 (or ``hs``), from all partners or ``partners``.

    All pairs of value and mass go to ``sources/usitc_trade.csv`` (flow, partner, hts, year, tonnes, value).

    Raises InputError listing columns that are missing, other editions, values without a mass, repeated rows, blank
    cells, unknown partners, mixed levels of the HTS, and unit values that are not plausible.
    """
    del work
    problems: list[Problem] = []
    parts, left_out = [], []
    for path in files:
        table, own_problems, words = _rows(path)
        problems += own_problems
        left_out += words
        parts += [] if table is None else [table]
    if problems:
        raise InputError(problems, "the files of USITC cannot be used")
    trade: Any = pd.concat(parts, ignore_index=True)
    problems = _repeated(trade, files) + _levels(trade, files)
    wanted = choices.hs or COMPOUNDS
    partners, own_problems = _partners(choices.partners, trade)
    problems += own_problems
    chosen = trade["hts"].str.startswith(tuple(wanted)) & (trade["flow"] == "imports")
    if not chosen.any() and not problems:
        advice = f"The files hold {', '.join(sorted(set(trade['hts'])))}: export the imports of {', '.join(wanted)}"
        message = f"there are no imports of HTS {', '.join(wanted)} in kilograms"
        problems.append(Problem(message, advice, file=files[0].name))
    rows: Any = trade[chosen & trade["partner"].isin(partners)]
    totals = rows.groupby(YEAR)[["tonnes", "value"]].sum()
    for year, tonnes, value in totals.itertuples():
        what, file = f"imports of {year}", files[0].name
        problems += unit_value_problem(value, tonnes, USUAL_PRICE, what, file, choices.confirm_units)
    if problems:
        raise InputError(problems, "the files of USITC cannot be used")
    traded = totals[(totals["tonnes"] > 0) & (totals["value"] > 0)]
    if idle := [str(year) for year in totals.index.difference(traded.index)]:
        left_out.append(f"years without trade, or not published yet: {', '.join(idle)}")
    who = (
        ", ".join(partners) if choices.partners else f"the {len(partners)} partners of the file ({', '.join(partners)})"
    )
    source_text = (
        f"read: USITC DataWeb, file of {file_date(files[0])}: US imports for consumption of HTS {', '.join(wanted)}"
    )
    panel = pd.DataFrame(
        {
            COUNTRY: "USA",
            SECTOR: "all",
            YEAR: traded.index,
            "tonnes": traded["tonnes"].to_numpy(),
            "value": traded["value"].to_numpy(),
            "source": f"{source_text} from {who}",
            "verified": True,
        }
    )
    rules = [
        "value: customs value of imports for consumption, US$ / 1e6; tonnes: first unit of quantity, kilograms / 1e3",
        "the gross weight of compounds is taken as tonnes of oxide",
        f"imports from {who}",
        "the last year of an export may be a part of a year: leave it out of the query, or take its row away",
    ]
    return Imported({"ree_use_panel": panel}, EDITION, rules, left_out, {"usitc_trade": trade})


def _rows(path: Path) -> tuple[Any, list[Problem], list[str]]:
    """One file as flow, partner, hts, year, tonnes, value; other units than kilograms are left out, in words."""
    cells, problems = read_columns(path, COLUMNS, may_lack=lambda name: name.endswith(_SUPPRESSED))
    if cells is None:
        return None, [*problems, *_edition_problems(path)], []
    years = [name for name in cells.columns if _YEAR.fullmatch(name)]
    if not years:
        advice = f"This importer reads the {EDITION}: set the timeframe to full years and export again"
        return None, [Problem("there is no column of a year", advice, file=path.name, row=1)], []
    group = cells["file"] if "file" in cells else pd.Series("", index=cells.index)
    problems = _type_problems(cells, group, path)
    for hole in sorted(set(range(int(min(years)), int(max(years)) + 1)) - {int(y) for y in years}):
        problems.append(Problem(f"the year {hole} is missing", "Export all years in one go", file=path.name, row=1))
    numbers = {}
    for name in years:
        numbers[name], own_problems, _ = parse_column(cells[name], "number", file=path.name, may_be_empty=False)
        problems += own_problems
        for row in cells.index[numbers[name] < 0]:
            place: Any = {"file": path.name, "row": int(row), "column": name, "value": cells[name][row]}
            problems.append(Problem("a negative figure", "Export the file again", **place))
    for row, name in cells["Country"].items():
        if name not in alpha3_of_name() and name not in _WORLD:
            place = {"file": path.name, "row": int(row), "column": "Country", "value": name}
            problems.append(Problem("unknown country", closest(name, alpha3_of_name()), **place))
    if problems:
        return None, problems, []
    unit = cells["Quantity Description"].str.removeprefix("Value for: ").str.lower()
    key: Any = pd.DataFrame({"group": group, "country": cells["Country"], "hts": cells["HTS Number"], "unit": unit})
    long: Any = pd.concat({int(y): numbers[y] for y in years}, axis=1).join(key.assign(kind=cells["Data Type"]))
    long = long[(long["unit"] == "kilograms") & ~long["country"].isin(_WORLD)]
    words = _left_out(cells, unit)
    value, mass = long[long["kind"] != QUANTITY], long[long["kind"] == QUANTITY]
    problems += _pair_problems(value, mass, path)
    if problems:
        return None, problems, []
    index = ["group", "country", "hts"]
    flow = value.set_index(index)["kind"].map(FLOWS)
    cells_of = {"value": (value, 1e6), "tonnes": (mass, 1e3)}
    molten = [
        (one.melt(index, [int(y) for y in years], YEAR, name).set_index([*index, YEAR])[name].astype(float) / scale)
        for name, (one, scale) in cells_of.items()
    ]
    table: Any = pd.concat(molten, axis=1).reset_index()
    table["flow"] = flow.loc[pd.MultiIndex.from_frame(table[index])].to_numpy()
    table["partner"] = table["country"].map(alpha3_of_name())
    return table[["flow", "partner", "hts", YEAR, "tonnes", "value"]], [], words + _suppressed(cells, years)


def _edition_problems(path: Path) -> list[Problem]:
    advice = f"This importer reads the {EDITION}, saved as CSV"
    return [Problem("this is not such an export", advice, file=path.name)]


def _type_problems(cells: Any, group: Any, path: Path) -> list[Problem]:
    """Data types that belong to another query, files whose flow cannot be told, general imports."""
    problems = []
    kinds = {QUANTITY, *FLOWS}
    for row, kind in cells.loc[~cells["Data Type"].isin(list(kinds)), "Data Type"].drop_duplicates().items():
        advice = f"Ask DataWeb for {', '.join(sorted(kinds))}: this importer reads the {EDITION}"
        place: Any = {"file": path.name, "row": int(str(row)), "column": "Data Type", "value": kind}
        problems.append(Problem("values of another kind", advice, **place))
    for name, kinds_there in cells["Data Type"].groupby(group):
        flows = [kind for kind in FLOWS if kind in set(kinds_there)]
        if len(flows) != 1:
            message = "imports and exports are mixed" if flows else "there are no values beside the quantities"
            advice = "Give one file for each, or tell them apart in a column file"
            problems.append(Problem(message, advice, file=path.name, value=name or None))
        if re.search(r"general", f"{name} {path.name}", re.I):
            advice = "Ask for imports for consumption: general imports count what only passes through"
            problems.append(Problem("these are general imports", advice, file=path.name, value=name or None))
    return problems


def _pair_problems(value: Any, mass: Any, path: Path) -> list[Problem]:
    """Each value has its mass and the other way round, once."""
    key = ["group", "country", "hts"]
    problems = []
    for one in (value, mass):
        for row in one.index[one.duplicated(key)]:
            key_text = ", ".join(str(one.loc[row, name]) for name in key[1:])
            advice = "Keep one row; are two exports in one file"
            problems.append(Problem("the row is repeated", f"{advice}?", file=path.name, row=int(row), value=key_text))
    for one, other, what in ((value, mass, "quantity"), (mass, value, "value")):
        there = set(other[key].itertuples(index=False, name=None))
        for row, *cells in one[key].itertuples():
            if tuple(cells) not in there:
                place: Any = {"file": path.name, "row": int(row), "value": ", ".join(cells[1:])}
                problems.append(Problem(f"the row has no {what}", "Export value and quantity together", **place))
    return problems


def _left_out(cells: Any, unit: Any) -> list[str]:
    other = cells.loc[unit != "kilograms", "HTS Number"]
    words = [f"{n} rows of HTS {hts} that are not counted in kilograms" for hts, n in other.value_counts().items()]
    world = int(cells["Country"].isin(_WORLD).sum())
    return words + ([f"{world} rows of totals over partners"] if world else [])


def _suppressed(cells: Any, years: Sequence[str]) -> list[str]:
    names = [f"{y}{_SUPPRESSED}" for y in years if f"{y}{_SUPPRESSED}" in cells]
    counts = cells[names].apply(pd.to_numeric, errors="coerce").fillna(0.0).to_numpy()
    n = int((counts > 0).sum())
    return [f"suppressed parts of {n} quantities, which are too small by what USITC withholds"] if n else []


def _repeated(trade: Any, files: Sequence[Path]) -> list[Problem]:
    key = ["flow", "partner", "hts", YEAR]
    again = trade[trade.duplicated(key)].drop_duplicates(key[:3])
    advice = "Give every export once"
    return [
        Problem("the files repeat a row", advice, file=files[-1].name, value=", ".join(map(str, cells)))
        for cells in again[key].itertuples(index=False, name=None)
    ]


def _levels(trade: Any, files: Sequence[Path]) -> list[Problem]:
    """Numbers of two lengths count the same goods twice."""
    numbers = sorted(set(trade["hts"]))
    inside = [(a, b) for a in numbers for b in numbers if a != b and b.startswith(a)]
    advice = "Keep one level of the HTS, otherwise goods are counted twice"
    return [Problem("levels of the HTS are mixed", advice, file=files[0].name, value=f"{a}, {b}") for a, b in inside]


def _partners(asked: Sequence[str], trade: Any) -> tuple[list[str], list[Problem]]:
    """Alpha-3 codes of the partners that are asked for, by name or code; all of the file if none is."""
    there = sorted(set(trade["partner"]))
    partners, problems = [], []
    for name in asked:
        code = name if name in alpha3_codes() else alpha3_of_name().get(name)
        if code in there:
            partners.append(code)
        else:
            advice = closest(name, [*there, *(n for n, c in alpha3_of_name().items() if c in there)])
            problems.append(Problem("the files have no such partner", advice, column="--partner", value=name))
    return (partners if asked else there), problems
