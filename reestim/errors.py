"""One exception per kind of failure; the message says what is wrong and what to do.

The command line turns each into its exit code: 1 bad input, 2 a gate failed, 3 too many draws unsolved.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

#: A value or a sentence of a problem longer than this is cut: it is there to be recognised, not read.
_LONGEST_VALUE, _LONGEST_SENTENCE = 120, 600
#: Columns of a file that are named with the same sentence; of further ones the number is said.
_MOST_COLUMNS = 40
#: What would steer a terminal, turn the direction of reading or break a line; and halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it stands, what it is, what to do about it."""

    message: str
    advice: str
    file: str | None = None
    row: int | None = None  # line of the file as an editor counts it (the header is line 1)
    column: str | None = None
    value: object = None

    def __str__(self) -> str:
        where = [_printable(self.file)] if self.file else []
        if self.row is not None:
            where.append(self._line)
        if self.column is not None:
            where.append(self._key if self._in_toml else f"column {_shown(self.column)}")
        if self.value is not None:
            where.append(f"value {_shown(self.value)}")
        place = ", ".join(where)
        said = f"{_printable(self.message)}. {_printable(self.advice)}"
        return f"{place}: {said}" if place else said

    @property
    def _in_toml(self) -> bool:
        return str(self.file).endswith(".toml")

    @property
    def _line(self) -> str:
        if self.row == 1 and str(self.file).endswith((".csv", ".tsv")):
            return "the header (row 1)"
        return f"{'line' if self._in_toml else 'row'} {self.row}"

    @property
    def _key(self) -> str:
        """The place of a key as a TOML file has it: ``[[tariff]] 2, key 'rate'`` for ``tariff.2.rate``."""
        first, *rest = str(self.column).split(".")
        if not (rest and rest[0].isdigit()):
            return f"key {_shown(str(self.column))}"
        table = f"[[{_printable(first)}]] {rest[0]}"
        return f"{table}, key {_shown('.'.join(rest[1:]))}" if rest[1:] else table


def _shown(value: object) -> str:
    """A value as a problem names it: quoted, without characters that a terminal would obey, cut where it is long."""
    try:
        return _cut(_printable(repr(value), longest=None), _LONGEST_VALUE)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of thousands of digits"


def _printable(text: str, longest: int | None = _LONGEST_SENTENCE) -> str:
    """Text on one line for a terminal, a log or JSON, without characters that steer any of them."""
    plain = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
    return plain if longest is None else _cut(plain, longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 20]}... ({len(text)} characters)"


def problem_lines(problems: Sequence[Problem], cap: int = 5) -> list[str]:
    """One line a problem; of each kind (file, column, sentence) the first ``cap`` and the number of further ones."""
    groups: dict[tuple[str | None, str | None, str], list[Problem]] = {}
    columns: dict[tuple[str | None, str], int] = {}
    for problem in problems:
        key = (problem.file, problem.column, problem.message)
        if key not in groups:
            columns[key[0], key[2]] = columns.get((key[0], key[2]), 0) + 1
        if columns[key[0], key[2]] <= _MOST_COLUMNS:
            groups.setdefault(key, []).append(problem)
    lines = []
    for (file, column, message), group in groups.items():
        shown = group if len(group) == cap + 1 else group[:cap]
        lines += [str(problem) for problem in shown]
        if len(group) > len(shown):
            place = ", ".join([*([file] if file else []), *([f"column {column!r}"] if column else [])])
            lines.append(f"{place or 'dataset'}: and {len(group) - len(shown)} more of the same kind ({message})")
    for (file, message), count in columns.items():
        if count > _MOST_COLUMNS:
            lines.append(f"{file or 'dataset'}: and {count - _MOST_COLUMNS} more columns of the same kind ({message})")
    return lines


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, letter case aside, or None."""
    return _nearest(str(word).lower(), tuple(known))


@lru_cache(maxsize=4096)  # one wrong label often stands in thousands of rows
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6)
    return names[near[0]] if near else None


def closest(word: object, known: Iterable[str]) -> str:
    """Advice: the nearest known word (``Did you mean 'chemicals'?``) or, where none is near, the known words."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    listed = ", ".join(names[:25]) + (f", ... ({len(names)} in all)" if len(names) > 25 else "")
    return f"Known: {listed or 'none'}"


def in_one_line(error: BaseException) -> str:
    """Type and first line of an error, for a sentence that mentions it."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class ReestimError(Exception):
    """Base class of the errors that REEstim raises on purpose.

    Examples
    --------
    >>> import reestim as ree
    >>> issubclass(ree.InputError, ree.ReestimError), issubclass(ree.EquilibriumError, ree.ReestimError)
    (True, True)
    """

    exit_code = 1


class InputError(ReestimError):
    """Something in the input is wrong; nothing was computed or written.

    Parameters
    ----------
    problems
        Everything that is wrong: place, message and advice of each (`reestim.errors.Problem`). The attribute of the
        same name holds them.
    title
        What cannot be done, the first line of the message.

    Examples
    --------
    >>> import reestim as ree
    >>> try:
    ...     ree.load_dataset("no-such-dataset")
    ... except ree.InputError as error:
    ...     print(error.problems[0].message)
    there is no such dataset
    """

    def __init__(self, problems: Sequence[Problem] | Problem, title: str = "the input cannot be used") -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.title = title
        super().__init__("\n".join([self.heading, *(f"  - {line}" for line in problem_lines(self.problems))]))

    @property
    def heading(self) -> str:
        """``title (3 problems):``."""
        n = len(self.problems)
        return f"{self.title} ({'1 problem' if n == 1 else f'{n} problems'}):"


class Problems(list[Problem]):
    """The problems of an input, collected until all of it was read, and raised together."""

    @contextmanager
    def collect(self) -> Generator[None]:
        """Add the problems of an `InputError` that the block raises, and go on behind the block."""
        try:
            yield
        except InputError as error:
            self += error.problems

    def attempt[T](self, make: Callable[[], T]) -> T | None:
        """What ``make()`` returns; None, with its problems collected, where it raises an `InputError`."""
        with self.collect():
            return make()
        return None

    def raise_any(self, title: str) -> None:
        """Raise `InputError` with everything collected, if there is anything."""
        if self:
            raise InputError(self, title)


class ParameterError(InputError):
    """Parameters outside the interior of the model, such as σ ≥ 1 + 1/κ̃ or κ < 0: research has no interior optimum.

    Parameters
    ----------
    problems, title
        As of :class:`InputError`, of which this is a kind.

    Examples
    --------
    >>> import reestim as ree
    >>> try:
    ...     ree.Parameters(sigma=3.0).to_arrays(economy)
    ... except ree.ParameterError as error:
    ...     print(error.title)
    these parameters have no equilibrium in the model
    """


class EquilibriumError(ReestimError):
    """The solver found no equilibrium. Try a smaller shock or a looser tolerance; the message names its place.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.EquilibriumError.exit_code  # of the command line
    3
    """

    exit_code = 3


#: Largest share of unsolved draws of a scenario that a summary of the others may hide.
MAX_UNSOLVED = 0.01


class UnsolvedDrawsError(ReestimError):
    """More draws have no equilibrium than is allowed: summaries of the others would be of the easy draws only.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.UnsolvedDrawsError.exit_code  # of the command line
    3
    """

    exit_code = 3
