"""A server that speaks the chat-completions protocol over real HTTP, answers as told, and fails when told to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Patents = list[dict[str, str]]
Answers = list[dict[str, str]]
KEY = "sk-test-1f6b0c7a9d2e4358"


def by_keyword(patents: Patents) -> Answers:
    """A model that reads each text by itself: the label that stands after ``KIND=`` in it, else unrelated."""
    return [{"id": p["id"], "label": _stated(p["abstract"])} for p in patents]


def _stated(text: str) -> str:
    found = re.search(r"KIND=(\w+)", text)
    return found.group(1) if found else "unrelated"


@dataclass
class LanguageModel:
    """What the server does. ``faults`` are used up one a request: an HTTP status, a status with Retry-After (s),
    ``broken`` JSON, ``prose`` instead of an answer, a ``cut`` connection, ``blanks`` in place of an answer, for sixty
    seconds, or ``slow`` (answers after ``slow`` seconds, the others after ``pause``). ``hang_after`` requests it never
    answers again; with the text ``silences`` in a request it sends blanks. ``disguise`` makes another body of the
    n-th reply (text as it is, else JSON), ``headers`` come with every response; a request with the text ``refuses`` in
    it gets HTTP 400."""

    answer: Callable[[Patents], Answers] = by_keyword
    faults: list[Any] = field(default_factory=list)
    pause: float = 0.0
    slow: float = 0.0
    usage: bool = True
    tokens: tuple[int, int] = (1000, 100)
    error: str = "refused"
    refuses: str | None = None
    silences: str | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    most_at_once: int = 0
    hang_after: int | None = None
    disguise: Callable[[int, dict[str, Any]], Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def asked(self) -> Counter[str]:
        """How often each title was sent."""
        return Counter(p["title"] for body in self.requests for p in patents_of(body))

    def reply(self, body: dict[str, Any]) -> bytes:
        answers = json.dumps({"answers": self.answer(patents_of(body))})
        message: dict[str, Any] = {"role": "assistant", "content": answers}
        if body.get("tools"):
            function = {"name": body["tools"][0]["function"]["name"], "arguments": answers}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            }
        reply: dict[str, Any] = {
            "id": "1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": f"{body['model']}-served",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
        if self.usage:
            sent, received = self.tokens
            reply["usage"] = {
                "prompt_tokens": sent,
                "completion_tokens": received,
                "total_tokens": sent + received,
            }
        return json.dumps(reply).encode()


def patents_of(body: dict[str, Any]) -> Patents:
    """The patents of a request: the JSON document of the user's message."""
    return json.loads(next(m["content"] for m in body["messages"] if m["role"] == "user"))["patents"]


def system_of(body: dict[str, Any]) -> str:
    """What the request says outside the user's message, but for the number of texts and their identifiers."""
    rest = {name: value for name, value in body.items() if name != "max_tokens"}
    text = json.dumps([{**rest, "messages": [m for m in body["messages"] if m["role"] != "user"]}], sort_keys=True)
    text = re.sub(r'"\d+-[0-9a-f]{6}"(?:, "\d+-[0-9a-f]{6}")*', '"ids"', text)
    return re.sub(r'"(m..Items)": \d+', r'"\1": n', text)


@contextmanager
def serving(model: LanguageModel) -> Iterator[LanguageModel]:
    """Serve on a free port of this machine; ``model.url`` is the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with model._lock:
                model.requests.append(body)
                model.keys.append(self.headers.get("Authorization", ""))
                model.times.append(time.monotonic())
                model._open += 1
                model.most_at_once = max(model.most_at_once, model._open)
                fault = model.faults.pop(0) if model.faults else None
                if model.refuses and any(model.refuses in p["abstract"] for p in patents_of(body)):
                    fault = 400
                if model.silences and any(model.silences in p["abstract"] for p in patents_of(body)):
                    fault = "blanks"
                hang = model.hang_after is not None and len(model.requests) > model.hang_after
            try:
                self._respond(body, 60.0 if hang else model.pause, fault)
            except OSError:
                pass  # the client went away
            finally:
                with model._lock:
                    model._open -= 1

        def _respond(self, body: dict[str, Any], pause: float, fault: Any) -> None:
            time.sleep(model.slow if fault == "slow" else pause)
            status, after = fault if isinstance(fault, tuple) else (fault, None)
            content = model.reply(body)
            if isinstance(status, int):
                content = json.dumps({"error": {"message": model.error, "type": "error"}}).encode()
            elif fault == "broken":
                content = content[: len(content) // 2]
            elif fault == "prose":
                said = {"role": "assistant", "content": "I had rather talk about the weather."}
                reply = json.loads(content) | {"choices": [{"index": 0, "finish_reason": "stop", "message": said}]}
                content = json.dumps(reply).encode()
            elif model.disguise is not None:
                body_ = model.disguise(len(model.requests), json.loads(content))
                content = (body_ if isinstance(body_, str) else json.dumps(body_)).encode()
            if fault == "blanks":
                self._send_blanks()
                return
            self.send_response(status if isinstance(status, int) else 200)
            for name, value in model.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if after is not None:
                self.send_header("Retry-After", str(after))
            self.end_headers()
            if fault == "cut":
                self.wfile.write(content[:20])
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(content)

        def _send_blanks(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            until = time.monotonic() + 60
            while time.monotonic() < until:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.02)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
