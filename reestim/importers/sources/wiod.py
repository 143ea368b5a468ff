"""World Input-Output Database, 2013 release (Timmer et al. 2015): its spreadsheets, or arrays made from them.

``wiot08_row_apr12.xlsx`` and the like, read by pymrio, or ``wiod2013_<year>.npz`` in the layout of ``arrays``.
Million US$ at current basic prices. The release is free to use with citation; users bring their own copy.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from reestim.errors import InputError, Problem
from reestim.importers.frames import raw_table
from reestim.importers.sources import arrays
from reestim.importers.world import RawTable, WorldTable, clean

_INDUSTRIES = tuple(f"c{k}" for k in range(1, 36))
_ARRAYS = re.compile(r"wiod2013_(\d{4})\.npz")
_SHEETS = re.compile(r"wiot(\d{2})_\w+\.xlsx")
MILLIONS_OF_USD = "millions of us$"


def files(tables: Path) -> dict[int, Path]:
    """Files by year; arrays come before spreadsheets, which take a minute each."""
    paths = sorted(tables.iterdir()) if tables.is_dir() else [tables]
    sheets = {
        (1900 if m.group(1) > "50" else 2000) + int(m.group(1)): p for p in paths if (m := _SHEETS.fullmatch(p.name))
    }
    return dict(sorted((sheets | arrays.by_year(tables, _ARRAYS)).items()))


def read(path: Path, year: int) -> RawTable:
    """One year, as published. Raises InputError listing everything wrong with the file."""
    raw = arrays.read(path, year) if path.suffix == ".npz" else _read_sheet(path, year)
    unknown = [i for i in raw.industries if i not in _INDUSTRIES]
    if unknown:
        advice = "The 2013 release has c1 to c35; read other tables with --source arrays"
        raise InputError([Problem("unknown industry", advice, file=path.name, value=i) for i in unknown])
    return raw


def read_table(tables: Path, year: int) -> WorldTable:
    """The clean table of one year of a folder."""
    return clean(read(files(tables).get(year, tables / f"wiod2013_{year}.npz"), year))


def _read_sheet(path: Path, year: int) -> RawTable:
    import pandas as pd
    import pymrio

    advice = "Give wiotYY_*.xlsx of the release of November 2013, in current prices, as it was published"
    try:
        head = pd.read_excel(path, header=None, nrows=4, usecols=[0])
        title, unit = str(head.iloc[0, 0]), str(head.iloc[3, 0]).strip("()").lower()
    except Exception as error:  # the reader of spreadsheets raises whatever the broken file provokes
        raise InputError(
            Problem(f"the file cannot be read ({type(error).__name__})", advice, file=path.name)
        ) from error
    problems = []
    if title[-4:] != str(year):
        problems.append(Problem(f"the sheet is not of {year}", advice, file=path.name, row=1, value=title))
    if unit != MILLIONS_OF_USD:
        problems.append(Problem("the unit is not millions of US$", advice, file=path.name, row=4, value=unit))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    try:
        with warnings.catch_warnings():  # about environmental accounts that nobody asked for
            warnings.simplefilter("ignore")
            io: Any = pymrio.parse_wiod(path, names=("c_codes", "c_codes"))
    except Exception as error:
        raise InputError(Problem(f"pymrio cannot read the sheet ({error})", advice, file=path.name)) from error
    output = io.Z.sum(axis=0) + io.factor_inputs.F.sum(axis=0)
    return raw_table(io.Z, io.Y, output, year, path.name, tolerance=arrays.TABLE_ROUNDING)
