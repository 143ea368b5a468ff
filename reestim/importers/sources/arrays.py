"""A plain world table as arrays: one file a year, ``<name>_<year>.npz``, million US$, readable without pickle.

``countries`` (n,), ``industries`` (s,), ``intermediate`` (n*s, n*s: supplier country x industry in rows, country
slowest, user in columns), ``final`` (n*s, n*u: country slowest, u final uses each) and ``output`` (n*s,).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reestim.data.read import LARGEST_FIGURE
from reestim.errors import InputError, Problem
from reestim.importers.world import RawTable
from reestim.io.files import bytes_of

ARRAYS = ("countries", "industries", "intermediate", "final", "output")
#: Row sums may differ from the published output by this much, million US$ (tables are rounded to whole numbers).
TABLE_ROUNDING = 150.0
_FILE = re.compile(r".*?(\d{4})\.npz")


def files(tables: Path) -> dict[int, Path]:
    """Files by year."""
    return by_year(tables, _FILE)


def by_year(tables: Path, pattern: re.Pattern[str]) -> dict[int, Path]:
    """Files of a folder (or the one file given) whose whole name fits; the first group of the pattern is the year.

    Raises InputError where two files are of one year.
    """
    found: dict[int, Path] = {}
    problems = []
    for path in sorted(tables.iterdir()) if tables.is_dir() else [tables]:
        if (m := pattern.fullmatch(path.name)) is None:
            continue
        year = int(m.group(1))
        if year in found:
            message = f"two files are of {year}"
            problems.append(Problem(message, f"Take one away: {found[year].name} is the other", file=path.name))
        found[year] = path
    if problems:
        raise InputError(problems, "the tables cannot be used")
    return found


def read(path: Path, year: int) -> RawTable:
    """One file. Raises InputError listing everything wrong with it."""
    arrays, problems = load(path)
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    rows = arrays["countries"].size * arrays["industries"].size
    final = arrays["final"].astype(float).reshape(rows, arrays["countries"].size, -1)
    return RawTable(
        year,
        path.name,
        tuple(str(c) for c in arrays["countries"]),
        tuple(str(i) for i in arrays["industries"]),
        arrays["intermediate"].astype(float),
        final,
        arrays["output"].astype(float),
        tolerance=TABLE_ROUNDING,
    )


def named_arrays(path: Path, names: Sequence[str], advice: str) -> tuple[dict[str, np.ndarray], list[Problem]]:
    """The arrays of these names in an ``.npz`` file, and why some are not to be had. Nothing is unpickled."""
    try:
        with np.load(io.BytesIO(bytes_of(path)), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in names if name in archive.files}
    except FileNotFoundError:
        return {}, [Problem("the file is missing", "Add it, or choose another year", file=path.name)]
    except Exception as error:  # NumPy, zipfile and zlib raise many kinds for what none of them wrote
        return {}, [Problem(f"the file cannot be read ({type(error).__name__})", advice, file=path.name)]
    missing = [name for name in names if name not in arrays]
    return arrays, [Problem("an array is missing", advice, file=path.name, column=name) for name in missing]


def is_numbers(array: np.ndarray) -> bool:
    """Whether all cells are finite numbers that may be added up."""
    return array.dtype.kind in "iuf" and bool((abs(array.astype(float)) <= LARGEST_FIGURE).all())


def load(path: Path) -> tuple[dict[str, np.ndarray], list[Problem]]:
    """Arrays of one file and everything wrong with their names, shapes and types."""
    advice = "Write it again as described in reestim.importers.sources.arrays"
    arrays, problems = named_arrays(path, ARRAYS, advice)
    if problems:
        return {}, problems
    scalar = [name for name in ("countries", "industries") if arrays[name].ndim != 1]
    if scalar:
        return {}, [Problem("labels must stand in a row", advice, file=path.name, column=name) for name in scalar]
    n, s = arrays["countries"].size, arrays["industries"].size
    uses = max(arrays["final"].shape[-1] // max(n, 1), 1) if arrays["final"].ndim == 2 else 1
    shapes = {"intermediate": (n * s, n * s), "final": (n * s, n * uses), "output": (n * s,)}
    problems = [
        Problem(f"the array has shape {arrays[name].shape} instead of {shape}", advice, file=path.name, column=name)
        for name, shape in shapes.items()
        if arrays[name].shape != shape
    ]
    for name in shapes:
        if not is_numbers(arrays[name]):
            problems.append(Problem("the array holds something else than numbers", advice, file=path.name, column=name))
    for name in ("countries", "industries"):
        if len(set(arrays[name].tolist())) < arrays[name].size or arrays[name].dtype.kind != "U":
            problems.append(Problem("labels must be texts, each once", advice, file=path.name, column=name))
    return arrays, problems
