"""Shares of variance against cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from reestim.numerics.normal_copula import NormalCopula
from reestim.numerics.shapley import random_orders, shapley_shares


def stages(f, scores: np.ndarray, groups: list[list[int]], orders: np.ndarray, seed: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    copula, rng = NormalCopula(scores), np.random.default_rng(seed)
    out = np.zeros((len(scores), len(groups) + 1))
    for i, order in enumerate(orders):
        noise = rng.standard_normal(scores.shape[1])
        for k in range(len(groups)):
            kept = np.isin(np.arange(scores.shape[1]), [c for g in order[:k] for c in groups[g]])
            out[i, k] = f(copula.redraw(i, kept, noise))
        out[i, -1] = f(scores[i])
    return out


@pytest.mark.parametrize("rho", [0.0, 0.6, -0.5])
def test_shares_of_a_linear_case_with_correlated_sources(rho: float) -> None:
    """f = x1 + 2·x2 + 1.5·x3 with corr(x1, x2) = ρ: a pair of normals shares its covariance evenly, and what the one
    says of the other counts half for each (Song, Nelson and Staum 2016)."""
    rng, beta = np.random.default_rng(1), np.array([1.0, 2.0, 1.5])
    r = np.eye(3)
    r[0, 1] = r[1, 0] = rho
    x = rng.multivariate_normal(np.zeros(3), r, 3000)
    orders = random_orders(len(x), 3, rng)
    share, error = shapley_shares(stages(lambda v: v @ beta, x, [[0], [1], [2]], orders, 2), orders)
    a, b, c = beta
    exact = np.array(
        [
            a**2 * (1 - rho**2 / 2) + rho * a * b + b**2 * rho**2 / 2,
            b**2 * (1 - rho**2 / 2) + rho * a * b + a**2 * rho**2 / 2,
            c**2,
        ]
    )
    exact /= beta @ r @ beta
    assert share.sum() == pytest.approx(1.0)
    assert float(error.max()) < 0.03
    assert (np.abs(share - exact) < 4 * error + 0.005).all()


def test_an_interaction_is_shared_and_errors_are_those_of_repetition() -> None:
    """f = x1·x2 varies by interaction alone: half each, where first-order shares are nothing."""
    shares, errors = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((200, 3))
        orders = random_orders(len(x), 3, rng)
        share, error = shapley_shares(stages(lambda v: v[0] * v[1], x, [[0], [1], [2]], orders, seed + 500), orders)
        shares.append(share)
        errors.append(error)
    np.testing.assert_allclose(np.mean(shares, axis=0), [0.5, 0.5, 0.0], atol=0.08)
    np.testing.assert_allclose(np.std(shares, axis=0)[:2], np.mean(errors, axis=0)[:2], rtol=0.5)
    assert np.abs(np.array(shares)[:, 2]).max() < 0.1


def test_what_does_not_vary_has_no_share() -> None:
    orders = random_orders(6, 2, np.random.default_rng(0))
    share, _ = shapley_shares(np.ones((6, 3, 4)), orders)
    assert share.shape == (2, 4)
    assert np.isnan(share).all()
    assert (orders[0] == orders[1][::-1]).all()
