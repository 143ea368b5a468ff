"""The audit: draw patents for people to label, read their labels back, and count what the labeller confused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reestim.data.schemas import AUDIT_DESIGNS
from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.labels.agreement import (
    MACHINE,
    Agreement,
    agreement,
    audit_cells,
    audit_rows_by_year,
    confusion_counts,
    drift,
)
from reestim.labels.confidence import draw_by_confidence, effective_counts
from reestim.labels.labelling import Labelled
from reestim.labels.patents import HUMAN, read_patents

DESIGN, DRAWN_FROM = "design", "drawn_from"
BY_CONFIDENCE = "by_confidence"
#: How a sample may be drawn; what is drawn by confidence is counted as ``by_label``.
DRAWS = (BY_CONFIDENCE, *AUDIT_DESIGNS)


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    counts
        Audited patents (human_label, machine_label), as they were judged.
    cells
        ``label_audit`` of a dataset: ``human_label, machine_label, year, count, design``. After a draw by confidence,
        the counts that a sample by label of the same worth would have shown (``effective_counts``).
    design
        Design of ``cells``, which the likelihood follows.
    drawn
        How the sample was drawn.
    agreement
        Agreement among all patents.
    by_year
        ``year, audited, agree, share, low, high``.
    trend
        p-value of a linear trend of agreement over years.
    """

    counts: pd.DataFrame
    cells: pd.DataFrame
    design: str
    drawn: str
    agreement: Agreement
    by_year: pd.DataFrame
    trend: float

    def rows(self) -> pd.DataFrame:
        """``label_audit`` of a dataset."""
        return self.cells


def draw_audit(labelled: Labelled, patents: pd.DataFrame, *, design: str, size: int, seed: int) -> pd.DataFrame:
    """Draw patents for people to label, in random order and without the machine's label, which people must not see.

    Parameters
    ----------
    labelled
        Labels of the patents.
    patents
        The patents that were labelled, as ``read_patents`` returns them.
    design
        ``by_confidence``: as many of each machine label, half of them from the quarter of which the labeller is least
        sure; ``read_audit`` weighs them back. ``by_label``: as many of each machine label, all where there are fewer.
        ``random``: from all labelled patents. ``by_class``: as many of each true class, from patents whose column
        ``human_label`` states it.
    size
        How many patents; with strata, rounded up to the same number of each label.
    seed
        Seed of the draw.

    Returns
    -------
    pandas.DataFrame
        Columns ``patent_id, country, sector, year, title, abstract, human_label, design, drawn_from``; ``human_label``
        is empty, but with ``by_class``, where it is known.

    Raises
    ------
    InputError
        If the design is unknown, patents have no label, true classes are not there, or no label states its confidence.

    Examples
    --------
    >>> import reestim as ree
    >>> from reestim.labels.offline import train
    >>> from reestim.labels.patents import read_corpus
    >>> patents = read_corpus().head(40)
    >>> labelled = ree.label_patents(patents, train(), synthetic=True)
    >>> sample = ree.draw_audit(labelled, patents, design="by_label", size=8, seed=1)
    >>> "label" in sample
    False
    """
    _check_draw(labelled, patents, design, size)
    machine = labelled.by_patent()
    pool = patents.assign(machine=[machine[patent] for patent in patents["patent_id"]]).loc[
        lambda t: t["machine"] != ""
    ]
    rng = np.random.default_rng(seed)
    if design == "random":
        chosen = rng.choice(len(pool), size=min(size, len(pool)), replace=False)
    elif design == BY_CONFIDENCE:
        stratum = labelled.strata()
        chosen = draw_by_confidence(np.array([stratum[patent] for patent in pool["patent_id"]]), size, rng)
    else:
        stratum = pool["machine" if design == "by_label" else HUMAN].to_numpy()
        each = -(-size // len(LABELS))
        places = [rng.permutation(np.flatnonzero(stratum == label))[:each] for label in LABELS]
        chosen = rng.permutation(np.concatenate(places))
    columns = ["patent_id", COUNTRY, SECTOR, YEAR, "title", "abstract"]
    sample = pool.iloc[chosen].reset_index(drop=True)
    human = sample[HUMAN] if design == "by_class" else ""
    return sample[columns].assign(**{HUMAN: human, DESIGN: design, DRAWN_FROM: labelled.hash})


def read_audit(sample: Path, labelled: Labelled) -> Audit:
    """Read a sample back that people have labelled, and compare it with the labels.

    Parameters
    ----------
    sample
        CSV file that ``draw_audit`` made, its column ``human_label`` filled in.
    labelled
        The labels it is compared with.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        Listing rows without a human label (leaving out what is hard would flatter the labeller), unknown labels,
        patents that have no machine label, more than one design, a sample by label that was drawn from other labels.

    Examples
    --------
    ``ree.read_audit(Path("sample.csv"), read_labels(Path("my-labels"))).agreement.kappa`` is κ among all patents.
    """
    table = read_patents(sample, human_labels=True, also=(DESIGN, DRAWN_FROM))
    machine = labelled.by_patent()
    table = table.assign(machine=[machine.get(patent, "") for patent in table["patent_id"]])
    problems = []
    for row, human, label, patent in zip(table.index, table[HUMAN], table["machine"], table["patent_id"], strict=True):
        if not human:
            advice = f"Write one of {', '.join(LABELS)}; leaving out what is hard would flatter the labeller"
            problems.append(Problem("no human label", advice, file=sample.name, row=int(row), column=HUMAN))
        if not label:
            advice = "Compare with the labels that the sample was drawn from"
            problems.append(
                Problem("no machine label", advice, file=sample.name, row=int(row), column="patent_id", value=patent)
            )
    designs = sorted(set(table[DESIGN]))
    if len(designs) != 1 or designs[0] not in DRAWS:
        advice = f"Keep the column as it was drawn: one of {', '.join(DRAWS)}"
        problems.append(Problem("the audit must follow one design", advice, file=sample.name, column=DESIGN))
    elif designs[0] in ("by_label", BY_CONFIDENCE) and set(table[DRAWN_FROM]) != {labelled.hash}:
        advice = "Draw a sample from these labels, or compare with those it was drawn from"
        problems.append(Problem("the sample was drawn by other labels than these", advice, file=sample.name))
    if problems:
        raise InputError(problems, "the audit cannot be used")
    return compare(table, designs[0], labelled)


def compare(table: pd.DataFrame, drawn: str, labelled: Labelled) -> Audit:
    """An audit from its rows (columns ``patent_id, human_label, machine, year``) and the labels of all patents."""
    human, machine, year = table[HUMAN].tolist(), table["machine"].tolist(), table[YEAR].tolist()
    counts = confusion_counts(human, machine)
    share = labelled.share().tolist()
    agree = [h == m for h, m in zip(human, machine, strict=True)]
    if drawn == BY_CONFIDENCE:
        strata = labelled.strata()
        stratum = [str(strata[patent]) for patent in table["patent_id"]]
        size = pd.Series(list(strata.values())).value_counts()
        cells = audit_cells(effective_counts(human, machine, stratum, size, year), "by_label")
        keys = zip(cells[HUMAN], cells[MACHINE], cells["count"], strict=True)
        worth = pd.DataFrame(0, list(LABELS), list(LABELS))
        for said, label, count in keys:
            worth.loc[said, label] += count
        scores = agreement(worth, "by_label", share)
    else:
        stratum = {"by_label": machine, "by_class": human}.get(drawn, ["all"] * len(human))
        cells = audit_rows_by_year(human, machine, year, drawn)
        scores = agreement(counts, drawn, share)
    by_year, trend = drift(year, agree, stratum)
    return Audit(counts, cells, str(cells[DESIGN].iloc[0]), drawn, scores, by_year, trend)


def _check_draw(labelled: Labelled, patents: pd.DataFrame, design: str, size: int) -> None:
    problems = []
    if design not in DRAWS:
        problems.append(Problem("unknown design", f"Use one of {', '.join(DRAWS)}", value=design))
    if size < 1:
        problems.append(Problem("an audit needs at least one patent", "Ask for more", column="size", value=size))
    known = set(labelled.table["patent_id"])
    strange = [p for p in patents["patent_id"] if p not in known]
    if strange:
        advice = "Give the patents that these labels were made for"
        problems.append(Problem(f"{len(strange)} patents have no label", advice, column="patent_id", value=strange[0]))
    if design == "by_class" and (HUMAN not in patents or not any(patents[HUMAN])):
        advice = "Drawing by class needs patents whose class people know: add the column, or draw by_label"
        problems.append(Problem("the true classes are not there", advice, column=HUMAN))
    if problems:
        raise InputError(problems, "no sample was drawn")
