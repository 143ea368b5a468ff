"""RAS: margins, zeros, and the refusals."""

from __future__ import annotations

import numpy as np
import pytest

from reestim.errors import InputError
from reestim.numerics.ras import ras


def test_margins_hold_and_cross_ratios_are_those_of_the_seed() -> None:
    seed = np.random.default_rng(0).lognormal(size=(6, 4))
    r = np.arange(1.0, 7.0)
    c = np.array([4.0, 3.0, 8.0, 6.0])
    out = ras(seed, r, c)
    np.testing.assert_allclose(out.sum(axis=1), r, rtol=1e-10)
    np.testing.assert_allclose(out.sum(axis=0), c, rtol=1e-12)
    # RAS keeps every cross ratio of the seed: that is what makes it the nearest matrix in relative entropy.
    np.testing.assert_allclose(
        out[0, 0] * out[3, 2] / (out[0, 2] * out[3, 0]), seed[0, 0] * seed[3, 2] / (seed[0, 2] * seed[3, 0])
    )


def test_zeros_stay_and_an_empty_row_with_zero_total_is_fine() -> None:
    out = ras(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.array([2.0, 3.0, 0.0]), np.array([3.0, 2.0]))
    assert out[0, 1] == 0.0
    np.testing.assert_allclose(out, [[2.0, 0.0], [1.0, 2.0], [0.0, 0.0]], atol=1e-11)


@pytest.mark.parametrize(
    ("seed", "r", "c", "sentence"),
    [
        ([[1.0, 1.0]], [2.0], [1.0, 2.0], "row totals sum to 2 and column totals to 3"),
        ([[1.0, 0.0]], [2.0], [1.0, 1.0], "coal has a positive total but its column of the seed is empty"),
        ([[1.0, -1.0]], [2.0], [1.0, 1.0], "steel × coal is negative"),
        ([[1.0, np.nan]], [2.0], [1.0, 1.0], "steel × coal is negative or not a number"),
        ([[1.0, 1.0]], [-2.0], [1.0, 1.0], "the total of steel is negative"),
    ],
)
def test_infeasible_margins_are_named(seed: list, r: list, c: list, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        ras(np.array(seed), np.array(r), np.array(c), rows=["steel"], columns=["iron", "coal"])


def test_support_that_cannot_carry_the_margins_is_refused() -> None:
    with pytest.raises(InputError, match="out of reach"):
        ras(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([3.0, 1.0]), np.array([2.0, 2.0]))
