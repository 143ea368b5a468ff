"""Ways to spoil a separated table: cells, rows, columns, the header, the separator."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.mutate import Rng, pick, replace

#: What people, spreadsheets and attackers put where a number, a label or a path belongs.
TOKENS = (
    "",
    " ",
    "NaN",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e309",
    "1e308",
    "-1",
    "0",
    "-0.0",
    "5e-324",
    "1e-300",
    "null",
    "None",
    "true",
    "0x10",
    "1_000",
    "1,5",
    "1 000",
    "１２",
    "٣",
    "1e5",
    "9" * 400,
    "2008.5",
    "2008.0",
    "1e999999999",
    "=1+1",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "/dev/zero",
    "\u202eabc",
    "🧲",
    "\x1b[2J\x1b[31m",
    "'",
    '"',
    "é",
    "a\nb",
    "\r",
    "\u2028",
    "\u00a0",
    "x" * 100_000,
    "CHN",
    "Nd",
    "labor",
    "agriculture",
    "-",
    "%",
    "{0}",
    "%s",
    "\\",
    "1.",
    ".5",
    "+1",
    "1d5",
    "∞",
    "\u22121",
    "Ⅷ",
    "*",
    "all",
    "1e15",
    "9007199254740993",
    "using",
    "tfp",
    "2100",
    "1900",
    "-9223372036854775809",
    "18446744073709551616",
    "1e-5",
    "\ufeff",
    "\x7f",
    "\x85",
    "a" * 300,
    "...",
)


def in_table(path: Path, rng: Rng) -> str:
    """Change cells, rows or columns of a separated table."""
    text = path.read_text(encoding="utf-8")
    mark = "\t" if "\t" in text.split("\n", 1)[0] else ","
    rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]  # exports of DataWeb have a short first line
    kind = pick(rng, TABLE)
    quoting: Any = pick(rng, (csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    rows, mark = kind(rows, mark, rng)
    out = io.StringIO()
    csv.writer(out, delimiter=mark, quoting=quoting, lineterminator="\n").writerows(rows)
    replace(path, out.getvalue().encode("utf-8", errors="surrogatepass"))
    return f"table: {kind.__name__.strip('_')}"


Table = list[list[str]]


def _cells(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    for _ in range(int(rng.integers(1, 4))):
        row = pick(rng, rows[1:] or rows)
        row[int(rng.integers(len(row)))] = pick(rng, TOKENS)
    return rows, mark


def _numbers(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    """A figure of another size or sign."""
    places = [(r, c) for r, row in enumerate(rows[1:], 1) for c, cell in enumerate(row) if _is_number(cell)]
    for _ in range(int(rng.integers(1, 4)) if places else 0):
        r, c = pick(rng, places)
        factor = pick(rng, (-1, 0, 1e3, 1e-3, 1e30, 1e-30, 1e200, 1 + 1e-9, 1.01, 0.5))
        if _is_number(rows[r][c]):
            rows[r][c] = repr(float(rows[r][c]) * factor)
    return rows, mark


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _whole_column(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    at, token = int(rng.integers(len(rows[0]))), pick(rng, TOKENS[:60])
    scale = float(pick(rng, (0, 1e-30, 1e3, 1e30, -1)))
    scaled = rng.random() < 0.5
    for row in rows[1:]:
        row[at] = repr(float(row[at]) * scale) if scaled and _is_number(row[at]) else row[at] if scaled else token[:500]
    return rows, mark


def _header(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    at, token = int(rng.integers(len(rows[0]))), pick(rng, TOKENS)
    rows[0][at] = pick(rng, (token, rows[0][at].upper(), rows[0][at][:-1], f"{rows[0][at]} ", pick(rng, rows[0])))
    return rows, mark


def _swapped(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    one, other = (int(k) for k in rng.integers(len(rows[0]), size=2))
    for row in rows if rng.random() < 0.3 else rows[1:]:
        row[one], row[other] = row[other], row[one]
    return rows, mark


def _without_column(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    at = int(rng.integers(len(rows[0])))
    return [row[:at] + row[at + 1 :] for row in rows], mark


def _with_column(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    at, name, cell = int(rng.integers(len(rows[0]) + 1)), pick(rng, TOKENS)[:300], pick(rng, TOKENS)[:50]
    number = 1 if rng.random() < 0.8 else 2000
    extra = [name if number == 1 else f"c{k}" for k in range(number)]
    return [row[:at] + (extra if k == 0 else [cell] * number) + row[at:] for k, row in enumerate(rows[:300])], mark


def _without_rows(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    share = pick(rng, (0.0, 0.01, 0.5, 1.0))
    keep = [row for row in rows[1:] if rng.random() > share]
    if share == 0.0 and keep:
        keep.pop(int(rng.integers(len(keep))))
    return [rows[0], *keep], mark


def _without_a_label(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    """All rows with one value of one column are gone: a country, a year, an element."""
    at = int(rng.integers(len(rows[0])))
    gone = pick(rng, rows[1:] or rows)[at]
    return [rows[0], *(row for row in rows[1:] if row[at] != gone)], mark


def _renamed_label(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    at, token = int(rng.integers(len(rows[0]))), pick(rng, TOKENS)
    old = pick(rng, rows[1:] or rows)[at]
    for row in rows[1:]:
        if len(row) > at and row[at] == old:
            row[at] = token[:500]
    return rows, mark


def _repeated_rows(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    times = pick(rng, (1, 1, 5, 20_000))
    at = int(rng.integers(len(rows)))
    return rows[: at + 1] + [list(rows[at]) for _ in range(times)] + rows[at + 1 :], mark


def _shuffled(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    order = rng.permutation(len(rows) - 1) + 1
    if rng.random() < 0.5:
        return [rows[0], *(rows[k] for k in order)], mark
    at = int(rng.integers(len(rows[0])))
    column = [rows[k][at] for k in order]
    for row, cell in zip(rows[1:], column, strict=True):
        row[at] = cell
    return rows, mark


def _ragged(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    for _ in range(int(rng.integers(1, 4))):
        row = pick(rng, rows)
        if rng.random() < 0.5 and len(row) > 1:
            row.pop()
        else:
            row += [pick(rng, TOKENS)] * int(pick(rng, (1, 3, 1000)))
    return rows, mark


def _separated(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    return rows, pick(rng, (";", "\t", "|", " ", ","))


def _blank_lines(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    at = int(rng.integers(len(rows) + 1))
    return rows[:at] + [[]] * int(pick(rng, (1, 3, 100_000))) + rows[at:], mark


def _foreign_rows(rows: Table, mark: str, rng: Rng) -> tuple[Table, str]:
    extra = [[pick(rng, TOKENS)[:500] for _ in rows[0]] for _ in range(int(rng.integers(1, 30)))]
    return rows + extra, mark


TABLE = (
    _cells,
    _cells,
    _cells,
    _numbers,
    _numbers,
    _numbers,
    _whole_column,
    _header,
    _swapped,
    _without_column,
    _with_column,
    _without_rows,
    _without_a_label,
    _renamed_label,
    _renamed_label,
    _repeated_rows,
    _shuffled,
    _ragged,
    _separated,
    _blank_lines,
    _foreign_rows,
)
