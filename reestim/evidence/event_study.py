"""Event study of log outcomes on exposure to rare earths, and the same regression as a linear map (model.md section 4).

    ln y_cjt = FE(country-sector) + FE(country-year) + Σ_k β_k · exposure_cj · 1[event_time = k]

The coefficients of all outcomes come from one stacked regression (effects and slopes of each outcome its own), so their
covariance, clustered by country-sector, also holds between outcomes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem

Window = tuple[int, int]

#: Fewest clusters for one yearly effect; with fewer, the clustered covariance says little about their correlations.
CLUSTERS_PER_EFFECT = 3
_WIDE_WINDOWS = ((0, 1), (2, 3), (4, 100))
_SMALLEST_EIGENVALUE = 1e-6  # of the correlation matrix of the coefficients
_TOLERANCE = 1e-12  # of the projection on the fixed effects
_SWEEPS = 100_000
_KEY = [COUNTRY, SECTOR, YEAR]


@dataclass(frozen=True)
class Design:
    """Regressors of one outcome. ``rows``: country, sector, year of each observation; ``regressors``: exposure (in
    standard deviations) in each event window; ``windows``: first and last event time of each column."""

    rows: pd.DataFrame
    regressors: Float[np.ndarray, "observation effect"]
    windows: tuple[Window, ...]

    def linear_map(self) -> Float[np.ndarray, "effect observation"]:
        """(X̃′X̃)⁻¹X̃′, X̃ the regressors net of the fixed effects: the coefficients are this matrix times ln y."""
        from pyfixest.estimation import demean as _demean

        demean: Any = _demean  # the package has a module of the same name, which type checkers see
        effects = np.column_stack([_codes(self.rows, COUNTRY, SECTOR), _codes(self.rows, COUNTRY, YEAR)])
        net, converged = demean(
            self.regressors.copy(), effects.astype(np.uint64), np.ones(len(self.rows)), _TOLERANCE, _SWEEPS
        )
        if not converged or np.linalg.matrix_rank(net, tol=1e-8 * max(1.0, np.abs(net).max())) < net.shape[1]:
            raise InputError(
                Problem(
                    "the effects of exposure cannot be told from the fixed effects",
                    "Check that the panel has several sectors a country, unequally exposed, in every year",
                    file="outcomes.csv",
                ),
                "the event study cannot be estimated",
            )
        return np.linalg.solve(net.T @ net, net.T)


def event_study(
    outcomes: pd.DataFrame,
    exposure: xr.DataArray,
    policy_year: int,
    *,
    names: Sequence[str] = ("exports", "tfp"),
    years: Sequence[int] | None = None,
    reference: int = -1,
    windows: Sequence[Window] | None = None,
) -> xr.Dataset:
    """Estimate the event study with pyfixest.

    outcomes: columns country, sector, year, outcome, value (levels, logged here); exposure: (country, sector), divided
    by its standard deviation over the panel; ``years`` limits the panel; ``windows``: event times that share one effect
    (default one effect a year, or wide windows where there are fewer than 3 clusters an effect: said in a warning).

    Returns estimate (effect), covariance (effect, effect_other), ``linear_map`` (effect, observation) and the coords
    outcome, event_time, last_event_time (effect), country, sector, year, observation_outcome (observation);
    attrs n_observations, n_clusters, exposure_sd, covariance. Raises InputError, all problems together.
    """
    panel = _panel(outcomes, exposure, names, years)
    panel["event_time"] = panel[YEAR] - policy_year
    units: Any = panel.drop_duplicates([COUNTRY, SECTOR])
    deviation = float(units["exposure"].std())
    if not deviation > 0:
        raise InputError(Problem("exposure does not vary", "Check ree_share", column="exposure"))
    chosen = _windows(panel, names, reference, windows)
    designs = {name: _design(panel[panel["outcome"] == name], deviation, w) for name, w in chosen.items()}
    estimate, covariance, clusters = _stacked_regression(panel, designs)
    covariance = usable_covariance(covariance, clusters)
    labels = [(name, *w) for name, design in designs.items() for w in design.windows]
    return _as_dataset(panel, designs, labels, estimate, covariance).assign_attrs(
        n_observations=len(panel),
        n_clusters=clusters,
        exposure_sd=deviation,
        reference_event_time=reference,
        covariance="clustered by country-sector (CRV1), times (G-1)/(G-K-2) for the precision of few clusters",
    )


def usable_covariance(covariance: np.ndarray, clusters: int) -> Float[np.ndarray, "effect effect"]:
    """Covariance for use in a normal likelihood: clustered estimate times (G−1)/(G−K−2), G clusters, K effects.

    The inverse of an estimated covariance overstates precision by that factor (Wishart with G−1 degrees of freedom).
    A singular matrix, or too few clusters for the factor, raises InputError: nothing is ridged in silence.
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


def _panel(outcomes: pd.DataFrame, exposure: xr.DataArray, names: Sequence[str], years: Sequence[int] | None) -> Any:
    """The rows in use (a frame) with their exposure; problems about them."""
    problems = []
    panel: Any = outcomes[outcomes["outcome"].isin(list(names))]
    for name in names:
        if not (panel["outcome"] == name).any():
            problems.append(Problem("no such outcome", "Add it or leave it out of event_outcomes", value=name))
    for row in panel.index[~(panel["value"] > 0)]:
        problems.append(Problem("the level of an outcome must be above 0", "Leave the row out", value=int(row)))
    if problems:
        raise InputError([*problems], "the event study cannot be estimated")
    if years is not None:
        panel = panel[panel[YEAR].isin(list(years))]
    known = exposure.rename("exposure").to_series().reset_index()
    panel = panel.merge(known, on=[COUNTRY, SECTOR], how="inner").sort_values(["outcome", *_KEY], ignore_index=True)
    return panel.assign(log_value=np.log(panel["value"]))


def _windows(
    panel: Any, names: Sequence[str], reference: int, given: Sequence[Window] | None
) -> Mapping[str, tuple[Window, ...]]:
    """Event windows of each outcome that have data; the reference event time is left out."""
    clusters = len(panel.drop_duplicates([COUNTRY, SECTOR]))
    times = {name: sorted(set(panel.loc[panel["outcome"] == name, "event_time"])) for name in names}
    without = sorted(name for name, known in times.items() if reference not in known or len(known) < 2)
    if without:
        problem = Problem(
            f"no observation at event time {reference}, the reference", "Check policy_year and the years", value=without
        )
        raise InputError(problem, "the event study cannot be estimated")
    if given is None:
        yearly = {name: tuple((k, k) for k in known if k != reference) for name, known in times.items()}
        if sum(map(len, yearly.values())) * CLUSTERS_PER_EFFECT <= clusters:
            return yearly
        given = ((-100, reference - 1), *_WIDE_WINDOWS)
        warnings.warn(
            f"event study: {clusters} country-sectors are too few for one effect a year; "
            f"the effects are averages over years: before {reference}, 0 to 1, 2 to 3, 4 and later",
            UserWarning,
            stacklevel=3,
        )
    held = {name: [_inside(known, w) for w in given] for name, known in times.items()}
    return {name: tuple((k[0], k[-1]) for k in inside if k) for name, inside in held.items()}


def _inside(times: Sequence[int], window: Window) -> list[int]:
    return [k for k in times if window[0] <= k <= window[1]]


def _design(rows: Any, deviation: float, windows: tuple[Window, ...]) -> Design:
    time, exposure = rows["event_time"].to_numpy(), rows["exposure"].to_numpy(float) / deviation
    columns = [exposure * ((time >= first) & (time <= last)) for first, last in windows]
    return Design(rows[_KEY].reset_index(drop=True), np.column_stack(columns), windows)


def _stacked_regression(panel: Any, designs: Mapping[str, Design]) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients, clustered covariance and number of clusters; blocks in the order of ``designs``."""
    import pyfixest
    from pyfixest.estimation import MapDemeaner

    frames, names = [], []
    for outcome, design in designs.items():
        columns = [f"x{len(names) + i}" for i in range(len(design.windows))]
        names += columns
        rows = panel[panel["outcome"] == outcome].reset_index(drop=True)
        frames.append(pd.concat([rows, pd.DataFrame(design.regressors, columns=columns)], axis=1))
    data: Any = pd.concat(frames, ignore_index=True).fillna(dict.fromkeys(names, 0.0))
    data["unit"] = _codes(data, COUNTRY, SECTOR)
    data["outcome_unit"] = _codes(data, "outcome", COUNTRY, SECTOR)
    data["outcome_period"] = _codes(data, "outcome", COUNTRY, YEAR)
    pf: Any = pyfixest
    fit = pf.feols(
        f"log_value ~ {' + '.join(names)} | outcome_unit + outcome_period",
        data=data,
        vcov={"CRV1": "unit"},
        fixef_rm="none",
        demeaner=MapDemeaner(fixef_maxiter=_SWEEPS, fixef_tol=_TOLERANCE),
    )
    kept = list(fit.coef().index)
    if kept != names:
        raise InputError(
            Problem(
                f"{len(names) - len(kept)} effects cannot be told from the fixed effects",
                "Use wider event windows, or a panel with several unequally exposed sectors a country",
                file="outcomes.csv",
            ),
            "the event study cannot be estimated",
        )
    return fit.coef().to_numpy(float), np.asarray(fit._vcov, float), int(data["unit"].nunique())


def _codes(rows: pd.DataFrame, *columns: str) -> np.ndarray:
    """0, 1, 2, ... for each distinct combination of the columns."""
    return rows.groupby(list(columns), sort=False).ngroup().to_numpy()


def _as_dataset(
    panel: Any,
    designs: Mapping[str, Design],
    labels: Sequence[tuple[str, int, int]],
    estimate: np.ndarray,
    covariance: np.ndarray,
) -> xr.Dataset:
    matrix = np.zeros((len(labels), len(panel)))
    row = column = 0
    for design in designs.values():
        block = design.linear_map()
        matrix[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    ordered: Any = pd.concat([panel[panel["outcome"] == name] for name in designs], ignore_index=True)
    names = [f"{o} {a:+d}" if a == b else f"{o} {a:+d}..{b:+d}" for o, a, b in labels]
    units = "log points for one standard deviation of exposure"
    return xr.Dataset(
        {
            "estimate": ("effect", estimate, {"long_name": "event-study effect of exposure", "units": units}),
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
            **{key: ("observation", ordered[key].to_numpy()) for key in _KEY},
            "observation_outcome": ("observation", ordered["outcome"].to_numpy()),
        },
    )
