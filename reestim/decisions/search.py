"""The search for the best values: SLSQP of SciPy on the expected objective and its slope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize

from reestim.decisions.objective import Objective
from reestim.decisions.problem import DecisionProblem
from reestim.equilibrium.parameter_arrays import ParameterArrays

#: Where the search ends: change of the objective against the spread of it over simple rules.
PRECISION = 1e-10
ITERATIONS = 100
#: Objectives that differ by less, as a share of income, differ by rounding.
ROUNDING = 1e-10
#: How far a budget may be overstepped, as a share of it: rounding of the search.
OVER_BUDGET = 1e-6


class Found(NamedTuple):
    """The end of a search."""

    values: tuple[float, ...]
    objective: float
    converged: bool
    message: str


class _Point(NamedTuple):
    """Objective and cost at values, and their slopes."""

    objective: float
    slope: Float[np.ndarray, " instrument"]
    cost: float
    cost_slope: Float[np.ndarray, " instrument"]


class UnsolvedPointError(Exception):
    """Draws without an equilibrium at a point of the search."""

    def __init__(self, which: Bool[np.ndarray, " draw"]) -> None:
        super().__init__()
        self.which = which


class Search:
    """The objective over a set of draws as a function of the instruments; ``scale``: money that matters."""

    def __init__(self, problem: DecisionProblem, objective: Objective, draws: ParameterArrays, scale: float) -> None:
        self.problem, self.objective, self.draws = problem, objective, draws
        self.low = np.array([one.low for one in problem.instruments])
        self.width = np.array([one.high for one in problem.instruments]) - self.low
        income = float(problem.members @ np.asarray(problem.economy.baseline.income))
        self.scale = max(scale, ROUNDING * income)
        self.evaluations = 0
        self._points: dict[bytes, _Point] = {}

    def run(self, starts: Sequence[Sequence[float]]) -> tuple[Found | None, Bool[np.ndarray, " draw"]]:
        """The best of the searches from several starts within the budget, and draws that were not solved on the way."""
        optima = []
        try:
            for start in starts:
                optima.append(self._from(np.asarray(start, dtype=float)))
        except UnsolvedPointError as error:
            return None, error.which
        within = [one for one in optima if one is not None]
        none = np.zeros(len(self.draws.trade_elasticity), bool)
        return max(within, key=lambda one: one.objective, default=None), none

    def _from(self, start: Float[np.ndarray, " instrument"]) -> Found | None:
        budget = self.objective.budget
        limits = []
        if budget is not None:
            limits = [
                {
                    "type": "ineq",
                    "fun": lambda x: 1 - self.at(x).cost / budget,
                    "jac": lambda x: -self.at(x).cost_slope * self.width / budget,
                }
            ]
        result = minimize(
            lambda x: -self.at(x).objective / self.scale,
            self.point(start),
            jac=lambda x: -self.at(x).slope * self.width / self.scale,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * len(start),
            constraints=limits,
            options={"ftol": PRECISION, "maxiter": ITERATIONS},
        )
        point = self.at(result.x)
        if budget is not None and point.cost > budget * (1 + OVER_BUDGET):
            return None
        return Found(tuple(self.values(result.x)), point.objective, bool(result.success), str(result.message))

    def values(self, x: Float[np.ndarray, " instrument"]) -> list[float]:
        """Values of the instruments at a point of the unit cube."""
        return [float(value) for value in self.low + self.width * np.clip(x, 0.0, 1.0)]

    def point(self, values: Float[np.ndarray, " instrument"]) -> Float[np.ndarray, " instrument"]:
        """The point of the unit cube with these values of the instruments."""
        return (values - self.low) / self.width

    def objective_at(self, values: Sequence[float]) -> float:
        """The objective at values of the instruments."""
        return self.at(self.point(np.asarray(values, dtype=float))).objective

    def at(self, x: Float[np.ndarray, " instrument"]) -> _Point:
        """Objective and cost at a point of the unit cube; draws are solved once a point."""
        key = np.asarray(x, dtype=float).tobytes()
        if key not in self._points:
            self._points[key] = self._solved(self.values(x))
        return self._points[key]

    def _solved(self, values: Sequence[float]) -> _Point:
        money, slopes = self.problem.slopes(values, self.draws)
        self.evaluations += 1
        if not money.solved.all():
            raise UnsolvedPointError(~money.solved)
        weights = self.objective.weights(money.welfare)
        stated = [one.stated_cost(value) for one, value in zip(self.problem.instruments, values, strict=True)]
        total, each = sum(cost for cost, _ in stated), np.array([slope for _, slope in stated])
        return _Point(
            float(weights @ money.welfare) - total,
            weights @ slopes.welfare - each,
            total + float(money.outlay.mean()),
            slopes.outlay.mean(axis=0) + each,
        )
