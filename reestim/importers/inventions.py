"""Applications of one or many offices joined on disk to inventions, each counted once: memory does not grow with them.

A temporary SQLite file holds what sources say of each application: text, year, where its people live, its classes. An
invention is a family of applications (``invention_files.py`` makes the files of it).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

#: What a table does not say of an application stays NULL. Places are countries behind an identifier of the source.
_SCHEMA = """
CREATE TABLE application (id TEXT PRIMARY KEY, family TEXT, year INTEGER, office TEXT, title TEXT, title_language TEXT,
                          abstract TEXT, abstract_language TEXT) WITHOUT ROWID;
CREATE TABLE place (place_id TEXT PRIMARY KEY, country TEXT) WITHOUT ROWID;
CREATE TABLE person (id TEXT, rank INTEGER, country TEXT);
CREATE TABLE symbol (id TEXT, rank INTEGER, symbol TEXT);
CREATE TABLE weight (id TEXT, sector TEXT, weight REAL);
CREATE TEMP TABLE wanted (id TEXT PRIMARY KEY, text TEXT, language TEXT) WITHOUT ROWID;
"""
_INDICES = """
CREATE INDEX family ON application (family, year, id);
CREATE INDEX person_of ON person (id);
CREATE INDEX symbol_of ON symbol (id);
CREATE INDEX weight_of ON weight (id);
"""


#: Begins the country of people whose code or name is that of no country: ``?SU``.
UNKNOWN = "?"
#: Rank from which on a class is additional information: it counts where an application has no other.
ADDITIONAL = 1_000_000


class Application(NamedTuple):
    """One application (or publication) as a source describes it; ``family`` blank: a family of its own."""

    id: str
    family: str
    year: int | None
    office: str
    title: str
    title_language: str
    abstract: str
    abstract_language: str

    @property
    def legibility(self) -> tuple[bool, bool, bool]:
        """What a text offers to who reads English: an English abstract, any abstract, an English title."""
        abstract = bool(self.abstract)
        english = abstract and self.abstract_language in ("", "en")
        return english, abstract, bool(self.title) and self.title_language in ("", "en")


@dataclass(frozen=True)
class Invention:
    """A family of applications. ``members``: earliest first, one without a year last. countries : of its people, as
    many times as there are people, in their order, some ``UNKNOWN``; symbols : classes in their order; weights :
    sectors that the source gives with their weights. All three are those of the earliest member that states any;
    ``all_symbols`` of all."""

    members: Sequence[Application]
    countries: Sequence[str]
    symbols: Sequence[str]
    weights: Sequence[tuple[str, float]]
    all_symbols: frozenset[str]

    @property
    def year(self) -> int | None:
        """The earliest of its members."""
        return self.members[0].year

    @property
    def text(self) -> Application:
        """The member whose title and abstract stand for all: English and with an abstract, then early."""
        return max(self.members, key=lambda member: member.legibility)


class Applications:
    """Applications by identifier, in a file of the folder it is given; use it as a context."""

    def __init__(self, folder: Path) -> None:
        self.path: Path = folder / "applications.sqlite"
        self.database: sqlite3.Connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-65536"):
            self.database.execute(f"PRAGMA {pragma}")
        self.database.executescript(_SCHEMA)

    def __enter__(self) -> Applications:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self.path.unlink(missing_ok=True)

    def add(self, rows: Iterable[Application]) -> int:
        """Insert applications; the number of those that were there already."""
        applications = list(rows)
        before = self.database.total_changes
        self._many("INSERT OR IGNORE INTO application VALUES (?, ?, ?, ?, ?, ?, ?, ?)", applications)
        return len(applications) - (self.database.total_changes - before)

    def set_years(self, rows: Iterable[tuple[str, int]]) -> None:
        """The year of each application; the earliest where there are several."""
        self._many("UPDATE application SET year = ?2 WHERE id = ?1 AND (year IS NULL OR year > ?2)", rows)

    def set_texts(self, column: str, rows: Iterable[tuple[str, str, str]]) -> int:
        """Title or abstract of each application, with its language; the number of those that had one already."""
        assert column in ("title", "abstract")
        texts = list(rows)
        self.database.execute("DELETE FROM wanted")
        before = self.database.total_changes
        self._many("INSERT OR IGNORE INTO wanted VALUES (?, ?, ?)", texts)
        repeated = len(texts) - (self.database.total_changes - before)
        there = f"SELECT COUNT(*) FROM wanted JOIN application USING (id) WHERE application.{column} <> ''"
        repeated += int(self.database.execute(there).fetchone()[0])
        self.database.execute(
            f"UPDATE application SET {column} = wanted.text, {column}_language = wanted.language "
            "FROM wanted WHERE wanted.id = application.id"
        )
        return repeated

    def add_places(self, rows: Iterable[tuple[str, str]]) -> None:
        """Country behind each identifier of a place or a person."""
        self._many("INSERT OR REPLACE INTO place VALUES (?, ?)", rows)

    def add_people_at(self, rows: Iterable[tuple[str, int, str]]) -> None:
        """Application, rank and place of each person; people whose place has no country are left out."""
        self._many("INSERT INTO person SELECT ?1, ?2, country FROM place WHERE place_id = ?3", rows)

    def add_people(self, rows: Iterable[tuple[str, int, str]]) -> None:
        """Application, rank and country of each person."""
        self._many("INSERT INTO person VALUES (?, ?, ?)", rows)

    def add_symbols(self, rows: Iterable[tuple[str, int, str]]) -> None:
        """Application, rank and class; a lower rank counts first."""
        self._many("INSERT INTO symbol VALUES (?, ?, ?)", rows)

    def add_weights(self, rows: Iterable[tuple[str, str, float]]) -> None:
        """Application, sector and weight, where the source says itself which sectors an application belongs to."""
        self._many("INSERT INTO weight VALUES (?, ?, ?)", rows)

    def lacking(self) -> dict[str, int]:
        """Number of applications, and of those without year, people with a country, classes or weights of sectors."""
        one = self.database.execute
        total = int(one("SELECT COUNT(*) FROM application").fetchone()[0])
        without = {
            "country": f"id NOT IN (SELECT id FROM person WHERE country NOT LIKE '{UNKNOWN}%')",
            "year": "year IS NULL",
            "sector": "id NOT IN (SELECT id FROM symbol) AND id NOT IN (SELECT id FROM weight)",
        }
        counts = {n: int(one(f"SELECT COUNT(*) FROM application WHERE {w}").fetchone()[0]) for n, w in without.items()}
        return {"applications": total, **counts}

    def countries(self) -> list[str]:
        """All countries of people."""
        countries = self.database.execute("SELECT DISTINCT country FROM person ORDER BY country")
        return [country for (country,) in countries if not country.startswith(UNKNOWN)]

    def unknown_countries(self) -> Counter[str]:
        """Codes and names that are those of no country, and how many people have them."""
        query = f"SELECT country, COUNT(*) FROM person WHERE country LIKE '{UNKNOWN}%' GROUP BY country"
        return Counter({text.removeprefix(UNKNOWN): n for text, n in self.database.execute(query)})

    def symbols(self) -> Iterator[tuple[str, int]]:
        """Each class and how many applications have it."""
        yield from self.database.execute("SELECT symbol, COUNT(DISTINCT id) FROM symbol GROUP BY symbol")

    def inventions(self) -> Iterator[Invention]:
        """Families of applications, one at a time, in the order of their identifiers."""
        self.database.execute("UPDATE application SET family = ' ' || id WHERE family = ''")  # no family begins so
        self.database.executescript(_INDICES)
        order = "SELECT * FROM application ORDER BY family, year IS NULL, year, id"
        with closing(self.database.execute(order)) as cursor:
            rows: Iterator[Any] = iter(cursor)
            for _, group in groupby(map(Application._make, rows), key=lambda row: row.family):
                yield self._invention(list(group))

    def _invention(self, members: list[Application]) -> Invention:
        people = self._first(members, "SELECT country FROM person WHERE id = ? ORDER BY rank, country")
        weights = self._first(members, "SELECT sector, SUM(weight) FROM weight WHERE id = ? GROUP BY sector")
        ranked = "SELECT symbol, MIN(rank) FROM symbol WHERE id = ? GROUP BY symbol ORDER BY MIN(rank), symbol"
        lists = [self.database.execute(ranked, (member.id,)).fetchall() for member in members]
        first = next((found for found in lists if found), [])
        symbols = [symbol for symbol, rank in first if rank < ADDITIONAL] or [symbol for symbol, _ in first]
        every = frozenset(symbol for found in lists for symbol, _ in found)
        return Invention(members, [country for (country,) in people], symbols, weights, every)

    def _first(self, members: Sequence[Application], query: str) -> list[Any]:
        """What the earliest member that states anything states."""
        return next((found for m in members if (found := self.database.execute(query, (m.id,)).fetchall())), [])

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self.database.execute("BEGIN")
        self.database.executemany(statement, rows)
        self.database.execute("COMMIT")
