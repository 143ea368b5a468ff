"""``reestim label --job``: submit, poll, collect; nothing submitted twice, nothing guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from tests.batch_server import Provider, providing

pytest.importorskip("openai")


@pytest.fixture
def patents(tmp_path: Path) -> Path:
    kinds = ["using", "enhancing", "substituting", "unrelated", "using"]
    rows = [(f"p{i}", "JPN", "metals", 2010, f"Title {i}", f"Text {i} KIND={kind}.") for i, kind in enumerate(kinds)]
    path = tmp_path / "patents.csv"
    pd.DataFrame(rows, columns=["patent_id", "country", "sector", "year", "title", "abstract"]).to_csv(
        path, index=False
    )
    return path


def reestim(patents: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch, *more: str) -> typer.testing.Result:
    for name, value in (("BASE_URL", provider.url), ("MODEL", "small"), ("API_KEY", "sk-test")):
        monkeypatch.setenv(f"REESTIM_LLM_{name}", value)
    folder = patents.parent
    places = [
        "--out",
        str(folder / "labels"),
        "--cache",
        str(folder / "cache.sqlite"),
        "--job",
        str(folder / "job.json"),
    ]
    prices = ["--price-input", "1", "--price-output", "1", "--batch", "2", "--synthetic"]
    command = ["label", str(patents), "--labeller", "llm", *places, *prices, *more]
    return typer.testing.CliRunner().invoke(app, command)


def labels(patents: Path) -> list[str]:
    return pd.read_csv(patents.parent / "labels" / "labels.csv")["label"].tolist()


RIGHT = ["using", "enhancing", "substituting", "unrelated", "using"]


def test_a_job_is_submitted_polled_and_collected(patents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with providing(Provider()) as provider:
        first = reestim(patents, provider, monkeypatch)
        assert first.exit_code == 0, first.output
        assert "run the same command again" in first.output
        assert not (patents.parent / "labels").exists()
        assert "in_progress" in reestim(patents, provider, monkeypatch).output
        last = reestim(patents, provider, monkeypatch)
        assert last.exit_code == 0, last.output
        assert "5 texts labelled" in last.output
        assert labels(patents) == RIGHT
        assert (len(provider.batches), provider.chats) == (1, 0)
        again = reestim(patents, provider, monkeypatch, "--overwrite")
        assert again.exit_code == 0, again.output
        assert (len(provider.batches), provider.chats) == (1, 0), "nothing is paid for twice"
    request = json.loads(provider.files["file-0"].decode().splitlines()[0])
    schema = request["body"]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answers"]["minItems"] == 2
    assert "sk-test" not in (patents.parent / "job.json").read_text()


def test_what_a_job_left_out_is_asked_by_ordinary_requests(patents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with providing(Provider(polls=0, lost=("Title 2",))) as provider:
        reestim(patents, provider, monkeypatch)
        said = reestim(patents, provider, monkeypatch)
        assert said.exit_code == 0, said.output
        assert "3 texts labelled, 2 are asked" in said.output
        assert labels(patents) == RIGHT
        assert provider.chats >= 1


def test_a_batch_whose_receipt_was_lost_is_found_again(patents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider made the batch, and the connection broke before it said so."""
    with providing(Provider(polls=0, cut=0)) as provider:
        first = reestim(patents, provider, monkeypatch)
        assert first.exit_code == 1
        assert "Run the command again" in first.output
        assert len(provider.batches) == 1
        said = reestim(patents, provider, monkeypatch)
        assert said.exit_code == 0, said.output
        assert labels(patents) == RIGHT
        assert len(provider.batches) == 1


def test_a_job_is_refused_in_words(patents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = patents.parent / "job.json"
    with providing(Provider()) as provider:
        dear = reestim(patents, provider, monkeypatch, "--max-cost", "0.0000001")
        assert dear.exit_code == 1
        assert not job.exists()
        assert not provider.batches
        job.write_text("{}")
        assert "this is not the file of a job" in reestim(patents, provider, monkeypatch).output
        job.unlink()
        reestim(patents, provider, monkeypatch)
        state = json.loads(job.read_text())
        job.write_text(json.dumps(state | {"model": "another"}))
        assert "another model or prompt" in " ".join(reestim(patents, provider, monkeypatch).output.split())
