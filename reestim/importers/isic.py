"""Industries known by their code of ISIC revision 4 (or NACE revision 2) alone, for editions whose list is not shipped.

A code names a section and the first and last division that it holds: ``C24A``, ``C302T309``, ``C10-C12``, ``B07_08``,
``J59_J60``. It goes to the sector of its divisions; codes that reach over two sectors are not known. Rare earths of a
sector are shared evenly by its industries (imputed): better weights are a file for ``--industries``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

_WIOD = Path(__file__).resolve().parent / "concordances" / "industries_wiod.csv"
#: Post stands with telecommunications, as in the World Input-Output Database.
POST = "H53"
_CODE = re.compile(r"[A-U](\d{2,3}[A-Z]?)?(([_T-]|_?[A-U])[A-U]?\d{0,3})*")
#: Divisions of manufacturing: first and last, and their sector.
_MANUFACTURING = (
    (10, 12, "food"),
    (13, 15, "textiles_leather"),
    (16, 18, "wood_paper"),
    (19, 19, "petroleum"),
    (20, 21, "chemicals"),
    (22, 22, "plastics"),
    (23, 23, "mineral_products"),
    (24, 25, "metals"),
    (26, 27, "electrical_optical"),
    (28, 28, "machinery"),
    (29, 30, "transport_equipment"),
    (31, 33, "other_manufacturing"),
)
#: Divisions of each section.
_FIRST = {"A": 1, "B": 5, "C": 10, "D": 35, "E": 36, "F": 41, "G": 45, "H": 49, "I": 55, "J": 58, "K": 64} | {
    "L": 68,
    "M": 69,
    "N": 77,
    "O": 84,
    "P": 85,
    "Q": 86,
    "R": 90,
    "S": 94,
    "T": 97,
    "U": 99,
}
_DIVISIONS = {
    letter: range(first, after)
    for (letter, first), after in zip(_FIRST.items(), (*list(_FIRST.values())[1:], 100), strict=True)
}
_SECTIONS = {
    "A": "agriculture",
    "B": "mining",
    "D": "utilities",
    "E": "utilities",
    "F": "construction",
    "G": "trade_hospitality",
    "H": "transport",
    "I": "trade_hospitality",
    **dict.fromkeys("JKLMN", "business_finance"),
    **dict.fromkeys("OPQRSTU", "public_personal"),
}


def sector_of(code: str) -> str | None:
    """Sector of a code; None for what is no code, for manufacturing as a whole, and for codes of two sectors.

    Examples
    --------
    >>> from reestim.importers.isic import sector_of
    >>> sector_of("C302T309"), sector_of("C10-C12"), sector_of("J59_J60"), sector_of("C20T23")
    ('transport_equipment', 'food', 'business_finance', None)
    """
    if not _CODE.fullmatch(code):
        return None
    if code == POST:
        return _SECTIONS["J"]
    letters = ["".join(sectors) for sectors in re.findall(r"(?:^|[_-])([A-U])|([A-SU])(?=\d{2})", code)]
    divisions = [int(number[:2]) for number in re.findall(r"\d{2,3}", code)]
    if any(not any(d in _DIVISIONS[letter] for letter in letters) for d in divisions):
        return None  # not a code of this revision: other editions write D01T03 for A01 to A03
    if "C" not in letters:
        sectors = {_SECTIONS.get(letter) for letter in letters}
    else:
        sectors = {_of_division(division) for division in divisions} if set(letters) == {"C"} else set()
    return sectors.pop() if len(sectors) == 1 else None


def section_of_division(division: int) -> str:
    """Letter of the section that a division belongs to; blank where there is none.

    Examples
    --------
    >>> from reestim.importers.isic import section_of_division
    >>> section_of_division(10), section_of_division(62)
    ('C', 'J')
    """
    return next((letter for letter, divisions in _DIVISIONS.items() if division in divisions), "")


def _of_division(division: int) -> str | None:
    return next((sector for first, last, sector in _MANUFACTURING if first <= division <= last), None)


def isic_industries(labels: Sequence[str]) -> pd.DataFrame | None:
    """Facts about industries (columns of ``industries_*.csv``) by their codes; None where a label is no such code."""
    sectors = {label: sector_of(label) for label in labels}
    if not labels or None in sectors.values():
        return None
    counts: Any = pd.Series(list(sectors.values())).value_counts()
    paper = pd.read_csv(_WIOD).drop_duplicates("sector").set_index("sector")["caliendo_parro"]
    rows = [
        (label, f"by its ISIC code: {sector}", sector, 1 / int(counts[sector]), paper[sector])
        for label, sector in sectors.items()
    ]
    return pd.DataFrame(rows, columns=["industry", "name", "sector", "ree_weight", "caliendo_parro"])
