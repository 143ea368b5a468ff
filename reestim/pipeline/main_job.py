"""The main job as a sequence of stages: data, economy, model, draws, equilibria, report. The command line runs this."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reestim.errors import InputError
from reestim.io.files import exclusive_lock
from reestim.pipeline.job import Job
from reestim.pipeline.scenario_fit import read_scenarios
from reestim.pipeline.scenarios import (
    VARIANCE,
    solve_scenarios,
    split_variance,
    texts_of,
    without_variance,
)
from reestim.pipeline.stages import Stages
from reestim.runs import store
from reestim.runs.parts import DataRecord, StudyRecord
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import xarray as xr

    from reestim.equilibrium.economy import Economy
    from reestim.estimate.model import Model
    from reestim.study.spec import Spec

_log = logging.getLogger(__name__)
#: The stage after the draws are solved and saved.
SPLIT = "split the variance of welfare among what is uncertain"


def fit(job: Job, *, seed: int, stages: Stages, progress: bool, command: str) -> tuple[xr.DataTree, Path]:
    """Economy, model, posterior, and a run folder that holds them (with the economy, without counterfactual); then what
    judges the fit. A failed gate is recorded, not raised. A run that was begun (``job.begun``) is not sampled again.

    Raises
    ------
    InputError
        Before sampling: what does not fit together, scenarios and economy included; a place where nothing can be
        written, or where another process writes.
    KeyboardInterrupt
        When sampling was interrupted, even if the sampler hands back what it had. Nothing is saved then.
    """
    with exclusive_lock(folder := _folder(job)):
        return _fitted(job, folder, seed, stages, progress, command), folder


def run(
    job: Job, *, seed: int, stages: Stages, progress: bool, command: str, variance: bool = True
) -> tuple[xr.DataTree, Path, Path]:
    """The main job after its inputs are checked: the run with its counterfactual, its folder, and its report.

    Chunks of solved draws lie in the run folder until all are there: a run that was cut off goes on with the rest.
    Solved draws are saved before the variance of welfare is split, which ``variance=False`` leaves out.
    """
    with exclusive_lock(folder := _folder(job)):
        post = _fitted(job, folder, seed, stages, progress, command)
        with stages.stage("carry the draws through the equilibrium, fixed and directed technology"):
            if "counterfactual" not in post.children:
                post = _solved(post, job.spec, folder / store.CHUNKS, progress)
                store.save(post, folder, overwrite=True, preserve=(store.REFITS, store.CHUNKS))
        with stages.stage(SPLIT):
            if not variance:
                post = without_variance(post)
            elif VARIANCE not in post.children:
                chunks = folder / store.CHUNKS
                post = split_variance(post, job.spec.scenario_paths, chunks=chunks, progress=progress)
        with stages.stage("write the report"):
            timings = RunRecord.of(post).timings | stages.seconds
            page = save_and_report(post, folder, overwrite=True, preserve=(store.REFITS,), timings=timings)
    return post, folder, page


def save_and_report(
    post: xr.DataTree, folder: Path, *, overwrite: bool, preserve: Sequence[str] = (), **info: Any
) -> Path:
    """Save a run with its counterfactual and write its report into the run folder."""
    from reestim.reports.build import report

    now = datetime.now(UTC).isoformat(timespec="seconds")
    RunRecord.of(post).but(**info, created=now).attached(post)
    store.save(post, folder, overwrite=overwrite, preserve=preserve)
    return report(post, folder / store.REPORT)


def _folder(job: Job) -> Path:
    """Where the run goes: named once, so that what is kept from others is what is written."""
    spec = job.spec
    return job.out or store.new_run_folder(f"{spec.name}-quick" if spec.is_quick else spec.name)


def _fitted(job: Job, folder: Path, seed: int, stages: Stages, progress: bool, command: str) -> xr.DataTree:
    """Stages 2 to 6. The draws are on the disk before anything is done with them."""
    import xarray as xr

    from reestim.estimate.fit import build
    from reestim.pipeline.diagnostics import add_fit_diagnostics

    model = None
    if job.begun:
        stages.skip(4, f"the posterior is in {folder}: not sampled again")
        post = store.load(folder)
    else:
        economy, model, scenarios = _prepared(job, stages)
        with stages.stage("sample the posterior, check the gates"):
            from reestim.pipeline.diagnostics import powerless_blocks

            for sentence in powerless_blocks(model, seed):
                _log.warning("    %s", sentence)
            post = _sampled(model, job, folder, seed, progress)
        post["economy"] = xr.DataTree(economy.ds)
        _recorded(post, job, seed, command, scenarios, stages)
        with stages.stage("save the fit"):
            store.save(post, folder, overwrite=job.overwrite or bool(job.more_draws))
            _log.info("    %s (cut off from here on, `reestim run ... --out %s` goes on)", folder, folder)
    record = RunRecord.of(post).but(allowed_gates=job.allow)
    record.attached(post)
    with stages.stage("set the posterior against its priors and the data"):
        if not record.diagnosed:
            model = model or build(job.spec, job.data)
            post = add_fit_diagnostics(post, model, job.spec, job.data, seed)
            store.save(post, folder, overwrite=True, preserve=(store.REFITS, store.CHUNKS))
    return post


def _prepared(job: Job, stages: Stages) -> tuple[Economy, Model, dict[str, str]]:
    """Economy, model, and the texts of the scenarios by name; what does not fit together is said of all three."""
    from reestim.equilibrium.economy import Economy
    from reestim.estimate.fit import build
    from reestim.estimate.model import adapt

    with stages.stage("split the rare earths out of the world input-output table"):
        economy = Economy.from_dataset(job.data)
        scenarios, problems = read_scenarios(job.spec.scenario_paths, economy)
    logging.getLogger("pymc").setLevel(logging.WARNING)  # it names every variable that it draws
    with stages.stage("measure exposures and relative prices, build the model"):
        try:
            model = build(job.spec, job.data)
        except InputError as error:
            raise InputError([*problems, *error.problems], "the run cannot start") from None
        if problems:
            raise InputError(problems, "the run cannot start")
        if study := adapt(model).study:
            _log.info("    evidence: %s", study.inputs.attrs["evidence"])
    return economy, model, texts_of(scenarios)


def _sampled(model: Model, job: Job, folder: Path, seed: int, progress: bool) -> xr.DataTree:
    """The posterior. Chains that are done lie in the folder of the run until it is saved."""
    from reestim.dims import CHAIN, DRAW
    from reestim.estimate.fit import fit
    from reestim.estimate.gates import GateWarning

    sampler, before = job.spec.sampler, None
    if job.more_draws:
        before = store.load(folder)
        there, added = before["posterior"].sizes[CHAIN], math.ceil(job.more_draws / sampler.draws)
        _log.info("    %d chains of %d draws are added to the %d of the run", added, sampler.draws, there)
        sampler = sampler.model_copy(update={"chains": there + added})
    if sampler.name == "nutpie":
        _log.info("    chains that are done are kept: cut off, the same command with --out %s goes on", folder)
    with warnings.catch_warnings():  # what is recorded is printed as a table, and decides the exit code
        warnings.simplefilter("ignore", GateWarning)
        post = fit(
            model,
            sampler,
            seed=seed,
            progress=progress,
            gates=job.spec.gates,
            store=folder / store.CHUNKS,
            continued=before,
        )
    if post["posterior"].sizes[DRAW] < sampler.draws:  # a sampler's answer to Ctrl-C, which must not become a run
        raise KeyboardInterrupt
    return post


def _recorded(
    post: xr.DataTree, job: Job, seed: int, command: str, scenarios: dict[str, str], stages: Stages
) -> xr.DataTree:
    """The fit with what it was made from."""
    from reestim.estimate.inputs import unused_files

    unused = unused_files(job.spec.evidence.settled(job.data.tables))
    record = RunRecord.of(post).but(
        spec=StudyRecord.of(job.spec),
        provenance=DataRecord.of(job.data, unused),
        quick=job.spec.is_quick,
        seed=seed,
        command=command,
        scenarios=scenarios,
        timings=dict(stages.seconds),
        allowed_gates=job.allow,
    )
    return record.attached(post)


def _solved(post: xr.DataTree, spec: Spec, chunks: Path, progress: bool) -> xr.DataTree:
    """The fit with its counterfactual; the draws that ``chunks`` holds are not solved again."""
    wanted = spec.counterfactual
    return solve_scenarios(
        post,
        spec.scenario_paths,
        technology=wanted.technology,
        years=wanted.years,
        draws=wanted.draws,
        progress=progress,
        chunks=chunks,
        inputs=wanted.inputs,
        seed=RunRecord.of(post).seed,
    )
