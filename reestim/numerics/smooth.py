"""Functions that are smooth through a point where their formula is 0/0, in value and derivatives."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

_SERIES_TERMS = 15
_FACTORIALS = [1.0]
for _k in range(1, _SERIES_TERMS + 3):
    _FACTORIALS.append(_FACTORIALS[-1] * _k)


def second_order_exponential(y: Any, xp: Any = jnp) -> Any:
    """(eʸ − 1 − y)/y², smooth through y = 0: a Taylor polynomial inside |y| < 1/2, the formula outside."""
    near = abs(y) < 0.5
    small = xp.where(near, y, 0.0)
    polynomial = xp.zeros_like(small)
    for k in reversed(range(_SERIES_TERMS)):
        polynomial = polynomial * small + 1.0 / _FACTORIALS[k + 2]
    large = xp.where(near, 1.0, y)
    return xp.where(near, polynomial, (xp.expm1(large) - large) / large**2)


def log1p_ratio(v: Any, xp: Any = jnp) -> Any:
    """ln(1+v)/v for v ≥ 0, smooth through v = 0 in value and derivatives."""
    near = v < 0.01
    small = xp.where(near, v, 0.0)
    polynomial = xp.zeros_like(small)
    for k in reversed(range(10)):
        polynomial = polynomial * -small + 1.0 / (k + 1)
    large = xp.where(near, 1.0, v)
    return xp.where(near, polynomial, xp.log1p(large) / large)


def log_softplus(x: Any, xp: Any = jnp) -> Any:
    """ln ln(1+eˣ): x far below zero, ln x far above; so that its exponential is eˣ there and x here."""
    far = x < -30.0  # ln(1+eˣ) is eˣ to the last digit
    return xp.where(far, x, xp.log(xp.logaddexp(0.0, xp.where(far, 0.0, x))))


def log_softplus_inverse(y: Any, xp: Any = jnp) -> Any:
    """x of y = ln ln(1+eˣ)."""
    return xp.exp(y) + xp.log(-xp.expm1(-xp.exp(y)))
