"""Finding the equilibrium with SciPy's hybrid method, in one go or by steps of the policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import root

from tests.economics.levels.equations import Gaps, Outcome, Unknowns, gaps, mined
from tests.economics.levels.technology import Technology
from tests.economics.levels.world import Array, Policy, World

#: Largest gap of any condition in a solution.
TOLERANCE = 1e-11
#: Shortest step of the policy before the oracle gives up.
SHORTEST = 0.02


@dataclass(frozen=True)
class Solution:
    """An equilibrium: its unknowns, what holds there, and the largest gap of any condition."""

    world: World
    unknowns: Unknowns
    outcome: Outcome
    gap: float

    @property
    def equivalent_variation(self) -> Array:
        """Money of the baseline, (n)."""
        return self.world.income * np.expm1(self.outcome.welfare)


class NotFoundError(AssertionError):
    """The oracle has no answer: it must not be taken for one."""


def worst(found: Gaps, licence_price: Array) -> float:
    """Largest gap, every market counted; of pools: nothing beyond the limit, no idle or negative price."""
    pools = np.where(licence_price > 0, np.abs(found.tonnes), np.maximum(found.tonnes, 0.0))
    pools = np.where(licence_price < 0, np.inf, pools)
    parts = (found.markets, np.array([found.numeraire]), found.prices, found.spending, pools, found.mines)
    return max(float(np.abs(part).max(initial=0.0)) for part in parts)


class _System:
    """The conditions as a function of a vector.

    A pool has one unknown, z: above zero it is the licence price, ln(1 + r/scale); below zero it is ln(tonnes/limit).
    """

    def __init__(self, world: World, technology: Technology, policy: Policy) -> None:
        self.world, self.technology, self.policy = world, technology, policy
        self.live, self.bought = world.factor_income > 0, world.expenditure > 0
        self.cells = mined(world, policy)
        price = np.broadcast_to(world.tonne_price, world.trade_share.shape)
        self.scale = np.array([price[pool.cells].min() for pool in policy.pools])
        bought = int(self.bought.sum())
        self.places = np.cumsum([int(self.live.sum()), bought, bought, len(policy.pools)])
        self.size = int(self.places[-1] + self.cells.sum())

    def unknowns(self, z: Array) -> Unknowns:
        w, p, x, r, m = np.split(z, self.places)
        factor_price, price = np.ones(self.live.shape), np.ones(self.bought.shape)
        expenditure, margin = self.world.expenditure.copy(), np.ones(self.bought.shape)
        factor_price[self.live] = np.exp(w)
        price[self.bought] = np.exp(p)
        expenditure[self.bought] *= np.exp(x)
        margin[self.cells] = np.exp(m)
        return Unknowns(factor_price, price, expenditure, self.scale * np.expm1(np.maximum(r, 0.0)), margin)

    def __call__(self, z: Array, part: float) -> Array:
        z = np.clip(z, -60, 60)
        with np.errstate(all="ignore"):
            found, _ = gaps(self.world, self.technology, self.policy.filled(self.world, part), self.unknowns(z))
        markets = found.markets.copy()
        markets[0] = found.numeraire  # one market is redundant; the solution is judged on all
        tonnes = found.tonnes - np.minimum(z[self.places[-2] : self.places[-1]], 0.0)
        parts = [markets, found.prices[self.bought], found.spending[self.bought], tonnes, found.mines]
        return np.nan_to_num(np.concatenate(parts), nan=1e3, posinf=1e3, neginf=-1e3)

    def attempt(self, z: Array, part: float) -> tuple[Array, float]:
        """Where SciPy's hybrid method stops, and Newton's from there: at the kink of a pool the first goes astray."""
        new = root(self.__call__, z, args=(part,), method="hybr", options={"xtol": 1e-14, "maxfev": 600}).x
        if np.abs(self(new, part)).max() < np.abs(self(z, part)).max():
            z = new
        gap = self(z, part)
        for _ in range(30):
            size = float(np.abs(gap).max())
            if size < 1e-3 * TOLERANCE:
                break
            jacobian = np.stack([(self(z + 1e-7 * e, part) - gap) / 1e-7 for e in np.eye(self.size)], axis=1)
            step = np.linalg.lstsq(jacobian, -gap, rcond=None)[0]
            length = min(1.0, 2.0 / float(np.abs(step).max(initial=1e-300)))
            trials = [(z + length * 0.5**k * step) for k in range(8)]
            better = next((t for t in trials if np.abs(self(t, part)).max() < size), None)
            if better is None:
                break
            z, gap = better, self(better, part)
        return z, float(np.abs(gap).max())

    def find(self) -> Array:
        """The zero; a step of the policy is halved when it fails, doubled when it does not."""
        z, done, step = np.zeros(self.size), 0.0, 1.0
        while done < 1.0:
            part = min(1.0, done + step)
            trial, gap = self.attempt(z, part)
            if gap < TOLERANCE:
                z, done, step = trial, part, 2 * step
            else:
                step = 0.5 * (part - done)
                if step < SHORTEST:
                    raise NotFoundError(f"no equilibrium found beyond {done:.0%} of the policy")
        return z


def solve(world: World, technology: Technology, policy: Policy) -> Solution:
    """The equilibrium reached from the baseline."""
    system = _System(world, technology, policy)
    u = system.unknowns(system.find())
    found, reached = gaps(world, technology, policy.filled(world), u)
    gap = worst(found, u.licence_price)
    if gap > 10 * TOLERANCE:
        raise NotFoundError(f"a condition is off by {gap:.1e}")
    return Solution(world, u, reached, gap)


def judge(world: World, technology: Technology, policy: Policy, u: Unknowns) -> float:
    """Largest gap of any condition at somebody else's answer."""
    with np.errstate(all="ignore"):
        found, _ = gaps(world, technology, policy.filled(world), u)
        gap = worst(found, u.licence_price)
    return gap if np.isfinite(gap) else float("inf")
