"""How a language model is asked: how many at a time, how fast, how often again."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reestim.errors import InputError, Problem

AnswerMode = Literal["tool", "schema", "prompt"]
ANSWER_MODES = get_args(AnswerMode)


class LLMSettings(BaseModel):
    """Settings of the language-model labeller; times in seconds.

    answers : how the typed answer is asked for: ``tool`` (a function call), ``schema`` (a JSON schema as response
    format), ``prompt`` (the schema in words, for servers that know neither). judgements : how often a text is judged
    until the answer is in the taxonomy. attempts : how often a request is made until the endpoint answers; waits
    between them grow from ``first_wait`` to at most ``longest_wait``, and a Retry-After is heeded up to that length.
    max_answer : tokens that an answer may have, reasoning included; None: 256 and 64 for each patent of the request.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    patents_per_request: int = Field(default=20, ge=1, le=200)
    requests_at_once: int = Field(default=4, ge=1, le=256)
    requests_per_minute: float | None = Field(default=None, gt=0)
    attempts: int = Field(default=6, ge=1, le=100)
    first_wait: float = Field(default=1.0, ge=0)
    longest_wait: float = Field(default=120.0, gt=0)
    timeout: float = Field(default=120.0, gt=0)
    judgements: int = Field(default=3, ge=1, le=10)
    answers: AnswerMode = "tool"
    max_answer: int | None = Field(default=None, ge=16)

    def answer_tokens(self, patents: int) -> int:
        """Tokens that the answer to a request may have."""
        return self.max_answer or 256 + 64 * patents


def settings_from(**given: object) -> LLMSettings:
    """Settings from options of the command line. Raises InputError listing all that do not fit."""
    try:
        return LLMSettings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [
            Problem("the setting does not fit", item["msg"], column=str(item["loc"][0]), value=item["input"])
            for item in error.errors()
        ]
        raise InputError(problems, "nothing was labelled") from None
