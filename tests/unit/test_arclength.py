"""Continuation past follow_arclength points, on a path whose form is known."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from reestim.numerics.arclength import follow_arclength


def folded(stage: jax.Array) -> Callable[[jax.Array], jax.Array]:
    """z³ − 3z = 6·stage − 3 (and a second unknown, its square): the path turns back at 5/6 and again at 1/6."""
    return lambda z: jnp.stack([z[0] ** 3 - 3 * z[0] - (6 * stage - 3), z[1] - z[0] ** 2])


def test_a_path_that_turns_back_twice_is_followed_to_its_end() -> None:
    first = min(np.roots([1, 0, -3, 3]).real)  # the one solution without a shock
    found = follow_arclength(folded, jnp.asarray([first, first**2]), 1e-12)
    last = max(np.roots([1, 0, -3, -3]).real)
    assert float(found.stage) == 1.0
    assert float(found.residual) <= 1e-12
    np.testing.assert_allclose(found.point, [last, last**2], rtol=1e-12)


def test_a_path_that_runs_away_is_given_up() -> None:
    """z + k(1 + z²) = 0, k = 1000·stage, turns back at k = 1/2; the way back leads to no end as k falls to 0."""
    found = follow_arclength(lambda stage: lambda z: z + 1e3 * stage * (1 + z**2), jnp.zeros(1), 1e-12)
    assert float(found.stage) == 0.0
    assert np.isinf(float(found.residual))
