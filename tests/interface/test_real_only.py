"""The default study on the dataset that ships: from its files to a report in which nothing is simulated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import reestim as ree
from reestim.estimate.inputs import unused_files
from reestim.study.spec import Evidence, Spec
from tests.interface.quick_job import quick_job

REAL = Path(__file__).resolve().parents[2] / "data" / "rare-earths-2010"


def run_script(project: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's script, in another working directory, so that its folder does not land in the checkout."""
    (script,) = re.findall(r"```python\n(.*?)```", (project / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(place)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    exec(compile(script, "README.md", "exec"), {})


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


def assert_nothing_is_simulated(folder: Path) -> None:
    """Neither the record of a run nor its page knows a simulated input."""
    provenance = json.loads((folder / "run.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["synthetic"] == []
    said_none = "<dt>simulated inputs</dt><dd>none</dd>"
    (page,) = folder.rglob("report.html")
    text = page.read_text(encoding="utf-8").lower()
    text = re.sub("<pre[^>]*>.*?</pre>", "", text, flags=re.DOTALL)  # the study itself
    assert said_none in text
    text = text.replace(said_none, "")
    for word in ("synthetic", "simulated"):
        assert word not in text, word


@pytest.mark.slow  # a fit, a sweep and a report: a minute and a half
def test_the_script_of_the_readme_runs_from_real_data_to_a_report(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line is the README's; only the sampler's size in the study that it reads is smaller."""
    read_spec = ree.read_spec

    def small(path: str) -> Spec:
        spec = read_spec(path).quick()
        return spec.model_copy(update={"sampler": spec.sampler.model_copy(update={"draws": 10, "tune": 60})})

    monkeypatch.setitem(vars(ree), "read_spec", small)
    run_script(project, tmp_path, monkeypatch)
    post = ree.load(tmp_path / "posteriors" / "first")
    assert {"posterior", "counterfactual", "economy"} <= set(post.children)
    draws = post["posterior"].to_dataset()
    assert {"sigma", "kappa", "spillover", "adjustment_rate"} <= set(draws.data_vars)
    assert not {"confusion", "concentration"} & set(draws.data_vars)
    assert {str(o) for o in post["constant_data"]["outcome"].values} == {"exports", "tfp", "patents"}
    assert "USA all, imports of compounds 2011" in post["constant_data"]["use_observation"].values
    assert bool(np.isfinite(post["counterfactual"]["welfare"]).all())
    assert_nothing_is_simulated(tmp_path / "posteriors" / "first")


@pytest.mark.slow
def test_the_script_runs_as_printed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_script(project, tmp_path, monkeypatch)
    assert_nothing_is_simulated(tmp_path / "posteriors" / "first")


@pytest.mark.slow
def test_the_main_job_has_nothing_synthetic_either(tmp_path: Path) -> None:
    """With what the script leaves out: the equilibria of the prior, variance, findings."""
    quick_job(tmp_path / "run", "reestim run")
    assert_nothing_is_simulated(tmp_path / "run")
