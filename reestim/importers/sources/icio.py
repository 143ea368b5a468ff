"""OECD Inter-Country Input-Output tables: ``<year>_SML.csv`` or ``ICIO<edition>_<year>.csv`` (or zip), million US$.

Read by pymrio, which adds the processing zones of China and Mexico (CN1, MX1, ...) to their countries. The shipped
facts know the 45 industries (ISIC rev. 4) of the editions 2021 and 2023; those of others are known by their codes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from reestim.errors import InputError, Problem
from reestim.importers.frames import raw_table
from reestim.importers.sources.arrays import by_year
from reestim.importers.world import RawTable

_FILE = re.compile(r"(?:ICIO\d{4}_)?(\d{4})(?:_SML)?\.(?:csv|CSV|zip)")
_FACTORS = {"VA", "VALU", "TLS"}
_TOTALS = {"OUT", "OUTPUT", "TOTAL"}
_LABEL = re.compile(r"[A-Z][A-Z0-9]{2}_\w+")


def files(tables: Path) -> dict[int, Path]:
    """Files by year."""
    return by_year(tables, _FILE)


def read(path: Path, year: int) -> RawTable:
    """One year, as published. Raises InputError listing everything wrong with the file."""
    import pymrio

    problems = _layout_problems(path)
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    try:
        io: Any = pymrio.parse_oecd(path)
    except Exception as error:  # what pymrio and pandas raise depends on what is broken
        advice = "Use the file of the edition as it was published"
        raise InputError(Problem(f"pymrio cannot read the table ({error})", advice, file=path.name)) from error
    factors = io.factor_inputs.F
    output = io.Z.sum(axis=0) + factors.sum(axis=0)
    return raw_table(io.Z, io.Y, output, year, path.name, may_be_negative=True)


def _layout_problems(path: Path) -> list[Problem]:
    """What is not as in an ICIO file: labels, totals, rows that differ from columns (pymrio does not compare them)."""
    import pandas as pd

    advice = "Give the table of the OECD as it was published: rows and columns like AUS_A01_02, rows VA and TLS"
    try:
        columns = [str(c) for c in pd.read_csv(path, nrows=0, index_col=0).columns]
        rows = [str(r) for r in pd.read_csv(path, usecols=[0]).iloc[:, 0]]
    except Exception as error:
        return [Problem(f"the file cannot be read ({type(error).__name__})", advice, file=path.name)]
    industries = [
        r
        for r in rows
        if r not in _TOTALS and r.split("_")[-1] not in _FACTORS | {"TAXSUB"} and not r.endswith("_TAXSUB")
    ]
    problems = []
    for label in [r for r in industries if not _LABEL.fullmatch(r)][:5]:
        problems.append(Problem("the row is not a country and industry", advice, file=path.name, value=label))
    missing = sorted(set(industries) - set(columns))
    for label in missing[:5]:
        problems.append(Problem("the row has no column of its name", advice, file=path.name, value=label))
    if not any(r in _FACTORS for r in rows):
        problems.append(Problem("there is no row of value added (VA or VALU)", advice, file=path.name))
    if not any(c.endswith(("_HFCE", "_HC")) or c.startswith("HFCE_") for c in columns):
        problems.append(Problem("there are no columns of household consumption (HFCE)", advice, file=path.name))
    return problems
