"""One exception per kind of failure; the message says what is wrong and what to do.

The command line turns each into its exit code: 1 bad input, 2 a gate failed, 3 too many draws unsolved.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reestim.wording import printable, quoted

#: Columns of a file that are named with the same sentence; of further ones the number is said.
_MOST_COLUMNS = 40


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it stands, what it is, what to do about it.

    Parameters
    ----------
    message, advice
        What is wrong, and what to do: two sentences without their full stops.
    file, row, column
        Where: name of the file, line as an editor counts it (the header is line 1), column or key.
    value
        What stands there.

    Examples
    --------
    >>> from reestim.errors import Problem
    >>> print(Problem("θ must be below 1", "Correct it", file="shares.csv", row=3, column="theta", value=1.5))
    shares.csv, row 3, column 'theta', value 1.5: θ must be below 1. Correct it
    """

    message: str
    advice: str
    file: str | None = None
    row: int | None = None  # line of the file as an editor counts it (the header is line 1)
    column: str | None = None
    value: object = None

    def __str__(self) -> str:
        where = [printable(self.file)] if self.file else []
        if self.row is not None:
            where.append(self._line)
        if self.column is not None:
            where.append(self._key if self._in_toml else f"column {quoted(self.column)}")
        if self.value is not None:
            where.append(f"value {quoted(self.value)}")
        place = ", ".join(where)
        sentence = f"{printable(self.message)}. {printable(self.advice)}"
        return f"{place}: {sentence}" if place else sentence

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
            return f"key {quoted(str(self.column))}"
        table = f"[[{printable(first)}]] {rest[0]}"
        return f"{table}, key {quoted('.'.join(rest[1:]))}" if rest[1:] else table


def problem_lines(problems: Sequence[Problem], cap: int = 5) -> list[str]:
    """List problems, one line each; of each kind (file, column, sentence) the first ones and how many more there are.

    Parameters
    ----------
    problems
        In the order in which they are listed.
    cap
        How many of each kind.

    Returns
    -------
    list of str
        Lines for a message.

    Examples
    --------
    >>> from reestim.errors import Problem, problem_lines
    >>> lines = problem_lines([Problem("negative", "Correct it", file="a.csv", row=k) for k in range(2, 12)], cap=2)
    >>> len(lines), lines[-1]
    (3, 'a.csv: and 8 more of the same kind (negative)')
    """
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


def in_one_line(error: BaseException) -> str:
    """Type and first line of an error, for a sentence that mentions it."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class ReestimError(Exception):
    """Base class of the errors that REEstim raises on purpose.

    Attributes
    ----------
    exit_code
        What the command line ends with: 1 bad input, 2 a gate failed, 3 draws or equilibria not solved.

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
    """The problems of an input, collected until all of it was read, and raised together.

    Examples
    --------
    >>> from reestim.errors import Problem, Problems
    >>> problems = Problems()
    >>> with problems.collect():
    ...     economy = ree.load_dataset("no-such-dataset")
    >>> len(problems)
    1
    """

    @contextmanager
    def collect(self) -> Generator[None]:
        """Add the problems of an `InputError` that the block raises, and go on behind the block."""
        try:
            yield
        except InputError as error:
            self += error.problems

    def attempt[T](self, make: Callable[[], T]) -> T | None:
        """Call a function and collect the problems of the `InputError` that it may raise.

        Parameters
        ----------
        make
            What is called, without arguments.

        Returns
        -------
        T or None
            What ``make()`` returns; None where it raises.
        """
        with self.collect():
            return make()
        return None

    def raise_any(self, title: str) -> None:
        """Raise everything that was collected, if there is anything.

        Parameters
        ----------
        title
            What cannot be done: the first line of the message.

        Raises
        ------
        InputError
            With all problems.
        """
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

    Attributes
    ----------
    exit_code
        3.

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

    Attributes
    ----------
    exit_code
        3.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.UnsolvedDrawsError.exit_code  # of the command line
    3
    """

    exit_code = 3
