"""Responses of endpoints made to say what they mean, before the client library reads them: bodies by
``completions.py``, limits in headers here."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import httpx2

from reestim.labels.completions import completion

#: What the response to the request under way said beside its answer: ``temperature``, and as in ``completion``.
NOTES: ContextVar[dict[str, Any]] = ContextVar("NOTES")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class ResponseTransport(httpx2.AsyncBaseTransport):
    """Sends requests by ``inner`` and rewrites the responses.

    Parameters
    ----------
    inner
        The transport that does the work.
    pause
        Called with seconds when a header says that the limit of requests or tokens is used up.
    seconds
        For a whole response. The limits of a connection are on the time between two bytes: a server that sends a blank
        now and then would keep it open for ever.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, pause: Callable[[float], None], seconds: float) -> None:
        self._inner, self._pause, self._seconds = inner, pause, seconds

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, and its response as the protocol has it."""
        asked = json.loads(await request.aread())
        NOTES.get()["temperature"] = asked.get("temperature")
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._inner.handle_async_request(request)
                raw = await response.aread()
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no whole answer within {self._seconds:g} seconds", request=request) from None
        headers = {k.lower(): v for k, v in response.headers.items()}
        if (wait := used_up(headers)) > 0:
            self._pause(wait)
        if "retry-after" not in headers and "retry-after-ms" in headers:
            headers["retry-after"] = str(_number(headers["retry-after-ms"]) / 1000)
        status, body = completion(response.status_code, raw, asked, NOTES.get())
        for name in ("content-length", "content-type", "content-encoding", "transfer-encoding"):
            headers.pop(name, None)
        headers["content-type"] = "application/json"
        return httpx2.Response(status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
