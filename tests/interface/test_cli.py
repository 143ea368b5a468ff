"""The command line with the heavy stages faked: exit codes, lists of problems, whole or absent folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click.testing
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli import app
from reestim.errors import EquilibriumError, InputError, Problem, UnsolvedDrawsError
from tests.interface.conftest import DRAWS
from tests.interface.test_spec import QUOTA, SPEC

Run = Callable[..., click.testing.Result]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sound study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("def build(data, priors): ...\n")
    (tmp_path / "quota.toml").write_text(QUOTA.replace('"quota"', '"china-quota-2010"'))
    (tmp_path / "study.toml").write_text(SPEC + f"\n[sampler]\ndraws = {DRAWS}\nchains = 2\n")
    return tmp_path


@pytest.fixture
def faked(place: Path, post: xr.DataTree, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Data, fit and equilibria that take no time; set ``raises`` or ``gates`` to make one of them go wrong."""
    told: dict[str, Any] = {"calls": []}
    meta = SimpleNamespace(
        name="fake data", base_year=2008, policy_year=2010, synthetic=["patent_labels.csv"], imputed=[], notes=[]
    )
    economy = ree.Economy(post["economy"].to_dataset())
    counted = post["counterfactual"].to_dataset()

    def step(name: str, result: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            told["calls"].append((name, args, kwargs))
            if name in told.get("raises", {}):
                raise told["raises"][name]
            return result(*args, **kwargs)

        return called

    def sampled(*_: Any, **__: Any) -> xr.DataTree:
        keep = told.get("draws", DRAWS)
        tree = xr.DataTree.from_dict(
            {name: post[name].to_dataset().isel(draw=slice(keep)) for name in ("posterior", "prior", "sample_stats")}
        )
        rows = told.get("gates", [{"gate": "divergences", "value": 0, "threshold": 0, "passed": True}])
        tree.attrs["gates"] = json.dumps({"passed": all(r["passed"] for r in rows), "gates": rows})
        return tree

    def solved(_: Any, asked: Any, tree: xr.DataTree, group: str = "posterior", **__: Any) -> xr.DataTree:
        out = tree.copy()
        names = [scenario.name for scenario in (asked if isinstance(asked, list) else [asked])]
        ds = counted.isel(scenario=[0] * len(names)).assign_coords(scenario=names)
        out["counterfactual" if group == "posterior" else "prior_counterfactual"] = xr.DataTree(ds)
        return out

    monkeypatch.setitem(
        vars(ree), "load_dataset", step("data", lambda _: SimpleNamespace(meta=meta, hash="123", tables={}, path=place))
    )
    monkeypatch.setattr(ree.Economy, "from_dataset", staticmethod(step("economy", lambda _: economy)))
    monkeypatch.setitem(vars(ree), "build", step("build", lambda *_: "a model"))
    monkeypatch.setitem(vars(ree), "fit", step("fit", sampled))
    monkeypatch.setitem(vars(ree), "counterfactual", step("counterfactual", solved))
    monkeypatch.setattr("reestim.estimate.predictive.simulated", lambda *_: xr.Dataset())
    monkeypatch.setattr("reestim.evidence.groups.evidence_groups", lambda *_, **__: {})  # the data are fake
    return told


@pytest.fixture
def cli() -> Run:
    def invoke(*args: str) -> click.testing.Result:
        return typer.testing.CliRunner().invoke(app, list(args))

    return invoke


def folders(place: Path) -> list[Path]:
    root = place / "posteriors"
    return sorted(root.iterdir()) if root.exists() else []


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
        assert f"{stage}/8 " in done.stderr
    for words in ("90 % equal-tailed", "JPN", "machinery", "79 of 80", "patent_labels.csv", "report.html"):
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


@pytest.mark.parametrize("failure", [UnsolvedDrawsError("5 % are unsolved"), EquilibriumError("none found")])
def test_unsolved_draws_keep_the_fit_and_exit_code_3(
    cli: Run, place: Path, faked: dict[str, Any], failure: Exception
) -> None:
    faked["raises"] = {"counterfactual": failure}
    done = cli("run", "study.toml")
    assert done.exit_code == 3
    assert str(failure) in done.stderr
    (folder,) = folders(place)
    made = {"prior_predictive", "posterior_predictive"}
    assert set(ree.load(folder).children) == {"posterior", "prior", "sample_stats", "economy", *made}


@pytest.mark.parametrize("stage", ["data", "build", "fit"])
def test_interrupted_before_the_fit_is_done_leaves_nothing(
    cli: Run, place: Path, faked: dict[str, Any], stage: str
) -> None:
    faked["raises"] = {stage: KeyboardInterrupt()}
    done = cli("run", "study.toml")
    assert done.exit_code == 130
    assert done.stderr.count("interrupted") == 1
    assert "Traceback" not in done.output
    assert folders(place) == []


def test_a_sampler_that_hands_back_half_a_chain_leaves_nothing(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    faked["draws"] = DRAWS // 2
    done = cli("run", "study.toml")
    assert done.exit_code == 130
    assert folders(place) == []


def test_interrupted_while_saving_leaves_nothing(
    cli: Run, place: Path, faked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.DataTree, "to_netcdf", interrupted)
    assert cli("run", "study.toml").exit_code == 130
    assert faked["calls"][-1][0] == "fit"
    assert folders(place) == []


def test_interrupted_during_the_sweep_keeps_the_fit_whole(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    faked["raises"] = {"counterfactual": KeyboardInterrupt()}
    assert cli("run", "study.toml").exit_code == 130
    (folder,) = folders(place)
    assert "counterfactual" not in ree.load(folder).children


def test_a_fault_of_ours_is_one_kind_line(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    faked["raises"] = {"fit": ZeroDivisionError("division by zero\nwith details")}
    done = cli("run", "study.toml")
    assert done.exit_code == 70
    assert "ZeroDivisionError: division by zero" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.output
    assert isinstance(cli("run", "study.toml", "--debug").exception, ZeroDivisionError)
    assert folders(place) == []


def test_a_full_disk_is_said_in_words(cli: Run, faked: dict[str, Any]) -> None:
    faked["raises"] = {"fit": OSError(28, "No space left on device")}
    done = cli("run", "study.toml")
    assert done.exit_code == 1
    assert "No space left" in done.stderr


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


def test_a_transition_from_the_command_line(cli: Run, faked: dict[str, Any]) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    half = cli("counterfactual", "first", "quota.toml", "--from-year", "2009")
    assert half.exit_code == 1
    assert "--to-year" in half.stderr
    done = cli(
        "counterfactual", "first", "quota.toml", "--from-year", "2009", "--to-year", "2011", "--chunks", "kept",
        "--dask", "tcp://10.0.0.1:8786",
    )  # fmt: skip
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
    shutil.copytree(project / "data" / "rare-earths-2010", broken)
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


def test_a_run_that_was_cut_off_goes_on_without_sampling(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    faked["raises"] = {"counterfactual": KeyboardInterrupt()}
    run = ("run", "study.toml", "--out", "posteriors/mine", "--seed", "3")
    assert cli(*run).exit_code == 130
    folder = place / "posteriors" / "mine"
    kept = folder / "chunks" / "1.zarr"
    kept.mkdir(parents=True)
    faked["raises"], before = {}, len(faked["calls"])

    other = cli(*run[:-1], "4")
    assert other.exit_code == 1
    for part in ("cannot go on", "--seed 3", "--overwrite"):
        assert part in other.stderr
    text = (place / "study.toml").read_text()
    (place / "study.toml").write_text(text.replace("sigma = 0.5", "sigma = 0.6"))
    assert "another version of the study" in cli(*run).stderr
    (place / "study.toml").write_text(text)
    assert "fit" not in [name for name, *_ in faked["calls"][before:]]
    assert kept.is_dir()

    done = cli(*run)
    assert done.exit_code == 0, done.output
    assert "5/8 the posterior is in posteriors/mine: not sampled again" in done.stderr
    calls = faked["calls"][before:]
    assert "fit" not in [name for name, *_ in calls]
    assert [kwargs["store"] for name, _, kwargs in calls if name == "counterfactual"] == 2 * [
        Path("posteriors/mine/chunks")
    ]
    assert not kept.exists(), "all draws are in the run now"
    assert (folder / "report" / "report.html").is_file()
    assert "counterfactual" in ree.load(folder).children

    again = cli(*run)
    assert again.exit_code == 1
    assert "there is a run in this place already" in again.stderr
    assert cli(*run[:-1], "4", "--overwrite").exit_code == 0
    assert json.loads((folder / "run.json").read_text())["seed"] == 4


def test_what_fails_after_sampling_costs_no_draw(
    cli: Run, place: Path, faked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no generator for this distribution")

    monkeypatch.setattr("reestim.estimate.predictive.simulated", broken)
    done = cli("run", "study.toml", "--out", "posteriors/mine")
    assert done.exit_code == 0, done.output
    assert "posterior predictive left out: ValueError: no generator" in done.stderr
    checked = cli("check", "posteriors/mine")
    assert "left out: informational" in checked.output
    assert "no generator for this distribution" in checked.output
    assert [name for name, *_ in faked["calls"]].count("fit") == 1


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
