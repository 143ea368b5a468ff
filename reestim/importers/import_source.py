"""What is known of a source before its files are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reestim.importers.imported import Imported, ImportOptions


@dataclass(frozen=True)
class ImportSource:
    """One source. ``read`` takes the files, the choices and a folder to work in; ``gives``: files of a dataset;
    ``takes``: the choices that it knows; ``pattern``: what its files are called; ``where``: who hands them
    out; ``download``: fetches files into a folder where none are given; ``query``: asks the source for its files."""

    name: str
    citation: str
    edition: str
    pattern: str
    where: str
    licence: str
    gives: tuple[str, ...]
    takes: tuple[str, ...]
    read: Callable[[Sequence[Path], ImportOptions, Path], Imported]
    download: Callable[[ImportOptions, Path], list[Path]] | None = None
    query: Path | None = None
