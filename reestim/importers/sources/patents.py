"""Patents of any source: one row an application, with columns that the user names, to inventions.

A cell may hold several countries or classes (a list, or text with ``;;``, ``;`` or ``|``). Rows of one ``family`` are
one invention; without that column each row is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from reestim.errors import InputError, Problem, Problems
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.invention_files import TAKES as SHARED
from reestim.importers.invention_files import selection_of, write_inventions
from reestim.importers.inventions import UNKNOWN, Application, Applications
from reestim.importers.patent_columns import Reader, columns_of, strange_countries
from reestim.importers.records import Row, records, text_of, texts, values

EDITION = "patents with columns named by the user"
TAKES = (*SHARED, "columns")
TITLE = "the patents cannot be used"
_PIECE = 5_000
_SEVERAL = ("country", "cpc", "sector", "family", "year", "priority", "language", "office")
#: An application, the countries of its people, its classes, its sectors.
Parts = tuple[Application, list[str], list[str], list[str]]


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``patents.parquet`` and ``patent_shares.parquet`` from files with the columns of ``choices``.

    Raises InputError listing what is wrong with options, columns and cells.
    """
    problems = Problems()
    columns = problems.attempt(lambda: columns_of(choices.columns))
    if columns is None:
        raise InputError(problems, TITLE)
    rules = ["columns: " + ", ".join(f"{name}={column}" for name, column in columns.items())]
    if "family" not in columns:
        rules.append("no column of families: each row is an invention of its own")
    return read_rows(files, choices, work, columns, EDITION, rules, problems)


def read_rows(
    files: Sequence[Path],
    choices: ImportOptions,
    work: Path,
    columns: Mapping[str, str],
    edition: str,
    rules: Sequence[str],
    problems: Problems,
    residence: Mapping[str, str] | None = None,
    family_of_members: bool = False,
    optional: Mapping[str, str] | None = None,
) -> Imported:
    """Files with one row an application, whatever their kind, to inventions.

    columns : what is read -> column of the file, of ``patent_columns.KNOWN``. residence : country by the name of a
    person, where the files hold names in place of countries. family_of_members : the column of families lists the
    identifiers of all members. optional : as ``columns``, of columns that a file may lack.
    """
    chosen = selection_of(choices, problems, classes_to_sectors="cpc" in columns)
    if problems:
        raise InputError(problems, TITLE)
    strange: Counter[str] = Counter()
    more, words = optional or {}, []
    with Applications(work) as store:
        for path in files:
            reader = Reader(path.name)
            cells = records(path, list(dict.fromkeys(columns.values())), list(more.values()))
            rows = _parts(cells, {**columns, **more}, reader, residence, family_of_members)
            repeated = 0
            while piece := list(islice(rows, _PIECE)):
                repeated += store.add(application for application, *_ in piece)
                store.add_people((a.id, n, c) for a, people, _, _ in piece for n, c in enumerate(people))
                store.add_symbols((a.id, n, s) for a, _, symbols, _ in piece for n, s in enumerate(symbols))
                store.add_weights((a.id, s, 1.0) for a, _, _, sectors in piece for s in dict.fromkeys(sectors))
            if repeated:
                advice = "Give each application once; families are told by their column"
                problems.append(Problem(f"{repeated:,} identifiers are repeated", advice, file=path.name))
            if "priority" in more and not reader.priorities:
                words.append(f"{path.name} has no {more['priority']}: the year of a family is that of its own filings")
            problems += reader.all_problems()
            strange += reader.strange
        if problems:
            raise InputError(problems, TITLE)
        words += strange_countries(
            strange, "whose country is none of today" if residence is None else "not in --residence"
        )
        return write_inventions(store, chosen, work, edition, rules, words)


def _parts(
    rows: Iterator[tuple[int, Row]],
    columns: Mapping[str, str],
    reader: Reader,
    residence: Mapping[str, str] | None,
    family_of_members: bool,
) -> Iterator[Parts]:
    """Application, countries, classes and sectors of each row; a row without an identifier is a problem."""
    for number, row in rows:
        cells = {name: texts(row, columns[name]) for name in columns if name in _SEVERAL}
        identifier = str(next(iter(values(row, columns["id"])), "")).strip()
        if not identifier:
            reader.problem("the cell is empty", "Give each application an identifier", number, columns["id"], "")
            continue
        family = min([identifier, *cells["family"]]) if family_of_members else min(cells.get("family", []), default="")
        title, abstract = (text_of(row, columns[n]) if n in columns else ("", "") for n in ("title", "abstract"))
        tongue = next(iter(cells.get("language", [])), "").lower()[:2]
        year = reader.first_year(cells, number, columns)
        application = Application(
            identifier,
            "" if family in ("-1", "0") else family,  # how sources write that there is none
            year,
            next(iter(cells.get("office", [])), ""),
            title[0],
            title[1] or tongue,
            abstract[0],
            abstract[1] or tongue,
        )
        people = cells["country"]
        if residence is not None:
            reader.strange.update(name for name in people if name not in residence)
            countries = [residence.get(name, UNKNOWN + name) for name in people]
        else:
            countries = reader.countries(people, number, columns["country"])
        symbols = reader.symbols(cells.get("cpc", []), number, columns.get("cpc", ""))
        yield application, countries, symbols, cells.get("sector", [])
