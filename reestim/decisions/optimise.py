"""Policies chosen under the posterior: the instruments that serve an objective best, by slopes of exact equilibria."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from reestim.counterfactuals.plan import chunk_size, feasible_draws, parameters_of
from reestim.decisions.instruments import Instrument, place
from reestim.decisions.objective import Objective
from reestim.decisions.problem import DecisionProblem
from reestim.decisions.search import Found, Search
from reestim.dims import CHAIN, DRAW
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.errors import MAX_UNSOLVED, InputError, Problem, UnsolvedDrawsError
from reestim.results.effects import money_unit

INSTRUMENT, RULE = "instrument", "rule"
NOTHING = "nothing"
#: Draws over which instruments are chosen, unless the caller asks for others.
DRAWS = 100


def optimise(
    economy: Economy,
    instruments: Instrument | Sequence[Instrument],
    objective: Objective,
    post: xr.DataTree,
    scenario: Scenario | None = None,
    *,
    technology: str = "directed",
    draws: int = DRAWS,
    defaults: Parameters | None = None,
    supply: str = "independent",
    tolerance: float = 1e-12,
    allow_unsolved: bool = False,
) -> xr.Dataset:
    """Choose the values of instruments that make an objective largest under the posterior.

    One choice for all draws: whoever decides does not know which of them is true. Slopes of the expected objective go
    through the equilibrium (implicit differentiation) to a sequential quadratic programme (SLSQP of SciPy), which
    begins at the middle of the bounds and at the best simple rule. Simple rules are the corners of the bounds and
    doing nothing.

    Parameters
    ----------
    economy
        The baseline.
    instruments
        What can be chosen, and its bounds.
    objective
        Whose welfare, how uncertainty counts, and the budget.
    post
        DataTree with draws (chain, draw, ...) of :class:`Parameters` in ``posterior``.
    scenario
        What holds beside the instruments, such as the quota of the other side; None for nothing.
    technology
        ``"fixed"``, ``"directed"`` or ``"frontier"``.
    draws
        Over how many draws, evenly spaced, instruments are chosen. The gain is then computed at every draw. A tail of
        5 % needs a few hundred.
    defaults
        Parameters that the draws lack; None for those of :class:`Parameters`.
    supply
        ``"independent"`` or ``"joint"``, as in :func:`solve`.
    tolerance
        Largest relative residual of any equation at a solution.
    allow_unsolved
        Go on where more than 1 % of the draws have no equilibrium at some value of the instruments; they are left out.

    Returns
    -------
    xarray.Dataset
        ``optimum``, ``low`` and ``high`` (instrument). Money of the data a year, cost of the instruments deducted:
        ``gain`` (chain, draw) against doing nothing, ``regret`` (chain, draw), the gain of the best simple rule less
        that of the optimum; ``cost`` (chain, draw), what the budget counts. ``probability_helps``, the share of draws
        with a gain. ``objective`` (rule), over the draws of the choice, and ``rule_value`` (rule, instrument), of the
        optimum, of doing nothing and of every simple rule within the budget. ``solved`` (chain, draw). The attributes
        say the units, the ``best_rule``, the draws that were used and left out, and how the search ended:
        ``converged``, ``search``, ``evaluations``.

    Raises
    ------
    InputError, ParameterError
        Before anything is solved, or where the budget allows no value of the instruments.
    UnsolvedDrawsError
        If more than 1 % of the draws have no equilibrium, unless ``allow_unsolved``.

    Examples
    --------
    >>> tariff = ree.Instrument("tariff", ree.Tariff(0.0, importer="c1", exporter="c0"), 0.0, 1.0)
    >>> best = ree.optimise(economy, tariff, ree.Objective("c1"), fitted, technology="fixed")
    >>> bool(best["gain"].mean() > 0), dict(best["gain"].sizes)
    (True, {'chain': 2, 'draw': 4})
    """
    instruments = [instruments] if isinstance(instruments, Instrument) else list(instruments)
    scenario = scenario or Scenario("nothing else")
    check_request(economy, instruments, post, technology, draws)
    samples = post["posterior"].to_dataset()
    parameters, _ = parameters_of(samples, defaults or Parameters())
    count = samples.sizes[CHAIN] * samples.sizes[DRAW]
    world = scenario.baseline(economy)
    size = chunk_size(world, count)
    problem = DecisionProblem(
        world,
        *place(world, scenario, instruments, supply),
        objective.members(world),
        instruments,
        parameters,
        technology,
        scenario.horizon,
        tolerance,
        min(size, draws),
    )
    feasible = feasible_draws(parameters, world, technology, scenario.horizon, count, 4 * size)
    chosen = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))
    choice = _choose(problem, objective, chosen[feasible[chosen]])
    refuse_unsolved(1 - choice.draws / len(chosen), "of the choice", allow_unsolved)
    everywhere = _everywhere(problem, choice, feasible)
    refuse_unsolved(1 - float(everywhere.solved.mean()), "of the posterior", allow_unsolved)
    return _dataset(problem, choice, everywhere, samples).assign_attrs(
        objective=objective.in_words,
        budget="none" if objective.budget is None else objective.budget,
        scenario=scenario.name,
        technology=technology,
        supply=supply,
        money_unit=money_unit(economy),
        draws_of_choice=choice.draws,
        left_out_of_choice=len(chosen) - choice.draws,
    )


class _Choice(NamedTuple):
    """What the search over a part of the draws came to."""

    rules: dict[str, tuple[float, ...] | None]  # values of the instruments by rule; the optimum first
    objective: dict[str, float]
    best_rule: str
    draws: int
    converged: bool
    message: str
    evaluations: int


class _Known(NamedTuple):
    """Gain, regret, cost and whether solved, at every draw."""

    gain: Float[np.ndarray, " draw"]
    regret: Float[np.ndarray, " draw"]
    cost: Float[np.ndarray, " draw"]
    solved: Bool[np.ndarray, " draw"]


def _choose(problem: DecisionProblem, objective: Objective, index: Int[np.ndarray, " draw"]) -> _Choice:
    """The optimum over some draws: those that have an equilibrium under every simple rule and on the way."""
    rules: dict[str, tuple[float, ...] | None] = {NOTHING: None, **_corners(problem.instruments)}
    money = {name: problem.money(values, index) for name, values in rules.items()}
    solved = np.all([one.solved for one in money.values()], axis=0)
    while solved.any():
        part = index[solved]
        value, cost = {}, {}
        for name, values in rules.items():
            stated = problem.stated_cost(values)
            value[name] = objective.value(money[name].welfare[solved]) - stated
            cost[name] = stated + float(money[name].outlay[solved].mean())
        allowed = [name for name in rules if objective.budget is None or cost[name] <= objective.budget]
        best = max(allowed, key=lambda name: value[name])
        settings = {name: rules[name] for name in allowed}
        search = Search(problem, objective, problem.draws(part), max(abs(v - value[NOTHING]) for v in value.values()))
        middle = [(one.low + one.high) / 2 for one in problem.instruments]
        starts = [middle] + [list(values) for values in [settings[best]] if values is not None]
        best_found, failed = search.run(starts)
        if failed.any():  # the whole choice again, over the others
            solved[np.flatnonzero(solved)[failed]] = False
            continue
        corners = [name for name in allowed if name != NOTHING]
        if best_found is None and not corners:
            advice = "Raise the budget, or lower the bounds."
            raise InputError(Problem("the budget allows no value of the instruments", advice, value=objective.budget))
        corner = max(corners, key=lambda name: value[name], default=NOTHING)
        if best_found is None or (corners and value[corner] >= best_found.objective):
            best_found = Found(rules[corner] or (), value[corner], True, f"a corner of the bounds, {corner}")
        return _Choice(
            {"optimum": best_found.values} | settings,
            {"optimum": best_found.objective} | {name: value[name] for name in allowed},
            best,
            len(part),
            best_found.converged,
            best_found.message,
            search.evaluations,
        )
    raise UnsolvedDrawsError("no draw has an equilibrium at all values of the instruments that were tried")


def _corners(instruments: Sequence[Instrument], most: int = 4) -> dict[str, tuple[float, ...] | None]:
    """Corners of the bounds by name: all of them, or with many instruments all low, all high, and each high alone."""
    count = len(instruments)
    if count <= most:
        highs = [tuple(bool(k >> j & 1) for j in range(count)) for k in range(2**count)]
    else:
        alone = [tuple(j == k for j in range(count)) for k in range(count)]
        highs = [(False,) * count, (True,) * count, *alone]
    corners = [tuple(x.high if up else x.low for x, up in zip(instruments, high, strict=True)) for high in highs]
    return {
        ", ".join(f"{one.name} {value:g}" for one, value in zip(instruments, corner, strict=True)): corner
        for corner in corners
    }


def _everywhere(problem: DecisionProblem, choice: _Choice, feasible: Bool[np.ndarray, " draw"]) -> _Known:
    """The optimum, the best simple rule and doing nothing at every feasible draw."""
    index = np.flatnonzero(feasible)
    settings = {"optimum": choice.rules["optimum"], NOTHING: None, choice.best_rule: choice.rules[choice.best_rule]}
    money = {name: problem.money(values, index) for name, values in settings.items()}
    net = {name: money[name].welfare - problem.stated_cost(values) for name, values in settings.items()}
    solved = np.all([one.solved for one in money.values()], axis=0)
    gain = net["optimum"] - net[NOTHING]
    regret = net[choice.best_rule] - net["optimum"]
    cost = problem.stated_cost(settings["optimum"]) + money["optimum"].outlay

    def whole(part: Float[np.ndarray, " feasible"]) -> Float[np.ndarray, " draw"]:
        values = np.full(len(feasible), np.nan)
        values[index[solved]] = part[solved]
        return values

    return _Known(whole(gain), whole(regret), whole(cost), np.isfinite(whole(gain)))


def _dataset(problem: DecisionProblem, choice: _Choice, known: _Known, samples: xr.Dataset) -> xr.Dataset:
    grid = samples.sizes[CHAIN], samples.sizes[DRAW]
    unit = {"units": "money of the data a year"}
    none = (np.nan,) * len(problem.instruments)
    helps = float((known.gain[known.solved] > 0).mean()) if known.solved.any() else np.nan

    def by_draw(values: np.ndarray, long_name: str) -> tuple[Any, ...]:
        return (CHAIN, DRAW), values.reshape(grid), unit | {"long_name": long_name}

    return xr.Dataset(
        {
            "optimum": (INSTRUMENT, np.array(choice.rules["optimum"]), {"long_name": "value that is best"}),
            "low": (INSTRUMENT, np.array([one.low for one in problem.instruments])),
            "high": (INSTRUMENT, np.array([one.high for one in problem.instruments])),
            "gain": by_draw(known.gain, "gain against doing nothing, cost deducted"),
            "regret": by_draw(known.regret, "gain of the best simple rule less that of the optimum"),
            "cost": by_draw(known.cost, "what the budget counts"),
            "probability_helps": ((), helps, {"long_name": "share of draws with a gain"}),
            "objective": (RULE, np.array(list(choice.objective.values())), unit),
            "rule_value": ((RULE, INSTRUMENT), np.array([values or none for values in choice.rules.values()])),
            "solved": ((CHAIN, DRAW), known.solved.reshape(grid)),
        },
        coords={
            INSTRUMENT: [one.name for one in problem.instruments],
            RULE: list(choice.objective),
            CHAIN: samples[CHAIN].values,
            DRAW: samples[DRAW].values,
        },
        attrs={
            "best_rule": choice.best_rule,
            "converged": int(choice.converged),
            "search": choice.message,
            "evaluations": choice.evaluations,
        },
    )


def check_request(
    economy: Economy, instruments: Sequence[Instrument], post: xr.DataTree, technology: str, draws: int
) -> None:
    """Raise everything that is wrong with a request to choose."""
    problems = []
    if not economy.is_balanced:
        problems.append(Problem("this economy is not in equilibrium at its baseline", "Use economy.rebased()."))
    if "posterior" not in post.children:
        problems.append(Problem("the DataTree has no group 'posterior'", "Pass what ree.fit or pm.sample returns."))
    if not instruments:
        problems.append(Problem("there is nothing to choose", "Give at least one Instrument."))
    names = [one.name for one in instruments]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem("two instruments have one name", "Give each a name of its own.", value=name))
    if technology == "transition":
        problems.append(Problem("a transition has no single value to choose by", "Use 'directed' or 'fixed'."))
    if draws < 1:
        problems.append(Problem("the number of draws must be positive", "Give at least 1.", value=draws))
    if problems:
        raise InputError(problems, "nothing can be chosen")


def refuse_unsolved(share: float, where: str, allow: bool) -> None:
    """Raise where more draws are unsolved than may be left out."""
    if share > MAX_UNSOLVED and not allow:
        raise UnsolvedDrawsError(
            f"{share:.1%} of the draws {where} have no equilibrium at some value of the instruments; at most "
            f"{MAX_UNSOLVED:.0%} may be left out. Use narrower bounds, or allow_unsolved=True to leave them out."
        )
