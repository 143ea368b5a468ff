"""``reestim label`` and ``reestim audit``: from patents to the files of a dataset, people in between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing
import xarray as xr

from reestim.cli.app import app
from reestim.data.dataset import check_dataset, load_dataset
from reestim.data.tables import check_table
from reestim.io.resources import SIMULATED
from reestim.labels.patents import read_corpus


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patents (the corpus without its labels) and the labels of the offline labeller."""
    folder = tmp_path_factory.mktemp("labels")
    read_corpus().drop(columns=["human_label", "hard"]).to_json(folder / "patents.jsonl", orient="records", lines=True)
    said = reestim("label", folder, "--out", folder / "labels")
    assert said.exit_code == 0, said.output
    return folder


@pytest.mark.slow  # a dataset is made
def test_what_was_counted_is_set_beside_all_patents(folder: Path, tmp_path: Path) -> None:
    table = pd.read_json(folder / "patents.jsonl", lines=True).head(120)
    japan = table.assign(country="JPN", sector="mineral_products", year=2009)
    japan.to_csv(tmp_path / "patents.csv", index=False)
    said = reestim("label", tmp_path / "patents.csv", "--out", tmp_path / "labels", "--synthetic")
    assert said.exit_code == 0, said.output
    words = " ".join(said.output.split())
    assert "inventions of all kinds granted in the same countries, sectors and years: 1 in" in words
    assert "not in the file: CHN" in words
    about = json.loads((tmp_path / "labels" / "patent_labels.json").read_text())["plausibility"]
    number = sum(n for label, n in about_labels(tmp_path).items() if label != "unrelated")
    assert about["on_rare_earths"] == number == about["by_country"]["JPN"]["number"]


def about_labels(place: Path) -> dict[str, int]:
    return json.loads((place / "labels" / "patent_labels.json").read_text())["labels"]


def people(sample: Path) -> None:
    """People who label as the corpus says."""
    truth = read_corpus().set_index("patent_id")["human_label"]
    table = pd.read_csv(sample, keep_default_na=False)
    table.assign(human_label=table["patent_id"].map(truth)).to_csv(sample, index=False)


def dataset_file(path: Path) -> pd.DataFrame:
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    cells.index = range(2, len(cells) + 2)
    table, problems, _ = check_table(path.stem, cells)
    assert problems == []
    return table


def test_labels_are_files_of_a_dataset(folder: Path) -> None:
    counts = dataset_file(folder / "labels" / "patent_labels.csv")
    assert counts["count"].sum() == len(read_corpus())
    about = json.loads((folder / "labels" / "patent_labels.json").read_text())
    assert about["labeller"] == "offline"
    assert about["cross_validation"]["macro_f1"] > 0.9
    again = reestim("label", folder, "--out", folder / "labels")
    assert again.exit_code == 1
    assert "already" in again.output


@pytest.mark.parametrize("design", ["by_label", "random", "by_class", "by_confidence"])
def test_audit_round_trip(folder: Path, tmp_path: Path, design: str) -> None:
    labels, patents = folder / "labels", folder / "patents.jsonl"
    if design == "by_class":
        patents = tmp_path / "known.csv"
        read_corpus().to_csv(patents, index=False)
    sample, out = tmp_path / "sample.csv", tmp_path / "label_audit.csv"
    said = reestim("audit", "draw", labels, patents, "--design", design, "--size", 160, "--out", sample)
    assert said.exit_code == 0, said.output
    drawn = pd.read_csv(sample, keep_default_na=False)
    assert len(drawn) == 160
    assert "machine" not in " ".join(drawn.columns)
    if design != "by_class":
        assert set(drawn["human_label"]) == {""}
        refused = reestim("audit", "read", sample, labels, "--out", out)
        assert refused.exit_code == 1
        assert "no human label" in refused.output
        assert not out.exists()
    people(sample)
    said = reestim("audit", "read", sample, labels, "--out", out, "--by-year", tmp_path / "years.csv", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    audit = dataset_file(out)
    assert found["drawn"] == design
    assert found["audited"] == 160
    if design == "by_confidence":
        assert set(audit["design"]) == {"by_label"}
        assert audit["count"].sum() <= 160
    else:
        assert set(audit["design"]) == {design}
        assert audit["count"].sum() == 160
    fixed = {"by_label": "machine_label", "by_class": "human_label"}.get(design)
    if fixed:
        assert audit.groupby(fixed, observed=True)["count"].sum().tolist() == [40] * 4
    assert found["agreement"]["kappa"]["low"] < found["agreement"]["kappa"]["median"]
    assert pd.read_csv(tmp_path / "years.csv")["audited"].sum() == 160


def test_labelling_again_with_a_sample_is_recommended_and_said(folder: Path, tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    patents = tmp_path / "some.csv"
    read_corpus().drop(columns=["human_label", "hard"]).sample(60, random_state=1).to_csv(patents, index=False)
    first = reestim("label", patents, "--out", tmp_path / "first")
    assert "--sample" in first.output
    said = reestim("audit", "draw", folder / "labels", folder, "--size", 40, "--out", sample)
    assert "design by_confidence" in said.output  # the labels say how sure they are
    people(sample)
    again = reestim("label", patents, "--sample", sample, "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    assert "learnt from 40 texts of yours, each worth 3" in " ".join(again.output.split())


def test_a_sample_by_label_belongs_to_its_labels(folder: Path, tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    reestim("audit", "draw", folder / "labels", folder, "--size", 40, "--out", sample)
    people(sample)
    table = pd.read_csv(sample).assign(drawn_from="another")
    table.to_csv(sample, index=False)
    said = reestim("audit", "read", sample, folder / "labels", "--out", tmp_path / "a.csv")
    assert said.exit_code == 1
    assert "drawn by other labels" in said.output


def test_an_audit_can_be_planned_from_a_run(post: xr.DataTree, tmp_path: Path) -> None:
    import reestim as ree

    rng = np.random.default_rng(1)
    draws = post["posterior"].to_dataset()
    shape = (draws.sizes["chain"], draws.sizes["draw"], 4, 4)
    pi = xr.DataArray(rng.dirichlet(np.ones(4) * 9, shape[:3]), dims=("chain", "draw", "true_label", "machine_label"))
    tree = post.copy()
    tree["posterior"] = xr.DataTree(draws.assign(confusion=pi))
    tree["label_quality"] = xr.DataTree(xr.Dataset({"audited": ("x", np.array([200]))}))
    ree.save(tree, tmp_path / "run")
    said = reestim("audit", "plan", tmp_path / "run", "--width", 0.01, "--json")
    assert said.exit_code == 0, said.output
    plans = json.loads(said.output)["plans"]
    assert set(plans) == {str(s) for s in draws["sector"].values}
    for plan in plans.values():
        assert plan["audited"] == 200
        assert plan["floor"] <= plan["width"]
        assert plan["table"][0]["width"] == pytest.approx(plan["width"])
    assert reestim("audit", "plan", tmp_path / "run").exit_code == 0
    assert reestim("audit", "plan", tmp_path / "run", "--of", "welfare").exit_code == 0
    assert reestim("audit", "plan", tmp_path / "run", "--of", "colour").exit_code == 1
    ree.save(post, tmp_path / "other")
    refused = reestim("audit", "plan", tmp_path / "other")
    assert refused.exit_code == 1
    assert "no audited labels" in refused.output


def test_bad_input_is_words(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"patent_id": "a"}\nnot json\n')
    said = reestim("label", tmp_path / "p.jsonl", "--out", tmp_path / "labels")
    assert said.exit_code == 1
    assert "not JSON" in said.output
    assert "column 'abstract'" in said.output
    assert reestim("label", folder, "--labeller", "oracle", "--out", tmp_path / "l").exit_code == 1
    assert reestim("label", folder, "--out", folder).exit_code == 1
    assert [p.name for p in tmp_path.iterdir()] == ["p.jsonl"]
    unknown = reestim("audit", "draw", folder / "labels", folder, "--design", "whim", "--out", tmp_path / "s.csv")
    assert unknown.exit_code == 1


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one's own (the bundled one, its simulated patents replaced by labelled ones), and the labels."""
    place = tmp_path_factory.mktemp("study")
    shutil.copytree(SIMULATED, place / "data")
    patents = read_corpus().drop(columns=["human_label", "hard"])
    patents = patents.assign(country="JPN", sector=load_dataset(place / "data").goods[5], year=patents.index % 4 + 2006)
    patents.to_csv(place / "patents.csv", index=False)
    toml = (place / "data" / "dataset.toml").read_text()
    real = [line for line in toml.splitlines() if line.strip(' ",') not in ("patent_labels.csv", "label_audit.csv")]
    assert len(real) == len(toml.splitlines()) - 2
    (place / "data" / "dataset.toml").write_text("\n".join(real) + "\n")
    (place / "simulated.toml").write_text(toml)
    assert reestim("label", place / "patents.csv", "--out", place / "labels").exit_code == 0
    assert reestim("audit", "draw", place / "labels", place / "patents.csv", "--out", place / "s.csv").exit_code == 0
    people(place / "s.csv")
    audit = place / "data" / "label_audit.csv"
    assert reestim("audit", "read", place / "s.csv", place / "labels", "--out", audit, "--overwrite").exit_code == 0
    for name in ("patent_labels.csv", "patent_labels.json"):
        shutil.copy(place / "labels" / name, place / "data" / name)
    return place


def test_labels_and_audit_make_a_dataset_that_passes(study: Path) -> None:
    said = reestim("data", "check", study / "data")
    assert said.exit_code == 0, said.output
    data = load_dataset(study / "data")
    assert data.label_record is not None
    assert data.label_record["labeller"] == "offline"
    assert data.label_record["synthetic"] is False
    assert set(data["label_audit"]["year"]) == {2006, 2007, 2008, 2009}
    assert "patent_labels.csv" not in data.meta.synthetic


def test_a_dataset_cannot_pass_made_patents_for_observed_ones(study: Path, tmp_path: Path) -> None:
    data = shutil.copytree(study / "data", tmp_path / "data")
    toml = (data / "dataset.toml").read_text()
    record = json.loads((data / "patent_labels.json").read_text())
    (data / "patent_labels.json").write_text(json.dumps(record | {"synthetic": True}))
    problems = check_dataset(data)
    assert [(p.file, p.column, p.value) for p in problems] == [
        ("dataset.toml", "synthetic", "patent_labels.csv"),
        ("dataset.toml", "synthetic", "label_audit.csv"),
    ]
    shutil.copy(study / "simulated.toml", data / "dataset.toml")
    assert check_dataset(data) == []
    (data / "patent_labels.json").write_text(json.dumps(record))
    assert ["observed patents" in p.message for p in check_dataset(data)] == [True]
    (data / "dataset.toml").write_text(toml)
    (data / "patent_labels.json").write_text(json.dumps(record | {"labels": record["labels"] | {"using": 1}}))
    assert ["counts by label differ" in p.message for p in check_dataset(data)] == [True]
    spoiled = [{"unlabelled": -1}, {"plausibility": {"sentences": "few"}}]
    for broken in ("{", *(json.dumps(record | one) for one in spoiled), "[]"):
        (data / "patent_labels.json").write_text(broken)
        assert [p.file for p in check_dataset(data)] == ["patent_labels.json"]
    before = load_dataset(study / "data").hash
    (study / "data" / "patent_labels.json").write_text(json.dumps(record))  # the same, laid out otherwise
    assert load_dataset(study / "data").hash != before
