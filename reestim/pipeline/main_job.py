"""The main job as a sequence of stages: data, economy, model, draws, equilibria, report. The command line runs this."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reestim.data.dataset import load_dataset
from reestim.errors import InputError, Problem, Problems
from reestim.io.files import exclusive_lock
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
from reestim.runs.identity import mismatches
from reestim.runs.parts import DataRecord, StudyRecord
from reestim.runs.record import RunRecord
from reestim.study.spec import read_spec
from reestim.wording import closest

if TYPE_CHECKING:
    import xarray as xr

    from reestim.data.dataset import Dataset
    from reestim.equilibrium.economy import Economy
    from reestim.estimate.model import Model
    from reestim.study.spec import Spec

_log = logging.getLogger(__name__)
#: The stage after the draws are solved and saved.
SPLIT = "split the variance of welfare among what is uncertain"


@dataclass(frozen=True)
class Job:
    """What a run reads and where it writes: ``out`` is None for a new folder in ``posteriors/``."""

    spec: Spec
    data: Dataset
    out: Path | None = None
    overwrite: bool = False
    allow: tuple[str, ...] = ()  # gates that may fail
    begun: bool = False  # the fit of this very job is in ``out``: go on from there


def read_job(
    spec_path: str | Path,
    dataset: str | Path | None,
    out: Path | None,
    *,
    quick: bool = False,
    overwrite: bool = False,
    allow: Sequence[str] = (),
    seed: int | None = None,
) -> Job:
    """Study, dataset and place, all checked; raises one InputError with the problems of all of them.

    With ``seed``, an unfinished run in ``out`` is gone on with if it is of the same study, data, seed and version.
    """
    from reestim.estimate.gates import GATES

    problems = Problems()
    spec = problems.attempt(lambda: read_spec(spec_path))
    location = dataset or (spec.dataset_location if spec else _dataset_named_in(spec_path))
    data = problems.attempt(lambda: load_dataset(location)) if location is not None else None
    spec = spec.quick() if spec and quick else spec
    place_problems, begun = _place(out, overwrite, spec, data, seed) if out else ([], False)
    problems += place_problems
    for name in allow:
        if name not in GATES:
            problems.append(Problem("there is no such gate", closest(name, GATES), column="--allow", value=name))
    problems += [replace(problem, file=str(spec_path)) for problem in _unfit(spec)] if spec else []
    if spec is None or data is None or problems:
        raise InputError(problems, "the run cannot start")
    return Job(spec, data, out, overwrite, tuple(allow), begun)


def _place(
    out: Path, overwrite: bool, spec: Spec | None, data: Dataset | None, seed: int | None
) -> tuple[list[Problem], bool]:
    """Why a run cannot be saved in this place, and whether one was begun there that can be gone on with."""
    problems = store.place_problems(out, overwrite)
    if not problems or seed is None or not (out / store.RUN).is_file():
        return problems, False
    try:
        record = store.read_run(out)
    except InputError as error:
        return list(error.problems), False
    if store.is_finished(out, record) or spec is None or data is None:
        return problems, False
    differing = [
        Problem(
            f"the run begun there cannot go on: {p.message}",
            f"{p.advice} Or start anew: --overwrite.",
            column="--out",
            value=str(out),
        )
        for p in mismatches(record, spec, data, seed)
    ]
    return differing, not differing


def _unfit(spec: Spec) -> list[Problem]:
    """What would keep a study from being sampled, whatever the data: its sampler, priors outside their support."""
    from reestim.estimate import sampling
    from reestim.estimate.priors import outside

    outside_support = [outside(name, prior) for name, prior in spec.priors.items()]
    return [*sampling.missing(spec.sampler.name), *(problem for problem in outside_support if problem)]


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
            post = _sampled(model, job.spec, seed, progress)
        post["economy"] = xr.DataTree(economy.ds)
        _recorded(post, job, seed, command, scenarios, stages)
        with stages.stage("save the fit"):
            store.save(post, folder, overwrite=job.overwrite)
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


def _sampled(model: Model, spec: Spec, seed: int, progress: bool) -> xr.DataTree:
    from reestim.estimate.fit import fit
    from reestim.estimate.gates import GateWarning

    with warnings.catch_warnings():  # what is recorded is printed as a table, and decides the exit code
        warnings.simplefilter("ignore", GateWarning)
        post = fit(model, spec.sampler, seed=seed, progress=progress, gates=spec.gates)
    # nutpie answers Ctrl-C with the draws it has so far; half a chain must not become a run.
    if post["posterior"].sizes["draw"] < spec.sampler.draws:
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


def _dataset_named_in(spec_path: str | Path) -> str | None:
    """The dataset that a broken study names, if that much can be read, so that its problems are listed too."""
    from reestim.io.toml_files import find_file, parse, read_text

    text, _ = read_text(find_file(spec_path))
    content, _ = parse(text or "", str(spec_path))
    name = (content or {}).get("dataset")
    return name if isinstance(name, str) and name else None
