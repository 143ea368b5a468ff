"""Verify a replication package, run it again, and compare every number of its tables.

    python rebuild.py             # in a new virtual environment with the pinned packages (needs a package index)
    python rebuild.py --here      # with the Python that runs this file
    python rebuild.py --check     # checksums only

It needs nothing but Python's standard library. Exit code 0: everything is as it was; 1: something is not, and what.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def altered() -> list[str]:
    """Files that are missing or not as they were, by checksums.sha256."""
    changed = []
    for line in (HERE / "checksums.sha256").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        path = HERE / name
        if not path.is_file():
            changed.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            changed.append(f"{name} has changed")
    return changed


def python_of(folder: Path) -> str:
    """The Python of a new virtual environment with the pinned packages."""
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements.txt")]
    subprocess.run(install, check=True)
    return str(python)


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def differences(name: str, before: Path, after: Path, tolerance: float) -> list[str]:
    """Cells of a table that differ: words exactly, numbers by more than ``tolerance`` of their size."""
    if not after.is_file():
        return [f"{name}: the table was not made again"]
    old, new = (list(csv.reader(path.open(encoding="utf-8", newline=""))) for path in (before, after))
    if [len(row) for row in old] != [len(row) for row in new]:
        return [f"{name}: it has other rows or columns"]
    different = []
    for k, (row, again) in enumerate(zip(old, new, strict=True)):
        for column, was, now in zip(old[0], row, again, strict=True):
            a, b = number(was), number(now)
            alike = was == now or abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-12)
            if not alike:
                different.append(f"{name}, row {k}, column {column}: {was} before, {now} now")
    return different


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--here", action="store_true", help="use this Python and its packages")
    parser.add_argument("--check", action="store_true", help="verify the checksums and stop")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-6,
        help="largest relative difference of a number; other processors draw otherwise: 0.1 for Monte-Carlo error",
    )
    options = parser.parse_args()
    if problems := altered():
        print(f"{len(problems)} files of the package are not as they were:", *problems, sep="\n  ")
        return 1
    print("checksums: every file is as it was")
    if options.check:
        return 0
    python = sys.executable if options.here else python_of(HERE / "environment")
    job = json.loads((HERE / "job.json").read_text(encoding="utf-8"))
    again = HERE / "again"
    environment = os.environ | {"PYTHONPATH": str(HERE / "code")}
    command = [python, "-m", "reestim", *job["arguments"], "--out", str(again), "--overwrite"]
    print("running", " ".join(job["arguments"]))
    done = subprocess.run(command, cwd=HERE, env=environment, check=False)
    if done.returncode != job["exit_code"]:
        print(f"the run ended with exit code {done.returncode}, and had ended with {job['exit_code']}")
        return 1
    tables = sorted((HERE / "run" / "report" / "tables").glob("*.csv"))
    different = [
        d for t in tables for d in differences(t.stem, t, again / "report" / "tables" / t.name, options.tolerance)
    ]
    if different:
        print(f"{len(different)} cells of {len(tables)} tables differ:", *different[:40], sep="\n  ")
        return 1
    print(f"{len(tables)} tables: every cell is as it was (relative tolerance {options.tolerance:g})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
