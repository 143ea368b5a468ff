"""PatentsView: patents of the United States, bulk tables (TSV, zipped or not): granted (``g_``) or applied (``pg_``).

Residence: location of assignees or inventors. Classes: inventional CPC symbols, else the others. Utility patents only.
Publications of one application are one invention; tables are read in pieces and joined on disk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reestim.errors import Problem, Problems
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.invention_files import TAKES as SHARED
from reestim.importers.invention_files import selection_of, write_inventions
from reestim.importers.inventions import ADDITIONAL, UNKNOWN, Application, Applications
from reestim.importers.patent_columns import country_of, party_of, strange_countries
from reestim.importers.patent_tables import Tables, cells, find_tables, missing_tables, refuse, release_problems, whole
from reestim.importers.stream import header
from reestim.importers.technology import symbol_of

EDITION = "PatentsView bulk tables since 2022, granted patents (g_*.tsv) or applications (pg_*.tsv)"
TAKES = (*SHARED, "party")
_TITLE = "the tables of PatentsView cannot be used"
_GROUP, _SUBCLASS = "cpc_group", "cpc_subclass"
_PEOPLE = {"applicant": "assignee", "inventor": "inventor"}
_NAME = re.compile(r"(p?g_[a-z_]+?)(?:_disambiguated)?\.tsv(?:\.zip|\.gz)?")
_BEFORE = re.compile(r"(?:raw)?(?:patent|application|assignee|location|cpc_current)\.tsv(?:\.zip)?")


@dataclass(frozen=True)
class _Edition:
    """Names of tables and columns of granted patents, or of applications."""

    prefix: str
    id: str
    main: str
    title: str
    abstracts: str
    abstract: str
    filings: str
    classes: tuple[str, ...]

    def columns(self, people: str, symbol: str) -> dict[str, tuple[str, ...]]:
        """What is read of each table; ``symbol``: the column of classes."""
        main = {"g": ("patent_type",), "pg": ("application_id", "filing_date")}[self.prefix]
        return {
            self.main: (self.id, self.title, *main),
            self.abstracts: (self.id, self.abstract),
            **({self.filings: (self.id, "filing_date")} if self.filings != self.main else {}),
            f"{self.prefix}_location": ("location_id", "disambig_country"),
            f"{self.prefix}_{people}": (self.id, f"{people}_sequence", "location_id"),
            **{name: (self.id, "cpc_sequence", symbol, "cpc_type") for name in self.classes},
        }


_EDITIONS = {
    "g": _Edition(
        "g", "patent_id", "g_patent", "patent_title", "g_patent_abstract", "patent_abstract", "g_application",
        ("g_cpc_current",),
    ),
    "pg": _Edition(
        "pg", "pgpub_id", "pg_published_application", "application_title", "pg_published_application_abstract",
        "application_abstract", "pg_published_application", ("pg_cpc_current", "pg_cpc_at_issue"),
    ),
}  # fmt: skip


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``patents.parquet`` and ``patent_shares.parquet``.

    Raises InputError listing other editions, tables that are missing or there twice, missing columns, repeated patents,
    figures that are none, tables of different releases, and symbols that the concordance would lose.
    """
    problems = Problems()
    party = problems.attempt(lambda: party_of(choices)) or "applicant"
    people = _PEOPLE[party]
    applied = any(path.name.startswith("pg_") for path in files)
    edition = _EDITIONS["pg" if applied else "g"]
    symbol = problems.attempt(lambda: _symbol_column(files, edition)) or _GROUP
    columns = edition.columns(people, symbol)
    of_others = {f"{edition.prefix}_{other}": party for party, other in _PEOPLE.items() if other != people}
    unread = [path for path in files if _table_of(path) in of_others]
    files = [path for path in files if path not in unread]
    tables, own_problems = find_tables(files, columns, _table_of, _refusal, EDITION)
    problems += own_problems
    if edition.abstracts not in tables and edition.main in tables and applied:
        tables = _with_own_abstracts(tables, edition)
    wanted = [name for name in columns if name not in edition.classes] + ["|".join(edition.classes)]
    problems += missing_tables(tables, wanted, f"Give all of {', '.join(wanted)}, of one release", ".tsv")
    chosen = selection_of(choices, problems)
    refuse(problems, _TITLE)
    with Applications(work) as store:
        words = [f"{path.name} is not read: --party {of_others[_table_of(path)]} takes it" for path in unread]
        words += _fill(store, tables, edition, people, symbol)
        rules = [
            f"residence: location of each {people}; classes: inventional CPC symbols, else the others",
            "the concordance of CPC symbols is imputed (judged from titles); utility patents only",
        ]
        return write_inventions(store, chosen, work, EDITION, rules, words)


def _table_of(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match.group(1) if match else ""


def _refusal(path: Path) -> str:
    if _table_of(path).startswith("g_"):
        return "these are granted patents, the other tables are of applications, or it is not a table that is read"
    if _BEFORE.fullmatch(path.name):
        return "these are the tables as they were before 2022"
    return "this is not a table that is read"


def _with_own_abstracts(tables: Tables, edition: _Edition) -> Tables:
    """Releases of before 2025 have the abstracts in the table of applications."""
    return Tables({**tables.files, edition.abstracts: tables.files[edition.main]}, tables.columns)


def _symbol_column(files: Sequence[Path], edition: _Edition) -> str:
    """The column of groups (H01F1/057), or of subclasses (H01F) where a table has no other."""
    tables = [path for path in files if _table_of(path) in edition.classes]
    return _SUBCLASS if any({_GROUP, _SUBCLASS} & {*header(p, p.name, "\t")} == {_SUBCLASS} for p in tables) else _GROUP


def _fill(store: Applications, tables: Tables, edition: _Edition, people: str, symbol: str) -> list[str]:
    """Applications with title and year, their abstracts, people and classes; in words, what is left out."""
    problems: list[Problem] = []
    others, repeated, odd_dates = 0, 0, 0
    for piece in tables.pieces(edition.main):
        utility = piece["patent_type"] == "utility" if "patent_type" in piece else piece[edition.id] != ""
        others += int((~utility).sum())
        family = "application_id" if "application_id" in piece else edition.id
        rows = cells(piece[utility], edition.id, family, edition.title)
        repeated += store.add(Application(i, f, None, "US", title, "en", "", "en") for i, f, title in rows)
    if repeated:
        message = f"{repeated:,} patents are repeated"
        problems.append(Problem(message, "Download the table again", file=tables.name(edition.main)))
    for piece in tables.pieces(edition.filings):
        dated = piece["filing_date"].str.fullmatch(r"(?:19|20)\d\d-\d\d-\d\d")
        odd_dates += int((~dated).sum())
        year = piece["filing_date"][dated].str[:4].astype(int)
        store.set_years(cells(piece[dated].assign(filing_date=year), edition.id, "filing_date"))
    repeated = 0
    for piece in tables.pieces(edition.abstracts):
        with_abstract = piece[piece[edition.abstract] != ""]
        repeated += store.set_texts(
            "abstract", ((i, text, "en") for i, text in cells(with_abstract, edition.id, edition.abstract))
        )
    if repeated:
        message = f"{repeated:,} abstracts are repeated"
        problems.append(Problem(message, "Download the table again", file=tables.name(edition.abstracts)))
    problems += _people(store, tables, edition, people)
    problems += _classes(store, tables, edition, symbol)
    where = {
        "year": tables.name(edition.filings),
        "country": tables.name(f"{edition.prefix}_{people}"),
        "sector": tables.name(_class_table(tables, edition)),
    }
    refuse([*problems, *release_problems(store, where)], _TITLE)
    words = [f"patents that are not utility patents: {others:,}"] if others else []
    words += strange_countries(store.unknown_countries())
    return words + ([f"applications without a date: {odd_dates:,}"] if odd_dates else [])


def _people(store: Applications, tables: Tables, edition: _Edition, people: str) -> list[Problem]:
    problems: list[Problem] = []
    for piece in tables.pieces(f"{edition.prefix}_location"):
        codes = {code: country_of(code) or UNKNOWN + code for code in piece["disambig_country"].unique() if code}
        country = piece["disambig_country"].map(codes)
        store.add_places(cells(piece.assign(disambig_country=country).dropna(), "location_id", "disambig_country"))
    name = f"{edition.prefix}_{people}"
    for piece in tables.pieces(name):
        rank, own_problems = whole(piece[f"{people}_sequence"], tables.name(name))
        problems += own_problems
        store.add_people_at(cells(piece.assign(rank=rank), edition.id, "rank", "location_id"))
    return problems


def _classes(store: Applications, tables: Tables, edition: _Edition, column: str) -> list[Problem]:
    problems: list[Problem] = []
    name = _class_table(tables, edition)
    for piece in tables.pieces(name):
        rank, own_problems = whole(piece["cpc_sequence"], tables.name(name))
        problems += own_problems
        behind = (piece["cpc_type"] != "inventional") * ADDITIONAL
        symbols = {text: symbol_of(text) or text for text in piece[column].unique() if text}
        rows = piece.assign(rank=rank + behind, symbol=piece[column].map(symbols)).dropna()
        store.add_symbols(cells(rows, edition.id, "rank", "symbol"))
    return problems


def _class_table(tables: Tables, edition: _Edition) -> str:
    return next((name for name in edition.classes if name in tables), edition.classes[0])
