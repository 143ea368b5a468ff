"""``dataset.toml``: what a dataset is, how old it is, and which of its files are not observations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reestim.data.read import decode, read_bytes
from reestim.data.schemas import REQUIRED_FILES
from reestim.data.uncertainty import Uncertainty
from reestim.errors import Problem
from reestim.io.toml_files import parse
from reestim.wording import closest

DATASET_FILE = "dataset.toml"


class DatasetMeta(BaseModel):
    """The keys of ``dataset.toml``; no others are allowed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    base_year: int = Field(ge=1900, le=2100)
    policy_year: int = Field(ge=1900, le=2100)
    licence: str
    host_sector: str  # the goods sector whose row hides the rare earths
    synthetic: list[str] = []  # files that were simulated
    imputed: list[str] = []  # files with cells that a rule made
    updated: list[str] = []  # files of an older year, balanced to the margins of the base year
    units_confirmed: list[str] = []  # files whose unusual size is right (reestim/data/magnitudes.py asks)
    notes: list[str] = []
    uncertainty: Uncertainty | None = None  # how far figures may be off
    truth: dict[str, Any] | None = None  # parameters behind the simulated files, for tests of recovery


@dataclass(frozen=True)
class MetaFile:
    """What could be had from ``dataset.toml``. ``meta`` is None when something is wrong with it; ``base_year`` and
    ``host_sector`` are there all the same where they can be used, so that the tables are still checked."""

    problems: list[Problem]
    raw: bytes | None = None
    meta: DatasetMeta | None = None
    base_year: int | None = None
    host_sector: str | None = None


def read_meta(folder: Path) -> MetaFile:
    """Read and check ``dataset.toml``; every problem is in the result, none is raised."""
    path = folder / DATASET_FILE
    if not path.exists():
        message, advice = "the file is missing", "Every dataset has one; copy that of the bundled dataset and change it"
        return MetaFile([Problem(message, advice, file=DATASET_FILE)])
    raw, problems = read_bytes(path, folder)
    if raw is None:
        return MetaFile(problems)
    text, problems = decode(raw, DATASET_FILE)
    if text is None:
        return MetaFile(problems, raw)
    content, problems = parse(text, DATASET_FILE)
    if content is None:
        return MetaFile(problems, raw)
    try:
        meta = DatasetMeta.model_validate(content)
    except ValidationError as error:
        key_problems = [_problem(dict(item), content) for item in error.errors()]
        year, host = content.get("base_year"), content.get("host_sector")
        base_year = year if isinstance(year, int) and not isinstance(year, bool) else None
        return MetaFile(key_problems, raw, None, base_year, host if isinstance(host, str) else None)
    return MetaFile(_named_files(meta, folder), raw, meta, meta.base_year, meta.host_sector)


def _problem(item: dict[str, Any], content: dict[str, Any]) -> Problem:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        free = [name for name in DatasetMeta.model_fields if name not in content]
        return Problem(
            "the key is unknown", f"Rename or remove it. {closest(key, free)}", file=DATASET_FILE, column=key
        )
    if item["type"] == "missing":
        return Problem("the key is missing", f"Add {key} = ...", file=DATASET_FILE, column=key)
    return Problem("the value does not fit", f"{item['msg']}", file=DATASET_FILE, column=key, value=item["input"])


def _named_files(meta: DatasetMeta, folder: Path) -> list[Problem]:
    """``synthetic``, ``imputed`` and ``updated`` name files of the folder, nothing else."""
    problems = []
    here = sorted(path.name for path in folder.glob("*.csv"))
    for key in ("synthetic", "imputed", "updated"):
        for name in getattr(meta, key):
            if PurePath(name).name != name or "\\" in name:
                advice = "Give the bare name of a file in the folder"
                message = "the path leaves the dataset folder"
                problems.append(Problem(message, advice, file=DATASET_FILE, column=key, value=name))
            elif name not in here and PurePath(name).stem not in REQUIRED_FILES:  # those are reported as missing files
                message = "the file named here is not in the folder"
                problems.append(Problem(message, closest(name, here), file=DATASET_FILE, column=key, value=name))
    return problems
