"""`reestim sbc`: from a study to ranks, coverage and figures; what cannot be is said before anything is computed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from reestim.cli.app import app

MODELS = Path(__file__).resolve().parents[2] / "models"


def sbc(*options: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["sbc", str(MODELS / "patents_only.toml"), *options])
    return result.exit_code, result.stdout, result.stderr


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    code, _, said = sbc("--out", str(tmp_path))
    assert code == 1
    assert "cannot go there" in said
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_part_that_is_none_is_refused(tmp_path: Path) -> None:
    for part in ("0/2", "3/2", "half", "1/", "-1/2"):
        code, _, said = sbc("--out", str(tmp_path / "c"), "--part", part)
        assert code == 1
        assert "--part" in said
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_it_calibrates_a_study_that_ships_and_goes_on(tmp_path: Path) -> None:
    options = ["--countries", "2", "-n", "3", "--draws", "20", "--tune", "40", "--chains", "1", "--ranked", "9"]
    code, out, _ = sbc(*options, "--out", str(tmp_path / "c"), "--json")
    assert code in (0, 2)  # three short chains may well be off
    found = json.loads(out)
    rows = {row["variable"]: row for row in found["rows"]}
    assert rows["welfare"]["elements"] == 10
    assert rows["sigma"]["elements"] == 10
    assert {"kappa", "confusion", "unit_deviation"} <= set(rows)
    fits = {path: path.stat().st_mtime_ns for path in (tmp_path / "c").glob("simulations/*/fit.nc")}
    assert len(fits) == 3
    files = {path.name for path in (tmp_path / "c").iterdir()}
    assert files >= {
        "coverage.csv",
        "ranks.csv",
        "ecdf.png",
        "ecdf.svg",
        "rank_counts.png",
        "recovery.png",
        "sbc.json",
        "design.json",
    }
    again, text, _ = sbc(*options, "--out", str(tmp_path / "c"))
    assert again == code
    assert "welfare" in text
    assert {path: path.stat().st_mtime_ns for path in fits} == fits
    more = [*options[:2], "-n", "9", *options[4:]]
    assert sbc(*more, "--out", str(tmp_path / "c"))[0] == 1  # another design
    parts = [sbc(*options, "--part", f"{k}/2", "--out", str(tmp_path / "p")) for k in (1, 2)]
    assert [code for code, *_ in parts] == [0, 0]
    assert "without --part" in parts[0][1]
    assert sbc(*options, "--out", str(tmp_path / "p"))[0] == code
    apart, at_once = (pd.read_csv(tmp_path / place / "ranks.csv") for place in ("p", "c"))
    pd.testing.assert_frame_equal(apart, at_once)
    assert sbc(*options, "--so-far", "--out", str(tmp_path / "c"))[0] == code
    assert sbc(*options, "--seed", "2", "--out", str(tmp_path / "c"))[0] == 1
