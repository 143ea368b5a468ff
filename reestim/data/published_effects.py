"""``event_study.csv`` and ``event_study_covariance.csv``: effects that others estimated, checked and put in order.

An effect is in log points of the outcome for one standard deviation of exposure, at ``event_time`` (or on average from
``event_time`` to ``last_event_time``), against ``reference_event_time`` (default -1), over ``countries`` (default all).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.data.country_groups import ALL, country_group
from reestim.errors import InputError, Problem

if TYPE_CHECKING:
    from reestim.data.partial_tables import PartialTables

EFFECTS, COVARIANCE = "event_study", "event_study_covariance"
REFERENCE = -1
#: Smallest eigenvalue of the correlation matrix; below, the matrix has no usable inverse.
SMALLEST_EIGENVALUE = 1e-6
_DIAGONAL_TOLERANCE = 0.02  # a printed standard error is rounded
_KEY = ["outcome", "countries", "event_time"]
_OTHER = ["other_outcome", "other_countries", "other_event_time"]


def effect_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The effects with all columns there: what a file leaves out or blank takes its default. The index is kept."""
    rows = table.copy()
    rows["countries"] = _text(table, "countries")
    for name, default in (("last_event_time", table["event_time"]), ("reference_event_time", REFERENCE)):
        column: Any = table[name] if name in table else pd.Series(np.nan, index=table.index)
        rows[name] = column.fillna(default).astype("int64")
    return rows


def covariance_matrix(effects: pd.DataFrame, entries: pd.DataFrame | None) -> Float[np.ndarray, "effect effect"]:
    """V̂ in the order of ``effects`` (from ``effect_rows``): squared standard errors, and the covariances that the file
    gives (one of the two halves is enough; what is not there is 0).

    Raises InputError, all problems together: unknown effects, halves or diagonal that disagree, not positive definite.
    """
    error = effects["std_error"].to_numpy(float)
    matrix = np.diag(error**2)
    if entries is None:
        return matrix
    position = {key: k for k, key in enumerate(effects[_KEY].itertuples(index=False, name=None))}
    cells = entries.assign(countries=_text(entries, "countries"), other_countries=_text(entries, "other_countries"))
    problems: list[Problem] = []
    seen: dict[tuple[int, int], float] = {}
    for row, cell in zip(cells.index, cells[[*_KEY, *_OTHER, "covariance"]].itertuples(index=False), strict=True):
        keys = tuple(cell[:3]), tuple(cell[3:6])
        value = float(cell[6])
        unknown = [key for key in keys if key not in position]
        if unknown:
            names = "; ".join(", ".join(str(part) for part in key) for key in unknown)
            problems.append(_problem("no such effect in event_study.csv", "Name effects as there", row, value=names))
            continue
        i, j = sorted(position[key] for key in keys)
        if i == j and abs(np.sqrt(max(value, 0.0)) - error[i]) > _DIAGONAL_TOLERANCE * error[i]:
            advice = f"std_error in event_study.csv is {error[i]:g}, its square {error[i] ** 2:g}; correct one of them"
            problems.append(_problem("the variance is not the squared standard error", advice, row, value=value))
        elif (i, j) in seen and abs(seen[i, j] - value) > 1e-6 * error[i] * error[j]:
            problems.append(_problem("the two halves of the matrix disagree", "Keep one half", row, value=value))
        elif i != j:
            matrix[i, j] = matrix[j, i] = value
        seen[i, j] = value
    smallest = 1.0 if problems else float(np.linalg.eigvalsh(matrix / np.outer(error, error))[0])
    if smallest < SMALLEST_EIGENVALUE:
        message = "the covariance of the effects is not positive definite"
        advice = f"The smallest eigenvalue of the correlations is {smallest:.3g}: check signs, units and typing errors"
        problems.append(Problem(message, advice, file=f"{COVARIANCE}.csv", column="covariance"))
    if problems:
        raise InputError(problems, "the covariance of the published effects cannot be used")
    return matrix


def event_study_problems(data: PartialTables, countries: tuple[str, ...]) -> list[Problem]:
    """Problems of the two files that their columns alone do not show."""
    table, entries = data.get(EFFECTS, "outcome", "event_time"), data.get(COVARIANCE)
    if table is None:
        absent = EFFECTS not in data.tables and entries is not None
        advice = f"It goes with {COVARIANCE}.csv: add it, or remove both"
        return [Problem("the file is missing", advice, file=f"{EFFECTS}.csv")] if absent else []
    bad = data.faulty_rows.get(EFFECTS, set())
    if table.empty and not bad:
        advice = "Add the published effects, or remove the file"
        return [Problem("the file has no rows", advice, file=f"{EFFECTS}.csv")]
    effects: Any = effect_rows(table.drop(index=[row for row in bad if row in table.index]))
    problems = []
    for row, e in zip(effects.index, effects.itertuples(index=False), strict=True):
        place: dict[str, Any] = {"file": f"{EFFECTS}.csv", "row": int(row)}
        if e.last_event_time < e.event_time:
            advice = "Leave it blank for one year, or give the last year of the average"
            value = int(e.last_event_time)
            problems.append(
                Problem(
                    "the last event time lies before the first", advice, **place, column="last_event_time", value=value
                )
            )
        elif e.event_time <= e.reference_event_time <= e.last_event_time:
            advice = "An effect against itself is 0 by definition: leave the row out"
            value = int(e.event_time)
            problems.append(
                Problem("the effect holds the reference event time", advice, **place, column="event_time", value=value)
            )
        try:
            country_group(e.countries, countries)
        except ValueError as error:
            message, advice = str(error).split(". ", 1)
            problems.append(Problem(message, advice, **place, column="countries", value=e.countries))
    problem_free = not problems and not bad and not data.faulty_rows.get(COVARIANCE)
    needed = [name for name in (*_KEY, *_OTHER, "covariance") if "countries" not in name]
    if problem_free and "std_error" in effects and data.get(COVARIANCE, *needed) is not None:
        try:
            covariance_matrix(effects, entries)
        except InputError as error:
            problems += error.problems
    return problems


def _text(table: pd.DataFrame, name: str) -> Any:
    column: Any = table[name] if name in table else pd.Series("", index=table.index)
    return column.astype("str").str.strip().replace("", ALL)


def _problem(message: str, advice: str, row: Any, value: object) -> Problem:
    return Problem(message, advice, file=f"{COVARIANCE}.csv", row=int(row), column="covariance", value=value)
