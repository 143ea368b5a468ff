"""``reestim label --labeller llm``: secrets stay secret, a kill costs nothing twice, a dry run asks nothing."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.testing

from reestim.cli.app import app
from tests.llm_server import KEY, LanguageModel, by_keyword, patents_of, serving

QUICK = ("--batch", "2", "--first-wait", "0.002", "--concurrency", "1")


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with serving(LanguageModel()) as model:
        yield model


@pytest.fixture
def place(model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with eight patents, and the server in the environment."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(model).items():
        monkeypatch.setenv(name, value)
    rows = [
        {
            "patent_id": f"p{i}",
            "country": "JPN",
            "sector": "motors",
            "year": 2010 + i % 2,
            "title": f"title {i}",
            "abstract": f"A thing of KIND={('using', 'enhancing', 'unrelated', 'substituting')[i % 4]}, number {i}.",
        }
        for i in range(8)
    ]
    (tmp_path / "patents.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return tmp_path


def environment(model: LanguageModel) -> dict[str, str]:
    return {"REESTIM_LLM_BASE_URL": model.url, "REESTIM_LLM_MODEL": "tiny", "REESTIM_LLM_API_KEY": KEY}


def label(*options: str) -> typer.testing.Result:
    arguments = ["label", "patents.jsonl", "--labeller", "llm", *QUICK, *options]
    return typer.testing.CliRunner().invoke(app, arguments)


def test_labels_of_a_language_model(place: Path, model: LanguageModel) -> None:
    said = label("--price-input", "1", "--price-output", "10")
    assert said.exit_code == 0, said.output
    assert "8 texts asked in 4 requests, 0.008 US$" in said.output
    about = json.loads((place / "labels" / "patent_labels.json").read_text())
    assert about["labels"] == dict.fromkeys(("unrelated", "using", "enhancing", "substituting"), 2)
    again = label("--out", "again", "--json")
    assert json.loads(again.output)["texts"] == {"asked": 0, "from_cache": 8}
    assert len(model.requests) == 4


def test_no_label_at_all_is_not_good(place: Path, model: LanguageModel) -> None:
    """Neither from a model that answers none, nor from a cache that knows only that there is none."""
    model.answer = lambda patents: [{"id": p["id"], "label": "none of them"} for p in patents]
    said = label("--json")
    assert said.exit_code == 1
    assert "--answers schema" in json.loads(said.output)["error"]
    model.answer = lambda patents: [a for a in by_keyword(patents) if a["label"] != "unrelated"]
    assert label().exit_code == 0
    rows = (place / "patents.jsonl").read_text().splitlines()
    (place / "patents.jsonl").write_text(rows[2] + "\n")
    said = label("--out", "other", "--json")
    assert said.exit_code == 1
    assert "--ask-again" in json.loads(said.output)["problems"][0]["advice"]
    assert not (place / "other").exists()


def test_a_dry_run_asks_and_writes_nothing(place: Path, model: LanguageModel) -> None:
    before = sorted(place.iterdir())
    said = json.loads(label("--dry-run", "--json").output)
    assert (said["to_ask"], said["requests"], said["cost_usd"]) == (8, 4, None)
    said = json.loads(label("--dry-run", "--json", "--price-input", "1", "--price-output", "10").output)
    assert said["cost_usd"] == pytest.approx(said["input_tokens"] / 1e6 + said["output_tokens"] / 1e5, rel=1e-3)
    assert "unknown" in label("--dry-run").output
    assert model.requests == []
    assert sorted(place.iterdir()) == before


def test_a_limit_below_the_estimate_asks_nothing(place: Path, model: LanguageModel) -> None:
    said = label("--max-cost", "0.000001", "--price-input", "1", "--price-output", "10")
    assert said.exit_code == 1
    assert "--max-cost" in said.output
    assert model.requests == []
    assert not (place / "labels").exists()


@pytest.mark.parametrize("status", [None, 401, 500])
def test_the_key_is_nowhere(
    place: Path, model: LanguageModel, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in files, output, logs or tracebacks, even when the server repeats it and everything is logged."""
    caplog.set_level(logging.DEBUG)
    model.faults, model.error = [status] * 20 if status else [], f"no such key: {KEY}"
    said = label("--attempts", "2", "--debug") if status is None else label("--attempts", "2")
    assert said.exit_code == (0 if status is None else 1), said.output
    assert set(model.keys) == {f"Bearer {KEY}"}
    assert KEY not in said.output
    assert KEY not in caplog.text
    written = [path for path in place.rglob("*") if path.is_file()]
    assert len(written) == (5 if status is None else 2)
    assert not any(KEY.encode() in path.read_bytes() for path in written)


def test_bad_input_is_words(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "patents_per_request" in label("--batch", "0").output
    monkeypatch.delenv("REESTIM_LLM_MODEL")
    said = label()
    assert said.exit_code == 1
    assert "REESTIM_LLM_MODEL" in said.output
    assert sorted(p.name for p in place.iterdir()) == ["patents.jsonl"]


def test_killed_and_resumed_nothing_is_paid_for_twice(place: Path, model: LanguageModel) -> None:
    """The third request never gets its answer: the process is killed while it waits. The next asks for what is left."""
    model.hang_after = 2
    command = [sys.executable, "-m", "reestim", "label", "patents.jsonl", "--labeller", "llm", *QUICK]
    process = subprocess.Popen(command, cwd=place, env={**os.environ, **environment(model)})
    try:
        deadline = time.monotonic() + 60
        while len(model.requests) < 3 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(model.requests) == 3
    assert not (place / "labels").exists()
    paid = [p["title"] for body in model.requests[:2] for p in patents_of(body)]
    lost = [p["title"] for p in patents_of(model.requests[2])]
    model.hang_after = None
    said = label()
    assert said.exit_code == 0, said.output
    assert "4 from cache" in said.output
    asked = model.asked()
    assert {asked[title] for title in paid} == {1}
    assert {asked[title] for title in lost} == {2}  # its answer never came
    assert len(asked) == 8
    assert len(model.requests) == 5
