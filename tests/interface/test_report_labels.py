"""The section of the report on the quality of labels, with and without a record of who labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.dims import LABELS
from reestim.labels.agreement import audit_cells
from reestim.labels.quality import agreement_of, drift_of, label_quality
from tests.interface.test_report import Page

pytestmark = pytest.mark.usefixtures("undrawn")

RECORD = {
    "labeller": "llm",
    "model": "tiny",
    "date": "2026-11-25T12:00:00+00:00",
    "synthetic": False,
    "patents": 1003,
    "unlabelled": 3,
    "unlabelled_by_country": {"CHN": {"patents": 5, "unlabelled": 3}, "JPN": {"patents": 900, "unlabelled": 0}},
    "labels": dict.fromkeys(LABELS, 250),
    "prompt": {"version": "v1", "hash": "abc"},
    "plausibility": {"sentences": ["997 on rare earths: 1 in 600", "not in the file: KOR (14% of all patents)"]},
}


def quality(record: dict | None, synthetic: list[str], *, years: bool = True) -> xr.Dataset:
    """400 audited, drawn by label; right in 90 of 100 of each label in 2006, in 70 of 100 in 2010."""
    human, machine, year = [], [], []
    for label in LABELS:
        for t, right in ((2006, 45), (2010, 35)):
            wrong = LABELS[(LABELS.index(label) + 1) % 4]
            human += [label] * right + [wrong] * (50 - right)
            machine += [label] * 50
            year += [t] * 50
    audit = audit_cells(pd.DataFrame({"human_label": human, "machine_label": machine, "year": year}), "by_label")
    assert audit["count"].sum() == 400
    if not years:
        audit = audit.groupby(["human_label", "machine_label", "design"], as_index=False)["count"].sum()
    patents = pd.DataFrame({"label": list(LABELS), "count": [250] * 4})
    return label_quality(patents, audit, record, synthetic)


def report(post: xr.DataTree, group: xr.Dataset, place: Path) -> tuple[Page, pd.DataFrame]:
    post["label_quality"] = xr.DataTree(group)
    ree.save(post, place / "run")
    page = ree.report(ree.load(place / "run"), place / "report")
    table = pd.read_csv(page.parent / "tables" / "label_quality.csv")
    return Page(page.read_text(encoding="utf-8")), table


def test_labels_of_a_language_model(post: xr.DataTree, tmp_path: Path) -> None:
    page, table = report(post, quality(RECORD, []), tmp_path)
    words = " ".join(page.words.split())
    assert "Labelled by llm: tiny, prompt v1 (abc), on 2026-11-25" in words
    assert "Of 1003 patents 3 stayed unlabelled" in words
    assert "Labels are MISSING by country: CHN 60 %. The model counts the labelled alone" in words
    assert "Beside all patents: 997 on rare earths: 1 in 600; not in the file: KOR (14% of all patents)." in words
    assert "Agreement CHANGES over the years" in words
    assert "SYNTHETIC, no finding about the world" not in words
    assert "labels" in {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    confusion = table[table["measure"] == "confusion"]
    assert len(confusion) == 16
    assert confusion["median"].tolist() == [0.25] * 16  # the posterior of the fake run
    own = confusion[confusion["human_label"] == confusion["machine_label"]]
    assert own["audit_median"].to_numpy() == pytest.approx(0.8, abs=0.02)
    assert own["audited"].tolist() == [80] * 4
    by_year = table[table["measure"] == "agreement"]
    assert by_year["year"].tolist() == [2006, 2010]
    assert by_year["median"].tolist() == [0.9, 0.7]
    assert table.loc[table["measure"] == "unlabelled", "median"].item() == 3
    assert table.loc[table["measure"] == "kappa", "median"].item() == pytest.approx(11 / 15, abs=0.03)


def test_simulated_labels_without_a_record(post: xr.DataTree, tmp_path: Path) -> None:
    group = quality(None, ["outcomes.csv", "label_audit.csv", "patent_labels.csv"], years=False)
    page, table = report(post, group, tmp_path)
    words = " ".join(page.words.split())
    assert "SYNTHETIC, no finding about the world: patent_labels.csv, label_audit.csv." in words
    assert "is not recorded" in words
    assert "Drift cannot be tested" in words
    assert not (table["measure"] == "agreement").any()
    assert np.isnan(table.loc[table["measure"] == "unlabelled", "median"].item())


def test_a_study_that_believes_the_labels_shows_the_audit_alone(post: xr.DataTree, tmp_path: Path) -> None:
    post["posterior"] = xr.DataTree(post["posterior"].to_dataset().drop_vars("confusion"))
    page, table = report(post, quality(RECORD, []), tmp_path)
    assert "takes labels for the true classes" in " ".join(page.words.split())
    assert table.loc[table["measure"] == "confusion", "median"].isna().all()


def test_drift_and_agreement_are_those_of_the_audit() -> None:
    by_year, p_value = drift_of(quality(None, []))
    assert by_year["audited"].tolist() == [200, 200]
    assert p_value < 1e-4
    assert agreement_of(quality(None, [])).accuracy.median == pytest.approx(0.8, abs=0.01)
