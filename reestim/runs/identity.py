"""Is a run of this study, these data, this seed and this version: asked before a run is taken up again or refitted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reestim import __version__
from reestim.data.dataset import load_dataset
from reestim.errors import InputError, Problem
from reestim.io.files import sha256
from reestim.study.spec import Spec, read_spec

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def differences(
    run: Mapping[str, Any], spec: Spec | None = None, data: Dataset | None = None, seed: int | None = None
) -> list[Problem]:
    """What a run (the contents of ``run.json``) was made from, where it is not what is given; one problem each.

    The study is compared by its hash, by that of its model file, and by the texts of its scenarios, as far as the run
    was carried through them.
    """
    return [Problem(*found) for found in _differences(run, spec, data, seed)]


def _differences(
    run: Mapping[str, Any], spec: Spec | None, data: Dataset | None, seed: int | None
) -> Iterator[tuple[str, str]]:
    from reestim.study.scenario_file import read_scenario

    known, source = run.get("spec") or {}, run.get("provenance") or {}
    if spec is not None:
        name = str(spec.path or spec.name)
        if bool(run.get("quick")) != spec.is_quick:
            kinds = ("a run with the study's own sampler", "a QUICK smoke run")
            now, then = kinds[spec.is_quick], kinds[not spec.is_quick]
            yield f"it is {then}, and this would be {now}", "Give --quick, or leave it out, as then."
        elif known.get("hash") != spec.hash and (known.get("text"), known.get("base_text", "")) == (
            spec.text,
            spec.base_text,
        ):
            yield f"this version of REEstim reads the study {name} otherwise than the one that made it", "Fit anew."
        elif known.get("hash") != spec.hash:
            yield f"it was made from another version of the study {name}", "Restore the study as run.json has its text."
        if known.get("model_sha256") != sha256(spec.model_path):
            yield f"its model file {spec.model_path} has changed since", "Restore the file, or fit anew."
        texts = run.get("scenarios") or {}
        for path in spec.scenario_paths:
            scenario = read_scenario(path).name
            if scenario in texts and texts[scenario] != path.read_text(encoding="utf-8"):
                yield f"its scenario {scenario} ({path}) is another now", "Restore the file as run.json has its text."
    if data is not None and source.get("hash") != data.hash:
        yield (
            f"it was made from other data: the dataset {data.meta.name} in {data.path} has the hash {data.hash[:12]}, "
            f"the run {str(source.get('hash'))[:12]}",
            "Restore the files of the dataset, or fit anew.",
        )
    if seed is not None and run.get("seed") != seed:
        yield f"it was made with the seed {run.get('seed')}, not {seed}", f"Give --seed {run.get('seed')}."
    if run.get("reestim") != __version__:
        made = run.get("reestim", "unknown")
        yield f"it was made by REEstim {made}, this is {__version__}", "Use that version, or fit anew."


def study_of(run: Mapping[str, Any], spec: Path | None = None, dataset: Path | None = None) -> tuple[Spec, Dataset]:
    """The study and the data that a run was made from, looked for where they lay, or where they are said to lie now.

    Raises InputError, with everything that is missing or no longer the same.
    """
    known, source = run.get("spec") or {}, run.get("provenance") or {}
    if not known.get("hash") or not source.get("hash"):
        advice = "Fit the study with `reestim run` or `reestim fit`."
        raise InputError(Problem("this run does not say what study and data it was made from", advice))
    problems: list[Problem] = []
    found_spec: Spec | None = None
    found_data: Dataset | None = None
    place = spec or _first([known.get("path"), f"models/{known.get('file')}"])
    try:
        found_spec = read_spec(place)
        found_spec = found_spec.quick() if run.get("quick") else found_spec
    except InputError as error:
        advice = "Say where the study lies now: --spec FILE."
        problems.append(Problem(f"the study of this run cannot be read ({error.problems[0]})", advice))
    location = dataset or _first([source.get("path"), source.get("dataset")])
    try:
        found_data = load_dataset(location)
    except InputError as error:
        advice = "Say where the dataset lies now: --dataset FOLDER."
        problems.append(Problem(f"the dataset of this run cannot be read ({error.problems[0]})", advice))
    problems += differences(run, found_spec, found_data)
    if problems or found_spec is None or found_data is None:
        raise InputError(problems, "the run cannot be fitted again")
    return found_spec, found_data


def _first(places: list[Any]) -> Path:
    """The first place where there is something; else the first."""
    named = [Path(str(place)) for place in places if place]
    return next((place for place in named if place.exists()), named[-1])


def text_sha256(known: Mapping[str, Any]) -> str:
    """Hash of the text of a study, with that of the study it is based on."""
    return hashlib.sha256("\0".join(str(known.get(k) or "") for k in ("text", "base_text")).encode()).hexdigest()


def of_spec(spec: Spec) -> dict[str, Any]:
    """What a run notes of its study."""
    known = _of_spec(spec)
    return known | {"text_sha256": text_sha256(known)}


def _of_spec(spec: Spec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "description": spec.description,
        "hash": spec.hash,
        "text": spec.text,
        "file": spec.path.name if spec.path else None,
        "model": spec.model,
        "path": str(spec.path.resolve()) if spec.path else None,
        "model_sha256": sha256(spec.model_path),
        "sampler": spec.sampler.model_dump(),
        "based_on": spec.based_on,
        "base_text": spec.base_text,
    }


def of_data(data: Dataset, spec: Spec) -> dict[str, Any]:
    """The dataset as this study uses it: files of evidence that it leaves aside are not among its inputs."""
    from reestim.estimate.inputs import unused_files

    meta = data.meta
    aside = {f"{stem}.csv" for stem in unused_files(spec.evidence)}
    return {
        "dataset": meta.name,
        "hash": data.hash,
        "path": str(data.path),
        "base_year": meta.base_year,
        "policy_year": meta.policy_year,
        "synthetic": [file for file in meta.synthetic if file not in aside],
        "imputed": [file for file in meta.imputed if file not in aside],
        "notes": list(meta.notes),
    }
