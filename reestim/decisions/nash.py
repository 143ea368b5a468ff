"""A Nash equilibrium of policies: nobody who chooses instruments can do better while the others stay as they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Float

from reestim.counterfactuals.plan import chunk_size, feasible_draws, parameters_of
from reestim.decisions.instruments import Instrument, place
from reestim.decisions.objective import Objective
from reestim.decisions.optimise import DRAWS, INSTRUMENT, check_request, refuse_unsolved
from reestim.decisions.response import Response, ResponseProblem
from reestim.dims import CHAIN, DRAW
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.errors import InputError, Problem
from reestim.results.effects import money_unit

PLAYER = "player"


@dataclass(frozen=True)
class Player:
    """Somebody who chooses instruments of their own by an objective of their own.

    Parameters
    ----------
    name
        What they are called in results.
    objective
        Whose welfare, and how uncertainty counts; without a budget.
    instruments
        What they choose, one at least.

    Raises
    ------
    InputError
        Listing everything that is wrong.

    Examples
    --------
    >>> tariff = ree.Instrument("tariff", ree.Tariff(0.0, importer="USA", exporter="CHN"), 0.0, 0.5)
    >>> ree.Player("Washington", ree.Objective("USA"), [tariff]).name
    'Washington'
    """

    name: str
    objective: Objective
    instruments: Sequence[Instrument]

    def __post_init__(self) -> None:
        problems = []
        if not self.name:
            problems.append(Problem("a player has no name", "Give one."))
        if not self.instruments:
            problems.append(Problem("a player has nothing to choose", "Give an Instrument.", value=self.name))
        if self.objective.budget is not None:
            problems.append(Problem("a player has no budget", "Leave it out, or lower the bounds.", value=self.name))
        if problems:
            raise InputError(problems, "the player is not possible")


def nash(
    economy: Economy,
    players: Sequence[Player],
    post: xr.DataTree,
    scenario: Scenario | None = None,
    *,
    technology: str = "directed",
    draws: int = DRAWS,
    damping: float = 1.0,
    rounds: int = 30,
    tolerance: float = 1e-4,
    defaults: Parameters | None = None,
    supply: str = "independent",
    residual: float = 1e-12,
) -> xr.Dataset:
    """Find policies that are best responses to one another under the posterior.

    In turn every player moves to the best response to what the others do (the search of :func:`optimise`), until nobody
    moves. What is found is then checked: each player searches again from the middle and all corners of the own bounds,
    and the most that anybody gains by another choice is reported. No player knows which draw is true.

    Parameters
    ----------
    economy
        The baseline.
    players
        Two or more, in the order in which they move.
    post
        DataTree with draws (chain, draw, ...) of :class:`Parameters` in ``posterior``.
    scenario
        What holds beside all instruments; None for nothing.
    technology
        ``"fixed"``, ``"directed"`` or ``"frontier"``.
    draws
        Over how many draws, evenly spaced, instruments are chosen.
    damping
        How far players move towards their best response, above 0 and at most 1. Less than 1 helps where rounds go in
        circles.
    rounds
        How often everybody moves, at most.
    tolerance
        The search ends when no best response is further away, as a share of the bounds' width.
    defaults
        Parameters that the draws lack; None for those of :class:`Parameters`.
    supply
        ``"independent"`` or ``"joint"``, as in :func:`solve`.
    residual
        Largest relative residual of any equation at a solution.

    Returns
    -------
    xarray.Dataset
        ``choice``, ``low``, ``high`` and ``at_bound`` (instrument; -1 at the lower bound, 1 at the upper one, else 0),
        ``chosen_by`` (instrument). Money of the data a year: ``objective`` (player) at the choices, against the
        baseline; ``deviation_gain`` (player), the most that a player gains by another choice of the own instruments,
        and ``deviation_share``, that gain against the spread of the player's objective over the bounds. The attributes
        say whether the search ``converged``: responses stopped to move and nobody gains more than a millionth of that
        spread; ``search`` says how it ended, and ``rounds`` how many there were.

    Raises
    ------
    InputError, ParameterError
        Before anything is solved.
    UnsolvedDrawsError
        If draws have no equilibrium at values that a player tried.

    Notes
    -----
    There may be several equilibria, or none in single values of the instruments; the one that is found depends on the
    start, the middle of the bounds. A check from several starts finds local deviations and corners, no others.

    Examples
    --------
    >>> mine = ree.Instrument("mine", ree.Tariff(0.0, importer="c1", exporter="c0"), 0.0, 1.0)
    >>> theirs = ree.Instrument("theirs", ree.Tariff(0.0, importer="c0", exporter="c1"), 0.0, 1.0)
    >>> players = [ree.Player("us", ree.Objective("c1"), [mine]), ree.Player("them", ree.Objective("c0"), [theirs])]
    >>> found = ree.nash(economy, players, fitted, technology="fixed")
    >>> bool(found.attrs["converged"]), bool(found["deviation_share"].max() < 1e-6)
    (True, True)
    """
    scenario = scenario or Scenario("nothing else")
    instruments = [one for player in players for one in player.instruments]
    check_request(economy, instruments, post, technology, draws)
    _check(players, damping, rounds)
    samples = post["posterior"].to_dataset()
    parameters, _ = parameters_of(samples, defaults or Parameters())
    count = samples.sizes[CHAIN] * samples.sizes[DRAW]
    world = scenario.baseline(economy)
    size = chunk_size(world, count)
    placed = place(world, scenario, instruments, supply)
    feasible = feasible_draws(parameters, world, technology, scenario.horizon, count, 4 * size)
    index = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))
    refuse_unsolved(1 - float(feasible[index].mean()), "of the choice", False)
    ends = np.cumsum([0, *(len(player.instruments) for player in players)])
    low, high = (np.array([getattr(one, end) for one in instruments], float) for end in ("low", "high"))
    responses = []
    for player, (first, after) in zip(players, itertools.pairwise(ends.tolist()), strict=True):
        problem = ResponseProblem(
            world,
            *placed,
            player.objective.members(world),
            list(player.instruments),
            parameters,
            technology,
            scenario.horizon,
            residual,
            min(size, draws),
            own=slice(first, after),
            everybody=tuple(((low + high) / 2).tolist()),
        )
        responses.append(Response(problem, player.name, player.objective, problem.draws(index[feasible[index]])))
    values, round_, moved = (low + high) / 2, 0, np.inf
    while round_ < rounds and moved > tolerance:
        round_, moved = round_ + 1, 0.0
        for one in responses:
            step = one.best(values) - values[one.own]
            moved = max(moved, float(np.abs(step / (high - low)[one.own]).max()))
            values[one.own] += damping * step
    return _dataset(players, responses, instruments, values, round_, moved <= tolerance, moved).assign_attrs(
        scenario=scenario.name,
        technology=technology,
        money_unit=money_unit(economy),
        draws_of_choice=int(feasible[index].sum()),
    )


def _dataset(
    players: Sequence[Player],
    responses: Sequence[Response],
    instruments: Sequence[Instrument],
    values: Float[np.ndarray, " instrument"],
    rounds: int,
    settled: bool,
    moved: float,
) -> xr.Dataset:
    """The choices with what a player gains by another one."""
    checks = [one.check(values) for one in responses]
    share = np.array([check.gain / check.spread for check in checks])
    low, high = (np.array([getattr(one, end) for one in instruments], float) for end in ("low", "high"))
    near = 1e-6 * (high - low)
    says = [] if settled else [f"best responses still move by {moved:.2g} of the bounds' width after {rounds} rounds"]
    for player, check, part in zip(players, checks, share, strict=True):
        if part > 1e-6:
            says.append(f"{player.name} gains {check.gain:.3g} by another choice")
    unit = {"units": "money of the data a year"}
    return xr.Dataset(
        {
            "choice": (INSTRUMENT, values),
            "low": (INSTRUMENT, low),
            "high": (INSTRUMENT, high),
            "at_bound": (INSTRUMENT, (values > high - near).astype(int) - (values < low + near)),
            "chosen_by": (INSTRUMENT, [player.name for player in players for _ in player.instruments]),
            "objective": (PLAYER, [check.objective for check in checks], unit),
            "deviation_gain": (PLAYER, [check.gain for check in checks], unit),
            "deviation_share": (PLAYER, share, {"units": "share of the spread over the bounds"}),
        },
        coords={INSTRUMENT: [one.name for one in instruments], PLAYER: [player.name for player in players]},
        attrs={"converged": int(not says), "search": "; ".join(says) or "nobody moves", "rounds": rounds},
    )


def _check(players: Sequence[Player], damping: float, rounds: int) -> None:
    problems = []
    names = [player.name for player in players]
    if len(players) < 2:
        problems.append(Problem("there is nobody to answer", "Give two players, or use ree.optimise."))
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem("two players have one name", "Give each a name of their own.", value=name))
    if not 0 < damping <= 1:
        problems.append(Problem("damping is above 0 and at most 1", "Give 0.5, say.", value=damping))
    if rounds < 1:
        problems.append(Problem("there is no round", "Give at least 1.", value=rounds))
    if problems:
        raise InputError(problems, "no equilibrium of policies can be looked for")
