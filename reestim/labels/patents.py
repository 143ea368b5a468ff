"""Read patents from CSV, JSON lines or Parquet into one checked table, every problem with its row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.read import decode, parse_column, read_bytes, read_cells
from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.io.files import lines_of
from reestim.wording import closest

COLUMNS = ("patent_id", COUNTRY, SECTOR, YEAR, "title", "abstract")
HUMAN = "human_label"
_SUFFIXES = (".csv", ".jsonl", ".parquet")
#: Abstracts have a few hundred words; a text of this length is a whole patent, or a file that came apart.
LONGEST_TEXT = 20_000
CORPUS = Path(__file__).parent / "corpus"


def read_patents(path: str | Path, *, human_labels: bool = False, also: Sequence[str] = ()) -> pd.DataFrame:
    r"""Read patents from a file into one table.

    Parameters
    ----------
    path
        ``.csv``, ``.jsonl`` (one JSON object a line) or ``.parquet``; or a folder with ``patents`` in one of these.
    human_labels
        Require the column ``human_label`` too: a label of the taxonomy, or empty where nobody judged yet.
    also
        Further text columns to require and keep.

    Returns
    -------
    pandas.DataFrame
        Columns ``patent_id, country, sector, year, title, abstract`` (text, year int64), then ``human_label`` and
        ``hard`` where the file has them; further columns are left out. Title or abstract may be empty, but one of the
        two columns must be there. The index is the row of the file as an editor counts it.

    Raises
    ------
    InputError
        Listing everything wrong: missing columns, empty cells, years that are none, repeated identifiers, broken lines.

    Examples
    --------
    >>> import reestim as ree
    >>> _ = (folder / "patents.csv").write_text(
    ...     "patent_id,country,sector,year,title,abstract\nP1,JPN,machinery,2011,Motor,A motor without magnets.\n"
    ... )
    >>> ree.read_patents(folder / "patents.csv")["year"].tolist()
    [2011]
    """
    path = Path(path)
    if path.is_dir():
        path = next(
            (path / f"patents{s}" for s in _SUFFIXES if (path / f"patents{s}").is_file()), path / "patents.jsonl"
        )
    cells, problems = _cells(path)
    if cells is None:
        raise InputError(problems, "the patents cannot be read")
    table, cell_problems = _checked(cells, path.name, [*([HUMAN] if human_labels else []), *also])
    if problems or cell_problems:
        raise InputError([*problems, *cell_problems], "the patents cannot be used")
    return table


def read_corpus() -> pd.DataFrame:
    """Short patent-like texts written for REEstim, with their labels: what the offline labeller learns from.

    They are not patents.

    Returns
    -------
    pandas.DataFrame
        As of `reestim.read_patents`; ``hard`` names what makes a text hard (recycling, boilerplate, ...), else empty.
    """
    parts = [read_patents(path, human_labels=True) for path in sorted(CORPUS.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True)


def corpus_groups(corpus: pd.DataFrame, by: str) -> list[str]:
    """Group of each text of the corpus.

    Parameters
    ----------
    corpus
        From `read_corpus`.
    by
        ``"field"`` of technology, or ``"kind"`` of what makes it hard ("plain").

    Returns
    -------
    list of str
        One a text.

    Raises
    ------
    InputError
        If ``by`` is neither.
    """
    if by == "field":
        return [str(identifier).split("-")[1] for identifier in corpus["patent_id"]]
    if by == "kind":
        return [str(kind) or "plain" for kind in corpus["hard"]]
    advice = f"The corpus has groups by field and by kind. {closest(by, ('field', 'kind'))}"
    raise InputError(
        Problem("the corpus has no such groups", advice, column="--leave-out", value=by), "nothing was left out"
    )


def _cells(path: Path) -> tuple[pd.DataFrame | None, list[Problem]]:
    """The file as cells of text; the index is the row."""
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        advice = f"Give a file that ends in {', '.join(_SUFFIXES)}."
        return None, [Problem("this kind of file is not read", advice, file=path.name)]
    if not path.is_file():
        here = [p.name for p in sorted(path.parent.glob("*")) if p.suffix in _SUFFIXES] if path.parent.is_dir() else []
        advice = closest(path.name, here) if here else "Check the path; it is seen from the working directory."
        return None, [Problem("there is no such file", advice, file=str(path))]
    if suffix == ".parquet":
        return _parquet(path)
    if suffix == ".csv":
        return read_cells(path)
    raw, problems = read_bytes(path)
    text, text_problems = decode(raw, path.name) if raw is not None else (None, problems)
    return _json_lines(text, path.name) if text is not None else (None, text_problems)


def _json_lines(text: str, file: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    problems: list[Problem] = []
    rows: dict[int, dict[str, str]] = {}
    for number, line in enumerate(lines_of(text), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            problems.append(Problem("the line is not JSON", "Write one JSON object a line.", file=file, row=number))
            continue
        if not isinstance(record, dict):
            advice = 'Write {"patent_id": ..., "title": ..., ...}.'
            problems.append(Problem("the line is not a JSON object", advice, file=file, row=number))
            continue
        cells = {str(key): _as_cell(value) for key, value in record.items()}
        if any(_half_character(text) for text in (*cells, *cells.values())):
            advice = "Write the character itself, or both its escapes."
            problems.append(Problem("half of a character (\\ud800 to \\udfff alone)", advice, file=file, row=number))
            continue
        rows[number] = cells
    if not rows:
        return None, problems or [Problem("the file is empty", "Write one JSON object a line.", file=file)]
    return pd.DataFrame.from_dict(rows, orient="index").fillna(""), problems


def _half_character(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _parquet(path: Path) -> tuple[pd.DataFrame | None, list[Problem]]:
    try:
        table = pd.read_parquet(path)
    except ImportError:
        advice = "Install pyarrow, or save the patents as .csv or .jsonl."
        return None, [Problem("Parquet files need the package pyarrow", advice, file=path.name)]
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        reason = type(error).__name__
        return None, [Problem(f"the file is not Parquet ({reason})", "Export it again.", file=path.name)]
    try:
        columns = {str(name): [_as_cell(value) for value in table[name]] for name in table.columns}
    except UnicodeDecodeError:  # text is looked at when it is taken out
        return None, [Problem("the file holds text that is not UTF-8", "Export it again.", file=path.name)]
    return pd.DataFrame(columns, index=np.arange(1, len(table) + 1)), []


def _as_cell(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a year that a spreadsheet made 2010.0
    return str(value).strip()


def _checked(cells: pd.DataFrame, file: str, more: Sequence[str]) -> tuple[pd.DataFrame, list[Problem]]:
    wanted = [*COLUMNS, *more]
    missing = [name for name in wanted if name not in cells.columns]
    problems = [
        Problem("the column is missing", f"Add it. {closest(name, map(str, cells.columns))}", file=file, column=name)
        for name in missing
    ]
    columns = [name for name in dict.fromkeys((*wanted, HUMAN, "hard")) if name in cells.columns]
    typed: dict[str, Any] = {}
    no_year: set[int] = set()
    for name in columns:
        optional = name in ("title", "abstract", "hard") or name.startswith(HUMAN)
        kind = "integer" if name == YEAR else "text"
        column: Any = cells[name]
        typed[name], column_problems, unusable = parse_column(column, kind, file=file, may_be_empty=optional)
        problems += column_problems
        no_year |= unusable if name == YEAR else set()
    table = pd.DataFrame(typed, index=cells.index)
    if len(table) == 0:
        problems.append(Problem("there are no patents in the file", "Give at least one row.", file=file))
    problems += _cell_problems(table, file, no_year)
    return table, problems


def _cell_problems(table: pd.DataFrame, file: str, no_year: set[int]) -> Iterable[Problem]:
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for row, identifier in _column(table, "patent_id"):
        if identifier and identifier in first:
            advice = f"Keep one of rows {first[identifier]} and {row}"
            problems.append(_at(file, row, "patent_id", identifier, "the patent is there twice", advice))
        first.setdefault(identifier, row)
    for row, year in _column(table, YEAR):
        if row not in no_year and not 1800 <= year <= 2100:
            problems.append(_at(file, row, YEAR, int(year), "a year must lie between 1800 and 2100", "Correct it"))
    for name in ("title", "abstract"):
        for row, text in _column(table, name):
            if len(text) > LONGEST_TEXT:
                advice = "Give title and abstract, not the whole patent"
                problems.append(
                    _at(file, row, name, f"{text[:40]}...", f"longer than {LONGEST_TEXT} characters", advice)
                )
    for name in (str(column) for column in table if str(column).startswith(HUMAN)):
        for row, label in _column(table, name):
            if label and label not in LABELS:
                problems.append(_at(file, row, name, label, "unknown label", closest(label, LABELS)))
    return problems


def _column(table: pd.DataFrame, name: str) -> list[tuple[int, Any]]:
    """Row and cell of a column; nothing where the file lacks it."""
    return [(int(str(row)), cell) for row, cell in zip(table.index, table[name], strict=True)] if name in table else []


def _at(file: str, row: int, column: str, value: object, message: str, advice: str) -> Problem:
    return Problem(message, advice, file=file, row=row, column=column, value=value)
