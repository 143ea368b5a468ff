"""One request to a language model: typed answer, rate limit, retries with back-off, and failures by what they mean."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from openai import AsyncOpenAI
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    UnexpectedModelBehavior,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.usage import RunUsage
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from reestim.errors import ReestimError
from reestim.labels.batches import Answers, PatentLabel, Text, message
from reestim.labels.endpoint import Endpoint
from reestim.labels.llm_settings import LLMSettings
from reestim.labels.spending import Spending, estimate

_MODES: dict[str, Any] = {
    "tool": ToolOutput(Answers, name="labels", description="The labels of the patents."),
    "schema": NativeOutput(Answers, name="labels"),
    "prompt": PromptedOutput(Answers, name="labels"),
}
_BUSY = (408, 409, 425, 429)


class EndpointError(ReestimError):
    """The endpoint cannot be used, or not now. What was answered is in the cache."""


class RefusedError(Exception):
    """The endpoint refuses the content of a request (a filter, or too long)."""


class UnreadableError(Exception):
    """The model answered with something that is no list of labels."""


@dataclass(frozen=True)
class Reply:
    """Answers as they came, the model as the endpoint names it, and the temperature that was asked for (None: the
    model takes none)."""

    answers: Sequence[PatentLabel]
    model: str
    temperature: float | None


@dataclass
class Pace:
    """When the next request may start: ``spacing`` seconds after the last, and not before an endpoint's Retry-After.

    One pace for all requests at once: what one of them is told, the others heed.
    """

    spacing: float = 0.0
    _next: float = 0.0
    _not_before: float = 0.0
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def turn(self) -> None:
        """Wait for one's turn, first come first served."""
        clock = asyncio.get_running_loop().time
        async with self._line:
            while (wait := max(self._next, self._not_before) - clock()) > 0:
                await asyncio.sleep(wait)
            self._next = clock() + self.spacing

    def pause(self, seconds: float) -> None:
        """Nobody asks for so long."""
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)


@dataclass
class Asker:
    """Asks one endpoint. To be used in one event loop, and closed."""

    endpoint: Endpoint
    prompt: str
    settings: LLMSettings
    spending: Spending
    _temperature: float | None = None

    def __post_init__(self) -> None:
        s = self.settings
        self._pace = Pace(60.0 / s.requests_per_minute if s.requests_per_minute else 0.0)
        self._http = httpx2.AsyncClient(timeout=s.timeout, event_hooks={"request": [self._note_temperature]})
        key = self.endpoint.key.get_secret_value() if self.endpoint.key else "no-key"
        # The client's own retries are off: they would not be counted, paced or paid for.
        client = AsyncOpenAI(
            base_url=self.endpoint.base_url, api_key=key, max_retries=0, timeout=s.timeout, http_client=self._http
        )
        provider = OpenAICompatibleProvider("openai-compatible", openai_client=client)
        self._agent = Agent(
            OpenAIChatModel(self.endpoint.model, provider=provider),
            output_type=_MODES[s.answers],
            instructions=self.prompt,
            retries=0,
            model_settings={"temperature": 0.0, "timeout": s.timeout},
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def ask(self, batch: Sequence[Text]) -> Reply:
        """Ask for the labels of a batch, again while the endpoint fails in passing.

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
        except ModelAPIError as error:
            raise self._meaning(error) from None
        raise AssertionError("tenacity ends with a result or an error")

    async def _once(self, batch: Sequence[Text]) -> Reply:
        expected = estimate([batch], self.prompt, self.spending.prices)
        await self._pace.turn()
        promised = self.spending.promise(expected)
        self.spending.requests += 1
        usage = RunUsage()
        try:
            with warnings.catch_warnings():  # a temperature that is not sent is noted in _note_temperature
                warnings.simplefilter("ignore", UserWarning)
                result = await self._agent.run(message(batch), usage=usage)
        except UnexpectedModelBehavior as error:
            self.spending.settle(promised, expected, usage.input_tokens, usage.output_tokens)
            raise UnreadableError(type(error).__name__) from None
        except ModelAPIError as error:
            self.spending.release(promised, maybe_charged=not isinstance(error, ModelHTTPError))
            if error.retry_after is not None and error.retry_after <= self.settings.longest_wait:
                self._pace.pause(error.retry_after)
            raise
        except BaseException:
            self.spending.release(promised, maybe_charged=True)
            raise
        self.spending.settle(promised, expected, usage.input_tokens, usage.output_tokens)
        return Reply(result.output.answers, result.response.model_name or self.endpoint.model, self._temperature)

    async def _note_temperature(self, request: httpx2.Request) -> None:
        self._temperature = json.loads(request.content).get("temperature")

    def _passing(self, error: BaseException) -> bool:
        """Whether a failure may pass by itself: too many requests, a server's fault, a lost or broken answer."""
        if not isinstance(error, ModelAPIError) or isinstance(error, ModelQuotaExceededError):
            return False
        if error.retry_after is not None and error.retry_after > self.settings.longest_wait:
            return False
        if isinstance(error, ModelHTTPError):
            return error.status_code >= 500 or error.status_code in _BUSY
        return not isinstance(error, ModelRequestRejectedError)

    def _meaning(self, error: ModelAPIError) -> Exception:
        said = self.endpoint.without_key(" ".join(str(error).split()))[:300]
        status = error.status_code if isinstance(error, ModelHTTPError) else None
        if status in (400, 413, 422) and not isinstance(error, ModelQuotaExceededError):
            return RefusedError(said)
        where = f"{self.endpoint.model} at {self.endpoint.base_url}"
        kept = "Answers so far are in the cache: run the command again to go on"
        if status in (401, 403):
            advice = "Check the key in REESTIM_LLM_API_KEY"
        elif status == 404:
            advice = "Check REESTIM_LLM_MODEL and REESTIM_LLM_BASE_URL (most end in /v1)"
        elif isinstance(error, ModelQuotaExceededError):
            advice = f"The account has no credit left. {kept}"
        elif error.retry_after is not None and error.retry_after > self.settings.longest_wait:
            advice = f"It asks to wait {error.retry_after:.0f} seconds. {kept}"
        else:
            advice = f"It failed {self.settings.attempts} times in a row. {kept}"
        return EndpointError(f"{where} does not answer: {said.rstrip('.')}. {advice}")
