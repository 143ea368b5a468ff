"""Published event-study effects: read with their covariance, predicted as the regression they came from would be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from reestim.data.country_groups import country_group
from reestim.data.published_effects import covariance_matrix, effect_rows
from reestim.errors import InputError
from reestim.estimate import fit as fitting
from reestim.estimate.event_effects import event_effects, predicted_effects
from reestim.estimate.inputs import assemble, coordinates
from reestim.evidence.event_study import panel_study
from reestim.evidence.outcome_choice import event_outcomes
from reestim.evidence.published import published_study
from reestim.evidence.simulate import simulate_evidence
from reestim.study.spec import Evidence
from reestim.technology import Knowledge
from tests.recovery.study import POLICY_YEAR, TRUTH, default_spec
from tests.recovery.world import OTHERS, USERS, small_world

YEARS = list(range(2005, 2015))
EFFECTS = pd.DataFrame(
    {"outcome": ["tfp", "tfp", "tfp"], "event_time": [0, 1, 3], "estimate": [0.1, 0.2, 0.3], "std_error": [1.0, 2, 2]}
)
COVARIANCE = pd.DataFrame(
    [("tfp", 0, "tfp", 1, 0.8), ("tfp", 1, "tfp", 0, 0.8), ("tfp", 3, "tfp", 3, 4.0)],
    columns=["outcome", "event_time", "other_outcome", "other_event_time", "covariance"],
)


@pytest.fixture(scope="module")
def world() -> tuple[xr.Dataset, xr.DataArray, xr.DataArray]:
    return small_world()


@pytest.fixture(scope="module")
def exposure(world) -> xr.DataArray:
    return world[0]["ree_share"].sel(sector=[*USERS, *OTHERS])


def _study(table: pd.DataFrame, exposure: xr.DataArray, covariance: pd.DataFrame | None = None) -> xr.Dataset:
    names = list(dict.fromkeys(table["outcome"]))
    return published_study(table, covariance, exposure, POLICY_YEAR, names=names, years=YEARS)


def test_its_linear_map_is_the_two_way_regression_of_pyfixest(exposure) -> None:
    """Any outcome: what pyfixest estimates on the balanced panel is what the map of the published effects gives."""
    rng = np.random.default_rng(3)
    rows = exposure.rename("theta").to_series().reset_index().merge(pd.DataFrame({"year": YEARS}), how="cross")
    rows = rows.assign(outcome="exports", value=rng.lognormal(0, 0.3, len(rows)))
    windows = [(k - POLICY_YEAR, k - POLICY_YEAR) for k in YEARS if k != POLICY_YEAR - 1]
    estimated = panel_study(rows, exposure, POLICY_YEAR, names=["exports"], windows=windows)
    table = pd.DataFrame({"outcome": "exports", "event_time": [-3, 0, 4], "estimate": 0.0, "std_error": 1.0})
    study = _study(table, exposure)
    log_y = rows.set_index(["country", "sector", "year"])["value"].to_xarray().transpose("country", "sector", "year")
    log_y = np.log(log_y.sel(country=exposure["country"], sector=exposure["sector"]).values.ravel())
    here = [windows.index((k, k)) for k in (-3, 0, 4)]
    np.testing.assert_allclose(study["linear_map"].values @ log_y, estimated["estimate"].values[here], atol=1e-9)


def test_windows_groups_and_references(exposure) -> None:
    """An average over years is the mean of the effects of the years; a group sees its own countries only."""
    base = {"outcome": "tfp", "estimate": 0.0, "std_error": 1.0, "countries": "all but CHN"}
    each = _study(pd.DataFrame([base | {"event_time": k, "reference_event_time": -2} for k in (0, 1, 2)]), exposure)
    mean = _study(pd.DataFrame([base | {"event_time": 0, "last_event_time": 2, "reference_event_time": -2}]), exposure)
    np.testing.assert_allclose(mean["linear_map"][0], each["linear_map"].mean("effect"), atol=1e-12)
    assert mean["effect"].values.tolist() == ["tfp +0..+2 in all but CHN (published)"]
    of_china = mean["linear_map"].values[:, mean["country"].values == "CHN"]
    assert not of_china.any()
    at_reference = mean["linear_map"].values[:, mean["year"].values == POLICY_YEAR - 2]
    assert (at_reference != 0).sum() == 7 * 10


def test_it_stands_in_the_likelihood_instead_of_a_panel(world) -> None:
    """β̂ ~ N(β(θ), V̂) against scipy, where a dataset has event_study.csv and no outcomes.csv."""
    io, price, z = world
    tables = {"event_study": EFFECTS, "event_study_covariance": COVARIANCE}
    evidence = Evidence(patents=False, ree_use=False)
    data = assemble(io, price, z, tables, evidence, policy_year=POLICY_YEAR)
    np.testing.assert_allclose(data["event_covariance"], [[1, 0.8, 0], [0.8, 4, 0], [0, 0, 4]])
    assert data["event_estimate"].values.tolist() == [0.1, 0.2, 0.3]
    model = fitting.build(default_spec(), data)
    point = pm.draw(
        [model[k] for k in ("innovation_passthrough", "kappa", "spillover", "spillover_gap")],
        random_seed=2,
        mode="FAST_COMPILE",
    )
    m, kappa, xi, gap = xr.DataArray(point[0], {"sector": data["sector"]}, ("sector",)), *point[1:]
    # Equation of the outcome put through the regression, with no help from the room of the predictions.
    theta = io["ree_share"].sel(sector=[*USERS, *OTHERS])
    q = price.reindex(sector=theta["sector"], fill_value=0.0)
    bias = m.reindex(sector=theta["sector"], fill_value=0.0) * q
    log_b = -kappa * np.log(1 - theta + theta * np.exp(bias / kappa))
    log_y = (1 + xi) * (theta * bias + log_b) + gap * theta * (bias + log_b)
    x = theta / theta.to_series().std()
    x = x - x.mean("sector")
    change = [log_y.sel(year=POLICY_YEAR + k) - log_y.sel(year=POLICY_YEAR - 1) for k in (0, 1, 3)]
    beta = [float((x * d).sum() / (x**2).sum()) for d in change]
    long_run = (m * price).transpose(*price.dims).values
    known = Knowledge(long_run, long_run, 0 * long_run)
    predicted = predicted_effects(
        data, price.values, known, long_run, kappa, xi, gap, np.ones(data.sizes["traded_sector"]), xp=np
    )
    np.testing.assert_allclose(predicted, beta, rtol=1e-9)
    with pm.Model(coords=coordinates(data)) as alone:
        event_effects(data, predicted)
    expected = stats.multivariate_normal.logpdf([0.1, 0.2, 0.3], beta, [[1, 0.8, 0], [0.8, 4, 0], [0, 0, 4]])
    assert float(alone.compile_logp(mode="FAST_COMPILE")({})) == pytest.approx(expected, rel=1e-9)


def test_the_panel_and_published_effects_stack_as_independent_evidence(world) -> None:
    io, price, z = world
    tables = simulate_evidence(io, price, z, TRUTH, 1) | {"event_study": EFFECTS, "event_study_covariance": COVARIANCE}
    with pytest.raises(InputError, match="count twice"):
        assemble(io, price, z, tables, Evidence(ree_use=False), policy_year=POLICY_YEAR)
    evidence = Evidence(patents=False, ree_use=False, event_outcomes=["exports"])
    data = assemble(io, price, z, tables, evidence, policy_year=POLICY_YEAR)
    outcome = data["outcome"].values
    assert set(outcome[:-3]) == {"exports"}
    assert outcome[-3:].tolist() == ["tfp"] * 3
    between = data["event_covariance"].values[:-3, -3:]
    assert not between.any()
    alone = assemble(
        io,
        price,
        z,
        {k: tables[k] for k in ("event_study",)},
        Evidence(patents=False, ree_use=False),
        policy_year=POLICY_YEAR,
    )
    np.testing.assert_allclose(data["event_cell_weight"].values[-3:], alone["event_cell_weight"].values)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("tfp", 0, "tfp", 1, 2.5), "not positive definite"),
        (("tfp", 0, "tfp", 0, 1.3), "squared standard error"),
        (("tfp", 0, "tfp", 9, 0.1), "no such effect"),
        (("tfp", 3, "tfp", 0, 0.1), None),
    ],
)
def test_a_covariance_is_checked(row: tuple[object, ...], words: str | None) -> None:
    entries = pd.concat([COVARIANCE.iloc[2:], pd.DataFrame([row], columns=COVARIANCE.columns)], ignore_index=True)
    rows = effect_rows(EFFECTS)
    if words is None:
        assert covariance_matrix(rows, entries)[0, 2] == 0.1
        return
    with pytest.raises(InputError, match=words):
        covariance_matrix(rows, entries)


def test_years_without_prices_and_countries_without_variation_are_refused(exposure) -> None:
    late = pd.DataFrame({"outcome": ["tfp"], "event_time": [9], "estimate": [0.1], "std_error": [0.1]})
    with pytest.raises(InputError, match="no relative price in 2019"):
        _study(late, exposure)
    flat = exposure.where(exposure["country"] != "JPN", 0.01)
    with pytest.raises(InputError, match="does not vary within JPN"):
        _study(late.assign(event_time=1, countries="JPN"), flat)


def test_groups_of_countries() -> None:
    known = ["CHN", "JPN", "USA"]
    assert country_group("all", known) == ("CHN", "JPN", "USA")
    assert country_group("USA JPN", known) == ("JPN", "USA")
    assert country_group("all but CHN", known) == ("JPN", "USA")
    with pytest.raises(ValueError, match="Did you mean 'JPN'"):
        country_group("JAP", known)
    with pytest.raises(ValueError, match="empty"):
        country_group("all but", known)


def test_an_outcome_may_be_published_for_other_countries_than_the_panel_has() -> None:
    panel = pd.DataFrame({"country": ["USA"], "sector": ["metals"], "year": [2010], "outcome": ["tfp"]})
    effects = pd.DataFrame({"outcome": ["tfp"], "countries": ["JPN KOR"]})
    assert event_outcomes({"outcomes": panel, "event_study": effects}, Evidence()) == (["tfp"], ["tfp"])
    for overlapping in ("all", "all but CHN", "JPN USA"):
        with pytest.raises(InputError, match="count twice"):
            event_outcomes({"outcomes": panel, "event_study": effects.assign(countries=overlapping)}, Evidence())
    with pytest.raises(InputError, match="count twice"):  # without the column: of all countries
        event_outcomes({"outcomes": panel, "event_study": effects[["outcome"]]}, Evidence())
