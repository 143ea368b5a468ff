"""Designs of further measurement: what could be asked, counted or audited next, and how exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reestim.counterfactuals.inputs import SOURCES, TRADE
from reestim.data.country_groups import ALL
from reestim.errors import InputError, Problem
from reestim.wording import closest


@dataclass(frozen=True)
class PatentAudit:
    """People judge further patents, as many of each label of the machine.

    Parameters
    ----------
    patents
        How many in all.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> ree.PatentAudit(500).in_words
    'audit of 500 more patents'
    """

    patents: int

    def __post_init__(self) -> None:
        if not self.patents > 0:
            raise InputError(Problem("nothing is audited", "Give a number of patents.", value=self.patents))

    @property
    def in_words(self) -> str:
        """What is measured."""
        return f"audit of {self.patents} more patents"


@dataclass(frozen=True)
class UsePanel:
    """The use of rare earths in sectors of a country over some years, the evidence of equation (15).

    Parameters
    ----------
    country
        A label of the run.
    years
        Consecutive years with a price in the run, two at least.
    error
        Standard deviation of the error of a year's figure, log points. The noise of use itself, ``ree_use_noise`` of
        the posterior, comes on top where the run has estimated it.
    sectors
        Labels of sectors that use rare earths, or ``"all"``.

    Raises
    ------
    InputError
        Listing everything that is wrong.

    Examples
    --------
    >>> ree.UsePanel("JPN", range(2005, 2012), 0.1, ["machinery"]).in_words
    'use of rare earths in JPN, machinery, 2005-2011, error 0.1'
    """

    country: str
    years: Sequence[int]
    error: float
    sectors: Sequence[str] | str = ALL

    def __post_init__(self) -> None:
        years = tuple(int(t) for t in self.years)
        object.__setattr__(self, "years", years)
        problems = _error_problems(self.error)
        if len(years) < 2 or years != tuple(range(years[0], years[0] + len(years))):
            advice = "Give consecutive years, two at least: range(2005, 2012)."
            problems.append(Problem("these years give no changes from year to year", advice, value=years))
        if not self.sectors:
            problems.append(Problem("no sector is measured", "Name sectors, or 'all'.", column="sectors"))
        if problems:
            raise InputError(problems, "the panel is not possible")

    @property
    def in_words(self) -> str:
        """What is measured."""
        which = self.named or ("by sector",)
        years = f"{self.years[0]}-{self.years[-1]}"
        return f"use of rare earths in {self.country}, {' '.join(which)}, {years}, error {self.error:g}"

    @property
    def named(self) -> tuple[str, ...] | None:
        """The sectors that are named; None for all."""
        if isinstance(self.sectors, str):
            return None if self.sectors == ALL else (self.sectors,)
        return tuple(self.sectors)


@dataclass(frozen=True)
class InputSurvey:
    """A figure that is known with error is asked for again.

    Parameters
    ----------
    source
        What of: ``element_use``, ``application_sector``, ``country_use``, ``element_price`` or ``element_output``, as
        drawn in the run.
    error
        Standard deviation of the error of one answer, log points; the answer is the true figure times exp(error·z).
    where
        Labels that choose figures, by dim: ``{"application": "magnets"}``; all figures where nothing is said.
    respondents
        Answers to each figure, with independent errors.

    Raises
    ------
    InputError
        Listing everything that is wrong.

    Examples
    --------
    >>> ree.InputSurvey("element_use", 0.1, {"application": "magnets"}).in_words
    'survey of element_use, magnets, error 0.1'
    """

    source: str
    error: float
    where: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    respondents: int = 1

    def __post_init__(self) -> None:
        problems = _error_problems(self.error)
        sources = [name for name in SOURCES if name != TRADE]
        if self.source not in sources:
            problems.append(Problem("this is no drawn input", closest(self.source, sources), value=self.source))
        elif unknown := set(self.where) - set(SOURCES[self.source].dims):
            advice = f"Choose by {' and '.join(SOURCES[self.source].dims)}."
            problems.append(Problem("the input has no such dim", advice, value=", ".join(sorted(unknown))))
        if not self.respondents >= 1:
            problems.append(Problem("nobody answers", "Give a number of respondents.", value=self.respondents))
        if problems:
            raise InputError(problems, "the survey is not possible")

    @property
    def in_words(self) -> str:
        """What is measured."""
        named = [one if isinstance(one, str) else " ".join(one) for one in self.where.values()]
        many = [f"{self.respondents} answers"] if self.respondents > 1 else []
        return ", ".join([f"survey of {self.source}", *named, *many, f"error {self.error:g}"])


def _error_problems(error: float) -> list[Problem]:
    if math.isfinite(error) and error >= 0:
        return []
    return [Problem("an error is finite and not negative", "Correct it.", column="error", value=error)]


#: What :func:`evsi` takes.
Design = PatentAudit | UsePanel | InputSurvey
