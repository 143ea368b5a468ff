"""What labelling costs: an estimate before, a limit during, the bill after. Money is US$."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from reestim.errors import InputError, Problem, ReestimError
from reestim.labels.batches import Answers, Text, message
from reestim.labels.endpoint import Prices

#: English prose has about four characters a token; chemical names and JSON have fewer, so three errs on the dear side.
CHARACTERS_PER_TOKEN = 3.0
#: An answer is an identifier and a label in JSON.
ANSWER_TOKENS = 30
_OVERHEAD = json.dumps(Answers.model_json_schema())


class CostLimitError(ReestimError):
    """The next request could pass ``max_cost``. What was answered is in the cache."""


@dataclass(frozen=True)
class Estimate:
    """Tokens of requests before they are made; cost is None where no price is known."""

    requests: int
    input_tokens: float
    output_tokens: float
    cost: float | None


def estimate(requests: Sequence[Sequence[Text]], prompt: str, prices: Prices | None) -> Estimate:
    """Tokens and cost of requests, by their length: three characters a token, thirty tokens an answer.

    Models that reason before they answer write, and charge, more than this.
    """
    sent = sum(len(message(batch)) + len(prompt) + len(_OVERHEAD) for batch in requests) / CHARACTERS_PER_TOKEN
    received = float(ANSWER_TOKENS * sum(len(batch) for batch in requests))
    return Estimate(len(requests), sent, received, prices.cost(sent, received) if prices else None)


@dataclass
class Spending:
    """The bill as it grows.

    input_tokens, output_tokens : as the endpoint reports them, or estimated where it reports none (``estimated``).
    spent : US$ of answers that came; lost : US$ that may be charged for answers that never came (time-outs, cut
    connections); promised : US$ of requests under way; cost_ratio : the highest ratio so far of the cost of a request
    to its estimate.
    """

    prices: Prices | None
    max_cost: float | None
    requests: int = 0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    estimated: bool = False
    spent: float = 0.0
    lost: float = 0.0
    promised: float = 0.0
    cost_ratio: float = 1.0

    def promise(self, expected: Estimate) -> float:
        """Set aside what a request may cost, its estimate times the highest ``cost_ratio`` so far, and return it.

        Raises CostLimitError where that could pass the limit.
        """
        cost = (expected.cost or 0.0) * self.cost_ratio
        if self.max_cost is not None and self.spent + self.lost + self.promised + cost > self.max_cost:
            raise CostLimitError(
                f"stopped before the next request: with it the cost could pass the limit of {self.max_cost:g} US$ "
                f"({self.spent + self.lost:.4f} US$ so far). What was answered is in the cache: raise --max-cost and "
                "run the command again to go on"
            )
        self.promised += cost
        return cost

    def settle(self, promised: float, expected: Estimate, input_tokens: int, output_tokens: int) -> None:
        """Book an answer with the tokens that the endpoint reports, or the expected ones where it reports none."""
        if not (input_tokens or output_tokens):
            self.estimated = True
            input_tokens, output_tokens = round(expected.input_tokens), round(expected.output_tokens)
        self.promised -= promised
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        if self.prices and expected.cost is not None:
            cost = self.prices.cost(float(input_tokens), float(output_tokens))
            self.spent += cost
            self.cost_ratio = max(self.cost_ratio, cost / expected.cost if expected.cost > 0 else 1.0)

    def release(self, promised: float, *, maybe_charged: bool) -> None:
        """Book a request without an answer."""
        self.promised -= promised
        self.lost += promised if maybe_charged else 0.0

    def about(self) -> dict[str, object]:
        """For the record of the labels: this run only, answers from the cache cost nothing."""
        return {
            "requests": self.requests,
            "input_tokens": round(self.input_tokens),
            "output_tokens": round(self.output_tokens),
            "tokens": "some or all estimated, the endpoint reports none" if self.estimated else "as reported",
            "cost_usd": round(self.spent, 6) if self.prices else None,
            "maybe_charged_usd": round(self.lost, 6) if self.prices else None,
            "prices": self.prices.source if self.prices else "unknown",
        }


def check_budget(expected: Estimate, max_cost: float | None) -> None:
    """Refuse before anything is paid. Raises InputError where the cost cannot be told, or is above the limit."""
    if max_cost is None:
        return
    if expected.cost is None:
        advice = "State --price-input and --price-output, US$ per million tokens (0 and 0 on your own machine)"
        raise InputError(Problem("--max-cost needs prices, and none is known for this model", advice), "nothing asked")
    if expected.cost > max_cost:
        message = f"the estimated cost of {expected.cost:.4f} US$ is above --max-cost"
        advice = "Raise it, or label fewer patents at a time; --dry-run shows the estimate"
        raise InputError(Problem(message, advice, column="--max-cost", value=max_cost), "nothing was asked or paid")
