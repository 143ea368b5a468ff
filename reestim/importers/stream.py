"""Large delimited files in pieces, as text cells with the number of their line: memory does not grow with the file.

Plain, gzipped, or the one member of a zip archive. A text in quotes may hold line breaks; the number is then that
of the record, not of the line.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd

from reestim.errors import InputError, Problem
from reestim.wording import closest

#: What reading a damaged, compressed or encrypted file raises.
DAMAGED = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
PIECE = 200_000
#: Cells of one kind that are wrong: so many are listed one by one for a piece.
LISTED = 20


def header(source: Path | IO[bytes], name: str, separator: str = ",") -> list[str]:
    """Names of the columns. Raises InputError for a file that is none."""
    try:
        head: Any = pd.read_csv(source, sep=separator, dtype=str, nrows=0, encoding="utf-8-sig")  # type: ignore[arg-type]
    except DAMAGED as error:
        raise InputError(unreadable(error, name), "the file cannot be read") from None
    return [str(column).strip() for column in head.columns]


def pieces(
    source: Path | IO[bytes], name: str, columns: Sequence[str], separator: str = ",", rows: int = PIECE
) -> Iterator[Any]:
    """Frames of the named columns, cells as stripped text, blank where empty; the index is the line.

    Raises InputError where columns are missing, lines have too many cells, or the text is not UTF-8.
    """
    try:
        reader: Any = pd.read_csv(
            source,
            sep=separator,
            dtype=str,
            chunksize=rows,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=None,
        )  # type: ignore[call-overload]
        with reader:
            for piece in reader:
                yield _checked(piece, name, columns)
    except DAMAGED as error:
        raise InputError(unreadable(error, name), "the file cannot be read") from None


def _checked(piece: Any, name: str, columns: Sequence[str]) -> Any:
    if not isinstance(piece.index, pd.RangeIndex):  # pandas took what is too much for labels of the rows
        problem = Problem("the rows have more cells than the header", "Download the file again", file=name)
        raise InputError(problem, "the file cannot be used")
    piece.columns = [str(column).strip() for column in piece.columns]
    if missing := [column for column in columns if column not in piece]:
        raise InputError(missing_columns(missing, list(piece.columns), name), "the file cannot be used")
    piece.index = piece.index + 2
    short = piece[list(columns)].isna().any(axis=1)
    if bool(short.any()):
        line = int(piece.index[short][0])
        problem = Problem("the row has too few cells", "Download the file again", file=name, row=line)
        raise InputError(problem, "the file cannot be used")
    return piece[list(columns)].apply(lambda cells: cells.str.strip())


def missing_columns(missing: Sequence[str], there: Sequence[str], name: str) -> list[Problem]:
    """A problem for each column that is not there."""
    return [
        Problem("the column is missing", closest(column, there), file=name, row=1, column=column) for column in missing
    ]


def numbers(
    cells: Any, name: str, *, may_be_empty: bool = False, blank: Sequence[str] = ("",)
) -> tuple[Any, list[Problem]]:
    """Figures of a column that are 0 or more; NaN where ``blank``. Of what is wrong, the first few and their number."""
    empty = cells.isin(list(blank))
    values = finite(cells.mask(empty))
    problems: list[Problem] = []
    for mask, message, advice in (
        (~empty & values.isna(), "not a number", "Download the file again"),
        (values < 0, "a negative figure", "Download the file again"),
        (empty & (not may_be_empty), "the cell is empty", "Download the file again"),
    ):
        problems += listed(mask, cells, message, advice, name)
    return values, problems


def finite(cells: Any) -> Any:
    """Cells as float64; NaN for what is not a finite number."""
    values: Any = pd.to_numeric(cells, errors="coerce")
    return values.astype(float).replace([float("inf"), -float("inf")], float("nan"))


def listed(mask: Any, cells: Any, message: str, advice: str, name: str) -> list[Problem]:
    """A problem for each row of the mask, the first few one by one."""
    wrong = cells[mask]
    problems = [
        Problem(message, advice, file=name, row=int(row), column=str(cells.name), value=value or None)
        for row, value in wrong.iloc[:LISTED].items()
    ]
    if len(wrong) > LISTED:
        more = f"{message}, in {len(wrong) - LISTED} further rows"
        problems.append(Problem(more, advice, file=name, column=str(cells.name)))
    return problems


def unreadable(error: Exception, name: str) -> Problem:
    """Why a file cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return Problem("the file is not UTF-8 text", "Download it again, as it was published", file=name)
    words = " ".join(str(error).split())[:120]
    return Problem(f"the file cannot be read ({words})", "Download it again, as it was published", file=name)
