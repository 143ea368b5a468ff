"""The years of a transition: fans of welfare and of exports, and whether quotas bind."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, SECTOR, TECHNOLOGY, YEAR
from reestim.reports.figures.fan import fans
from reestim.reports.section import POSTERIOR, Block, Heading, Notes, Section, TableBlock, suffixes
from reestim.results.effects import (
    BRACKETS,
    PERCENT,
    economy_of,
    effects,
    income,
    joint_exports,
    money_unit,
    probability,
    quantiles,
)
from reestim.results.format import percent, with_interval
from reestim.results.names import country_label

#: A rent below this share of the income of the exporter is rounding: the quota does not bind.
_NO_RENT = 1e-12


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``welfare_path`` (by scenario, country, year) and ``exports_path`` (by scenario, sector, year): median, low,
    high in per cent, for welfare in money too; probability_loss; draws solved. ``quota_path``: probability_binds, rent,
    and the dearest licence in US$ per kg.
    """
    if "counterfactual" not in post.children or "welfare_path" not in post["counterfactual"].data_vars:
        return {}
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    welfare = _summary(welfare_path(ds), [SCENARIO, COUNTRY, YEAR])
    worth = income(economy).to_series().loc[welfare[COUNTRY]].to_numpy()
    for name in ("median", "low", "high"):
        welfare[f"{name}_money"] = welfare[f"{name}_percent"] / PERCENT * worth
    out = {"welfare_path": welfare.assign(money_unit=money_unit(economy))}
    names = [str(s) for s in ds[SCENARIO].values]
    exports = {name: joint_exports(ds, name, economy, "_path") for name in names}
    if exports[names[0]].sizes[SECTOR]:
        parts = [_summary(draws, [SECTOR, YEAR]).assign(**{SCENARIO: name}) for name, draws in exports.items()]
        joined = pd.concat(parts, ignore_index=True)
        out["exports_path"] = joined.loc[:, [SCENARIO, *(c for c in joined.columns if c != SCENARIO)]]
    if "quota_rent_path" in ds:
        rent = ds["quota_rent_path"].where(ds["solved_path"]).sum((COUNTRY, SECTOR), skipna=False)
        binds = probability(rent, rent > _NO_RENT * float(income(economy).sum())).rename("probability_binds")
        if float(binds.max()) > 0:
            summary = quantiles(rent).rename({k: f"{k}_rent" for k in ("median", "low", "high")})
            parts = [binds, summary]
            if "licence_price_path" in ds:  # the dearest licence of all exporters and products
                dearest = ds["licence_price_path"].where(ds["solved_path"]).max((COUNTRY, SECTOR), skipna=True)
                parts.append(quantiles(dearest).rename({k: f"{k}_licence" for k in ("median", "low", "high")}))
            out["quota_path"] = xr.merge(parts).to_dataframe().reset_index()
    return out


def welfare_path(ds: xr.Dataset) -> xr.DataArray:
    """Change of welfare in per cent by year; unsolved draws are NaN."""
    change: xr.DataArray = PERCENT * xr.ufuncs.expm1(ds["welfare_path"].where(ds["solved_path"]))
    return change


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """For each scenario: fans, welfare of the first and the last years, quotas year by year."""
    if "welfare_path" not in tables:
        return None
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    scenarios = [str(s) for s in ds[SCENARIO].values]
    first, last = int(ds[YEAR].values.min()), int(ds[YEAR].values.max())
    blocks: list[Block] = [
        Notes(
            [
                f"Transition: knowledge closes a share of its distance to the long run every year, {first} to {last}. "
                "Bands: 50 and 90 % equal-tailed; the line is the median. Orange and blue ticks at the right: the "
                "medians of the static equilibria of the scenario's year with fixed and with directed technology, "
                "between which a lasting policy moves."
            ]
        )
    ]
    for name, suffix in suffixes(scenarios).items():
        one = ds.sel({SCENARIO: name})
        static = effects(ds, "welfare").sel({SCENARIO: name}).median((CHAIN, DRAW))
        ends = {str(t): static.sel({TECHNOLOGY: t}) for t in ds[TECHNOLOGY].values}
        if suffix:
            blocks.append(Heading(name))
        caption = "Change of welfare (real income) during the transition, per cent, by country, each on its own scale."
        blocks.append(fans(welfare_path(one), COUNTRY, f"welfare_path{suffix}", caption, "per cent", ends))
        rows = tables["welfare_path"].loc[lambda t, s=name: t[SCENARIO] == s]
        blocks.append(_table_block(rows, first, last, f"welfare_path{suffix}"))
        exports = joint_exports(ds, name, economy, "_path")
        if exports.sizes[SECTOR]:
            words = "Joint exports abroad (all who do not restrict), sectors that use most rare earths, per cent."
            blocks.append(fans(exports, SECTOR, f"exports_path{suffix}", words, "per cent"))
        if "quota_path" in tables:
            quota = tables["quota_path"].loc[lambda t, s=name: t[SCENARIO] == s]
            if float(quota["probability_binds"].max()) > 0:
                blocks.append(_quotas(quota, money_unit(economy), f"quota_path{suffix}"))
    return Section("transition", "Year by year", blocks, POSTERIOR)


def _table_block(table: pd.DataFrame, first: int, last: int, name: str) -> TableBlock:
    unit = str(table["money_unit"].iloc[0])
    years = [first, last] if last > first else [first]
    cells = {}
    for r in table.to_dict("records"):
        change = with_interval(r["median_percent"], r["low_percent"], r["high_percent"], "%")
        money = with_interval(r["median_money"], r["low_money"], r["high_money"], unit)
        cells[r[COUNTRY], r[YEAR]] = f"{change}\n{money}\nP(loss) {percent(r['probability_loss'])}"
    rows = [[country_label(str(c)), *(cells[c, year] for year in years)] for c in dict.fromkeys(table[COUNTRY])]
    caption = (
        f"Welfare in the first and the last year of the transition: change of real income, per cent; below it {unit} a "
        f"year and the probability of a loss. Every year is in the CSV file. {BRACKETS}"
    )
    return TableBlock(name, caption, ["Country", *(str(year) for year in years)], rows, table)


def _quotas(table: pd.DataFrame, unit: str, name: str) -> TableBlock:
    priced = "median_licence" in table and bool(table["median_licence"].notna().any())
    rows = []
    for r in table.to_dict("records"):
        row = [str(r[YEAR]), percent(r["probability_binds"])]
        row.append(with_interval(r["median_rent"], r["low_rent"], r["high_rent"]))
        if priced:
            row.append(with_interval(r["median_licence"], r["low_licence"], r["high_licence"]))
        rows.append(row)
    caption = f"Quotas: the probability that one binds, their rents together, {unit} a year, and the price of a licence"
    caption += f" (the dearest of several), US$ per kg. {BRACKETS}" if priced else f". {BRACKETS}"
    head = ["Year", "P(a quota binds)", f"Rent, {unit}", *(["Licence, US$ per kg"] if priced else [])]
    return TableBlock(name, caption, head, rows, table)


def _summary(draws: xr.DataArray, keys: list[str]) -> pd.DataFrame:
    summary = quantiles(draws).rename({k: f"{k}_percent" for k in ("median", "low", "high")})
    summary = summary.assign(probability_loss=probability(draws, draws < 0), solved=draws.count((CHAIN, DRAW)))
    columns = [*keys, "median_percent", "low_percent", "high_percent", "probability_loss", "solved"]
    return summary.to_dataframe(dim_order=keys).reset_index().loc[:, columns]
