"""Fit a study again with one change: does an answer rest on one sector, on the event year, or on label noise."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import xarray as xr

from reestim import __version__
from reestim.checks.refits import REFITS_GROUP, summary
from reestim.dims import SECTOR, YEAR
from reestim.errors import InputError, Problem, ReestimError
from reestim.estimate import kinds
from reestim.io.files import slug
from reestim.runs import store
from reestim.runs.identity import study_of
from reestim.runs.parts import RefitRecord
from reestim.runs.record import RunRecord
from reestim.wording import closest

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.study.spec import Evidence, Spec

_log = logging.getLogger(__name__)
PLACEBO, NO_LABEL_NOISE = "placebo-event-year", "no-label-noise"
#: Years before the policy that a placebo needs: a third of them play the years after it.
_LEAST_YEARS = 6


@dataclass(frozen=True)
class Refit:
    """One change to a study.

    Attributes
    ----------
    name
        Name of its folder.
    change
        The change in words.
    spec, data
        The study and the data that it makes.
    sector
        The sector that it leaves out; empty where it leaves out none.
    """

    name: str
    change: str
    spec: Spec
    data: Dataset
    sector: str = ""


def possible_refits(spec: Spec, data: Dataset) -> list[Refit]:
    """The refits that a study and its data allow.

    One without each sector that has evidence of its own, one with a placebo event year, one with labels taken for the
    true classes.

    Parameters
    ----------
    spec, data
        The study and its dataset.

    Returns
    -------
    list of Refit
        Sectors in the order of the dataset first.

    Examples
    --------
    >>> from reestim.pipeline.refits import possible_refits
    >>> spec = ree.read_spec("models/substitution.toml")
    >>> [refit.name for refit in possible_refits(spec, data)][-1]
    'placebo-event-year'
    """
    evidence = spec.evidence.settled(data.tables)
    out = [
        Refit(f"without-{slug(sector)}", f"without the evidence of {sector}", spec, _without(data, sector), sector)
        for sector in _sectors(evidence, data)
    ]
    if placebo := _placebo(spec, data):
        out.append(placebo)
    if evidence.patents and evidence.label_error:
        exact = spec.model_copy(update={"evidence": spec.evidence.model_copy(update={"label_error": False})})
        out.append(Refit(NO_LABEL_NOISE, "with labels taken for the true classes", exact, data))
    return out


def refits(
    folder: str | Path,
    names: Sequence[str] = (),
    *,
    spec: Path | None = None,
    dataset: Path | None = None,
    progress: bool = True,
) -> xr.DataTree:
    """Fit the study of a run again, with one change at a time, and keep in the run how far its answers move.

    Each refit has the study's sampler, seed and scenarios and becomes the run folder ``folder/refits/NAME``. A refit
    that is there already, whole and of the same study, is not repeated. The logger ``reestim`` names each refit at
    level INFO.

    Parameters
    ----------
    folder
        A run folder.
    names
        Refits to make; by default all that the study allows: without the evidence of each sector, with a placebo year,
        with labels taken for the true classes.
    spec, dataset
        Where the study and the dataset are now, if they were moved.
    progress
        Show a bar for each fit.

    Returns
    -------
    xarray.DataTree
        The run with the group ``refits``: ``mean`` and ``sd`` (refit, quantity) of each refit, ``shift`` (refit,
        quantity), the move of the mean in posterior standard deviations of the run. The run folder and its report have
        it too.

    Raises
    ------
    InputError
        Before anything is fitted: if study or data are not found or are no longer those of the run, or there is no
        refit of a name.

    Examples
    --------
    >>> post = ree.refits(run, ["placebo-event-year"], progress=False)  # run: a folder that `reestim fit` wrote
    >>> post["refits"]["refit"].values.tolist(), post["refits"]["shift"].dims
    (['placebo-event-year'], ('refit', 'quantity'))
    """
    from reestim.reports.build import report

    folder = Path(folder)
    post = store.load(folder)
    record = RunRecord.of(post)
    study, data = study_of(record, spec, dataset)
    possible = {refit.name: refit for refit in possible_refits(study, data)}
    unknown = [name for name in names if name not in possible]
    if unknown or not possible:
        problems = [Problem("there is no such refit of this run", closest(n, possible), value=n) for n in unknown]
        none = Problem("nothing can be left out of this study", "Add evidence by sector, an event study, or patents.")
        raise InputError(problems or none, "the run cannot be fitted again")
    done: dict[str, xr.DataTree] = {}
    failed = dict(record.failed_refits)
    for refit in possible.values():
        there = _there(folder / store.REFITS / refit.name, _identity(refit, record))
        wanted = refit.name in names or not names
        if there is None and wanted:
            _log.info("fit %s", refit.change)
            try:
                there = _fitted(refit, post, record, progress)
                store.save(there, folder / store.REFITS / refit.name, overwrite=True)
            except ReestimError as error:
                failed[refit.name] = str(error).splitlines()[-1].strip(" -")
                _log.warning("    not possible: %s", failed[refit.name])
                continue
        elif wanted:
            _log.info("fit %s: done already", refit.change)
        if there is not None:
            done[refit.name] = there
            failed.pop(refit.name, None)
    post[REFITS_GROUP] = xr.DataTree(summary(post, done, {n: possible[n] for n in done}))
    record.but(failed_refits=failed).attached(post)
    store.save(post, folder, overwrite=True, preserve=(store.REFITS,))
    report(post, folder / store.REPORT)
    return post


def _fitted(refit: Refit, post: xr.DataTree, record: RunRecord, progress: bool) -> xr.DataTree:
    """Posterior and welfare of a refit, with what says that it is one."""
    from reestim.counterfactuals.counterfactual import counterfactual
    from reestim.equilibrium.economy import Economy
    from reestim.estimate.fit import build, fit
    from reestim.estimate.gates import GateWarning
    from reestim.study.scenario_file import read_scenario

    spec = refit.spec
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GateWarning)  # recorded, and said where the refits are set beside the run
        model = build(spec, refit.data)
        logging.getLogger("pymc").setLevel(logging.WARNING)
        again = fit(model, spec.sampler, seed=record.seed or 0, progress=progress, gates=spec.gates)
    again = again.filter(lambda node: node.name not in ("log_likelihood", "log_prior"))
    if spec.scenario_paths:
        economy = Economy(post["economy"].to_dataset())
        again = counterfactual(
            economy,
            [read_scenario(path) for path in spec.scenario_paths],
            again,
            technology=[t for t in spec.counterfactual.technology if t != "transition"],
            draws=spec.counterfactual.draws,
            progress=progress,
            allow_unsolved=True,
        )
    own = RunRecord.of(again).but(
        spec=record.spec,
        provenance=record.provenance,
        quick=record.quick,
        command=record.command,
        scenarios=record.scenarios,
        refit=_identity(refit, record),
    )
    return own.attached(again)


def _there(folder: Path, identity: RefitRecord) -> xr.DataTree | None:
    """A finished refit of the same study, data, seed and version; one of another, or a damaged one, is none."""
    try:
        return store.load(folder) if store.read_run(folder).refit == identity else None
    except InputError:
        return None


def _identity(refit: Refit, record: RunRecord) -> RefitRecord:
    """What a refit is known by; ``record`` is that of the run."""
    return RefitRecord(
        name=refit.name,
        words=refit.change,
        study=refit.spec.hash,
        model=record.spec.model_sha256,
        data=record.provenance.hash,
        seed=record.seed,
        reestim=__version__,
        scenarios=record.scenarios,
    )


def _sectors(evidence: Evidence, data: Dataset) -> list[str]:
    """Sectors with evidence of their own that the study uses."""
    used = [stem for kind in kinds.KINDS if kind.is_on(evidence) for stem in kind.by_sector]
    with_rows = {s for stem in used if stem in data for s in data[stem][SECTOR]}
    users = set(data["application_sector"][SECTOR]) if "application_sector" in data else with_rows
    return [sector for sector in data.goods if sector in with_rows & users]


def _without(data: Dataset, sector: str) -> Dataset:
    """The data without the rows of a sector; published effects, and use of ``all``, are of all sectors and stay."""
    by_sector = {stem for kind in kinds.KINDS for stem in kind.by_sector}
    changed = {
        stem: table.loc[table[SECTOR] != sector].reset_index(drop=True)
        for stem, table in data.tables.items()
        if stem in by_sector
    }
    return replace(data, tables=MappingProxyType({**data.tables, **changed}))


def _placebo(spec: Spec, data: Dataset) -> Refit | None:
    """The event study of a year before the policy, on the years before the policy alone.

    Published effects are of the true year and are left out. None where the panel is too short.
    """
    if not spec.evidence.event_study or "outcomes" not in data or spec.evidence.event_outcomes == []:
        return None
    panel, policy = data["outcomes"], data.meta.policy_year
    before = panel.loc[panel[YEAR] < policy]
    years = sorted(set(before[YEAR]))
    if len(years) < _LEAST_YEARS:
        return None
    year = int(years[-(len(years) // 3)])
    evidence = spec.evidence.model_copy(update={"published_outcomes": []})
    changed = replace(
        data,
        meta=data.meta.model_copy(update={"policy_year": year}),
        tables=MappingProxyType({**data.tables, "outcomes": before.reset_index(drop=True)}),
    )
    words = f"with the event study of {year}, when there was no policy, on the years before {policy}"
    return Refit(PLACEBO, words, spec.model_copy(update={"evidence": evidence}), changed)
