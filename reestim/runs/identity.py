"""Is a run of this study, these data, this seed and this version: asked before a run is taken up again or refitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reestim import __version__
from reestim.data.dataset import load_dataset
from reestim.errors import InputError, Problem
from reestim.io.files import sha256
from reestim.runs.record import RunRecord
from reestim.study.spec import Spec, read_spec

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def mismatches(
    record: RunRecord, spec: Spec | None = None, data: Dataset | None = None, seed: int | None = None
) -> list[Problem]:
    """What a run was made from, where it is not what is given; one problem each.

    The study is compared by its hash, by that of its model file, and by the texts of its scenarios, as far as the run
    was carried through them.
    """
    return [Problem(*arguments) for arguments in _mismatches(record, spec, data, seed)]


def _mismatches(
    record: RunRecord, spec: Spec | None, data: Dataset | None, seed: int | None
) -> Iterator[tuple[str, str]]:
    from reestim.study.scenario_file import read_scenario

    if spec is not None:
        name, recorded = str(spec.path or spec.name), record.spec
        if record.quick != spec.is_quick:
            kinds = ("a run with the study's own sampler", "a QUICK smoke run")
            now, then = kinds[spec.is_quick], kinds[not spec.is_quick]
            yield f"it is {then}, and this would be {now}", "Give --quick, or leave it out, as then."
        elif recorded.hash != spec.hash and (recorded.text, recorded.base_text or "") == (spec.text, spec.base_text):
            yield f"this version of REEstim reads the study {name} otherwise than the one that made it", "Fit anew."
        elif recorded.hash != spec.hash:
            yield f"it was made from another version of the study {name}", "Restore the study as run.json has its text."
        if recorded.model_sha256 != sha256(spec.model_path):
            yield f"its model file {spec.model_path} has changed since", "Restore the file, or fit anew."
        for path in spec.scenario_paths:
            scenario = read_scenario(path).name
            if scenario in record.scenarios and record.scenarios[scenario] != path.read_text(encoding="utf-8"):
                yield f"its scenario {scenario} ({path}) is another now", "Restore the file as run.json has its text."
    if data is not None and record.provenance.hash != data.hash:
        yield (
            f"it was made from other data: the dataset {data.meta.name} in {data.path} has the hash {data.hash[:12]}, "
            f"the run {str(record.provenance.hash)[:12]}",
            "Restore the files of the dataset, or fit anew.",
        )
    if seed is not None and record.seed != seed:
        yield f"it was made with the seed {record.seed}, not {seed}", f"Give --seed {record.seed}."
    if record.reestim != __version__:
        made = record.reestim or "unknown"
        yield f"it was made by REEstim {made}, this is {__version__}", "Use that version, or fit anew."


def study_of(record: RunRecord, spec: Path | None = None, dataset: Path | None = None) -> tuple[Spec, Dataset]:
    """The study and the data that a run was made from, looked for where they lay, or where they are said to lie now.

    Raises InputError, with everything that is missing or no longer the same.
    """
    study, source = record.spec, record.provenance
    if not study.hash or not source.hash:
        advice = "Fit the study with `reestim run` or `reestim fit`."
        raise InputError(Problem("this run does not say what study and data it was made from", advice))
    problems: list[Problem] = []
    found_spec: Spec | None = None
    found_data: Dataset | None = None
    study_file = spec or _first([study.path, f"models/{study.file}"])
    try:
        found_spec = read_spec(study_file)
        found_spec = found_spec.quick() if record.quick else found_spec
    except InputError as error:
        advice = "Say where the study lies now: --spec FILE."
        problems.append(Problem(f"the study of this run cannot be read ({error.problems[0]})", advice))
    location = dataset or _first([source.path, source.dataset])
    try:
        found_data = load_dataset(location)
    except InputError as error:
        advice = "Say where the dataset lies now: --dataset FOLDER."
        problems.append(Problem(f"the dataset of this run cannot be read ({error.problems[0]})", advice))
    problems += mismatches(record, found_spec, found_data)
    if problems or found_spec is None or found_data is None:
        raise InputError(problems, "the run cannot be fitted again")
    return found_spec, found_data


def _first(places: list[str | None]) -> Path:
    """The first place where there is something; else the first."""
    named = [Path(place) for place in places if place]
    return next((place for place in named if place.exists()), named[-1])
