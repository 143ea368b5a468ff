"""The language-model labeller: asks for what the cache does not hold, stores each answer at once, guesses nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from reestim.errors import ReestimError
from reestim.labels.answer_cache import Answer, AnswerCache, key_of
from reestim.labels.batches import Text, again, batches, sort_answers
from reestim.labels.client import EndpointError, LLMClient, RefusedError, Reply, UnreadableError
from reestim.labels.endpoint import Endpoint, Prices
from reestim.labels.llm_settings import LLMSettings
from reestim.labels.spending import Estimate, Spending, check_budget, estimate
from reestim.labels.taxonomy import Prompt

NO_TEXT = "no title and no abstract"


@dataclass(frozen=True)
class Plan:
    """What labelling would ask for.

    texts : without an answer in the cache; known : answers in the cache, by key; most_received, most_cost : tokens and
    US$ if every answer were as long as it may be (None: no price is known).
    """

    texts: tuple[Text, ...]
    known: Mapping[str, Answer]
    expected: Estimate
    most_received: int
    most_cost: float | None


@dataclass
class LLMLabeller:
    """Labels patents by an OpenAI-compatible endpoint (see ``Labeller``).

    The same text is asked about once, whatever patents carry it. An answer outside the taxonomy is asked for again,
    alone, up to ``settings.judgements`` times in all; then the text is unlabelled, with the reason, and stays so until
    ``ask_again``. max_cost : US$, None for no limit. progress : called with how many texts are answered, of how many.

    Raises
    ------
    InputError
        Before anything is asked: the cache cannot be used, the estimate is above ``max_cost``.
    EndpointError, CostLimitError
        In the middle. What was answered is in the cache; nothing is labelled in part.
    """

    endpoint: Endpoint
    prompt: Prompt
    cache: AnswerCache
    settings: LLMSettings = field(default_factory=LLMSettings)
    prices: Prices | None = None
    max_cost: float | None = None
    ask_again: bool = False
    progress: Callable[[int, int], None] = lambda done, of: None
    _used: dict[str, Answer] = field(default_factory=dict)
    _asked: int = 0
    _spending: Spending | None = None

    def plan(self, patents: pd.DataFrame) -> Plan:
        """What would be asked, and its estimated cost; asks nothing."""
        texts = {}
        for title, abstract in zip(patents["title"], patents["abstract"], strict=True):
            if title.strip() or abstract.strip():
                key = self._key(title, abstract)
                texts.setdefault(key, Text(key, title.strip(), abstract.strip()))
        known = self.cache.find(texts)
        if self.ask_again:
            known = {key: answer for key, answer in known.items() if answer.label}
        open_ = tuple(text for key, text in texts.items() if key not in known)
        requests = batches(open_, self.settings.patents_per_request)
        expected = estimate(requests, self.prompt.text, self.prices)
        most = sum(self.settings.answer_tokens(len(batch)) for batch in requests)
        cost = self.prices.cost(expected.input_tokens, float(most)) if self.prices else None
        return Plan(open_, known, expected, most, cost)

    def label(self, patents: pd.DataFrame) -> pd.DataFrame:
        """Label patents (columns ``patent_id, title, abstract``).

        Returns
        -------
        Columns ``label`` (empty: unlabelled), ``probability`` (NaN: a language model states none that is calibrated),
        ``reason`` (``language model``, or why there is no label), the rows as they came.
        """
        plan = self.plan(patents)
        check_budget(plan.expected, self.max_cost)
        self._spending = Spending(self.prices, self.max_cost)
        self._asked = len(plan.texts)
        if plan.texts:
            asyncio.run(_ask_all(self, plan, self._spending))
        rows = zip(patents["title"], patents["abstract"], strict=True)
        keys = [self._key(*row) if any(part.strip() for part in row) else None for row in rows]
        self._used = {**plan.known, **self.cache.find(text.key for text in plan.texts)}
        found = [self._used[key] if key is not None else None for key in keys]
        labels = [answer.label if answer else "" for answer in found]
        reasons = [answer.reason if answer else NO_TEXT for answer in found]
        return pd.DataFrame({"label": labels, "probability": np.nan, "reason": reasons}, index=patents.index)

    def about(self) -> dict[str, Any]:
        """Who labelled, when, with which prompt, at what cost. Never the key."""
        answers = list(self._used.values())
        times = sorted(answer.answered for answer in answers)
        temperatures = {answer.temperature for answer in answers}
        return {
            "labeller": "llm",
            "model": self.endpoint.model,
            "served_as": sorted({answer.model for answer in answers}),
            "endpoint": self.endpoint.base_url,
            "prompt": {"version": self.prompt.version, "hash": self.prompt.hash},
            "answered": {"first": times[0], "last": times[-1]} if times else None,
            "temperature": 0.0 if temperatures <= {0.0} else "not taken by this model, at least in part",
            "settings": {
                name: getattr(self.settings, name) for name in ("patents_per_request", "answers", "judgements")
            },
            "texts": {"asked": self._asked, "from_cache": len(answers) - self._asked},
            "this_run": self._spending.about() if self._spending else None,
        }

    def _key(self, title: str, abstract: str) -> str:
        return key_of(self.prompt.hash, self.endpoint.model, title, abstract)


@dataclass
class _Work:
    """Requests still to be made, the first failure that ends all, how many texts are settled, and whether the endpoint
    has ever answered."""

    waiting: deque[tuple[Text, ...]]
    failure: ReestimError | None = None
    done: int = 0
    answered: bool = False


async def _ask_all(labeller: LLMLabeller, plan: Plan, spending: Spending) -> None:
    """Ask until every text has an answer in the cache, or something ends it; requests under way are waited for."""
    client = LLMClient(labeller.endpoint, labeller.prompt.text, labeller.settings, spending)
    requests = batches(plan.texts, labeller.settings.patents_per_request)
    work = _Work(deque(requests), answered=bool(plan.known))
    running: set[asyncio.Task[None]] = set()
    try:
        while running or (work.waiting and work.failure is None):
            while work.waiting and work.failure is None and len(running) < labeller.settings.requests_at_once:
                running.add(asyncio.create_task(_one(labeller, client, work, work.waiting.popleft(), len(plan.texts))))
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                task.result()  # a fault of ours must not be lost in a task
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await client.close()
    if work.failure is not None:
        raise work.failure


async def _one(labeller: LLMLabeller, client: LLMClient, work: _Work, batch: tuple[Text, ...], total: int) -> None:
    """One request, and what its outcome means for each text of it."""
    try:
        reply = await client.ask(batch)
    except ReestimError as error:
        work.failure = work.failure or error
        return
    except RefusedError as error:
        _refused(labeller, work, batch, str(error), total)
        return
    except UnreadableError as error:
        reply, invalid = None, [(text, str(error)) for text in batch]
    else:
        answers = sort_answers(batch, reply.answers)
        invalid = answers.invalid
        _settle(
            labeller,
            work,
            {key: _answer(label, "language model", reply) for key, label in answers.labels.items()},
            total,
        )
    work.answered = work.answered or client.answered > 0
    for text, why in invalid:
        if text.tries + 1 < labeller.settings.judgements:
            work.waiting.append((again(text),))
        elif why.startswith("no answer within") and not client.answered:
            work.failure = work.failure or EndpointError(f"{client.endpoint.model} gave {why}. Nothing is settled")
        else:
            reason = f"{why} (judged {text.tries + 1} times)"
            _settle(labeller, work, {text.key: _answer("", reason, reply)}, total)


def _refused(labeller: LLMLabeller, work: _Work, batch: tuple[Text, ...], said: str, total: int) -> None:
    """A refused batch is asked about text by text, and a refused text is unlabelled once the endpoint has answered
    anything; where it refuses whatever it is asked, it does not understand the requests."""
    if len(batch) != 1:
        work.waiting.extendleft((text,) for text in reversed(batch))
    elif work.answered:
        _settle(labeller, work, {batch[0].key: _answer("", f"the endpoint refuses this text: {said}", None)}, total)
    elif batch[0].tries + 1 < labeller.settings.judgements:
        work.waiting.append((again(batch[0]),))
    else:
        advice = "If it does not know function calls, try --answers schema or --answers prompt"
        where = f"{labeller.endpoint.model} at {labeller.endpoint.base_url}"
        work.failure = work.failure or EndpointError(f"{where} refuses the request: {said}. {advice}")


def _settle(labeller: LLMLabeller, work: _Work, answers: dict[str, Answer], total: int) -> None:
    labeller.cache.store(answers)
    work.done += len(answers)
    labeller.progress(work.done, total)


def _answer(label: str, reason: str, reply: Reply | None) -> Answer:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Answer(label, reason, reply.model if reply else "", now, reply.temperature if reply else 0.0)
