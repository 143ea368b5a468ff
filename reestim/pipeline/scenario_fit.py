"""Scenario files against an economy: everything that does not fit, with the line of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.errors import InputError, Problem
from reestim.importers.countries import alpha3_of_name
from reestim.io.toml_files import find_file

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy
    from reestim.equilibrium.scenario import Scenario
    from reestim.study.scenario_file import Entries, Entry


def read_scenarios(paths: Sequence[Path], economy: Economy) -> tuple[list[tuple[Path, Scenario]], list[Problem]]:
    """Scenario files with what they say, and everything that is wrong in them or does not fit the economy."""
    from reestim.study.scenario_file import read_entries, scenario_of

    problems: list[Problem] = []
    out = []
    for path in paths:
        read = read_entries(find_file(path))
        own_problems = [*read.problems, *_unfit(read, economy)]
        problems += own_problems
        if not own_problems:
            out.append((path, scenario_of(read)))
    return out, problems


def _unfit(read: Entries, economy: Economy) -> list[Problem]:
    """What keeps the tables of a file from being placed on the economy."""
    from reestim.equilibrium.placing import Levels
    from reestim.study.scenario_file import mine_of

    problems: list[Problem] = []
    for number, mine in read.mines:
        try:
            economy = mine_of(mine).opened(economy)
        except InputError as error:
            problems += [_at(read, ("mine", number - 1), problem) for problem in error.problems]
    year, levels = read.file.year if read.file else None, Levels.of(economy)
    for entry in read.entries:
        if not entry.policy.years or year in entry.policy.years:
            before = len(levels.problems)
            entry.policy.apply(levels)
            problems += [_of_entry(read, entry, problem) for problem in levels.problems[before:]]
    return problems


def _of_entry(read: Entries, entry: Entry, problem: Problem) -> Problem:
    """A problem of a policy as one of its table: the file's name of the policy, no text of the Python object."""
    problem = replace(
        problem,
        message=problem.message.replace(type(entry.policy).__name__, f"[[{entry.kind}]]"),
        value=None if problem.value == str(entry.policy) else problem.value,
    )
    return _at(read, entry.place, problem)


def _at(read: Entries, place: tuple[str | int, ...], problem: Problem) -> Problem:
    named = place if problem.column is None else (*place, problem.column)
    codes = [
        f"{name} is {alpha3_of_name()[name]}" for name in str(problem.value).split(", ") if name in alpha3_of_name()
    ]
    advice = f"{'; '.join(codes)}. {problem.advice}" if codes else problem.advice
    return read.problem(named, problem.message, advice, problem.value)
