"""What drives the uncertainty of welfare: its variance by source, all interactions and correlations in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from scipy.special import ndtri

from reestim.counterfactuals.inputs import DRAWN, SAMPLE, Inputs, inputs_of
from reestim.counterfactuals.plan import DRAW_OUTCOMES, chunk_size, parameters_of, take_draws
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.horizon import MONTHS, SUPPLY, YEAR
from reestim.equilibrium.parameters import CLOCK, Parameters
from reestim.equilibrium.scenario import PolicyArrays, Scenario
from reestim.equilibrium.sweep import solve_draws
from reestim.errors import InputError, Problem
from reestim.numerics.normal_copula import NormalCopula
from reestim.numerics.shapley import random_orders, shapley_shares

SOURCE = "source"
#: Draws that are taken through all their stages, where nothing else is asked for.
DRAWS = 100
#: Parameters of research, which fixed technology has none of.
_RESEARCH = ("kappa", "spillover", "spillover_gap", "diffusion")


def welfare_variance(
    economy: Economy,
    scenarios: Scenario | Sequence[Scenario],
    post: xr.DataTree,
    defaults: Parameters | None = None,
    draws: int = DRAWS,
    seed: int = 0,
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
    varying = _Varying(parameters, used, inputs)
    count = ds.sizes[CHAIN] * ds.sizes[DRAW]
    chosen = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))
    size = chunk_size(economy, count)
    supply, tolerance = str(ds.attrs.get("supply", "independent")), float(ds.attrs.get("tolerance", 1e-12))
    rows = []
    for scenario in scenarios:
        world = scenario.baseline(economy)
        policy = scenario.to_arrays(world, supply)
        row = []
        for technology in ds[TECHNOLOGY].values.tolist():
            solver = _Solver(world, policy, technology, scenario.horizon, tolerance, size)
            players = [name for name in varying.sources if _enters(name, technology, scenario.horizon)]
            rng = np.random.default_rng(seed)
            orders = random_orders(len(chosen), len(players), rng)
            found = solver.welfare(*varying.stages(players, chosen, orders, rng))
            at = ds["welfare"].sel({SCENARIO: scenario.name, TECHNOLOGY: technology}).stack({SAMPLE: [CHAIN, DRAW]})
            own = at.transpose(SAMPLE, COUNTRY).sel({COUNTRY: list(economy.countries)}).values
            stages = np.concatenate([found.reshape(*orders.shape, own.shape[1]), own[chosen][:, None]], axis=1)
            row.append(_split(stages, orders, players, varying.sources, own, list(economy.countries)))
        rows.append(xr.concat(row, xr.IndexVariable(TECHNOLOGY, ds[TECHNOLOGY].values)))
    out = xr.concat(rows, xr.IndexVariable(SCENARIO, [s.name for s in scenarios]))
    kind = "fixed" if inputs is None else "drawn"
    return out.assign_attrs(draws=len(chosen), of=count, seed=seed, inputs=kind)


def _counterfactual_of(post: xr.DataTree, scenarios: Sequence[Scenario]) -> xr.Dataset:
    if "counterfactual" not in post.children:
        raise InputError(Problem("there is no counterfactual whose variance could be split", "Compute it first."))
    ds = post["counterfactual"].to_dataset()
    known = [str(name) for name in ds[SCENARIO].values]
    if unknown := [s.name for s in scenarios if s.name not in known]:
        advice = f"There are {', '.join(known)}."
        raise InputError([Problem("the counterfactual lacks this scenario", advice, value=name) for name in unknown])
    return ds


def _inputs_of(economy: Economy, post: xr.DataTree, ds: xr.Dataset) -> Inputs | None:
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
        return source == SUPPLY[horizon] or (horizon == MONTHS and source == SUPPLY[YEAR])
    research = source in _RESEARCH and (technology == "fixed" or (technology, source) == ("frontier", "spillover_gap"))
    return not research and source not in CLOCK and (source != "impact_ratio" or horizon == MONTHS)


class _Solver(NamedTuple):
    """Equilibria of one scenario and technology."""

    world: Economy
    policy: PolicyArrays
    technology: str
    horizon: str
    tolerance: float
    size: int

    def welfare(self, points: Parameters, inputs: Inputs | None) -> Float[np.ndarray, "point country"]:
        """At some points; NaN where there is no equilibrium."""
        good, _ = points.feasible(self.world, self.technology, SAMPLE, self.horizon)
        out = np.full((len(good), len(self.world.countries)), np.nan)
        index, chunk = np.flatnonzero(good), 4 * self.size
        for part in (index[first : first + chunk] for first in range(0, len(index), chunk)):
            batch = take_draws(points, part).to_batch(self.world, self.technology, SAMPLE, self.horizon)
            batch = batch if inputs is None else batch._replace(inputs=inputs.arrays(part))
            # the outcomes of the draws, so that what was compiled for them is used
            found = solve_draws(self.world.baseline, self.policy, batch, self.tolerance, DRAW_OUTCOMES, self.size)
            out[part] = np.where(found.solved[:, None], found.outcomes["welfare"], np.nan)
        return out


class _Varying:
    """Everything that varies over the draws: components of the parameters, by name, and inputs."""

    def __init__(self, parameters: Parameters, used: Sequence[str], inputs: Inputs | None) -> None:
        self.parameters, self.inputs = parameters, inputs
        self.cells = {name: _flat(getattr(parameters, name)) for name in used}
        self.varies = {name: np.isfinite(v).all(0) & (np.ptp(v, axis=0) > 0) for name, v in self.cells.items()}
        self.names = [name for name in used if self.varies[name].any()]
        self.sources: list[str] = self.names + ([] if inputs is None else inputs.sources)
        of = [np.full(int(self.varies[name].sum()), k) for k, name in enumerate(self.names)]
        self.member: Int[np.ndarray, " component"] = np.concatenate(of) if of else np.zeros(0, int)
        values = [self.cells[name][:, self.varies[name]] for name in self.names]
        self.copula = NormalCopula(np.concatenate(values, axis=1)) if values else None

    def stages(
        self,
        players: Sequence[str],
        chosen: Int[np.ndarray, " draw"],
        orders: Int[np.ndarray, "draw source"],
        rng: np.random.Generator,
    ) -> tuple[Parameters, Inputs | None]:
        """All stages but the last of every chosen draw: the first k sources of its order its own, others drawn anew."""
        depth = len(players)
        known = np.array([[np.isin(range(depth), order[:k]) for k in range(depth)] for order in orders])
        known = known.reshape(-1, depth)  # (point, player)
        place = np.repeat(chosen, depth)
        return self._parameters(players, known, place, rng), self._inputs(players, known, place)

    def _parameters(
        self, players: Sequence[str], known: np.ndarray, place: np.ndarray, rng: np.random.Generator
    ) -> Parameters:
        values: dict[str, Any] = {name: getattr(self.parameters, name) for name in Parameters.names()}
        drawn = np.zeros((len(place), len(self.member)))
        if self.copula is not None:
            player = np.array([players.index(name) if name in players else -1 for name in self.names])[self.member]
            noise = np.repeat(rng.standard_normal((len(np.unique(place)), len(self.member))), len(players), axis=0)
            for point, row in enumerate(place):
                kept = (player >= 0) & known[point, np.maximum(player, 0)]
                drawn[point] = self.copula.redraw(int(row), kept, noise[point])
        for name, cells in self.cells.items():
            flat = cells[place]
            if name in self.names:
                flat[:, self.varies[name]] = drawn[:, self.member == self.names.index(name)]
            value = values[name]
            own = value.isel({SAMPLE: 0}, drop=True)
            points = flat.reshape(len(place), *own.shape)
            values[name] = xr.DataArray(points, own.coords, (SAMPLE, *own.dims))
        return Parameters(**values)

    def _inputs(self, players: Sequence[str], known: np.ndarray, place: np.ndarray) -> Inputs | None:
        if self.inputs is None:
            return None
        anew = {name: (~known[:, players.index(name)]).astype(int) for name in self.inputs.sources}
        chain, draw = self.inputs.chain[place], self.inputs.draw[place]
        return Inputs(self.inputs.economy, self.inputs.seed, chain, draw, anew)


def _flat(value: xr.DataArray) -> Float[np.ndarray, "draw cell"]:
    """A parameter's values, a column for each combination of its labels."""
    own = [dim for dim in value.dims if dim != SAMPLE]
    return value.transpose(SAMPLE, *own).values.reshape(value.sizes[SAMPLE], -1).astype(float)


def _normal_scores(
    welfare: Float[np.ndarray, "draw stage country"], own: Float[np.ndarray, "sample country"]
) -> Float[np.ndarray, "draw stage country"]:
    """Where welfare stands in its own distribution over the draws, brought to a standard normal."""
    out = np.empty(welfare.shape)
    for n in range(own.shape[1]):
        known = np.sort(own[np.isfinite(own[:, n]), n])
        level = (np.arange(len(known)) + 0.5) / len(known)
        out[..., n] = ndtri(np.interp(welfare[..., n], known, level)) if np.ptp(known) > 0 else 0.0
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
