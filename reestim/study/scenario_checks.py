"""What a scenario file says against itself, and sizes in it that are most often mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reestim.study.scenario_file import QUANTITY_CHANGE

if TYPE_CHECKING:
    from reestim.equilibrium.policy import Policy
    from reestim.errors import Problem
    from reestim.study.scenario_file import Entries

#: Ad valorem rate of a tax above which a file is asked whether it means per cent: 300 per cent.
LARGEST_RATE = 3.0


def cross_problems(read: Entries, kinds: Sequence[str]) -> Iterator[Problem]:
    """Problems of what could be read of a file; ``kinds`` are the tables that it may have."""
    assert read.file is not None
    placed: dict[tuple[str, str], int] = {}
    for number, mine in read.mines:
        elements = [mine.elements] if isinstance(mine.elements, str) else mine.elements
        first = min(placed.setdefault((mine.country, element), number) for element in elements)
        if first < number:
            message = f"entries {first} and {number} of [[mine]] are the same mine"
            yield read.problem(("mine", number - 1), message, "Keep one of the two.")
    if not read.entries and not read.problems:
        yield _changes_nothing(read, kinds)
    for entry in read.entries:
        for name, value in vars(entry.policy).items():
            if name != "years" and value == ():
                yield read.problem((*entry.place, name), "this list is empty", f'Name labels, or write {name} = "all".')
    if not read.problems:
        yield from _never_in_force(read)
    if not read.file.confirmed:
        yield from _unusual(read)
    yield from _set_twice(read)


def _changes_nothing(read: Entries, kinds: Sequence[str]) -> Problem:
    if read.mines:
        advice = "Add [[supply_shock]] for what the mine will yield, or another policy."
        return read.problem((), "a mine is part of the baseline: this scenario changes nothing", advice)
    names = [f"[[{name}]]" for name in kinds]
    return read.problem((), "this scenario changes nothing", f"Add {', '.join(names[:-1])} or {names[-1]}.")


def _set_twice(read: Entries) -> Iterator[Problem]:
    """Two taxes on the same trade."""
    for kind in ("tariff", "export_tax"):
        named = [(entry, _named(entry.policy)) for entry in read.entries if entry.kind == kind]
        for later, (entry, lists) in enumerate(named):
            for first, earlier in named[:later]:
                both = [[name for name in names if name in earlier[k]] for k, names in enumerate(lists)]
                if all(both):
                    where = " / ".join(names[0] for names in both[:3] if names[0] != "all") or "all trade"
                    message = f"entries {first.number} and {entry.number} of [[{kind}]] both set {where}"
                    yield read.problem(entry.place, message, "Keep one of the two.")
                    break


def _never_in_force(read: Entries) -> Iterator[Problem]:
    """Dated policies in a scenario without a year, or with a year that is none of theirs."""
    assert read.file is not None
    year, policies = read.file.year, [entry.policy for entry in read.entries]
    if year is None and any(policy.years for policy in policies):
        advice = "Add the year that a static solution speaks of; a transition takes its own years."
        yield read.problem(("year",), "policies have years and the scenario has none", advice)
    elif policies and all(policy.years and year not in policy.years for policy in policies):
        advice = "Give a year in which a policy is in force, or add the year to the years of a policy."
        message = "no policy is in force in the year of the scenario: it would change nothing"
        yield read.problem(("year",), message, advice, year)


def _unusual(read: Entries) -> Iterator[Problem]:
    """Questions about sizes that are most often mistakes."""
    meant = "If it is meant, write confirmed = true at the top of the file."
    for entry in read.entries:
        values: dict[str, Any] = vars(entry.policy)
        if entry.kind in ("tariff", "export_tax") and values["rate"] > LARGEST_RATE:
            message = f"this is a tax of {100 * values['rate']:,.0f} per cent"
            advice = f"Is it per cent? Then write {values['rate'] / 100:g}. {meant}"
            yield read.problem((*entry.place, "rate"), message, advice, values["rate"])
        if entry.policy.keys_in_files and values[QUANTITY_CHANGE] > 1:
            message = f"the limit is {values[QUANTITY_CHANGE]:.3g} times the baseline: most likely it binds nobody"
            advice = f"Check the tonnes of limit and baseline. {meant}"
            yield read.problem(entry.place, message, advice, values[QUANTITY_CHANGE])


def _named(policy: Policy) -> list[dict[str, None]]:
    """The importers, exporters, sectors and years that a tax names, as written, in their order."""
    lists = [getattr(policy, name) for name in ("importer", "exporter", "sectors")]
    lists.append(tuple(str(year) for year in policy.years) or ("all",))
    return [dict.fromkeys([names] if isinstance(names, str) else names) for names in lists]
