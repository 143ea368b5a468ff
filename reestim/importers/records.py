"""Rows of a file of any kind as dictionaries, one at a time: CSV, TSV, JSON lines (also gzipped), Parquet, Excel.

A cell may hold several values: a list, or text with ``;;`` or ``;`` or ``|`` between them. A dot leads into what is
nested (``assignee_harmonized.country_code``).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reestim.errors import InputError, Problem
from reestim.importers.sheets import sheets_of
from reestim.importers.stream import DAMAGED, header, missing_columns, pieces, unreadable

_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx")
_ROWS = 20_000
_SEPARATORS = (";;", ";", "|")
_HALVES = re.compile(r"\\u[dD][89a-fA-F]")
Row = Mapping[str, Any]


def kind_of(path: Path) -> str:
    """The suffix that says what the file is, without ``.gz``. Raises InputError for a kind that is not read."""
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix not in _SUFFIXES or (path.name.lower().endswith(".gz") and suffix in (".parquet", ".xlsx")):
        advice = f"Give a file that ends in {', '.join(_SUFFIXES)}"
        raise InputError(Problem("this kind of file is not read", advice, file=path.name), "the file cannot be read")
    return suffix


def records(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, Row]]:
    """Number of the row, and its cells by the name of the column; memory does not grow with the file (Excel apart).

    Raises InputError where the file is damaged, or lacks one of ``columns`` (of a nested one: its first part); those of
    ``optional`` may be lacking.
    """
    suffix = kind_of(path)
    roots, more = (
        list(dict.fromkeys(column.split(".")[0] if nested(suffix) else column for column in names))
        for names in (columns, optional)
    )
    if suffix in (".csv", ".tsv"):
        separator = "," if suffix == ".csv" else "\t"
        there = header(path, path.name, separator)
        _refuse_missing(roots, there, path)
        for piece in pieces(path, path.name, [*roots, *(c for c in more if c in there)], separator, _ROWS):
            yield from _rows(piece)
    elif suffix == ".xlsx":
        yield from _excel(path, roots, more)
    elif suffix == ".parquet":
        yield from _parquet(path, roots, more)
    else:
        yield from _json_lines(path, roots)


def nested(suffix: str) -> bool:
    """Whether a dot in the name of a column leads into it."""
    return suffix in (".jsonl", ".json", ".parquet")


def values(row: Row, column: str) -> list[Any]:
    """All values of a column, through lists and nested objects; blank ones left out. A column of that very name counts
    first."""
    if column in row:
        found = [row[column]]
    else:
        found = [row]
        for part in column.split("."):
            found = [
                inner[part] for cell in found for inner in _flat(cell) if isinstance(inner, Mapping) and part in inner
            ]
    flat = [inner for cell in found for inner in _flat(cell)]
    return [value for value in flat if value is not None and value != "" and value == value]  # noqa: PLR0124 (NaN)


def texts(row: Row, column: str) -> list[str]:
    """Values as text, cut where a separator stands between several."""
    found: list[str] = []
    for value in values(row, column):
        text = _text(value)
        separator = next((s for s in _SEPARATORS if s in text), None)
        found += [part.strip() for part in (text.split(separator) if separator else [text]) if part.strip()]
    return found


def text_of(row: Row, column: str) -> tuple[str, str]:
    """A title or abstract and its language (blank: not said); of several versions the English one, else the first.

    A version is text, or an object with ``text`` and ``language``.
    """
    versions: list[tuple[str, str]] = []
    for value in values(row, column):
        if isinstance(value, Mapping):
            versions.append((_text(value.get("text") or ""), _text(value.get("language") or value.get("lang") or "")))
        else:
            versions.append((_text(value), ""))
    versions = [(text, language.lower()[:2]) for text, language in versions if text]
    return next((v for v in versions if v[1] == "en"), versions[0] if versions else ("", ""))


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _flat(cell: Any) -> list[Any]:
    if isinstance(cell, list | tuple) or type(cell).__name__ == "ndarray":
        return [inner for part in cell for inner in _flat(part)]
    return [cell]


def _rows(table: Any) -> Iterator[tuple[int, Row]]:
    names = list(table.columns)
    for number, *cells in table.itertuples(name=None):
        yield int(number), dict(zip(names, cells, strict=True))


def _refuse_missing(columns: Sequence[str], there: Sequence[str], path: Path) -> None:
    if missing := [column for column in columns if column not in there]:
        raise InputError(missing_columns(missing, there, path.name), "the file cannot be used")


def _excel(path: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[tuple[int, Row]]:
    sheets, problems = sheets_of(path)
    if problems:
        raise InputError(problems, "the file cannot be read")
    filled = {name: sheet for name, sheet in sheets.items() if not sheet.empty}
    if len(filled) != 1:
        problem = Problem(f"the workbook has {len(filled)} sheets", "Keep the one with the patents", file=path.name)
        raise InputError(problem, "the file cannot be used")
    sheet = next(iter(filled.values()))
    names = [str(cell) for cell in sheet.iloc[0]]
    _refuse_missing(columns, names, path)
    body = sheet.iloc[1:]
    body.columns = names
    yield from _rows(body[[*columns, *(column for column in optional if column in names)]])


def _parquet(path: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        file = pq.ParquetFile(path)
        there = file.schema_arrow.names
        _refuse_missing(columns, there, path)
        wanted = [*columns, *(column for column in optional if column in there)]
        for batch in file.iter_batches(batch_size=_ROWS, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (*DAMAGED, pa.ArrowException) as error:
        raise InputError(unreadable(error, path.name), "the file cannot be read") from None


def _json_lines(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    seen: set[str] = set()
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                row = _json_row(line, number, path)
                seen |= row.keys()
                yield number, row
    except DAMAGED as error:
        raise InputError(unreadable(error, path.name), "the file cannot be read") from None
    _refuse_missing(columns, sorted(seen), path)


def _json_row(line: str, number: int, path: Path) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        problem = Problem("the line is not a JSON object", "Write one JSON object a line", file=path.name, row=number)
        raise InputError(problem, "the file cannot be used")
    if _HALVES.search(line):
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            advice = "Write the character itself, or both its escapes"
            problem = Problem("half of a character (\\ud800 to \\udfff alone)", advice, file=path.name, row=number)
            raise InputError(problem, "the file cannot be used") from None
    return row
