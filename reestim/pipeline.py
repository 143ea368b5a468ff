"""The main job as a sequence of stages: data, economy, model, draws, equilibria, report. The command line runs this."""

from __future__ import annotations

import json
import logging
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reestim as ree
from reestim import store
from reestim.errors import InputError, Problem
from reestim.provenance import json_attr
from reestim.same_study import sha256
from reestim.toml import closest

if TYPE_CHECKING:
    import xarray as xr

    from reestim.data.dataset import Dataset
    from reestim.equilibrium.economy import Economy
    from reestim.spec import Spec

STAGES = 7
#: Draws of the prior whose welfare is computed, at most.
PRIOR_DRAWS = 200


@dataclass
class Stages:
    """Announces each stage and keeps the wall time in seconds of those that are done."""

    say: Callable[[str], None] = print
    total: int = STAGES
    seconds: dict[str, float] = field(default_factory=dict)
    begun: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """``3/7 build the model``, then its time."""
        self.begun += 1
        self.say(f"{self.begun}/{self.total} {name}")
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Job:
    """What a run reads and where it writes: ``out`` is None for a new folder in ``posteriors/``."""

    spec: Spec
    data: Dataset
    out: Path | None = None
    overwrite: bool = False
    allow: tuple[str, ...] = ()  # gates that may fail


def read_job(
    spec_path: str | Path,
    dataset: str | Path | None,
    out: Path | None,
    *,
    quick: bool = False,
    overwrite: bool = False,
    allow: Sequence[str] = (),
) -> Job:
    """Study, dataset and place, all checked; raises one InputError with the problems of all of them."""
    from reestim.estimate.gates import GATES

    problems: list[Problem] = []
    spec: Spec | None = None
    data: Dataset | None = None
    try:
        spec = ree.read_spec(spec_path)
    except InputError as error:
        problems += error.problems
    location = dataset or (spec.dataset_location if spec else _dataset_named_in(spec_path))
    if location is not None:
        try:
            data = ree.load_dataset(location)
        except InputError as error:
            problems += error.problems
    problems += store.place_problems(out, overwrite) if out else []
    for name in allow:
        if name not in GATES:
            problems.append(Problem("there is no such gate", closest(name, GATES), column="--allow", value=name))
    problems += [replace(problem, file=str(spec_path)) for problem in _unfit(spec)] if spec else []
    if spec is None or data is None or problems:
        raise InputError(problems, "the run cannot start")
    return Job(spec.quick() if quick else spec, data, out, overwrite, tuple(allow))


def _unfit(spec: Spec) -> list[Problem]:
    """What would keep a study from being sampled, whatever the data: its sampler, priors outside their support."""
    from reestim.estimate import sampling
    from reestim.estimate.priors import outside

    found = [outside(name, prior) for name, prior in spec.priors.items()]
    return [*sampling.missing(spec.sampler.name), *(problem for problem in found if problem)]


def fit(job: Job, *, seed: int, stages: Stages, progress: bool, command: str) -> tuple[xr.DataTree, Path]:
    """Stages 2 to 5: economy, model, posterior, and a run folder that holds them (with the economy, without
    counterfactual). A failed gate is recorded, not raised.

    Raises
    ------
    InputError
        Before sampling: what does not fit together, scenarios and economy included.
    KeyboardInterrupt
        When sampling was interrupted, even if the sampler hands back what it had. Nothing is saved then.
    """
    from reestim.estimate.gates import GateWarning

    spec, data = job.spec, job.data
    with stages.stage("split the rare earths out of the world input-output table"):
        economy = ree.Economy.from_dataset(data)
        scenarios, scenario_problems = _read_scenarios(spec.scenario_paths, economy)
    with stages.stage("measure exposures and relative prices, build the model"):
        try:
            model = ree.build(spec, data)
        except InputError as error:
            raise InputError([*scenario_problems, *error.problems], "the run cannot start") from None
        if scenario_problems:
            raise InputError(scenario_problems, "the run cannot start")
    with stages.stage("sample the posterior, check the gates"):
        logging.getLogger("pymc").setLevel(logging.WARNING)
        with warnings.catch_warnings():  # what is recorded is printed as a table, and decides the exit code
            warnings.simplefilter("ignore", GateWarning)
            post = ree.fit(model, spec.sampler, seed=seed, progress=progress, gates=spec.gates)
        _refuse_partial(post, spec)
    import xarray as xr

    from reestim.estimate.predictive import simulated
    from reestim.evidence.groups import evidence_groups

    post["economy"] = xr.DataTree(economy.ds)
    for name, draws in (("prior_predictive", post["prior"]), ("posterior_predictive", post["posterior"])):
        post[name] = xr.DataTree(simulated(model, draws.to_dataset(), seed))
    for name, group in evidence_groups(data, spec.evidence, quick=spec.is_quick, say=stages.say).items():
        post[name] = xr.DataTree(group)
    sensitivity = ree.prior_sensitivity(post)
    if sensitivity is not None:
        post["prior_sensitivity"] = xr.DataTree(sensitivity)
    texts = {scenario.name: path.read_text(encoding="utf-8") for path, scenario in scenarios}
    run = {"quick": spec.is_quick, "seed": seed, "command": command, "scenarios": texts, "timings": stages.seconds,
           "allowed_gates": list(job.allow)}  # fmt: skip
    post.attrs |= {
        "spec": json.dumps(_of_spec(spec)),
        "provenance": json.dumps(_of_data(data, spec)),
        "run": json.dumps(run),
    }
    with stages.stage("save the fit"):
        name = f"{spec.name}-quick" if spec.is_quick else spec.name
        folder = store.save(post, job.out or store.new_run_folder(name), overwrite=job.overwrite)
        stages.say(f"    {folder}")
    return post, folder


def sweep(
    post: xr.DataTree,
    scenarios: Sequence[Path],
    *,
    technology: Sequence[str],
    draws: int | None,
    progress: bool,
    allow_unsolved: bool = False,
    years: Sequence[int] | None = None,
    chunks: Path | None = None,
    executor: str | None = None,
) -> xr.DataTree:
    """Posterior draws through the equilibrium of the run's own economy, for each scenario file; and draws of the prior
    (group ``prior_counterfactual``), so that welfare can be set against what it was before the data.

    ``years`` are those of ``technology`` "transition"; ``chunks`` is a folder that keeps finished
    draws, to go on from after a kill; ``executor`` is the address of a Dask scheduler.

    Raises InputError (scenario and economy do not fit) or UnsolvedDrawsError.
    """
    if "economy" not in post.children:
        advice = "Fit it again with this version, which keeps the economy in the run."
        raise InputError(Problem("this run does not hold the economy it was fitted on", advice))
    economy = ree.Economy(post["economy"].to_dataset())
    found, problems = _read_scenarios(scenarios, economy)
    if problems:
        raise InputError(problems, "a scenario cannot be used")
    policies = [scenario for _, scenario in found]
    post = ree.counterfactual(
        economy,
        policies,
        post,
        technology=list(technology),
        years=years,
        store=chunks,
        executor=executor,
        draws=draws,
        progress=progress,
        allow_unsolved=allow_unsolved,
    )
    return _with_prior(post, economy, policies, technology, min(draws or PRIOR_DRAWS, PRIOR_DRAWS), chunks)


def _with_prior(
    post: xr.DataTree,
    economy: Economy,
    policies: Sequence[ree.Scenario],
    technology: Sequence[str],
    draws: int,
    chunks: Path | None,
) -> xr.DataTree:
    """The same scenarios at draws of the prior. Those without an equilibrium are marked; none at all is no failure."""
    import xarray as xr

    from reestim.checks import prior_welfare
    from reestim.errors import ParameterError

    static = [name for name in technology if name != "transition"]
    post = post.filter(lambda node: node.name != prior_welfare.GROUP)  # of earlier scenarios
    if "prior" not in post.children:
        return post
    try:
        found = ree.counterfactual(
            economy, policies, post, technology=static, draws=draws, store=chunks, progress=False,
            allow_unsolved=True, group="prior",
        )  # fmt: skip
    except ParameterError:  # no draw of the prior has an equilibrium: then there is nothing to show
        return post
    before = found[prior_welfare.GROUP].to_dataset()
    post[prior_welfare.GROUP] = xr.DataTree(before[list(prior_welfare.KEPT)])
    return post


def _read_scenarios(paths: Sequence[Path], economy: Economy) -> tuple[list[tuple[Path, ree.Scenario]], list[Problem]]:
    """Scenario files with what they say, and everything that does not fit the economy."""
    problems: list[Problem] = []
    out = []
    for path in paths:
        try:
            scenario = ree.read_scenario(path)
            scenario.to_arrays(scenario.world(economy))
            out.append((path, scenario))
        except InputError as error:
            problems += [_in_file(problem, path) for problem in error.problems]
    return out, problems


def run(job: Job, *, seed: int, stages: Stages, progress: bool, command: str) -> tuple[xr.DataTree, Path, Path]:
    """The main job after its inputs are checked: the run with its counterfactual, its folder, and its report."""
    post, folder = fit(job, seed=seed, stages=stages, progress=progress, command=command)
    with stages.stage("carry the draws through the equilibrium, fixed and directed technology"):
        wanted = job.spec.counterfactual
        paths = job.spec.scenario_paths
        post = sweep(
            post, paths, technology=wanted.technology, years=wanted.years, draws=wanted.draws, progress=progress
        )
    with stages.stage("write the report"):
        page = finish(post, folder, overwrite=True, timings=stages.seconds)
    return post, folder, page


def finish(post: xr.DataTree, folder: Path, *, overwrite: bool, **info: Any) -> Path:
    """Save a run with its counterfactual and write its report into the run folder."""
    known = json_attr(post.attrs, "run", {})
    created = datetime.now(UTC).isoformat(timespec="seconds")
    post.attrs["run"] = json.dumps(known | info | {"created": created})
    store.save(post, folder, overwrite=overwrite)
    return ree.report(post, folder / "report")


def gates_passed(post: xr.DataTree) -> bool:
    """Did the sampler pass every gate but those allowed by name? A fit without gates was not judged and passes."""
    gates = json_attr(post.attrs, "gates", {})
    allowed = json_attr(post.attrs, "run", {}).get("allowed_gates", [])
    if not isinstance(gates, dict):
        return True
    failed = [gate["gate"] for gate in gates.get("gates", []) if not gate["passed"]]
    return bool(gates.get("passed", True)) or (bool(failed) and set(failed) <= set(allowed))


def _refuse_partial(post: xr.DataTree, spec: Spec) -> None:
    # nutpie answers Ctrl-C with the draws it has so far; half a chain must not become a run.
    if post["posterior"].sizes["draw"] < spec.sampler.draws:
        raise KeyboardInterrupt


def _dataset_named_in(spec_path: str | Path) -> str | None:
    """The dataset that a broken study names, if that much can be read, so that its problems are listed too."""
    from reestim.toml import find, read_text

    text, _ = read_text(find(spec_path))
    try:
        name = tomllib.loads(text or "").get("dataset")
    except tomllib.TOMLDecodeError:
        return None
    return name if isinstance(name, str) else None


def _in_file(problem: Problem, path: Path) -> Problem:
    return problem if problem.file else replace(problem, file=str(path))


def _of_spec(spec: Spec) -> dict[str, Any]:
    return {
        "name": spec.name, "description": spec.description, "hash": spec.hash, "text": spec.text,
        "file": spec.path.name if spec.path else None, "model": spec.model,
        "path": str(spec.path.resolve()) if spec.path else None,
        "model_sha256": sha256(spec.model_path), "sampler": spec.sampler.model_dump(),
        "based_on": spec.based_on, "base_text": spec.base_text,
    }  # fmt: skip


def _of_data(data: Dataset, spec: Spec) -> dict[str, Any]:
    """The dataset as this study uses it: files of evidence that it leaves aside are not among its inputs."""
    from reestim.estimate.inputs import unused_files

    meta = data.meta
    aside = {f"{stem}.csv" for stem in unused_files(spec.evidence)}
    return {
        "dataset": meta.name, "hash": data.hash, "path": str(data.path),
        "base_year": meta.base_year, "policy_year": meta.policy_year,
        "synthetic": [file for file in meta.synthetic if file not in aside],
        "imputed": [file for file in meta.imputed if file not in aside], "notes": list(meta.notes),
    }  # fmt: skip
