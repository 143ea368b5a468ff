"""A calibration from request to results, in this process: tables, words, parts, and what goes on from a kept folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import pandas as pd
import pytest

from reestim.calibration.design import Shard
from reestim.calibration.run import CalibrationRequest, calibrate_labels, calibrate_study
from reestim.errors import InputError
from reestim.study.spec import CounterfactualSpec, Evidence
from tests.recovery.tiny_study import tiny_study
from tests.unit.supply_world import tiny_world

NOTHING = Evidence(patents=False, event_study=False, ree_use=False, price_lag=0)
_QUOTA = """
name = "quota"
year = 2010
[[export_quota]]
exporter = "CHN"
elements = "all"
quota_tonnes = 700
baseline_tonnes = 1000
source = "made for tests"
"""


@pytest.fixture
def request_(tmp_path: Path) -> CalibrationRequest:
    """Four datasets of the tiny study on the tiny world, without a scenario."""
    spec = tiny_study(tmp_path, NOTHING)
    return CalibrationRequest(spec, tiny_world(), tmp_path / "c", simulations=4, countries=None, ranked=19, seed=1)


@pytest.fixture(scope="module")
def kept_one(tmp_path_factory: pytest.TempPathFactory) -> CalibrationRequest:
    """Two datasets that are done."""
    folder = tmp_path_factory.mktemp("kept")
    asked = CalibrationRequest(tiny_study(folder, NOTHING), tiny_world(), folder / "c", 2, None, ranked=19, seed=1)
    calibrate_study(asked, progress=False)
    return asked


def record(folder: Path) -> dict[str, object]:
    return json.loads((folder / "sbc.json").read_text(encoding="utf-8"))


@pytest.mark.slow  # fits and sweeps
def test_a_study_with_a_scenario_has_its_welfare_calibrated(request_: CalibrationRequest, tmp_path: Path) -> None:
    (tmp_path / "quota.toml").write_text(_QUOTA, encoding="utf-8")
    scenarios = CounterfactualSpec(scenarios=[str(tmp_path / "quota.toml")])
    spec = request_.spec.model_copy(update={"counterfactual": scenarios})
    found = calibrate_study(replace(request_, spec=spec), progress=False)
    rows = found.table.set_index("variable")
    by_sector = dict.fromkeys(("mu", "sigma", "innovation_passthrough", "long_run_elasticity"), 2)
    assert rows["elements"].to_dict() == {"kappa": 1, "welfare": 3} | by_sector
    assert set(rows["simulations"]) == {4}
    assert not any("Welfare was not" in said for said in found.sentences)
    ranks = pd.read_csv(request_.folder / "ranks.csv")
    assert ranks["rank"].between(0, 19).all()
    assert len(ranks) == 4 * int(rows["elements"].sum())
    kept = record(request_.folder)
    assert (kept["kind"], kept["scenario"], kept["simulations"], kept["ranked_among"]) == ("prior", "quota", 4, 19)
    assert kept["sentences"] == list(found.sentences)
    assert kept["calibrated"] is found.calibrated
    for name in ("coverage.csv", "ecdf.png", "ecdf.svg", "rank_counts.png", "rank_counts.svg"):
        assert (request_.folder / name).stat().st_size > 0


@pytest.mark.slow  # eight fits
def test_parts_make_the_tables_of_the_whole(request_: CalibrationRequest, tmp_path: Path) -> None:
    whole = calibrate_study(request_, progress=False)
    assert "Welfare was not calibrated: the study names no scenario ([counterfactual] scenarios)." in whole.sentences
    apart = replace(request_, folder=tmp_path / "p")
    with pytest.raises(InputError, match="fewer than two simulated datasets"):
        calibrate_study(replace(apart, so_far=True), progress=False)
    first = calibrate_study(replace(apart, shard=Shard(1, 2)), progress=False)
    assert first.table.empty
    assert first.sentences[0].startswith("Part 1 of 2 is done.")
    assert not (apart.folder / "sbc.json").exists()
    half = calibrate_study(replace(apart, so_far=True), progress=False)
    assert "UNFINISHED: 2 of 4 datasets are done." in half.sentences
    calibrate_study(replace(apart, shard=Shard(2, 2)), progress=False)
    pd.testing.assert_frame_equal(calibrate_study(apart, progress=False).table, whole.table)
    with pytest.raises(InputError, match="begun otherwise"):
        calibrate_study(replace(apart, seed=2), progress=False)


def test_fits_that_fail_a_gate_are_counted_and_said(request_: CalibrationRequest, tmp_path: Path) -> None:
    request_ = replace(request_, simulations=2)
    found = calibrate_study(request_, progress=False)  # 80 draws of one chain have no effective size of 400
    assert found.failed_gates["ess_bulk"] == 2
    assert any("Of 2 fits these failed a gate" in said and "ess_bulk 2" in said for said in found.sentences)
    assert record(request_.folder)["failed_gates"] == found.failed_gates
    loose = request_.spec.gates.model_copy(
        update={"min_ess": 1.0, "max_r_hat": 9.0, "max_divergences": 80, "min_e_bfmi": 0.0, "max_saturated": 1.0}
    )
    two = request_.spec.sampler.model_copy(update={"chains": 2})  # one chain has no R-hat, which fails its gate
    spec = request_.spec.model_copy(update={"gates": loose, "sampler": two})
    easy = replace(request_, spec=spec, folder=tmp_path / "easy")
    passed = calibrate_study(easy, progress=False)
    assert passed.failed_gates == {}
    assert "All 2 fits passed the gates of the study." in passed.sentences


def _renamed(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        opened.move("truth/kappa", "truth/kapa")


def _infinite(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        opened["draws/kappa"][0] = float("inf")


def _same_labels(file: Path) -> None:
    _label(file, ["glass", "glass"])


def _other_labels(file: Path) -> None:
    _label(file, ["glass", "metals"])


def _label(file: Path, sectors: list[str]) -> None:
    with h5py.File(file, "a") as opened:
        for group in ("draws", "truth"):
            opened[f"{group}/sector"][...] = sectors


def _no_verdict(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        opened.attrs["run"] = "[1]"


@pytest.mark.parametrize(
    ("file", "spoil", "said"),
    [
        ("design.json", lambda file: file.write_text("[1"), "design.json is not as REEstim writes it"),
        ("fit.nc", lambda file: file.write_bytes(file.read_bytes()[:500]), "it is no HDF5 file"),
        ("fit.nc", _renamed, "kapa has no draws"),
        ("fit.nc", _infinite, "kappa is not made of finite numbers"),
        ("fit.nc", _same_labels, "the labels of sector are repeated"),
        ("fit.nc", _other_labels, "have not the same variables and labels"),
        ("fit.nc", _no_verdict, "the verdict of its gates is missing"),
    ],
)
def test_what_is_damaged_in_a_kept_calibration_is_said(
    kept_one: CalibrationRequest, tmp_path: Path, file: str, spoil: Callable[[Path], object], said: str
) -> None:
    shutil.copytree(kept_one.folder, tmp_path / "again")
    spoil(next((tmp_path / "again").rglob(file)))
    with pytest.raises(InputError, match=said):
        calibrate_study(replace(kept_one, folder=tmp_path / "again", so_far=True), progress=False)


def test_fewer_countries_are_asked_for_in_words(request_: CalibrationRequest) -> None:
    few = calibrate_study(replace(request_, countries=2, simulations=2), progress=False)
    assert set(few.table["simulations"]) == {2}
    assert record(request_.folder)["countries"] == ["CHN", "JPN"]
    for wrong in (0, 4):
        with pytest.raises(InputError, match="as many countries"):
            calibrate_study(replace(request_, countries=wrong, folder=request_.folder / "x"), progress=False)
    assert not (request_.folder / "x").exists()


def test_labels_are_compared_with_naive_counts(request_: CalibrationRequest, tmp_path: Path) -> None:
    asked = replace(request_, simulations=2)
    with pytest.raises(InputError, match="err that often"):
        calibrate_labels(asked, 0.9, progress=False)
    assert not asked.folder.exists()
    found = calibrate_labels(asked, 0.2, progress=False)
    table = found.table.set_index(["treatment", "parameter"])
    assert set(table.index.get_level_values("treatment")) == {"label-noise model", "naive counts"}
    assert set(table["datasets"]) == {2}
    # This study reads no patents, so that it must learn nothing from the labels, whatever their treatment.
    for symbol in ("m", "σ", "κ"):
        assert table.loc[("naive counts", symbol), "bias"] == table.loc[("label-noise model", symbol), "bias"]
    assert (record(asked.folder)["kind"], record(asked.folder)["misclassified"]) == ("labels", 0.2)
    with pytest.raises(InputError, match=r"begun otherwise \(misclassified 0.2\)"):
        calibrate_labels(asked, 0.3, progress=False)
    with pytest.raises(InputError, match=r"begun otherwise \(kind 'labels'\)"):
        calibrate_study(asked, progress=False)
    more = replace(asked, folder=tmp_path / "l")
    assert calibrate_labels(replace(more, shard=Shard(1, 2)), 0.2, progress=False).table.empty
    with pytest.raises(InputError, match="fewer than two"):
        calibrate_labels(replace(more, so_far=True), 0.2, progress=False)
    calibrate_labels(replace(more, shard=Shard(2, 2)), 0.2, progress=False)
    pd.testing.assert_frame_equal(calibrate_labels(replace(more, so_far=True), 0.2, progress=False).table, found.table)
