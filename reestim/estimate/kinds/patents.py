"""Labelled patents and the audit of their labels, the evidence of equations (12) and (13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, LABEL, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.error_groups import ERROR_GROUP, grouped_audit
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.signal import Block, Signal
from reestim.estimate.kinds.variable import NEVER_ZERO, POSITIVE, REAL, SHARES, Variable

if TYPE_CHECKING:
    from reestim.estimate.structure import StructureAtDraw
    from reestim.study.spec import Evidence

_COUNTS, _AUDIT = "patent_labels", "label_audit"
#: Said of counts whose labels a study takes for the true classes: they need no audit.
_TAKEN_AS_TRUE = "taken for the true classes"
_HUMAN, _MACHINE = "human_label", "machine_label"


def years_of_patents(patents: pd.DataFrame, price: xr.DataArray) -> list[int]:
    """Years in which patents were labelled; a year without patents says nothing. Raises InputError where a year has no
    relative price."""
    years = sorted({int(t) for t in patents[YEAR]})
    without = sorted(set(years) - {int(t) for t in price[YEAR].values})
    if without:
        advice = "Remove these patents, or add the element prices of these years"
        problem = Problem("patents in years without a relative price", advice, file=f"{_COUNTS}.csv", value=without)
        raise InputError(problem, "the evidence cannot be used")
    return years


def _inputs(sources: Sources) -> xr.Dataset:
    """Counts (country, sector, year, label), no row meaning 0; audit (human_label, machine_label) with its design."""
    patents, price, with_audit = sources.tables[_COUNTS], sources.price, sources.evidence.label_error
    labels = [price[COUNTRY].values, price[SECTOR].values, np.array(sources.model_years), LABELS]
    index = pd.MultiIndex.from_product(labels, names=[COUNTRY, SECTOR, YEAR, LABEL])
    counts = patents.set_index(index.names)["count"].reindex(index, fill_value=0).astype(np.int64)
    about = {"long_name": "patents by label", "units": "patents"} | ({} if with_audit else {"labels": _TAKEN_AS_TRUE})
    array = (
        counts.to_xarray()
        .assign_attrs(about)
        .sel(country=price[COUNTRY].values, sector=price[SECTOR].values, label=list(LABELS))
    )
    counted = xr.Dataset({"patent_count": array.transpose(COUNTRY, SECTOR, YEAR, LABEL)})
    if not with_audit:
        return counted
    audit = _of_one_design(sources.tables[_AUDIT])
    if isinstance(with_audit, str):
        return counted.merge(grouped_audit(audit, with_audit, counted["patent_count"].isel({LABEL: 0}, drop=True)))
    return counted.merge(_audit(audit))


def _of_one_design(audit: pd.DataFrame) -> pd.DataFrame:
    designs = sorted(set(audit["design"]))
    if len(designs) != 1:
        raise InputError(
            Problem("the audit must follow one design", "Split the file", file=f"{_AUDIT}.csv", value=designs)
        )
    return audit


def _audit(audit: pd.DataFrame) -> xr.Dataset:
    table = audit.pivot_table(index=_HUMAN, columns=_MACHINE, values="count", aggfunc="sum", observed=True)
    table = table.reindex(index=LABELS, columns=LABELS).fillna(0).astype(np.int64)
    attrs = {"long_name": "audited patents", "units": "patents", "design": str(audit["design"].iloc[0])}
    coords = {_HUMAN: list(LABELS), _MACHINE: list(LABELS)}
    return xr.Dataset({"label_audit": ((_HUMAN, _MACHINE), table.to_numpy(), attrs)}, coords=coords)


def in_order_of_labels(data: xr.Dataset) -> xr.Dataset:
    """Counts in the order of `LABELS`, whatever order they came in; a label that is absent has no patents."""
    dims = [dim for dim in (LABEL, _HUMAN, _MACHINE) if dim in data.coords and {*data[dim].values} <= {*LABELS}]
    return data.reindex({dim: list(LABELS) for dim in dims}, fill_value=0)


def _problems(data: xr.Dataset) -> list[Problem]:
    problems = []
    for name in ("patent_count", "label_audit"):
        if name not in data:
            if data["patent_count"].attrs.get("labels") == _TAKEN_AS_TRUE:
                continue
            problems.append(Problem("patents without an audit of their labels", "Add label_audit", column=name))
        elif bool(((data[name] < 0) | (data[name] != np.round(data[name]))).any()):
            problems.append(Problem("counts must be whole numbers from 0 up", "Correct the file", column=name))
    for dim in (LABEL, _HUMAN, _MACHINE):
        strange = sorted({str(label) for label in data[dim].values} - {*LABELS}) if dim in data.coords else []
        advice = f"Labels are {', '.join(LABELS)}"
        problems += [Problem("unknown label", advice, column=dim, value=label) for label in strange]
    if not data["patent_count"].any():
        problems.append(Problem("no patents at all", "Check the sectors and years", column="patent_count"))
    return problems


def _coords(data: xr.Dataset) -> Mapping[str, Sequence[object]]:
    """``unit``: a country and sector; ``class``: the labels but ``unrelated``; dims of a random audit."""
    units = [f"{c} {s}" for c in data[COUNTRY].values for s in data[SECTOR].values]
    coords = {"unit": units, LABEL: list(LABELS), "true_label": list(LABELS), "class": list(LABELS[1:])}
    if ERROR_GROUP in data.coords:
        coords[ERROR_GROUP] = [str(group) for group in data[ERROR_GROUP].values]
    if data.get("label_audit", xr.DataArray()).attrs.get("design") == "random":
        coords |= {"audit": ["all"], "human_and_machine_label": [f"{h} {m}" for h in LABELS for m in LABELS]}
    return coords


def _left_aside(evidence: Evidence) -> frozenset[str]:
    return frozenset() if evidence.label_error else frozenset({_AUDIT})


def _signal(draw: StructureAtDraw) -> Signal:
    """Rows: country-sectors. The movement of the log odds of ``enhancing`` around its mean over years and over the
    units of a year, and what noisy, overdispersed counts know of them (the information of equation 13)."""
    from reestim.estimate.relative_price import in_years_of_patents

    data = draw.data
    counts = data["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL).values.astype(float)
    confusion = np.asarray(draw.values.get("confusion", np.eye(4)))
    labels = counts.sum(axis=(0, 1, 2)) / counts.sum()
    true = np.clip(np.linalg.lstsq(confusion.T, labels, rcond=None)[0], 1e-3, None)
    true = true / true.sum()
    seen = true @ confusion
    enhancing = data["patent_count"][LABEL].values.tolist().index("enhancing")
    each = true[enhancing] ** 2 * ((confusion[enhancing] - seen) ** 2 / seen).sum()
    n, phi = counts.sum(axis=-1), draw.values["concentration"]
    information = each * n * (1 + phi) / np.maximum(n + phi, 1e-300)
    f = np.asarray(in_years_of_patents(data, draw.enhancing))
    f = f - f.mean(axis=2, keepdims=True)
    f = f - f.mean(axis=(0, 1), keepdims=True)
    moved = np.sqrt((information * f**2).sum(axis=2)).ravel()  # in standard errors already
    return Signal(moved, np.ones_like(moved), np.ones_like(moved))


PATENTS = EvidenceKind(
    name="patents",
    files=((_COUNTS,), (_AUDIT,)),
    inputs=_inputs,
    observed={
        "patent_count": Observed(
            "patents by label",
            sums={YEAR: "patents a year", COUNTRY: "patents by country", SECTOR: "patents by sector"},
            panel="patents labelled {}, a year",
        ),
        "label_audit": Observed("audited labels"),
    },
    variables={
        "class_log_odds": Variable("mean log odds of a class against unrelated", "log odds", REAL),
        "class_log_odds_along_ridge": Variable("the same less what Π moves it by", "log odds"),
        "unit_sd": Variable("spread of country-sector effects", "log odds", POSITIVE),
        "unit_deviation": Variable("α, country-sector effect against the mean of its class", "log odds"),
        "year_sd": Variable("spread of year effects", "log odds", POSITIVE),
        "year_effect": Variable("λ, year effect, sum zero", "log odds"),
        "using_slope": Variable("u, slope of using on q", "elasticity", REAL),
        "substituting_slope": Variable("v, slope of substituting on q", "elasticity", REAL),
        "concentration": Variable("φ, concentration of counts around their probabilities", "patents", NEVER_ZERO),
        "confusion": Variable("Π, probability of a label given the true class", "probability", SHARES),
        "confusion_spread": Variable("spread of the log entries of Π over groups of patents", "log points", POSITIVE),
        "confusion_deviation": Variable("deviation of the log entries of Π in a group", "spreads"),
        "confusion_by_group": Variable("Π of a group of patents", "probability", SHARES),
        "patent_count": Variable("patents by label", "patents"),
        "label_audit": Variable("audited patents by true class and label", "patents"),
    },
    blocks=(Block("patents", "patents", "patent_count", _signal),),
    by_sector=(_COUNTS,),
    left_aside=_left_aside,
    problems=_problems,
    coords=_coords,
)
