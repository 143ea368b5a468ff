"""Joins tables of patents on disk: memory does not grow with their number.

A temporary SQLite file holds one row a patent; the largest table, the abstracts, is only read past it, piece by piece.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

#: One row a patent; what a table does not say of it stays NULL.
_SCHEMA = """
CREATE TABLE patent (patent_id TEXT PRIMARY KEY, title TEXT, year INTEGER, country TEXT, country_rank INTEGER,
                     sector TEXT, sector_rank INTEGER, done INTEGER DEFAULT 0) WITHOUT ROWID;
CREATE TEMP TABLE wanted (patent_id TEXT PRIMARY KEY, abstract TEXT) WITHOUT ROWID;
"""
_COMPLETE = "year IS NOT NULL AND country IS NOT NULL AND sector IS NOT NULL"
Row = tuple[str, str, str, int, str, str]  # patent_id, country, sector, year, title, abstract


class PatentJoin:
    """Patents by identifier, in a file of the folder it is given; use it as a context."""

    def __init__(self, folder: Path) -> None:
        self.path: Path = folder / "patents.sqlite"
        self.database: sqlite3.Connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-65536"):
            self.database.execute(f"PRAGMA {pragma}")
        self.database.executescript(_SCHEMA)

    def __enter__(self) -> PatentJoin:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self.path.unlink(missing_ok=True)

    def add_patents(self, rows: Iterable[tuple[str, str]]) -> int:
        """Insert identifier and title; the number of those that were there already."""
        given = list(rows)
        before = self.database.total_changes
        self._many("INSERT OR IGNORE INTO patent (patent_id, title) VALUES (?, ?)", given)
        return len(given) - (self.database.total_changes - before)

    def set_years(self, rows: Iterable[tuple[str, int]]) -> None:
        """The year of each patent; the earliest where there are several."""
        self._many(
            "UPDATE patent SET year = ?2 WHERE patent_id = ?1 AND (year IS NULL OR year > ?2)",
            rows,
        )

    def set_first(self, column: str, rows: Iterable[tuple[str, str, int]]) -> None:
        """Country or sector of each patent, that of the lowest rank."""
        assert column in ("country", "sector")
        self._many(
            f"UPDATE patent SET {column} = ?2, {column}_rank = ?3 "
            f"WHERE patent_id = ?1 AND ({column}_rank IS NULL OR {column}_rank > ?3)",
            rows,
        )

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self.database.execute("BEGIN")
        self.database.executemany(statement, rows)
        self.database.execute("COMMIT")

    def lacking(self) -> Mapping[str, int]:
        """Number of patents, and of those without year, country, sector."""
        names = ("year", "country", "sector")
        counts = ", ".join(f"SUM({name} IS NULL)" for name in names)
        total, *missing = self.database.execute(f"SELECT COUNT(*), {counts} FROM patent").fetchone()
        return {"patents": total, **{name: int(n or 0) for name, n in zip(names, missing, strict=True)}}

    def countries(self) -> list[str]:
        """Countries of complete patents."""
        found = self.database.execute(f"SELECT DISTINCT country FROM patent WHERE {_COMPLETE} ORDER BY country")
        return [country for (country,) in found]

    def with_abstracts(self, abstracts: Iterable[tuple[str, str]]) -> tuple[list[Row], int]:
        """Complete patents of one piece of abstracts, and how many of them had an abstract already."""
        given = list(abstracts)
        self.database.execute("DELETE FROM wanted")
        before = self.database.total_changes
        self._many("INSERT OR IGNORE INTO wanted VALUES (?, ?)", given)
        repeated = len(given) - (self.database.total_changes - before)
        join = f"FROM wanted JOIN patent USING (patent_id) WHERE {_COMPLETE}"
        repeated += self.database.execute(f"SELECT COUNT(*) {join} AND done").fetchone()[0]
        fields = "patent_id, country, sector, year, title, wanted.abstract"
        rows = self.database.execute(f"SELECT {fields} {join} AND NOT done").fetchall()
        self.database.execute("UPDATE patent SET done = 1 WHERE patent_id IN (SELECT patent_id FROM wanted)")
        return rows, repeated

    def without_abstract(self, size: int) -> Iterator[list[Row]]:
        """Complete patents that no abstract came for, in pieces."""
        fields = "patent_id, country, sector, year, title, ''"
        with closing(self.database.execute(f"SELECT {fields} FROM patent WHERE {_COMPLETE} AND NOT done")) as cursor:
            while rows := cursor.fetchmany(size):
                yield rows
