"""Runs that end before their time, the heavy stages faked: what is kept, what is said, and what goes on from there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import reestim as ree
from reestim.errors import EquilibriumError, UnsolvedDrawsError
from tests.interface.faked_run import DRAWS, Run, folders


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


@pytest.mark.slow  # runs of the job
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
    assert "5/9 the posterior is in posteriors/mine: not sampled again" in done.stderr
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


@pytest.mark.slow  # a run of the job
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


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "command", [pytest.param("run", marks=pytest.mark.slow), pytest.param("counterfactual", marks=pytest.mark.slow)]
)
def test_draws_are_saved_before_the_variance_is_split_and_the_rest_goes_on(
    cli: Run, place: Path, faked: dict[str, Any], command: str
) -> None:
    folder = place / "posteriors" / "mine"
    typed = ("run", "study.toml", "--out", "posteriors/mine")
    if command == "counterfactual":
        assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
        typed = ("counterfactual", "first", "quota.toml", "--out", "posteriors/mine")
    with pytest.MonkeyPatch.context() as during:
        during.setattr("reestim.counterfactuals.variance.welfare_variance", interrupted)
        assert cli(*typed).exit_code == 130
    cut = ree.load(folder)
    assert "counterfactual" in cut.children
    assert "welfare_variance" not in cut.children
    assert ree.RunRecord.of(cut).solved[0].scenario == "china-quota-2010"
    assert cli("report", "mine").exit_code == 0, "what is there can be read"
    (folder / "report" / "report.html").unlink()

    before = len(faked["calls"])
    done = cli(*typed)
    assert done.exit_code == 0, done.output
    again = [name for name, *_ in faked["calls"][before:]]
    assert "fit" not in again
    assert command != "run" or "counterfactual" not in again
    whole = ree.load(folder)
    assert "welfare_variance" in whole.children
    assert (folder / "report" / "report.html").is_file()
    assert not (folder / "chunks").exists()
    assert cli(*typed).exit_code == 1, "a whole run is not replaced"


@pytest.mark.slow  # a run; test_counterfactual_paths.py has chunks that are not solved again
def test_a_counterfactual_cut_off_in_the_sweep_goes_on_from_its_chunks(
    cli: Run, place: Path, faked: dict[str, Any]
) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    typed = ("counterfactual", "first", "quota.toml", "--out", "posteriors/mine")
    kept = place / "posteriors" / "mine" / "chunks" / "1.zarr"
    kept.mkdir(parents=True)
    assert "cut off" in cli("check", "mine").stderr
    faked["raises"] = {"counterfactual": KeyboardInterrupt()}
    assert cli(*typed).exit_code == 130
    assert kept.is_dir(), "what was solved stays"
    faked["raises"] = {}
    done = cli(*typed)
    assert done.exit_code == 0, done.output
    assert "the same command with --out posteriors/mine goes on" in done.stderr
    stores = {kwargs["store"] for name, _, kwargs in faked["calls"] if name == "counterfactual"}
    assert stores == {Path("posteriors/mine/chunks")}
    assert not kept.exists()

    (place / "notes" / "chunks").mkdir(parents=True)
    (place / "notes" / "mine.txt").write_text("a user's own")
    assert "not a run" in cli(*typed[:-1], "notes").stderr


def test_a_run_that_was_cut_off_is_not_replaced_by_one_of_another_scenario(
    cli: Run, place: Path, faked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/first").exit_code == 0
    monkeypatch.setattr("reestim.counterfactuals.variance.welfare_variance", interrupted)
    assert cli("counterfactual", "first", "quota.toml", "--out", "posteriors/mine").exit_code == 130
    (place / "quota.toml").write_text((place / "quota.toml").read_text().replace("2010", "2011"))
    done = cli("counterfactual", "first", "quota.toml", "--out", "posteriors/mine")
    assert done.exit_code == 1
    assert "--overwrite" in done.stderr


@pytest.mark.slow  # a run
@pytest.mark.usefixtures("faked")
def test_the_split_can_be_left_out_and_the_report_says_so(
    cli: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reestim.counterfactuals.variance.welfare_variance", interrupted)
    assert cli("run", "study.toml", "--no-variance", "--out", "first").exit_code == 0
    assert cli("counterfactual", "first", "quota.toml", "--no-variance", "--out", "second").exit_code == 0
    for name in ("first", "second"):
        page = (place / name / "report" / "report.html").read_text()
        assert "not split among what is uncertain: not asked for (--no-variance)" in page
