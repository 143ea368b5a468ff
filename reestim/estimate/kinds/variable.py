"""What a variable of a model is: its name in words, its units, and, of a parameter, where it may lie."""

from __future__ import annotations

import math
from typing import NamedTuple


class Support(NamedTuple):
    """Where a parameter may lie: the open interval (low, high).

    ``with_low``: the parameter may be known to be at ``low`` (no spillover gap, no noise); ``shares``: several numbers
    that sum to one, whose prior is a Dirichlet.
    """

    low: float = -math.inf
    high: float = math.inf
    with_low: bool = True
    shares: bool = False


REAL, POSITIVE, SHARE = Support(), Support(0.0), Support(0.0, 1.0)
NEVER_ZERO, SHARE_ABOVE_ZERO = Support(0.0, with_low=False), Support(0.0, 1.0, with_low=False)
SHARES = Support(0.0, 1.0, shares=True)


class Variable(NamedTuple):
    """One variable: ``long_name`` and ``units`` go to the attrs of a posterior; ``support`` is None for what has no
    prior of its own (data, functions of parameters, effects whose spread is estimated)."""

    long_name: str
    units: str = "1"
    support: Support | None = None
