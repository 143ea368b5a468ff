"""Tables that people type or export themselves: commas, semicolons or tabs between columns, decimal commas, Excel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reestim.data.read import decode, read_bytes, read_table
from reestim.errors import Problem
from reestim.importers.sheets import sheets_of, table_below

#: Thousands in groups of three: what a comma may mean beside a decimal sign.
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+")


def read_own_columns(path: Path, columns: Sequence[str], number: str) -> tuple[Any, list[Problem]]:
    """The columns of a CSV file or workbook as text cells (index: lines), or None, and everything wrong with it.

    What separates columns is what stands in the header. Commas in the column ``number`` are decimal signs where they do
    not separate columns and cannot all stand before thousands.
    """
    table, problems, separator = _workbook(path, columns) if path.suffix.lower() == ".xlsx" else _text(path)
    if table is None:
        return None, problems
    missing = [name for name in columns if name not in table]
    advice = f"The file needs {', '.join(columns)}"
    problems += [Problem("the column is missing", advice, file=path.name, row=1, column=name) for name in missing]
    if missing:
        return None, problems
    if separator != ",":
        table[number], own_problems = _with_points(table[number], path.name)
        problems += own_problems
    return table, problems


def _text(path: Path) -> tuple[Any, list[Problem], str]:
    raw, problems = read_bytes(path)
    text, more = decode(raw, path.name) if raw is not None else (None, [])
    if text is None:
        return None, [*problems, *more], ","
    header = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((mark for mark in ";\t" if mark in header and "," not in header), ",")
    table, found = read_table(text, path.name, separator=separator)
    return table, found, separator


def _workbook(path: Path, columns: Sequence[str]) -> tuple[Any, list[Problem], str]:
    """The first sheet that has the columns; numbers of a workbook have their decimal sign already."""
    sheets, problems = sheets_of(path)
    for sheet in sheets.values():
        table = table_below(sheet, columns)
        if table is not None:
            return table, problems, ","
    if not problems:
        advice = f"One sheet needs {', '.join(columns)} in one of its first lines"
        problems = [Problem("no sheet has the columns", advice, file=path.name, value=", ".join(sheets))]
    return None, problems, ","


def _with_points(cells: Any, file: str) -> tuple[Any, list[Problem]]:
    commas = cells[cells.str.contains(",", regex=False)]
    if len(commas) and commas.map(lambda cell: bool(_GROUPED.fullmatch(cell))).all():
        message = "commas may be decimal signs or stand before thousands"
        advice = "Write a decimal point, and nothing before thousands"
        place: Any = {"file": file, "row": int(commas.index[0]), "column": str(cells.name), "value": commas.iloc[0]}
        return cells, [Problem(message, advice, **place)]
    return cells.where(cells.str.contains(".", regex=False), cells.str.replace(",", ".", regex=False)), []
