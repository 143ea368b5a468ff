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
    names = text.replace(",", " ").split()
    if names == [ALL] or not names:
        return tuple(countries)
    excluding = names[:2] == _BUT
    named = names[2:] if excluding else names
    for name in named:
        if name not in countries:
            raise ValueError(f"{name!r} is not a country here. {closest(name, [ALL, *countries])}")
    group = tuple(c for c in countries if (c in named) != excluding)
    if not named or not group:
        raise ValueError("the group is empty. Write all, country codes with spaces between them, or 'all but CHN'")
    return group
