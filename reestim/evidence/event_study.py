"""Event study of log outcomes on exposure to rare earths, also as a linear map (docs/model.md section 4).

    ln y_cjt = FE(country-sector) + FE(country-year) + Σ_k β_k · exposure_cj · 1[event_time = k]

The coefficients of all outcomes come from one stacked regression (effects and slopes of each outcome its own), so their
clustered covariance also holds between outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.dims import PANEL_KEY
from reestim.errors import InputError, Problem
from reestim.evidence.event_design import (
    DEMEANING_TOLERANCE,
    PERIOD,
    SWEEPS,
    UNIT,
    UNITS,
    EventDesign,
    Window,
    event_design,
)
from reestim.evidence.honest_bounds import DOUBT, RATIO, pretrend_test, trend_covariance
from reestim.evidence.pyfixest_import import pyfixest

_SMALLEST_EIGENVALUE = 1e-6  # of the correlation matrix of the coefficients
FIXED_EFFECTS = f"{UNIT} + {PERIOD}"


def panel_study(
    outcomes: pd.DataFrame,
    exposure: xr.DataArray,
    policy_year: int,
    *,
    names: Sequence[str] = ("exports", "tfp"),
    years: Sequence[int] | None = None,
    reference: int = -1,
    windows: Sequence[Window] | None = None,
    trend_ratio: float = RATIO,
) -> xr.Dataset:
    """Estimate the event study with pyfixest, as evidence for a likelihood.

    Where the joint test finds that exposed sectors moved apart before the policy (p below .1), what a difference in
    trends of ``trend_ratio`` times that size adds is in the covariance.

    Parameters
    ----------
    outcomes
        Columns country, sector, year, outcome, value (levels, logged here).
    exposure
        (country, sector), divided by its standard deviation over the panel.
    policy_year
        Event time 0.
    names
        Outcomes in use.
    years
        Years of the panel in use; default: all.
    reference
        Event time that the effects are against.
    windows
        Event times that share one effect; default: one effect a year, or wide windows where there are fewer than 3
        clusters an effect (said in a warning).
    trend_ratio
        M̄ of `reestim.evidence.honest_bounds`; 0: trends never add to the covariance.

    Returns
    -------
    xarray.Dataset
        estimate (effect), covariance (effect, effect_other), ``trend_error`` (effect: standard deviation of what trends
        add, 0 where none was found), ``linear_map`` (effect, observation), log points; the coords outcome, event_time,
        last_event_time (effect), country, sector, year, observation_outcome (observation); attrs n_observations,
        n_clusters, exposure_sd, covariance.

    Raises
    ------
    InputError
        With all problems together.
    """
    setting = event_design(
        outcomes, exposure, policy_year, names=names, years=years, reference=reference, windows=windows
    )
    estimate, covariance, clusters = two_way_regression(setting)
    added = _trends(setting, estimate, covariance, trend_ratio)
    covariance = _for_a_likelihood(setting, covariance, clusters) + added
    made = _as_dataset(setting, estimate, covariance)
    error = (
        "effect",
        np.sqrt(np.diag(added)),
        {"long_name": "error that pre-trends add", "units": UNITS},
    )
    return made.assign(trend_error=error).assign_attrs(
        n_observations=len(setting.panel),
        n_clusters=clusters,
        exposure_sd=setting.exposure_sd,
        reference_event_time=reference,
        covariance="clustered by country-sector (CRV1), times (G-1)/(G-K-2) for the precision of few clusters",
    )


def _trends(
    setting: EventDesign, estimate: np.ndarray, covariance: np.ndarray, ratio: float
) -> Float[np.ndarray, "effect effect"]:
    """What differences in trends add to the covariance: by outcome, where the test of pre-trends finds them."""
    added = np.zeros_like(covariance)
    for name, place in setting.places.items():
        design, inside = setting.designs[name], covariance[place, place]
        tested = pretrend_test(design.windows, estimate[place], inside, setting.clusters[name], setting.reference)
        if tested["pretrend_p_value"] < DOUBT:
            added[place, place] = trend_covariance(estimate[place], design.windows, setting.reference, ratio)
    return added


def _for_a_likelihood(
    setting: EventDesign, covariance: np.ndarray, clusters: int
) -> Float[np.ndarray, "effect effect"]:
    """`small_sample_covariance` of all effects, wider where an outcome is seen in fewer clusters than all together."""
    scaled = small_sample_covariance(covariance, clusters)
    widths = np.ones(len(covariance))
    for name, place in setting.places.items():
        own = small_sample_covariance(covariance[place, place], setting.clusters[name])
        widths[place] = np.sqrt(max(1.0, own[0, 0] / scaled[place.start, place.start]))
    return scaled * np.outer(widths, widths)


def small_sample_covariance(covariance: np.ndarray, clusters: int) -> Float[np.ndarray, "effect effect"]:
    """Covariance for use in a normal likelihood: clustered estimate times (G−1)/(G−K−2), G clusters, K effects.

    The inverse of an estimated covariance overstates precision by that factor (Wishart with G−1 degrees of freedom).

    Parameters
    ----------
    covariance
        Clustered estimate (effect, effect).
    clusters
        G.

    Returns
    -------
    numpy.ndarray
        (effect, effect).

    Raises
    ------
    InputError
        For a singular matrix, or too few clusters for the factor: nothing is ridged in silence.

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.evidence.event_study import small_sample_covariance
    >>> small_sample_covariance(np.eye(1), 23).round(2).tolist()  # 22/20
    [[1.1]]
    """
    effects = len(covariance)
    scale = np.sqrt(np.diag(covariance))
    problem = None
    if clusters <= effects + 2:
        problem = f"{clusters} clusters cannot give the covariance of {effects} effects"
    elif not (np.isfinite(scale).all() and (scale > 0).all()):
        problem = "some effects have no variance"
    else:
        smallest = float(np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0])
        if smallest < _SMALLEST_EIGENVALUE:
            problem = (
                f"the covariance of the effects is singular (smallest eigenvalue of the correlations {smallest:.1e})"
            )
    if problem:
        advice = "Use fewer outcomes or wider event windows, or a panel with more countries and sectors"
        raise InputError(Problem(problem, advice, file="outcomes.csv"), "the event study cannot be used")
    symmetric = (covariance + covariance.T) / 2
    return symmetric * (clusters - 1) / (clusters - effects - 2)


def two_way_regression(setting: EventDesign) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients, clustered covariance (CRV1) and number of clusters; in the order of ``setting.labels``."""
    stacked, names = setting.stacked()
    data: Any = stacked
    pf = pyfixest()
    fit = pf.feols(
        f"log_value ~ {' + '.join(names)} | {FIXED_EFFECTS}", data=data, vcov={"CRV1": "cluster"}, **demeaner_options()
    )
    estimated = list(fit.coef().index)
    if estimated != names:
        raise InputError(
            Problem(
                f"{len(names) - len(estimated)} effects cannot be told from the fixed effects",
                "Use wider event windows, or a panel with several unequally exposed sectors a country",
                file="outcomes.csv",
            ),
            "the event study cannot be estimated",
        )
    estimate, covariance = fit.coef().to_numpy(float), np.asarray(fit._vcov, float)
    error = np.sqrt(np.diag(covariance))
    return rounded(estimate, error), rounded(covariance, np.outer(error, error)), int(data["cluster"].nunique())


def rounded(values: np.ndarray, size: np.ndarray, digits: int = 10) -> np.ndarray:
    """Values at so many significant digits of a size.

    Least squares differ in the sixteenth between two processes of one machine (memory alignment), and one seed must
    give the same draws in each. What they differ by goes with the size of the terms, the standard errors, and is no
    small part of a covariance near zero.

    Parameters
    ----------
    values
        Finite numbers.
    size
        How large such values are, positive, in the shape and unit of ``values``.
    digits
        Significant digits of ``size``.

    Returns
    -------
    numpy.ndarray
        In the shape of ``values``.

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.evidence.event_study import rounded
    >>> rounded(np.array([0.123456, -200.0]), np.array([0.5, 100.0]), digits=3).tolist()
    [0.123, -200.0]
    """
    unit = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    return np.round(values * unit) / unit


def demeaner_options() -> dict[str, Any]:
    """Options of pyfixest that keep every row and project on the fixed effects to full precision."""
    demeaner = pyfixest("estimation").MapDemeaner
    return {"fixef_rm": "none", "demeaner": demeaner(fixef_maxiter=SWEEPS, fixef_tol=DEMEANING_TOLERANCE)}


def _as_dataset(setting: EventDesign, estimate: np.ndarray, covariance: np.ndarray) -> xr.Dataset:
    panel, designs, labels = setting.panel, setting.designs, setting.labels
    matrix = np.zeros((len(labels), len(panel)))
    row = column = 0
    for design in designs.values():
        block = design.linear_map()
        matrix[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    ordered: Any = pd.concat([panel[panel["outcome"] == name] for name in designs], ignore_index=True)
    names = [f"{o} {a:+d}" if a == b else f"{o} {a:+d}..{b:+d}" for o, a, b in labels]
    return xr.Dataset(
        {
            "estimate": ("effect", estimate, {"long_name": "event-study effect of exposure", "units": UNITS}),
            "covariance": (("effect", "effect_other"), covariance, {"long_name": "covariance of the effects"}),
            "linear_map": (("effect", "observation"), matrix, {"long_name": "regression as a linear map of ln y"}),
            "log_outcome": ("observation", ordered["log_value"].to_numpy(), {"long_name": "ln outcome"}),
        },
        coords={
            "effect": names,
            "effect_other": names,
            "outcome": ("effect", [o for o, _, _ in labels]),
            "event_time": ("effect", [a for _, a, _ in labels]),
            "last_event_time": ("effect", [b for _, _, b in labels]),
            **{key: ("observation", ordered[key].to_numpy()) for key in PANEL_KEY},
            "observation_outcome": ("observation", ordered["outcome"].to_numpy()),
        },
    )
