"""What drives the uncertainty of welfare: its variance by source, all interactions and correlations in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from scipy.special import ndtri

from reestim.counterfactuals.chunk_store import fingerprint, load_chunk, save_chunk
from reestim.counterfactuals.inputs import DRAWN, SAMPLE, DrawnInputs, inputs_of
from reestim.counterfactuals.plan import BATCHES, DRAW_OUTCOMES, chunk_size, parameters_of, progress_bar, take_draws
from reestim.counterfactuals.varying import Varying
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.horizon import MONTHS, SUPPLY, YEAR_AHEAD
from reestim.equilibrium.parameter_arrays import CLOCK, ParameterArrays
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.sweep import DrawSolutions, solve_draws
from reestim.errors import InputError, Problem
from reestim.numerics.shapley import random_orders, shapley_shares
from reestim.runs.parts import CounterfactualRecord

SOURCE = "source"
#: Draws that are taken through all their stages, where nothing else is asked for.
_DRAWS = 100
#: Parameters of research, which fixed technology has none of.
_RESEARCH = ("kappa", "spillover", "spillover_gap", "diffusion")


def welfare_variance(
    economy: Economy,
    scenarios: Scenario | Sequence[Scenario],
    post: xr.DataTree,
    defaults: Parameters | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
    store: str | Path | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Split the variance of welfare over the draws among what is uncertain.

    Sources are the parameters that vary (σ, ε: all sectors together) and, where the counterfactual drew its inputs, the
    inputs. The share of a source is its Shapley effect: how much the variance of welfare falls when it becomes known,
    on average over the orders in which sources can become known. Shares sum to one; interactions and correlations are
    divided evenly among those that take part in them. Welfare is taken in normal scores, its place in its own
    distribution over the draws: losses have a long tail, and their raw variance is that of a few draws with σ near 0.

    Parameters
    ----------
    economy, scenarios, defaults
        As given to :func:`reestim.counterfactual`.
    post
        With the group ``counterfactual`` of that function, whose draws, technologies, supply and inputs are used.
    draws
        How many draws, evenly spaced, are taken through an order of the sources each: as many equilibria a source.
    seed
        Of the orders and of what is drawn anew.
    store
        A folder that keeps every chunk of equilibria as soon as it is solved: the same call after a kill goes on there.
    progress
        Show a bar.

    Returns
    -------
    xarray.Dataset
        ``share`` and ``share_error``, its Monte-Carlo standard error, (scenario, technology, country, source); ``sd``,
        the standard deviation of welfare over the draws (scenario, technology, country), log change; ``left_out``
        (scenario, technology), draws with a stage that has no equilibrium. A source that does not enter, as κ with
        fixed technology, has no share. NaN where welfare does not vary.

    Raises
    ------
    InputError
        If there is no counterfactual, or a scenario that it does not hold, or its inputs are of another economy.

    Notes
    -----
    Exact equilibria at draws in which some sources are a draw's own and the others are drawn anew given them. Inputs
    are independent of each other and of the parameters. Parameters have their margins in the posterior and the
    correlations of their normal scores (a normal copula), so that shares are those of a posterior with such dependence.

    Examples
    --------
    >>> parts = ree.welfare_variance(economy, quota, post, draws=4)
    >>> bool(abs(parts["share"].sum("source") - 1).max() < 1e-9)
    True
    """
    scenarios = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    ds = _counterfactual_of(post, scenarios)
    samples = post["posterior"].to_dataset().sel({CHAIN: ds[CHAIN], DRAW: ds[DRAW]})
    parameters, used = parameters_of(samples, defaults or Parameters())
    inputs = _inputs_of(economy, post, ds)
    varying = Varying(parameters, used, inputs)
    count = ds.sizes[CHAIN] * ds.sizes[DRAW]
    chosen = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))
    size = chunk_size(economy, count)
    about = CounterfactualRecord.of(ds.attrs)
    technologies = ds[TECHNOLOGY].values.tolist()
    players = {
        (s.name, name): [one for one in varying.sources if _enters(one, name, s.horizon)]
        for s in scenarios
        for name in technologies
    }
    rows = []
    with progress_bar(progress) as bar:
        task = bar.add_task("split of the variance", total=len(chosen) * sum(map(len, players.values())))
        keep = _Keep(None if store is None else Path(store), lambda count: bar.advance(task, count))
        for scenario in scenarios:
            world = scenario.baseline(economy)
            policy = scenario.to_arrays(world, about.supply)
            row = []
            for technology in technologies:
                solver = _Solver(world, policy, technology, scenario.horizon, about.tolerance, size)
                entering = players[scenario.name, technology]
                rng = np.random.default_rng(seed)
                orders = random_orders(len(chosen), len(entering), rng)
                stage_welfare = solver.welfare(*varying.stages(entering, chosen, orders, rng), keep)
                at = ds["welfare"].sel({SCENARIO: scenario.name, TECHNOLOGY: technology}).stack({SAMPLE: [CHAIN, DRAW]})
                own = at.transpose(SAMPLE, COUNTRY).sel({COUNTRY: list(economy.countries)}).values
                stages = np.concatenate(
                    [stage_welfare.reshape(*orders.shape, own.shape[1]), own[chosen][:, None]], axis=1
                )
                row.append(_split(stages, orders, entering, varying.sources, own, list(economy.countries)))
            rows.append(xr.concat(row, xr.IndexVariable(TECHNOLOGY, ds[TECHNOLOGY].values)))
    out = xr.concat(rows, xr.IndexVariable(SCENARIO, [s.name for s in scenarios]))
    kind = "fixed" if inputs is None else "drawn"
    return out.assign_attrs(draws=len(chosen), of=count, seed=seed, inputs=kind)


def _counterfactual_of(post: xr.DataTree, scenarios: Sequence[Scenario]) -> xr.Dataset:
    if "counterfactual" not in post.children:
        raise InputError(Problem("there is no counterfactual whose variance could be split", "Compute it first."))
    ds = post["counterfactual"].to_dataset()
    available = [str(name) for name in ds[SCENARIO].values]
    if unknown := [s.name for s in scenarios if s.name not in available]:
        advice = f"There are {', '.join(available)}."
        raise InputError([Problem("the counterfactual lacks this scenario", advice, value=name) for name in unknown])
    return ds


def _inputs_of(economy: Economy, post: xr.DataTree, ds: xr.Dataset) -> DrawnInputs | None:
    """The inputs of a run, made again from their seed and held against those that it has."""
    if "inputs" not in post.children:
        return None
    stored = post["inputs"].to_dataset()
    inputs = inputs_of(economy, DRAWN, int(stored.attrs["seed"]), ds[CHAIN].values, ds[DRAW].values)
    assert inputs is not None
    first = np.array([0])
    for name in stored.data_vars:
        same = str(name) in inputs.sources and np.array_equal(
            inputs.factors(str(name), first)[0], stored[name].isel({CHAIN: 0, DRAW: 0}).values
        )
        if not same:
            advice = "Give the economy of the run, Economy(post['economy'].to_dataset()), or draw its inputs again."
            raise InputError(Problem("the inputs of the run are not those of this economy", advice, value=str(name)))
    return inputs


def _enters(source: str, technology: str, horizon: str) -> bool:
    """Whether a static equilibrium depends on it."""
    if source in SUPPLY.values():
        return source == SUPPLY[horizon] or (horizon == MONTHS and source == SUPPLY[YEAR_AHEAD])
    research = source in _RESEARCH and (technology == "fixed" or (technology, source) == ("frontier", "spillover_gap"))
    return not research and source not in CLOCK and (source != "impact_ratio" or horizon == MONTHS)


class _Keep(NamedTuple):
    """Where solved points are kept (None: nowhere), and what is told of their number."""

    store: Path | None
    advance: Callable[[int], None]


class _Solver(NamedTuple):
    """Equilibria of one scenario and technology."""

    world: Economy
    policy: PolicyArrays
    technology: str
    horizon: str
    tolerance: float
    size: int

    def welfare(
        self, points: Parameters, inputs: DrawnInputs | None, keep: _Keep
    ) -> Float[np.ndarray, "point country"]:
        """At some points; NaN where there is no equilibrium."""
        good, _ = points.feasible(self.world, self.technology, SAMPLE, self.horizon)
        out = np.full((len(good), len(self.world.countries)), np.nan)
        index, chunk = np.flatnonzero(good), BATCHES * self.size
        keep.advance(len(good) - len(index))
        for part in (index[first : first + chunk] for first in range(0, len(index), chunk)):
            batch = take_draws(points, part).to_batch(self.world, self.technology, SAMPLE, self.horizon)
            batch = batch if inputs is None else batch._replace(inputs=inputs.arrays(part))
            solutions = self._solved(batch, keep)
            out[part] = np.where(solutions.solved[:, None], solutions.outcomes["welfare"], np.nan)
        return out

    def _solved(self, batch: ParameterArrays, keep: _Keep) -> DrawSolutions:
        """The equilibria of a chunk: read from the store where it has them, else solved and kept there."""
        asked = (self.world.baseline, self.policy, batch, self.tolerance)
        name = "" if keep.store is None else fingerprint(*asked, "welfare", self.size)
        if keep.store is not None and (chunk := load_chunk(keep.store, name)) is not None:
            keep.advance(len(chunk.solved))
            return chunk
        # the outcomes of the draws, so that what was compiled for them is used
        solutions = solve_draws(*asked, DRAW_OUTCOMES, self.size, keep.advance)
        solutions = solutions._replace(outcomes={"welfare": solutions.outcomes["welfare"]})
        if keep.store is not None:
            save_chunk(keep.store, name, solutions)
        return solutions


def _normal_scores(
    welfare: Float[np.ndarray, "draw stage country"], own: Float[np.ndarray, "sample country"]
) -> Float[np.ndarray, "draw stage country"]:
    """Where welfare stands in its own distribution over the draws, brought to a standard normal."""
    out = np.empty(welfare.shape)
    for n in range(own.shape[1]):
        values = np.sort(own[np.isfinite(own[:, n]), n])
        level = (np.arange(len(values)) + 0.5) / len(values)
        out[..., n] = ndtri(np.interp(welfare[..., n], values, level)) if np.ptp(values) > 0 else 0.0
    return out


def _split(
    stages: Float[np.ndarray, "draw stage country"],
    orders: Int[np.ndarray, "draw source"],
    players: Sequence[str],
    sources: Sequence[str],
    own: Float[np.ndarray, "sample country"],
    countries: list[str],
) -> xr.Dataset:
    """Shares of one scenario and technology; sources that do not enter have none."""
    good = np.isfinite(stages).all(axis=(1, 2))
    share, error = (np.zeros((len(sources), len(countries))) for _ in range(2))
    place = [sources.index(name) for name in players]
    if players and good.sum() > 1:
        share[place], error[place] = shapley_shares(_normal_scores(stages[good], own), orders[good])
    unknown = np.isnan(share).any(axis=0) | (not players) | (good.sum() < 2)
    by = (COUNTRY, SOURCE)
    about = {"long_name": "share of the variance of welfare", "units": "fraction"}
    return xr.Dataset(
        {
            "share": (by, np.where(unknown, np.nan, share).T, about),
            "share_error": (
                by,
                np.where(unknown, np.nan, error).T,
                about | {"long_name": "Monte-Carlo standard error"},
            ),
            "sd": (COUNTRY, np.nanstd(own, axis=0), {"units": "log change"}),
            "left_out": ((), int((~good).sum()), {"long_name": "draws with a stage that has no equilibrium"}),
        },
        coords={COUNTRY: countries, SOURCE: list(sources)},
    )
