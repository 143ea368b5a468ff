"""FIGARO, Eurostat's inter-country input-output tables, industry by industry: million euro at current basic prices.

Two layouts of one table: the matrix ``matrix_eu-ic-io_ind-by-ind_<edition>_<year>.csv`` (``rowLabels``, then columns
like ``DE_C20`` and ``DE_P3_S14``) and the flat file ``flatfile_eu-ic-io_ind-by-ind_<edition>_<year>.csv`` (a cell a
row: ``refArea, rowIi, counterpartArea, colIi, obsValue``); plain or the one member of a zip archive. Rows ``W2_...``
are taxes, purchases of residents abroad and of others here, and value added.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.countries import alpha3_of_alpha2
from reestim.importers.frames import raw_table
from reestim.importers.sources.arrays import by_year
from reestim.importers.stream import DAMAGED, finite, header, unreadable
from reestim.importers.world import RawTable

_FILE = re.compile(r"(?:matrix|flatfile)_eu-ic-io_ind-by-ind_(?:\d\ded_)?(\d{4})(?:_v\d)?\.(?:csv|zip)")
_FLAT = ("refArea", "rowIi", "counterpartArea", "colIi", "obsValue")
#: Under this area stand the rows that are no industry.
_WORLD = "W2"
#: Final uses: government, households, non-profits, investment, inventories and valuables.
_FINAL = ("P3_S13", "P3_S14", "P3_S15", "P51G", "P5M")
#: Value added: pay of employees, other taxes on production, operating surplus with mixed income.
VALUE_ADDED = ("D1", "D29X39", "B2A3G")
_CODES = {"FIGW1": "ROW", "EL": "GRC", "UK": "GBR"}
_PIECE = 500_000
_ADVICE = "Give the table industry by industry of one edition, matrix or flat file, as Eurostat publishes it"


def files(tables: Path) -> dict[int, Path]:
    """Files by year."""
    return by_year(tables, _FILE)


def read(path: Path, year: int) -> RawTable:
    """One year, as published. Raises InputError listing everything wrong with the file."""
    columns = header(path, path.name)
    cells = _flat(path, columns) if "obsValue" in columns else _matrix(path, columns)
    world = cells.index.get_level_values(0) == _WORLD
    body, below = cells[~world], cells[world].droplevel(0)
    uses = body.columns.get_level_values(1).isin(_FINAL)
    regions = [*dict.fromkeys([*body.index.get_level_values(0), *body.columns.get_level_values(0)])]
    codes = {label: _CODES.get(label) or alpha3_of_alpha2().get(label) for label in regions}
    problems = [
        Problem("the row is missing", _ADVICE, file=path.name, value=f"{_WORLD}_{name}")
        for name in VALUE_ADDED
        if name not in below.index
    ]
    problems += [
        Problem("unknown area", _ADVICE, file=path.name, value=label) for label, code in codes.items() if code is None
    ]
    if not uses.any():
        problems.append(Problem("there are no columns of final use (P3_S14, ...)", _ADVICE, file=path.name))
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")

    def renamed(axis: Any) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([axis.get_level_values(0).map(codes), axis.get_level_values(1)])

    body = body.set_axis(renamed(body.index)).set_axis(renamed(body.columns), axis=1)
    inner, outer = body.loc[:, ~uses], body.loc[:, uses]
    paid = below.loc[:, ~uses].sum(axis=0).set_axis(inner.columns)
    return raw_table(inner, outer, inner.sum(axis=0) + paid, year, path.name, may_be_negative=True)


def _matrix(path: Path, columns: list[str]) -> Any:
    """The matrix as numbers with (area, industry) rows and columns."""
    try:
        table: Any = pd.read_csv(path, index_col=0, encoding="utf-8-sig", dtype={columns[0]: str}, low_memory=False)
    except DAMAGED as error:
        raise InputError(unreadable(error, path.name), "the file cannot be read") from None
    labels = [str(label).strip() for label in (*table.index, *table.columns)]
    if wrong := [label for label in labels if "_" not in label]:
        problems = [
            Problem("the label is not an area and an industry", _ADVICE, file=path.name, value=label)
            for label in wrong[:5]
        ]
        raise InputError(problems, "the file cannot be used")
    rows, heads = ([_pair(str(label)) for label in axis] for axis in (table.index, table.columns))
    numbers: Any = table.apply(pd.to_numeric, errors="coerce").astype(float)
    if bool(numbers.isna().to_numpy().any()):
        at = [int(k) for k in np.argwhere(numbers.isna().to_numpy())[0]]
        value = f"{table.index[at[0]]} to {table.columns[at[1]]}: {table.iloc[at[0], at[1]]!r}"
        message = f"{int(numbers.isna().to_numpy().sum())} cells are not numbers"
        raise InputError(Problem(message, "Download the file again", file=path.name, value=value))
    return numbers.set_axis(pd.MultiIndex.from_tuples(rows)).set_axis(pd.MultiIndex.from_tuples(heads), axis=1)


def _pair(label: str) -> tuple[str, str]:
    """Area and industry of ``DE_C20``."""
    area, _, industry = label.strip().partition("_")
    return area, industry


def _flat(path: Path, columns: list[str]) -> Any:
    """The flat file in the same form, read in pieces. A cell may stand in it once, and none may be missing."""
    if missing := [name for name in _FLAT if name not in columns]:
        problems = [Problem("the column is missing", _ADVICE, file=path.name, row=1, column=name) for name in missing]
        raise InputError(problems, "the file cannot be used")
    rows: dict[tuple[str, str], int] = {}
    heads: dict[tuple[str, str], int] = {}
    parts, bad = [], 0
    try:
        with pd.read_csv(
            path, usecols=list(_FLAT), dtype=dict.fromkeys(_FLAT, str), keep_default_na=False,
            encoding="utf-8-sig", chunksize=_PIECE,
        ) as reader:  # fmt: skip
            for piece in reader:
                value = finite(piece["obsValue"])
                bad += int(value.isna().sum())
                parts.append((_places(piece, _FLAT[:2], rows), _places(piece, _FLAT[2:4], heads), value.to_numpy()))
    except DAMAGED as error:
        raise InputError(unreadable(error, path.name), "the file cannot be read") from None
    table, times = np.zeros((len(rows), len(heads))), np.zeros((len(rows), len(heads)), dtype=np.int8)
    for row, head, value in parts:
        np.add.at(times, (row, head), 1)
        table[row, head] = value
    problems = []
    # value added and taxes may be given for the areas that have them alone; flows may not have holes
    industry = np.array([area != _WORLD for area, _ in rows])
    for count, message in (
        (bad, "cells are not numbers"),
        (int((times > 1).sum()), "cells are given twice"),
        (int((times[industry] == 0).sum()), "cells of areas, industries and users are missing"),
    ):
        if count:
            problems.append(Problem(f"{count} {message}", "Download the file again", file=path.name, column="obsValue"))
    if problems:
        raise InputError(problems, "the file cannot be used")
    return pd.DataFrame(table, pd.MultiIndex.from_tuples(rows), pd.MultiIndex.from_tuples(heads))


def _places(piece: Any, names: tuple[str, ...], known: dict[tuple[str, str], int]) -> np.ndarray:
    """Numbers of the pairs of labels; new ones are added to ``known``."""
    first, second = (pd.factorize(piece[name].str.strip()) for name in names)
    pairs = first[0].astype(np.int64) * len(second[1]) + second[0]
    codes, found = pd.factorize(pairs)
    numbers = [
        known.setdefault((str(first[1][p // len(second[1])]), str(second[1][p % len(second[1])])), len(known))
        for p in found
    ]
    return np.array(numbers)[codes]
