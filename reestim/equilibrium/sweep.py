"""Many equilibria at once: one economy and scenario, a set of parameter draws.

Draws differ little from one another, so they share a factorised Jacobian. A reference equilibrium is solved in the
middle of the draws; chord steps with its inverse Jacobian are one matrix product over a batch, the first step is
already the linear prediction in the parameters, and Anderson's acceleration takes up what differs from draw to draw.
What a reference does not bring home gets a new one in the middle of what is left, and so on: every round solves its
reference draw by the full solver, so the rounds end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.newton import Tolerance, jacobian, largest
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.scenario import PolicyArrays
from reestim.equilibrium.separable import Weights, prepare, separable_residual
from reestim.equilibrium.solve import all_residuals, equilibrium, flat_residual, no_change, within_tolerance
from reestim.equilibrium.welfare import outcomes

#: Chord steps in one round; the factor by which ``LOOK`` of them must shrink a residual for a draw to go on.
CHORD_STEPS = 40
LOOK = 5
SHRINKS = 0.5
#: Steps remembered by Anderson's acceleration, and the ridge of its least squares relative to their size.
MEMORY = 5
RIDGE = 1e-14
#: Draws that are too few to share a reference: each is solved by itself.
ALONE = 4


class Reference(NamedTuple):
    """A solved equilibrium and the inverse of its Jacobian."""

    point: Float[Array, " n"]
    inverse: Float[Array, "n n"]
    residual: Float[Array, ""]
    steps: Int[Array, ""]


class Sweep(NamedTuple):
    """Results of a set of draws; leading dimension of every array: draw."""

    outcomes: dict[str, np.ndarray]
    solved: Bool[np.ndarray, " draw"]
    residual: Float[np.ndarray, " draw"]
    steps: Int[np.ndarray, " draw"]


@jax.jit
def _reference(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Float[Array, " n"], tolerance: Tolerance
) -> Reference:
    root = equilibrium(b, policy, draw, start, tolerance)
    slope = jacobian(partial(flat_residual, b, policy, draw), root.point)
    return Reference(root.point, jnp.linalg.inv(slope), root.residual, root.steps)


class _State(NamedTuple):
    """Accelerated chord steps of a batch. ``moves`` and ``changes`` are the last differences of points and steps."""

    z: Float[Array, "draw n"]
    step: Float[Array, "draw n"]  # chord step -J⁻¹ f(z) at z
    moves: Float[Array, "draw memory n"]
    changes: Float[Array, "draw memory n"]
    worst: Float[Array, " draw"]
    mark: Float[Array, " draw"]  # worst residual at the last look back
    moving: Bool[Array, " draw"]
    taken: Int[Array, " draw"]
    turn: Int[Array, ""]


def _accelerated(s: _State) -> Float[Array, "draw n"]:
    """Anderson's combination of the last steps: the move whose predicted next step is shortest, draw by draw."""
    gram = jnp.einsum("din,djn->dij", s.changes, s.changes)
    size = jnp.trace(gram, axis1=1, axis2=2)[:, None, None]
    ridge = (RIDGE * size + jnp.finfo(float).tiny) * jnp.eye(MEMORY)
    weight = jnp.linalg.solve(gram + ridge, jnp.einsum("din,dn->di", s.changes, s.step)[..., None])[..., 0]
    return s.step - jnp.einsum("di,din->dn", weight, s.moves + s.changes)


@jax.jit
def _chord(
    b: Baseline, policy: PolicyArrays, draws: ParameterArrays, ref: Reference, tolerance: Tolerance
) -> tuple[Float[Array, "draw n"], Float[Array, " draw"], Int[Array, " draw"]]:
    """Accelerated chord steps for a batch; a draw stops when it is home or when ``LOOK`` steps have not helped."""
    _, unravel = ravel_pytree(no_change(b, policy))
    weights = jax.vmap(partial(prepare, b, policy))(draws.trade_elasticity)

    def one(draw: ParameterArrays, weight: Weights, z: Float[Array, " n"]) -> Float[Array, " n"]:
        return ravel_pytree(separable_residual(b, policy, draw, weight, unravel(z)))[0]

    def measure(z: Float[Array, "draw n"]) -> tuple[Float[Array, "draw n"], Float[Array, " draw"]]:
        r = jax.vmap(one)(draws, weights, z)
        return -r @ ref.inverse.T, jax.vmap(largest)(r)

    def go_on(s: _State) -> Bool[Array, ""]:
        return (s.turn < CHORD_STEPS) & jnp.any(s.moving)

    def advance(s: _State) -> _State:
        move = jnp.where(s.moving[:, None], _accelerated(s), 0.0)
        z = s.z + move
        step, worst = measure(z)
        slot = s.turn % MEMORY
        look = (s.turn + 1) % LOOK == 0
        stalled = ~jnp.isfinite(worst) | (look & ~(worst < SHRINKS * s.mark))
        return _State(
            z, step, s.moves.at[:, slot].set(move), s.changes.at[:, slot].set(step - s.step), worst,
            jnp.where(look, worst, s.mark), s.moving & (worst > tolerance) & ~stalled, s.taken + s.moving, s.turn + 1,
        )  # fmt: skip

    count = draws.trade_elasticity.shape[0]
    start = jnp.broadcast_to(ref.point, (count, ref.point.size))
    step, worst = measure(start)
    memory = jnp.zeros((count, MEMORY, ref.point.size))
    taken = jnp.zeros(count, int)
    begin = _State(start, step, memory, memory, worst, worst, worst > tolerance, taken, jnp.zeros((), int))
    end = jax.lax.while_loop(go_on, advance, begin)
    return end.z, end.worst, end.taken


@partial(jax.jit, static_argnames="kept")
def _results(
    b: Baseline, policy: PolicyArrays, draws: ParameterArrays, z: Float[Array, "draw n"], kept: tuple[str, ...]
) -> tuple[dict[str, Array], Float[Array, " draw"]]:
    _, unravel = ravel_pytree(no_change(b, policy))

    def one(draw: ParameterArrays, point: Float[Array, " n"]) -> tuple[dict[str, Array], Float[Array, ""]]:
        u = unravel(point)
        result = outcomes(b, policy, draw, u)
        return {name: getattr(result, name) for name in kept}, all_residuals(b, policy, draw, u)

    return jax.vmap(one)(draws, z)


def sweep(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    kept: Sequence[str],
    size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Solve every draw (leading dimension of every leaf of ``draws``) to ``tolerance``.

    ``kept`` names the results to return (fields of ``Outcomes``); ``size`` draws are worked on at once, which bounds
    the memory; ``advance`` is told how many draws were finished.
    """
    z, worst, steps = _solve(b, policy, draws, tolerance, size, advance)
    parts: list[dict[str, np.ndarray]] = []
    everything = np.empty(len(z))
    for batch, keep in _batches(np.arange(len(z)), size):
        values, residual = _results(b, policy, _take(draws, batch), jnp.asarray(z[batch]), tuple(kept))
        parts.append({name: np.asarray(value)[:keep] for name, value in values.items()})
        everything[batch[:keep]] = np.asarray(residual)[:keep]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in kept}
    return Sweep(joined, within_tolerance(worst, everything, tolerance), everything, steps)


def _solve(
    b: Baseline,
    policy: PolicyArrays,
    draws: ParameterArrays,
    tolerance: float,
    size: int,
    advance: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unknowns, largest residual and steps of every draw, in rounds of a reference and its neighbours."""
    zero, _ = ravel_pytree(no_change(b, policy))
    count = draws.trade_elasticity.shape[0]
    place = _standardised(draws)
    z, worst, steps = np.zeros((count, zero.size)), np.full(count, np.inf), np.zeros(count, int)
    left, start = np.arange(count), zero
    while len(left):
        middle = left[_middle(place[left])]
        ref = _reference(b, policy, _take(draws, middle), start, tolerance)
        z[middle], worst[middle] = np.asarray(ref.point), float(ref.residual)
        steps[middle] += int(ref.steps)
        left = left[left != middle]
        done = 1
        if float(ref.residual) <= tolerance:
            start = ref.point
            if len(left) > ALONE:
                for batch, keep in _batches(left, size):
                    point, res, more = (
                        np.asarray(x)[:keep] for x in _chord(b, policy, _take(draws, batch), ref, tolerance)
                    )
                    home = batch[:keep][res <= tolerance]
                    z[home], worst[home] = point[res <= tolerance], res[res <= tolerance]
                    steps[batch[:keep]] += more
                    done += len(home)
                left = left[~(worst[left] <= tolerance)]
        advance(done)
    return z, worst, steps


def _take(draws: ParameterArrays, index: np.ndarray | np.integer) -> ParameterArrays:
    return jax.tree.map(lambda leaf: leaf[index], draws)


def _batches(index: np.ndarray, size: int) -> list[tuple[np.ndarray, int]]:
    """Batches of equal length (the last repeats an entry: nothing is compiled twice), and how many of each count."""
    out = []
    for first in range(0, len(index), size):
        part = index[first : first + size]
        out.append((np.concatenate([part, np.repeat(part[-1:], size - len(part))]), len(part)))
    return out


def _standardised(draws: ParameterArrays) -> Float[np.ndarray, "draw parameter"]:
    """The parameters that vary, each with unit spread, so that distances between draws mean something."""
    leaves = [np.asarray(leaf).reshape(len(leaf), -1) for leaf in jax.tree.leaves(draws)]
    flat = np.unique(np.concatenate(leaves, axis=1), axis=1)
    spread = flat.std(axis=0)
    return (flat - flat.mean(axis=0))[:, spread > 0] / spread[spread > 0]


def _middle(place: Float[np.ndarray, "draw parameter"]) -> int:
    """Position of the draw nearest to the median."""
    return int(np.argmin(np.sum((place - np.median(place, axis=0)) ** 2, axis=1)))
