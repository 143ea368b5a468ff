"""The body of a response made into the completion, or the error, that the chat-completions protocol has for it.

Gateways and small servers deviate: an error, a web page or a stream in HTTP 200, JSON in a Markdown fence or between
sentences, an answer in the text although a function call was asked for, reasoning in ``<think>``, fields of other
types. Nothing reaches the client library but the fields of the protocol with the types of the protocol.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.S)
_LIMITED = re.compile(r"rate.?limit|too many|overload|quota|capacity|slow down|throttl", re.I)
#: Reasons for which an answer ends, as the protocol names them; every other name means that it was complete.
_ENDS = {"max_tokens": "length", "max_output_tokens": "length", "model_length": "length", "safety": "content_filter"}
_PROTOCOL = ("stop", "length", "tool_calls", "content_filter")
#: Fields in which servers tell of a failure when they do not write ``error``.
_TOLD = ("error", "errors", "detail", "message", "msg", "base_resp")


def completion(status: int, raw: bytes, asked: Mapping[str, Any], notes: dict[str, Any]) -> tuple[int, bytes]:
    """Status and body as the protocol has them, for the body of the request ``asked``.

    notes : receives ``finish_reason``; ``no_answer``, why a completion holds none (a refusal, a filter, nothing);
    ``ignored_tools``, that a function call was asked for and text came; ``unread``, that a body could not be read.
    """
    if not 200 <= status < 300:
        return status, raw
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        notes["unread"] = True
        return _failure(502, _no_json(raw))
    if not isinstance(body, dict):
        return _failure(502, f"the answer is not a completion: {json.dumps(body)[:200]}")
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict):
        stated_error = next((body[name] for name in _TOLD if body.get(name)), None)
        return _failure(
            _status_of(stated_error, body), stated_error or f"the answer holds no choices: {json.dumps(body)[:200]}"
        )
    error = choice.get("error") or body.get("error")
    if error or choice.get("finish_reason") == "error" or not isinstance(message, dict):
        return _failure(_status_of(error, body), error or f"the answer holds no message: {json.dumps(choice)[:200]}")
    return 200, json.dumps(_clean(body, choice, message, asked, notes)).encode()


def _clean(
    body: Mapping[str, Any],
    choice: Mapping[str, Any],
    message: Mapping[str, Any],
    asked: Mapping[str, Any],
    notes: dict[str, Any],
) -> dict[str, Any]:
    """The completion with nothing but what the protocol has."""
    end = str(choice.get("finish_reason") or "stop").lower()
    end = end if end in _PROTOCOL else _ENDS.get(end, "stop")
    text, calls = _text(message.get("content")), _calls(message)
    tools = asked.get("tools")
    if not calls and (json_text := json_in(text)) is not None:
        text = json_text
        if tools:
            text, calls = "", [(tools[0]["function"]["name"], json_text)]
    refusal = _text(message.get("refusal"))
    if not calls and refusal:
        notes["no_answer"] = f"the model refuses: {' '.join(refusal.split())[:200]}"
    elif not calls and end == "content_filter":
        notes["no_answer"] = "a filter of the endpoint stopped the answer"
    elif not calls and not text.strip():
        notes["no_answer"] = "the answer is empty"
    elif tools and not calls:
        notes["ignored_tools"] = True
    notes["finish_reason"] = end
    reply: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        reply["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(calls, start=1)
        ]
        end = "tool_calls" if end == "stop" else end
    clean: dict[str, Any] = {
        "id": str(body.get("id") or "none"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": str(body.get("model") or asked.get("model") or ""),
        "choices": [{"index": 0, "finish_reason": end, "message": reply}],
    }
    usage = body.get("usage")
    counts = (
        [_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens")] if isinstance(usage, dict) else []
    )
    if any(counts):
        clean["usage"] = {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}
    return clean


def _text(content: Any) -> str:
    """The text of a message, whether it is one string or a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _calls(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and arguments, as JSON text, of the function calls of a message."""
    listed = message.get("tool_calls")
    functions = [call.get("function") for call in listed if isinstance(call, dict)] if isinstance(listed, list) else []
    calls = []
    for function in [*functions, message.get("function_call")]:
        if isinstance(function, dict) and function.get("arguments"):
            arguments = function["arguments"]
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            calls.append((str(function.get("name") or "labels"), text))
    return calls


def _count(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else 0


def json_in(text: str) -> str | None:
    """The JSON object with ``answers`` in a text: whole, in a Markdown fence or between sentences.

    None without one, and where several differ: a draft and a final answer cannot be told apart. What stands before the
    end of a thought is no answer, with or without the mark of its beginning.
    """
    text = _THOUGHT.sub("", text).rpartition("</think>")[2].strip()
    decoder = json.JSONDecoder()
    documents: dict[str, str] = {}
    after = 0
    for start in (brace.start() for brace in re.finditer(r"\{", text)):
        if start < after:
            continue
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "answers" in value:
            documents.setdefault(json.dumps(value["answers"], sort_keys=True), text[start:end])
            after = end
    return next(iter(documents.values())) if len(documents) == 1 else None


def _failure(status: int, told: Any) -> tuple[int, bytes]:
    return status, json.dumps({"error": told if isinstance(told, dict) else {"message": told}}).encode()


def _no_json(raw: bytes) -> str:
    """What a body is that is not JSON, in words and its first characters."""
    text = raw.decode("utf-8", "replace").strip()
    if not text:
        return "the answer is empty"
    begins = " ".join(text[:200].split())
    if text.startswith("<"):
        return f"the answer is a web page: {begins}"
    if text.startswith(("data:", "event:", ":")):
        return f"the answer is a stream, which was not asked for: {begins}"
    return f"the answer is not JSON: {begins}"


def _status_of(*told: Any) -> int:
    """The HTTP status that an error in a body stands for."""
    for error in told:
        for name in ("code", "status", "status_code", "http_status"):
            code = error.get(name) if isinstance(error, dict) else None
            if isinstance(code, str) and code.isdigit():
                code = int(code)
            if isinstance(code, int) and 400 <= code <= 599:
                return code
    return 429 if any(error and _LIMITED.search(json.dumps(error)) for error in told) else 502
