"""The command line with the heavy stages faked: exit codes, lists of problems, what is printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import reestim as ree
from reestim.errors import InputError, Problem
from tests.interface.faked_run import Run, folders
from tests.interface.test_spec import QUOTA, SPEC


@pytest.mark.usefixtures("faked")
def test_the_main_job(cli: Run, place: Path) -> None:
    done = cli("run", "study.toml", "--seed", "3")
    assert done.exit_code == 0, done.output
    (folder,) = folders(place)
    assert folder.name.endswith("-study")
    assert (folder / "report" / "report.html").is_file()
    run = json.loads((folder / "run.json").read_text())
    assert run["seed"] == 3
    assert run["quick"] is False
    assert run["provenance"]["dataset"] == "fake data"
    assert "quota_tonnes" in run["scenarios"]["china-quota-2010"]
    assert run["spec"]["text"] == (place / "study.toml").read_text()
    for stage in range(1, 9):
        assert f"{stage}/9 " in done.stderr
    for words in ("90 % equal-tailed", "Japan", "machinery", "79 of 80", "patent_labels.csv", "report.html"):
        assert words in done.stdout
    for words in ("equivalent variations added up", "The world", "P(gain)", "Share of the loss abroad"):
        assert words in done.stdout
    assert "QUICK" not in done.output


def test_quick_is_labelled_everywhere(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    done = cli("run", "study.toml", "--quick")
    assert done.exit_code == 0, done.output
    (folder,) = folders(place)
    assert "QUICK" in done.stdout
    assert "QUICK" in done.stderr
    assert json.loads((folder / "run.json").read_text())["quick"] is True
    assert "QUICK smoke run" in (folder / "report" / "report.html").read_text()
    kwargs = next(kwargs for name, _, kwargs in faked["calls"] if name == "counterfactual")
    assert kwargs["draws"] <= 20


def test_json_is_one_document(cli: Run, faked: dict[str, Any]) -> None:
    done = cli("run", "study.toml", "--json")
    result = json.loads(done.stdout)
    assert result["gates_passed"] is True
    assert {row["country"] for row in result["welfare"]} >= {"CHN", "JPN"}
    assert done.stderr == ""
    assert all(kwargs.get("progress", False) is False for _, _, kwargs in faked["calls"])


def test_a_failed_gate_is_saved_shown_and_exit_code_2(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    faked["gates"] = [{"gate": "divergences", "value": 7, "threshold": 0, "passed": False}]
    done = cli("run", "study.toml")
    assert done.exit_code == 2
    assert "FAILED" in done.stdout
    (folder,) = folders(place)
    assert "did not converge" in (folder / "report" / "report.html").read_text()


def test_a_gate_allowed_by_name_exits_0_and_is_still_said(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    faked["gates"] = [
        {"gate": "ess_tail", "value": 120.0, "threshold": 400.0, "passed": False},
        {"gate": "tree_depth", "value": 0.2, "threshold": 0.01, "passed": False},
    ]
    one = cli("fit", "study.toml", "--allow", "ess_tail")
    assert one.exit_code == 2
    both = cli("fit", "study.toml", "--allow", "ess_tail", "--allow", "tree_depth", "--out", "posteriors/allowed")
    assert both.exit_code == 0, both.output
    assert "did not converge" in both.output
    assert "by name" in both.output
    saved = json.loads((place / "posteriors" / "allowed" / "run.json").read_text())
    assert saved["allowed_gates"] == ["ess_tail", "tree_depth"]
    unknown = cli("fit", "study.toml", "--allow", "ess_tale")
    assert unknown.exit_code == 1
    assert "ess_tail" in unknown.output


def test_everything_wrong_is_listed_together(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    (place / "study.toml").write_text(SPEC.replace("sigma = 0.5", "sgima = 0.5").replace('"model.py"', '"modle.py"'))
    (place / "quota.toml").write_text(QUOTA.replace("30258", '"many"'))
    (place / "taken").mkdir()
    (place / "taken" / "thesis.txt").write_text("precious")
    bad = Problem("a negative flow", "Correct it.", file="trade.csv", row=12, column="value", value=-3)
    faked["raises"] = {"data": InputError([bad])}
    done = cli("run", "study.toml", "--out", "taken")
    assert done.exit_code == 1
    for words in ("'sigma'", "model.py", "quota_tonnes", "trade.csv, row 12, column 'value', value -3", "taken"):
        assert words in done.stderr
    assert "6 problems" in done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""
    problems = json.loads(cli("run", "study.toml", "--out", "taken", "--json").stdout)["problems"]
    assert len(problems) == 6
    assert {"file": "trade.csv", "row": 12, "column": "value", "value": -3}.items() <= problems[-2].items()
    assert (place / "taken" / "thesis.txt").read_text() == "precious"
    assert folders(place) == []


def test_a_scenario_that_does_not_fit_the_economy_stops_the_run_before_sampling(
    cli: Run, place: Path, faked: dict[str, Any]
) -> None:
    (place / "quota.toml").write_text(QUOTA.replace('"CHN"', '"CHINA"'))
    faked["raises"] = {"build": InputError([Problem("no prior for kappa", "Add [priors.kappa].")])}
    done = cli("run", "study.toml")
    assert done.exit_code == 1
    assert "CHINA" in done.stderr
    assert "quota.toml" in done.stderr
    assert "no prior for kappa" in done.stderr
    assert "fit" not in [name for name, _, _ in faked["calls"]]


@pytest.mark.usefixtures("faked")
def test_fit_then_counterfactual_then_report(cli: Run, place: Path) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    assert not (place / "posteriors" / "first" / "report").exists()
    done = cli("counterfactual", "first", "quota.toml")
    assert done.exit_code == 0, done.output
    (made,) = [folder for folder in folders(place) if folder.name != "first"]
    run = json.loads((made / "run.json").read_text())
    assert run["provenance"]["dataset"] == "fake data"
    assert (made / "report" / "report.html").is_file()
    done = cli("report", "first", "--json")
    assert Path(json.loads(done.stdout)["report"]).is_file()
    listed = cli("runs", "--json")
    assert {Path(run["path"]).name for run in json.loads(listed.stdout)} == {"first", made.name}
    assert "first" in cli("runs").stdout
    again = cli("fit", "study.toml", "--out", "posteriors/first")
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert cli("fit", "study.toml", "--out", "posteriors/first", "--overwrite").exit_code == 0


@pytest.mark.slow  # compiles for long
def test_a_transition_from_the_command_line(cli: Run, faked: dict[str, Any]) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    half = cli("counterfactual", "first", "quota.toml", "--from-year", "2009")
    assert half.exit_code == 1
    assert "--to-year" in half.stderr
    done = cli(
        "counterfactual",
        "first",
        "quota.toml",
        "--from-year",
        "2009",
        "--to-year",
        "2011",
        "--chunks",
        "kept",
        "--dask",
        "tcp://10.0.0.1:8786",
    )
    assert done.exit_code == 0, done.output
    kwargs = next(kwargs for name, _, kwargs in faked["calls"] if name == "counterfactual")
    assert list(kwargs["years"]) == [2009, 2010, 2011]
    assert kwargs["technology"] == ["fixed", "directed", "transition"]
    assert kwargs["store"] == Path("kept")
    assert kwargs["executor"] == "tcp://10.0.0.1:8786"


def test_a_run_that_is_not_there(cli: Run, place: Path) -> None:
    for command in (["report", "nothing"], ["counterfactual", "nothing", "quota.toml"]):
        done = cli(*command)
        assert done.exit_code == 1
        assert "no such run" in done.stderr
    assert "no runs" in cli("runs").stdout
    assert folders(place) == []


def test_a_broken_dataset_is_listed_by_data_check(cli: Run, place: Path, project: Path) -> None:
    broken = place / "broken"
    shutil.copytree(project / "data" / "simulated-2010", broken)
    trade = (broken / "trade.csv").read_text().splitlines()
    cells = trade[4].split(",")
    (broken / "trade.csv").write_text("\n".join([*trade[:4], ",".join([*cells[:3], "-1"]), *trade[5:]]) + "\n")
    (broken / "policy.csv").write_text((broken / "policy.csv").read_text().replace("export_tax", "exprt_tax"))
    done = cli("data", "check", "broken")
    assert done.exit_code == 1
    assert "trade.csv, row 5" in done.stderr
    assert "exprt_tax" in done.stderr
    assert "Traceback" not in done.output


def test_data_build_refuses_what_it_does_not_know(cli: Run, place: Path) -> None:
    done = cli(
        "data", "build", "--source", "exio", "--tables", ".", "--out", "new", "--mapping", "m.csv", "--all-regions"
    )
    assert done.exit_code == 1
    assert "2 problems" in done.stderr
    assert not (place / "new").exists()


@pytest.mark.slow  # a run
@pytest.mark.usefixtures("faked")
def test_scenario_files_of_one_name_in_two_folders_do_not_collide(cli: Run, place: Path) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    for folder in ("a", "b"):
        (place / folder).mkdir()
        (place / folder / "quota.toml").write_text(QUOTA.replace('"quota"', f'"quota-{folder}"'))
    done = cli("counterfactual", "first", "a/quota.toml", "b/quota.toml", "--out", "posteriors/second")
    assert done.exit_code == 0, done.output
    texts = json.loads((place / "posteriors" / "second" / "run.json").read_text())["scenarios"]
    assert set(texts) == {"quota-a", "quota-b"}
    assert "quota-b" in texts["quota-b"]


@pytest.mark.slow  # compiles for half a minute
def test_draws_are_carried_to_another_dataset_and_the_page_says_so_first(
    cli: Run, place: Path, faked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = SimpleNamespace(name="today", base_year=2023, synthetic=["outcomes.csv"], imputed=["trade.csv"], updated=[])
    other = SimpleNamespace(meta=meta, hash="456", path=place / "today", recalled=("trade.csv",))
    monkeypatch.setattr("reestim.pipeline.counterfactual_job.load_dataset", lambda _: other)
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    alone = cli("counterfactual", "first", "quota.toml", "--ratio-sd", "0.5")
    assert alone.exit_code == 1
    assert "--dataset" in alone.stderr
    done = cli("counterfactual", "first", "quota.toml", "--dataset", "today", "--ratio-sd", "0.5", "--out", "moved")
    assert done.exit_code == 0, done.output
    assert "estimated on fake data and carried to the economy of today (2023)" in done.stdout
    run = json.loads((place / "moved" / "run.json").read_text())
    assert run["transfer"]["ratio_sd"] == 0.5
    assert run["provenance"]["dataset"] == "fake data"
    page = (place / "moved" / "report" / "report.html").read_text()
    first = page.index('class="banner')
    assert "banner transfer" in page[first : first + 60]
    assert "today/outcomes.csv" in page
    assert "recalled from memory" in page
    solved = [args[2] for name, args, _ in faked["calls"] if name == "counterfactual"]
    estimate, post = ree.load("posteriors/first")["posterior"]["sigma"], ree.load("moved")
    assert float(abs(solved[-1]["posterior"]["sigma"] - estimate).max()) > 0.01
    assert bool((post["posterior"]["sigma"] == estimate).all())
    again = cli(
        "counterfactual", "moved", "quota.toml", "--out", "again"
    )  # goes on with the draws as they were carried
    assert again.exit_code == 0, again.output
    solved = [args[2] for name, args, _ in faked["calls"] if name == "counterfactual"]
    assert bool((solved[-1]["posterior"]["sigma"] == post["transferred"]["sigma"]).all())
    assert json.loads((place / "again" / "run.json").read_text())["transfer"]["dataset"] == "today"
