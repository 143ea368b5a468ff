"""A server that speaks the batch interface (files, batches) beside chat completions, for a model of ``llm_server``."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.llm_server import LanguageModel


@dataclass
class Provider:
    """``polls`` : how often a batch says that it is in progress. ``lost`` : titles whose requests end with an error.
    ``cut`` : the n-th creation of a batch is answered by a cut connection although it was made."""

    model: LanguageModel = field(default_factory=LanguageModel)
    polls: int = 1
    lost: tuple[str, ...] = ()
    cut: int | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    chats: int = 0
    url: str = ""

    def work(self, batch: dict[str, Any]) -> None:
        """Answer all requests of a batch."""
        out, errors = [], []
        for line in self.files[batch["input_file_id"]].decode().splitlines():
            request = json.loads(line)
            head = {"id": f"r{len(out)}", "custom_id": request["custom_id"]}
            if any(title in line for title in self.lost):
                body = {"error": {"message": "server fault"}}
                errors.append(head | {"response": {"status_code": 500, "body": body}})
            else:
                body = json.loads(self.model.reply(request["body"]))
                out.append(head | {"response": {"status_code": 200, "body": body}})
        for name, rows in (("output_file_id", out), ("error_file_id", errors)):
            if rows:
                batch[name] = self.keep("".join(json.dumps(row) + "\n" for row in rows).encode())
        batch["status"] = "completed"

    def keep(self, content: bytes) -> str:
        """Identifier of a new file."""
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name


@contextmanager
def providing(provider: Provider) -> Iterator[Provider]:
    """Serve on a free port of this machine; ``provider.url`` is the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.endswith("/files"):
                found = re.search(rb'filename="requests.jsonl"\r\n.*?\r\n\r\n(.*?)\r\n--', raw, re.S)
                assert found is not None
                name = provider.keep(found.group(1))
                about = {"object": "file", "created_at": 0, "filename": "requests.jsonl", "status": "processed"}
                self._send({"id": name, "bytes": len(raw), "purpose": "batch", **about})
            elif self.path.endswith("/batches"):
                number = f"batch_{len(provider.batches)}"
                provider.batches[number] = {
                    **json.loads(raw), "id": number, "object": "batch", "created_at": int(time.time()),
                    "status": "in_progress", "polled": 0,
                }  # fmt: skip
                if provider.cut == len(provider.batches) - 1:
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(provider.batches[number])
            else:
                provider.chats += 1
                self._send(json.loads(provider.model.reply(json.loads(raw))))

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path.endswith("/content"):
                self._send(provider.files[path.split("/")[-2]])
            elif path.endswith("/batches"):
                self._send({"object": "list", "data": list(provider.batches.values()), "has_more": False})
            else:
                batch = provider.batches[path.split("/")[-1]]
                if batch["polled"] >= provider.polls and batch["status"] == "in_progress":
                    provider.work(batch)
                batch["polled"] += 1
                self._send(batch)

        def _send(self, body: Any) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
