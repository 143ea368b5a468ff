"""Margins of a later year from a file: output, value added, exports, imports by country and sector, or groups of them.

``margins.csv`` has the columns country, sectors (one label, several with spaces between, or ``all``), measure, value
(the money of the data) and source. A group keeps the composition that the older table has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.optimize import brentq

from reestim.data.read import parse_column, read_cells
from reestim.data.schemas import ALL_SECTORS
from reestim.errors import InputError, Problem
from reestim.importers.balance import Flows, Margins, Table
from reestim.numerics.ras import ras
from reestim.wording import closest

MEASURES = ("output", "value_added", "exports", "imports")
COLUMNS = ("country", "sectors", "measure", "value", "source")


class Margin(NamedTuple):
    """One figure: the total of a measure over some sectors of a country."""

    country: str
    sectors: tuple[str, ...]
    measure: str
    value: float
    source: str


def read_margins(path: Path, countries: Sequence[str], sectors: Sequence[str]) -> list[Margin]:
    """The rows of a file of margins. Raises InputError listing everything that is wrong with it."""
    cells, problems = read_cells(path)
    if cells is None:
        raise InputError(problems, "the margins cannot be used")
    missing = [name for name in COLUMNS if name not in cells]
    problems += [Problem("the column is missing", f"Add {name}", file=path.name, column=name) for name in missing]
    if missing:
        raise InputError(problems, "the margins cannot be used")
    column: Any = cells["value"]
    values, own_problems, _ = parse_column(column, "number", file=path.name, may_be_empty=False)
    problems += own_problems
    out: list[Margin] = []
    seen: dict[tuple[str, str, str], int] = {}
    for row, line in zip(cells.index, cells.to_dict("records"), strict=True):
        named = str(line["sectors"]).split()
        group = tuple(sectors) if named == [ALL_SECTORS] else tuple(named)
        place: dict[str, Any] = {"file": path.name, "row": int(row)}
        for name, labels, known in (
            ("country", [line["country"]], countries),
            ("measure", [line["measure"]], MEASURES),
            ("sectors", group or [""], sectors),
        ):
            problems += [
                Problem(f"unknown {name}", closest(v, known), column=name, value=v, **place)
                for v in labels
                if v not in known
            ]
        value = float(values.loc[row])
        if value < 0:
            problems.append(Problem("a margin below zero", "Correct it", column="value", value=value, **place))
        for sector in group:
            first = seen.setdefault((str(line["country"]), sector, str(line["measure"])), int(row))
            if first != row:
                advice = f"Row {first} has it already: groups of sectors may not overlap"
                problems.append(Problem("the margin is given twice", advice, column="sectors", value=sector, **place))
        out.append(Margin(line["country"], group, line["measure"], value, str(line["source"])))
    if problems:
        raise InputError(problems, "the margins cannot be used")
    return out


def margins_of(rows: Sequence[Margin], seed: Flows) -> Margins:
    """Margins of every cell. Where only one of output and value added is stated the other has the seed's ratio to it;
    exports that are not stated keep their share of output, and of a stated group the odds of that share move by one
    factor; imports that are not stated grow as the country's value added and are balanced
    to the world's exports of each sector.

    Raises InputError naming cells with neither output nor value added, and groups that are empty in the seed.
    """
    problems: list[Problem] = []
    placed = {name: _spread(rows, name, getattr(seed, name), seed, problems) for name in MEASURES if name != "exports"}
    output, added = placed["output"], placed["value_added"]
    active = seed.output > 0
    neither = active & np.isnan(output) & np.isnan(added)
    advice = "Give output or value_added of every country and sector, in groups if need be"
    problems += [
        Problem("neither output nor value added is stated", advice, value=f"{seed.countries[n]}, {seed.sectors[s]}")
        for n, s in np.argwhere(neither)
    ]
    none = np.isnan(output) & ~np.isnan(added) & active & ~(seed.value_added > 0)
    advice = "State its output: the older table has no value added that could be scaled"
    problems += [
        Problem("output cannot be inferred from value added", advice, value=f"{seed.countries[n]}, {seed.sectors[s]}")
        for n, s in np.argwhere(none)
    ]
    if problems:
        raise InputError(problems, "the margins are not complete")
    ratio = np.divide(seed.value_added, seed.output, out=np.zeros_like(seed.output), where=active)
    inverse = np.divide(1.0, ratio, out=np.zeros_like(ratio), where=ratio > 0)
    made = np.where(np.isnan(output), np.nan_to_num(added) * inverse, output) * active
    gained = np.where(np.isnan(added), made * ratio, added) * active
    exports = _exports(rows, seed, made)
    growth = gained.sum(axis=1) / np.maximum(seed.value_added.sum(axis=1), 1e-300)
    imports = np.where(np.isnan(placed["imports"]), seed.imports * growth[:, None], placed["imports"])
    return Margins(made, gained, exports, _to_world_exports(imports, exports, rows, seed))


def _spread(rows: Sequence[Margin], measure: str, old: Table, seed: Flows, problems: list[Problem]) -> Table:
    """A measure by cell, NaN where no row states it."""
    out = np.full(old.shape, np.nan)
    for row in rows:
        if row.measure != measure:
            continue
        n, group = seed.countries.index(row.country), [seed.sectors.index(s) for s in row.sectors]
        cells = np.maximum(old[n, group], 0.0)
        if cells.sum() > 0:
            out[n, group] = row.value * cells / cells.sum()
        elif row.value == 0 or (measure == "value_added" and len(group) == 1 and seed.output[n, group[0]] > 0):
            out[n, group] = row.value
        else:
            value = f"{row.country}, {measure} of {' '.join(row.sectors)}"
            advice = "Only what the older table has can be scaled"
            problems.append(Problem("the older table has none of it", advice, value=value))
    return out


def _exports(rows: Sequence[Margin], seed: Flows, output: Table) -> Table:
    """Exports by cell: the seed's share of output, whose odds one factor moves in all sectors of a stated group until
    they add up to what is stated, so that no sector sells more abroad than it makes.

    Raises InputError naming groups whose stated exports no factor reaches.
    """
    problems: list[Problem] = []
    share = np.divide(seed.exports, seed.output, out=np.zeros_like(output), where=seed.output > 0).clip(0.0, 1.0)
    for row in rows:
        if row.measure != "exports":
            continue
        n, group = seed.countries.index(row.country), [seed.sectors.index(s) for s in row.sectors]
        made, part = output[n, group], share[n, group]
        least, most = float(made[part >= 1].sum()), float(made[part > 0].sum())
        if not (least < row.value < most or row.value == least):
            why = "the older table has none of it" if most == 0 else "exports exceed output"
            advice = f"What {' '.join(row.sectors)} can sell abroad is at most {most:.6g}"
            problems.append(Problem(why, advice, value=f"{row.country}, exports of {' '.join(row.sectors)}"))
        else:
            share[n, group] = _moved_odds(part, made, row.value)
    if problems:
        raise InputError(problems, "the margins cannot be those of one year")
    return share * output


def _moved_odds(share: Float[np.ndarray, " cell"], made: Float[np.ndarray, " cell"], total: float) -> np.ndarray:
    """Shares whose odds are multiplied by one factor, so that the parts of ``made`` add up to ``total``."""
    inside = (share > 0) & (share < 1)
    odds = share[inside] / (1 - share[inside])

    def shares(log_factor: float) -> np.ndarray:
        out = share.copy()
        out[inside] = 1 / (1 + np.exp(-log_factor) / odds)
        return out

    if not inside.any() or total <= float(made[share >= 1].sum()):
        return np.where(share >= 1, share, 0.0)
    factor: Any = brentq(lambda x: float(shares(x) @ made) - total, -200.0, 200.0, xtol=1e-14)
    return shares(float(factor))


def _to_world_exports(imports: Table, exports: Table, rows: Sequence[Margin], seed: Flows) -> Table:
    """Imports by cell that add up to the world's exports of each sector, and within every stated group, but for the
    gap between world exports and imports, to what was stated."""
    group = {(r.country, s): k for k, r in enumerate(rows) if r.measure == "imports" for s in r.sectors}
    keys = [[group.get((c, s), -1 - n) for s in seed.sectors] for n, c in enumerate(seed.countries)]
    flat, names = np.unique(np.array(keys), return_inverse=True)
    names = names.reshape(imports.shape)
    cells = np.zeros((len(seed.countries) * len(flat), len(seed.sectors)))
    at = np.arange(len(seed.countries))[:, None] * len(flat) + names
    cells[at, np.arange(len(seed.sectors))[None, :]] = imports
    wanted, sold = cells.sum(axis=1), exports.sum(axis=0)
    for block in _blocks(cells > 0):
        inside = (cells[:, block] > 0).any(axis=1)
        if wanted[inside].sum() > 0:
            wanted[inside] *= sold[block].sum() / wanted[inside].sum()
    labels = [f"{c}, group {k}" for c in seed.countries for k in flat]
    fitted = ras(cells, wanted, sold, rows=labels, columns=seed.sectors, name="imports")
    return fitted[at, np.arange(len(seed.sectors))[None, :]]


def _blocks(linked: np.ndarray) -> list[list[int]]:
    """Columns that rows link with one another."""
    left, out = set(range(linked.shape[1])), []
    while left:
        block, grown = {min(left)}, set[int]()
        while block != grown:
            grown = block
            inside = linked[:, sorted(grown)].any(axis=1)
            block = grown | {int(k) for k in np.flatnonzero(linked[inside].any(axis=0))}
        out.append(sorted(block))
        left -= block
    return out


def as_table(rows: Sequence[Margin]) -> pd.DataFrame:
    """The rows of a file of margins."""
    return pd.DataFrame(
        [(r.country, " ".join(r.sectors), r.measure, r.value, r.source) for r in rows], columns=list(COLUMNS)
    )
