"""Lens.org: patents exported as CSV, with names of applicants and inventors and no residence of theirs.

Where people live comes from a file of the user (``--residence``: CSV name,country), never from ``Jurisdiction``, the
office. Family: the simple family; year: the earliest application or priority date of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reestim.errors import InputError, Problem, Problems
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.invention_files import TAKES as SHARED
from reestim.importers.mapping import read_columns
from reestim.importers.patent_columns import country_of, party_of
from reestim.importers.sources.patents import TITLE, read_rows

EDITION = "Lens.org, export of patents as CSV"
TAKES = (*SHARED, "party", "residence")
_COLUMNS = {
    "id": "Display Key",
    "office": "Jurisdiction",
    "family": "Simple Family Members",
    "year": "Application Date",
    "title": "Title",
    "abstract": "Abstract",
    "cpc": "CPC Classifications",
}
_OPTIONAL = {"priority": "Earliest Priority Date"}
_PEOPLE = {"applicant": "Applicants", "inventor": "Inventors"}


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``patents.parquet`` and ``patent_shares.parquet``; people whom ``--residence`` does not name are counted.

    Raises InputError listing what is wrong with options, the file of residences, columns and cells.
    """
    problems = Problems()
    party = problems.attempt(lambda: party_of(choices))
    residence = problems.attempt(lambda: _residence(choices.residence))
    if party is None or residence is None:
        raise InputError(problems, TITLE)
    columns = {**_COLUMNS, "country": _PEOPLE[party]}
    rules = [f"residence: of each {party} by --residence, as the source gives none; families: simple families"]
    return read_rows(
        files, choices, work, columns, EDITION, rules, problems, residence, family_of_members=True, optional=_OPTIONAL
    )


def _residence(path: Path | None) -> dict[str, str]:
    """Name -> alpha-3 code. Raises InputError for a file that is missing or wrong."""
    if path is None:
        advice = "Give a CSV name,country, or use the Lens API (residence) with `data import patents`"
        message = "exports of Lens.org do not say where applicants or inventors live"
        raise InputError(Problem(message, advice, column="--residence"), TITLE)
    cells, problems = read_columns(path, ("name", "country"))
    country_of_name: dict[str, str] = {}
    for row, name, country in cells[["name", "country"]].itertuples() if cells is not None else ():
        place: Any = {"file": path.name, "row": int(row)}
        code = country_of(country)
        if code is None:
            advice = "Write a code of ISO 3166, like JPN"
            problems.append(Problem("not a country", advice, **place, column="country", value=country))
        elif name in country_of_name:
            problems.append(Problem("the name is there twice", "Keep one row", **place, column="name", value=name))
        else:
            country_of_name[name] = code
    if problems:
        raise InputError(problems, "the residences cannot be used")
    return country_of_name
