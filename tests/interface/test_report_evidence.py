"""The evidence in a run and its report: exposure, event study, elements; also after a reload."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from reestim.evidence.groups import evidence_groups, studied
from reestim.study.spec import Evidence
from tests.economics.test_productivity import accounts
from tests.interface.test_report import PNG, Page


@pytest.fixture(scope="module")
def folder(fake_run: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a reloaded run whose evidence is that of the bundled dataset."""
    data = ree.load_dataset("simulated-2010")
    run = xr.DataTree.from_dict({"posterior": fake_run["posterior"].to_dataset()})
    run.attrs = fake_run.attrs
    run["economy"] = xr.DataTree(ree.Economy.from_dataset(data).ds)
    for name, group in evidence_groups(data, Evidence(), quick=True).items():
        run[name] = xr.DataTree(group)
    run["growth_accounting"] = xr.DataTree(ree.growth_accounting(accounts(1)))
    place = tmp_path_factory.mktemp("evidence")
    ree.save(run, place / "run")
    return ree.report(ree.load(place / "run"), place / "report").parent


def test_sections_pictures_and_tables(folder: Path) -> None:
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    targets = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {"exposure", "event-study", "elements", "productivity", "labels"} <= targets
    assert {a["href"] for a in page.all("a")} <= {f"#{t}" for t in targets}
    pictures = {p.stem for p in (folder / "figures").iterdir()}
    wanted = {
        "exposure",
        "element_similarity",
        "productivity",
        *(f"event_study_{o}" for o in ("exports", "tfp", "patents")),
    }
    assert wanted <= pictures
    assert all(p.read_bytes().startswith(PNG) for p in (folder / "figures").glob("*.png"))
    assert len(page.all("img")) == len(pictures)
    assert all(len(img["alt"] or "") > 60 for img in page.all("img"))
    words = " ".join(page.words.split())
    assert re.findall(r"[-+]?\bnan\b", words) == [], "a cell that is not known says why"
    assert "SIMULATED, no finding about the world: outcomes.csv, patent_labels.csv" in words
    assert "All hold; the largest relative gap is" in words
    assert "clustered by country-sector" in words
    tables = folder / "tables"
    assert pd.read_csv(tables / "exposure_sectors.csv")["sector"][0] == "electrical_optical"
    assert set(pd.read_csv(tables / "event_study_summary.csv")["estimator"]) == {"two_way"}
    assert pd.read_csv(tables / "split_identities.csv")["holds"].all()
    assert len(pd.read_csv(tables / "element_similarity.csv")) == 10


def test_only_the_outcomes_that_a_study_uses_are_shown() -> None:
    data = ree.load_dataset("simulated-2010")
    assert studied(data, Evidence().settled(data.tables)) == ["exports", "tfp", "patents"]
    assert studied(data, Evidence(event_study=False).settled(data.tables)) == ["patents"]
    assert studied(data, Evidence(patents=False, event_outcomes=["exports"])) == ["exports"]
    assert studied(data, Evidence(patents=False, event_study=False)) == []


def test_the_picture_of_growth_accounting(tmp_path: Path) -> None:
    accounts(1).to_csv(tmp_path / "growth_accounts.csv", index=False)
    runner = typer.testing.CliRunner()
    said = runner.invoke(app, ["tfp", str(tmp_path / "growth_accounts.csv"), "--figure", str(tmp_path / "tfp.svg")])
    assert said.exit_code == 0, said.output
    assert (tmp_path / "tfp.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
    for wrong in ("tfp.svg", "tfp.gif"):
        said = runner.invoke(app, ["tfp", str(tmp_path / "growth_accounts.csv"), "--figure", str(tmp_path / wrong)])
        assert said.exit_code == 1
    assert not (tmp_path / "tfp.gif").exists()
