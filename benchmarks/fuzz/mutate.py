"""Ways to spoil a file: bytes, places, cells of a table, keys and values of a TOML or JSON text."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Rng = np.random.Generator

#: What people, spreadsheets and attackers put where a number, a label or a path belongs.
TOKENS = (
    "", " ", "NaN", "nan", "inf", "-inf", "Infinity", "1e309", "1e308", "-1", "0", "-0.0", "5e-324", "1e-300", "null",
    "None", "true", "0x10", "1_000", "1,5", "1 000", "１２", "٣", "1e5", "9" * 400, "2008.5", "2008.0", "1e999999999",
    "=1+1", "<script>alert(1)</script>", "../../../etc/passwd", "/dev/zero", "\u202eabc", "🧲", "\x1b[2J\x1b[31m", "'",
    '"', "é", "a\nb", "\r", "\u2028", "\u00a0", "x" * 100_000, "CHN", "Nd", "labor", "agriculture", "-", "%", "{0}",
    "%s", "\\", "1.", ".5", "+1", "1d5", "∞", "\u22121", "Ⅷ", "*", "all", "1e15", "9007199254740993", "using", "tfp",
    "2100", "1900", "-9223372036854775809", "18446744073709551616", "1e-5", "\ufeff", "\x7f", "\x85", "a" * 300, "...",
)  # fmt: skip
#: The same for TOML, as they stand in a file.
LITERALS = (
    "1", "-1", "0", "1.5", "-0.0", "1e400", "inf", "-inf", "nan", "true", "false", '""', '" "', "[]", "{}", "[[1]]",
    "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "9" * 30, "9" * 5000, "1e308", "1e-308", "0x7fffffffffffffff",
    '"../../etc/passwd"', '"/etc/passwd"', '"/dev/zero"', '"/dev/stdin"', '"."', '".."', '"~"', '"file:///etc/passwd"',
    '"a/../../b.toml"', '"scenarios/../../x.py"', '"\\u0000"', '"\\u0000.toml"', '"C:\\\\x.toml"',
    "'\\\\\\\\host\\\\x'",
    '"outside.toml"', '"outside.py"', '"outside.csv"', '"loop.toml"', '"folder.toml"', '"folder.py"', '"CON"',
    '"' + "x" * 5000 + '.toml"', '"' + "a/" * 3000 + 'b.toml"', '"<script>alert(1)</script>"', '"\\u001b[2J"',
    '"\\u202e"', '"é"', '"' + "x" * 1_000_000 + '"', "[" * 3000 + "]" * 3000, "[" * 100_000,
    "{a=" * 500 + "1" + "}" * 500, "[1, 2, 2]", "[-1]", "[true]", '["exports", "exports"]', '["CHN", 1]',
    '["CHN", "CHN"]', '"all"', '"CHN"', '["all"]',
    "[" + "2010, " * 20_000 + "2010]", "2**3", "'unclosed", '"unclosed', "'''", "{a = 1, a = 2}", "NaN", "None",
    "[2008]", "[2010.0]", "2010", '"2010"', "1_000", "5e-324", '"Normal"', '"Fixed"', '"Dirichlet"', '"Uniform"',
    '"nutpie"', '"substitution.toml"', '"lags.toml"', '"rare-earths-2010"', '"Nd"', '["Nd", "Nd"]', "1000000000000",
)  # fmt: skip
#: And for JSON.
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 10**400, float("nan"), float("inf"), "", "x" * 100_000, "\ud800", "\u0000",
    "<script>alert(1)</script>", "../../x", [], {}, [[1]], {"a": {"b": None}}, ["x"] * 50_000, "\x1b[2J", "é", "1",
    {"__class__": "os.system"}, {"py/object": "os.system"}, {"$ref": "#"}, [None], [{}], "2010-01-01", 2**63,
)  # fmt: skip


def pick(rng: Rng, choices: Any) -> Any:
    """One of a sequence."""
    return choices[int(rng.integers(len(choices)))]


def replace(path: Path, content: bytes) -> None:
    """Other bytes under the same name; the file that was linked here stays as it is."""
    path.unlink()
    path.write_bytes(content)


# --- any file: bytes and places -----------------------------------------------------------------------------------


def _empty(raw: bytes, rng: Rng) -> bytes:
    return b""


def _cut(raw: bytes, rng: Rng) -> bytes:
    return raw[: int(rng.integers(len(raw) + 1))]


def _without_the_start(raw: bytes, rng: Rng) -> bytes:
    return raw[int(rng.integers(len(raw) + 1)) :]


def _flipped(raw: bytes, rng: Rng) -> bytes:
    out = bytearray(raw)
    for _ in range(int(rng.integers(1, 5))):
        if out:
            out[int(rng.integers(len(out)))] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _noise(raw: bytes, rng: Rng) -> bytes:
    at = int(rng.integers(len(raw) + 1))
    return raw[:at] + rng.bytes(int(rng.integers(1, 200))) + raw[at:]


def _nul(raw: bytes, rng: Rng) -> bytes:
    at = int(rng.integers(len(raw) + 1))
    return raw[:at] + b"\0" * int(rng.integers(1, 4)) + raw[at:]


def _twice(raw: bytes, rng: Rng) -> bytes:
    return raw + raw


def _padded(raw: bytes, rng: Rng) -> bytes:
    return raw + pick(rng, (b"\n", b" ", b",", b"x", b"\0", b"[", b'"')) * int(rng.integers(1, 2_000_000))


def _other_newlines(raw: bytes, rng: Rng) -> bytes:
    return raw.replace(b"\n", pick(rng, (b"\r\n", b"\r", b"\n\n", b"\n\r", b"\x0b", b"\xc2\x85")))


ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp1252", "utf-7", "double bom", "cp037")


def _encoded(raw: bytes, rng: Rng) -> bytes:
    text = raw.decode("utf-8", errors="replace")
    kind = pick(rng, ENCODINGS)
    if kind == "double bom":
        return b"\xef\xbb\xbf\xef\xbb\xbf" + raw
    if kind in ("latin-1", "cp1252"):
        lines = text.split("\n")
        at = int(rng.integers(len(lines)))
        lines[at] = lines[at].replace("e", "é", 1) or "é"
        text = "\n".join(lines)
    return text.encode(kind, errors="replace")


BYTES: tuple[Callable[[bytes, Rng], bytes], ...] = (
    _empty, _cut, _without_the_start, _flipped, _flipped, _noise, _nul, _twice, _padded, _other_newlines, _encoded,
    _encoded,
)  # fmt: skip


def in_bytes(path: Path, rng: Rng) -> str:
    """Spoil the bytes of a file."""
    change = pick(rng, BYTES)
    replace(path, change(path.read_bytes(), rng))
    return f"bytes: {change.__name__.strip('_')}"


def in_place(path: Path, rng: Rng) -> str:
    """Something else where the file was: nothing, a folder, a pipe, a link."""
    kind = pick(rng, ("missing", "folder", "full folder", "pipe", "link outside", "link to a device", "link to itself",
                      "link to nothing", "link inside", "upper case", "unreadable"))  # fmt: skip
    content = path.read_bytes()
    path.unlink()
    if kind in ("folder", "full folder"):
        path.mkdir()
        if kind == "full folder":
            (path / path.name).write_bytes(content)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link outside":
        away = Path(tempfile.gettempdir()) / f"reestim-fuzz-away-{os.getpid()}{path.suffix}"
        away.write_bytes(content)
        path.symlink_to(away)
    elif kind == "link to a device":
        path.symlink_to(pick(rng, ("/dev/zero", "/dev/stdin", "/dev/full", "/proc/self/mem", "/dev/tty")))
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to nothing":
        path.symlink_to("nothing-here")
    elif kind == "link inside":
        (path.parent / f"{path.stem}.kept").write_bytes(content)
        path.symlink_to(f"{path.stem}.kept")
    elif kind == "upper case":
        path.with_name(path.name.upper()).write_bytes(content)
    elif kind == "unreadable":
        path.write_bytes(content)
        path.chmod(0)
    return f"place: {kind}"


# --- tables ---------------------------------------------------------------------------------------------------------


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
    _cells, _cells, _cells, _numbers, _numbers, _numbers, _whole_column, _header, _swapped, _without_column,
    _with_column, _without_rows, _without_a_label, _renamed_label, _renamed_label, _repeated_rows, _shuffled, _ragged,
    _separated,
    _blank_lines, _foreign_rows,
)  # fmt: skip

# --- TOML and JSON ------------------------------------------------------------------------------------------------


def in_toml(path: Path, rng: Rng) -> str:
    """Change lines of a TOML file: values, keys, tables."""
    lines = path.read_text(encoding="utf-8").splitlines()
    keyed = [k for k, line in enumerate(lines) if "=" in line and not line.lstrip().startswith("#")]
    at = pick(rng, keyed)
    key = lines[at].split("=", 1)[0].strip()
    kind = pick(rng, (*("value",) * 4, "key", "gone", "twice", "new key", "new table", "moved", "word"))
    if kind == "value":
        lines[at] = f"{key} = {pick(rng, LITERALS)}"
    elif kind == "key":
        lines[at] = f"{pick(rng, (key[:-1], key.upper(), key + '.x', '...', 'é', '__class__', '""'))} = 1"
    elif kind == "gone":
        lines.pop(at)
    elif kind == "twice":
        lines.insert(at, lines[at])
    elif kind == "new key":
        lines.insert(at, f"{pick(rng, KEYS)} = {pick(rng, LITERALS)}")
    elif kind == "new table":
        lines.insert(at, pick(rng, (f"[{key}]", *HEADERS)))
    elif kind == "moved":
        lines.insert(int(rng.integers(len(lines))), lines.pop(at))
    else:
        lines[at] = lines[at].replace('"', pick(rng, ("", "'", '""', "“")), 1)
    replace(path, "\n".join(lines).encode("utf-8"))
    return f"toml: {kind}"


HEADERS = (
    "[x]", "[[x]]", "[a.b.c]", "[]", "[" * 2000, "[priors]", "[sampler]", "[[tariff]]", "[[embargo]]", "[truth]",
    '["\\u0000"]', "[" + ".".join("x" * 3000) + "]",
)  # fmt: skip
KEYS = (
    "name", "description", "model", "dataset", "based_on", "year", "years", "rate", "scenarios", "synthetic", "imputed",
    "notes", "units_confirmed", "truth", "price_lag", "transition", "event_outcomes", "technology", "from_year",
    "draws", "chains", "tune", "target_accept", "max_r_hat", "distribution", "mu", "sigma", "lower", "upper", "value",
    "a", "x",
    "exporter", "importer", "elements", "sectors", "source", "quota_tonnes", "baseline_tonnes", "share_of_world",
    "country",
)  # fmt: skip


def in_json(path: Path, rng: Rng) -> str:
    """Change a value somewhere in a JSON document."""
    content = json.loads(path.read_text(encoding="utf-8"))
    kind, content = changed(content, rng)
    replace(path, json.dumps(content).encode("utf-8"))
    return f"json: {kind}"


def changed(content: Any, rng: Rng) -> tuple[str, Any]:
    """A document with one value, key or level more, less or other."""
    if rng.random() < 0.08:
        whole = pick(rng, (None, [], {}, 1, "x", [content], {"a": content}))
        return "whole", whole
    if rng.random() < 0.04:
        return "depth", _deep(int(pick(rng, (10, 400))))
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return "nothing", content
        key = pick(rng, keys)
        below = holder[key]
        if isinstance(below, dict | list) and below and rng.random() < 0.7:
            holder = below
            continue
        kind = pick(rng, ("value", "value", "value", "gone", "added"))
        if kind == "gone":
            holder.pop(key)
        elif kind == "added" and isinstance(holder, dict):
            holder[pick(rng, ("x", "", "__proto__", "schema", "\ud800"))] = pick(rng, VALUES)
        else:
            holder[key] = pick(rng, VALUES)
        return kind, content


def _deep(levels: int) -> Any:
    out: Any = 1
    for _ in range(levels):
        out = [out]
    return out


def clean(folder: Path) -> None:
    """Remove a folder with whatever a mutation left in it."""
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
