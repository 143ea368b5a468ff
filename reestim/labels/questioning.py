"""Questions to a language model until every text has a label, or is shown to get none from a model that answers.

An endpoint may fail in the disguise of an answer: prose, a refusal, an empty message. So no text is unlabelled by what
may be a failure of the endpoint: its last judgement stands between two answers to the *control*, a text that the
model has labelled before. An answer that did not come in time makes the next judgement the last, since the same text
may keep the endpoint as long again.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reestim.errors import ReestimError
from reestim.labels.answer_cache import Answer, AnswerCache
from reestim.labels.batches import Text, again, batches, sort_answers
from reestim.labels.client import EndpointError, LateError, LLMClient, RefusedError, Reply, UnreadableError


@dataclass(frozen=True)
class _Judgement:
    """reply : None without an answer; labels : by key; invalid : the texts without one and the reason; late : the
    answer did not come in time."""

    reply: Reply | None
    labels: dict[str, str]
    invalid: list[tuple[Text, str]]
    late: bool = False


@dataclass
class Questioning:
    """What is still to be asked, and what came of it.

    client, cache : whom to ask, where answers go the moment they come; progress : called with how many of ``total``
    texts are settled; control : a text that the model has labelled, None as long as it has labelled none.
    """

    client: LLMClient
    cache: AnswerCache
    progress: Callable[[int, int], None]
    total: int
    control: Text | None = None
    failure: ReestimError | None = None
    done: int = 0
    _waiting: deque[tuple[Text, ...]] = field(default_factory=deque)
    _doubtful: list[Text] = field(default_factory=list)
    _unlabelled: list[tuple[Text, str, Reply | None]] = field(default_factory=list)
    _in_vain: int = 0  # requests in a row that brought no label
    _why: Counter[str] = field(default_factory=Counter)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, texts: tuple[Text, ...]) -> None:
        """Ask about texts until each is settled in the cache.

        Raises
        ------
        EndpointError, CostLimitError
            In the middle; requests under way are waited for, and what was answered is in the cache.
        """
        settings = self.client.settings
        self._waiting.extend(batches(texts, settings.patents_per_request))
        await self._work_off()
        for _ in range(settings.attempts):
            if not self._doubtful and not self._unlabelled:
                return
            if self._doubtful:
                await self._ask_control()
                self._waiting.extend((text,) for text in self._doubtful)
                self._doubtful = []
                await self._work_off()
            if not self._unlabelled or await self._control_answers():
                self._settle({text.key: _answer("", why, reply) for text, why, reply in self._unlabelled})
                self._unlabelled = []
            else:  # the endpoint failed during the last judgements: they are worth nothing
                self._doubtful = [text for text, _, _ in self._unlabelled]
                self._unlabelled = []
        if self._doubtful:
            raise self._no_labels()

    async def _work_off(self) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while running or (self._waiting and self.failure is None):
                while self._waiting and self.failure is None and len(running) < self.client.settings.requests_at_once:
                    running.add(asyncio.create_task(self._one(self._waiting.popleft())))
                finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    task.result()  # a fault of ours must not be lost in a task
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if self.failure is not None:
            raise self.failure

    async def _one(self, batch: tuple[Text, ...]) -> None:
        """One request, and what its outcome means for each text of it."""
        try:
            judged = await self._judge(batch)
            if judged.labels:
                self._in_vain = 0
                self.control = self.control or next(text for text in batch if text.key in judged.labels)
                answers = {key: _answer(label, "language model", judged.reply) for key, label in judged.labels.items()}
                self._settle(answers)
            else:
                self._in_vain += 1
            for text, why in judged.invalid:
                self._judged_in_vain(text, why, judged)
            if self._in_vain >= self.client.settings.attempts:
                await self._ask_control()
        except ReestimError as error:
            self.failure = self.failure or error

    async def _judge(self, batch: tuple[Text, ...]) -> _Judgement:
        """What a batch is judged. One that is refused is asked about text by text."""
        try:
            reply = await self.client.ask(batch)
        except UnreadableError as error:
            return _Judgement(None, {}, [(text, str(error)) for text in batch], isinstance(error, LateError))
        except RefusedError as error:
            why = f"the endpoint refuses this text: {error}"
            self._why[why] += 1
            if len(batch) == 1:
                return _Judgement(None, {}, [(batch[0], why)])
            self._waiting.extendleft((text,) for text in reversed(batch))
            return _Judgement(None, {}, [])
        answers = sort_answers(batch, reply.answers)
        return _Judgement(reply, answers.labels, list(answers.invalid))

    def _judged_in_vain(self, text: Text, why: str, judged: _Judgement) -> None:
        self._why[why] += 1
        tries, judgements = text.tries + 1, self.client.settings.judgements
        if text.last or tries >= judgements:
            self._unlabelled.append((text, f"{why} (judged {tries} times)", judged.reply))
        elif tries == judgements - 1 or (judged.late and self.control):
            self._doubtful.append(again(text, last=True))
        else:
            self._waiting.append((again(text),))

    async def _control_answers(self) -> bool:
        """Whether the model labels the control now."""
        if self.control is None:
            return False
        judged = await self._judge((self.control,))
        self._why.update(why for _, why in judged.invalid)
        return bool(judged.labels)

    async def _ask_control(self) -> None:
        """Wait until the model labels the control. Raises EndpointError where it does not."""
        async with self._lock:
            settings = self.client.settings
            for attempt in range(settings.attempts if self.control else 0):
                if await self._control_answers():
                    self._in_vain = 0
                    return
                await asyncio.sleep(min(settings.first_wait * 2**attempt, settings.longest_wait))
            raise self._no_labels()

    def _no_labels(self) -> EndpointError:
        """What is said of a model that answers, but gives no labels."""
        endpoint, most = self.client.endpoint, self._why.most_common(1)
        whom = "any text" if self.control is None else "texts any more, not even to one that it had labelled before"
        words = most[0][0] if most else "no words"
        return EndpointError(
            f"{endpoint.model} at {endpoint.base_url} gives no label to {whom} ({words}). {self.client.hint(words)}. "
            "No text was settled by this: labels so far are in the cache, run the command again to go on"
        )

    def _settle(self, answers: dict[str, Answer]) -> None:
        self.cache.store(answers)
        self.done += len(answers)
        self.progress(self.done, self.total)


def _answer(label: str, reason: str, reply: Reply | None) -> Answer:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Answer(label, reason, reply.model if reply else "", now, reply.temperature if reply else 0.0)
