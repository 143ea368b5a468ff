"""The event study on panels with known effects: unequal slopes, unequal doses, counts, trends, placebo years."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest
import pytest
import xarray as xr

import reestim as ree
from reestim.data.dataset import Dataset
from reestim.errors import InputError
from reestim.evidence.estimators import COUNTRY_MEAN, TWO_WAY, UNEXPOSED, estimate_path
from reestim.evidence.event_design import event_design
from reestim.evidence.event_options import EventStudyOptions
from reestim.evidence.event_paths import event_study, event_tables
from reestim.evidence.honest_bounds import pretrend_test
from reestim.evidence.path_posterior import INDEPENDENT, RANDOM_WALK, path_posterior
from reestim.evidence.placebo import placebo_rows
from tests.unit.supply_world import tiny_world

POLICY, YEARS = 2010, range(2003, 2013)
SECTORS = [f"s{k}" for k in range(14)]
SLOPE = {"AAA": 0.10, "BBB": -0.02, "CCC": 0.40}


def doses(seed: int = 0) -> xr.DataArray:
    """Exposure of three countries, unequally spread; four sectors have none."""
    rng = np.random.default_rng(seed)
    spread = np.array([1.0, 1.5, 4.0])[:, None]
    values = spread * rng.gamma(2.0, 1.0, (3, len(SECTORS)))
    values[:, :4] = 0.0
    return xr.DataArray(values, coords={"country": list(SLOPE), "sector": SECTORS}, dims=("country", "sector"))


def panel(dose: xr.DataArray, effect, noise: float = 0.0, seed: int = 1, outcome: str = "exports") -> pd.DataFrame:
    """ln y = country-sector + country-year + effect(country, dose, event time) + noise."""
    rng = np.random.default_rng(seed)
    units = dose.rename("dose").to_series().reset_index()
    rows = units.assign(unit=rng.normal(size=len(units))).merge(pd.DataFrame({"year": list(YEARS)}), how="cross")
    shock = {key: rng.normal() for key in zip(*(c.ravel() for c in np.meshgrid(list(SLOPE), list(YEARS))), strict=True)}
    common = [shock[c, y] for c, y in zip(rows["country"], rows["year"], strict=True)]
    moved = [effect(c, x, y - POLICY) for c, x, y in zip(rows["country"], rows["dose"], rows["year"], strict=True)]
    log = rows["unit"] + np.array(common) + np.array(moved) + noise * rng.normal(size=len(rows))
    return rows.assign(outcome=outcome, value=np.exp(log))


def after(c: str, x: float, k: int) -> float:
    return SLOPE[c] * x * (k >= 0)


def test_countries_with_slopes_of_their_own() -> None:
    """The mean over countries is found by country_mean; two_way finds the mean weighted by variance of exposure."""
    dose = doses()
    frame = panel(dose, after)
    setting = event_design(frame, dose, POLICY, names=["exports"], exposure_sd=1.0)
    late = [k >= 0 for k, _ in setting.designs["exports"].windows]
    mean = estimate_path(setting, COUNTRY_MEAN)
    np.testing.assert_allclose(mean.estimate[late], np.mean(list(SLOPE.values())), atol=1e-8)
    np.testing.assert_allclose(mean.estimate[~np.array(late)], 0, atol=1e-8)
    weight = dose.var("sector").to_series()
    weighted = sum(weight[c] * SLOPE[c] for c in SLOPE) / weight.sum()
    np.testing.assert_allclose(estimate_path(setting, TWO_WAY).estimate[late], weighted, atol=1e-8)
    assert abs(weighted - np.mean(list(SLOPE.values()))) > 0.1


def test_effects_that_are_not_linear_in_the_dose() -> None:
    """Effect √dose: against the unexposed, total effect over total dose (countries weighted by exposed sectors)."""
    dose = doses()
    frame = panel(dose, lambda c, x, k: np.sqrt(x) * (k >= 0))
    setting = event_design(frame, dose, POLICY, names=["exports"], exposure_sd=1.0)
    late = [k >= 0 for k, _ in setting.designs["exports"].windows]
    ratio = float(np.sqrt(dose).sum() / dose.sum())
    path = estimate_path(setting, UNEXPOSED)
    np.testing.assert_allclose(path.estimate[late], ratio, rtol=1e-8)
    assert abs(estimate_path(setting, TWO_WAY).estimate[late][0] / ratio - 1) > 0.1  # the line fits another average


def test_against_unexposed_is_two_stage_least_squares() -> None:
    """Each effect and its clustered variance equal pyfixest's, equation by equation."""
    dose = doses()
    frame = panel(dose, after, noise=0.2).sample(frac=0.97, random_state=2)
    setting = event_design(frame, dose, POLICY, names=["exports"], exposure_sd=2.0)
    path = estimate_path(setting, UNEXPOSED)
    wide = setting.panel.pivot_table(
        index=["country", "sector", "cluster", "exposure"], columns="event_time", values="log_value"
    )
    for k, time in enumerate(first for first, _ in path.windows):
        one = (wide[time] - wide[-1]).rename("change").dropna().reset_index()
        one = one.assign(dose=one["exposure"] / 2.0, exposed=(one["exposure"] > 0).astype(float))
        fit = pyfixest.feols(
            "change ~ 1 | country | dose ~ exposed", one, vcov={"CRV1": "cluster"}, ssc=pyfixest.ssc(k_adj=False)
        )
        assert path.estimate[k] == pytest.approx(float(fit.coef()["dose"]), abs=1e-9)
        factor = len(one) / (len(one) - 1) * path.n_clusters / (path.n_clusters - 1)  # of G units, some lack the year
        assert path.covariance[k, k] == pytest.approx(float(fit.se()["dose"]) ** 2, rel=abs(factor - 1) + 0.02)


def test_counts_with_zeros_by_poisson() -> None:
    dose = doses()
    rng = np.random.default_rng(4)
    frame = panel(dose, lambda c, x, k: 0.1 * x * (k >= 0), outcome="patents")
    frame["value"] = rng.poisson(2.0 * frame["value"] / frame["value"].median()).astype(float)
    assert (frame["value"] == 0).mean() > 0.1
    setting = event_design(
        frame, dose, POLICY, names=["patents"], exposure_sd=1.0, counts=["patents"], windows=((-100, -2), (0, 100))
    )
    path = estimate_path(setting, TWO_WAY, counts=True)
    error = np.sqrt(np.diag(path.covariance))
    assert (np.abs(path.estimate - [0, 0.1]) < 3 * error).all()
    assert error[1] < 0.05
    with pytest.raises(InputError, match="does not exist for this outcome"):
        estimate_path(setting, UNEXPOSED, counts=True)
    with pytest.raises(InputError, match="above 0"):
        event_design(frame, dose, POLICY, names=["patents"])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Demeaning failed after 9 iterations.", InputError),
        ("All variables are collinear. Maybe your model specification introduces multicollinearity?", InputError),
        ("something else", ValueError),
    ],
)
def test_a_poisson_regression_that_does_not_converge_is_a_problem_of_the_data(
    said: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in small countries of WIOD, which the mean of country slopes then leaves out; other errors stay errors."""

    def fails(*_: object, **__: object) -> None:
        raise ValueError(said)

    dose = doses()
    frame = panel(dose, lambda c, x, k: 0.1 * x * (k >= 0), outcome="patents")
    setting = event_design(frame, dose, POLICY, names=["patents"], exposure_sd=1.0, counts=["patents"])
    monkeypatch.setattr(pyfixest, "fepois", fails)
    with pytest.raises(expected, match="cannot be told from the fixed effects" if expected is InputError else said):
        estimate_path(setting, TWO_WAY, counts=True)


def test_the_pretrend_test_is_the_joint_wald_test() -> None:
    """Against pyfixest's own, and it sees a trend that is there."""
    dose = doses()
    setting = event_design(panel(dose, after, noise=0.3), dose, POLICY, names=["exports"], exposure_sd=1.0)
    path = estimate_path(setting, TWO_WAY)
    found = pretrend_test(path.windows, path.estimate, path.covariance, path.n_clusters, -1)
    data, names = setting.stacked()
    fit = pyfixest.feols(
        f"log_value ~ {'+'.join(names)} | outcome_unit + outcome_period", data, vcov={"CRV1": "cluster"}
    )
    before = [k for k, (_, last) in enumerate(path.windows) if last < -1]
    test = fit.wald_test(R=np.eye(len(names))[before], distribution="F")
    assert found["pretrend_f"] == pytest.approx(float(test["statistic"]) / len(before), rel=1e-6)
    assert found["pretrend_p_value"] > 0.01
    trend = panel(dose, lambda c, x, k: 0.05 * x * k, noise=0.1)
    setting = event_design(trend, dose, POLICY, names=["exports"], exposure_sd=1.0)
    path = estimate_path(setting, TWO_WAY)
    found = pretrend_test(path.windows, path.estimate, path.covariance, path.n_clusters, -1)
    assert found["pretrend_p_value"] < 1e-6


@pytest.mark.parametrize("prior", [RANDOM_WALK, INDEPENDENT])
def test_the_bayesian_path_is_calibrated_and_its_algebra_right(prior: str) -> None:
    """Paths drawn from the prior: 90 % intervals of their mean cover 90 %. Given τ, precisions add."""
    rng = np.random.default_rng(5)
    windows = [(k, k) for k in range(-4, 4) if k != -1]
    a = rng.normal(size=(7, 7))
    v = 0.01**2 * (a @ a.T / 7 + np.eye(7))
    unit = np.array([[min(abs(i + 1), abs(j + 1)) * ((i < -1) == (j < -1)) for j, _ in windows] for i, _ in windows])
    unit = unit if prior == RANDOM_WALK else np.eye(7)
    weights = np.array([0, 0, 0, 1, 1, 1, 1]) / 4
    inside, runs = 0, 300
    for _ in range(runs):
        tau = 0.02 * abs(rng.normal())
        beta = rng.multivariate_normal(np.zeros(7), tau**2 * unit)
        posterior = path_posterior(rng.multivariate_normal(beta, v), v, windows, prior=prior, scale=0.02)
        _, low, high, _ = posterior.of(weights, 0.9)
        inside += low <= weights @ beta <= high
    assert abs(inside / runs - 0.9) < 3 * np.sqrt(0.09 / runs)
    b = rng.normal(size=7)
    posterior = path_posterior(b, v, windows, prior=prior, scale=0.02)
    at = 30
    precision = np.linalg.inv(posterior.tau[at] ** 2 * unit) + np.linalg.inv(v)
    np.testing.assert_allclose(posterior.covariance[at], np.linalg.inv(precision), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(posterior.mean[at], np.linalg.solve(precision, np.linalg.solve(v, b)), rtol=1e-6)
    draws = rng.choice(len(posterior.tau), 200_000, p=posterior.weight)
    sampled = posterior.mean[draws, 3] + np.sqrt(posterior.covariance[draws, 3, 3]) * rng.normal(size=len(draws))
    median, low, high, positive = posterior.of(np.eye(7)[3], 0.9)
    np.testing.assert_allclose([low, median, high], np.quantile(sampled, [0.05, 0.5, 0.95]), atol=0.02 * (high - low))
    assert positive == pytest.approx((sampled > 0).mean(), abs=0.01)


def test_placebo_years_never_see_the_policy() -> None:
    dose = doses()
    rows = [
        placebo_rows(panel(dose, effect, noise=0.05), dose, "exports", _choices(), counts=False)
        for effect in (after, lambda c, x, k: 5 * after(c, x, k))
    ]
    pretended = [[r["estimate"] for r in one if not r["true"]] for one in rows]
    np.testing.assert_allclose(pretended[0], pretended[1], rtol=1e-9)
    assert [r["pretended_year"] for r in rows[0]] == [2005, 2006, 2007, 2010]
    true = [next(r for r in one if r["true"])["estimate"] for one in rows]
    assert true[1] == pytest.approx(5 * true[0], rel=0.1)
    assert max(map(abs, pretended[0])) < abs(true[0])


def _choices():
    return EventStudyOptions(POLICY, -1, "country-sector", RANDOM_WALK, 0.02, 1.0, 1)


def world(**tables: pd.DataFrame) -> Dataset:
    """The tiny world with an outcome panel over its three countries and goods, one good unexposed."""
    data = tiny_world()
    rng = np.random.default_rng(6)
    cells = [
        {"country": c, "sector": s, "year": y, "outcome": "exports", "value": float(np.exp(rng.normal()))}
        for c in data.countries
        for s in data.goods
        for y in range(2006, 2012)
    ]
    meta = data.meta.model_copy(update={"synthetic": ["outcomes.csv"]})
    return replace(
        data, path=Path("tiny"), meta=meta, tables={**data.tables, "outcomes": pd.DataFrame(cells), **tables}
    )


def test_public_function_and_published_effects_beside_the_panel() -> None:
    published = pd.DataFrame(
        {
            "outcome": ["exports", "tfp"],
            "countries": ["", "JPN"],
            "event_time": [0, 0],
            "last_event_time": [7, 3],
            "estimate": [0.003, 0.02],
            "std_error": [0.002, 0.01],
        }
    )
    study = ree.event_study(world(event_study=published), exposure="direct")
    tables = event_tables(study)
    summary = tables["event_study_summary"].set_index(["outcome", "countries", "estimator"])
    assert summary.loc[("exports", "all", "published"), "estimate"] == 0.003
    row = summary.loc[("tfp", "JPN", "published")]
    assert (row["low"], row["high"]) == pytest.approx((0.02 - 1.6449e-2, 0.02 + 1.6449e-2), abs=1e-5)
    assert {"two_way", "exposed_against_unexposed"} <= set(summary.loc["exports"].index.get_level_values("estimator"))
    assert study.attrs["simulated"] == ["outcomes.csv"]
    assert any("9 country-sectors are too few" in note for note in study.attrs["notes"])
    effects = tables["event_study_effects"]
    assert (effects.loc[effects["event_time"] == -1, "estimate"] == 0).all()


def test_one_unit_of_exposure_for_all_groups() -> None:
    data = world()
    both = ree.event_study(data, countries=["all", "JPN USA"], placebo=False)
    alone = ree.event_study(data, countries=["JPN USA"], placebo=False)
    pick = event_tables(both)["event_study_summary"].query("countries == 'JPN USA'")["estimate"].to_numpy()
    np.testing.assert_allclose(pick, event_tables(alone)["event_study_summary"]["estimate"])


def test_all_wrong_choices_in_one_list() -> None:
    with pytest.raises(InputError) as error:
        event_study(
            world(),
            outcomes=["export", "tfp"],
            countries=["JPN USB"],
            exposure="both",
            estimators=["did2s"],
            prior="flat",
        )
    assert len(error.value.problems) == 6
    assert "Did you mean 'exports'" in str(error.value)
    with pytest.raises(InputError, match="holds no outcomes"):
        event_study(tiny_world())


def test_through_all_suppliers_nobody_is_unexposed() -> None:
    study = ree.event_study(world(), exposure="total", placebo=False)
    assert "exposed_against_unexposed" not in set(study["study_estimator"].values)
    assert any("no sector that produces is unexposed" in note for note in study.attrs["notes"])


def test_an_event_time_without_both_kinds_is_refused() -> None:
    dose = doses()
    frame = panel(dose, after)
    unexposed = [f"s{k}" for k in range(4)]
    frame = frame[~(frame["sector"].isin(unexposed) & (frame["year"] == 2011))]
    setting = event_design(frame, dose, POLICY, names=["exports"], exposure_sd=1.0)
    with pytest.raises(InputError, match="both exposed and unexposed"):
        estimate_path(setting, UNEXPOSED)
