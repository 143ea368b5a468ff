"""The batch interface of a provider: all requests in one file, answered within a day, often at half the price.

The protocol is that of OpenAI (files, batches), which other providers and servers speak too. A job has a file of its
own, written before anything is submitted: a job that was submitted is found again, and never submitted twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openai import APIError, OpenAI
from pydantic import ValidationError

from reestim.errors import InputError, Problem
from reestim.io.files import atomic_write, lines_of
from reestim.labels.answer_cache import Answer, AnswerCache
from reestim.labels.batches import Answers, Text, answers_type, batches, message, sort_answers
from reestim.labels.client import EndpointError
from reestim.labels.completions import completion, json_in
from reestim.labels.endpoint import Endpoint
from reestim.labels.llm_settings import LLMSettings
from reestim.labels.taxonomy import Prompt

_TITLE = "the job cannot be used"
#: Name under which a batch carries the job it belongs to.
_MARK = "reestim_job"
#: States in which a provider still works; every other is an end.
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")


@dataclass(frozen=True)
class JobState:
    """How far a job is.

    state : as the provider names it; finished : nothing more will come. requests, labelled, without : requests of the
    job, texts that got a label, texts that got none (they are asked by ordinary requests). tokens : sent, received.
    """

    state: str
    finished: bool
    requests: int
    labelled: int = 0
    without: int = 0
    tokens: tuple[int, int] = (0, 0)


@dataclass
class BatchJob:
    """One job and its file. path : of the file, made by ``submit``."""

    path: Path
    endpoint: Endpoint
    prompt: Prompt
    settings: LLMSettings
    _client: OpenAI = field(init=False)

    def __post_init__(self) -> None:
        key = self.endpoint.key.get_secret_value() if self.endpoint.key else "no-key"
        self._client = OpenAI(base_url=self.endpoint.base_url, api_key=key, timeout=self.settings.timeout)

    def submit(self, texts: Sequence[Text]) -> JobState:
        """Submit all texts. Raises EndpointError; run again, and what was submitted is found."""
        groups = batches(tuple(texts), self.settings.patents_per_request)
        lines = "".join(json.dumps(self._request(group)) + "\n" for group in groups)
        mark = hashlib.sha256(lines.encode()).hexdigest()[:32]
        state: dict[str, Any] = {
            "model": self.endpoint.model,
            "prompt": self.prompt.hash,
            "requests": {_name(group): [text.key for text in group] for group in groups},
            _MARK: mark,
            "batch": None,
        }
        self._write(state)
        try:
            state["batch"] = self._found(mark)
            if state["batch"] is None:
                file = self._client.files.create(file=("requests.jsonl", lines.encode()), purpose="batch")
                once = self._client.with_options(max_retries=0)  # a lost receipt may be of a batch that was made
                made = once.batches.create(
                    input_file_id=file.id,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={_MARK: mark},
                )
                state["batch"] = made.id
        except APIError as error:
            raise self._meaning(error) from None
        self._write(state)
        return JobState("submitted", False, len(groups))

    def collect(self, texts: Mapping[str, Text], cache: AnswerCache) -> JobState:
        """Ask how far the job is; once it has ended, put its answers into the cache.

        texts : those of the patents at hand, by key; others of the job are left. Raises EndpointError, and InputError
        where the file is not that of a job of this model and prompt.
        """
        state = self._read()
        requests: dict[str, list[str]] = state["requests"]
        try:
            number = state["batch"] or self._found(state[_MARK])
            if number is None:
                advice = f"Remove {self.path.name} and submit again"
                raise InputError(Problem("the job was never submitted", advice, file=self.path.name), _TITLE)
            batch = self._client.batches.retrieve(number)
            if batch.status in _UNDER_WAY:
                return JobState(str(batch.status), False, len(requests))
            ids = [batch.output_file_id, batch.error_file_id]
            lines = [self._client.files.content(i).content.decode("utf-8") for i in ids if i]
        except APIError as error:
            raise self._meaning(error) from None
        groups = {name: [texts[key] for key in keys if key in texts] for name, keys in requests.items()}
        whole = {name: group for name, group in groups.items() if len(group) == len(requests[name])}
        answers: dict[str, Answer] = {}
        sent = received = 0
        for name, body in _responses(lines_of("\n".join(lines))):
            if name not in whole:
                continue
            new_answers, counts = self._answers(whole[name], body)
            answers |= new_answers
            sent, received = sent + counts[0], received + counts[1]
        cache.store(answers)
        asked = sum(map(len, groups.values()))
        tokens = (sent, received)
        return JobState(str(batch.status), True, len(requests), len(answers), asked - len(answers), tokens)

    def _request(self, group: Sequence[Text]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": [
                {"role": "system", "content": self.prompt.text},
                {"role": "user", "content": message(group)},
            ],
            "temperature": 0.0,
            "max_tokens": self.settings.answer_tokens(len(group)),
        }
        if self.settings.answers != "prompt":
            schema = {"name": "labels", "schema": answers_type(group).model_json_schema()}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {"custom_id": _name(group), "method": "POST", "url": "/v1/chat/completions", "body": body}

    def _answers(self, group: Sequence[Text], body: Mapping[str, Any]) -> tuple[dict[str, Answer], tuple[int, int]]:
        """Labels of one response by key, and its tokens."""
        status, raw = completion(int(body.get("status_code") or 502), json.dumps(body.get("body")).encode(), {}, {})
        content = json.loads(raw)
        usage = content.get("usage") or {}
        tokens = (int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0)))
        if status != 200:
            return {}, tokens
        reply = json_in(str(content["choices"][0]["message"].get("content") or ""))
        try:
            parsed = Answers.model_validate_json(reply or "")
        except ValidationError:
            return {}, tokens
        now = datetime.now(UTC).isoformat(timespec="seconds")
        labels = sort_answers(group, parsed.answers).labels
        model = str(content.get("model") or self.endpoint.model)
        return {key: Answer(label, "language model", model, now, 0.0) for key, label in labels.items()}, tokens

    def _found(self, mark: str) -> str | None:
        """The batch that carries the mark, if the provider has one."""
        for batch in self._client.batches.list(limit=100):
            if (batch.metadata or {}).get(_MARK) == mark:
                return batch.id
        return None

    def _write(self, state: Mapping[str, Any]) -> None:
        atomic_write(self.path, (json.dumps(state, indent=1) + "\n").encode())

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads(self.path.read_bytes())
            sound = isinstance(state["requests"], dict) and isinstance(state[_MARK], str) and "batch" in state
        except (OSError, ValueError, KeyError, TypeError):
            state, sound = {}, False
        if not sound:
            advice = "Give the file that `reestim label --job` wrote, or name a new one"
            raise InputError(Problem("this is not the file of a job", advice, file=str(self.path)), _TITLE)
        if (state["model"], state["prompt"]) != (self.endpoint.model, self.prompt.hash):
            advice = f"It was submitted to {state['model']}: use the same model and prompt, or name a new file"
            raise InputError(Problem("the job is of another model or prompt", advice, file=str(self.path)), _TITLE)
        return state

    def _meaning(self, error: APIError) -> EndpointError:
        message = self.endpoint.without_key(" ".join(str(error).split()))[:300].rstrip(".")
        where = f"{self.endpoint.model} at {self.endpoint.base_url}"
        return EndpointError(
            f"the batch interface of {where} fails: {message}. Run the command again, or leave out --job"
        )


def _name(group: Sequence[Text]) -> str:
    """Name of a request, by its texts."""
    return hashlib.sha256("".join(text.key for text in group).encode()).hexdigest()[:32]


def _responses(lines: Iterable[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Name of the request and its response; lines that are none are left out: their texts stay open."""
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("response"), dict):
            yield str(row.get("custom_id")), row["response"]
