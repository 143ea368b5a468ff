"""Three ways from an event design to a path of effects; each says what it needs to be true (docs/evidence.md).

The policy year is one for all and exposure is a dose. So nobody treated earlier serves as a control (what goes wrong
with staggered policies cannot), and estimators for a 0/1 treatment (did2s, lpdid, saturated cohorts) are not defined.
What can go wrong is that the effect of a unit of exposure differs between countries, sectors or doses:

* ``two_way``: slopes on exposure within country and year. A weighted mean of unequal slopes, and under unequal slopes
  it needs trends that would have been parallel at every dose (Callaway, Goodman-Bacon and Sant'Anna 2024).
* ``country_mean``: that slope country by country, then the plain mean (Pesaran and Smith 1995): free slopes by country.
* ``exposed_against_unexposed``: change of exposed against unexposed sectors of the same country, for one unit of the
  dose of the exposed (de Chaisemartin and D'Haultfœuille's weighted average of slopes): any heterogeneity, and trends
  parallel only without exposure. It needs unexposed sectors, and gives up the comparison among the exposed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.dims import COUNTRY, PANEL_KEY, SECTOR
from reestim.errors import InputError, Problem
from reestim.evidence.event_design import COUNTRY_SECTOR, EventDesign, Window, event_design
from reestim.evidence.event_study import FIXED_EFFECTS, demeaner_options, two_way_regression
from reestim.evidence.pyfixest_import import pyfixest

TWO_WAY, COUNTRY_MEAN, UNEXPOSED = "two_way", "country_mean", "exposed_against_unexposed"
ESTIMATORS = (TWO_WAY, COUNTRY_MEAN, UNEXPOSED)
_FEWEST_COUNTRIES = 2
#: From a design to coefficients, their clustered covariance, and the number of clusters.
Regression = Callable[[EventDesign], tuple[np.ndarray, np.ndarray, int]]
#: Tolerance of the iterations of the Poisson regression, relative change of the deviance.
_DEVIANCE = 1e-10


@dataclass(frozen=True)
class EffectPath:
    """Effects of one outcome, log points for one standard deviation of exposure, against the reference event time.

    ``windows``: first and last event time of each; ``covariance`` is clustered (CRV1); ``n_countries``: those whose
    slopes count; ``notes``: what was left out, in words.
    """

    windows: tuple[Window, ...]
    estimate: Float[np.ndarray, " effect"]
    covariance: Float[np.ndarray, "effect effect"]
    n_clusters: int
    n_observations: int
    n_countries: int
    notes: tuple[str, ...] = ()


def estimate_path(setting: EventDesign, estimator: str, *, counts: bool = False) -> EffectPath:
    """The path of the one outcome in ``setting``. ``counts``: Poisson regression of the level instead of a linear one
    of its log (no level is dropped for being 0). Raises InputError where the estimator is not defined."""
    slope = poisson_regression if counts else two_way_regression
    if estimator == TWO_WAY:
        return _path(setting, *slope(setting))
    if estimator == COUNTRY_MEAN:
        return _country_mean(setting, slope)
    if estimator == UNEXPOSED and not counts:
        return _against_unexposed(setting)
    raise InputError(
        Problem("the estimator does not exist for this outcome", f"Use {TWO_WAY} or {COUNTRY_MEAN}", value=estimator)
    )


#: How pyfixest says that a regression has no answer.
_NO_ANSWER = ("Demeaning failed", "variables are collinear")


def poisson_regression(setting: EventDesign) -> tuple[np.ndarray, np.ndarray, int]:
    """As ``two_way_regression``, E y = exp(fixed effects + Σ β_k exposure·1[event_time = k]): right for counts with
    zeros whatever their variance (clustered). Units and country-years without a single count say nothing and drop out.
    """
    data, names = setting.stacked()
    pf = pyfixest()
    with warnings.catch_warnings():  # units without counts: reported through the number of observations
        warnings.filterwarnings("ignore", message=".*separat.*")
        try:
            fit = pf.fepois(
                f"value ~ {' + '.join(names)} | {FIXED_EFFECTS}",
                data=data,
                vcov={"CRV1": "cluster"},
                iwls_tol=_DEVIANCE,
                iwls_maxiter=200,
                separation_check=["fe"],
                **demeaner_options(),
            )
        except ValueError as error:  # the weights of a step leave no projection, or too few rows are left with counts
            if not any(words in str(error) for words in _NO_ANSWER):
                raise
            fit = None
    if fit is None or list(fit.coef().index) != names or not bool(fit.convergence):
        problem = Problem(
            "the effects cannot be told from the fixed effects, or the counts are too few",
            "Use wider event windows, or more countries and sectors",
            file="patent_labels.csv",
        )
        raise InputError(problem, "the event study cannot be estimated")
    return fit.coef().to_numpy(float), np.asarray(fit._vcov, float), int(np.min(fit._G))


def _path(setting: EventDesign, estimate: np.ndarray, covariance: np.ndarray, clusters: int) -> EffectPath:
    (design,) = setting.designs.values()
    countries = len(set(setting.panel[COUNTRY]))
    return EffectPath(
        design.windows, estimate, (covariance + covariance.T) / 2, clusters, len(setting.panel), countries
    )


def _country_mean(setting: EventDesign, slope: Regression) -> EffectPath:
    (design,) = setting.designs.values()
    panel: Any = setting.panel
    if panel["cluster"].nunique() < len(panel.drop_duplicates([COUNTRY, SECTOR])):
        advice = f"Cluster by {COUNTRY_SECTOR}, or use another estimator"
        raise InputError(Problem("clusters reach over countries, whose slopes are estimated apart", advice))
    estimates, left_out, clusters, rows = [], [], 0, 0
    for country, one in panel.groupby(COUNTRY, sort=False):
        try:
            own = _of_country(one, setting, design.windows)
            estimate, covariance, n = slope(own)
        except InputError:
            left_out.append(str(country))
            continue
        estimates.append((estimate, covariance))
        clusters, rows = clusters + n, rows + len(one)
    if len(estimates) < _FEWEST_COUNTRIES:
        advice = f"Use {TWO_WAY}, or more countries with several unequally exposed sectors"
        raise InputError(Problem("too few countries give a slope of their own", advice, value=len(estimates)))
    mean = np.mean([b for b, _ in estimates], axis=0)
    covariance = (
        np.sum([v for _, v in estimates], axis=0) / len(estimates) ** 2
    )  # countries are independent given the clusters
    notes = (f"no slope of their own: {', '.join(left_out)}",) if left_out else ()
    return EffectPath(design.windows, mean, covariance, clusters, rows, len(estimates), notes)


def _of_country(rows: Any, setting: EventDesign, windows: tuple[Window, ...]) -> EventDesign:
    """The design of one country, in the same windows and the same unit of exposure."""
    exposure = rows.drop_duplicates([COUNTRY, SECTOR]).set_index([COUNTRY, SECTOR])["exposure"].to_xarray()
    (name,) = setting.designs
    columns = [*PANEL_KEY, "outcome", "value"]
    own = event_design(
        rows[columns],
        exposure,
        int((rows["year"] - rows["event_time"]).iloc[0]),
        names=[name],
        windows=windows,
        reference=setting.reference,
        exposure_sd=setting.exposure_sd,
        counts=[name],
    )
    if own.designs[name].windows != windows or len(set(own.panel["exposure"])) < _FEWEST_COUNTRIES:
        raise InputError(Problem("the country lacks event times or variation of exposure", "Leave it out"))
    return own


def _against_unexposed(setting: EventDesign) -> EffectPath:
    """Two-stage least squares of the change since the reference on the dose, instrument 1[exposure > 0], within
    country; the joint covariance of all windows by the clustered influence of each unit (pyfixest gives it one
    equation at a time, and agrees)."""
    (design,) = setting.designs.values()
    panel: pd.DataFrame = setting.panel
    wide: Any = panel.pivot_table(
        index=[COUNTRY, SECTOR, "cluster", "exposure"], columns="event_time", values="log_value"
    )
    wide = wide[wide[setting.reference].notna()]
    keys = wide.index.to_frame(index=False)
    dose = keys["exposure"].to_numpy(float) / setting.exposure_sd
    country, cluster = keys.groupby(COUNTRY).ngroup().to_numpy(), keys["cluster"].to_numpy()
    exposed = (dose > 0).astype(float)
    both: Any = keys.assign(exposed=exposed).groupby(COUNTRY)["exposed"].nunique()
    if int(both.max()) < 2:
        advice = f"Use {TWO_WAY} or {COUNTRY_MEAN}: here every sector is exposed, or none"
        raise InputError(Problem("no country has exposed and unexposed sectors", advice))
    estimates, influence = [], []
    for first, last in design.windows:
        times = [k for k in wide.columns if first <= k <= last]
        change = wide[times].mean(axis=1).to_numpy(float) - wide[setting.reference].to_numpy(float)
        there = np.isfinite(change)
        z, x, y = (_within(v[there], country[there]) for v in (exposed, dose, change))
        scale = float(z @ x)
        if not scale > 0:
            advice = "Leave these event times out, or use another estimator"
            problem = Problem("no country has both exposed and unexposed sectors at an event time", advice, value=first)
            raise InputError(problem)
        slope = float(z @ y) / scale
        estimates.append(slope)
        share = np.zeros(len(wide))
        share[there] = z * (y - slope * x) / scale
        influence.append(np.bincount(cluster, weights=share, minlength=int(cluster.max()) + 1))
    groups = len(np.unique(cluster))
    scores = np.array(influence)
    return EffectPath(
        design.windows,
        np.array(estimates),
        scores @ scores.T * groups / (groups - 1),
        groups,
        len(panel),
        int((both > 1).sum()),
        () if (both > 1).all() else (f"all exposed or all unexposed: {', '.join(map(str, both.index[both < 2]))}",),
    )


def _within(values: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Deviation from the mean of the country."""
    total = np.bincount(country, weights=values)
    count = np.maximum(np.bincount(country), 1)
    return values - (total / count)[country]
