"""Words of messages: what may be printed of an input, and which known word was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

#: A value or a sentence of a problem longer than this is cut: it is there to be recognised, not read.
_LONGEST_VALUE, _LONGEST_SENTENCE = 120, 600
#: What would steer a terminal, turn the direction of reading or break a line; and halves of characters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def quoted(value: object) -> str:
    """A value as a problem names it: quoted, without characters that a terminal would obey, cut where it is long."""
    try:
        return _cut(printable(repr(value), longest=None), _LONGEST_VALUE)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of thousands of digits"


def printable(text: str, longest: int | None = _LONGEST_SENTENCE) -> str:
    """Text on one line for a terminal, a log or JSON, without characters that steer any of them."""
    plain = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
    return plain if longest is None else _cut(plain, longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 20]}... ({len(text)} characters)"


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, letter case aside.

    Parameters
    ----------
    word
        What was written.
    known
        The words there are.

    Returns
    -------
    str or None
        None where none is near.

    Examples
    --------
    >>> from reestim.wording import nearest
    >>> nearest("Chemcals", ["chemicals", "metals"])
    'chemicals'
    """
    return _nearest(str(word).lower(), tuple(known))


@lru_cache(maxsize=4096)  # one wrong label often stands in thousands of rows
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6)
    return names[near[0]] if near else None


def closest(word: object, known: Iterable[str]) -> str:
    """Advice on a word that is not known: the nearest one, or the known words.

    Parameters
    ----------
    word
        What was written.
    known
        The words there are.

    Returns
    -------
    str
        A sentence for the advice of a `Problem`.

    Examples
    --------
    >>> from reestim.wording import closest
    >>> closest("chemcals", ["chemicals", "metals"])
    "Did you mean 'chemicals'?"
    >>> closest("water", ["chemicals", "metals"])
    'Known: chemicals, metals'
    """
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    listed = ", ".join(names[:25]) + (f", ... ({len(names)} in all)" if len(names) > 25 else "")
    return f"Known: {listed or 'none'}"
