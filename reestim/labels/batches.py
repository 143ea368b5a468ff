"""Several patents in one request, so that no text can speak for another, and the answers sorted by what they are worth.

Titles and abstracts travel as strings of a JSON document in the user's message; the instructions are the same bytes
whatever the patents say. Each patent has an identifier that follows from all texts of its request, so nobody who writes
one of them can know the identifiers of the others. A text that addresses its reader is asked about alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, WithJsonSchema, create_model

from reestim.dims import LABELS
from reestim.labels.cues import gives_orders


class PatentLabel(BaseModel):
    """The label of one patent. The schema names the taxonomy; what is outside it is caught one patent at a time, so
    that one wrong answer does not cost the others."""

    id: str
    label: Annotated[str, WithJsonSchema({"type": "string", "enum": list(LABELS)})]


class Answers(BaseModel):
    """One label for each patent of the request, by its id."""

    answers: list[PatentLabel]


def answers_type(batch: Sequence[Text]) -> type[Answers]:
    """``Answers`` whose schema has exactly one answer for each text, by its identifier.

    A server that generates by the schema then cannot go on for ever. What comes is read leniently: an answer that is
    wrong or missing is asked for again, and does not cost the others.
    """
    names = identifiers(batch)
    item = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "enum": names},
            "label": {"type": "string", "enum": list(LABELS)},
        },
        "required": ["id", "label"],
        "additionalProperties": False,
    }
    schema = {"type": "array", "items": item, "minItems": len(names), "maxItems": len(names)}
    bounded: Any = Annotated[list[PatentLabel], WithJsonSchema(schema)]
    return create_model("Answers", __base__=Answers, __doc__=Answers.__doc__, answers=(bounded, ...))


@dataclass(frozen=True)
class Text:
    """A text to be judged. key : of its answer in the cache; tries : how often it was judged in vain; last : the next
    judgement is its last."""

    key: str
    title: str
    abstract: str
    tries: int = 0
    last: bool = False


@dataclass(frozen=True)
class Sorted:
    """labels : by key, of the taxonomy; invalid : the texts without a valid answer, and what was wrong with it."""

    labels: dict[str, str]
    invalid: tuple[tuple[Text, str], ...]


def batches(texts: Iterable[Text], size: int) -> list[tuple[Text, ...]]:
    """Requests of up to ``size`` texts in their order; texts that give orders each have one of their own."""
    alone, together = [], []
    for text in texts:
        (alone if gives_orders(text.title, text.abstract) else together).append(text)
    return [tuple(together[i : i + size]) for i in range(0, len(together), size)] + [(text,) for text in alone]


def identifiers(batch: Sequence[Text]) -> list[str]:
    """Place and six hex digits for each text, the same each time for the same request."""
    whole = hashlib.sha256("".join(text.key for text in batch).encode()).hexdigest()
    rows = enumerate(batch, start=1)
    return [f"{i}-{hashlib.sha256(f'{whole} {i} {text.tries}'.encode()).hexdigest()[:6]}" for i, text in rows]


def message(batch: Sequence[Text]) -> str:
    """What the user's message says: ``{"patents": [{"id", "title", "abstract"}, ...]}``."""
    rows = zip(identifiers(batch), batch, strict=True)
    patents = [{"id": name, "title": text.title, "abstract": text.abstract} for name, text in rows]
    return json.dumps({"patents": patents}, ensure_ascii=False)


def sort_answers(batch: Sequence[Text], answers: Sequence[PatentLabel]) -> Sorted:
    """Match answers to texts by identifier. An identifier that was not asked for is nobody's and is dropped; a text
    with no answer, with two that differ, or with one outside the taxonomy has no valid answer."""
    labels_of: dict[str, set[str]] = defaultdict(set)
    for answer in answers:
        labels_of[answer.id].add(answer.label)
    labels, invalid = {}, []
    for name, text in zip(identifiers(batch), batch, strict=True):
        distinct = sorted(labels_of[name])
        if len(distinct) == 1 and distinct[0] in LABELS:
            labels[text.key] = distinct[0]
        elif not distinct:
            invalid.append((text, "the model left it out"))
        elif len(distinct) > 1:
            invalid.append((text, "the model gave two labels"))
        else:
            invalid.append((text, f"the model's answer is not in the taxonomy: {distinct[0][:40]!r}"))
    return Sorted(labels, tuple(invalid))


def again(text: Text, *, last: bool = False) -> Text:
    """The text after one more judgement in vain."""
    return replace(text, tries=text.tries + 1, last=last)
