"""Tables of a source that publishes patents as several files: which file is which, what they hold, read in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reestim.errors import InputError, Problem, Problems
from reestim.importers.inventions import Applications
from reestim.importers.stream import finite, header, listed, missing_columns, pieces

ROWS = 50_000
#: More applications than this share without a row in a table: the tables are of different releases.
MOST_LACKING = 0.5
_SEPARATORS = ("\t", ",", ";")


@dataclass(frozen=True)
class Tables:
    """Files by table (a table may come in parts), and the columns that are read of each."""

    files: Mapping[str, Sequence[tuple[Path, str]]]
    columns: Mapping[str, Sequence[str]]

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def pieces(self, name: str) -> Iterator[Any]:
        """Frames of text cells; the index is the line."""
        for path, separator in self.files[name]:
            yield from pieces(path, path.name, self.columns[name], separator, ROWS)

    def name(self, name: str) -> str:
        """Name of the file, for problems."""
        return self.files[name][0][0].name


def find_tables(
    files: Sequence[Path],
    columns: Mapping[str, Sequence[str]],
    table_of: Callable[[Path], str],
    refusal: Callable[[Path], str],
    edition: str,
    *,
    parts: bool = False,
) -> tuple[Tables, Problems]:
    """Files by table, their columns checked.

    table_of : name of the table by that of the file, blank for none. refusal : why a file is none that is read. parts :
    a table may come in several files.
    """
    tables: dict[str, list[tuple[Path, str]]] = {}
    problems = Problems()
    for path in files:
        name = table_of(path)
        if name not in columns:
            problems.append(Problem(refusal(path), f"Expected: {edition}: {', '.join(columns)}", file=path.name))
            continue
        if name in tables and not parts:
            problems.append(Problem("the table is there twice", "Give it once", file=path.name))
        there, separator = _header(path, problems)
        tables.setdefault(name, []).append((path, separator))
        if there is not None:
            problems += missing_columns([c for c in columns[name] if c not in there], there, path.name)
    return Tables(tables, columns), problems


def _header(path: Path, problems: Problems) -> tuple[list[str] | None, str]:
    """Columns and what separates them: that of three which gives most columns."""
    heads = [problems.attempt(lambda s=s: header(path, path.name, s)) for s in _SEPARATORS[:1]]
    if heads[0] is None:
        return None, "\t"
    best = max(_SEPARATORS, key=lambda separator: len(header(path, path.name, separator)))
    return header(path, path.name, best), best


def missing_tables(tables: Tables, wanted: Sequence[str], advice: str, suffix: str) -> list[Problem]:
    """A problem for each table that is not there; ``a|b`` stands for one of several."""
    return [
        Problem("the table is missing", advice, file=" or ".join(f"{name}{suffix}" for name in choice.split("|")))
        for choice in wanted
        if not any(name in tables for name in choice.split("|"))
    ]


def release_problems(store: Applications, where: Mapping[str, str]) -> list[Problem]:
    """Tables that lack most applications; where : year, country or sector -> name of the file."""
    lacking = store.lacking()
    return [
        Problem(f"{lacking[what] / lacking['applications']:.0%} of the patents have no {what} in it",
                "Use tables of one release", file=file)
        for what, file in where.items()
        if lacking["applications"] and lacking[what] > MOST_LACKING * lacking["applications"]
    ]  # fmt: skip


def cells(piece: Any, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Rows of these columns."""
    return zip(*(piece[column].tolist() for column in columns), strict=True)


def whole(column: Any, file: str) -> tuple[Any, list[Problem]]:
    """Whole numbers of a column, 0 where there is none, and what is wrong."""
    rank = finite(column)
    none = ~(rank.abs() < 2**53)
    return rank.mask(none, 0).astype(int), listed(none, column, "not a number", "Download the table again", file)


def refuse(problems: Sequence[Problem], title: str) -> None:
    """Raise what is wrong, if anything is."""
    if problems:
        raise InputError(problems, title)
