"""The tables of a dataset while they are checked: what is known to be wrong in them is not checked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class PartialTables:
    """Typed tables indexed by line, and the lines of each that have a problem (-1: lines that could not be read)."""

    tables: Mapping[str, pd.DataFrame]
    faulty_rows: dict[str, set[int]]

    def get(self, stem: str, *columns: str) -> Any:
        """The frame if it is there with these columns, else None."""
        table = self.tables.get(stem)
        return table if table is not None and all(name in table for name in columns) else None

    def sound(self, stem: str, *columns: str) -> Any:
        """The table without the lines that have a problem; None if lines are lost or columns missing."""
        table = self.get(stem, *columns)
        bad = self.faulty_rows.get(stem, set())
        return None if table is None or -1 in bad else table.drop(index=[row for row in bad if row in table.index])

    def mark(self, stem: str, rows: Iterable[int]) -> None:
        """Remember that these lines have a problem."""
        self.faulty_rows.setdefault(stem, set()).update(rows)
