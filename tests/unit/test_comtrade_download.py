"""The API of UN Comtrade over real HTTP, from a local server that speaks its protocol and has its faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.sources import comtrade_download
from reestim.importers.sources.comtrade_download import download
from tests.unit.test_import_comtrade import CN, US, record

SECRET = "a-key-that-must-stay-secret"


class Api(ThreadingHTTPServer):
    """Answers with imports of the reporter from China; ``faults`` are acted out first, in their order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[str] = []
        self.asked: list[dict[str, list[str]]] = []


class Handler(BaseHTTPRequestHandler):
    server: Api

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parse_qs(parts.query))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if self.headers.get("Ocp-Apim-Subscription-Key") != SECRET:
            self.answer(401, b'{"statusCode": 401, "message": "Access denied due to invalid subscription key"}')
        elif parts.path != "/data/v1/get/C/A/HS" or fault == "400":
            self.answer(400 if fault else 404, b"{}")
        elif fault == "429":
            self.answer(429, b'{"message": "Rate limit is exceeded. Try again in 7 seconds."}', {"Retry-After": "7"})
        elif fault == "500":
            self.answer(500, b"<html>Internal Server Error</html>")
        elif fault == "302":
            self.answer(302, b"", {"Location": f"http://127.0.0.1:{self.server.server_port}/elsewhere"})
        elif fault == "broken":
            self.answer(200, b'{"data": [')
        elif fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"data"')
            self.close_connection = True
        else:
            asked = self.server.asked[-1]
            year = int(asked["period"][0])
            rows = [record((int(asked["reporterCode"][0]), ""), CN, "2846", 400e6 + year, 5e6, refYear=year)]
            self.answer(200, json.dumps({"elapsedTime": "0.1", "count": len(rows), "data": rows, "error": ""}).encode())

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("COMTRADE_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("COMTRADE_API_KEY", SECRET)
    yield server
    server.shutdown()
    server.server_close()


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, ["data", "import", "comtrade", *map(str, arguments)])


def test_the_command_asks_each_reporter_and_year_and_keeps_the_answers(api: Api, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = reestim("--reporter", "USA", "--reporter", "JPN", "--years", "2010-2011", "--out", out)
    assert said.exit_code == 0, said.output
    panel = pd.read_csv(out / "ree_use_panel.csv").set_index(["country", "year"])
    assert panel["value"].to_dict() == {
        (c, y): pytest.approx(400 + y / 1e6) for c in ("USA", "JPN") for y in (2010, 2011)
    }
    asked = {(a["reporterCode"][0], a["period"][0], a["cmdCode"][0], a["flowCode"][0]) for a in api.asked}
    assert asked == {(r, y, "2846", "M") for r in ("842", "392") for y in ("2010", "2011")}
    about = json.loads((out / "sources" / "comtrade.json").read_text())
    assert {f["name"] for f in about["files"]} == {
        f"comtrade-{c}-{y}.json" for c in ("USA", "JPN") for y in (2010, 2011)
    }
    assert (out / "sources" / "comtrade-USA-2010.json").is_file()
    for file in out.rglob("*"):
        assert file.is_dir() or SECRET not in file.read_text()
    assert SECRET not in said.output


def test_faults_that_pass_are_waited_for(api: Api, tmp_path: Path) -> None:
    api.faults = ["429", "500", "broken", "cut"]
    waits: list[float] = []
    files = download(ImportOptions(reporters=("USA",), years=(2010, 2010)), tmp_path / "answers", pause=waits.append)
    assert json.loads(files[0].read_text())["count"] == 1
    assert len(api.asked) == 5
    assert waits == [7.0, 4.0, 8.0, 16.0], "what the API asks for, then twice as long each time"


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (["500"] * 5, "did not answer in 5 tries (HTTP 500)"),
        (["cut"] * 5, "did not answer in 5 tries (IncompleteRead)"),
        (["400"], "refuses the question (HTTP 400)"),
        (["302"], "refuses the question (HTTP 302)"),
    ],
)
def test_faults_that_stay_are_an_error_and_leave_nothing(
    api: Api, faults: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.faults = faults
    monkeypatch.setattr(comtrade_download, "FIRST_PAUSE", 0.0)
    result = reestim("--reporter", "USA", "--years", "2010", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert said in result.output
    assert SECRET not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_refused_key_and_a_missing_one(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMTRADE_API_KEY", "another-secret")
    result = reestim("--reporter", "USA", "--years", "2010", "--out", tmp_path / "out")
    assert "the API refuses the key (HTTP 401)" in result.output
    assert "another-secret" not in result.output
    assert len(api.asked) == 1
    monkeypatch.delenv("COMTRADE_API_KEY")
    result = reestim("--reporter", "US", "--flow", "Z", "--out", tmp_path / "out")
    for said in ("Set COMTRADE_API_KEY", "Say the years", "unknown country", "this flow is not read"):
        assert said in result.output
    assert len(api.asked) == 1


def test_an_answer_that_is_cut_off_is_refused(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reestim.importers.sources.comtrade.LIMITS", (1,))
    assert US[0] == 842
    result = reestim("--reporter", "USA", "--years", "2010", "--out", tmp_path / "out")
    assert "the answer is cut off at 1 rows" in result.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_asked_from_abroad_without_a_reporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMTRADE_API_KEY", SECRET)
    monkeypatch.setenv("COMTRADE_API_URL", "file:///etc/passwd")
    with pytest.raises(InputError) as error:
        download(ImportOptions(), tmp_path / "answers")
    for said in ("no reporter is named", "no years are named", "this is not an address"):
        assert said in str(error.value)
