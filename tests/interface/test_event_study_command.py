"""``reestim event-study``: table, files, JSON, one list of errors and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, ["event-study", "simulated-2010", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, typer.testing.Result]:
    out = tmp_path_factory.mktemp("event") / "new"
    return out, reestim("--outcome", "exports", "--outcome", "patents", "--countries", "JPN KOR USA", "--out", out)


def test_files_and_words(folder: tuple[Path, typer.testing.Result]) -> None:
    out, said = folder
    assert said.exit_code == 0, said.output
    assert {p.name for p in out.iterdir()} == {
        "event_study_effects.csv",
        "event_study_summary.csv",
        "event_study_placebos.csv",
        *(f"event_study_{name}.{kind}" for name in ("exports", "patents") for kind in ("png", "svg")),
    }
    assert "SIMULATED" in said.output
    assert "90 % equal-tailed" in said.output
    summary = pd.read_csv(out / "event_study_summary.csv")
    assert set(summary["outcome"]) == {"exports", "patents"}
    assert (summary["low"] < summary["estimate"]).all()
    assert (summary["estimate"] < summary["high"]).all()
    again = reestim("--out", out)
    assert again.exit_code == 1
    assert "nothing is overwritten" in again.output


def test_json() -> None:
    said = reestim("--outcome", "tfp", "--countries", "JPN USA", "--no-placebo", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert found["simulated"] == ["outcomes.csv"]
    assert {row["outcome"] for row in found["event_study_effects"]} == {"tfp"}
    assert found["event_study_placebos"] == []


def test_wrong_choices(tmp_path: Path) -> None:
    said = reestim("--outcome", "profit", "--countries", "JPM", "--cluster", "none", "--out", tmp_path / "new")
    assert said.exit_code == 1
    for word in ("'profit'", "'JPM'", "'none'"):
        assert word in said.output
    assert list(tmp_path.iterdir()) == []
