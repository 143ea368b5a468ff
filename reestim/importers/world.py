"""A world input-output table, whatever its source: the rules that clean it, its aggregation, its balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from reestim.errors import InputError, Problem

#: Negative intermediate uses may be this share of output; above, the table is not what it says.
MOST_NEGATIVE_INPUTS = 1e-3
#: World output of one year, million US$, lies in here (2008: 1.2e8); outside, the unit is another one.
PLAUSIBLE_OUTPUT = (3e6, 3e10)


@dataclass(frozen=True)
class RawTable:
    """A table as its source prints it, in the source's unit; rows and columns: region slowest, then industry.

    ``output``: published gross output, None where there is none to compare with; ``unassigned``: sales that the source
    gives to no country; ``tolerance``: how far a row may be from its output, in the table's unit (scalar or by row).
    ``may_be_negative``: intermediate uses below zero occur in this source.
    """

    year: int
    file: str
    regions: tuple[str, ...]
    industries: tuple[str, ...]
    intermediate: Float[np.ndarray, "row row"]
    final: Float[np.ndarray, "row buyer use"]
    output: Float[np.ndarray, " row"] | None = None
    unassigned: Float[np.ndarray, " row"] | None = None
    tolerance: float | Float[np.ndarray, " row"] = 1.0
    may_be_negative: bool = False

    def cell(self, row: int) -> str:
        """Region and industry of a row, for messages."""
        return f"{self.regions[row // len(self.industries)]} {self.industries[row % len(self.industries)]}"


@dataclass(frozen=True)
class WorldTable:
    """A world input-output table in million US$; rows of output equal rows of sales exactly.

    intermediate (seller, input, buyer, sector) and final (seller, input, buyer) at what buyers pay; ``duties`` (seller,
    input, buyer): tariffs in it, None where there are none (basic prices). ``moved``: what cleaning changed, million
    US$ by rule. ``elasticities``: trade elasticities that come with the table, by industry.
    """

    year: int
    regions: tuple[str, ...]
    industries: tuple[str, ...]
    intermediate: Float[np.ndarray, "seller input buyer sector"]
    final: Float[np.ndarray, "seller input buyer"]
    moved: Mapping[str, float]
    duties: Float[np.ndarray, "seller input buyer"] | None = None
    elasticities: Mapping[str, float] | None = None

    @property
    def trade(self) -> Float[np.ndarray, "seller input buyer"]:
        """What each region pays to each industry, for all uses."""
        return self.intermediate.sum(axis=3) + self.final

    @property
    def output(self) -> Float[np.ndarray, "seller input"]:
        """Gross output: all sales, net of tariffs."""
        return self.trade.sum(axis=2) - (0.0 if self.duties is None else self.duties.sum(axis=2))

    @property
    def inputs(self) -> Float[np.ndarray, "input buyer sector"]:
        """Use of each input, whoever sold it."""
        return self.intermediate.sum(axis=0)

    @property
    def value_added(self) -> Float[np.ndarray, "buyer sector"]:
        """Output less inputs: factor incomes, net taxes on products and transport margins together."""
        return self.output - self.inputs.sum(axis=0)


def clean(raw: RawTable, usd_per_unit: float = 1.0) -> WorldTable:
    """Apply the rules and say in ``moved`` how much each moved (million US$).

    1. Rows of industries whose published output is zero are rounding and become zero.
    2. Negative intermediate uses become zero where the source is known to have them and they stay below 0.1 % of
       output; else they are an error.
    3. Negative final uses (nearly all inventories) become zero, each cell by itself.
    4. Sales without a buyer (a statistical discrepancy) are left out.
    5. Output is what is sold then, and value added is output less inputs, so that every account closes; the gap
       between rows and published output is stated, and above the source's tolerance it is an error.

    Raises InputError listing everything that the rules do not cover.
    """
    problems = _account_problems(raw)
    if problems:
        raise InputError(problems, f"the table of {raw.year} cannot be used")
    n, s = len(raw.regions), len(raw.industries)
    intermediate, final = raw.intermediate * usd_per_unit, raw.final * usd_per_unit
    moved: dict[str, float] = {}
    idle = np.zeros(n * s, dtype=bool)
    if raw.output is not None:
        idle = raw.output == 0
        moved["rounding in rows without output"] = float(np.abs(intermediate[idle]).sum() + np.abs(final[idle]).sum())
        moved["gap between rows and published output"] = float(np.abs(_gap(raw))[~idle].sum()) * usd_per_unit
        intermediate[idle], final[idle] = 0.0, 0.0
    if raw.may_be_negative:
        moved["negative intermediate uses"] = float(np.abs(intermediate.clip(max=0)).sum())
        intermediate = intermediate.clip(min=0)
    moved["negative final uses"] = float(np.abs(final.clip(max=0)).sum())
    if raw.unassigned is not None:
        moved["sales without a buyer"] = float(np.abs(raw.unassigned[~idle]).sum()) * usd_per_unit
    final = final.clip(min=0).sum(axis=2).reshape(n, s, n)
    return WorldTable(raw.year, raw.regions, raw.industries, intermediate.reshape(n, s, n, s), final, moved)


def magnitude_problems(table: WorldTable, file: str) -> list[Problem]:
    """Ask where world output is no plausible number of million US$."""
    total = float(table.output.sum())
    low, high = PLAUSIBLE_OUTPUT
    if low <= total <= high:
        return []
    advice = (
        f"A world of {table.year} is expected between {low:.0e} and {high:.0e}. Is it in thousand, or billion? "
        "Convert it with --exchange-rate, or say --confirm-units if it is right"
    )
    message = "world output is not plausible in million US$"
    return [Problem(message, advice, file=file, value=f"{total:.4g}")]


def aggregate(table: WorldTable, regions: Mapping[str, str], sectors: Mapping[str, str] | None = None) -> WorldTable:
    """Add countries up to regions and industries to sectors (source -> target), in the order of first mention.

    Tariffs between countries of one region leave its own purchases: no border is left to pay them at, and what its
    industries paid becomes their value added.
    """
    rows, row_names = _members(table.regions, regions)
    columns, names = _members(table.industries, sectors or {i: i for i in table.industries})

    def flows(cube: np.ndarray) -> np.ndarray:  # (seller, input, buyer)
        cube = np.tensordot(rows, cube, ([1], [0]))
        cube = np.moveaxis(np.tensordot(columns, cube, ([1], [1])), 0, 1)
        return np.moveaxis(np.tensordot(rows, cube, ([1], [2])), 0, 2)

    intermediate = np.tensordot(rows, table.intermediate, ([1], [0]))
    for axis, members in ((1, columns), (2, rows), (3, columns)):
        intermediate = np.moveaxis(np.tensordot(members, intermediate, ([1], [axis])), 0, axis)
    elasticities = table.elasticities
    if elasticities is not None and sectors is not None:
        elasticities = {k: float(np.mean([elasticities[i] for i in sectors if sectors[i] == k])) for k in names}
    final, moved = flows(table.final), dict(table.moved)
    duties = None if table.duties is None else flows(table.duties)
    if duties is not None:
        home = np.arange(len(row_names))
        inside = duties[home, :, home]
        bought = intermediate[home, :, home].sum(axis=2) + final[home, :, home]
        remaining = 1 - np.divide(inside, bought, out=np.zeros_like(inside), where=bought > 0)
        intermediate[home, :, home] *= remaining[:, :, None]
        final[home, :, home] *= remaining
        duties[home, :, home] = 0.0
        moved["tariffs inside regions"] = float(inside.sum())
    return replace(
        table,
        regions=row_names,
        industries=names,
        intermediate=intermediate,
        final=final,
        duties=duties,
        moved=moved,
        elasticities=elasticities,
    )


def without_negative_value_added(table: WorldTable) -> WorldTable:
    """Where inputs cost more than output, scale them down to it; the surplus becomes final demand of the same buyer.

    Trade and output stay as they are; value added there is 0. ``moved`` says how much it was.
    """
    cost = table.inputs.sum(axis=0)
    sold = table.output
    keep = np.divide(sold, cost, out=np.ones_like(cost), where=cost > sold)
    surplus = table.intermediate * (1.0 - keep)
    moved = {**table.moved, "inputs above output": float(surplus.sum())}
    final = table.final + surplus.sum(axis=3)
    return replace(table, intermediate=table.intermediate - surplus, final=final, moved=moved)


def exports(table: WorldTable) -> Float[np.ndarray, "seller input"]:
    """Sales to other regions, for intermediate and final use, million US$."""
    trade = table.trade
    return trade.sum(axis=2) - np.einsum("iki->ik", trade)


def _members(labels: tuple[str, ...], target: Mapping[str, str]) -> tuple[np.ndarray, tuple[str, ...]]:
    names = tuple(dict.fromkeys(target.values()))
    return np.array([[target[label] == name for label in labels] for name in names], dtype=float), names


def _gap(raw: RawTable) -> np.ndarray:
    sold = raw.intermediate.sum(axis=1, dtype=float) + raw.final.sum(axis=(1, 2), dtype=float)
    sold = sold if raw.unassigned is None else sold + raw.unassigned
    return sold - (0.0 if raw.output is None else raw.output)


def _account_problems(raw: RawTable) -> list[Problem]:
    """Negative intermediate use, or rows that do not add up to output."""
    problems = []
    negative = np.argwhere(raw.intermediate < 0)
    total = float(np.abs(raw.intermediate).sum() + np.abs(raw.final).sum())
    amount = float(-raw.intermediate.clip(max=0).sum())
    if len(negative) and (not raw.may_be_negative or amount > MOST_NEGATIVE_INPUTS * total):
        row, column = (int(k) for k in negative[0])
        more = f" (and {len(negative) - 1} more)" if len(negative) > 1 else ""
        value = f"{raw.cell(row)} to {raw.cell(column)}: {raw.intermediate[row, column]}"
        message = f"intermediate use is negative{more}"
        advice = f"Correct it; together they are {amount / total:.2%} of all uses"
        problems.append(Problem(message, advice, file=raw.file, column="intermediate", value=value))
    if raw.output is not None:
        off = np.abs(_gap(raw)) - raw.tolerance
        if (off > 0).any():
            worst = int(off.argmax())
            count, gap = int((off > 0).sum()), abs(float(_gap(raw)[worst]))
            message = f"{count} rows do not add up to output, the worst by {gap:,.0f} (in the table's unit)"
            advice = "Use the files of one edition as they were published"
            problems.append(Problem(message, advice, file=raw.file, column="output", value=raw.cell(worst)))
    return problems
