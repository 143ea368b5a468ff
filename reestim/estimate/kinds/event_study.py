"""Event-study effects as inputs of a model: from the panel of outcomes, from published effects, or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.signal import Block, Signal
from reestim.estimate.kinds.variable import Variable

if TYPE_CHECKING:
    from reestim.estimate.structure import StructureAtDraw
    from reestim.study.spec import Evidence

_PANEL, _PUBLISHED = "outcomes", "event_study"
_TREND_ERROR = {"long_name": "error of the effects that trends before the policy add", "units": "log points"}
_LABELS = ("outcome", "event_time", "last_event_time")


def event_evidence(
    tables: Mapping[str, pd.DataFrame],
    io: xr.Dataset,
    price: xr.DataArray,
    evidence: Evidence,
    policy_year: int,
    bundle: xr.Dataset | None = None,
) -> xr.Dataset:
    """``event_estimate`` (effect), ``event_covariance`` (effect, effect_other), and the study as weights on cells.

    price: q (country, sector, year). The panel gives the effects of ``event_outcomes`` on the years that have a
    relative price, ``event_study.csv`` those of ``published_outcomes``; the two are independent. With
    ``evidence.equilibrium`` what the equilibrium needs to predict them is there too (``bundle``: prices by element).

    Raises InputError, also for an outcome that both would give.
    """
    studies = _studies(tables, io, [int(t) for t in price[YEAR].values], evidence, policy_year)
    effects = _with_weights(studies, io, price)
    if not evidence.equilibrium:
        return effects
    from reestim.estimate.equilibrium_effects import equilibrium_inputs

    if bundle is None:
        raise InputError(Problem("the equilibrium needs prices by element", "Give bundle=bundle_inputs(...)"))
    solved = equilibrium_inputs(io, studies, bundle)
    return xr.merge([effects, solved], join="exact", combine_attrs="override")


def _studies(
    tables: Mapping[str, pd.DataFrame], io: xr.Dataset, years: list[int], evidence: Evidence, policy_year: int
) -> list[xr.Dataset]:
    """The event study of the panel, the published one, or both: estimate, covariance, linear_map."""
    from reestim.evidence.event_paths import exposure_of
    from reestim.evidence.event_study import panel_study
    from reestim.evidence.outcome_choice import event_outcomes
    from reestim.evidence.published import published_study

    panel, published = event_outcomes(tables, evidence)
    exposure = exposure_of(io, evidence.exposure)
    studies = []
    if panel:
        studies.append(
            panel_study(
                tables[_PANEL], exposure, policy_year, names=panel, years=years, trend_ratio=evidence.trend_ratio
            )
        )
    if published:
        table, covariance = tables[_PUBLISHED], tables.get(f"{_PUBLISHED}_covariance")
        studies.append(published_study(table, covariance, exposure, policy_year, names=published, years=years))
    return studies


def _with_weights(studies: list[xr.Dataset], io: xr.Dataset, price: xr.DataArray) -> xr.Dataset:
    """Effects of independent studies, one after another, and their weights on cells."""
    from reestim.evidence.predictions import cell_weights

    parts = []
    for study in studies:
        about = {name: ("effect", study[name].values) for name in _LABELS}
        estimate = {"event_estimate": ("effect", study["estimate"].values, study["estimate"].attrs)}
        error = study["trend_error"] if "trend_error" in study else xr.zeros_like(study["estimate"])
        estimate["event_trend_error"] = ("effect", error.values, _TREND_ERROR)
        parts.append(cell_weights(study, io, price).assign(estimate).assign_coords(about))
    joint: Any = xr.concat(parts, dim="effect", data_vars="minimal") if len(parts) > 1 else parts[0]
    labels = joint["effect"].values
    covariance = xr.DataArray(
        _block_diagonal([study["covariance"].values for study in studies]),
        coords={"effect": labels, "effect_other": labels},
        dims=("effect", "effect_other"),
        attrs={"long_name": "covariance of the effects"},
    )
    return joint.assign(event_covariance=covariance)


def _block_diagonal(blocks: list[np.ndarray]) -> np.ndarray:
    """One covariance of independent studies."""
    from scipy.linalg import block_diag

    return np.asarray(block_diag(*blocks))


def _inputs(sources: Sources) -> xr.Dataset:
    s = sources
    return event_evidence(s.tables, s.io, s.price, s.evidence, s.policy_year, s.bundle)


def _problems(data: xr.Dataset) -> list[Problem]:
    if "event_covariance" in data and np.linalg.eigvalsh(data["event_covariance"].values)[0] > 0:
        return []
    return [Problem("the covariance is not positive definite", "Use fewer effects", column="event_covariance")]


def _left_aside(evidence: Evidence) -> frozenset[str]:
    return frozenset({_PANEL}) if evidence.event_outcomes == [] else frozenset()


def _block(name: str, words: str, outcome: str) -> Block:
    def signal(draw: StructureAtDraw) -> Signal:
        data = draw.data
        rows = np.flatnonzero(data["outcome"].values == outcome)
        without, of_gap = draw.effects
        effects = (without + draw.values["spillover_gap"] * of_gap)[rows]
        covariance = data["event_covariance"].transpose("effect", "effect_other").values[np.ix_(rows, rows)]
        return Signal(effects, np.sqrt(np.diag(covariance)), np.linalg.inv(covariance))

    return Block(name, f"event study of {words}", "event_estimate", signal, outcome)


EVENT_STUDY = EvidenceKind(
    name="event_study",
    files=((_PANEL, _PUBLISHED),),
    inputs=_inputs,
    observed={"event_estimate": Observed("event-study effects", panel="log points, effect on {}")},
    variables={
        "event_estimate": Variable(
            "event-study effect of exposure", "log points for one standard deviation of exposure"
        ),
    },
    blocks=(
        _block("exports", "exports", "exports"),
        _block("tfp", "TFP", "tfp"),
        _block("event_patents", "patents", "patents"),
    ),
    by_sector=(_PANEL,),
    left_aside=_left_aside,
    problems=_problems,
)
