"""A table as people read it, in Markdown, and its place on a page of the documentation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reestim.errors import InputError, Problem


@dataclass(frozen=True)
class Table:
    """Cells as text; ``notes`` are sentences that belong under it; ``kind`` tells apart tables of one replication;
    ``figures``: pictures that belong to it, PNG, by the name of the file."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    kind: str = ""
    figures: Mapping[str, bytes] = field(default_factory=dict)

    def markdown(self) -> str:
        """The table and its notes, without a line break at the end."""
        lines = ["| " + " | ".join(row) + " |" for row in (self.header, ["---"] * len(self.header), *self.rows)]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])


def number(value: float, places: int) -> str:
    """With a true minus sign and no ``-0.00``; empty for what is not there."""
    if math.isnan(value):
        return ""
    text = f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def placed(page: Path, name: str, text: str) -> str:
    """The page with ``text`` between ``<!-- table: name -->`` and ``<!-- end of table -->``.

    Raises InputError where the page lacks the two marks.
    """
    content = page.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end of table -->)", re.DOTALL)
    if not marks.search(content):
        advice = f"Put the lines <!-- table: {name} --> and <!-- end of table --> where the table belongs."
        raise InputError(Problem("the page has no place for this table", advice, file=page.name, value=name))
    return marks.sub(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", content)
