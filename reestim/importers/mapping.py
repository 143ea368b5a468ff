"""Mapping files: which region a country belongs to, which sector an industry; each label once, none lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.read import parse_column, read_cells
from reestim.data.schemas import ALL_OTHERS, WEIGHT_TOLERANCE
from reestim.errors import InputError, Problem
from reestim.importers.countries import code_of_country
from reestim.wording import closest

REGIONS = Path(__file__).resolve().parent / "concordances" / "regions.csv"
#: Codes of the sources that are not ISO 3166 or not ours, where every country stays a region of its own.
RENAMED = {"RoW": "ROW", "ROM": "ROU"}
CHINA = "CHN"


def region_mapping(mapping: Path | str | None, countries: Sequence[str]) -> dict[str, str]:
    """Country -> region for all ``countries``.

    mapping : None for the shipped 12 regions, ``"full"`` for no aggregation, or a CSV file with columns country,
        region; a row ``*`` takes all countries that no other row names.

    Raises InputError listing everything wrong with the file: unknown, repeated or forgotten countries, blank regions,
    fewer than two regions, China not a region of its own.
    """
    if mapping == "full":
        return {c: RENAMED.get(c, c) for c in countries}
    path = REGIONS if mapping is None else Path(mapping)
    seen, problems = read_mapping(path, "country", "region", countries, shipped=mapping is None, alias=code_of_country)
    china = {country for country, region in seen.items() if region == CHINA}
    if CHINA in countries and china != {CHINA} and not problems:
        advice = f"Map {CHINA} alone to {CHINA}: its prices and its policy are its own"
        value = ", ".join(sorted(china)) or None
        problems.append(Problem("China is not a region of its own", advice, file=path.name, value=value))
    if len(set(seen.values())) < 2 and not problems:
        problems.append(Problem("there are fewer than two regions", "Name at least two", file=path.name))
    if problems:
        raise InputError(problems, "the mapping of regions cannot be used")
    return seen


def sector_mapping(mapping: Path | None, industries: Sequence[str]) -> dict[str, str]:
    """Industry -> sector for all ``industries``: as they are, or from a CSV file with columns industry, sector.

    Raises InputError listing everything wrong with the file.
    """
    if mapping is None:
        return {i: i for i in industries}
    seen, problems = read_mapping(mapping, "industry", "sector", industries)
    if problems:
        raise InputError(problems, "the mapping of sectors cannot be used")
    return seen


def read_mapping(
    path: Path,
    source: str,
    target: str,
    labels: Sequence[str],
    *,
    shipped: bool = False,
    alias: Callable[[str], str] = str,
) -> tuple[dict[str, str], list[Problem]]:
    """Target of every label, in the order of the file, and everything wrong with it. In a shipped file labels that the
    data do not have are no mistake. ``alias`` gives another name of a label that the data do not have."""
    table, problems = read_columns(path, (source, target))
    if table is None:
        return {}, problems
    table[source] = [label if label in labels else alias(label) for label in table[source]]
    seen: dict[str, str] = {}
    rest: str | None = None
    for row, label, to in table[[source, target]].itertuples():
        place: Any = {"file": path.name, "row": int(row), "value": label}
        if to == "":
            message, advice = f"the {target} is empty", f"Name a {target}" + (", or ROW" if target == "region" else "")
            problems.append(Problem(message, advice, column=target, **place))
        elif label == ALL_OTHERS and rest is None:
            rest = to
        elif label in seen or label == ALL_OTHERS:
            problems.append(Problem(f"the {source} is mapped twice", "Keep one row", column=source, **place))
        elif label in labels:
            seen[label] = to
        elif not shipped:
            problems.append(Problem(f"unknown {source}", closest(label, labels), column=source, **place))
    listed = set(table[source])
    left = [label for label in labels if label not in listed]
    for label in left if rest is None else []:
        advice = f"Add a row (or one for {ALL_OTHERS}): a {source} that is left out would be lost from the world"
        message = f"the {source} has no {target}"
        problems.append(Problem(message, advice, file=path.name, column=source, value=label))
    return seen | ({label: rest for label in left} if rest is not None else {}), problems


def read_columns(
    path: Path, columns: Sequence[str], may_lack: Callable[[str], bool] | None = None
) -> tuple[Any, list[Problem]]:
    """A CSV file as text cells (index: line numbers), or None and why it cannot be used; ``may_lack``: see
    ``read_table``."""
    table, problems = read_cells(path, may_lack)
    if table is None:
        return None, problems
    advice = f"The file needs {', '.join(columns)}"
    missing = [name for name in columns if name not in table]
    problems += [Problem("the column is missing", advice, file=path.name, row=1, column=name) for name in missing]
    return (None if missing else table), problems


def read_concordance(path: Path, of: str, *, what: str) -> tuple[Any, list[Problem]]:
    """A concordance of the columns ``of``, industry, weight (index: line numbers), and everything wrong with it.

    Its weights are judged as `read_weights` does, and no pair may be repeated. Other columns stay text.

    Raises InputError where it cannot be read or lacks a column.
    """
    cells, problems = read_columns(path, (of, "industry", "weight"))
    if cells is None:
        raise InputError(problems, "the concordance cannot be used")
    weights, weight_problems = read_weights(cells, "weight", of, file=path.name, what=what)
    problems += weight_problems
    for row in cells.index[cells.duplicated([of, "industry"])]:
        value = f"{cells[of][row]}, {cells['industry'][row]}"
        problems.append(Problem("the pair is repeated", "Keep one row", file=path.name, row=int(row), value=value))
    return cells.assign(weight=weights), problems


def read_weights(cells: Any, column: str, of: str, *, file: str, what: str) -> tuple[pd.Series, list[Problem]]:
    """The column of weights as numbers, and everything wrong with it: each lies between 0 and 1, and those of one
    ``of`` sum to 1. ``what`` is lost or made where they do not, in words."""
    parsed, problems, _ = parse_column(cells[column], "number", file=file, may_be_empty=False)
    weights: Any = parsed
    for row, value in weights[(weights < 0) | (weights > 1)].items():
        place: Any = {"file": file, "row": int(row), "column": column, "value": value}
        problems.append(Problem("a weight outside 0 to 1", "Write a fraction", **place))
    if cells.empty:
        problems.append(Problem("the file has no rows", "Add them", file=file))
    if problems:
        return weights, problems
    for name, total in weights.groupby(cells[of], sort=False).sum().items():
        if abs(total - 1) > WEIGHT_TOLERANCE:
            advice = f"They sum to {total:.6g}; scale them to 1: otherwise {what} lost or made"
            message = f"the weights of the {of} do not sum to 1"
            problems.append(Problem(message, advice, file=file, column=column, value=name))
    return weights, problems
