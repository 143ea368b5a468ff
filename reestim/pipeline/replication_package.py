"""A replication package: everything that a run was made from, the run itself, and one command that makes it again."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.errors import InputError, Problem
from reestim.io.files import atomic_folder, sha256
from reestim.pipeline.replication_text import readme, research_object
from reestim.runs.identity import study_of
from reestim.runs.store import place_problems, read_run

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.runs.record import RunRecord
    from reestim.study.spec import Spec

#: Left out of what is copied.
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "chunks")


def package_run(
    run: str | Path, out: str | Path, *, spec: Path | None = None, dataset: Path | None = None, overwrite: bool = False
) -> Path:
    """Write the replication package of a run, after the README template of social-science data editors.

    Parameters
    ----------
    run
        Folder of a run of the main job, with its report.
    out
        Folder of the package: ``README.md`` (data availability, requirements and run times, tables and figures with
        the command that makes them), ``data``, ``models``, ``code`` (this REEstim), ``run``, ``requirements.txt`` (all
        installed versions), ``checksums.sha256``, ``ro-crate-metadata.json`` (RO-Crate 1.1), ``job.json`` and
        ``rebuild.py``, which verifies the package, runs it again and compares every table.
    spec, dataset
        Where the study and the data lie now, if not where they lay.
    overwrite
        Replace what is in ``out``.

    Returns
    -------
    pathlib.Path
        ``out``.

    Raises
    ------
    InputError
        If the run has no report or was not made by the main job, its study or data are no longer what they were, this
        REEstim is not the one that made it, or ``out`` cannot be written.

    Examples
    --------
    >>> ree.package_run(folder / "no-such-run", folder / "package")
    Traceback (most recent call last):
    reestim.errors.InputError: ...
    """
    source, place = Path(run), Path(out)
    record = read_run(source)
    problems = [*place_problems(place, overwrite), *_not_of_the_main_job(record, source)]
    if problems:
        raise InputError(problems, "the run cannot be packaged")
    study, data = study_of(record, spec, dataset)
    with atomic_folder(place) as folder:
        _copy(folder, source, study, data)
        arguments = ["run", f"models/{_name(study)}", "--dataset", f"data/{data.path.name}", "--seed", str(record.seed)]
        arguments += ["--quick"] if record.quick else []
        arguments += [part for name in record.allowed_gates for part in ("--allow", name)]
        job = {"arguments": arguments, "exit_code": 0 if record.gates_passed() else 2}
        (folder / "job.json").write_text(json.dumps(job, indent=1) + "\n", encoding="utf-8")
        (folder / "requirements.txt").write_text("\n".join(_installed()) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(readme(record, data, folder, arguments), encoding="utf-8")
        crate = json.dumps(research_object(record, data, folder), indent=1)
        (folder / "ro-crate-metadata.json").write_text(crate + "\n", encoding="utf-8")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
        (folder / "checksums.sha256").write_text("".join(lines), encoding="utf-8")
    return place


def _not_of_the_main_job(record: RunRecord, source: Path) -> list[Problem]:
    problems = []
    if not (source / "report" / "tables").is_dir():
        problems.append(Problem("the run has no report", f"Make it: reestim report {source}", value=str(source)))
    if record.transfer is not None or "counterfactual" in (record.command or ""):
        advice = "Package the run of `reestim run` that its draws come from."
        problems.append(Problem("the run carries draws of another run, and its command alone does not make it", advice))
    if record.seed is None:
        problems.append(Problem("the run does not say its seed", "Make it with `reestim run`."))
    return problems


def _name(study: Spec) -> str:
    return study.path.name if study.path else "study.toml"


def _copy(folder: Path, run: Path, study: Spec, data: Dataset) -> None:
    shutil.copytree(run, folder / "run", ignore=_NOT_COPIED)
    shutil.copytree(data.path, folder / "data" / data.path.name, ignore=_NOT_COPIED)
    package = Path(__file__).resolve().parents[1]
    shutil.copytree(package, folder / "code" / "reestim", ignore=_NOT_COPIED)
    named = [study.path or study.folder, study.model_path, *study.scenario_paths]
    named += [study.folder / study.based_on] if study.based_on else []
    for path in named:
        target = folder / "models" / path.resolve().relative_to(study.folder.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(package / "pipeline" / "rebuild.py", folder / "rebuild.py")


def _installed() -> list[str]:
    """All packages that are installed here but REEstim itself, which the package holds."""
    installed = {(each.metadata["Name"] or "").lower(): each.version for each in metadata.distributions()}
    return sorted(f"{name}=={version}" for name, version in installed.items() if name and name != "reestim")
