"""Tables of the one page: the answer by country, what the model finds, policies beside one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.errors import InputError
from reestim.reports.section import Notes, TableBlock
from reestim.results.effects import (
    DIRECTED,
    FIXED,
    economy_of,
    probability,
    quantiles,
)
from reestim.results.findings import findings_table
from reestim.results.format import percent, with_interval
from reestim.results.names import country_label
from reestim.results.policies import CONCERNED, compare_policies
from reestim.results.world import ABROAD, WORLD, equivalent_variations, sums

#: What a run with one scenario says where policies would be compared.
ADDED_BY = (
    "The run has one scenario. `reestim counterfactual RUN SCENARIO_A SCENARIO_B SCENARIO_C` solves others on the same "
    "draws, up to three of which this page then compares."
)
_WORDS = {FIXED: "technology as it was", DIRECTED: "research that follows prices"}
_NAMES = {WORLD: "The world", ABROAD: "All who do not restrict"}
_BEFORE = "P in round brackets: before the data."
_NOT_BEFORE = "The run has no equilibria before the data, so that P before them is not known."


def answer(post: xr.DataTree, scenario: str, countries: Sequence[str], caption: str) -> TableBlock:
    """Equivalent variations of the world, of all abroad and of countries, with P(loss) after and before the data."""
    after, before = _money(post, "counterfactual", scenario), _money(post, "prior_counterfactual", scenario)
    assert after is not None, "the run has the scenario"
    ends, loses = quantiles(after), probability(after, after < 0)
    loses_before = None if before is None else probability(before, before < 0)
    technologies = _technologies(after)
    heads = [""]
    for technology in technologies:
        heads += [_WORDS.get(technology, technology), "P(loss)"]
    rows = []
    for who in (WORLD, ABROAD, *countries):
        cells = [_NAMES.get(who) or country_label(who)]
        for technology in technologies:
            at = {CONCERNED: who, TECHNOLOGY: technology}
            chance = percent(float(loses.sel(at)))
            if loses_before is not None and technology in loses_before[TECHNOLOGY].values:
                chance += f" ({percent(float(loses_before.sel(at)))})"
            cells += [_interval(ends.sel(at)), chance]
        rows.append(cells)
    said = _NOT_BEFORE if before is None else _BEFORE
    return TableBlock("answer", f"{caption} {said}", heads, rows)


def claims(post: xr.DataTree, scenario: str) -> Iterator[TableBlock | Notes]:
    """What `reestim.findings_table` answers with P after and before the data, where it speaks of this scenario."""
    if str(post["counterfactual"].to_dataset()[SCENARIO].values[0]) != scenario:
        return
    try:
        table = findings_table(post)
    except InputError as error:
        yield Notes([f"Claims about this scenario cannot be asked of the run: {error.problems[0]}"])
        return
    rows = [
        [row["claim"], percent(row["probability"]), percent(row["prior_probability"])]
        for row in table.to_dict("records")
    ]
    caption = (
        "Claims of research, asked of this scenario. Where P hardly differs from P before the data, the prior says it "
        "and not the evidence."
    )
    yield TableBlock("claims", caption, ["Claim", "P", "P before the data"], rows)


def policies(post: xr.DataTree, names: Sequence[str], countries: Sequence[str], caption: str) -> TableBlock:
    """Medians and intervals of up to three policies, and P that the first of a pair leaves somebody better off."""
    letters = dict(zip(names, "ABC", strict=False))
    money = {name: _money(post, "counterfactual", name) for name in names}
    first = _technologies(next(m for m in money.values() if m is not None))[0]
    pairs = list(combinations(names, 2))
    tables = {pair: compare_policies(post, *pair).set_index([CONCERNED, TECHNOLOGY]) for pair in pairs}
    others = sorted({str(t) for _, t in tables[pairs[0]].index} - {first})
    rows = []
    for who in (WORLD, *countries):
        cells = [_NAMES.get(who) or country_label(who)]
        for name in names:
            draws = money[name]
            assert draws is not None, "the run has the scenario"
            ends = quantiles(draws.sel({CONCERNED: who, TECHNOLOGY: first}))
            cells.append(_interval(ends))
        for pair in pairs:
            chances = [_better(tables[pair], who, technology) for technology in (first, *others)]
            cells.append(chances[0] + (f" ({', '.join(chances[1:])})" if others else ""))
        rows.append(cells)
    heads = ["", *letters.values(), *(f"P({letters[a]} better than {letters[b]})" for a, b in pairs)]
    with_others = f"; P in round brackets: with {', '.join(_WORDS.get(t, t) for t in others)}" if others else ""
    said = f"{caption} Same unit and draws, {_WORDS.get(first, first)}{with_others}."
    return TableBlock("policies", said, heads, rows)


def _interval(ends: xr.Dataset) -> str:
    return with_interval(float(ends["median"]), float(ends["low"]), float(ends["high"]))


def _better(table: pd.DataFrame, who: str, technology: str) -> str:
    row: Any = table.loc[(who, technology)]
    return "equal" if row["probability_equal"] == 1 else percent(float(row["probability_better"]))


def _technologies(money: xr.DataArray) -> list[str]:
    """Technologies of the run whose outcome is shown, technology as it was first."""
    return [t for t in (FIXED, DIRECTED) if t in money[TECHNOLOGY].values]


def _money(post: xr.DataTree, group: str, scenario: str) -> xr.DataArray | None:
    """Equivalent variations (whom, technology, chain, draw), whom: world, abroad, countries; None where not solved."""
    if group not in post.children:
        return None
    ds, economy = post[group].to_dataset(), economy_of(post)
    if scenario not in ds[SCENARIO].values:
        return None
    ds = ds.assign_attrs(post["counterfactual"].attrs)  # what the scenarios are
    each = equivalent_variations(ds, scenario, economy).rename({COUNTRY: CONCERNED})
    both: xr.DataArray = xr.concat([sums(ds, scenario, economy), each], CONCERNED)
    return both
