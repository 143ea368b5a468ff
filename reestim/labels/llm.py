"""The language-model labeller: asks for what the cache does not hold, stores each answer at once, guesses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from reestim.labels.answer_cache import Answer, AnswerCache, key_of
from reestim.labels.batches import Text, batches
from reestim.labels.client import LLMClient
from reestim.labels.endpoint import Endpoint, Prices
from reestim.labels.event_loop import run_to_end
from reestim.labels.llm_settings import LLMSettings
from reestim.labels.questioning import Questioning
from reestim.labels.spending import Estimate, Spending, check_budget, estimate
from reestim.labels.taxonomy import Prompt

NO_TEXT = "no title and no abstract"


@dataclass(frozen=True)
class Plan:
    """What labelling would ask for.

    texts : without an answer in the cache; known : answers in the cache, by key; most_received, most_cost : tokens and
    US$ if every answer were as long as it may be (None: no price is known); control : a text with a label in the cache.
    """

    texts: tuple[Text, ...]
    known: Mapping[str, Answer]
    expected: Estimate
    most_received: int
    most_cost: float | None
    control: Text | None


@dataclass
class LLMLabeller:
    """Labels patents by an OpenAI-compatible endpoint (see ``Labeller``).

    The same text is asked about once, whatever patents carry it. An answer outside the taxonomy is asked for again,
    alone, up to ``settings.judgements`` times in all; then the text is unlabelled, with the reason, and stays so until
    ``ask_again``; never by what may be a failure of the endpoint (``Questioning``). max_cost : US$, None for no limit.
    progress : called with how many texts are answered, of how many.

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

    def texts(self, patents: pd.DataFrame) -> dict[str, Text]:
        """What there is to judge, by the key of its answer; the same text once."""
        texts: dict[str, Text] = {}
        for title, abstract in zip(patents["title"], patents["abstract"], strict=True):
            if title.strip() or abstract.strip():
                key = self._key(title, abstract)
                texts.setdefault(key, Text(key, title.strip(), abstract.strip()))
        return texts

    def plan(self, patents: pd.DataFrame) -> Plan:
        """What would be asked, and its estimated cost; asks nothing."""
        texts = self.texts(patents)
        cached = self.cache.find(texts)
        if self.ask_again:
            cached = {key: answer for key, answer in cached.items() if answer.label}
        open_ = tuple(text for key, text in texts.items() if key not in cached)
        requests = batches(open_, self.settings.patents_per_request)
        expected = estimate(requests, self.prompt.text, self.prices)
        most = sum(self.settings.answer_tokens(len(batch)) for batch in requests)
        cost = self.prices.cost(expected.input_tokens, float(most)) if self.prices else None
        control = next((texts[key] for key, answer in cached.items() if answer.label), None)
        return Plan(open_, cached, expected, most, cost, control)

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
            run_to_end(_ask_all(self, plan, self._spending))
        rows = zip(patents["title"], patents["abstract"], strict=True)
        keys = [self._key(*row) if any(part.strip() for part in row) else None for row in rows]
        self._used = {**plan.known, **self.cache.find(text.key for text in plan.texts)}
        answers = [self._used[key] if key is not None else None for key in keys]
        labels = [answer.label if answer else "" for answer in answers]
        reasons = [answer.reason if answer else NO_TEXT for answer in answers]
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


async def _ask_all(labeller: LLMLabeller, plan: Plan, spending: Spending) -> None:
    """Ask until every text has an answer in the cache, or something ends it."""
    client = LLMClient(labeller.endpoint, labeller.prompt.text, labeller.settings, spending)
    try:
        await Questioning(client, labeller.cache, labeller.progress, len(plan.texts), plan.control).ask(plan.texts)
    finally:
        await client.close()
