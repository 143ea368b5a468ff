"""A sample that people have judged, as it comes back: checked, with the machine's labels, and one class a patent or
several with their probabilities where several people judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.data.read import read_cells
from reestim.data.schemas import AUDIT_DESIGNS
from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.labels.agreement import MACHINE
from reestim.labels.dawid_skene import MISSING, Consensus, consensus
from reestim.labels.labelling import Labelled
from reestim.labels.patents import HUMAN, read_patents

DESIGN, DRAWN_FROM = "design", "drawn_from"
BY_CONFIDENCE = "by_confidence"
#: How a sample may be drawn; what is drawn by confidence is counted as ``by_label``.
AUDIT_DRAWS = (BY_CONFIDENCE, *AUDIT_DESIGNS)
#: A class less probable than this is not carried along.
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class JudgedSample:
    """Audited patents.

    Parameters
    ----------
    table
        One row a patent: ``patent_id, country, sector, year, human_label`` (the most probable), ``machine_label,
        stratum``.
    rows
        One row a patent and class that it may be of: the same with ``weight``, its probability.
    drawn
        How the sample was drawn.
    people
        What several people and the machine, the last labeller, say together; None where one judged.
    """

    table: pd.DataFrame
    rows: pd.DataFrame
    drawn: str
    people: Consensus | None


def read_sample(sample: Path, labelled: Labelled) -> JudgedSample:
    """A sample with the labels of people, and what the labels say of its patents.

    Raises InputError listing what is wrong with it (``reestim.labels.audit.read_audit``).
    """
    cells, _ = read_cells(sample)
    more = [] if cells is None else [str(name) for name in cells if re.fullmatch(rf"{HUMAN}_\d+", str(name))]
    table = read_patents(sample, human_labels=True, also=(DESIGN, DRAWN_FROM, *more))
    machine = labelled.by_patent()
    table[MACHINE] = [machine.get(patent, "") for patent in table["patent_id"]]
    answers = table[[HUMAN, *more]]
    problems = []
    for row, judged, label, patent in zip(
        table.index, (answers != "").to_numpy().any(axis=1).tolist(), table[MACHINE], table["patent_id"], strict=True
    ):
        if not judged:
            advice = f"Write one of {', '.join(LABELS)}; leaving out what is hard would flatter the labeller"
            problems.append(Problem("no human label", advice, file=sample.name, row=int(row), column=HUMAN))
        if not label:
            advice = "Compare with the labels that the sample was drawn from"
            problems.append(
                Problem("no machine label", advice, file=sample.name, row=int(row), column="patent_id", value=patent)
            )
    designs = sorted(set(table[DESIGN]))
    if len(designs) != 1 or designs[0] not in AUDIT_DRAWS:
        advice = f"Keep the column as it was drawn: one of {', '.join(AUDIT_DRAWS)}"
        problems.append(Problem("the audit must follow one design", advice, file=sample.name, column=DESIGN))
    elif designs[0] in ("by_label", BY_CONFIDENCE) and set(table[DRAWN_FROM]) != {labelled.hash}:
        advice = "Draw a sample from these labels, or compare with those it was drawn from"
        problems.append(Problem("the sample was drawn by other labels than these", advice, file=sample.name))
    if problems:
        raise InputError(problems, "the audit cannot be used")
    return judge(table, designs[0], labelled)


def judge(table: pd.DataFrame, drawn: str, labelled: Labelled) -> JudgedSample:
    """Classes of the rows of a sound sample: columns ``patent_id, country, sector, year, machine_label`` and
    ``human_label``, ``human_label_2``, ... (blank where that person did not judge)."""
    columns = [name for name in table if re.fullmatch(rf"{HUMAN}(?:_\d+)?", str(name))]
    place = {label: k for k, label in enumerate(LABELS)}
    codes = np.array([[place.get(str(label), MISSING) for label in table[name]] for name in columns]).T
    machine = np.array([place[label] for label in table[MACHINE]])
    # The machine is one labeller more: what it says bears on the class, and leaving it out would blur its confusion.
    people = consensus(np.column_stack([codes, machine])) if len(columns) > 1 else None
    probability = people.probability if people is not None else np.eye(len(LABELS))[codes[:, 0]]
    keys: Any = table[["patent_id", COUNTRY, SECTOR, YEAR, MACHINE]].reset_index(drop=True)
    one = keys.assign(
        **{HUMAN: np.array(LABELS)[probability.argmax(axis=1)], "stratum": _strata(keys, drawn, labelled)}
    )
    item, label = np.nonzero(probability > _NEGLIGIBLE)
    rows = one.iloc[item].assign(**{HUMAN: np.array(LABELS)[label], "weight": probability[item, label]})
    rows["weight"] = rows["weight"] / rows.groupby("patent_id")["weight"].transform("sum")
    return JudgedSample(one, rows.reset_index(drop=True), drawn, people)


def _strata(keys: pd.DataFrame, drawn: str, labelled: Labelled) -> list[str]:
    """What the sample was drawn within: label and confidence, label, or all; of classes nobody knows the size."""
    if drawn == BY_CONFIDENCE:
        of = labelled.strata()
        return [of[patent] for patent in keys["patent_id"]]
    return keys[MACHINE].tolist() if drawn == "by_label" else ["all"] * len(keys)
