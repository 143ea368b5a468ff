"""Accounting identities of a dataset: what sectors sell is what they spend, and nobody uses more than is bought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool

from reestim.data.policy import policy_arrays
from reestim.errors import Problem
from reestim.wording import nearest

#: Inputs and value added may differ from output by this much, relative to output: rounding of the files.
ACCOUNTS_TOLERANCE = 1e-6


def cube(table: pd.DataFrame, columns: Sequence[str], labels: Sequence[Sequence[str]]) -> np.ndarray:
    """``value`` as a float array with one axis for each column, placed by label; absent cells 0, unknown labels out."""
    codes = [
        pd.Index(names).get_indexer(pd.Index(table[column])) for column, names in zip(columns, labels, strict=True)
    ]
    placed = np.all([code >= 0 for code in codes], axis=0) & np.isfinite(table["value"].to_numpy(dtype=float))
    array = np.zeros([len(names) for names in labels])
    np.add.at(array, tuple(code[placed] for code in codes), table["value"].to_numpy(dtype=float)[placed])
    return array


def identity_problems(
    tables: Mapping[str, pd.DataFrame],
    faulty_rows: Mapping[str, set[int]],
    countries: Sequence[str],
    goods: Sequence[str],
) -> list[Problem]:
    """Countries and sectors where inputs + value added differ from output, or final demand would be negative.

    Output is what all importers pay in ``trade.csv`` net of tariffs and export taxes. Cells fed by a line that already
    has a problem are left out.
    """
    needed = {
        "trade": ("importer", "exporter", "sector", "value"),
        "input_output": ("country", "input", "sector", "value"),
        "value_added": ("country", "sector", "value"),
    }
    if not countries or not goods:
        return []
    for stem, columns in needed.items():
        if stem not in tables or any(c not in tables[stem] for c in columns) or -1 in faulty_rows.get(stem, set()):
            return []
    policy = tables.get("policy")
    if policy is not None and {"importer", "exporter", "sector", "tariff", "export_tax"} <= set(policy.columns):
        policy = policy.drop(index=[row for row in faulty_rows.get("policy", set()) if row in policy.index])
    else:
        policy = None
    trade = cube(tables["trade"], needed["trade"][:3], (countries, countries, goods))
    inputs = cube(tables["input_output"], needed["input_output"][:3], (countries, goods, goods))
    added = cube(tables["value_added"], needed["value_added"][:2], (countries, goods))
    tariff, export_tax = policy_arrays(policy, countries, goods)
    output = (trade / ((1 + tariff) * (1 + export_tax))).sum(axis=0)
    spent, used, cost = trade.sum(axis=1), inputs.sum(axis=2), inputs.sum(axis=1) + added

    faulty = {stem: faulty_rows.get(stem, ()) for stem in ("trade", "input_output", "value_added")}
    touched = _touch(tables["trade"], faulty["trade"], ("exporter", "sector"), countries, goods)
    touched |= _touch(tables["input_output"], faulty["input_output"], ("country", "sector"), countries, goods)
    touched |= _touch(tables["value_added"], faulty["value_added"], ("country", "sector"), countries, goods)
    gap = cost - output
    off = (np.abs(gap) > ACCOUNTS_TOLERANCE * np.maximum(cost, output)) & ~touched
    problems = [
        Problem(
            "inputs + value added are not equal to output",
            "Output is what all importers pay in trade.csv, net of tariffs and export taxes; correct what is off",
            file="value_added.csv",
            value=f"{countries[n]}, {goods[s]}: {cost[n, s]:.10g} against {output[n, s]:.10g}"
            + (f" ({100 * gap[n, s] / output[n, s]:+.3g} %)" if output[n, s] > 1e-9 * cost[n, s] else ""),
        )
        for n, s in np.argwhere(off)
    ]
    touched = _touch(tables["trade"], faulty["trade"], ("importer", "sector"), countries, goods)
    touched |= _touch(tables["input_output"], faulty["input_output"], ("country", "input"), countries, goods)
    short = (used > spent * (1 + 1e-9) + 1e-9) & ~touched
    problems += [
        Problem(
            "final demand is negative: more of the input is used than bought",
            "Lower its use in input_output.csv or raise purchases in trade.csv",
            file="input_output.csv",
            column="input",
            value=f"{countries[n]}, {goods[k]}: used {used[n, k]:.10g}, bought {spent[n, k]:.10g}",
        )
        for n, k in np.argwhere(short)
    ]
    return problems


def _touch(
    table: pd.DataFrame, rows: Iterable[int], columns: tuple[str, str], countries: Sequence[str], goods: Sequence[str]
) -> Bool[np.ndarray, "country sector"]:
    """Cells that a line with a problem feeds; an unknown label counts as the nearest known one, else as any."""
    mask = np.zeros((len(countries), len(goods)), dtype=bool)
    touched = table.loc[table.index.isin(list(rows)), list(columns)].drop_duplicates()
    for labels in touched.itertuples(index=False):
        place: list[int | slice] = []
        for label, names in zip(labels, (countries, goods), strict=True):
            meant = label if label in names else nearest(label, names)
            place.append(slice(None) if meant is None else list(names).index(meant))
        mask[tuple(place)] = True
    return mask
