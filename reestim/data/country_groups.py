"""Groups of countries as people write them: ``all``, ``JPN``, ``JPN KOR DEU``, ``all but CHN``."""

from __future__ import annotations

from collections.abc import Sequence

from reestim.errors import closest

ALL = "all"
_BUT = ["all", "but"]


def country_group(text: str, countries: Sequence[str]) -> tuple[str, ...]:
    """Countries that the text names, in the order of ``countries``.

    Raises ValueError, with advice as its message, for a name that is not there or a group without members.
    """
    words = text.replace(",", " ").split()
    if words == [ALL] or not words:
        return tuple(countries)
    excluding = words[:2] == _BUT
    named = words[2:] if excluding else words
    for name in named:
        if name not in countries:
            raise ValueError(f"{name!r} is not a country here. {closest(name, [ALL, *countries])}")
    group = tuple(c for c in countries if (c in named) != excluding)
    if not named or not group:
        raise ValueError("the group is empty. Write all, country codes with spaces between them, or 'all but CHN'")
    return group
