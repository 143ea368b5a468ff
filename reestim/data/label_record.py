"""``patent_labels.json``: who labelled the patents of a dataset, when and how; `reestim label` writes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reestim.data.read import decode, read_bytes
from reestim.dims import LABEL, LABELS
from reestim.errors import Problem

FILE = "patent_labels.json"
COUNTS, AUDIT = "patent_labels.csv", "label_audit.csv"


class PlausibilityRecord(BaseModel):
    """How the counts stood beside all patents, in words (``reestim.labels.plausibility``); further keys are kept."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", frozen=True, strict=True)

    sentences: list[str] = []


class LabelRecord(BaseModel):
    """What a dataset needs of the record; further keys (settings, cost, cross-validation) are kept as they are.

    labels : patents by label; unlabelled : patents left out of the counts; unlabelled_by_country : ``patents`` and
    ``unlabelled`` of each country that lacks labels; synthetic : the patents are made.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", frozen=True, strict=True)

    labeller: str = Field(min_length=1)
    model: str
    date: str
    synthetic: bool
    patents: int = Field(ge=0)
    unlabelled: int = Field(ge=0)
    unlabelled_by_country: dict[str, dict[Literal["patents", "unlabelled"], int]] = {}
    labels: dict[str, int]
    plausibility: PlausibilityRecord = PlausibilityRecord()


def read_label_record(folder: Path) -> tuple[bytes | None, dict[str, Any] | None, list[Problem]]:
    """Bytes and content of the file, and its problems; all empty where a dataset has none."""
    path = folder / FILE
    if not path.exists():
        return None, None, []
    raw, problems = read_bytes(path, folder)
    text, text_problems = decode(raw, FILE) if raw is not None else (None, [])
    problems += text_problems
    if text is None:
        return raw, None, problems
    try:
        content = json.loads(text)
        LabelRecord.model_validate(content)
    except ValidationError as error:
        advice = "Copy the file anew from the folder that `reestim label` wrote"
        return (
            raw,
            None,
            [
                Problem(
                    f"the value does not fit ({item['msg']})", advice, file=FILE, column=".".join(map(str, item["loc"]))
                )
                for item in error.errors()
            ],
        )
    except (ValueError, RecursionError):
        return raw, None, [Problem("the file is not JSON", "Copy it anew from the folder of the labels", file=FILE)]
    return raw, content, []


def record_problems(
    record: dict[str, Any] | None, counts: pd.DataFrame | None, present: Sequence[str], synthetic: Sequence[str]
) -> list[Problem]:
    """Whether the record belongs to the counts, and says the same as ``synthetic`` of ``dataset.toml``.

    counts : sound rows of ``patent_labels.csv``; present : names of the files there; synthetic : as the dataset says.
    """
    if record is None:
        return []
    problems = []
    if COUNTS not in present:
        problems.append(Problem("it says who labelled, but there are no counts", f"Add {COUNTS}", file=FILE))
    elif counts is not None:
        by_label: Any = counts.groupby(LABEL)["count"].sum()
        stated = {name: int(record["labels"].get(name, 0)) for name in LABELS}
        if any(int(by_label.get(name, 0)) != n for name, n in stated.items()):
            advice = f"Copy {COUNTS} and {FILE} from the same folder of labels"
            message = f"it is not the record of {COUNTS}: the counts by label differ"
            problems.append(Problem(message, advice, file=FILE, column="labels", value=stated))
    made = [name for name in (COUNTS, AUDIT) if name in present and name not in synthetic]
    if record["synthetic"]:
        advice = "Add the name to `synthetic`: what is counted from made patents is synthetic"
        message = "the patents were labelled as synthetic, and the dataset does not say so"
        problems += [Problem(message, advice, file="dataset.toml", column="synthetic", value=name) for name in made]
    elif COUNTS in synthetic:
        advice = "Remove the name from `synthetic`, or label with --synthetic if the patents are made"
        message = "the labels are those of observed patents, and the dataset calls them synthetic"
        problems.append(Problem(message, advice, file="dataset.toml", column="synthetic", value=COUNTS))
    return problems
