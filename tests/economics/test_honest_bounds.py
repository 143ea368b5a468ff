"""Bounds on event-study effects where trends may differ (Rambachan and Roth 2023), and few clusters."""

from __future__ import annotations

import numpy as np
import pytest

from reestim.evidence.event_design import event_design
from reestim.evidence.event_study import panel_study, two_way_regression
from reestim.evidence.honest_bounds import breakdown_ratio, robust_interval, trend_covariance, yearly_departures
from reestim.evidence.path_summary import interval, post_policy_weights
from reestim.evidence.wild_bootstrap import recombined, wild_bootstrap_p_value
from tests.economics.test_event_study_paths import POLICY, doses, panel

#: Yearly effects from five years before the policy to three after it, measured against the year before.
WINDOWS = tuple((k, k) for k in (-5, -4, -3, -2, 0, 1, 2, 3))
WEIGHTS = post_policy_weights(WINDOWS)
TIMES = np.array([first for first, _ in WINDOWS])


def test_without_departures_it_is_the_usual_interval() -> None:
    rng = np.random.default_rng(0)
    estimate, root = rng.normal(size=8), rng.normal(size=(8, 8))
    covariance = root @ root.T
    mean, error = float(WEIGHTS @ estimate), float(np.sqrt(WEIGHTS @ covariance @ WEIGHTS))
    usual = interval(mean, error, 30)
    found = robust_interval(estimate, covariance, WINDOWS, WEIGHTS, reference=-1, ratio=0.0, clusters=30)
    np.testing.assert_allclose(found, (usual["low"], usual["high"]), rtol=1e-12)


def test_departures_are_changes_a_year_up_to_the_reference() -> None:
    path = np.array([-0.4, -0.4, -0.1, 0.2, 9.0, 9.0, 9.0, 9.0])  # and 0 at -1
    np.testing.assert_allclose(yearly_departures(WINDOWS, -1) @ path, [0.0, 0.3, 0.3, -0.2], atol=1e-12)
    wide = ((-5, -2), (0, 1))
    np.testing.assert_allclose(yearly_departures(wide, -1) @ [0.5, 9.0], [-0.2])


@pytest.mark.parametrize("seed", range(3))
def test_it_holds_the_effect_under_any_departure_within_the_bound(seed: int) -> None:
    """Departures after the policy as large as the largest before it, all in one direction: the usual interval fails."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(-1, 1, 4) * 0.1
    before = -np.cumsum(steps[::-1])[::-1]  # differences at -5 … -2 against -1
    worst = np.abs(steps).max()
    after = worst * (np.arange(4) + 1)
    departures, effect = np.concatenate([before, after]), 0.2
    truth = departures + np.where(TIMES >= 0, effect, 0.0)
    scale = 0.05
    covariance = scale**2 * (0.5 * np.eye(8) + 0.5)
    draws = rng.multivariate_normal(truth, covariance, size=600)
    held = np.array([robust_interval(b, covariance, WINDOWS, WEIGHTS, reference=-1) for b in draws])
    assert np.mean((held[:, 0] <= effect) & (effect <= held[:, 1])) >= 0.9 - 2 * np.sqrt(0.09 / 600)
    naive = np.array([robust_interval(b, covariance, WINDOWS, WEIGHTS, reference=-1, ratio=0.0) for b in draws])
    assert np.mean((naive[:, 0] <= effect) & (effect <= naive[:, 1])) < 0.5


def test_the_breakdown_is_where_the_interval_reaches_zero() -> None:
    estimate = np.array([0.02, -0.01, 0.01, 0.02, 0.4, 0.5, 0.5, 0.6])
    covariance = 1e-4 * np.eye(8)
    ratio = breakdown_ratio(estimate, covariance, WINDOWS, WEIGHTS, reference=-1)
    low, _ = robust_interval(estimate, covariance, WINDOWS, WEIGHTS, reference=-1, ratio=ratio)
    assert low == pytest.approx(0, abs=1e-6)
    assert ratio > 1
    assert breakdown_ratio(0 * estimate, covariance, WINDOWS, WEIGHTS, reference=-1) == 0
    assert np.isnan(breakdown_ratio(estimate[4:], covariance[4:, 4:], WINDOWS[4:], WEIGHTS[4:], reference=-1))


def test_a_trend_before_the_policy_is_in_the_errors_of_the_likelihood() -> None:
    """Exposed sectors on a trend of their own: V̂ grows by a difference in trends of that size, and only then."""
    dose = doses()

    def errors(slope: float):
        frame = panel(dose, lambda c, x, k: slope * x * k + 0.05 * x * (k >= 0), noise=0.05, seed=2)
        study = panel_study(frame, dose, POLICY, names=["exports"])
        return study.attrs["exposure_sd"], study["trend_error"].values, np.sqrt(np.diag(study["covariance"].values))

    deviation, added, error = errors(0.2)
    wide = 0.2 * deviation * np.sqrt((3**2 + 3) / 3)  # a slope over three years and three deviations
    assert added[-1] == pytest.approx(wide, rel=0.25), "2012 lies three years after 2009"
    _, none, naive = errors(0.0)
    assert (none == 0).all()
    np.testing.assert_allclose(error, np.hypot(naive, added), rtol=1e-6)


def test_what_a_trend_adds_grows_both_ways_from_the_reference() -> None:
    path = np.array([0.0, 0.0, 0.0, -0.3, 1.0, 1.0, 1.0, 1.0])
    added = trend_covariance(path, WINDOWS, -1, 1.0)
    years = np.abs(TIMES + 1)
    np.testing.assert_allclose(np.diag(added), 0.3**2 / 3 * (years**2 + years))


def test_what_trends_add_is_the_covariance_of_departures_within_the_bound() -> None:
    """Slopes and deviations drawn as the docstring says: their covariance is the one that is added."""
    rng, bound, size = np.random.default_rng(4), 0.3, 40_000
    slope = rng.uniform(-bound, bound, (size, 1))
    after, before = (np.cumsum(rng.uniform(-bound, bound, (size, 12)), axis=1) for _ in range(2))
    years = TIMES + 1
    side = np.where(years[None] > 0, after[:, np.abs(years) - 1], before[:, np.abs(years) - 1])
    drawn = slope * years + np.where(years[None] == 0, 0.0, side)
    path = np.array([0.0, 0.0, 0.0, -0.3, 1.0, 1.0, 1.0, 1.0])
    added = trend_covariance(path, WINDOWS, -1, 1.0)
    np.testing.assert_allclose(np.cov(drawn.T), added, atol=0.03 * added.max())
    assert np.linalg.eigvalsh(added)[0] >= -1e-12


def test_departures_that_are_no_line_are_in_the_covariance_too() -> None:
    """Exposed sectors that wander before the policy: effects of that size must not be thought impossible."""
    dose = doses()
    wander = dict(zip(range(-10, 0), np.cumsum([0.2, -0.3, 0.3, 0.1, -0.3, 0.2, -0.2, 0.3, -0.2, 0.0]), strict=True))
    frame = panel(dose, lambda c, x, k: wander.get(k, 0.0) * x, noise=0.02, seed=5)
    study = panel_study(frame, dose, POLICY, names=["exports"])
    b, v = study["estimate"].values, study["covariance"].values
    assert float(b @ np.linalg.solve(v, b)) < 2 * len(b)


def test_the_mean_effect_is_a_coefficient_of_the_recombined_regression() -> None:
    rng = np.random.default_rng(1)
    x, beta = rng.normal(size=(50, 8)), rng.normal(size=8)
    mean, others = recombined(x, WEIGHTS)
    solved = np.linalg.lstsq(np.column_stack([mean, others]), x @ beta, rcond=None)[0]
    assert solved[0] == pytest.approx(float(WEIGHTS @ beta))


def test_few_clusters_have_a_wild_bootstrap() -> None:
    """A large effect is told from zero, none is not; one seed gives one number."""
    dose = doses()
    p = []
    for effect in (0.5, 0.0):
        frame = panel(dose, lambda c, x, k, e=effect: e * x * (k >= 0), noise=0.3)
        setting = event_design(frame, dose, POLICY, names=["exports"], cluster="sector")
        weights = post_policy_weights(setting.designs["exports"].windows)
        assert two_way_regression(setting)[2] == 14
        p.append(wild_bootstrap_p_value(setting, weights, seed=1, samples=199))
    assert p[0] <= 0.05 < p[1]
    assert wild_bootstrap_p_value(setting, weights, seed=1, samples=199) == p[1]
