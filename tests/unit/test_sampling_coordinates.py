"""Coordinates of elasticities and of unit values: they change what a sampler moves, not what the model says."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from numpyro import distributions as dist
from scipy import stats

from reestim.estimate.numpyro_blocks import NormalAt
from reestim.estimate.odds_coordinates import OddsCoordinates
from reestim.estimate.sampling_coordinates import normal_at
from reestim.estimate.unit_values import UnitValueCoordinates, modes_of_errors
from reestim.numerics.jax_setup import configure

configure()

CENTRED = np.array([1.0, 0.0, 0.0, 1.0])
MEAN, SHIFT, SPREAD = np.array([-1.0, 0.3, 2.5, -4.0]), np.full(4, 0.4), np.float64(0.7)
AT = OddsCoordinates(CENTRED, SHIFT, MEAN, SPREAD)

# Two series of unit values, of four and of three years (one year is missing in the second), and one value alone.
NOW, BEFORE = np.array([1, 2, 3, 5, 6]), np.array([0, 1, 2, 4, 5])
ROOT_YEARS, SERIES = np.sqrt([1.0, 1.0, 1.0, 1.0, 2.0]), np.array([0, 0, 0, 1, 1])
CHANGE = np.array([0.3, -0.2, 0.9, 0.1, -0.4])
MODES = modes_of_errors(NOW, BEFORE, ROOT_YEARS, SERIES, 8)


def test_there_and_back_from_far_below_to_far_above_one() -> None:
    for x in np.linspace(-30, 30, 41):
        v = AT.backward(np.full(4, x), np)
        np.testing.assert_allclose(AT.forward(v, np), x, rtol=1e-9, atol=1e-9)


def test_log_odds_below_a_high_mean_stay_log_odds() -> None:
    high = AT._replace(centred=np.zeros(4), mean=np.full(4, 3.0))
    fallen = [high.backward(np.full(4, x), np) for x in (0.0, -3.0)]
    assert (fallen[0] - fallen[1] < 1.4 * 3).all(), "three standard deviations down are little more than three"


def test_the_root_of_odds_is_linear_where_they_are_high() -> None:
    at = AT._replace(centred=np.ones(4))
    root = [np.exp(at.log_odds(at.backward(np.full(4, x), np)) / 2) for x in (80.0, 81.0, 82.0)]
    np.testing.assert_allclose(root[2] - root[1], root[1] - root[0], rtol=1e-12)
    low = [at.log_odds(at.backward(np.full(4, x), np)) for x in (-81.0, -80.0)]
    np.testing.assert_allclose(low[1] - low[0], 1.0, rtol=1e-12)  # log odds themselves, where odds are low


def test_a_sector_that_is_not_centred_starts_at_its_mean_with_slope_one() -> None:
    free = CENTRED == 0
    np.testing.assert_allclose(AT.backward(np.zeros(4), np)[free], 0.0, atol=1e-12)
    np.testing.assert_allclose(AT.log_slope(np.zeros(4), np)[free], 0.0, atol=1e-12)


def _unit_values(size: float, spread: float) -> UnitValueCoordinates:
    return UnitValueCoordinates(np.float64(size), np.float64(spread), CHANGE, *MODES)


def _log_posterior(z: np.ndarray, size: float, spread: float) -> float:
    """Of the errors given the changes, from the statement of the model."""
    residual = CHANGE - size * (z[NOW] - z[BEFORE])
    return float(stats.norm.logpdf(z).sum() + stats.norm.logpdf(residual, 0, spread * ROOT_YEARS).sum())


@pytest.mark.parametrize(("size", "spread"), [(0.1, 0.3), (0.3, 0.02), (0.2, 1e-6)])
def test_errors_of_unit_values_given_their_changes_are_standard_normal_at_their_coordinates(size, spread) -> None:
    """Up to a constant; also where true prices are so steady that the changes fix all errors but the level."""
    at = _unit_values(size, spread)
    rng = np.random.default_rng(5)
    points = [np.zeros(8), *rng.normal(size=(3, 8))]
    gap = [_log_posterior(at.backward(x, np), size, spread) - stats.norm.logpdf(x).sum() for x in points]
    np.testing.assert_allclose(gap, gap[0], rtol=1e-5, atol=1e-6)
    for x in points:
        np.testing.assert_allclose(at.forward(at.backward(x, np), np), x, atol=1e-6)


def test_a_unit_value_without_a_change_keeps_its_prior() -> None:
    x = np.arange(8.0)
    assert _unit_values(0.2, 0.1).backward(x, np)[7] == x[7]


@pytest.mark.parametrize(
    ("at", "x"),
    [
        (AT, np.zeros(4)),
        (AT, np.array([-3.0, 1.2, -0.8, 5.0])),
        (_unit_values(0.3, 0.02), np.linspace(-1.0, 2.0, 8)),
    ],
    ids=["odds at zero", "odds", "unit values"],
)
def test_both_languages_have_the_density_of_the_normal_and_the_jacobian_of_the_map(at, x) -> None:
    v = at.backward(x, np)
    jacobian = jax.jacobian(lambda y: at.backward(y, jnp))(x)
    expected = stats.norm.logpdf(v, at.location(), at.scale()).sum() + np.linalg.slogdet(jacobian)[1]

    with pm.Model(coords={"place": range(x.size)}) as model:
        normal_at("v", type(at)(*map(pt.as_tensor, at)), dims="place")
    (value,) = model.value_vars
    assert float(model.compile_logp()({value.name: x})) == pytest.approx(expected, rel=1e-12)

    twin = NormalAt(at)
    to_v = dist.biject_to(twin.support)
    ours = twin.log_prob(to_v(x)) + to_v.log_abs_det_jacobian(x, to_v(x))
    assert float(ours) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(to_v._inverse(to_v(x)), x, atol=1e-9)
