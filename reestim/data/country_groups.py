"""Groups of countries as people write them: ``all``, ``JPN``, ``JPN KOR DEU``, ``all but CHN``."""

from __future__ import annotations

from collections.abc import Sequence

from reestim.wording import closest

ALL = "all"
_BUT = ["all", "but"]


def country_group(text: str, countries: Sequence[str]) -> tuple[str, ...]:
    """Countries that the text names, in the order of ``countries``.

    Raises ValueError, with advice as its message, for a name that is not there or a group without members.
    """
    named, excluding = _named(text)
    for name in named:
        if name not in countries:
            raise ValueError(f"{name!r} is not a country here. {closest(name, [ALL, *countries])}")
    group = tuple(c for c in countries if names_country(text, c))
    if (excluding and not named) or not group:
        raise ValueError("the group is empty. Write all, country codes with spaces between them, or 'all but CHN'")
    return group


def names_country(text: str, country: str) -> bool:
    """Whether the text names the country: by its code, by all, or by all but others."""
    named, excluding = _named(text)
    return country not in named if excluding else not named or country in named


def _named(text: str) -> tuple[list[str], bool]:
    """Codes in the text, none for all countries; and whether they are those left out."""
    words = text.replace(",", " ").split()
    excluding = words[:2] == _BUT
    return ([] if words == [ALL] else words[2:] if excluding else words), excluding
