"""Two policies beside one another: the probability that one leaves a country, or the world, better off."""

from __future__ import annotations

from itertools import combinations
from typing import cast

import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.equilibrium.economy import Economy
from reestim.errors import InputError, Problem
from reestim.results.effects import economy_of, income, money_unit, probability, quantiles
from reestim.results.format import percent
from reestim.results.names import country_label
from reestim.results.world import WORLD, equivalent_variations
from reestim.wording import closest

#: Dim of those who are compared: countries and the world.
CONCERNED = "whom"
#: Caption of `pairs_as_text`.
PAIRS = "Probability that the first of two policies leaves them better off than the second, draw by draw."


def compare_policies(post: xr.DataTree, a: str, b: str) -> pd.DataFrame:
    """The probability that scenario ``a`` leaves each country, and the world, better off than ``b``.

    Both saw the same draws, so that differences are exact: draw by draw, not of two intervals.

    Parameters
    ----------
    post
        DataTree with the groups ``counterfactual`` and ``economy``, as :func:`reestim.counterfactual` returns it for
        several scenarios; ``prior_counterfactual`` adds the probability before the data.
    a, b
        Names of two scenarios in it.

    Returns
    -------
    pandas.DataFrame
        One row for the world and for each country (``whom``) and ``technology``: ``probability_better`` that the
        equivalent variation under ``a`` is larger, ``prior_probability_better`` where the prior was solved too;
        ``probability_equal`` that both are alike, to a billionth of income (two quotas that do not bind);
        ``median``, ``low`` and ``high`` (90 % equal-tailed) of the difference ``a`` − ``b`` in ``money_unit`` a year;
        ``draws`` in which both were solved.

    Raises
    ------
    InputError
        Where a scenario is not in the run, or the run has no counterfactual.

    Examples
    --------
    >>> table = ree.compare_policies(post, "quota", "tighter")
    >>> table.set_index(["whom", "technology"]).loc[("c1", "fixed"), "probability_better"]  # a tighter quota hurts c1
    np.float64(1.0)
    """
    _check(post, a, b)
    economy = economy_of(post)
    money = _difference(post["counterfactual"].to_dataset(), a, b, economy)
    summary = quantiles(money).assign(
        probability_better=probability(money, money > _alike(economy)),
        probability_equal=probability(money, abs(money) <= _alike(economy)),
        draws=money.count(("chain", "draw")),
    )
    if "prior_counterfactual" in post.children:
        before = post["prior_counterfactual"].to_dataset()
        if {a, b} <= set(map(str, before[SCENARIO].values)):
            prior = _difference(before, a, b, economy)
            summary["prior_probability_better"] = probability(prior, prior > _alike(economy))
    table = summary.to_dataframe().reset_index().assign(money_unit=money_unit(economy))
    table.insert(0, "a", a)
    table.insert(1, "b", b)
    return table


def policy_pairs(post: xr.DataTree) -> pd.DataFrame:
    """`compare_policies` of every pair of scenarios of a run.

    Parameters
    ----------
    post
        A run.

    Returns
    -------
    pandas.DataFrame
        Pairs in the order of the scenarios; empty with fewer than two.
    """
    names = [str(name) for name in post["counterfactual"].to_dataset()[SCENARIO].values]
    parts = [compare_policies(post, a, b) for a, b in combinations(names, 2)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def pairs_as_text(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The table of `policy_pairs` as text: a row for each pair and technology, a column for the world and each country.

    Parameters
    ----------
    table
        From `policy_pairs`, not empty.

    Returns
    -------
    heads, rows
        Texts.
    """
    whom = [str(name) for name in dict.fromkeys(table[CONCERNED])]
    rows = []
    for key, part in table.groupby(["a", "b", TECHNOLOGY], sort=False):
        a, b, technology = cast("tuple[str, str, str]", key)
        better, equal = (
            dict(zip(part[CONCERNED], part[f"probability_{what}"], strict=True)) for what in ("better", "equal")
        )
        cells = ["equal" if equal[name] == 1 else percent(better[name]) for name in whom]
        rows.append([f"{a} better than {b}, {technology}", *cells])
    return ["", *map(country_label, whom)], rows


def _difference(ds: xr.Dataset, a: str, b: str, economy: Economy) -> xr.DataArray:
    """Equivalent variation under ``a`` less that under ``b``, money a year (whom, technology, chain, draw).

    NaN where one of the two is unsolved.
    """
    each = equivalent_variations(ds, a, economy) - equivalent_variations(ds, b, economy)
    each = each.rename({COUNTRY: CONCERNED})
    world = each.sum(CONCERNED, skipna=False).expand_dims({CONCERNED: [WORLD]})
    order = [t for t in each[TECHNOLOGY].values if t in ds[TECHNOLOGY].values]  # a contribution is no policy's outcome
    both: xr.DataArray = xr.concat([world, each], CONCERNED).sel({TECHNOLOGY: order})
    return both


def _alike(economy: Economy) -> xr.DataArray:
    """Differences that the solver's tolerance may make: a billionth of income (whom)."""
    each = 1e-9 * income(economy).rename({COUNTRY: CONCERNED})
    return xr.concat([each.sum(CONCERNED).expand_dims({CONCERNED: [WORLD]}), each], CONCERNED)


def _check(post: xr.DataTree, a: str, b: str) -> None:
    if missing := [name for name in ("counterfactual", "economy") if name not in post.children]:
        advice = "Pass what ree.counterfactual returns for several scenarios."
        raise InputError([Problem(f"the DataTree has no group {name!r}", advice) for name in missing])
    there = [str(name) for name in post["counterfactual"].to_dataset()[SCENARIO].values]
    problems = [
        Problem("this scenario is not in the run", closest(name, there), column=side, value=name)
        for side, name in (("a", a), ("b", b))
        if name not in there
    ]
    if a == b and not problems:
        problems.append(Problem("a scenario is compared with itself", "Name two scenarios.", column="b", value=b))
    if problems:
        raise InputError(problems, "the policies cannot be compared")
