"""The panel and the regressors of an event study, before it is estimated; checks of both."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.dims import COUNTRY, PANEL_KEY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.evidence.pyfixest_import import pyfixest

Window = tuple[int, int]

#: Fewest clusters for one yearly effect; with fewer, the clustered covariance says little about their correlations.
CLUSTERS_PER_EFFECT = 3
COUNTRY_SECTOR = "country-sector"
_WIDE_WINDOWS = ((0, 1), (2, 3), (4, 100))
#: Precision of the projection on the fixed effects, and the most sweeps it may take.
DEMEANING_TOLERANCE, SWEEPS = 1e-12, 100_000
#: Of every effect of an event study.
UNITS = "log points for one standard deviation of exposure"
#: Columns of the stacked panel that number the fixed effects.
UNIT, PERIOD = "outcome_unit", "outcome_period"


@dataclass(frozen=True)
class OutcomeDesign:
    """Regressors of one outcome. ``rows``: country, sector, year of each observation; ``regressors``: exposure (in
    standard deviations) in each event window; ``windows``: first and last event time of each column."""

    rows: pd.DataFrame
    regressors: Float[np.ndarray, "observation effect"]
    windows: tuple[Window, ...]

    def linear_map(self) -> Float[np.ndarray, "effect observation"]:
        """(X̃′X̃)⁻¹X̃′, X̃ the regressors net of the fixed effects: the coefficients are this matrix times ln y."""
        demean = pyfixest("estimation").demean
        effects = np.column_stack([_codes(self.rows, COUNTRY, SECTOR), _codes(self.rows, COUNTRY, YEAR)])
        net, converged = demean(
            self.regressors.copy(), effects.astype(np.uint64), np.ones(len(self.rows)), DEMEANING_TOLERANCE, SWEEPS
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


@dataclass(frozen=True)
class EventDesign:
    """An event study before it is estimated. ``panel``: country, sector, year, outcome, log_value, exposure,
    event_time, cluster; ``designs`` by outcome; ``exposure_sd``: one standard deviation of exposure, share of cost."""

    panel: pd.DataFrame
    designs: Mapping[str, OutcomeDesign]
    exposure_sd: float
    reference: int

    @property
    def labels(self) -> list[tuple[str, int, int]]:
        """Outcome, first and last event time of each coefficient."""
        return [(name, *w) for name, design in self.designs.items() for w in design.windows]

    @property
    def clusters(self) -> dict[str, int]:
        """How many clusters each outcome is seen in."""
        return {name: self.panel.loc[self.panel["outcome"] == name, "cluster"].nunique() for name in self.designs}

    @property
    def places(self) -> dict[str, slice]:
        """Where the coefficients of each outcome stand among all."""
        ends = np.cumsum([len(design.windows) for design in self.designs.values()])
        return {
            name: slice(int(end) - len(design.windows), int(end))
            for (name, design), end in zip(self.designs.items(), ends, strict=True)
        }

    def stacked(self) -> tuple[pd.DataFrame, list[str]]:
        """Rows of all outcomes with one regressor a coefficient (0 in the rows of other outcomes), and their names;
        columns outcome_unit and outcome_period are the fixed effects."""
        frames, names = [], []
        for outcome, design in self.designs.items():
            columns = [f"x{len(names) + i}" for i in range(len(design.windows))]
            names += columns
            rows: Any = self.panel[self.panel["outcome"] == outcome]
            frames.append(
                pd.concat([rows.reset_index(drop=True), pd.DataFrame(design.regressors, columns=columns)], axis=1)
            )
        data: Any = pd.concat(frames, ignore_index=True).fillna(dict.fromkeys(names, 0.0))
        data[UNIT] = _codes(data, "outcome", COUNTRY, SECTOR)
        data[PERIOD] = _codes(data, "outcome", COUNTRY, YEAR)
        return data, names


def event_design(
    outcomes: pd.DataFrame,
    exposure: xr.DataArray,
    policy_year: int,
    *,
    names: Sequence[str],
    years: Sequence[int] | None = None,
    reference: int = -1,
    windows: Sequence[Window] | None = None,
    exposure_sd: float | None = None,
    cluster: str = COUNTRY_SECTOR,
    counts: Sequence[str] = (),
) -> EventDesign:
    """Panel and regressors of an event study, from what ``panel_study`` takes.

    ``exposure_sd`` replaces the panel's own standard deviation; ``cluster``: ``country-sector``, or ``sector`` where
    sectors share shocks across countries; ``counts``: outcomes that may be 0 (their ``log_value`` is then missing, and
    they are for a Poisson regression of ``value``). Raises InputError, all problems together.
    """
    panel = _panel(outcomes, exposure, names, years, counts)
    panel["event_time"] = panel[YEAR] - policy_year
    units: Any = panel.drop_duplicates([COUNTRY, SECTOR])
    deviation = float(units["exposure"].std()) if exposure_sd is None else exposure_sd
    if not deviation > 0:
        raise InputError(Problem("exposure does not vary", "Check ree_share", column="exposure"))
    panel["cluster"] = _codes(panel, *([COUNTRY, SECTOR] if cluster == COUNTRY_SECTOR else [SECTOR]))
    chosen = _windows(panel, names, reference, windows)
    designs = {name: _design(panel[panel["outcome"] == name], deviation, w) for name, w in chosen.items()}
    return EventDesign(panel, designs, deviation, reference)


def _panel(
    outcomes: pd.DataFrame,
    exposure: xr.DataArray,
    names: Sequence[str],
    years: Sequence[int] | None,
    counts: Sequence[str],
) -> Any:
    """The rows in use (a frame) with their exposure; problems about them."""
    problems = []
    panel: Any = outcomes[outcomes["outcome"].isin(list(names))]
    for name in names:
        if not (panel["outcome"] == name).any():
            problems.append(Problem("no such outcome", "Add it or leave it out of event_outcomes", value=name))
    fits = (panel["value"] > 0) | ((panel["value"] == 0) & panel["outcome"].isin(list(counts)))
    for row in panel.index[~fits]:
        problems.append(Problem("the level of an outcome must be above 0", "Leave the row out", value=int(row)))
    if problems:
        raise InputError([*problems], "the event study cannot be estimated")
    if years is not None:
        panel = panel[panel[YEAR].isin(list(years))]
    exposed = exposure.rename("exposure").to_series().reset_index()
    panel = panel.merge(exposed, on=[COUNTRY, SECTOR], how="inner").sort_values(
        ["outcome", *PANEL_KEY], ignore_index=True
    )
    return panel.assign(log_value=np.log(panel["value"].where(panel["value"] > 0)))


def _windows(
    panel: Any, names: Sequence[str], reference: int, given: Sequence[Window] | None
) -> Mapping[str, tuple[Window, ...]]:
    """Event windows of each outcome that have data; the reference event time is left out.

    An outcome that is seen in few country-sectors gets wide windows: a clustered covariance of as many effects as there
    are clusters is singular, and its inverse believes anything.
    """
    units = {name: len(rows.drop_duplicates([COUNTRY, SECTOR])) for name, rows in panel.groupby("outcome")}
    together = len(panel.drop_duplicates([COUNTRY, SECTOR]))
    times = {name: sorted(set(panel.loc[panel["outcome"] == name, "event_time"])) for name in names}
    without = sorted(name for name, known in times.items() if reference not in known or len(known) < 2)
    if without:
        problem = Problem(
            f"no observation at event time {reference}, the reference", "Check policy_year and the years", value=without
        )
        raise InputError(problem, "the event study cannot be estimated")
    if given is not None:
        return {name: _held(known, given) for name, known in times.items()}
    yearly = {name: tuple((k, k) for k in known if k != reference) for name, known in times.items()}
    few = [name for name, effects in yearly.items() if len(effects) * CLUSTERS_PER_EFFECT > units[name]]
    left = {name: effects for name, effects in yearly.items() if name not in few}
    if sum(map(len, left.values())) * CLUSTERS_PER_EFFECT > together:
        few = list(yearly)
    if few:
        warnings.warn(
            f"event study: {min(units[name] for name in few)} country-sectors are too few for one effect a year on "
            f"{', '.join(few)}; the effects are averages over years: before {reference}, 0 to 1, 2 to 3, 4 and later",
            UserWarning,
            stacklevel=3,
        )
    wide = ((-100, reference - 1), *_WIDE_WINDOWS)
    return {name: _held(times[name], wide) if name in few else effects for name, effects in yearly.items()}


def _held(times: Sequence[int], windows: Sequence[Window]) -> tuple[Window, ...]:
    """The windows that have data, first and last event time with data."""
    inside = [_inside(times, window) for window in windows]
    return tuple((k[0], k[-1]) for k in inside if k)


def _inside(times: Sequence[int], window: Window) -> list[int]:
    return [k for k in times if window[0] <= k <= window[1]]


def _design(rows: Any, deviation: float, windows: tuple[Window, ...]) -> OutcomeDesign:
    time, exposure = rows["event_time"].to_numpy(), rows["exposure"].to_numpy(float) / deviation
    columns = [exposure * ((time >= first) & (time <= last)) for first, last in windows]
    return OutcomeDesign(rows[PANEL_KEY].reset_index(drop=True), np.column_stack(columns), windows)


def _codes(rows: pd.DataFrame, *columns: str) -> np.ndarray:
    """0, 1, 2, ... for each distinct combination of the columns."""
    return rows.groupby(list(columns), sort=False).ngroup().to_numpy()
