"""The main job for real, as a user starts it: `--quick`, the same seed twice, and Ctrl-C while it samples."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import reestim as ree
from tests import golden

pytestmark = pytest.mark.slow


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "reestim", "run", *args]


def test_a_study_made_by_init_ends_in_a_report_and_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "reestim", "init", str(tmp_path)], check=True, capture_output=True)
    welfare = []
    for name in ("first", "second"):
        started = time.monotonic()
        args = (
            f"models/{golden.STUDY.name}",
            "--quick",
            "--seed",
            str(golden.SEED),
            "--out",
            f"posteriors/{name}",
            "--json",
        )
        done = subprocess.run(command(*args), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - started < 180, "a smoke run takes under a minute on an idle machine"
        result = json.loads(done.stdout)
        assert result["quick"] is True
        assert (tmp_path / result["report"]).is_file()
        welfare.append(result["welfare"])
    # The draws are the same bit for bit, the equilibria to the solver's tolerance: threads add in another order.
    for name in ("median_percent", "low_percent", "high_percent"):
        first, second = ([row[name] for row in rows] for rows in welfare)
        assert first == pytest.approx(second, rel=1e-7, abs=1e-8)
    first, second = (ree.load(tmp_path / "posteriors" / name)["posterior"].to_dataset() for name in ("first", "second"))
    assert first.equals(second)
    assert {row["country"] for row in welfare[0]} >= {"CHN", "JPN", "KOR", "USA", "DEU"}
    assert "counterfactual" in ree.load(tmp_path / "posteriors" / "first").children
    found = golden.moved(golden.of_run(tmp_path / "posteriors" / "first"), json.loads(golden.FILE.read_text()))
    assert found == [], "meant to change? python -m tests.golden"


def test_golden_numbers_find_what_moved() -> None:
    was = json.loads(golden.FILE.read_text())
    assert golden.moved(was, was) == []
    name = next(iter(was["equilibrium"]))
    nudged = was | {
        "equilibrium": was["equilibrium"] | {name: was["equilibrium"][name] + 2e-12}
    }  # relative to an income
    assert [words.split(":")[0] for words in golden.moved(nudged, was)] == [f"equilibrium, {name}"]
    mean, error = was["posterior"]["kappa"]
    chance, change = ({"kappa": [mean + k * error, error]} for k in (2, 20))
    assert golden.moved(was | {"posterior": was["posterior"] | chance}, was) == []
    assert len(golden.moved(was | {"posterior": was["posterior"] | change}, was)) == 1


def test_ctrl_c_while_sampling_leaves_nothing_but_chains_that_are_done(tmp_path: Path) -> None:
    running = subprocess.Popen(command(), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("4/9"):
            break
    time.sleep(20)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    left = list((tmp_path / "posteriors").rglob("*")) if (tmp_path / "posteriors").exists() else []
    assert {path.name for path in left if path.is_file()} <= {"draws.nc", "sha256"}


def test_a_run_killed_during_the_sweep_goes_on_from_its_chunks(tmp_path: Path) -> None:
    args = (f"models/{golden.STUDY.name}", "--quick", "--seed", "5", "--out", "posteriors/killed")
    running = subprocess.Popen(
        command(*args), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("7/9"):
            break
    running.kill()
    running.communicate(timeout=60)
    before = ree.load(tmp_path / "posteriors" / "killed")["posterior"].to_dataset()
    done = subprocess.run(command(*args), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not sampled again" in done.stderr
    after = ree.load(tmp_path / "posteriors" / "killed")
    assert after["posterior"].to_dataset().equals(before)
    assert {"counterfactual", "prior_counterfactual", "posterior_predictive"} <= set(after.children)
    assert not (tmp_path / "posteriors" / "killed" / "chunks").exists()
