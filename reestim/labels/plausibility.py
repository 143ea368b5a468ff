"""Do the counts of patents on rare earths look right beside all patents of the same countries, sectors and years?

A person who labels patents has no other number to hold them against. What stands out is said in words; nothing is
changed by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, LABEL, LABELS, SECTOR, YEAR
from reestim.labels.patent_totals import OTHER, OTHER_EU, TOTAL, in_regions, patent_totals

#: A country or year with more than so many times its share of patents on rare earths, or less than one over it.
FAR = 4.0
#: A share of all patents of a country and sector above which patents on rare earths are too many.
MANY = 0.1
#: Differences of fewer patents than these are chance.
_FEWEST = 10.0
#: A country with at least this share of all patents is missed where a file has none of it.
LARGE = 0.05
#: Years that are judged together where a share of a country and sector is: the year of filing is not that of grant.
_PERIOD = 5
#: So many cells, countries or years are named one by one.
_NAMED = 5
_NUMBER, _EXPECTED = "number", "expected"
_EVERY = "all"


@dataclass(frozen=True)
class Plausibility:
    """What the comparison says.

    number, total : patents on rare earths (``using``, ``enhancing``, ``substituting``), and all patents, where both are
    known. cells : ``country, sector, year, number, total``. by_country, by_year : ``number, total, expected``, what the
    country or year would have with the shares of all countries together, sector by sector, times the median of what
    countries (or years) have over that: one that is far off does not make the others look so. not_compared : patents
    without a total, by why. sentences : all of it in words, first the whole, then what stands out.
    """

    number: float
    total: float
    cells: pd.DataFrame
    by_country: pd.DataFrame
    by_year: pd.DataFrame
    not_compared: dict[str, float] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    def about(self) -> dict[str, Any]:
        """The same for a record in JSON, without the cells."""
        rows = {str(c): {str(k): round(float(v), 1) for k, v in row.items()} for c, row in self.by_country.iterrows()}
        return {
            "on_rare_earths": round(self.number, 1),
            "of_all_kinds": round(self.total, 1),
            "by_country": rows,
            "not_compared": {why: round(n, 1) for why, n in self.not_compared.items()},
            "sentences": list(self.sentences),
        }


def plausibility(sums: Any, unlabelled: dict[str, int] | None = None) -> Plausibility:
    """Patents on rare earths as a share of all patents, and what stands out.

    Parameters
    ----------
    sums : ``country, sector, year, label, count`` of labelled patents, by country or by the ten economies of the
        bundled datasets. Sectors that the totals do not know are compared by country and year.
    unlabelled : patents without a label, by country; said where a country has too few.
    """
    totals: Any = patent_totals(regions=in_regions(set(sums[COUNTRY])))
    named = set(sums[SECTOR]) <= set(totals[SECTOR])
    if not named:  # sectors of a classification of one's own
        sums = sums.assign(**{SECTOR: _EVERY})
        totals = totals.groupby([COUNTRY, YEAR], as_index=False)[TOTAL].sum().assign(**{SECTOR: _EVERY})
    rare: Any = sums.loc[sums[LABEL] != LABELS[0]].groupby([COUNTRY, SECTOR, YEAR], as_index=False)["count"].sum()
    there: Any = sums.groupby([COUNTRY, SECTOR, YEAR], as_index=False)["count"].sum()
    not_compared = _without_total(rare, totals)
    world = totals[totals[SECTOR].isin(set(there[SECTOR])) & totals[YEAR].between(*_span(there[YEAR]))]
    cells: Any = world[world[COUNTRY].isin(set(there[COUNTRY]))].merge(rare, how="left", on=[COUNTRY, SECTOR, YEAR])
    cells = cells.rename(columns={"count": _NUMBER}).fillna({_NUMBER: 0.0})
    number, total = float(cells[_NUMBER].sum()), float(cells[TOTAL].sum())
    by_sector = cells.groupby(SECTOR)[[_NUMBER, TOTAL]].transform("sum")
    cells[_EXPECTED] = (cells[TOTAL] * by_sector[_NUMBER] / by_sector[TOTAL]).fillna(0.0)
    by_country, by_year = (_expected(cells.groupby(by)[[_NUMBER, TOTAL, _EXPECTED]].sum()) for by in (COUNTRY, YEAR))
    sentences = [_whole(number, total, named), *_left_out(not_compared)]
    if total > 0:
        findings = [
            *_too_many(cells),
            *_countries(by_country, unlabelled or {}),
            *_years(by_year),
            *_absent(world, set(there[COUNTRY]), unlabelled or {}),
        ]
        sentences += findings or [f"nothing stands out: no country or year is {FAR:g} times off its share"]
    columns = [COUNTRY, SECTOR, YEAR, _NUMBER, TOTAL]
    return Plausibility(number, total, cells[columns], by_country, by_year, not_compared, tuple(sentences))


def _expected(table: Any) -> Any:
    """``expected`` scaled by the median of ``number / expected``, rows weighed by ``expected``."""
    order = table[table[_EXPECTED] > 0].assign(ratio=lambda t: t[_NUMBER] / t[_EXPECTED]).sort_values("ratio")
    weight = order[_EXPECTED].cumsum()
    middle = order["ratio"][weight >= weight.max() / 2].iloc[0] if len(order) else 0.0
    return table.assign(**{_EXPECTED: table[_EXPECTED] * (middle or 1.0)})


def _span(years: Any) -> tuple[int, int]:
    return int(years.min()), int(years.max())


def _without_total(rare: Any, totals: Any) -> dict[str, float]:
    """Patents on rare earths that no total is known for, by why."""
    place: Any = ~rare[COUNTRY].isin(set(totals[COUNTRY]))
    first, last = _span(totals[YEAR])
    amounts = {
        f"country {country}": float(rows["count"].sum()) for country, rows in rare[place].groupby(COUNTRY, sort=True)
    }
    for why, late in (
        (f"years before {first}", rare[YEAR] < first),
        (f"years after {last}", rare[YEAR] > last),
    ):
        if n := float(rare.loc[~place & late, "count"].sum()):
            amounts[why] = n
    return amounts


def _whole(number: float, total: float, named: bool) -> str:
    if total == 0:
        return "no totals of all patents are known for these countries and years: nothing was compared"
    where = "the same countries, sectors and years" if named else "the same countries and years (sectors are not known)"
    share = f"1 in {total / number:,.0f}" if number else "none"
    return f"{number:,.0f} on rare earths, {total:,.0f} inventions of all kinds granted in {where}: {share}"


def _left_out(not_compared: dict[str, float]) -> list[str]:
    listed = ", ".join(f"{why} ({n:,.0f})" for why, n in not_compared.items())
    return [f"on rare earths, without a total to compare with: {listed}"] if listed else []


def _too_many(cells: Any) -> list[str]:
    """Countries and sectors with more patents on rare earths in some years than a tenth of all, or than all."""
    period: Any = cells[YEAR] // _PERIOD * _PERIOD
    sums: Any = cells.groupby([COUNTRY, SECTOR, period])[[_NUMBER, TOTAL]].sum().reset_index()
    sums = sums[(sums[_NUMBER] > MANY * sums[TOTAL]) & (sums[_NUMBER] >= _FEWEST)]
    if sums.empty:
        return []
    sums = sums.sort_values(_NUMBER, ascending=False)
    rows = [
        f"{r.country} {r.sector} {r.year}-{r.year + _PERIOD - 1}, {r.number:,.0f} of {r.total:,.0f}"
        for r in sums.itertuples()
    ]
    words = "is an invention counted once? Is the country that of inventors, the sector that of the invention?"
    return [f"more than {MANY:.0%} of all patents are on rare earths: {_some(rows)}; {words}"]


def _countries(table: Any, unlabelled: dict[str, int]) -> list[str]:
    few, many = _off(table)
    sentences = []
    if few:
        rows = [f"{_times(table, c)}{f', {unlabelled[c]:,} without a label' if unlabelled.get(c) else ''}" for c in few]
        sentences.append(f"few for all that they patent: {_some(rows)}; are texts missing, or in another language?")
    if many:
        words = "are families counted once, and is the country a residence, not an office?"
        sentences.append(f"many for all that they patent: {_some([_times(table, c) for c in many])}; {words}")
    return sentences


def _years(table: Any) -> list[str]:
    few, many = _off(table)
    sentences = []
    if few:
        words = "recent applications are published after 18 months; does the search cover these years?"
        sentences.append(f"few for the year: {_some([_times(table, y) for y in few])}; {words}")
    if many:
        sentences.append(f"many for the year: {_some([_times(table, y) for y in many])}; does the search change there?")
    return sentences


def _off(table: Any) -> tuple[list[Any], list[Any]]:
    """Rows with too few and with too many patents on rare earths."""
    sure = table[[_NUMBER, _EXPECTED]].max(axis=1) >= _FEWEST
    few = sure & (table[_NUMBER] * FAR < table[_EXPECTED])
    many = sure & (table[_NUMBER] > FAR * table[_EXPECTED])
    return list(table.index[few]), list(table.index[many])


def _times(table: Any, row: Any) -> str:
    return f"{row} has {table.loc[row, _NUMBER]:,.0f}, its share would be {table.loc[row, _EXPECTED]:,.0f}"


def _absent(world: Any, there: set[str], unlabelled: dict[str, int]) -> list[str]:
    """Large countries of which the file has no patent, or none with a label."""
    by_country: Any = world[~world[COUNTRY].isin([OTHER_EU, OTHER])].groupby(COUNTRY)[TOTAL].sum()
    share = (by_country / world[TOTAL].sum()).sort_values(ascending=False)
    large = {str(c): f"{c} ({v:.0%} of all patents)" for c, v in share.items() if v >= LARGE and c not in there}
    absent = [words for country, words in large.items() if country not in unlabelled]
    sentences = [f"not in the file: {_some(absent)}"] if absent else []
    if silent := [words for country, words in large.items() if country in unlabelled]:
        sentences.append(f"without a single label: {_some(silent)}")
    return sentences


def _some(rows: list[str]) -> str:
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return "; ".join(rows[:_NAMED]) + more
