"""Money and public outlays as functions of instruments, draw by draw, with their slopes through the equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from reestim.counterfactuals.inputs import SAMPLE
from reestim.counterfactuals.plan import BATCHES, take_draws
from reestim.decisions.instruments import Instrument, Placement, Values, with_values
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.equations import evaluate
from reestim.equilibrium.implicit import baseline_unknowns, equilibrium
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.sweep import batches, solve_draws, solve_points, take
from reestim.equilibrium.welfare import income_and_prices, log_change
from reestim.numerics.newton import Tolerance

_SUBSIDY = "log_subsidy"
#: Outcomes of a sweep that money follows from.
_OUTCOMES = ("welfare", "output")


class Money(NamedTuple):
    """By draw, money of the data a year; not a number where the equilibrium was not found."""

    welfare: Float[np.ndarray, " draw"]  # equivalent variation of those in the objective
    outlay: Float[np.ndarray, " draw"]  # subsidies paid by governments
    solved: Bool[np.ndarray, " draw"]


class Slopes(NamedTuple):
    """Derivatives of :class:`Money`."""

    welfare: Float[np.ndarray, "draw instrument"]
    outlay: Float[np.ndarray, "draw instrument"]


class _World(NamedTuple):
    """What all draws share."""

    baseline: Baseline
    policy: PolicyArrays  # without the instruments
    placement: Placement
    members: Float[Array, " country"]
    subsidised: Float[Array, "country sector"]  # 1 where an instrument subsidises


@dataclass(frozen=True)
class DecisionProblem:
    """Posterior draws of an economy, a scenario, and the instruments that can be set beside it."""

    economy: Economy  # with the scenario's mines
    policy: PolicyArrays
    names: tuple[str, ...]  # the array that each instrument moves
    placement: Placement
    members: Float[np.ndarray, " country"]
    instruments: Sequence[Instrument]
    parameters: Parameters  # along SAMPLE
    technology: str
    horizon: str
    tolerance: float
    size: int  # draws solved at once

    @property
    def _world(self) -> _World:
        subsidies = [cells for name, cells in zip(self.names, self.placement.cells, strict=True) if name == _SUBSIDY]
        b = self.economy.baseline
        paid = sum(subsidies, jnp.zeros(b.expenditure.shape))
        return _World(b, self.policy, self.placement, jnp.asarray(self.members), paid)

    def draws(self, index: Int[np.ndarray, " draw"]) -> ParameterArrays:
        """Parameters of some draws as arrays."""
        batch = take_draws(self.parameters, index).to_batch(self.economy, self.technology, SAMPLE, self.horizon)
        return jax.tree.map(np.asarray, batch)

    def policy_at(self, values: Sequence[float] | None) -> PolicyArrays:
        """The scenario with instruments at ``values``; None: without them."""
        if values is None:
            return self.policy
        return with_values(self.policy, self.names, self.placement, jnp.asarray(values, dtype=float))

    def stated_cost(self, values: Sequence[float] | None) -> float:
        """Stated costs of the instruments, money a year."""
        if values is None:
            return 0.0
        return sum(one.stated_cost(value)[0] for one, value in zip(self.instruments, values, strict=True))

    def money(self, values: Sequence[float] | None, index: Int[np.ndarray, " draw"]) -> Money:
        """At some draws, with the effort of a counterfactual."""
        world, policy = self._world, self.policy_at(values)
        count = len(index)
        out = Money(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count, bool))
        for first in range(0, len(index), BATCHES * self.size):
            part = slice(first, first + BATCHES * self.size)
            solutions = solve_draws(
                world.baseline, policy, self.draws(index[part]), self.tolerance, _OUTCOMES, self.size
            )
            welfare, outlay = jax.vmap(partial(_money, world, policy))(
                jnp.asarray(solutions.outcomes["welfare"]), jnp.asarray(solutions.outcomes["output"])
            )
            out.welfare[part] = np.where(solutions.solved, welfare, np.nan)
            out.outlay[part] = np.where(solutions.solved, outlay, np.nan)
            out.solved[part] = solutions.solved
        return out

    def slopes(self, values: Sequence[float], draws: ParameterArrays) -> tuple[Money, Slopes]:
        """Money at draws and its derivatives in ``values``: the implicit function at the equilibria of a sweep."""
        world, at, count = self._world, jnp.asarray(values, dtype=float), len(draws.trade_elasticity)
        point, solved = solve_points(
            world.baseline, self.policy_at(values), draws, self.tolerance, _OUTCOMES, min(self.size, count)
        )
        value, slope = np.full((count, 2), np.nan), np.full((count, 2, len(at)), np.nan)
        for index, padded in batches(np.flatnonzero(solved), self.size):
            value_and_slope = _slopes_of_batch(
                world, self.names, take(draws, padded), point[padded], at, self.tolerance
            )
            value[index], slope[index] = (np.asarray(part)[: len(index)] for part in value_and_slope)
        solved = solved & np.isfinite(slope).all(axis=(1, 2))
        value[~solved], slope[~solved] = np.nan, np.nan
        return Money(value[:, 0], value[:, 1], solved), Slopes(slope[:, 0], slope[:, 1])


def _money(
    world: _World, policy: PolicyArrays, welfare: Float[Array, " country"], output: Float[Array, "country sector"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Equivalent variation of the members, and subsidies paid; from log changes of welfare and of output."""
    b = world.baseline
    money = jnp.sum(world.members * b.income * jnp.expm1(welfare))
    sold = b.output * jnp.exp(jnp.where(b.output > 0, output, 0.0))  # with subsidies
    return money, jnp.sum(world.subsidised * sold * -jnp.expm1(-policy.log_subsidy))


def _slopes(
    world: _World,
    names: tuple[str, ...],
    values: Values,
    tolerance: Tolerance,
    draw: ParameterArrays,
    point: Float[Array, " n"],
) -> tuple[Float[Array, " amount"], Float[Array, "amount instrument"]]:
    """Of one draw, at its equilibrium: there no accelerated step is taken."""
    b = drawn_baseline(world.baseline, draw)

    def money(values: Values) -> tuple[Array, Array]:
        policy = with_values(world.policy, names, world.placement, values)
        _, unravel = ravel_pytree(baseline_unknowns(b, policy))
        u = unravel(equilibrium(b, policy, draw, point, 2 * tolerance).point)  # judged in products: half as much again
        state = evaluate(b, policy, draw, u)
        income, price_index = income_and_prices(b, state, u)
        both = jnp.stack(_money(world, policy, income - price_index, log_change(state.output, b.output)))
        return both, both

    slope, value = jax.jacfwd(money, has_aux=True)(values)
    return value, slope


@partial(jax.jit, static_argnames="names")
def _slopes_of_batch(
    world: _World,
    names: tuple[str, ...],
    draws: ParameterArrays,
    points: Float[Array, "draw n"],
    values: Values,
    tolerance: Tolerance,
) -> tuple[Array, Array]:
    return jax.vmap(partial(_slopes, world, names, values, tolerance))(draws, points)
