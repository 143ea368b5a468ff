"""The tables of an event study while they grow: one call a study."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.published_effects import EFFECTS, covariance_matrix, effect_rows
from reestim.dims import COUNTRY
from reestim.errors import InputError, Problem
from reestim.evidence.estimators import COUNTRY_MEAN, TWO_WAY, UNEXPOSED, EffectPath, estimate_path
from reestim.evidence.event_design import EventDesign, event_design
from reestim.evidence.event_options import COUNTS, PLACEBO_COLUMNS, PUBLISHED, EventStudyOptions
from reestim.evidence.event_study import small_sample_covariance
from reestim.evidence.path_posterior import PathPosterior, path_posterior
from reestim.evidence.path_summary import path_rows, placebo_rank, post_policy_weights, summary_row
from reestim.evidence.placebo import placebo_rows
from reestim.evidence.wild_bootstrap import FEW_CLUSTERS, wild_bootstrap_p_value

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


class Rows:
    """The three tables while they grow."""

    def __init__(self) -> None:
        self.effects: list[dict[str, Any]] = []
        self.studies: list[dict[str, Any]] = []
        self.placebos: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.problems: list[Problem] = []

    def add_panel(
        self,
        name: str,
        group: str,
        frame: pd.DataFrame,
        dose: xr.DataArray,
        chosen: EventStudyOptions,
        estimators: Sequence[str],
        placebo: bool,
    ) -> None:
        """All estimators of one outcome in one group of countries."""
        counts = name in COUNTS
        design = self._tried(f"{name}, {group}", lambda: _design(frame, dose, name, chosen))
        if design is None:
            return
        placebos: list[dict[str, Any]] = []
        if placebo:
            placebos = placebo_rows(frame, dose, name, chosen, counts=counts)
        several = len(set(frame[COUNTRY])) > 1
        for estimator in estimators:
            if (counts and estimator == UNEXPOSED) or (not several and estimator == COUNTRY_MEAN):
                continue  # not defined for counts; the same as two_way
            label = {"outcome": name, "countries": group, "estimator": estimator}
            path = self._tried(", ".join(label.values()), lambda e=estimator: estimate_path(design, e, counts=counts))
            if path is None:
                continue
            self.notes += [f"{', '.join(label.values())}: {note}" for note in path.notes]
            own = placebos if estimator == TWO_WAY else []
            few = estimator == TWO_WAY and not counts and path.n_clusters < FEW_CLUSTERS
            weights = post_policy_weights(path.windows)
            p = wild_bootstrap_p_value(design, weights, chosen.seed) if few and weights.any() else float("nan")
            self._add(label, path, chosen, own, wild_p_value=p)

    def add_published(self, data: Dataset, names: Sequence[str], chosen: EventStudyOptions) -> None:
        """Effects of event_study.csv as they are printed: no clusters of ours, no placebo."""
        table: Any = effect_rows(data[EFFECTS])
        matrix = covariance_matrix(table, data.tables.get("event_study_covariance"))
        for (name, group), part in table.groupby(["outcome", "countries"], sort=False):
            if name not in names:
                continue
            for reference, same in part.groupby("reference_event_time", sort=False):
                place = table.index.get_indexer(same.index)
                windows = tuple(
                    (int(a), int(b)) for a, b in same[["event_time", "last_event_time"]].itertuples(index=False)
                )
                path = EffectPath(windows, same["estimate"].to_numpy(float), matrix[np.ix_(place, place)], 0, 0, 0)
                label = {"outcome": str(name), "countries": str(group), "estimator": PUBLISHED}
                self._add(label, path, chosen, [], int(reference))

    def _add(
        self,
        label: dict[str, str],
        path: EffectPath,
        chosen: EventStudyOptions,
        placebos: list[dict[str, Any]],
        reference: int | None = None,
        wild_p_value: float = float("nan"),
    ) -> None:
        at = chosen.reference if reference is None else reference
        posterior = self._tried(f"{', '.join(label.values())}, Bayesian path", lambda: _posterior(path, chosen, at))
        self.effects += [label | row for row in path_rows(path, posterior, at)]
        row = label | summary_row(path, posterior, at) | {"wild_p_value": wild_p_value}
        self.studies.append(row | placebo_rank(placebos))
        pretended = [row for row in placebos if not row["true"]]
        self.placebos += [label | {k: v for k, v in row.items() if k != "true"} for row in pretended]

    def _tried[T](self, what: str, make: Callable[[], T]) -> T | None:
        """The result, or a note that says why there is none; warnings of the design become notes too."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            try:
                result = make()
            except InputError as error:
                self.problems += error.problems
                self.notes += [f"{what}: not estimated, {p.message}. {p.advice}" for p in error.problems]
                return None
        self.notes += [f"{what}: {w.message}" for w in caught if str(w.message).startswith("event study")]
        return result

    def dataset(self) -> xr.Dataset:
        """Long tables as one Dataset; the names of the variables start with that of their dimension."""
        parts = []
        for dim, rows in (("effect", self.effects), ("study", self.studies), ("placebo", self.placebos)):
            table = pd.DataFrame(rows, columns=None if rows else list(PLACEBO_COLUMNS))
            parts.append(xr.Dataset({f"{dim}_{name}": (dim, column.to_numpy()) for name, column in table.items()}))
        return xr.Dataset({name: array for part in parts for name, array in part.items()})


def _design(frame: pd.DataFrame, dose: xr.DataArray, name: str, chosen: EventStudyOptions) -> EventDesign:
    return event_design(
        frame,
        dose,
        chosen.policy_year,
        names=[name],
        reference=chosen.reference,
        cluster=chosen.cluster,
        exposure_sd=chosen.exposure_sd,
        counts=[name] if name in COUNTS else (),
    )


def _posterior(path: EffectPath, chosen: EventStudyOptions, reference: int) -> PathPosterior:
    covariance = small_sample_covariance(path.covariance, path.n_clusters) if path.n_clusters else path.covariance
    return path_posterior(
        path.estimate, covariance, path.windows, reference=reference, prior=chosen.prior, scale=chosen.prior_scale
    )
