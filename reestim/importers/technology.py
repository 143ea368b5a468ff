"""Classes of technology to sectors: CPC and IPC symbols by the longest prefix, NACE Rev. 2 by its divisions; and the
search classes that ship.

``cpc_industries.csv`` (cpc, industry, source, verified) and ``nace_industries.csv`` lead to the industries of the World
Input-Output Database; both are judged from titles.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.concordance import HERE
from reestim.importers.klems_sectors import nace_industries
from reestim.importers.mapping import read_columns
from reestim.importers.regions import INDUSTRIES
from reestim.wording import closest

CPC_INDUSTRIES = HERE / "cpc_industries.csv"
NACE_INDUSTRIES = HERE / "nace_industries.csv"
#: Where rare earths are used, saved and replaced, whether a text names them or not.
SEARCH_CLASSES = HERE / "cpc_search_classes.csv"
#: Says ``SEARCH_CLASSES`` on the command line.
SHIPPED_NAME = "shipped"
_SYMBOL = re.compile(r"[A-HY](?:\d\d(?:[A-Z](?:\d{1,4}(?:/\d{1,6})?)?)?)?")


def symbol_of(text: str) -> str:
    """A CPC or IPC symbol without its blanks (``H01F1/057``), or blank for what is none."""
    symbol = re.sub(r"\s+", "", text).upper()
    return symbol if _SYMBOL.fullmatch(symbol) and len(symbol) >= 3 else ""


def cpc_industries(path: Path | None) -> dict[str, str]:
    """Prefix of CPC symbols -> industry. Raises InputError listing everything wrong with the file."""
    file = path or CPC_INDUSTRIES
    cells, problems = read_columns(file, ("cpc", "industry"))
    if cells is None:
        raise InputError(problems, "the concordance cannot be used")
    industries = set(pd.read_csv(INDUSTRIES)["industry"])
    industry_of_class: dict[str, str] = {}
    for row, cpc, industry in cells[["cpc", "industry"]].itertuples():
        place: Any = {"file": file.name, "row": int(row)}
        if not re.fullmatch(r"[A-HY](?:\d\d[A-Z]?)?", cpc):
            advice = "Write a section (H), class (H01) or subclass (H01F)"
            problems.append(Problem("not a CPC symbol", advice, **place, value=cpc))
        if cpc in industry_of_class:
            advice = "A class has one sector: keep one row"
            problems.append(Problem("the symbol is repeated", advice, **place, value=cpc))
        if path is None and industry not in industries:
            problems.append(Problem("unknown industry", closest(industry, industries), **place, value=industry))
        industry_of_class[cpc] = industry
    if problems:
        raise InputError(problems, "the concordance cannot be used")
    return industry_of_class


def nace_sectors(sectors: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Division of NACE Rev. 2 (``26``) -> share of each sector; of several entries the one with fewest divisions."""
    table = nace_industries(NACE_INDUSTRIES)
    shares_of: dict[str, dict[str, float]] = {}
    for code in sorted(table["nace"].unique(), key=lambda code: -len(_divisions(str(code)))):
        shares: dict[str, float] = {}
        for industry, weight in table.loc[table["nace"] == code, ["industry", "weight"]].itertuples(index=False):
            shares[sectors[industry]] = shares.get(sectors[industry], 0.0) + float(weight)
        shares_of |= dict.fromkeys(_divisions(str(code)), shares)
    return shares_of


#: Divisions of the sections of NACE Rev. 2 that are one entry of the concordance.
_SECTIONS = {
    **{"A": (1, 3), "B": (5, 9), "D": (35, 35), "E": (36, 39), "F": (41, 43), "G": (45, 47), "H": (49, 53)},
    **{"I": (55, 56), "J": (58, 63), "K": (64, 66), "L": (68, 68), "M": (69, 75), "N": (77, 82), "O": (84, 84)},
    **{"P": (85, 85), "Q": (86, 88), "R": (90, 93), "S": (94, 96)},
}


def _divisions(code: str) -> list[str]:
    """Divisions of an entry like ``C26``, ``C26-C27``, ``J62-J63`` or ``M-N``."""
    ends: list[int] = []
    for part in code.split("-"):
        letter, digits = part[0], part[1:]
        ends += [int(digits), int(digits)] if digits else list(_SECTIONS[letter])
    return [f"{n:02d}" for n in range(min(ends), max(ends) + 1)]


def search_classes(given: Sequence[str]) -> tuple[str, ...]:
    """Symbols to search by: ``H01F1/047``, several with commas, or ``shipped`` for those of ``cpc_search_classes.csv``.

    Raises InputError for what is not a symbol.
    """
    classes: list[str] = []
    problems: list[Problem] = []
    for text in (part.strip() for entry in given for part in entry.split(",") if part.strip()):
        if text == SHIPPED_NAME:
            classes += list(pd.read_csv(SEARCH_CLASSES)["cpc"])
        elif symbol := symbol_of(text):
            classes.append(symbol)
        else:
            advice = "Write a CPC or IPC symbol, like H01F1/047 or C09K11, or shipped"
            problems.append(Problem("not a symbol", advice, column="--classes", value=text))
    if problems:
        raise InputError(problems, "the search classes cannot be used")
    return tuple(dict.fromkeys(classes))


def in_class(symbol: str, searched: str) -> bool:
    """Whether a symbol lies in a class: it begins so, and where both have a main group, that is the same number."""
    if not symbol.startswith(searched):
        return False
    rest = symbol[len(searched) :]
    return "/" in searched or not rest[:1].isdigit() or not searched[-1:].isdigit() or len(searched) <= 3
