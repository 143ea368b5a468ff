"""Research on the frontier (2), found by its makers' optimum, and unit costs (1), (3), (4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tests.economics.levels.world import Array, World


class Clock(NamedTuple):
    """Knowledge of a year: how far it follows (2b), from what it was."""

    before: Array  # bias ln A - ln B of the year before, (n, s)
    rate: float  # λ
    floor: float  # ln(1 − δ) − g


@dataclass(frozen=True)
class Technology:
    """Parameters: one number, or arrays that broadcast to (n, s). Supply elasticities are read for elements only."""

    sigma: Array
    element_elasticity: Array
    supply_elasticity: Array
    kappa: Array | float = 0.0
    spillover: Array | float = 0.0
    spillover_gap: Array | float = 0.0
    diffusion: Array | float = 0.0
    directed: bool = True
    clock: Clock | None = None


class Knowledge(NamedTuple):
    """ln A and ln B (on the frontier, before spillovers), the bias, and ln T of the gap. (n, s)"""

    log_a: Array
    log_b: Array
    bias: Array
    log_t: Array


class Costs(NamedTuple):
    """Unit costs and cost shares at new prices."""

    unit: Array  # (n, s)
    other: Array  # c_X, (n, s)
    bundle: Array  # p_R, (n, s)
    ree_share: Array  # (n, s)
    member_share: Array  # (n, m, s)
    factor_share: Array  # (n, f, s)
    input_share: Array  # (n, k, s)
    knowledge: Knowledge


def log_ces(weight: Array, log_price: Array, h: Array | float) -> Array:
    """ln (Σ weight·price^h)^(1/h) over the last axis; h = 0 is Σ weight·ln price. Weights sum to 1."""
    h = np.asarray(h, dtype=float)[..., None]
    used = weight > 0
    terms = np.where(used, h * log_price, 0.0)
    small = np.abs(terms).max(axis=-1, keepdims=True) < 0.5
    # Near h = 0 the sum is 1 plus little: keep the digits of the little. Elsewhere take the largest term out.
    little = np.log1p((weight * np.expm1(np.where(small, terms, 0.0))).sum(axis=-1, keepdims=True))
    top = np.where(used, terms, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    total = (weight * np.exp(np.where(used, terms - top, 0.0))).sum(axis=-1, keepdims=True)
    large = top + np.log(np.where(total > 0, total, 1.0))
    safe = np.where(h == 0, 1.0, h)
    linear = (weight * np.where(used, log_price, 0.0)).sum(axis=-1, keepdims=True)
    return np.where(h == 0, linear, np.where(small, little, large) / safe)[..., 0]


def log_expit(v: Array) -> Array:
    """ln of 1/(1+e^-v)."""
    return -np.logaddexp(0.0, -v)


def frontier(theta: Array, kappa: Array | float, v: Array) -> tuple[Array, Array]:
    """ln A, ln B when the fraction 1/(1+e^-v) of capacity goes to ideas about rare earths: it is θ·A^(1/κ)."""
    return kappa * (log_expit(v) - np.log(theta)), kappa * (log_expit(-v) - np.log1p(-theta))


def research(
    theta: Array, q: Array, sigma: Array, kappa: Array | float, spillover: Array | float
) -> tuple[Array, Array]:
    """ln A, ln B where both kinds of research earn the same at the margin. q = ln p_R − ln c_X.

    A maker's return to capacity is κ × (cost share the idea works on) / (capacity spent on that kind), and shares
    depend on everybody's ideas, spillovers included. The gap of log returns falls in v, and secants find its zero.
    """
    assert (1 + kappa * (1 + spillover) * (1 - sigma) > 0).all(), "no interior optimum of research"
    odds = np.log(theta) - np.log1p(-theta)

    def gap(v: Array) -> Array:
        a, b = frontier(theta, kappa, v)
        shares = odds + (1 - sigma) * (q - (1 + spillover) * (a - b))
        return shares - v

    old, new = odds, odds + 0.1
    gap_old, gap_new = gap(old), gap(new)
    for _ in range(50):
        flat = gap_new == gap_old
        step = np.where(flat, 0.0, -gap_new * (new - old) / np.where(flat, 1.0, gap_new - gap_old))
        old, gap_old = new, gap_new
        new = new + step
        gap_new = gap(new)
        if np.abs(step).max(initial=0.0) < 1e-14:
            break
    return frontier(theta, kappa, new)


def knowledge(world: World, technology: Technology, q: Array) -> Knowledge:
    """What each country and sector knows at relative prices q; zeros where nothing is used or technology is fixed."""
    theta = world.ree_share
    zero = np.zeros_like(theta)
    kappa, spillover = (np.broadcast_to(x, theta.shape) for x in (technology.kappa, technology.spillover))
    users = (theta > 0) & (kappa > 0)
    if not technology.directed:
        return Knowledge(zero, zero, zero, zero)
    a, b = research(theta[users], q[users], technology.sigma[users], kappa[users], spillover[users])
    own = zero.copy()
    own[users] = a - b
    size = np.where(users, world.revenue, 0.0)
    total = size.sum(axis=0)
    everywhere = (size * own).sum(axis=0) / np.where(total > 0, total, 1.0)
    target = np.where(users, (1 - technology.diffusion) * own + technology.diffusion * everywhere, 0.0)
    bias = target
    if technology.clock is not None:
        before, rate, floor = technology.clock
        bias = np.where(users, before + np.maximum(rate * (target - before), floor), 0.0)
    log_a, log_b = zero.copy(), zero.copy()
    t = theta[users]
    log_a[users], log_b[users] = frontier(t, kappa[users], np.log(t) - np.log1p(-t) + bias[users] / kappa[users])
    return Knowledge(log_a, log_b, bias, technology.spillover_gap * theta * log_a)


def costs(world: World, technology: Technology, w: Array, p: Array, productivity: Array) -> Costs:
    """Unit costs at factor prices w (n, f) and purchaser prices p (n, s)."""
    log_w, log_p = np.log(w), np.log(p)
    factor_share, input_share = world.factor_share.copy(), world.input_share.copy()
    log_other = np.einsum("nfs,nf->ns", factor_share, log_w) + np.einsum("nks,nk->ns", input_share, log_p)
    for s, f in world.resources.items():
        for n in np.flatnonzero(factor_share[:, f, s] > 0):
            r = factor_share[n, f, s]
            eta = technology.supply_elasticity[n, s] * r / (1 - r)
            rest = (log_other[n, s] - r * log_w[n, f]) / (1 - r)
            log_other[n, s] = log_ces(np.array([r, 1 - r]), np.array([log_w[n, f], rest]), 1 - eta)
            rent = r * np.exp((1 - eta) * (log_w[n, f] - log_other[n, s]))
            factor_share[n, :, s] *= (1 - rent) / (1 - r)
            input_share[n, :, s] *= (1 - rent) / (1 - r)
            factor_share[n, f, s] = rent

    theta, members = world.ree_share, list(world.members)
    used = theta > 0
    weights = world.member_share.transpose(0, 2, 1)  # (n, s, m)
    member_price = log_p[:, None, members]
    log_bundle = log_ces(weights, np.broadcast_to(member_price, weights.shape), 1 - technology.element_elasticity)
    log_bundle = np.where(used, log_bundle, 0.0)
    apart = (1 - technology.element_elasticity)[..., None] * (member_price - log_bundle[..., None])
    member_share = np.where(used[..., None], weights * np.exp(apart), 0.0).transpose(0, 2, 1)

    known = knowledge(world, technology, np.where(used, log_bundle - log_other, 0.0))
    effect = 1 + technology.spillover
    x, r = log_other - effect * known.log_b, log_bundle - effect * known.log_a
    log_nest = log_ces(np.stack([1 - theta, theta], axis=-1), np.stack([x, r], axis=-1), 1 - technology.sigma)
    ree_share = np.where(used, theta * np.exp((1 - technology.sigma) * (r - log_nest)), 0.0)
    unit = np.exp(log_nest - known.log_t) / productivity
    return Costs(unit, np.exp(log_other), np.exp(log_bundle), ree_share, member_share, factor_share, input_share, known)
