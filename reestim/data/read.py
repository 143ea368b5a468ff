"""Read one CSV file into a frame whose index is the line number an editor shows, and say what is wrong with it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from reestim.errors import InputError, Problem
from reestim.io.files import bytes_of, stays_inside

Kind = Literal["text", "number", "integer", "boolean"]

#: Beyond this, or nearer to 0 than its inverse, no figure has a meaning, and squares and ratios of it have no number.
LARGEST_FIGURE = 1e100
_LARGEST_EXACT_INTEGER = 2.0**53


def gaps(years: Iterable[int]) -> list[str]:
    """Years between those given that are not among them: ``2013``, or ``2013 to 2015`` where several follow."""
    pairs = pairwise(sorted({int(year) for year in years}))
    return [f"{a + 1} to {b - 1}" if b - a > 2 else str(a + 1) for a, b in pairs if b - a > 1]


def read_bytes(path: Path, folder: Path | None = None) -> tuple[bytes | None, list[Problem]]:
    """Content of a file. With ``folder`` it must lie inside, links resolved; without, links are not checked."""
    try:
        if folder is not None and not stays_inside(folder, path.name):
            message, advice = "the file is a link that leaves the dataset folder", "Copy the file into the folder"
            return None, [Problem(message, advice, file=path.name)]
        return bytes_of(path), []
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message, advice = f"the file cannot be read ({reason})", "Check that it is a file and that you may read it"
        return None, [Problem(message, advice, file=path.name)]


def decode(raw: bytes, file: str) -> tuple[str | None, list[Problem]]:
    """Text of a UTF-8 file, with or without a byte-order mark; of another one by the encoding of `other_encoding`."""
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
    chosen = _other.get()
    if chosen is None:
        return None, [_not_utf8(raw, file, line)]
    try:
        return raw.decode(chosen), []
    except UnicodeError as error:
        advice = f"Say another --encoding ({', '.join(ENCODINGS)}), or save it again as UTF-8"
        problem = Problem(f"the file is neither UTF-8 nor {chosen} ({error})", advice, file=file, row=line)
        return None, [problem]


#: Encodings that spreadsheets write where they do not write UTF-8, the likeliest first.
ENCODINGS = ("cp1252", "mac_roman", "cp1250", "gb18030", "shift_jis", "euc_kr", "utf-16")
_other: ContextVar[str | None] = ContextVar("encoding of files that are not UTF-8", default=None)


@contextmanager
def other_encoding(name: str | None) -> Generator[None]:
    """Read files that are not UTF-8 in the encoding ``name``; None: they are refused. Files in UTF-8 stay as they are.

    Raises
    ------
    InputError
        Where Python knows no encoding of that name.
    """
    if name is not None:
        try:
            codecs.lookup(name)
        except LookupError:
            advice = f"Name one of {', '.join(ENCODINGS)}, or another one of Python's"
            raise InputError(Problem("the encoding is unknown", advice, column="--encoding", value=name)) from None
    token = _other.set(name)
    try:
        yield
    finally:
        _other.reset(token)


def _not_utf8(raw: bytes, file: str, line: int) -> Problem:
    """The question what a file is, with the line as the likeliest encoding reads it."""
    guess = "utf-16" if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ENCODINGS[0]
    shown = raw.decode(guess, errors="replace").splitlines()
    text = shown[min(line, len(shown)) - 1][:60] if shown else ""
    advice = (
        f"Save it again as UTF-8 (in a spreadsheet: 'CSV UTF-8'). As {guess} the line is {text!r}: if that is right, "
        f"`data build` and `data import` take --encoding {guess}; others: {', '.join(ENCODINGS)}"
    )
    return Problem("the file is not UTF-8 text", advice, file=file, row=line)


def read_cells(path: Path, may_lack: Callable[[str], bool] | None = None) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Cells of a CSV file that the user names, as ``read_table`` gives them, and what is wrong with it as a file."""
    raw, problems = read_bytes(path)
    text, more = decode(raw, path.name) if raw is not None else (None, [])
    cells, table_problems = read_table(text, path.name, may_lack) if text is not None else (None, [])
    return cells, [*problems, *more, *table_problems]


def read_table(
    text: str, file: str, may_lack: Callable[[str], bool] | None = None, separator: str = ","
) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Cells as text, blanks stripped, index = line number in an editor (the header is line 1).

    Returns None when the file has no usable shape (empty, broken quotes, a repeated column name); rows of the wrong
    length are reported and left out, unless ``may_lack`` says of the names of all columns that are wanting at their end
    that they may be empty. Blank lines are skipped.
    """
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        advice = "The file is damaged or not a CSV file: export it again"
        return None, [Problem("the file contains a NUL byte", advice, file=file, row=line)]
    problems: list[Problem] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    header: list[str] | None = None
    lines: list[int] = []
    rows: list[list[str]] = []
    line = 1
    try:
        for record in reader:
            start, line = line, reader.line_num + 1
            cells = [cell.strip() for cell in record]
            if not any(cells):
                continue
            if header is None:
                header = cells
                continue
            if may_lack is not None and len(cells) < len(header) and all(map(may_lack, header[len(cells) :])):
                cells += [""] * (len(header) - len(cells))
            if len(cells) != len(header):
                advice = f"The header has {len(header)} columns, this row {len(cells)}: check commas and quotes"
                problems.append(Problem("the row has the wrong number of cells", advice, file=file, row=start))
            else:
                lines.append(start)
                rows.append(cells)
    except csv.Error as error:
        advice = "Check the quotes on that line; a text that contains a quote or a comma stands in quotes"
        return None, [*problems, Problem(f"the CSV is broken ({error})", advice, file=file, row=line)]
    if header is None:
        return None, [Problem("the file is empty", "Give it at least its header line", file=file)]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|" if mark != separator):
        message, advice = "the columns are not separated by commas", "Save the file with commas between the columns"
        return None, [Problem(message, advice, file=file, row=1, value=header[0])]
    repeated = {name for name in header if header.count(name) > 1}
    for name in sorted(repeated):
        problems.append(Problem("the column appears twice", "Keep one of them", file=file, row=1, column=name))
    if repeated:
        return None, problems
    table = pd.DataFrame(np.array(rows, dtype=object).reshape(len(rows), len(header)), columns=header, index=lines)
    return table, problems


def parse_column(
    cells: pd.Series, kind: Kind, *, file: str, may_be_empty: bool
) -> tuple[pd.Series, list[Problem], set[int]]:
    """Typed column (float64, int64, bool or str), the problems, and the lines whose cell could not be used.

    A cell that cannot be used becomes NaN, 0, False or ``""``; the caller keeps its line out of what follows.
    """
    problems: list[Problem] = []
    empty: Any = cells == ""
    bad: Any = pd.Series(False, index=cells.index)

    def report(mask: Any, message: str, advice: str) -> None:
        nonlocal bad
        for row in cells.index[mask & ~bad]:
            value = cells[row] or None
            problems.append(Problem(message, advice, file=file, row=int(row), column=str(cells.name), value=value))
        bad = bad | mask

    if not may_be_empty:
        report(empty, "the cell is empty", "Fill it in, or leave the whole row out")
    if kind == "text":
        return cells.astype("str"), problems, {int(row) for row in cells.index[bad]}
    if kind == "boolean":
        lower: Any = cells.str.lower()
        report(~empty & ~lower.isin(["true", "false"]), "neither true nor false", "Write true or false")
        return lower == "true", problems, {int(row) for row in cells.index[bad]}

    converted: Any = pd.to_numeric(cells.mask(empty), errors="coerce")
    numbers = converted.astype(float)
    report(~empty & numbers.isna(), "not a number", "Write a plain number with a decimal point, no unit, no spaces")
    report(~empty & np.isinf(numbers), "not a finite number", "Write a plain finite number")
    size = numbers.abs()
    report(size > LARGEST_FIGURE, "the number is too large", f"No figure is beyond {LARGEST_FIGURE:g}: check it")
    report(
        (size > 0) & (size < 1 / LARGEST_FIGURE),
        "the number is too small",
        f"Write 0 for less than {1 / LARGEST_FIGURE:g}",
    )
    if kind == "integer":
        whole = (numbers == np.floor(numbers)) & (numbers.abs() <= _LARGEST_EXACT_INTEGER)
        report(~empty & ~bad & ~whole, "not a whole number", "Counts and years are whole numbers")
        if may_be_empty and bool(empty.any()):
            return numbers.mask(bad), problems, {int(row) for row in cells.index[bad]}
        return numbers.mask(bad, 0.0).fillna(0.0).astype("int64"), problems, {int(row) for row in cells.index[bad]}
    return numbers.mask(bad), problems, {int(row) for row in cells.index[bad]}
