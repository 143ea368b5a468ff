"""World Input-Output Database, 2013 release: read, clean and aggregate its tables (Timmer et al. 2015).

One file a year, ``wiod2013_<year>.npz``, million US$ at current basic prices, readable without pickle:
``countries`` (n,), ``industries`` (s,), ``intermediate`` (n*s, n*s: supplier country x industry in rows, country
slowest, user in columns), ``final`` (n*s, n*5: country x household, non-profit, government, fixed capital,
inventories) and ``output`` (n*s,). The release itself is free to use with citation; users bring their own copy.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reestim.errors import InputError, Problem

FINAL_USES = 5
#: Row sums may differ from the published output by this much, million US$ (the tables are rounded to whole numbers).
ROUNDING = 150.0
ARRAYS = ("countries", "industries", "intermediate", "final", "output")
_FILE = re.compile(r"wiod2013_(\d{4})\.npz")


@dataclass(frozen=True)
class WorldTable:
    """A world input-output table in million US$ at basic prices; rows of output equal rows of sales exactly.

    intermediate (seller, input, buyer, sector), final (seller, input, buyer); ``moved``: what cleaning changed, million
    US$ by rule.
    """

    year: int
    regions: tuple[str, ...]
    industries: tuple[str, ...]
    intermediate: Float[np.ndarray, "seller input buyer sector"]
    final: Float[np.ndarray, "seller input buyer"]
    moved: Mapping[str, float]

    @property
    def trade(self) -> Float[np.ndarray, "seller input buyer"]:
        """Sales of each industry to each region, for all uses."""
        return self.intermediate.sum(axis=3) + self.final

    @property
    def output(self) -> Float[np.ndarray, "seller input"]:
        """Gross output: all sales."""
        return self.trade.sum(axis=2)

    @property
    def inputs(self) -> Float[np.ndarray, "input buyer sector"]:
        """Use of each input, whoever sold it."""
        return self.intermediate.sum(axis=0)

    @property
    def value_added(self) -> Float[np.ndarray, "buyer sector"]:
        """Output less inputs: factor incomes, net taxes on products and transport margins together."""
        return self.output - self.inputs.sum(axis=0)


def available_years(tables: Path) -> list[int]:
    """Years with a file in the folder, ascending."""
    return sorted(int(m.group(1)) for path in tables.iterdir() if (m := _FILE.fullmatch(path.name)))


def table_problems(tables: Path, year: int, policy_year: int) -> list[Problem]:
    """Why the folder cannot give the economy of ``year`` and a panel of exports around ``policy_year``."""
    if not tables.is_dir():
        advice = "Give the folder with the files wiod2013_<year>.npz"
        return [Problem("there is no such folder", advice, value=str(tables))]
    years = available_years(tables)
    if not years:
        message, advice = "the folder holds no file wiod2013_<year>.npz", "Give the folder with the tables"
        return [Problem(message, advice, value=str(tables))]
    problems = []
    if year not in years:
        advice = f"Choose one of {years[0]} to {years[-1]}, or add the file"
        problems.append(Problem("the table of the base year is missing", advice, file=f"wiod2013_{year}.npz"))
    for hole in sorted(set(range(years[0], years[-1] + 1)) - set(years) - {year}):
        message, advice = "a year is missing from the panel of exports", "Add the file"
        problems.append(Problem(message, advice, file=f"wiod2013_{hole}.npz"))
    if not years[0] < policy_year <= years[-1]:
        message = f"the panel of exports does not reach from before to after {policy_year}"
        advice = "Add the tables of more years: the event study compares the two"
        problems.append(Problem(message, advice, value=f"{years[0]} to {years[-1]}"))
    return problems


def read_table(tables: Path, year: int) -> WorldTable:
    """Read one year and clean it.

    Rules, with what they move in ``moved``: rows of industries whose published output is zero are rounding and become
    zero; negative final uses (nearly all inventories) become zero; output is then what is sold.

    Raises InputError listing everything wrong with the file.
    """
    path = tables / f"wiod2013_{year}.npz"
    arrays, problems = _load(path)
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")
    countries = tuple(str(c) for c in arrays["countries"])
    industries = tuple(str(i) for i in arrays["industries"])
    n, s = len(countries), len(industries)
    intermediate = arrays["intermediate"].astype(float)
    final = arrays["final"].astype(float)
    idle = arrays["output"] == 0
    moved = {
        "rounding in rows without output": float(intermediate[idle].sum() + np.abs(final[idle]).sum()),
        "negative final uses": float(-final[~idle].clip(max=0).sum()),
    }
    intermediate[idle], final[idle] = 0.0, 0.0
    final = final.clip(min=0).reshape(n, s, n, FINAL_USES).sum(axis=3)
    return WorldTable(year, countries, industries, intermediate.reshape(n, s, n, s), final, moved)


def aggregate(table: WorldTable, regions: Mapping[str, str]) -> WorldTable:
    """Add countries up to regions (country -> region), in the order in which the regions are first named."""
    names = tuple(dict.fromkeys(regions.values()))
    members = np.array([[regions[c] == r for c in table.regions] for r in names], dtype=float)
    intermediate = np.tensordot(members, table.intermediate, axes=1)
    intermediate = np.moveaxis(np.tensordot(members, intermediate, axes=([1], [2])), 0, 2)
    final = np.tensordot(np.tensordot(members, table.final, axes=1), members, axes=([2], [1]))
    return WorldTable(table.year, names, table.industries, intermediate, final, table.moved)


def without_negative_value_added(table: WorldTable) -> WorldTable:
    """Where inputs cost more than output, scale them down to it; the surplus becomes final demand of the same buyer.

    Trade and output stay as they are; value added there is 0. ``moved`` says how much it was.
    """
    cost = table.inputs.sum(axis=0)
    sold = table.output
    keep = np.divide(sold, cost, out=np.ones_like(cost), where=cost > sold)
    surplus = table.intermediate * (1.0 - keep)
    moved = {**table.moved, "inputs above output": float(surplus.sum())}
    return WorldTable(
        table.year,
        table.regions,
        table.industries,
        table.intermediate - surplus,
        table.final + surplus.sum(axis=3),
        moved,
    )


def exports(table: WorldTable) -> Float[np.ndarray, "seller input"]:
    """Sales to other regions, for intermediate and final use, million US$."""
    trade = table.trade
    return trade.sum(axis=2) - np.einsum("iki->ik", trade)


def _load(path: Path) -> tuple[dict[str, np.ndarray], list[Problem]]:
    """Arrays of one file and everything wrong with them."""
    advice = "Export it again from the release, as described in reestim.data.importers.wiod"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ARRAYS if name in archive.files}
    except FileNotFoundError:
        return {}, [Problem("the file is missing", "Add it, or choose another year", file=path.name)]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        return {}, [Problem(f"the file cannot be read ({type(error).__name__})", advice, file=path.name)]
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        return {}, [Problem("an array is missing", advice, file=path.name, column=name) for name in missing]
    n, s = arrays["countries"].size, arrays["industries"].size
    shapes = {"intermediate": (n * s, n * s), "final": (n * s, n * FINAL_USES), "output": (n * s,)}
    problems = [
        Problem(f"the array has shape {arrays[name].shape} instead of {shape}", advice, file=path.name, column=name)
        for name, shape in shapes.items()
        if arrays[name].shape != shape
    ]
    for name in shapes:
        if arrays[name].dtype.kind not in "iuf" or not np.isfinite(arrays[name]).all():
            problems.append(Problem("the array holds something else than numbers", advice, file=path.name, column=name))
    for name in ("countries", "industries"):
        if len(set(arrays[name].tolist())) < arrays[name].size or arrays[name].dtype.kind != "U":
            problems.append(Problem("labels must be texts, each once", advice, file=path.name, column=name))
    return arrays, problems or _account_problems(arrays, path.name)


def _account_problems(arrays: Mapping[str, np.ndarray], file: str) -> list[Problem]:
    """Negative intermediate use, or rows that do not add up to output."""
    problems = []
    s = arrays["industries"].size

    def cell(row: int) -> str:
        return f"{arrays['countries'][row // s]} {arrays['industries'][row % s]}"

    negative = np.argwhere(arrays["intermediate"] < 0)
    if len(negative):
        row, column = (int(k) for k in negative[0])
        more = f" (and {len(negative) - 1} more)" if len(negative) > 1 else ""
        value = f"{cell(row)} to {cell(column)}: {arrays['intermediate'][row, column]}"
        message = f"intermediate use is negative{more}"
        problems.append(Problem(message, "Correct it", file=file, column="intermediate", value=value))
    sold = arrays["intermediate"].sum(axis=1, dtype=float) + arrays["final"].sum(axis=1, dtype=float)
    gap = np.abs(sold - arrays["output"])
    if gap.max() > ROUNDING:
        worst = int(gap.argmax())
        count = int((gap > ROUNDING).sum())
        message = f"{count} rows do not add up to output, the worst by {gap[worst]:,.0f} million US$"
        problems.append(Problem(message, "Correct it", file=file, column="output", value=cell(worst)))
    return problems


def same_labels(tables: Sequence[WorldTable]) -> list[Problem]:
    """Years whose countries or industries differ from those of the first."""
    first = tables[0]
    return [
        Problem(f"countries or industries differ from those of {first.year}", "Use one release for all years",
                file=f"wiod2013_{table.year}.npz")
        for table in tables
        if (table.regions, table.industries) != (first.regions, first.industries)
    ]  # fmt: skip
