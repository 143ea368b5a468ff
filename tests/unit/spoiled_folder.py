"""A copy of the bundled dataset that a test spoils, and what must be said of it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

from reestim.errors import Problem


@dataclass(frozen=True)
class Expected:
    """What a problem must say; ``message`` and ``advice`` are searched for, the rest is compared."""

    file: str
    row: int | None
    column: str | None
    value: object
    message: str
    advice: str

    def describes(self, problem: Problem) -> bool:
        if isinstance(self.value, str) and isinstance(problem.value, str) and ": " in problem.value:
            problem = replace(problem, value=problem.value.split(": ")[0])  # identities add figures after the names
        place = (problem.file, problem.row, problem.column, problem.value)
        said = re.search(self.message, problem.message) and re.search(self.advice, problem.advice)
        return place == (self.file, self.row, self.column, self.value) and bool(said)


class Folder:
    """A copy of the bundled dataset that a test spoils."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, file: str) -> list[str]:
        return (self.path / file).read_text(encoding="utf-8").splitlines()

    def write(self, file: str, lines: list[str]) -> None:
        (self.path / file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def row(self, file: str, start: str) -> int:
        return 1 + next(k for k, line in enumerate(self.lines(file)) if line.startswith(start))

    def append(self, file: str, line: str) -> int:
        lines = [*self.lines(file), line]
        self.write(file, lines)
        return len(lines)

    def drop(self, file: str, start: str) -> None:
        row = self.row(file, start)
        self.write(file, [line for k, line in enumerate(self.lines(file), 1) if k != row])

    def set(self, file: str, start: str, column: str, value: str) -> int:
        """Put ``value`` in the first row that starts so; returns its line number."""
        lines, row = self.lines(file), self.row(file, start)
        cells = next(csv.reader([lines[row - 1]]))
        cells[next(csv.reader([lines[0]])).index(column)] = value
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow(cells)
        lines[row - 1] = buffer.getvalue()
        self.write(file, lines)
        return row

    def toml(self, old: str, new: str) -> int:
        lines = self.lines("dataset.toml")
        row = next(k for k, line in enumerate(lines) if old in line)
        lines[row] = lines[row].replace(old, new)
        self.write("dataset.toml", lines)
        return row + 1
