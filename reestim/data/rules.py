"""Rules that compare the files of a dataset: known labels, weights, prices without holes, accounting identities.

Every rule returns its problems; none raises. Cells that already have a problem of their own are left out of the
sums, so that one mistake is not reported twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reestim.data.country_use import country_use_problems
from reestim.data.growth_accounts import COLUMNS_NEEDED, GROWTH_ACCOUNTS, account_problems
from reestim.data.identities import identity_problems
from reestim.data.meta import DATASET_FILE
from reestim.data.partial_tables import PartialTables
from reestim.data.published_effects import event_study_problems
from reestim.data.schemas import ALL_OTHERS, ALL_SECTORS, MARKETS, WEIGHT_TOLERANCE
from reestim.errors import Problem
from reestim.wording import closest, nearest

_SECTOR_FILES = ("trade", "value_added", "trade_elasticities")


def regions_of(tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Countries that buy from themselves in ``trade.csv``, in file order (a misspelt name never does)."""
    trade = tables.get("trade")
    if trade is None or not {"importer", "exporter"} <= set(trade):
        return ()
    home = set(trade.loc[trade["importer"] == trade["exporter"], "importer"])
    return tuple(name for name in dict.fromkeys(trade["importer"]) if name in home)


def goods_of(tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Sectors that at least two of trade, value added and trade elasticities know, elements apart, in file order."""
    elements = set(tables["elements"]["element"]) if "element" in tables.get("elements", ()) else set()
    lists = [list(dict.fromkeys(tables[stem]["sector"])) for stem in _SECTOR_FILES if "sector" in tables.get(stem, ())]
    needed = min(2, len(lists))
    seen = list(dict.fromkeys(name for names in lists for name in names))
    return tuple(n for n in seen if n not in elements and sum(n in names for names in lists) >= needed)


def cross_file_problems(base_year: int | None, host_sector: str | None, data: PartialTables) -> list[Problem]:
    """All problems that need more than one file to see; what is None in ``dataset.toml`` is not checked against."""
    countries, goods = regions_of(data.tables), goods_of(data.tables)
    table = data.get("elements", "element")
    elements = tuple(dict.fromkeys(table["element"])) if table is not None else ()
    problems = _unknown_labels(data, countries, goods, elements)
    problems += _weights(data) + _elasticities(data, goods, elements)
    problems += _prices(base_year, data, countries, elements) + _tonnages(base_year, data)
    problems += _policy(data) + _patents(data) + _panel(data) + _growth_accounts(data)
    problems += event_study_problems(data, countries) + country_use_problems(data, countries)
    carriers = data.get("carriers", "carrier")
    if carriers is not None and host_sector in set(carriers["carrier"]):
        advice = "Elements leave the sector that sells oxide; a carrier is made of them"
        place: dict[str, Any] = {"file": "carriers.csv", "column": "carrier", "value": host_sector}
        problems.append(Problem("the host sector cannot be a carrier", advice, **place))
    if host_sector is not None and goods and host_sector not in goods:
        advice = closest(host_sector, goods)
        problems.append(Problem("unknown sector", advice, file=DATASET_FILE, column="host_sector", value=host_sector))
    problems += identity_problems(data.tables, data.faulty_rows, countries, goods)
    return problems


def _unknown_labels(
    data: PartialTables, countries: tuple[str, ...], goods: tuple[str, ...], elements: tuple[str, ...]
) -> list[Problem]:
    use = data.get("element_use", "application")
    applications = tuple(dict.fromkeys(use["application"])) if use is not None else ()
    label_lists: dict[str, tuple[str, tuple[str, ...]]] = {
        "country": ("unknown country", countries),
        "importer": ("unknown country", countries),
        "exporter": ("unknown country", countries),
        "sector": ("unknown sector", goods),
        "input": ("unknown sector", goods),
        "element": ("unknown element", elements),
        "application": ("unknown application", applications),
        "carrier": ("unknown sector", goods),
    }
    problems = []
    for stem, table in data.tables.items():
        for column in table.columns.intersection(list(label_lists)):
            message, labels = label_lists[column]
            if not labels or (stem, column) in (("elements", "element"), ("element_use", "application")):
                continue
            allowed = set(labels)
            if stem == "policy":
                allowed |= {ALL_OTHERS} if column in ("importer", "exporter") else set(elements)
            if (stem, column) == ("trade_elasticities", "sector"):
                allowed |= set(elements)
            if column == "sector" and stem in ("ree_use_panel", "published_moments"):
                allowed |= {ALL_SECTORS}
            wrong: Any = table[column][~table[column].isin(list(allowed)) & (table[column] != "")]
            data.mark(stem, (int(row) for row in wrong.index))
            for row, value in wrong.items():
                advice = closest(value, [*labels, *sorted(allowed - set(labels))])
                if column in ("sector", "input") and value in elements:
                    advice = "Elements stay inside the host sector in this file; they are split out later"
                problems.append(Problem(message, advice, file=f"{stem}.csv", row=int(row), column=column, value=value))
    return problems


def _weights(data: PartialTables) -> list[Problem]:
    """Every application has a concordance and its weights sum to 1."""
    weights, use = data.get("application_sector", "application", "sector", "weight"), data.get("element_use")
    if weights is None:
        return []
    bad = data.faulty_rows.get("application_sector", set())
    doubtful = set(weights.loc[[row for row in bad if row in weights.index], "application"])
    problems = []
    if -1 not in bad:
        sound = weights[~weights["application"].isin(doubtful)]
        for application, total in sound.groupby("application", sort=False)["weight"].sum().items():
            if abs(total - 1) > WEIGHT_TOLERANCE:
                rows = weights.index[weights["application"] == application]
                advice = f"They sum to {total:.6g} (rows {', '.join(str(row) for row in rows)}); scale them to 1"
                message = "the weights of the application do not sum to 1"
                place: dict[str, Any] = {"file": "application_sector.csv", "row": int(rows[0]), "column": "weight"}
                problems.append(Problem(message, advice, **place, value=application))
    if use is not None and "application" in use and -1 not in bad:
        for name in dict.fromkeys(use["application"]):
            if name != "" and name not in set(weights["application"]):
                row = int(use.index[use["application"] == name][0])
                advice = "Say in application_sector.csv which sectors it happens in"
                place: dict[str, Any] = {"file": "element_use.csv", "row": row, "column": "application"}
                problems.append(Problem("the application has no sector", advice, **place, value=name))
    return problems


def _elasticities(data: PartialTables, goods: tuple[str, ...], elements: tuple[str, ...]) -> list[Problem]:
    table = data.get("trade_elasticities", "sector")
    if table is None or -1 in data.faulty_rows.get("trade_elasticities", set()):
        return []
    advice = "Add a row; elements are sectors too"
    missing = [name for name in (*goods, *elements) if name not in set(table["sector"])]
    place: dict[str, Any] = {"file": "trade_elasticities.csv", "column": "sector"}
    return [Problem("the sector has no trade elasticity", advice, **place, value=name) for name in missing]


def _prices(
    base_year: int | None, data: PartialTables, countries: tuple[str, ...], elements: tuple[str, ...]
) -> list[Problem]:
    """Every element has a price in every market in every year between the first and the last, base year included."""
    table = data.get("element_prices", "element", "year", "market")
    if table is None or table.empty or -1 in data.faulty_rows.get("element_prices", set()):
        return []
    markets = ["export", *(["domestic_CHN"] if "CHN" in countries else [])]
    dated = table[table["year"].between(1900, 2100)]
    years = set(range(int(dated["year"].min()), int(dated["year"].max()) + 1)) if len(dated) else set()
    if base_year is not None:
        years.add(base_year)
    have = {  # a misspelt label is reported as such; the price under it is not missing
        (e if e in elements else nearest(e, elements), y, m if m in MARKETS else nearest(m, MARKETS))
        for e, y, m in zip(table["element"], table["year"], table["market"], strict=True)
    }
    place: dict[str, Any] = {"file": "element_prices.csv", "column": "price"}
    advice = "Add the row; if it is imputed, say the rule in source and set verified to false"
    return [
        Problem("the price is missing", advice, **place, value=f"{element}, {year}, {market}")
        for element in elements
        for market in markets
        for year in sorted(years)
        if (element, year, market) not in have
    ]


def _tonnages(base_year: int | None, data: PartialTables) -> list[Problem]:
    """Each element that is used is mined in the base year, and the two totals are of one magnitude."""
    use, output = data.sound("element_use", "element", "tonnes"), data.sound("element_output", "element", "tonnes")
    if use is None or output is None or base_year is None or "year" not in output:
        return []
    mined = output[output["year"] == base_year]
    used = set(use.loc[use["tonnes"] > 0, "element"])
    problems = []
    for element in dict.fromkeys(use["element"]):
        if element in used and mined.loc[mined["element"] == element, "tonnes"].sum() <= 0:
            message = "the element is used but has no output in the base year"
            advice = f"Add its output in {base_year}, or take it out of element_use.csv"
            place: dict[str, Any] = {"file": "element_output.csv", "column": "element"}
            problems.append(Problem(message, advice, **place, value=element))
    total_use, total_output = float(use["tonnes"].sum()), float(mined["tonnes"].sum())
    if not problems and total_output > 0 and not 1 / 3 < total_use / total_output < 3:
        message = "world use and world output differ by more than a factor of three"
        advice = f"Output in {base_year} is {total_output:,.0f} t: check that both files are in tonnes of oxide"
        place: dict[str, Any] = {"file": "element_use.csv", "column": "tonnes"}
        problems.append(Problem(message, advice, **place, value=f"{total_use:,.0f} t"))
    problems += _exports(data, mined, base_year) if "country" in mined else []
    return problems


def _exports(data: PartialTables, mined: Any, base_year: int) -> list[Problem]:
    """No country exports more rare earths than it mines in the base year."""
    exports = data.sound("element_exports", "country", "year", "tonnes")
    problems = []
    for row, country, year, tonnes in [] if exports is None else exports[["country", "year", "tonnes"]].itertuples():
        output = mined.loc[mined["country"] == country, "tonnes"].sum()
        if year == base_year and tonnes > output * (1 + 1e-9):
            message = "exports of the base year exceed output"
            advice = f"{country} mines {output:,.0f} t in element_output.csv"
            place: dict[str, Any] = {"file": "element_exports.csv", "row": int(row), "column": "tonnes"}
            problems.append(Problem(message, advice, **place, value=tonnes))
    return problems


def _policy(data: PartialTables) -> list[Problem]:
    table = data.get("policy", "importer", "exporter")
    if table is None:
        return []
    same = table[table["importer"] == table["exporter"]]
    message, advice = (
        "importer and exporter are the same",
        "Policy stands at the border: name two countries, or one and *",
    )
    return [
        Problem(message, advice, file="policy.csv", row=int(row), value=f"{cells.importer}, {cells.exporter}")
        for row, cells in zip(same.index, same.itertuples(index=False), strict=True)
    ]


def _patents(data: PartialTables) -> list[Problem]:
    """Counts and audit come together, and the audit has one design."""
    problems = []
    pair = ("patent_labels", "label_audit")
    for one, other in (pair, pair[::-1]):
        if one in data.tables and other not in data.tables:
            advice = f"It goes with {one}.csv: add it, or remove both"
            problems.append(Problem("the file is missing", advice, file=f"{other}.csv"))
    audit = data.sound("label_audit", "design")
    if audit is not None and len(set(audit["design"])) > 1:
        first = audit["design"].iloc[0]
        message = f"the audit mixes designs (it starts with {first!r})"
        advice = "One file states one design; keep the audits of one design"
        for row, design in audit.loc[audit["design"] != first, "design"].items():
            place: dict[str, Any] = {"file": "label_audit.csv", "row": int(row), "column": "design"}
            problems.append(Problem(message, advice, **place, value=design))
    return problems


def _panel(data: PartialTables) -> list[Problem]:
    """Each row of the panel of rare-earth use has tonnes or value."""
    table = data.get("ree_use_panel", "year")
    if table is None:
        return []
    blank = table[[]].assign(tonnes=table.get("tonnes"), value=table.get("value")).isna().all(axis=1)
    bad = data.faulty_rows.get("ree_use_panel", set())
    advice = "Give one of them at least"
    return [
        Problem("neither tonnes nor value", advice, file="ree_use_panel.csv", row=int(row))
        for row in table.index[blank]
        if int(row) not in bad
    ]


def _growth_accounts(data: PartialTables) -> list[Problem]:
    """Shares, years and rare earths of each series; a series with a line that has a problem is left out."""
    table = data.get(GROWTH_ACCOUNTS, *COLUMNS_NEEDED)
    bad = data.faulty_rows.get(GROWTH_ACCOUNTS, set())
    if table is None or -1 in bad:
        return []
    doubtful = table.loc[table.index.isin(list(bad)), ["country", "sector"]].drop_duplicates()
    series = pd.MultiIndex.from_frame(table[["country", "sector"]])
    sound = table[~series.isin(pd.MultiIndex.from_frame(doubtful))]
    return account_problems(sound)
