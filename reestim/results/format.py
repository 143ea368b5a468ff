"""Format numbers for running text: significant digits from the width of their interval, no false zeros."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MOST_DECIMALS = 5


def decimals(median: float, low: float, high: float) -> int:
    """Decimals that show two significant digits of the interval's width, and up to one more if the median needs it."""
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return _two_digits(median)
    return max(_two_digits(width), min(_two_digits(median), _two_digits(width) + 1))


def _two_digits(value: float) -> int:
    """Decimals that show two significant digits of ``value``."""
    if not math.isfinite(value) or value == 0:
        return 2
    return min(max(1 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)


def number(value: float, places: int = 2) -> str:
    """``value`` with ``places`` decimals, more where it would read as zero, in powers of ten where even that is not
    enough; "not available" for NaN."""
    if not math.isfinite(value):
        return "not available"
    if value == 0:
        return "0"
    if abs(value) < 10.0**-_MOST_DECIMALS:
        return f"{value:.1e}"
    places = max(places, math.ceil(-math.log10(abs(value)) - 1e-12))
    return f"{value:,.{min(places, _MOST_DECIMALS)}f}"


def with_interval(median: float, low: float, high: float, unit: str = "") -> str:
    """``-0.0263 bp [-0.0311, -0.0213]``; an end that is nothing beside the width is 0."""
    places = decimals(median, low, high)
    unit = f" {unit}" if unit else ""
    if all(abs(value) < 0.5 * 10.0**-_MOST_DECIMALS for value in (median, low, high)) and any((median, low, high)):
        return f"{median:.2g}{unit} [{low:.2g}, {high:.2g}]"
    middle = number(median, places) if abs(median) >= 10.0**-_MOST_DECIMALS else _rounded(median, places)
    return f"{middle}{unit} [{_rounded(low, places)}, {_rounded(high, places)}]"


def _rounded(value: float, places: int) -> str:
    """``value`` with ``places`` decimals, 0 where nothing is left of it."""
    if not math.isfinite(value) or abs(value) < 0.5 * 10.0**-places:
        return number(value) if not math.isfinite(value) else "0"
    return f"{value:,.{places}f}"


def percent(probability: float) -> str:
    """A probability from draws: ``97 %``, and never ``0 %`` or ``100 %`` of a finite sample unless all draws agree."""
    if not math.isfinite(probability):
        return "not available"
    if 0 < probability < 0.01:
        return "< 1 %"
    if 0.99 < probability < 1:
        return "> 99 %"
    return f"{100 * probability:.0f} %"


def limit(gate: str, threshold: float) -> str:
    """What a gate asks for: ``at most 1.01``, ``at least 400``."""
    from reestim.estimate.gates import AT_LEAST

    return f"{'at least' if gate in AT_LEAST else 'at most'} {threshold:g}"


def joined(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
