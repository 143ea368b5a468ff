"""Refits: each changes one thing, what moved is said in standard deviations, and nothing is fitted twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from typer.testing import CliRunner

import reestim as ree
from reestim.cli.app import app
from reestim.errors import InputError
from reestim.estimate.inputs import model_inputs
from reestim.io.json_text import json_text
from reestim.pipeline import refits as refitting
from reestim.pipeline.refits import NO_LABEL_NOISE, PLACEBO, Refit, possible_refits
from reestim.reports.sections import refits as sections
from reestim.runs.identity import mismatches, study_of
from reestim.runs.record import RunRecord

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def data() -> ree.data.dataset.Dataset:  # pyright: ignore
    return ree.load_dataset("simulated-2010")


@pytest.mark.filterwarnings("ignore")
def test_a_refit_changes_one_thing(data: Any) -> None:
    spec = ree.read_spec(MODELS / "substitution.toml")
    found = {refit.name: refit for refit in possible_refits(spec, data)}
    assert set(found) >= {"without-metals", "without-machinery", PLACEBO, NO_LABEL_NOISE}

    out = found["without-metals"].data
    for stem in ("patent_labels", "outcomes"):
        kept = data[stem].query("sector != 'metals'").reset_index(drop=True)
        assert out[stem].equals(kept)
        assert len(kept) < len(data[stem])
    assert out["ree_use_panel"].equals(data["ree_use_panel"]), "the use of all sectors together stays"
    assert "metals" in out.goods, "σ of metals is left to its properties, and welfare needs it"

    placebo = found[PLACEBO]
    inputs = model_inputs(placebo.spec, placebo.data)
    year = placebo.data.meta.policy_year
    assert year + int(inputs["last_event_time"].max()) < data.meta.policy_year, "no year from the policy on"
    assert str(year) in placebo.change
    assert int(inputs["patent_count"].sum()) == data["patent_labels"]["count"].sum()

    exact = found[NO_LABEL_NOISE]
    assert not exact.spec.evidence.label_error
    assert exact.spec.model_path == spec.model_path
    assert exact.spec.hash != spec.hash


@pytest.fixture
def faked(post: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A run of a study with two refits, whose fits take no time: ``moves`` says by how many sd σ and κ move."""
    told: dict[str, Any] = {"fits": [], "moves": {"without-machinery": 2.0, NO_LABEL_NOISE: 0.1}, "raises": {}}
    (tmp_path / "model.py").write_text("def build(data, priors): ...\n")
    (tmp_path / "study.toml").write_text('name = "study"\nmodel = "model.py"\ndataset = "x"\n')
    spec = ree.read_spec(tmp_path / "study.toml")
    known = [
        Refit("without-machinery", "without the evidence of machinery", spec, "without", "machinery"),  # type: ignore[arg-type]
        Refit(NO_LABEL_NOISE, "with labels taken for the true classes", spec, "exact"),  # type: ignore[arg-type]
    ]
    names = {"without": "without-machinery", "exact": NO_LABEL_NOISE}
    monkeypatch.setattr(refitting, "study_of", lambda *_: (spec, None))
    monkeypatch.setattr(refitting, "possible_refits", lambda *_: known)
    monkeypatch.setattr("reestim.estimate.fit.build", lambda _, data: names[data])

    def fit(name: str, *_: Any, **__: Any) -> xr.DataTree:
        told["fits"].append(name)
        if name in told["raises"]:
            raise told["raises"][name]
        again = post["posterior"].to_dataset()
        for moved in ("kappa", "sigma"):
            again[moved] = again[moved] + told["moves"][name] * again[moved].std(("chain", "draw"))
        tree = xr.DataTree.from_dict({"posterior": again})
        tree.attrs["gates"] = json_text({"passed": name != NO_LABEL_NOISE})
        return tree

    monkeypatch.setattr("reestim.estimate.fit.fit", fit)
    monkeypatch.setattr("reestim.reports.build.report", lambda *_: None)
    RunRecord.of(post).updated({"spec": {"name": "study", "hash": "abc", "model_sha256": "def"}}).attached(post)
    ree.save(post, tmp_path / "run")
    return told


def test_what_moved_is_said_and_nothing_is_fitted_twice(faked: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    faked["raises"] = {NO_LABEL_NOISE: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        ree.refits(run, progress=False)
    faked["raises"] = {}
    done = CliRunner().invoke(app, ["check", str(run), "--refit"])
    assert faked["fits"] == ["without-machinery", NO_LABEL_NOISE, NO_LABEL_NOISE], "the first was whole"
    assert "without the evidence of machinery: done already" in done.output
    assert "κ MOVES by +2.00 sd" in done.output
    assert "σ machinery without its own evidence is" in done.output
    assert "κ hardly moves" in done.output
    assert "THIS REFIT DID NOT CONVERGE" in done.output
    back = ree.load(run)
    shift = back["refits"]["shift"].sel(refit="without-machinery")
    assert float(shift.sel(quantity="sigma[electronics]")) == pytest.approx(2.0)
    assert float(shift.sel(quantity="spillover")) == pytest.approx(0.0)
    section = sections.section(back, sections.tables(back))
    assert section is not None
    assert "MOVES by +2.00 sd" in str(section.blocks)
    inside = run / "refits" / "without-machinery"
    assert ree.load(inside)["posterior"]["kappa"].sizes == back["posterior"]["kappa"].sizes
    refit = json.loads((inside / "run.json").read_text())
    (inside / "run.json").write_text(json.dumps(refit | {"refit": refit["refit"] | {"data": "other"}}))
    ree.refits(run, ["without-machinery"], progress=False)
    assert len(faked["fits"]) == 4, "of other data: done again"


def test_a_refit_that_is_not_possible_stops_no_other(faked: dict[str, Any], tmp_path: Path) -> None:
    from reestim.errors import Problem

    faked["raises"] = {"without-machinery": InputError(Problem("the event study has no outcome", "Add one"))}
    post = ree.refits(tmp_path / "run", progress=False)
    words = ree.check_run(post)[-1].sentences
    assert any("without machinery: not possible" in w and "no outcome" in w for w in words)
    assert post["refits"]["refit"].values.tolist() == [NO_LABEL_NOISE]
    with pytest.raises(InputError, match=r"no such refit.*without-machinery"):
        ree.refits(tmp_path / "run", ["without-machinry"], progress=False)


def test_a_run_of_another_study_or_other_data_is_refused_in_words(data: Any, tmp_path: Path) -> None:
    spec = ree.read_spec(MODELS / "substitution.toml")
    texts = {"china-quota-2010": (MODELS / "scenarios" / "china-quota-2010.toml").read_text(encoding="utf-8")}
    from reestim.runs.identity import sha256

    run = {
        "spec": {"hash": spec.hash, "path": str(spec.path), "model_sha256": sha256(spec.model_path)},
        "provenance": {"hash": data.hash, "path": str(data.path)},
        "scenarios": texts,
        "seed": 1,
        "quick": False,
        "reestim": ree.__version__,
    }
    assert mismatches(RunRecord.read(run), spec, data, seed=1) == []
    assert mismatches(RunRecord.read(run | {"scenarios": {"elsewhere": "text"}}), spec) == [], (
        "carried through others since"
    )
    other = run | {
        "spec": {"hash": "1", "text": "", "model_sha256": "2"},
        "provenance": {"hash": "3"},
        "seed": 7,
        "scenarios": {"china-quota-2010": "another text"},
        "reestim": "9.9",
    }
    said = " ".join(map(str, mismatches(RunRecord.read(other), spec, data, seed=1)))
    for part in (
        "another version of the study",
        "model file",
        "scenario china-quota-2010",
        "other data",
        "--seed 7",
        "9.9",
    ):
        assert part in said
    assert "smoke run" in str(mismatches(RunRecord.read(run | {"quick": True}), spec)[0])
    gone = run | {
        "spec": run["spec"] | {"path": "no.toml", "file": "gone.toml"},
        "provenance": {"hash": "1", "path": "no"},
    }
    with pytest.raises(InputError, match=r"--spec FILE(.|\n)*--dataset FOLDER"):
        study_of(RunRecord.read(gone))
    with pytest.raises(InputError, match="does not say what study"):
        study_of(RunRecord())
