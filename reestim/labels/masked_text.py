"""One text as the offline labeller sees it: masked words, the words around each mention, and cues as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.labels.cues import cue_flags, listed_mentions, masked_parts, mentions, screened_out
from reestim.labels.lexicon import MASKS, plain
from reestim.labels.lexicon import words as words_of

#: Words on either side of a mention that belong to it.
WORDS_AROUND = 6
_MASKED_WORD = re.compile("|".join(MASKS))


@dataclass(frozen=True)
class MaskedText:
    """A text with every mention of rare earths masked.

    joined : title and abstract. near : ``WORDS_AROUND`` words on either side of each mention, gaps as full stops.
    cues : (cue,) numbers, see ``mask_text``. mentioned : rare earths are mentioned at all. screened_out : the keyword
    screen sets the text aside as unrelated.
    """

    joined: str
    near: str
    cues: Float[np.ndarray, " cue"]
    mentioned: bool
    screened_out: bool


@lru_cache(maxsize=4096)
def mask_text(title: str, abstract: str) -> MaskedText:
    """Mask a text and take its cues.

    The cues are flags (0 or 1) in the whole text, flags in its head (title and first sentence, which say what the
    invention is), and where mentions stand. None is a count or a density of mentions: a long text, or one that names
    its rare earth in every sentence, need not do more with it.
    """
    masked_title, parts = masked_parts(title, abstract)
    head = f"{masked_title} . {parts[0] if parts else ''}"
    joined = f"{masked_title} . {' '.join(parts)}"
    cues = np.array([*_shares(joined, head, parts), *cue_flags(joined, head)])
    return MaskedText(joined, _around_mentions(joined), cues, mentions(joined) > 0, screened_out(masked_title, parts))


def mask_texts(texts: pd.DataFrame) -> list[MaskedText]:
    """``mask_text`` of each row (columns ``title, abstract``)."""
    return [mask_text(title, abstract) for title, abstract in zip(texts["title"], texts["abstract"], strict=True)]


def _shares(joined: str, head: str, parts: Sequence[str]) -> list[float]:
    """Where mentions stand and of which kind they are, each number between 0 and 1."""
    number = mentions(joined)
    listed = min(number, sum(map(listed_mentions, parts)))
    in_head = mentions(head) > 0
    return [
        (number - listed) / max(1, number),
        float(0 < number == listed),
        float(in_head),
        float("heavyree" in joined),
        float("reemagnet" in joined),
        float("othermagnet" in joined),
        float(number == 0),
        float(number > 0 and not in_head),
        float(sum(mentions(part) > 0 for part in parts) == 1),
    ]


def _around_mentions(joined: str) -> str:
    words = joined.split()
    near = np.zeros(len(words), bool)
    for place, word in enumerate(words):
        if _MASKED_WORD.match(word):
            near[max(0, place - WORDS_AROUND) : place + WORDS_AROUND + 1] = True
    shown = [word if keep else "." for word, keep in zip(words, near, strict=True)]
    return re.sub(r"\.(?: \.)+", ".", " ".join(shown))


def in_english(title: str, abstract: str) -> bool:
    """Whether the words that every English text is held together by are there; formulas and names do not count."""
    words = re.findall(r"[^\W\d_]+", plain(f"{title} {abstract}").lower())
    common = sum(word in _COMMON for word in words)
    foreign = sum(word in _FOREIGN for word in words)
    if len(words) < 8:  # a bare title: only other alphabets and clearly foreign words betray it
        return foreign == 0 and all(word.isascii() or word in {"α", "β", "γ", "δ", "µ", "μ"} for word in words[:8])
    return common / len(words) >= 0.08 and common > foreign


_COMMON = set(
    words_of("the of and a an in is to for with by from at or as are be which on that wherein having comprising")
)
_FOREIGN = set(
    words_of(
        "der die das und ein eine mit von zur zum wird sind ist le la les des du une et pour dans est el los "
        "las del una para con por en que y il di e della per con che em um uma dos das 本发明 発明"
    )
)
