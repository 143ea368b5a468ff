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


def test_gras_solves_a_case_by_hand() -> None:
    """One row (2, −1) to a total of 3 and columns 4 and −1: 2m − 1/m = 3 has the root m = (3 + √17)/4; the columns then
    fix both cells."""
    out = ras(np.array([[2.0, -1.0]]), np.array([3.0]), np.array([4.0, -1.0]), signed=True)
    np.testing.assert_allclose(out, [[4.0, -1.0]], rtol=1e-12)


def test_gras_is_the_stationary_point_of_its_distance() -> None:
    """Cells are p·r·s where the seed is positive and n/(r·s) where it is negative: one r a row and one s a column."""
    rng = np.random.default_rng(3)
    seed = rng.lognormal(size=(4, 5))
    seed[1, 2] *= -0.3
    seed[3, 0] *= -0.2
    r = np.abs(seed).sum(axis=1) * rng.uniform(0.8, 1.3, 4)
    c = np.abs(seed).sum(axis=0) * rng.uniform(0.8, 1.3, 5)
    c *= r.sum() / c.sum()
    out = ras(seed, r, c, signed=True)
    np.testing.assert_allclose(out.sum(axis=1), r, rtol=1e-10)
    np.testing.assert_allclose(out.sum(axis=0), c, rtol=1e-12)
    assert (np.sign(out) == np.sign(seed)).all()
    log = np.sign(seed) * np.log(out / seed)  # = ln r + ln s, so that its second differences vanish
    np.testing.assert_allclose(log - log[:1] - log[:, :1] + log[0, 0], 0.0, atol=1e-9)


def test_a_signed_seed_without_negative_cells_is_ras_to_the_bit() -> None:
    seed = np.random.default_rng(1).lognormal(size=(3, 3))
    r, c = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    np.testing.assert_array_equal(ras(seed, r, c, signed=True), ras(seed, r, c))


def test_gras_meets_totals_of_zero_and_below() -> None:
    out = ras(np.array([[1.0, -3.0], [2.0, 1.0]]), np.array([-1.0, 4.0]), np.array([3.0, 0.0]), signed=True)
    np.testing.assert_allclose(out.sum(axis=1), [-1.0, 4.0], atol=1e-10)
    np.testing.assert_allclose(out.sum(axis=0), [3.0, 0.0], atol=1e-10)


def test_a_total_that_no_cell_can_carry_is_refused() -> None:
    with pytest.raises(InputError, match="cannot add up"):
        ras(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([-1.0, 3.0]), np.array([1.0, 1.0]), signed=True)
