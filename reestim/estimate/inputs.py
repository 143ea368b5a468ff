"""What a model is given: one labelled dataset with the evidence that the study switches on, checked before sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, LABEL, LABELS, SECTOR, TRADED_SECTOR, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.estimate.bundle_inputs import bundle_inputs, several_lags
from reestim.estimate.event_evidence import event_evidence
from reestim.estimate.ree_use import unit_value_changes, use_changes
from reestim.estimate.relative_price import LONG_RUN, PRICE_LAG, TRANSITION

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.study.spec import Evidence, Spec

#: Switch of the study: the files it needs; of a tuple one is enough.
_NEEDS: Mapping[str, tuple[str | tuple[str, ...], ...]] = {
    "patents": ("patent_labels", "label_audit"),
    "event_study": (("outcomes", "event_study"),),
    "ree_use": ("ree_use_panel",),
}
#: Said of counts whose labels a study takes for the true classes: they need no audit.
_TAKEN_AS_TRUE = "taken for the true classes"
_HUMAN, _MACHINE = "human_label", "machine_label"


def model_inputs(spec: Spec, data: Dataset) -> xr.Dataset:
    """Inputs of the estimation from a checked dataset, as the study's ``evidence`` asks.

    Builds the input-output table, relative prices (at each of ``price_lag``) and substitutability, then ``assemble``.
    Raises InputError with all problems of the evidence.
    """
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.substitutability import substitutability

    evidence, io = spec.evidence, ree_input_output(data)
    price = several_lags(data, io, evidence.price_lags)
    bundle = bundle_inputs(data, io, price) if evidence.element_elasticity or evidence.equilibrium else None
    z = substitutability(data, io)
    return assemble(io, price, z, data.tables, evidence, policy_year=data.meta.policy_year, bundle=bundle).assign_attrs(
        dataset=data.meta.name, dataset_hash=data.hash
    )


def assemble(
    io: xr.Dataset,
    relative_price: xr.DataArray,
    substitutability: xr.DataArray,
    tables: Mapping[str, pd.DataFrame],
    evidence: Evidence,
    *,
    policy_year: int,
    bundle: xr.Dataset | None = None,
) -> xr.Dataset:
    """The same from the arrays themselves; ``tables`` by file stem, columns of data/README.md.

    relative_price: (country, sector, year), and ``price_lag`` where its weights are to be estimated; bundle: prices by
    element, from ``bundle_inputs``, where ρ is estimated or the equilibrium predicts the event study. Dims: country,
    sector (users of rare earths only), year (those with patents), label, human_label, machine_label, property,
    traded_sector (all goods and elements), effect, effect_other, use_observation. Variables: relative_price,
    substitutability, ree_share, trade_elasticity_mean, trade_elasticity_sd; patent_count and label_audit;
    event_estimate, event_covariance and the responses of ``structural_responses`` (and ``equilibrium_inputs``); what
    ``use_changes`` returns.
    """
    problems = _missing_files(tables, evidence)
    if problems:
        raise InputError(problems, "the evidence that the study asks for is not all there")
    lags = [PRICE_LAG] if PRICE_LAG in relative_price.dims else []
    every_price = relative_price.transpose(COUNTRY, SECTOR, YEAR, *lags)
    price = _years_of_patents(tables["patent_labels"], every_price) if evidence.patents else every_price
    users = price[SECTOR].values
    share = io["ree_share"].transpose(COUNTRY, SECTOR).sel(country=price[COUNTRY], sector=users)
    z = substitutability.transpose(SECTOR, "property").sel(sector=users)
    parts: list[xr.Dataset] = [
        xr.Dataset(
            {
                "relative_price": price.assign_attrs(long_name="q, relative price of rare earths", units="log points"),
                "substitutability": z.assign_attrs(long_name="z, hardness to substitute", units="standard deviations"),
                "ree_share": share.assign_attrs(long_name="θ, share of rare earths in cost", units="share"),
            }
        ).reset_coords(drop=True),
        _trade_elasticities(io),
    ]
    problems = Problems()
    for switch, make in (
        ("patents", lambda: _patents(tables, price, with_audit=evidence.label_error)),
        ("event_study", lambda: event_evidence(tables, io, every_price, evidence, policy_year, bundle)),
        (
            "ree_use",
            lambda: use_changes(tables["ree_use_panel"], _of_the_year(every_price, evidence), _ree_value(io)),
        ),
    ):
        if getattr(evidence, switch):
            with problems.collect():
                parts.append(make())
    problems.raise_any("the evidence cannot be used")
    if bundle is not None and evidence.element_elasticity:
        parts.append(bundle.sel(country=price[COUNTRY], sector=users, year=price[YEAR]))
    attrs = {
        "price_lag": evidence.price_lag,
        "knowledge": TRANSITION if evidence.transition else LONG_RUN,
        "policy_year": policy_year,
        "evidence": ", ".join(s for s in _NEEDS if getattr(evidence, s)) or "none: the posterior is the prior",
    }
    return checked(xr.merge(parts, join="exact", combine_attrs="drop_conflicts").assign_attrs(attrs))


def _of_the_year(price: xr.DataArray, evidence: Evidence) -> xr.DataArray:
    """q (country, sector, year) without its lag: what buyers faced in the year itself."""
    first = price.isel({PRICE_LAG: 0}, drop=True) if PRICE_LAG in price.dims else price
    return first.assign_coords({YEAR: first[YEAR] - evidence.price_lags[0]})


def checked(data: xr.Dataset) -> xr.Dataset:
    """The same inputs, or an InputError with everything in them that a model could not use."""
    problems = []
    for name in ("relative_price", "substitutability", "ree_share", "trade_elasticity_mean", "trade_elasticity_sd"):
        if name not in data:
            problems.append(Problem("missing from the inputs", "Make them with model_inputs", column=name))
    for name, array in data.data_vars.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            problems.append(Problem("not a finite number", "Look for gaps in the files behind it", column=str(name)))
    problems += _patent_problems(data) if "patent_count" in data else []
    if "trade_elasticity_mean" in data and not (data["trade_elasticity_mean"] > 0).all():
        problems.append(Problem("trade elasticities must be positive", "Correct them", column="trade_elasticity"))
    if "event_covariance" in data and np.linalg.eigvalsh(data["event_covariance"].values)[0] <= 0:
        problems.append(
            Problem("the covariance is not positive definite", "Use fewer effects", column="event_covariance")
        )
    if problems:
        raise InputError(problems, "the inputs of the estimation cannot be used")
    return data


def _patent_problems(data: xr.Dataset) -> list[Problem]:
    problems = []
    for name in ("patent_count", "label_audit"):
        if name not in data:
            if data["patent_count"].attrs.get("labels") == _TAKEN_AS_TRUE:
                continue
            problems.append(Problem("patents without an audit of their labels", "Add label_audit", column=name))
        elif bool(((data[name] < 0) | (data[name] != np.round(data[name]))).any()):
            problems.append(Problem("counts must be whole numbers from 0 up", "Correct the file", column=name))
    if tuple(data[LABEL].values) != LABELS:
        problems.append(Problem(f"labels must be {', '.join(LABELS)}", "Reorder them", column=LABEL))
    if not data["patent_count"].any():
        problems.append(Problem("no patents at all", "Check the sectors and years", column="patent_count"))
    return problems


def coordinates(data: xr.Dataset) -> dict[str, Sequence[object]]:
    """Coordinates of a model on these inputs: their own, ``unit`` (country and sector) and ``class`` (the labels but
    ``unrelated``)."""
    coords = {str(d): data[d].values.tolist() for d in data.dims if d in data.coords}
    if "use_share_change" in data:
        measured = data["use_is_unit_value"].values
        coords["use_unit_value"] = data["use_price_point"].values[measured].tolist()
        coords["use_unit_value_change"] = data["use_observation"].values[unit_value_changes(data)[0]].tolist()
    if data.get("label_audit", xr.DataArray()).attrs.get("design") == "random":
        coords |= {"audit": ["all"], "human_and_machine_label": [f"{h} {m}" for h in LABELS for m in LABELS]}
    coords["unit"] = [f"{c} {s}" for c in data[COUNTRY].values for s in data[SECTOR].values]
    return {**coords, LABEL: list(LABELS), "true_label": list(LABELS), "class": list(LABELS[1:])}


def unused_files(evidence: Evidence) -> set[str]:
    """Stems of the files of evidence that a study leaves aside: nothing in its results rests on them."""
    off = {switch for switch in _NEEDS if not getattr(evidence, switch)}
    stems = {stem for switch in off for need in _NEEDS[switch] for stem in ([need] if isinstance(need, str) else need)}
    if not evidence.label_error:
        stems.add("label_audit")
    if evidence.event_outcomes == []:
        stems.add("outcomes")
    return stems


def _missing_files(tables: Mapping[str, pd.DataFrame], evidence: Evidence) -> list[Problem]:
    problems = []
    for switch, needs in _NEEDS.items():
        for need in needs if getattr(evidence, switch) else ():
            either = (need,) if isinstance(need, str) else need
            unused = need == "label_audit" and not evidence.label_error
            if not unused and not any(stem in tables for stem in either):
                message = "the study asks for evidence that is not there"
                file = " or ".join(f"{stem}.csv" for stem in either)
                problems.append(Problem(message, f"Add the file, or set evidence.{switch} = false", file=file))
    return problems


def _trade_elasticities(io: xr.Dataset) -> xr.Dataset:
    chosen = io[["trade_elasticity", "trade_elasticity_sd"]].rename({SECTOR: TRADED_SECTOR})
    chosen = chosen.reset_coords(drop=True)
    chosen["trade_elasticity"].attrs = {"long_name": "ε, measured trade elasticity", "units": "elasticity"}
    chosen["trade_elasticity_sd"].attrs = {"long_name": "standard deviation of ε", "units": "elasticity"}
    return chosen.rename(trade_elasticity="trade_elasticity_mean")


def _years_of_patents(patents: pd.DataFrame, price: xr.DataArray) -> xr.DataArray:
    """Relative prices of the years in which patents were labelled; a year without patents says nothing here."""
    years = sorted({int(t) for t in patents[YEAR]})
    without = sorted(set(years) - {int(t) for t in price[YEAR].values})
    if without:
        advice = "Remove these patents, or add element prices for the years before"
        problem = Problem("patents in years without a relative price", advice, file="patent_labels.csv", value=without)
        raise InputError(problem, "the evidence cannot be used")
    return price.sel(year=years)


def _patents(tables: Mapping[str, pd.DataFrame], price: xr.DataArray, *, with_audit: bool) -> xr.Dataset:
    """Counts (country, sector, year, label), no row meaning 0; audit (human_label, machine_label) with its design."""
    patents = tables["patent_labels"]
    index = pd.MultiIndex.from_product(
        [price[COUNTRY].values, price[SECTOR].values, price[YEAR].values, LABELS], names=[COUNTRY, SECTOR, YEAR, LABEL]
    )
    counts = patents.set_index([COUNTRY, SECTOR, YEAR, LABEL])["count"].reindex(index, fill_value=0).astype(np.int64)
    about = {"long_name": "patents by label", "units": "patents"} | ({} if with_audit else {"labels": _TAKEN_AS_TRUE})
    array = (
        counts.to_xarray()
        .assign_attrs(about)
        .sel(country=price[COUNTRY].values, sector=price[SECTOR].values, label=list(LABELS))
    )
    counted = xr.Dataset({"patent_count": array.transpose(COUNTRY, SECTOR, YEAR, LABEL)})
    return counted.merge(_audit(tables["label_audit"])) if with_audit else counted


def _audit(audit: pd.DataFrame) -> xr.Dataset:
    designs = sorted(set(audit["design"]))
    if len(designs) != 1:
        raise InputError(
            Problem("the audit must follow one design", "Split the file", file="label_audit.csv", value=designs)
        )
    table = audit.pivot_table(index=_HUMAN, columns=_MACHINE, values="count", aggfunc="sum", observed=True)
    table = table.reindex(index=LABELS, columns=LABELS).fillna(0).astype(np.int64)
    attrs = {"long_name": "audited patents", "units": "patents", "design": designs[0]}
    coords = {_HUMAN: list(LABELS), _MACHINE: list(LABELS)}
    return xr.Dataset({"label_audit": ((_HUMAN, _MACHINE), table.to_numpy(), attrs)}, coords=coords)


def _ree_value(io: xr.Dataset) -> xr.DataArray:
    """Rare earths used at baseline, θ times revenue (country, sector), million US$."""
    wedge = (1 + io["tariff"] if "tariff" in io else 1) * (1 + io["export_tax"] if "export_tax" in io else 1)
    spent = io["trade_share"] * io["expenditure"].rename({COUNTRY: IMPORTER}) / wedge
    return io["ree_share"] * spent.sum(IMPORTER).rename({EXPORTER: COUNTRY})
