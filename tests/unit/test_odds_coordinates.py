"""Coordinates of the elasticities: they change what a sampler moves, not what the model says."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from numpyro import distributions as dist
from scipy import stats

from reestim.estimate.numpyro_blocks import PooledVariable
from reestim.estimate.odds_coordinates import OddsCoordinates, pooled_variable
from reestim.numerics.jax_setup import configure

configure()

CENTRED = np.array([1.0, 0.0, 0.0, 1.0])
MEAN, SHIFT, SPREAD = np.array([-1.0, 0.3, 2.5, -4.0]), np.full(4, 0.4), np.float64(0.7)
AT = OddsCoordinates(CENTRED, SHIFT, MEAN, SPREAD)


def test_there_and_back_from_far_below_to_far_above_one() -> None:
    for x in np.linspace(-30, 30, 41):
        v = AT.backward(np.full(4, x), np)
        np.testing.assert_allclose(AT.forward(v, np), x, rtol=1e-9, atol=1e-9)


def test_log_odds_below_a_high_mean_stay_log_odds() -> None:
    high = AT._replace(centred=np.zeros(4), mean=np.full(4, 3.0))
    fallen = [high.backward(np.full(4, x), np) for x in (0.0, -3.0)]
    assert (fallen[0] - fallen[1] < 1.4 * 3).all(), "three standard deviations down are little more than three"


def test_pass_through_is_linear_where_odds_are_high() -> None:
    at = AT._replace(centred=np.ones(4))
    odds = [np.exp(at.log_odds(at.backward(np.full(4, x), np))) for x in (40.0, 41.0, 42.0)]
    np.testing.assert_allclose(odds[2] - odds[1], odds[1] - odds[0], rtol=1e-12)
    low = [at.log_odds(at.backward(np.full(4, x), np)) for x in (-41.0, -40.0)]
    np.testing.assert_allclose(low[1] - low[0], 1.0, rtol=1e-12)  # log odds themselves, where odds are low


def test_a_sector_that_is_not_centred_starts_at_its_mean_with_slope_one() -> None:
    free = CENTRED == 0
    np.testing.assert_allclose(AT.backward(np.zeros(4), np)[free], 0.0, atol=1e-12)
    np.testing.assert_allclose(AT.log_slope(np.zeros(4), np)[free], 0.0, atol=1e-12)


@pytest.mark.parametrize("x", [np.zeros(4), np.array([-3.0, 1.2, -0.8, 5.0])])
def test_both_languages_have_the_density_of_the_normal_and_the_jacobian_of_the_map(x) -> None:
    v = AT.backward(x, np)
    jacobian = jax.jacobian(lambda y: AT.backward(y, jnp))(x)
    expected = stats.norm.logpdf(v, AT.location(), AT.scale()).sum() + np.linalg.slogdet(jacobian)[1]

    with pm.Model(coords={"sector": range(4)}) as model:
        stated = OddsCoordinates(CENTRED, pt.as_tensor(SHIFT), pt.as_tensor(MEAN), pt.as_tensor(SPREAD))
        pooled_variable("v", stated, dims="sector")
    (value,) = model.value_vars
    assert float(model.compile_logp()({value.name: x})) == pytest.approx(expected, rel=1e-12)

    twin = PooledVariable(AT)
    to_v = dist.biject_to(twin.support)
    ours = twin.log_prob(to_v(x)) + to_v.log_abs_det_jacobian(x, to_v(x))
    assert float(ours) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(to_v._inverse(to_v(x)), x, atol=1e-9)
