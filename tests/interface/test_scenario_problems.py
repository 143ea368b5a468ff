"""Scenario files with mistakes: all of a file in one list, each with its line and its key as the file has it."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

import reestim as ree
from reestim.pipeline.scenario_fit import read_scenarios
from reestim.study.scenario_file import check_scenario
from tests.interface.faked_run import Run

WRONG = """\
name = "wrong"
horizon = "moths"

[[export_quota]]
exporter = "China"
elements = ["Nd", "Xx"]
quantity_change = 0.5

[[export_quota]]
exporter = "CHN"
elements = "all"
quota_tones = 30258
baseline_tonnes = 56939

[[tariff]]
rate = 10
exporter = "JPM"
"""


def said(path: Path, economy: ree.Economy) -> list[str]:
    return [str(problem) for problem in read_scenarios([path], economy)[1]]


def test_all_problems_of_a_file_come_in_one_list_with_line_and_key(tmp_path: Path, post: xr.DataTree) -> None:
    """What the file says wrong, and what of the rest does not fit the economy; the tables keep their numbers."""
    file = tmp_path / "wrong.toml"
    file.write_text(WRONG)
    found = said(file, ree.Economy(post["economy"].to_dataset()))
    places = [
        "line 2, key 'horizon', value 'moths'",
        "line 12, [[export_quota]] 2, key 'quota_tones': this key is unknown. Did you mean 'quota_tonnes'?",
        "line 9, [[export_quota]] 2, key 'quota_tonnes': this key is missing",
        "line 16, [[tariff]] 1, key 'rate', value 10",
        "line 5, [[export_quota]] 1, key 'exporter', value 'China': [[export_quota]] names an unknown exporter. "
        "China is CHN.",
        "line 6, [[export_quota]] 1, key 'elements', value 'Xx'",
        "line 17, [[tariff]] 1, key 'exporter', value 'JPM': [[tariff]] names an unknown exporter. Did you mean 'JPN'?",
    ]
    for place in places:
        assert [line for line in found if f"{file}, {place}" in line], (place, found)
    assert not [line for line in found if "ExportQuota" in line]


def test_a_mine_that_does_not_fit_has_its_line(tmp_path: Path, post: xr.DataTree) -> None:
    file = tmp_path / "mine.toml"
    text = 'name = "m"\n[[mine]]\ncountry = "NOW"\nelements = "Dy"\nshare_of_world = 0.01\n'
    file.write_text(text + '[[supply_shock]]\ncountry = "CHN"\nelements = "all"\nquantity_change = 2.0\n')
    found = said(file, ree.Economy(post["economy"].to_dataset()))
    assert any("line 3, [[mine]] 1, key 'country', value 'NOW'" in line for line in found)


def test_a_file_that_is_not_there_is_looked_for_in_the_folders_below(project: Path) -> None:
    (problem,) = check_scenario(project / "models" / "scenarios" / "april-2025.toml")
    assert problem.advice == "Did you mean 'today/april-2025.toml'?"
    (problem,) = check_scenario(project / "models" / "scenarios" / "nope.toml")
    assert "today/october-2025.toml" in problem.advice


def test_files_are_read_before_the_run_is_opened(cli: Run, place: Path) -> None:
    (place / "wrong.toml").write_text(WRONG)
    done = cli("counterfactual", "no-such-run", "wrong.toml", "nope.toml")
    assert done.exit_code == 1
    for words in ("no such run", "'moths'", "quota_tones", "nope.toml: there is no such file"):
        assert words in done.stderr
