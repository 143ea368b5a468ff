"""Sheets of a workbook as text cells: the table below the line that has the names asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.errors import Problem

#: A title, units and empty lines may stand above the names of the columns.
_HEADER_WITHIN = 12


def sheets_of(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """All sheets as text cells without names of columns (index: lines, columns: numbers), blank where empty."""
    try:
        engine: Any = "openpyxl" if path.suffix.lower() == ".xlsx" else None  # whatever else is installed
        raw: Any = pd.read_excel(path, sheet_name=None, header=None, dtype=object, engine=engine)
    except Exception as error:  # a damaged workbook raises what its zip, its XML or openpyxl think of
        advice = "Download it again; it must be an .xlsx workbook"
        return {}, [Problem(f"the workbook cannot be read ({type(error).__name__})", advice, file=path.name)]
    return {str(name): _text(sheet) for name, sheet in raw.items()}, []


def table_below(sheet: Any, names: Sequence[str], simple: Callable[[str], str] = str.strip) -> Any:
    """The table whose first line holds all ``names`` (compared after ``simple``), or None; index: lines."""
    for line in sheet.index[:_HEADER_WITHIN]:
        heads = [simple(cell) for cell in sheet.loc[line]]
        if set(names) <= set(heads):
            body = sheet.loc[line + 1 :]
            kept = [n for n, head in enumerate(heads) if head and head not in heads[:n]]
            table = body.iloc[:, kept].copy()
            table.columns = pd.Index([heads[n] for n in kept])
            return table[(table != "").any(axis=1)]
    return None


def _text(sheet: Any) -> Any:
    cells = sheet.map(lambda v: "" if pd.isna(v) else _plain(v))
    cells.index = range(1, len(cells) + 1)
    return cells


def _plain(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
