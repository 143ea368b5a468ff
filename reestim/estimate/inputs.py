"""What a model is given: one labelled dataset with the evidence that the study switches on, checked before sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, PRICE_LAG, PRICE_YEAR, SECTOR, TRADED_SECTOR, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.estimate import kinds
from reestim.estimate.bundle_inputs import bundle_inputs
from reestim.estimate.kinds.kind import Sources
from reestim.estimate.kinds.patents import in_order_of_labels, years_of_patents
from reestim.estimate.relative_price import PATENTS_AS

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.study.spec import Evidence, Spec


def model_inputs(spec: Spec, data: Dataset) -> xr.Dataset:
    """Inputs of the estimation from a checked dataset, as the study's ``evidence`` asks.

    Builds the input-output table, relative prices and substitutability, then ``assemble``.

    Parameters
    ----------
    spec
        The study.
    data
        Its dataset.

    Returns
    -------
    xarray.Dataset
        As `assemble` gives it.

    Raises
    ------
    InputError
        With all problems of the evidence.

    Examples
    --------
    >>> from reestim.estimate.inputs import model_inputs
    >>> inputs = model_inputs(ree.read_spec("models/substitution.toml"), data)
    >>> inputs["substitutability"].dims, inputs.attrs["evidence"]
    (('sector', 'property'), 'event_study, ree_use')
    """
    from reestim.supply_chain.prices import relative_prices
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.substitutability import substitutability

    evidence, io = spec.evidence, ree_input_output(data)
    price = relative_prices(data, io)
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

    relative_price: (country, sector, year), consecutive years; bundle: prices by element, from ``bundle_inputs``, where
    ρ is estimated or the equilibrium predicts the event study. Dims: country, sector (users of rare earths only),
    price_year (years with a price), price_lag, year (those with patents), label, human_label, machine_label, property,
    traded_sector (all goods and elements), effect, effect_other, use_observation. Variables: relative_price,
    substitutability, ree_share, trade_elasticity_mean, trade_elasticity_sd; patent_count and label_audit;
    event_estimate, event_covariance and event_cell_weight (and ``equilibrium_inputs``); what ``use_changes`` returns. A
    kind of evidence (`reestim.estimate.kinds`) says what it adds.
    """
    evidence = evidence.settled(tables)
    problems = _missing_files(tables, evidence)
    if problems:
        raise InputError(problems, "the evidence that the study asks for is not all there")
    price = relative_price.transpose(COUNTRY, SECTOR, YEAR).sortby(YEAR)
    every_year = [int(t) for t in price[YEAR].values]
    if holes := sorted(set(range(every_year[0], every_year[-1] + 1)) - set(every_year)):
        advice = "Add the prices of these years: knowledge is carried from year to year"
        raise InputError(Problem("years without a relative price", advice, file="element_prices.csv", value=holes))
    years = years_of_patents(tables["patent_labels"], price) if evidence.patents else every_year
    sources = Sources(tables, io, price, years, evidence, policy_year, bundle)
    users = price[SECTOR].values
    share = io["ree_share"].transpose(COUNTRY, SECTOR).sel(country=price[COUNTRY], sector=users)
    z = substitutability.transpose(SECTOR, "property").sel(sector=users)
    parts: list[xr.Dataset] = [
        xr.Dataset(
            {
                "relative_price": price.rename({YEAR: PRICE_YEAR}).assign_attrs(
                    long_name="q, relative price of rare earths", units="log points"
                ),
                "substitutability": z.assign_attrs(long_name="z, hardness to substitute", units="standard deviations"),
                "ree_share": share.assign_attrs(long_name="θ, share of rare earths in cost", units="share"),
            }
        )
        .reset_coords(drop=True)
        .assign_coords({PRICE_LAG: evidence.price_lags}),
        _trade_elasticities(io),
    ]
    on = [kind for kind in kinds.KINDS if kind.is_on(evidence)]
    unusable = Problems()
    for kind in on:
        with unusable.collect():
            parts.append(kind.inputs(sources))
    unusable.raise_any("the evidence cannot be used")
    if bundle is not None and evidence.element_elasticity:
        parts.append(bundle.sel(country=price[COUNTRY], sector=users, year=every_year).rename({YEAR: PRICE_YEAR}))
    attrs = {
        PATENTS_AS: evidence.patents_as,
        "policy_year": policy_year,
        "evidence": ", ".join(kind.name for kind in on) or "none: the posterior is the prior",
    }
    return checked(xr.merge(parts, join="exact", combine_attrs="drop_conflicts").assign_attrs(attrs))


def checked(data: xr.Dataset) -> xr.Dataset:
    """Check the inputs of a model.

    Parameters
    ----------
    data
        From `assemble`, or made by hand.

    Returns
    -------
    xarray.Dataset
        The same, labels in their order.

    Raises
    ------
    InputError
        With everything in them that a model could not use.
    """
    data, problems = in_order_of_labels(data), []
    for name in ("relative_price", "substitutability", "ree_share", "trade_elasticity_mean", "trade_elasticity_sd"):
        if name not in data:
            problems.append(Problem("missing from the inputs", "Make them with model_inputs", column=name))
    for name, array in data.data_vars.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            problems.append(Problem("not a finite number", "Look for gaps in the files behind it", column=str(name)))
    problems += [problem for kind in kinds.KINDS if kind.is_in(data) for problem in kind.problems(data)]
    if "trade_elasticity_mean" in data and not (data["trade_elasticity_mean"] > 0).all():
        problems.append(Problem("trade elasticities must be positive", "Correct them", column="trade_elasticity"))
    if problems:
        raise InputError(problems, "the inputs of the estimation cannot be used")
    return data


def coordinates(data: xr.Dataset) -> dict[str, Sequence[object]]:
    """Coordinates of a model on given inputs: their own, and those that the kinds of evidence in them need.

    Parameters
    ----------
    data
        From `model_inputs`.

    Returns
    -------
    dict
        Labels by dim, as ``pm.Model(coords=...)`` takes them.
    """
    coords: dict[str, Sequence[object]] = {str(d): data[d].values.tolist() for d in data.dims if d in data.coords}
    for kind in kinds.KINDS:
        coords |= kind.coords(data) if kind.is_in(data) else {}
    return coords


def unused_files(evidence: Evidence) -> set[str]:
    """Stems of the files of evidence that a study leaves aside: nothing in its results rests on them.

    Parameters
    ----------
    evidence
        As `Evidence.settled` gives it for the dataset.

    Returns
    -------
    set of str
        Stems, such as ``patent_labels``.

    Examples
    --------
    >>> from reestim.estimate.inputs import unused_files
    >>> sorted(unused_files(ree.read_spec("models/substitution.toml").evidence.settled(data.tables)))
    ['label_audit', 'patent_labels', 'published_moments']
    """
    return {s for kind in kinds.KINDS for s in (kind.left_aside(evidence) if kind.is_on(evidence) else kind.stems)}


def _missing_files(tables: Mapping[str, pd.DataFrame], evidence: Evidence) -> list[Problem]:
    problems = []
    for kind in kinds.KINDS:
        for need in kind.needs(evidence) if kind.is_on(evidence) else ():
            if not any(stem in tables for stem in need):
                message, file = "the study asks for evidence that is not there", " or ".join(f"{s}.csv" for s in need)
                problems.append(Problem(message, f"Add the file, or set evidence.{kind.name} = false", file=file))
    return problems


def _trade_elasticities(io: xr.Dataset) -> xr.Dataset:
    chosen = io[["trade_elasticity", "trade_elasticity_sd"]].rename({SECTOR: TRADED_SECTOR})
    chosen = chosen.reset_coords(drop=True)
    chosen["trade_elasticity"].attrs = {"long_name": "ε, measured trade elasticity", "units": "elasticity"}
    chosen["trade_elasticity_sd"].attrs = {"long_name": "standard deviation of ε", "units": "elasticity"}
    return chosen.rename(trade_elasticity="trade_elasticity_mean")
