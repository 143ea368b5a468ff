"""Agreement among all patents from an audit of part of them, whatever the design; drift."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reestim.dims import LABELS
from reestim.labels.agreement import agreement, audit_rows, confusion_counts, drift

PREVALENCE = np.array([0.7, 0.2, 0.07, 0.03])
CONFUSION = np.array(
    [[0.95, 0.03, 0.01, 0.01], [0.1, 0.8, 0.06, 0.04], [0.05, 0.1, 0.82, 0.03], [0.1, 0.05, 0.05, 0.8]]
)


def kappa(joint: np.ndarray) -> float:
    chance = float(joint.sum(0) @ joint.sum(1))
    return (float(np.trace(joint)) - chance) / (1 - chance)


def audit_of(design: str) -> pd.DataFrame:
    """A large audit with the expected counts of its design."""
    joint = PREVALENCE[:, None] * CONFUSION
    share = {"random": joint, "by_label": joint / joint.sum(0), "by_class": CONFUSION}[design]
    return pd.DataFrame(np.round(20_000 * share).astype(int), index=list(LABELS), columns=list(LABELS))


@pytest.mark.parametrize("design", ["random", "by_label", "by_class"])
def test_every_design_gives_the_agreement_of_the_patents(design: str) -> None:
    joint = PREVALENCE[:, None] * CONFUSION
    found = agreement(audit_of(design), design, joint.sum(0).tolist())
    assert found.kappa.median == pytest.approx(kappa(joint), abs=0.015)
    assert found.accuracy.median == pytest.approx(np.trace(joint), abs=0.01)
    assert found.confusion == pytest.approx(CONFUSION, abs=0.03)
    raw = audit_of("by_label").to_numpy() / audit_of("by_label").to_numpy().sum()
    assert abs(kappa(raw) - kappa(joint)) > 0.03  # why the raw kappa of a sample by label is not reported


def test_ninety_per_cent_intervals_of_kappa_hold_the_truth() -> None:
    joint = PREVALENCE[:, None] * CONFUSION
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        counts = np.stack([rng.multinomial(60, column / column.sum()) for column in joint.T], axis=1)
        found = agreement(pd.DataFrame(counts), "by_label", joint.sum(0).tolist()).kappa
        held += found.low <= kappa(joint) <= found.high
    assert 46 <= held <= 60  # 54 expected; outside at p < 0.001


def test_counts_and_rows() -> None:
    counts = confusion_counts(["using", "using", "unrelated"], ["using", "enhancing", "unrelated"])
    assert counts.loc["using", "enhancing"] == 1
    rows = audit_rows(counts, "random")
    assert len(rows) == 16
    assert rows["count"].sum() == 3
    with pytest.raises(ValueError, match="needs the share"):
        agreement(counts, "by_label")


def test_drift_is_found_and_a_changing_mix_is_not_taken_for_it() -> None:
    rng = np.random.default_rng(2)
    year = np.repeat(np.arange(2000, 2010), 40)
    falling = rng.random(400) < np.linspace(0.95, 0.6, 400)
    table, p = drift(year.tolist(), falling.tolist(), ["all"] * 400)
    assert p < 0.001
    assert table["audited"].tolist() == [40] * 10
    # one label is always harder, and gets more frequent: within each label nothing changes
    hard = rng.random(400) < np.linspace(0.1, 0.9, 400)
    agree = rng.random(400) < np.where(hard, 0.6, 0.95)
    stratified = drift(year.tolist(), agree.tolist(), np.where(hard, "using", "unrelated").tolist())[1]
    assert stratified > 0.05
    assert drift(year.tolist(), agree.tolist(), ["all"] * 400)[1] < 0.05
