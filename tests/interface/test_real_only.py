"""The default study on the dataset that ships: from its files to a report in which nothing is simulated."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np

import reestim as ree
from reestim.estimate.inputs import unused_files
from reestim.pipeline import main_job
from reestim.pipeline.stages import Stages
from reestim.study.spec import Evidence

MODELS = Path(__file__).resolve().parents[2] / "models"
REAL = Path(__file__).resolve().parents[2] / "data" / "rare-earths-2010"


def test_the_dataset_has_nothing_simulated() -> None:
    data = ree.load_dataset(REAL)
    assert data.meta.synthetic == []
    assert data.meta.truth is None
    assert "patent_labels" not in data
    effects = data["event_study"]
    assert set(effects["outcome"]) == {"tfp", "patents"}
    assert not effects["verified"].any()  # an interpretation of printed words, with an error that is stated, not read
    assert (effects["std_error"] >= effects["estimate"]).all()


def test_files_that_a_study_leaves_aside_are_not_among_its_inputs() -> None:
    moments = {"published_moments"}  # off unless the study says
    assert unused_files(Evidence(patents=True, published_moments=True)) == set()
    assert unused_files(Evidence(patents=False)) == {"patent_labels", "label_audit"} | moments
    assert unused_files(Evidence(patents=True, label_error=False)) == {"label_audit"} | moments
    assert unused_files(Evidence(patents=True, event_outcomes=[])) == {"outcomes"} | moments


def test_it_runs_from_real_data_to_a_report_without_anything_synthetic(tmp_path: Path) -> None:
    job = main_job.read_job(MODELS / "substitution.toml", None, tmp_path / "run", quick=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        post, folder, page = main_job.run(job, seed=1, stages=Stages(), progress=False, command="reestim run")
    draws = post["posterior"].to_dataset()
    assert {"sigma", "kappa", "spillover", "adjustment_rate"} <= set(draws.data_vars)
    assert not {"confusion", "concentration"} & set(draws.data_vars)
    outcomes = [str(o) for o in post["constant_data"]["outcome"].values]
    assert set(outcomes) == {"exports", "tfp", "patents"}
    assert "USA all, imports of compounds 2011" in post["constant_data"]["use_observation"].values
    assert bool(np.isfinite(post["counterfactual"]["welfare"]).all())
    provenance = json.loads((folder / "run.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["synthetic"] == []
    said_none = "<dt>simulated inputs</dt><dd>none</dd>"
    text = re.sub(
        "<pre[^>]*>.*?</pre>", "", page.read_text(encoding="utf-8").lower(), flags=re.DOTALL
    )  # the study itself
    assert said_none in text
    text = text.replace(said_none, "")
    for word in ("synthetic", "simulated"):
        assert word not in text, word
