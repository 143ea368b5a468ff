"""Ways to spoil any file: its bytes, and what stands in its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Rng = np.random.Generator


def pick(rng: Rng, choices: Any) -> Any:
    """One of a sequence."""
    return choices[int(rng.integers(len(choices)))]


def replace(path: Path, content: bytes) -> None:
    """Other bytes under the same name; the file that was linked here stays as it is."""
    path.unlink()
    path.write_bytes(content)


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
    _empty,
    _cut,
    _without_the_start,
    _flipped,
    _flipped,
    _noise,
    _nul,
    _twice,
    _padded,
    _other_newlines,
    _encoded,
    _encoded,
)


def in_bytes(path: Path, rng: Rng) -> str:
    """Spoil the bytes of a file."""
    change = pick(rng, BYTES)
    replace(path, change(path.read_bytes(), rng))
    return f"bytes: {change.__name__.strip('_')}"


def in_place(path: Path, rng: Rng) -> str:
    """Something else where the file was: nothing, a folder, a pipe, a link."""
    kind = pick(
        rng,
        (
            "missing",
            "folder",
            "full folder",
            "pipe",
            "link outside",
            "link to a device",
            "link to itself",
            "link to nothing",
            "link inside",
            "upper case",
            "unreadable",
        ),
    )
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


def clean(folder: Path) -> None:
    """Remove a folder with whatever a mutation left in it."""
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
