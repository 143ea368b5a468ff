"""``reestim audit slopes``: the same audit read twice, and people who disagree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import typer.testing

from reestim.cli.app import app
from reestim.dims import LABELS
from reestim.io.resources import SIMULATED
from reestim.labels.labelling import Labelled, write_labels


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, [*map(str, arguments)])


def study(folder: Path, n: int = 1500) -> tuple[Path, Path]:
    """Labels of made patents in the bundled world, a tenth of them wrong, and a sample that two people judged."""
    rng = np.random.default_rng(1)
    known = pd.read_csv(SIMULATED / "patent_labels.csv")[["country", "sector", "year"]].drop_duplicates()
    cells = known.sample(n, replace=True, random_state=1).reset_index(drop=True)
    patents = [f"p{i}" for i in range(n)]
    true = rng.choice(LABELS, n)
    label = np.where(rng.random(n) < 0.1, rng.choice(LABELS, n), true)
    table = cells.assign(patent_id=patents, label=label, probability=np.nan, reason="")
    about = {"labeller": "test", "model": "test", "synthetic": True, "labels": {}, "patents": n, "unlabelled": 0}
    labelled = Labelled(table[["patent_id", "country", "sector", "year", "label", "probability", "reason"]], about)
    write_labels(labelled, folder / "labels")
    chosen = rng.permutation(n)[:400]
    other = np.where(rng.random(n) < 0.05, rng.choice(LABELS, n), true)
    sample = cells.assign(patent_id=patents, title="t", abstract="a", human_label=true, human_label_2=other)
    sample = sample.assign(design="random", drawn_from=labelled.hash).iloc[chosen]
    sample.to_csv(folder / "sample.csv", index=False)
    return folder / "labels", folder / "sample.csv"


def test_slopes_by_the_model_and_by_design_stand_side_by_side(tmp_path: Path) -> None:
    labels, sample = study(tmp_path)
    said = reestim("audit", "slopes", sample, labels, "--dataset", "simulated-2010", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert {(r["class"], r["estimate"]) for r in found["slopes"]} == {
        (label, name) for label in LABELS[1:] for name in ("believed", "one confusion", "by design")
    }
    by = {(r["class"], r["estimate"]): r["slope"] for r in found["slopes"]}
    for row in found["difference"]:
        assert row["difference"] == by[row["class"], "by design"] - by[row["class"], "one confusion"]
    assert 0 <= found["p_value"] <= 1
    words = reestim("audit", "slopes", sample, labels, "--dataset", "simulated-2010").output
    assert "By design less one confusion" in words
    assert "400 audited" in words


def test_two_people_are_read_together(tmp_path: Path) -> None:
    labels, sample = study(tmp_path)
    said = reestim("audit", "read", sample, labels, "--out", tmp_path / "label_audit.csv")
    assert said.exit_code == 0, said.output
    assert "human_label_2" in said.output
    cells = pd.read_csv(tmp_path / "label_audit.csv")
    assert cells["count"].sum() == 400
    assert {"country", "sector", "year"} <= set(cells)
    table = pd.read_csv(sample, keep_default_na=False)
    table.loc[table.index[0], ["human_label", "human_label_2"]] = ["", "maybe"]
    table.to_csv(sample, index=False)
    refused = reestim("audit", "read", sample, labels, "--out", tmp_path / "other.csv")
    assert "unknown label" in refused.output
    table.loc[table.index[0], "human_label_2"] = ""
    table.to_csv(sample, index=False)
    assert "no human label" in reestim("audit", "read", sample, labels, "--out", tmp_path / "other.csv").output


def test_a_sample_by_class_has_no_chances(tmp_path: Path) -> None:
    labels, sample = study(tmp_path)
    pd.read_csv(sample).assign(design="by_class").to_csv(sample, index=False)
    refused = reestim("audit", "slopes", sample, labels, "--dataset", "simulated-2010")
    assert refused.exit_code == 1
    assert "no known chances" in refused.output
