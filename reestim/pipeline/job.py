"""What a run reads and where it writes, checked together before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.data.dataset import load_dataset
from reestim.errors import InputError, Problem, Problems
from reestim.runs import store
from reestim.runs.identity import mismatches
from reestim.study.spec import read_spec
from reestim.wording import closest

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.study.spec import Spec


@dataclass(frozen=True)
class Job:
    """What a run reads and where it writes: ``out`` is None for a new folder in ``posteriors/``."""

    spec: Spec
    data: Dataset
    out: Path | None = None
    overwrite: bool = False
    allow: tuple[str, ...] = ()  # gates that may fail
    begun: bool = False  # the fit of this very job is in ``out``: go on from there
    more_draws: int = 0  # to be added to the fit in ``out``, in whole chains


def read_job(
    spec_path: str | Path,
    dataset: str | Path | None,
    out: Path | None,
    *,
    quick: bool = False,
    overwrite: bool = False,
    allow: Sequence[str] = (),
    seed: int | None = None,
    more_draws: int = 0,
) -> Job:
    """Study, dataset and place, all checked; raises one InputError with the problems of all of them.

    With ``seed``, an unfinished run in ``out`` is gone on with if it is of the same study, data, seed and version;
    with ``more_draws``, a finished one too.
    """
    from reestim.estimate.gates import GATES

    problems = Problems()
    spec = problems.attempt(lambda: read_spec(spec_path))
    location = dataset or (spec.dataset_location if spec else _dataset_named_in(spec_path))
    data = problems.attempt(lambda: load_dataset(location)) if location is not None else None
    spec = spec.quick() if spec and quick else spec
    if more_draws:
        problems += _not_continued(out, overwrite, spec, data, seed)
        begun = False
    else:
        place_problems, begun = _place(out, overwrite, spec, data, seed) if out else ([], False)
        problems += place_problems
    for name in allow:
        if name not in GATES:
            problems.append(Problem("there is no such gate", closest(name, GATES), column="--allow", value=name))
    problems += [replace(problem, file=str(spec_path)) for problem in _unfit(spec)] if spec else []
    if spec is None or data is None or problems:
        raise InputError(problems, "the run cannot start")
    return Job(spec, data, out, overwrite, tuple(allow), begun, more_draws)


def _not_continued(
    out: Path | None, overwrite: bool, spec: Spec | None, data: Dataset | None, seed: int | None
) -> list[Problem]:
    """Why no draws can be added to the run in ``out``."""
    column = "--more-draws"
    if out is None or not (out / store.RUN).is_file():
        advice = "Name the run with --out."
        return [Problem("there is no run to add draws to", advice, column=column, value=str(out) if out else None)]
    if overwrite:
        return [Problem("draws are added to a run, or it is replaced", "Leave --overwrite out.", column=column)]
    try:
        record = store.read_run(out)
    except InputError as error:
        return list(error.problems)
    return [
        Problem(f"no draws can be added to this run: {p.message}", p.advice, column=column, value=str(out))
        for p in mismatches(record, spec, data, seed)
    ]


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


def _dataset_named_in(spec_path: str | Path) -> str | None:
    """The dataset that a broken study names, if that much can be read, so that its problems are listed too."""
    from reestim.io.toml_files import find_file, parse, read_text

    text, _ = read_text(find_file(spec_path))
    content, _ = parse(text or "", str(spec_path))
    name = (content or {}).get("dataset")
    return name if isinstance(name, str) and name else None
