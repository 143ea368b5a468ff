"""The best response of one player to what the others do."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from reestim.decisions.objective import Objective
from reestim.decisions.problem import DecisionProblem, Money, Slopes
from reestim.decisions.search import Found, Search, UnsolvedPointError
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.errors import UnsolvedDrawsError

#: Up to so many instruments all corners of the bounds are tried.
_MOST_CORNERS = 4


@dataclass(frozen=True)
class ResponseProblem(DecisionProblem):
    """The decision problem of one player: ``instruments`` are the own ones, all others stay where they are.

    The program of the slopes is that of all instruments, so that players share it.
    """

    own: slice  # places of the own instruments among everybody's
    everybody: tuple[float, ...]  # values of all instruments

    def slopes(self, values: Sequence[float], draws: ParameterArrays) -> tuple[Money, Slopes]:
        """Money and its derivatives in the own instruments."""
        together = np.array(self.everybody)
        together[self.own] = values
        money, slopes = super().slopes(together.tolist(), draws)
        return money, Slopes(slopes.welfare[:, self.own], slopes.outlay[:, self.own])


class DeviationCheck(NamedTuple):
    """What a player has at the choices of all, money a year."""

    objective: float
    gain: float  # by the best other choice that is found
    spread: float  # of the objective over the corners and the middle of the own bounds


class Response:
    """Searches for the best response of a player."""

    def __init__(self, problem: ResponseProblem, name: str, objective: Objective, draws: ParameterArrays) -> None:
        self.problem, self.name, self.objective, self.draws = problem, name, objective, draws
        self.own = problem.own
        self._spread: float | None = None

    def best(self, everybody: Float[np.ndarray, " instrument"]) -> Float[np.ndarray, " own"]:
        """Values of the own instruments that are best while the others stay as they are, near the present ones."""
        return np.array(self._found(self._search(everybody), [everybody[self.own].tolist()]).values)

    def check(self, everybody: Float[np.ndarray, " instrument"]) -> DeviationCheck:
        """Whether another choice is better: searches from the present one, the middle and the corners."""
        search = self._search(everybody)
        starts = [everybody[self.own].tolist(), *self._simple()]
        present = search.objective_at(starts[0])
        gain = max(self._found(search, [start]).objective for start in starts) - present
        corners = [search.objective_at(one) for one in self._simple()]
        gain = max(gain, *(value - present for value in corners), 0.0)
        return DeviationCheck(present, gain, search.scale)

    def _search(self, everybody: Float[np.ndarray, " instrument"]) -> Search:
        """A search at the present choices of the others; what it is measured by comes from the first of them."""
        problem = replace(self.problem, everybody=tuple(everybody.tolist()))
        search = Search(problem, self.objective, self.draws, self._spread or 0.0)
        if self._spread is None:
            try:
                values = [search.objective_at(one) for one in self._simple()]
            except UnsolvedPointError as error:
                raise self._unsolved(int(error.which.sum())) from None
            self._spread = max(values) - min(values)
            search.scale = max(search.scale, self._spread)
        return search

    def _found(self, search: Search, starts: Sequence[Sequence[float]]) -> Found:
        found, failed = search.run(starts)
        if found is None:
            raise self._unsolved(int(failed.sum()))
        return found

    def _simple(self) -> list[list[float]]:
        """The middle and corners of the own bounds; with many instruments all low and all high."""
        bounds = [(one.low, one.high) for one in self.problem.instruments]
        corners = itertools.product(*bounds) if len(bounds) <= _MOST_CORNERS else zip(*bounds, strict=True)
        return [[(low + high) / 2 for low, high in bounds], *map(list, corners)]

    def _unsolved(self, count: int) -> UnsolvedDrawsError:
        return UnsolvedDrawsError(
            f"{count} draws have no equilibrium at values that {self.name} tried. Use narrower bounds or fewer draws."
        )
