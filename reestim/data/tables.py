"""Check one file against its schema: columns, cells, ranges and repeated keys, every problem with its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa

from reestim.data.read import parse_column
from reestim.data.schemas import LABELS_OF, SCHEMAS, Field, FileSchema
from reestim.errors import Problem
from reestim.wording import closest


def check_table(stem: str, raw: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem], set[int]]:
    """Typed table of one file, its problems, and the lines that have one.

    ``raw`` holds text cells with line numbers as index (``read_table``). Missing columns are left missing.
    """
    schema, file = SCHEMAS[stem], f"{stem}.csv"
    problems = _column_problems(schema, raw, file)
    typed: dict[str, pd.Series] = {}
    unusable: dict[str, set[int]] = {}
    for name in raw.columns:
        field = schema.all_fields.get(name, Field("number", may_be_empty=True) if schema.extra_numbers else None)
        if field is None:
            continue
        cells: Any = raw[name]
        parsed = parse_column(cells, field.kind, file=file, may_be_empty=field.may_be_empty)
        typed[name], column_problems, unusable[name] = parsed[0], parsed[1], parsed[2]
        problems += column_problems
    table = pd.DataFrame(typed, index=raw.index)
    problems += _range_problems(schema, table, raw, unusable, file)
    key = [name for name in schema.key if name in table or schema.fields[name].required]
    if all(name in table for name in key):
        problems += _duplicate_problems(key, table, set().union(*(unusable[name] for name in key)), file)
    return table, problems, {p.row for p in problems if p.row is not None and p.row > 1}


def _column_problems(schema: FileSchema, raw: pd.DataFrame, file: str) -> list[Problem]:
    problems = []
    expected = [name for name, field in schema.fields.items() if field.required]
    unknown = [] if schema.extra_numbers else [name for name in raw.columns if name not in schema.all_fields]
    for name in expected:
        if name not in raw.columns:
            others = [c for c in raw.columns if c not in schema.fields]
            advice = f"Add it. {closest(name, others)}" if others else f"Add it; the file needs {', '.join(expected)}"
            problems.append(Problem("the column is missing", advice, file=file, row=1, column=name))
    for name in unknown:
        advice = f"Rename or remove it. {closest(name, [n for n in schema.all_fields if n not in raw.columns])}"
        problems.append(Problem("the column is unknown", advice, file=file, row=1, column=name))
    return problems


def _range_problems(
    schema: FileSchema, table: pd.DataFrame, raw: pd.DataFrame, unusable: Mapping[str, set[int]], file: str
) -> list[Problem]:
    """Run the pandera checks on the cells that could be read."""
    problems = []
    for name in table.columns:
        field = schema.all_fields.get(name)
        if field is None or not field.checks:
            continue
        cells: Any = table[name].drop(index=list(unusable[name]))
        advice = {str(check.error): str(check.description) for check in field.checks}
        try:
            pa.SeriesSchema(checks=list(field.checks), nullable=True).validate(cells, lazy=True)
        except pa.errors.SchemaErrors as error:
            for row, sentence in error.failure_cases[["index", "check"]].itertuples(index=False):
                value = raw.loc[row, name]
                hint = closest(value, LABELS_OF[sentence]) if sentence in LABELS_OF else advice[sentence]
                problems.append(Problem(sentence, hint, file=file, row=int(row), column=name, value=value))
    return problems


def _duplicate_problems(key: list[str], table: pd.DataFrame, skip: set[int], file: str) -> list[Problem]:
    keys: Any = table.drop(index=list(skip))[key]
    again: Any = keys[keys.duplicated(keep="first")]
    if again.empty:
        return []
    first = {key: row for row, *key_cells in reversed(list(keys.itertuples())) for key in [tuple(key_cells)]}
    problems = []
    for row, *cells in again.itertuples():
        value = ", ".join(str(cell) for cell in cells)
        advice = f"Keep one of rows {first[tuple(cells)]} and {row}"
        problems.append(Problem("the key is repeated", advice, file=file, row=int(row), value=value))
    return problems
