"""Which countries restrict what others can buy from them in a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reestim.equilibrium.policies import POLICIES

#: Who is taken to restrict where no policy of a scenario says.
USUAL = "CHN"


def restricting_countries(policies: Iterable[Mapping[str, Any]], countries: Sequence[str]) -> list[str]:
    """The countries named by policies that restrict sales, in the order of ``countries``.

    Parameters
    ----------
    policies
        Fields of each policy, and its kind under ``policy``, as `summarise_scenario` writes them
        (`reestim/counterfactuals/counterfactual.py`).
    countries
        Labels of the economy.

    Returns
    -------
    list of str
        China where no policy names a country of the economy; empty where China is not in it.

    Examples
    --------
    >>> from reestim.equilibrium.restriction import restricting_countries
    >>> restricting_countries([{"policy": "export_quota", "exporter": "AUS"}], ["AUS", "CHN"])
    ['AUS']
    """
    fields = {kind.kind: kind.restricts for kind in POLICIES}
    named: set[str] = set()
    for policy in policies:
        labels = policy.get(fields.get(str(policy.get("policy")), ""), ())
        named |= {labels} if isinstance(labels, str) else set(labels)
    return [c for c in countries if c in named] or [c for c in countries if c == USUAL]
