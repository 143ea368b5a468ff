"""Where the language model answers: address, model and key from the environment, prices, and a key that never shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from reestim.errors import InputError, Problem

BASE_URL, MODEL, KEY = "REESTIM_LLM_BASE_URL", "REESTIM_LLM_MODEL", "REESTIM_LLM_API_KEY"


@dataclass(frozen=True)
class Prices:
    """US$ per million tokens. source : who states them."""

    input: float
    output: float
    source: str

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """US$."""
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint. The key is needed by hosted ones only, and shows in no text of this object."""

    base_url: str
    model: str
    key: SecretStr | None = field(default=None, repr=False)

    def without_key(self, text: str) -> str:
        """A text that others wrote, the key blotted out: servers repeat it in their refusals."""
        secret = self.key.get_secret_value() if self.key else ""
        return text.replace(secret, "[key]") if secret else text


def endpoint_from(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint that ``REESTIM_LLM_BASE_URL``, ``REESTIM_LLM_MODEL`` and ``REESTIM_LLM_API_KEY`` name.

    No other variable is read, so that a key meant for one service is never sent to another.

    Raises
    ------
    InputError
        Listing what is not set, an address that is none, and an address that carries a secret.
    """
    url, model = environment.get(BASE_URL, "").strip(), environment.get(MODEL, "").strip()
    problems = []
    if not url:
        advice = "Set it to the address of an OpenAI-compatible endpoint, as http://localhost:11434/v1"
        problems.append(Problem("the environment variable is not set", advice, column=BASE_URL))
    else:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            advice = "Write the whole address, as https://host/v1"
            problems.append(Problem("this is not a web address", advice, column=BASE_URL))
        elif parts.username or parts.password or parts.query:
            advice = f"Put the key into {KEY}; the address is written into the results, the key never"
            problems.append(Problem("the address must not carry a key, a password or a query", advice, column=BASE_URL))
    if not model:
        advice = "Set it to the name by which the endpoint knows the model"
        problems.append(Problem("the environment variable is not set", advice, column=MODEL))
    if problems:
        raise InputError(problems, "there is no language model to ask")
    key = environment.get(KEY, "").strip()
    return Endpoint(url.rstrip("/"), model, SecretStr(key) if key else None)


def prices_of(endpoint: Endpoint, price_input: float | None, price_output: float | None) -> Prices | None:
    """Prices as the user states them, else as the package genai-prices knows them for this address; None if unknown.

    A price is never carried over from another address: the same model is free on one's own machine.

    Raises
    ------
    InputError
        If only one of the two prices is stated.
    """
    if price_input is not None and price_output is not None:
        return Prices(price_input, price_output, "stated by the user")
    if price_input is not None or price_output is not None:
        advice = "State both --price-input and --price-output, US$ per million tokens (0 and 0 on your own machine)"
        raise InputError(Problem("only one of two prices is stated", advice), "the cost cannot be told")
    from importlib import metadata

    from genai_prices import Usage, calc_price

    million = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    try:
        price = calc_price(million, endpoint.model, provider_api_url=endpoint.base_url)
    except LookupError:
        return None
    source = f"genai-prices {metadata.version('genai-prices')}, {price.model.id}"
    return Prices(float(price.input_price), float(price.output_price), source)
