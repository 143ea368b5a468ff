"""The runs in a folder, each in a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reestim.errors import InputError
from reestim.runs.record import RunRecord
from reestim.runs.store import read_run


@dataclass(frozen=True)
class Run:
    """One line of ``reestim runs``; ``problem`` says why a folder cannot be used."""

    path: Path
    name: str = ""
    created: str = ""
    dataset: str = ""
    scenarios: tuple[str, ...] = ()
    quick: bool = False
    gates_passed: bool | None = None
    problem: str | None = None


def list_runs(folder: str | Path = "posteriors") -> list[Run]:
    """The runs in a folder, newest first; what is hidden is unfinished and left out."""
    root = Path(folder)
    if not root.is_dir():
        return []
    runs = []
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        try:
            runs.append(_summary(path, read_run(path)))
        except InputError as error:
            runs.append(Run(path, problem=error.problems[0].message))
    return sorted(runs, key=lambda run: run.created, reverse=True)


def _summary(path: Path, record: RunRecord) -> Run:
    return Run(
        path=path,
        name=record.spec.name,
        created=record.created or "",
        dataset=record.provenance.dataset,
        scenarios=tuple(dict.fromkeys(one.scenario for one in record.solved)),
        quick=record.quick,
        gates_passed=None if record.gates is None else record.gates.passed,
    )
