"""A client of one language model: typed answers, rate limit, retries with back-off, failures by what they mean."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    ModelTimeoutError,
    UnexpectedModelBehavior,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.usage import RunUsage
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from reestim.errors import ReestimError
from reestim.labels.batches import PatentLabel, Text, answers_type, message
from reestim.labels.endpoint import Endpoint
from reestim.labels.llm_settings import LLMSettings
from reestim.labels.responses import NOTES, ResponseTransport
from reestim.labels.spending import Spending, estimate

_BUSY = (408, 409, 425, 429)


class EndpointError(ReestimError):
    """The endpoint cannot be used, or not now. What was answered is in the cache."""


class RefusedError(Exception):
    """The endpoint refuses the content of a request (a filter, or too long)."""


class UnreadableError(Exception):
    """The model's answer is not a list of labels, was cut off at ``--max-answer``, or did not come in time."""


class LateError(UnreadableError):
    """The whole answer did not come in time."""


@dataclass(frozen=True)
class Reply:
    """Answers as they came, the model as the endpoint names it, and the temperature that was asked for (None: the
    model takes none)."""

    answers: Sequence[PatentLabel]
    model: str
    temperature: float | None


@dataclass
class RateLimiter:
    """When the next request may start: ``spacing`` seconds after the last, and not before an endpoint's Retry-After.

    One limiter serves all concurrent requests, so what one of them is told holds for the others.
    """

    spacing: float = 0.0
    _next: float = 0.0
    _not_before: float = 0.0
    _queue: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def acquire(self) -> None:
        """Wait until a request may start, first come first served."""
        clock = asyncio.get_running_loop().time
        async with self._queue:
            while (wait := max(self._next, self._not_before) - clock()) > 0:
                await asyncio.sleep(wait)
            self._next = clock() + self.spacing

    def pause(self, seconds: float) -> None:
        """Delay all requests by ``seconds``."""
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)


@dataclass
class LLMClient:
    """Asks one endpoint. To be used in one event loop, and closed.

    answered : requests that were answered in this run; ignores_tools : a function call was asked for, and text came.
    """

    endpoint: Endpoint
    prompt: str
    settings: LLMSettings
    spending: Spending
    answered: int = 0
    ignores_tools: bool = False
    _timeouts: int = 0

    def __post_init__(self) -> None:
        s = self.settings
        self._limiter = RateLimiter(60.0 / s.requests_per_minute if s.requests_per_minute else 0.0)
        transport = ResponseTransport(httpx2.AsyncHTTPTransport(), self._pause, s.timeout)
        self._http = httpx2.AsyncClient(timeout=s.timeout, transport=transport)
        key = self.endpoint.key.get_secret_value() if self.endpoint.key else "no-key"
        # The client's own retries are off: they would not be counted, limited or paid for.
        client = AsyncOpenAI(
            base_url=self.endpoint.base_url, api_key=key, max_retries=0, timeout=s.timeout, http_client=self._http
        )
        provider = OpenAICompatibleProvider("openai-compatible", openai_client=client)
        model_profile = OpenAIChatModel(self.endpoint.model, provider=provider).profile
        openai = (urlsplit(self.endpoint.base_url).hostname or "").endswith("openai.com")
        profile: Any = {**model_profile, "openai_chat_supports_max_completion_tokens": openai}  # others know max_tokens
        model = OpenAIChatModel(self.endpoint.model, provider=provider, profile=profile)
        self._agent = Agent(model, instructions=self.prompt, retries=0)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, batch: Sequence[Text]) -> Reply:
        """Ask for the labels of a batch, again while the endpoint fails in passing.

        An answer that does not come in time is not asked for again as it was: the same request would run on as long.

        Raises
        ------
        RefusedError, UnreadableError
            About this batch; others may fare better.
        EndpointError
            About the endpoint: wrong key, unknown model, no credit, or every attempt failed.
        CostLimitError
            Before a request that could pass the limit.
        """
        s = self.settings
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(s.attempts),
                wait=wait_random_exponential(multiplier=s.first_wait, max=s.longest_wait),
                retry=retry_if_exception(self._passing),
                reraise=True,
            ):
                with attempt:
                    return await self._once(batch)
        except ModelTimeoutError as error:
            self._timeouts += 1
            if self._timeouts >= s.attempts:
                raise self._meaning(error) from None
            raise LateError(f"no whole answer within {s.timeout:g} seconds") from None
        except ModelAPIError as error:
            raise self._meaning(error) from None
        raise AssertionError("tenacity ends with a result or an error")

    async def _once(self, batch: Sequence[Text]) -> Reply:
        s = self.settings
        expected = estimate([batch], self.prompt, self.spending.prices)
        await self._limiter.acquire()
        promised = self.spending.promise(expected)
        self.spending.requests += 1
        usage, notes = RunUsage(), dict[str, Any]()
        NOTES.set(notes)
        limits: Any = {"temperature": 0.0, "timeout": s.timeout, "max_tokens": s.answer_tokens(len(batch))}
        try:
            with warnings.catch_warnings():  # a temperature that is not sent is noted by the transport
                warnings.simplefilter("ignore", UserWarning)
                result: Any = await self._agent.run(
                    message(batch), usage=usage, model_settings=limits, output_type=_output_type(s.answers, batch)
                )
        except UnexpectedModelBehavior:
            self.spending.settle(promised, expected, usage.input_tokens, usage.output_tokens)
            self.ignores_tools = self.ignores_tools or notes.get("ignored_tools", False)
            if notes.get("finish_reason") != "length":
                no_answer = notes.get("no_answer", "the model's answer is not a list of labels")
                raise UnreadableError(self.endpoint.without_key(no_answer)) from None
            cut = f"the answer was cut off at {limits['max_tokens']} tokens (--max-answer)"
            if len(batch) == 1 and not self.answered:
                raise EndpointError(
                    f"{self.endpoint.model} was cut off at {limits['max_tokens']} tokens before it had answered. "
                    f"{self.hint(cut)}"
                ) from None
            raise UnreadableError(cut) from None
        except ModelAPIError as error:
            charged = notes.get("unread", False) or not isinstance(error, ModelHTTPError)
            self.spending.release(promised, maybe_charged=charged)
            if error.retry_after is not None and error.retry_after <= s.longest_wait:
                self._limiter.pause(error.retry_after)
            raise
        except BaseException:
            self.spending.release(promised, maybe_charged=True)
            raise
        self.spending.settle(promised, expected, usage.input_tokens, usage.output_tokens)
        self.answered, self._timeouts = self.answered + 1, 0
        model = result.response.model_name or self.endpoint.model
        return Reply(result.output.answers, model, notes.get("temperature"))

    def hint(self, said: str) -> str:
        """What may help where the model gives no labels, by what was said of its answers."""
        if self.ignores_tools:
            return "It ignores function calls: try --answers schema or --answers prompt"
        if "--max-answer" in said:
            return "A model that reasons first needs more tokens: raise --max-answer"
        if self.settings.answers == "prompt":
            return "Try another model"
        return "If it does not know function calls, try --answers schema or --answers prompt"

    def _pause(self, seconds: float) -> None:
        """Heed a limit that a header states, up to the longest wait."""
        self._limiter.pause(min(seconds, self.settings.longest_wait))

    def _passing(self, error: BaseException) -> bool:
        """Whether a failure may pass by itself: too many requests, a server's fault, a lost or broken answer."""
        if not isinstance(error, ModelAPIError) or isinstance(error, (ModelQuotaExceededError, ModelTimeoutError)):
            return False
        if error.retry_after is not None and error.retry_after > self.settings.longest_wait:
            return False
        if isinstance(error, ModelHTTPError):
            return error.status_code >= 500 or error.status_code in _BUSY
        return not isinstance(error, ModelRequestRejectedError)

    def _meaning(self, error: ModelAPIError) -> Exception:
        message = self.endpoint.without_key(" ".join(str(error).split()))[:300]
        status = error.status_code if isinstance(error, ModelHTTPError) else None
        if status in (400, 413, 422) and not isinstance(error, ModelQuotaExceededError):
            return RefusedError(message)
        where = f"{self.endpoint.model} at {self.endpoint.base_url}"
        in_cache = "Answers so far are in the cache: run the command again to go on"
        if status in (401, 403):
            advice = "Check the key in REESTIM_LLM_API_KEY"
        elif status in (404, 405, 410) or (status is not None and 300 <= status < 400):
            advice = "Check REESTIM_LLM_MODEL and REESTIM_LLM_BASE_URL (most end in /v1)"
        elif isinstance(error, ModelQuotaExceededError):
            advice = f"The account has no credit left. {in_cache}"
        elif error.retry_after is not None and error.retry_after > self.settings.longest_wait:
            advice = f"It asks to wait {error.retry_after:.0f} seconds. {in_cache}"
        elif self._passing(error) or isinstance(error, ModelTimeoutError):
            advice = f"It failed {self.settings.attempts} times in a row. {in_cache}"
        else:
            advice = in_cache
        return EndpointError(f"{where} does not answer: {message.rstrip('.')}. {advice}")


def _output_type(mode: str, batch: Sequence[Text]) -> Any:
    """How the typed answer is asked for; the schema has the length of the batch and its identifiers."""
    kind: Any = {"tool": ToolOutput, "schema": NativeOutput, "prompt": PromptedOutput}[mode]
    words = {"description": "The labels of the patents."} if mode == "tool" else {}
    return kind(answers_type(batch), name="labels", **words)
