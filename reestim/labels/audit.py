"""The audit: draw patents for people to label, read their labels back, and count what the labeller confused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.labels.agreement import (
    MACHINE,
    Agreement,
    agreement,
    audit_cells,
    confusion_counts,
    drift,
    expected_counts,
)
from reestim.labels.audit_sample import AUDIT_DRAWS, BY_CONFIDENCE, DESIGN, DRAWN_FROM, JudgedSample, read_sample
from reestim.labels.confidence import draw_by_confidence, effective_counts
from reestim.labels.dawid_skene import Consensus
from reestim.labels.labelling import Labelled
from reestim.labels.patents import HUMAN


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    counts
        Audited patents (human_label, machine_label), as they were judged.
    cells
        ``label_audit`` of a dataset: ``human_label, machine_label, country, sector, year, count, design``. After a draw
        by confidence, the counts that a sample by label of the same worth would have shown (``effective_counts``).
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
    people
        What several people and the machine, the last labeller, say together, where more than one judged; ``counts`` has
        the most probable classes then, and ``cells`` the expected numbers.
    """

    counts: pd.DataFrame
    cells: pd.DataFrame
    design: str
    drawn: str
    agreement: Agreement
    by_year: pd.DataFrame
    trend: float
    people: Consensus | None = None

    def rows(self) -> pd.DataFrame:
        """``label_audit`` of a dataset.

        Returns
        -------
        pandas.DataFrame
            ``cells``.
        """
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
        CSV file that ``draw_audit`` made, its column ``human_label`` filled in; further people write ``human_label_2``,
        ``human_label_3`` and so on, and may leave rows out.
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
    >>> import reestim as ree
    >>> from reestim.labels.offline import train
    >>> from reestim.labels.patents import read_corpus
    >>> patents = read_corpus().head(40)
    >>> labelled = ree.label_patents(patents, train(), synthetic=True)
    >>> sample = ree.draw_audit(labelled, patents, design="by_label", size=8, seed=1)
    >>> sample["human_label"] = sample["patent_id"].map(labelled.by_patent())  # people who agree with the machine
    >>> sample.to_csv(folder / "sample.csv", index=False)
    >>> 0 < ree.read_audit(folder / "sample.csv", labelled).agreement.kappa.median <= 1
    True
    """
    return compare(read_sample(sample, labelled), labelled)


def compare(judged: JudgedSample, labelled: Labelled) -> Audit:
    """An audit from what people judged and the labels of all patents.

    Parameters
    ----------
    judged
        The sample with the judgements.
    labelled
        All labelled patents, from which it was drawn.

    Returns
    -------
    Audit
        Counts, agreement and trend.
    """
    rows, drawn = judged.rows, judged.drawn
    share = labelled.share().tolist()
    counts = expected_counts(rows)
    if drawn == BY_CONFIDENCE:
        weighed = effective_counts(rows, pd.Series(list(labelled.strata().values())).value_counts())
        cells = audit_cells(weighed, "by_label")
        scores = agreement(expected_counts(weighed), "by_label", share)
    else:
        cells = audit_cells(rows, drawn)
        scores = agreement(counts, drawn, share)
    table = judged.table
    human, machine = table[HUMAN].tolist(), table[MACHINE].tolist()
    stratum = {"by_class": human, "random": ["all"] * len(table)}.get(drawn, table["stratum"].tolist())
    agree = [h == m for h, m in zip(human, machine, strict=True)]
    by_year, trend = drift(table[YEAR].tolist(), agree, stratum)
    return Audit(
        confusion_counts(human, machine),
        cells,
        str(cells[DESIGN].iloc[0]),
        drawn,
        scores,
        by_year,
        trend,
        judged.people,
    )


def _check_draw(labelled: Labelled, patents: pd.DataFrame, design: str, size: int) -> None:
    problems = []
    if design not in AUDIT_DRAWS:
        problems.append(Problem("unknown design", f"Use one of {', '.join(AUDIT_DRAWS)}", value=design))
    if size < 1:
        problems.append(Problem("an audit needs at least one patent", "Ask for more", column="size", value=size))
    identifiers = set(labelled.table["patent_id"])
    strange = [p for p in patents["patent_id"] if p not in identifiers]
    if strange:
        advice = "Give the patents that these labels were made for"
        problems.append(Problem(f"{len(strange)} patents have no label", advice, column="patent_id", value=strange[0]))
    if design == "by_class" and (HUMAN not in patents or not any(patents[HUMAN])):
        advice = "Drawing by class needs patents whose class people know: add the column, or draw by_label"
        problems.append(Problem("the true classes are not there", advice, column=HUMAN))
    if problems:
        raise InputError(problems, "no sample was drawn")
