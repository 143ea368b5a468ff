"""Evidence that cannot be used is refused before anything is computed, everything in one list, with what to do."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.io.resources import SIMULATED
from reestim.pipeline.job import read_job

STUDY = """
name = "bad"
based_on = "substitution.toml"

[sampler]
name = "blackjax"

[priors.kappa]
distribution = "Normal"
mu = 1.0
sigma = 0.5
"""
EFFECTS = """outcome,event_time,estimate,std_error
exports,0,0.01,0.01
exports,1,0.02,0.01
"""
COVARIANCE = """outcome,event_time,other_outcome,other_event_time,covariance
exports,0,exports,1,0.5
"""


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    """The bundled dataset with counts that are not whole, an unknown label, no design, a covariance that is none."""
    folder = tmp_path / "data"
    shutil.copytree(SIMULATED, folder)
    counts = pd.read_csv(folder / "patent_labels.csv").astype({"count": float})
    counts.loc[3, "count"] = 1.5
    counts.loc[5, "label"] = "improving"
    counts.to_csv(folder / "patent_labels.csv", index=False)
    pd.read_csv(folder / "label_audit.csv").drop(columns="design").to_csv(folder / "label_audit.csv", index=False)
    (folder / "event_study.csv").write_text(EFFECTS)
    (folder / "event_study_covariance.csv").write_text(COVARIANCE)
    return folder


def test_all_of_it_comes_in_one_list_before_anything_runs(
    spoiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    shutil.copytree(Path(__file__).resolve().parents[2] / "models", models)
    (models / "bad.toml").write_text(STUDY)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "blackjax" else find(name, *a))
    with pytest.raises(InputError) as caught:
        read_job(models / "bad.toml", spoiled, None)
    problems = caught.value.problems

    def said(file: str, *words: str) -> bool:
        lines = [str(p) for p in problems if p.file and Path(p.file).name == file and p.advice]
        return any(all(word in line for word in words) for line in lines)

    assert said("patent_labels.csv", "row 5", "1.5")
    assert said("patent_labels.csv", "row 7", "improving", "enhancing")
    assert said("label_audit.csv", "design")
    assert said("event_study_covariance.csv", "positive definite")
    assert said("bad.toml", "priors.kappa", "LogNormal")
    assert said("bad.toml", "sampler.name", "not installed", "nutpie")
