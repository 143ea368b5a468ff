"""Responses of endpoints made to say what they mean, before the client library reads them.

Gateways and small servers deviate from the chat-completions protocol: an error in the body of HTTP 200, JSON in a
Markdown fence or between sentences, an answer in the text although a function call was asked for, reasoning in
``<think>``, limits in headers. ``ResponseTransport`` rewrites such responses into what the protocol says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import httpx2

#: What the response to the request under way said beside its answer: ``finish_reason``, ``temperature``.
NOTES: ContextVar[dict[str, Any]] = ContextVar("NOTES")

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.S)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.S)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LIMITED = re.compile(r"rate.?limit|too many|overload|quota|capacity", re.I)


class ResponseTransport(httpx2.AsyncBaseTransport):
    """Sends requests by ``inner`` and rewrites the responses.

    Parameters
    ----------
    inner
        The transport that does the work.
    pause
        Called with seconds when a header says that the limit of requests or tokens is used up.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, pause: Callable[[float], None]) -> None:
        self._inner, self._pause = inner, pause

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request. Bodies that are not JSON objects pass as they are, but for HTML, which is no answer (502)."""
        asked = json.loads(await request.aread())
        NOTES.get()["temperature"] = asked.get("temperature")
        response = await self._inner.handle_async_request(request)
        raw = await response.aread()
        headers = {k.lower(): v for k, v in response.headers.items()}
        if (wait := used_up(headers)) > 0:
            self._pause(wait)
        if "retry-after" not in headers and "retry-after-ms" in headers:
            headers["retry-after"] = str(_number(headers["retry-after-ms"]) / 1000)
        status, body = rewritten(response.status_code, raw, asked)
        for name in ("content-length", "content-encoding", "transfer-encoding"):
            headers.pop(name, None)
        return httpx2.Response(status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def rewritten(status: int, raw: bytes, asked: Mapping[str, Any]) -> tuple[int, bytes]:
    """Status and body as the protocol has them, for the body of the request ``asked``."""
    try:
        body = json.loads(raw)
    except ValueError:
        return (502, raw) if status == 200 and raw.lstrip()[:1] == b"<" else (status, raw)
    if status != 200 or not isinstance(body, dict):
        return status, raw
    choices = body.get("choices")
    if not choices:
        return _status_of(body.get("error")), json.dumps({"error": body.get("error") or "no answer"}).encode()
    choice = choices[0]
    NOTES.get()["finish_reason"] = choice.get("finish_reason")
    if choice.get("finish_reason") == "error":
        return _status_of(choice.get("error") or body.get("error")), raw
    message = choice.get("message") or {}
    calls = message.get("tool_calls")
    content = message.get("content")
    if not calls and isinstance(content, str) and (found := json_in(content)) is not None:
        if asked.get("tools"):
            function = {"name": asked["tools"][0]["function"]["name"], "arguments": found}
            message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
            choice["finish_reason"] = "tool_calls"
        else:
            message["content"] = found
    for call in calls or []:
        if isinstance(call.get("function", {}).get("arguments"), dict):
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    return status, json.dumps(body).encode()


def json_in(text: str) -> str | None:
    """The JSON object with ``answers`` in a text: whole, in a Markdown fence or between sentences; None without one."""
    text = _THOUGHT.sub("", text).strip()
    decoder = json.JSONDecoder()
    for part in (text, *_FENCE.findall(text)):
        for start in (found.start() for found in re.finditer(r"\{", part)):
            try:
                value, end = decoder.raw_decode(part, start)
            except ValueError:
                continue
            if isinstance(value, dict) and "answers" in value:
                return part[start:end]
    return None


def used_up(headers: Mapping[str, str]) -> float:
    """Seconds to wait because a header says that nothing is left of a limit; 0 where something is."""
    waits = [0.0]
    for what in ("requests", "tokens"):
        left = headers.get(f"x-ratelimit-remaining-{what}")
        if left is not None and _number(left) <= 0:
            waits.append(duration(headers.get(f"x-ratelimit-reset-{what}", "")))
    return max(waits)


def duration(text: str) -> float:
    """Seconds in a text like ``1.5``, ``20ms``, ``6m0s``; 0 if it is none."""
    parts = _DURATION.findall(text)
    return sum(float(n) * _SECONDS[unit] for n, unit in parts) if parts else _number(text)


def _status_of(error: Any) -> int:
    """The HTTP status that an error in a body stands for."""
    code = error.get("code") or error.get("status") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdigit():
        code = int(code)
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    return 429 if _LIMITED.search(json.dumps(error)) else 502


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
