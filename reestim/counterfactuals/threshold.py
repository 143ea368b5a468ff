"""What must be believed: the spillover gap ω from which a restriction makes others expand, or the world richer.

With ω = 0 directed technology mitigates a loss and does not turn it into a gain (docs/model.md section 2). No data here
speak to ω, so the threshold is reported as a posterior of what a reader would have to believe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from reestim.counterfactuals.counterfactual import summarise_scenario
from reestim.counterfactuals.plan import DRAW_OUTCOMES, SAMPLE, chunk_size, feasible_draws, parameters_of, take_draws
from reestim.dims import CHAIN, DRAW
from reestim.draws import thinned
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.restriction import restricting_countries
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.sweep import solve_draws
from reestim.errors import InputError, Problem

#: Draws of the posterior that are used, unless the caller asks for others.
_DRAWS = 200
#: Secant steps, and how near zero the objective must come, relative to its value at ω = 0.
STEPS, CLOSE = 8, 1e-6
#: First step of the secant, in units of ω; the objective is close to linear in it.
FIRST = 1.0
#: A threshold beyond this is none: no spillover gap of that size is on record.
LARGEST_THRESHOLD = 1e6

Objective = Callable[[dict[str, np.ndarray]], Float[np.ndarray, " draw"]]
_Solved = tuple[dict[str, np.ndarray], Bool[np.ndarray, " draw"]]


def threshold(
    economy: Economy,
    scenario: Scenario,
    post: xr.DataTree,
    *,
    draws: int | None = _DRAWS,
    defaults: Parameters | None = None,
    supply: str = "independent",
    tolerance: float = 1e-12,
    group: str = "posterior",
) -> xr.Dataset:
    """The spillover gap ω from which sectors abroad expand, and from which the world gains, at every draw.

    Parameters
    ----------
    economy, scenario
        As in :func:`reestim.counterfactual`.
    post
        DataTree with draws (chain, draw, ...) of :class:`Parameters` in ``group``. Its own ω is set aside.
    draws
        How many draws are used in all, evenly spaced over each chain; ``None``: every one.
    defaults
        Parameters that the draws lack.
    supply, tolerance
        As in :func:`reestim.counterfactual`.
    group
        ``"prior"`` asks what had to be believed before the data.

    Returns
    -------
    xarray.Dataset
        ``expansion`` and ``world_gain`` (chain, draw), in units of private value: the smallest ω ≥ 0 at which the
        quantity made by the sectors abroad that use rare earths (baseline spending on rare earths as weights) does not
        fall, and at which the sum of equivalent variations is not negative. 0 where that holds at ω = 0; infinite
        where no ω brings it about (σ ≥ 1: research turns away from rare earths); NaN where a draw has no equilibrium.

    Raises
    ------
    InputError, ParameterError
        Where scenario, economy and draws do not fit, before anything is solved.

    Notes
    -----
    Section 2 of docs/model.md. Directed technology, secant steps in ω over all draws at once.

    Examples
    --------
    >>> omega = ree.threshold(economy, quota, fitted, draws=4)
    >>> 0 <= float((omega["world_gain"] < 1).mean()) <= 1  # P(an ω below one is enough)
    True
    """
    if group not in post.children:
        raise InputError(Problem(f"the DataTree has no group {group!r}", "Name a group of draws.", value=group))
    samples = thinned(post[group].to_dataset(), draws)
    parameters, _ = parameters_of(samples, defaults or Parameters())
    count = samples.sizes[CHAIN] * samples.sizes[DRAW]
    world = scenario.baseline(economy)
    feasible = feasible_draws(parameters, world, "directed", scenario.horizon, count, count)
    policy = scenario.to_arrays(world, supply)
    size = chunk_size(economy, int(feasible.sum()))
    index = np.flatnonzero(feasible)
    chosen = take_draws(parameters, index)

    def solved(omega: Float[np.ndarray, " draw"]) -> _Solved:
        values = xr.DataArray(omega, dims=SAMPLE)
        batch = replace(chosen, spillover_gap=values).to_batch(world, "directed", SAMPLE, scenario.horizon)
        # the outcomes of a counterfactual, so that what was compiled for one is used
        solutions = solve_draws(world.baseline, policy, batch, tolerance, DRAW_OUTCOMES, size)
        return solutions.outcomes, solutions.solved

    restricting = restricting_countries(summarise_scenario(scenario)["policies"], world.countries)
    abroad = np.array([country not in restricting for country in world.countries])
    objectives = {"expansion": _expansion(world, abroad), "world_gain": _world_gain(world)}
    out: dict[str, Any] = {}
    about = {
        "expansion": "ω from which sectors abroad that use rare earths expand",
        "world_gain": "ω from which the world gains",
    }
    begin = [(omega, solved(omega)) for omega in (np.zeros(index.size), np.full(index.size, FIRST))]
    for name, objective in objectives.items():
        root = np.full(count, np.nan)
        root[index] = _smallest_root(objective, solved, begin)
        grid = root.reshape(samples.sizes[CHAIN], samples.sizes[DRAW])
        out[name] = ((CHAIN, DRAW), grid, {"long_name": about[name], "units": "times the private value of an idea"})
    return xr.Dataset(out, coords={CHAIN: samples[CHAIN].values, DRAW: samples[DRAW].values}).assign_attrs(
        scenario=scenario.name, group=group
    )


def _expansion(world: Economy, abroad: Bool[np.ndarray, " country"]) -> Objective:
    """Change of the quantity that users of rare earths abroad make, fraction; weights: baseline spending on them."""
    b = world.baseline
    goods = np.ones(len(world.sectors), bool)
    goods[np.asarray(b.element_index)] = False
    weight = np.asarray(b.ree_share * b.output) * goods * abroad[:, None]

    def objective(results: dict[str, np.ndarray]) -> Float[np.ndarray, " draw"]:
        change = np.where(weight > 0, results["output"] - results["unit_cost"], 0.0)
        return (weight * np.expm1(change)).sum((1, 2)) / weight.sum()

    return objective


def _world_gain(world: Economy) -> Objective:
    """Sum of equivalent variations over world income."""
    income = np.asarray(world.baseline.income)

    def objective(results: dict[str, np.ndarray]) -> Float[np.ndarray, " draw"]:
        return (income * np.expm1(results["welfare"])).sum(1) / income.sum()

    return objective


def _smallest_root(
    objective: Objective,
    solve: Callable[[Float[np.ndarray, " draw"]], _Solved],
    begin: Sequence[tuple[Float[np.ndarray, " draw"], _Solved]],
) -> Float[np.ndarray, " draw"]:
    """The smallest ω ≥ 0 at which the objective, which is close to linear in ω, is not negative; all draws at once.

    ``begin``: ω and the solutions there, at ω = 0 and at the first step: every objective begins there.
    """

    def value(found: _Solved) -> Float[np.ndarray, " draw"]:
        results, solved = found
        return np.where(solved, objective(results), np.nan)

    (low, at_zero), (high, at_first) = begin
    at_low, at_high = value(at_zero), value(at_first)
    scale = np.abs(at_low)
    hopeless = ~(at_high > at_low) & np.isfinite(at_high)  # ω does not help
    done = (at_low >= 0) | hopeless | ~np.isfinite(at_low)
    omega = np.where(at_low >= 0, 0.0, np.where(hopeless, np.inf, np.nan))
    for _ in range(STEPS):
        if done.all():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            guess = high - at_high * (high - low) / (at_high - at_low)
        guess = np.where(done, high, guess)
        beyond = ~done & (guess > LARGEST_THRESHOLD)
        omega[beyond], done = np.inf, done | beyond
        low, at_low = high, at_high
        high = np.where(np.isfinite(guess) & ~done, guess, high)
        at_high = value(solve(high))
        arrived = ~done & (np.abs(at_high) <= CLOSE * scale)
        omega[arrived], done = high[arrived], done | arrived
    return omega
