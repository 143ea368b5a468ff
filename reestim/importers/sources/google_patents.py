"""Google Patents Public Data (BigQuery, table ``patents-public-data.patents.publications``), exported as JSON lines.

``queries/google_patents.sql`` asks for what is read here. Residence: ``country_code`` within ``assignee_harmonized`` or
``inventor_harmonized``; the ``country_code`` of the publication is its office. Family: ``family_id`` (DOCDB).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reestim.errors import InputError, Problems
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.invention_files import TAKES as SHARED
from reestim.importers.patent_columns import party_of
from reestim.importers.sources.patents import TITLE, read_rows

EDITION = "patents-public-data.patents.publications, JSON lines"
TAKES = (*SHARED, "party")
QUERY = Path(__file__).resolve().parents[1] / "queries" / "google_patents.sql"
_PEOPLE = {"applicant": "assignee_harmonized.country_code", "inventor": "inventor_harmonized.country_code"}
_COLUMNS = {
    "id": "publication_number",
    "office": "country_code",
    "family": "family_id",
    "year": "filing_date",
    "title": "title_localized",
    "abstract": "abstract_localized",
    "cpc": "cpc.code",
}
#: Exports by the query of before did not have it.
_OPTIONAL = {"priority": "priority_date"}


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``patents.parquet`` and ``patent_shares.parquet``; year: the earliest filing or priority date of the family.

    Raises InputError listing what is wrong with options, fields and cells.
    """
    problems = Problems()
    party = problems.attempt(lambda: party_of(choices))
    if party is None:
        raise InputError(problems, TITLE)
    columns = {**_COLUMNS, "country": _PEOPLE[party]}
    rules = [f"residence: country of each {party} as harmonised by the source; families: DOCDB"]
    return read_rows(files, choices, work, columns, EDITION, rules, problems, optional=_OPTIONAL)
