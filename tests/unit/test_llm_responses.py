"""Servers that deviate from the protocol: what they mean is understood, and an outage in disguise settles nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reestim.labels.client import EndpointError
from reestim.labels.completions import completion, json_in
from reestim.labels.labelling import label_patents
from reestim.labels.responses import duration, used_up
from tests.llm_server import LanguageModel, patents_of
from tests.unit.llm_fixtures import Make, labels_of, some, truth


def as_text(change: Callable[[str], str]) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
    """The answer as text, although a function call was asked for."""

    def disguise(_: int, reply: dict[str, Any]) -> dict[str, Any]:
        message = reply["choices"][0]["message"]
        answer = message.pop("tool_calls")[0]["function"]["arguments"]
        message["content"] = change(answer)
        return reply

    return disguise


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer,
        lambda answer: f"```json\n{answer}\n```",
        lambda answer: f"Sure! Here are the {{labels}}:\n\n```json\n{answer}\n```\nAnything else?",
        lambda answer: f"<think>The first {{uses}} them.</think>\n{answer}",
    ],
    ids=["plain", "fence", "prose", "thought"],
)
def test_an_answer_is_found_in_text(make: Make, model: LanguageModel, change: Callable[[str], str]) -> None:
    model.disguise = as_text(change)
    assert labels_of(label_patents(some(), make())) == truth()
    assert len(model.requests) == 3  # none had to be asked twice


def test_separate_reasoning_and_arguments_as_an_object_are_read(make: Make, model: LanguageModel) -> None:
    def disguise(_: int, reply: dict[str, Any]) -> dict[str, Any]:
        message = reply["choices"][0]["message"] | {"reasoning_content": "hmm"}
        call = message["tool_calls"][0]["function"]
        call["arguments"] = json.loads(call["arguments"])
        reply["choices"][0]["message"] = message
        return reply

    model.disguise = disguise
    assert labels_of(label_patents(some(), make())) == truth()


ERRORS = {
    "rate limit": {"error": {"message": "Rate limit exceeded: limit_rpm", "code": 429}},
    "provider": {"error": {"message": "Provider returned error", "code": 502}, "user_id": "u1"},
    "text": {"error": "Unexpected endpoint or method"},
    "no choices": {"choices": None, "error": {"message": "Internal", "code": 500}},
    "empty": {"choices": []},
    "login page": "<html><body>Login</body></html>",
    "plain text": "upstream connect error",
    "nothing": "",
    "list": [1],
    "a choice that is text": {"choices": ["yes"]},
    "no message": {"choices": [{"index": 0, "finish_reason": "stop"}]},
    "stream": 'data: {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "{}"}}]}\n\n',
    "other words": {"success": False, "errors": [{"code": 7500, "message": "internal"}]},
    "ended in an error": {"choices": [{"index": 0, "finish_reason": "error", "message": {"content": ""}}]},
}


@pytest.mark.parametrize("kind", list(ERRORS))
def test_an_error_inside_http_200_is_an_outage(make: Make, model: LanguageModel, kind: str) -> None:
    """It passes: everything is labelled. It stays: words, and no text is settled in the cache."""
    model.disguise = lambda n, reply: ERRORS[kind] if 1 < n < 5 else reply
    assert labels_of(label_patents(some(), make(requests_at_once=1))) == truth()
    model.disguise = lambda n, reply: ERRORS[kind]
    again = make(name="other", attempts=3)
    with pytest.raises(EndpointError):
        again.label(some())
    assert len(again.plan(some()).texts) == 8
    model.disguise = None
    assert labels_of(label_patents(some(), again)) == truth()


def test_answers_are_bounded_and_the_schema_has_their_number_and_ids(make: Make, model: LanguageModel) -> None:
    labeller = make(max_answer=99)
    plan = labeller.plan(some())
    assert plan.most_received == 3 * 99
    label_patents(some(), labeller)
    for body in model.requests:
        assert body["max_tokens"] == 99
        schema = body["tools"][0]["function"]["parameters"]["properties"]["answers"]
        ids = [patent["id"] for patent in patents_of(body)]
        assert schema["minItems"] == schema["maxItems"] == len(ids)
        assert schema["items"]["properties"]["id"]["enum"] == ids


def test_a_model_that_is_cut_off_says_so_and_settles_nothing(make: Make, model: LanguageModel) -> None:
    def cut(_: int, reply: dict[str, Any]) -> dict[str, Any]:
        call = reply["choices"][0]["message"]["tool_calls"][0]["function"]
        call["arguments"] = call["arguments"][:20]
        reply["choices"][0]["finish_reason"] = "length"
        return reply

    model.disguise = cut
    labeller = make(requests_at_once=1)
    with pytest.raises(EndpointError, match="--max-answer"):
        labeller.label(some())
    assert len(labeller.plan(some()).texts) == 8


def test_an_endpoint_that_hangs_settles_nothing(make: Make, model: LanguageModel) -> None:
    model.hang_after = 0
    labeller = make(timeout=0.8, attempts=3, requests_at_once=1)
    with pytest.raises(EndpointError, match="does not answer"):
        labeller.label(some())
    assert len(model.requests) == 3
    assert len(labeller.plan(some()).texts) == 8


def test_a_limit_stated_in_headers_is_heeded(make: Make, model: LanguageModel) -> None:
    model.headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}
    assert labels_of(label_patents(some(), make(requests_at_once=1))) == truth()
    assert min(b - a for a, b in zip(model.times, model.times[1:], strict=False)) >= 0.29


def test_durations_limits_and_json_in_text() -> None:
    assert [duration(text) for text in ("1.5", "20ms", "6m0s", "1h2m", "soon")] == [1.5, 0.02, 360.0, 3720.0, 0.0]
    assert used_up({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "9s"}) == 0.0
    assert json_in("no {answers} here") is None
    draft, final = '{"answers": [{"id": 1, "label": "using"}]}', '{"answers": [{"id": 1, "label": "unrelated"}]}'
    assert json_in(f"{draft} let me see </think> {final}") == final, "a thought whose beginning the template wrote"
    assert json_in(f"Draft: {draft} On reflection: {final}") is None, "asked for again, never the draft"
    assert json_in(f"{final} I repeat: {final}") == final
    assert completion(404, b"{}", {}, {}) == (404, b"{}")


def spoken(**message: Any) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
    """A reply of HTTP 200 that is well formed, and no answer."""

    def disguise(_: int, reply: dict[str, Any]) -> dict[str, Any]:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None} | message}
        return reply | {"choices": [choice]}

    return disguise


NO_ANSWERS = {
    "refusal": (spoken(refusal="I cannot help."), "the model refuses: I cannot help"),
    "prose": (spoken(content="The weather is fine."), "ignores function calls: try --answers schema or"),
    "empty": (spoken(content=""), "the answer is empty"),
    "other names": (spoken(content='{"answers": [{"id": "a", "label": "using"}]}'), "left it out"),
}


@pytest.mark.parametrize("kind", list(NO_ANSWERS))
def test_answers_that_are_none_are_an_outage_until_the_model_labels_a_text_it_knows(
    make: Make, model: LanguageModel, kind: str
) -> None:
    """From the first request: words, nothing settled. In the middle, for good: the same. For a while: all is labelled,
    however often the texts were judged in vain, the last of them too."""
    disguise, words = NO_ANSWERS[kind]
    model.disguise = disguise
    labeller = make(requests_at_once=1, attempts=3, patents_per_request=1)
    with pytest.raises(EndpointError, match=words):
        labeller.label(some())
    assert len(model.requests) == 3
    assert len(labeller.plan(some()).texts) == 8
    model.disguise = lambda n, reply: reply if n <= 5 else disguise(n, reply)
    with pytest.raises(EndpointError, match="not even to one that it had labelled before"):
        labeller.label(some())
    assert len(labeller.plan(some()).texts) == 6
    begun = len(model.requests)
    model.disguise = lambda n, reply: disguise(n, reply) if begun + 4 < n <= begun + 8 else reply
    assert labels_of(label_patents(some(), labeller)) == truth()


def test_fields_of_other_types_are_read(make: Make, model: LanguageModel) -> None:
    model.disguise = lambda _, reply: reply | {"created": 1.5, "usage": {"prompt_tokens": None}, "service_tier": "x"}
    assert labels_of(label_patents(some(), make())) == truth()
