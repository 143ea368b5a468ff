"""A panel of exports by country, product and year, tidy or with a column a year, of any source; WITS among them.

WITS (World Bank, country trade summary, ``en_JPN_AllYears_WITS_Trade_Summary.CSV``) is known by its columns: exports to
the world by 16 sections of the HS, million US$; the country is in the name of the file. Other panels, as R packages
hold them, say which column is what: ``country=reporter product=sector``, and of tidy ones ``year=`` and ``value=``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.concordance import HERE
from reestim.importers.countries import FORMER, alpha3_codes, alpha3_of_customs
from reestim.importers.hs import MOST_TRADE
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.mapping import read_concordance
from reestim.importers.regions import regions_of, sectors_of
from reestim.importers.stream import finite, header, listed, missing_columns, pieces
from reestim.wording import closest

EDITION = "a panel with a column a year or a row a year, million US$; WITS country trade summaries as published"
WITS_SECTIONS = HERE / "wits_sections.csv"
_NAMES = ("country", "product", "year", "value")
_WITS = ("Reporter", "Partner", "Product categories", "Indicator Type", "Indicator")
_WITS_FILE = re.compile(r"en_([A-Z0-9]{3})_AllYears_WITS_Trade_Summary\.csv", re.I)
_WITS_EXPORTS = re.compile(r"Exports? ?\((?:in )?US\$ Mil\)")
_WITS_TOTAL = "All Products"
#: Products by stage of processing: other sums of the same trade.
_WITS_STAGES = ("Capital goods", "Consumer goods", "Intermediate goods", "Raw materials")
_YEAR = re.compile(r"[X_]?((?:19|20)\d\d)(?: \[YR\d{4}\])?")
_NO_FIGURE = ("", "NA", "..", "...", "n.a.", ":")


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``outcomes.csv``: exports by country, sector and year. A sector of several products is made in the years that all
    of them have; what is left out is said with its amount.

    Raises InputError listing missing columns, countries and products that are not known, repeated cells, odd units.
    """
    del work
    problems, parts, words = Problems(), [], []
    for path in files:
        with problems.collect():
            table, notes = _rows(path, dict(choices.columns))
            parts.append(table)
            words += notes
    concordance = problems.attempt(lambda: products(choices.concordance or WITS_SECTIONS))
    if problems or concordance is None:
        raise InputError(problems, "the panel cannot be used")
    rows: Any = pd.concat(parts, ignore_index=True)
    problems += _problems(rows, concordance, choices.confirm_units)
    if problems:
        raise InputError(problems, "the panel cannot be used")
    region = regions_of(choices.mapping, sorted(set(rows["country"])))
    sector = sectors_of(choices.sectors, sorted(set(concordance["industry"])))
    outcomes, notes = _outcomes(rows, concordance, region, sector)
    rules = [
        "products go to industries by the concordance, weights sum to 1; a sector has the years that all its products "
        "have",
        "sections of WITS that hold two sectors (machinery and electrical goods, crude and refined fuels) give each "
        "the same series (imputed): merge them with --sectors",
    ]
    return Imported({"outcomes": outcomes}, EDITION, rules, [*words, *notes])


def products(path: Path) -> pd.DataFrame:
    """The concordance product, industry, weight. Raises InputError listing everything wrong with it."""
    table, problems = read_concordance(path, "product", what="trade is")
    if problems:
        raise InputError(problems, "the concordance cannot be used")
    return table[["product", "industry", "weight"]]


def _rows(path: Path, named: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """country, product, year, value, row, file of one file; NaN where it has no figure."""
    there = header(path, path.name)
    is_wits = set(_WITS) <= set(there)
    wanted = {"country": _WITS[0], "product": _WITS[2]} if is_wits and not named else named
    unknown = [name for name in wanted if name not in _NAMES]
    problems = [Problem("this is no part of a panel", closest(n, _NAMES), column="--columns", value=n) for n in unknown]
    for name in ("country", "product"):
        if name not in wanted:
            advice = f"Say --columns {name}=COLUMN; the file has {', '.join(there[:6])}"
            problems.append(Problem(f"no column is named as {name}", advice, file=path.name, column="--columns"))
    problems += missing_columns([c for c in wanted.values() if c not in there], there, path.name)
    years = {name: int(m[1]) for name in there if (m := _YEAR.fullmatch(name))}
    tidy = "value" in wanted
    if tidy != ("year" in wanted):
        problems.append(Problem("year and value belong together", "Name both, or none", column="--columns"))
    if not tidy and not years:
        advice = "Name the columns of a tidy panel: --columns year=COLUMN value=COLUMN"
        problems.append(Problem("there are no columns of years", advice, file=path.name, row=1))
    if problems:
        raise InputError(problems, "the panel cannot be used")
    extra = list(_WITS[1:]) if is_wits and not named else []
    keep = list(dict.fromkeys([*wanted.values(), *extra, *(() if tidy else years)]))
    table: Any = pd.concat(list(pieces(path, path.name, keep)))
    words: list[str] = []
    if extra:
        table, words = _wits(table, path)
    else:
        table = table.rename(columns={wanted[name]: name for name in wanted})
    table = table.assign(row=table.index, file=path.name)
    if tidy:
        table[YEAR] = pd.to_numeric(table["year"], errors="coerce")
    else:
        table = table.melt(["country", "product", "row", "file"], list(years), "column", "value")
        table[YEAR] = table["column"].map(years)
    table.index = pd.Index(table["row"])
    blank = table["value"].isin(list(_NO_FIGURE))
    values = finite(table["value"].mask(blank))
    problems += listed(~blank & values.isna(), table["value"], "not a number", "Correct it", path.name)
    problems += listed(values < 0, table["value"], "exports below zero", "Correct it", path.name)
    problems += listed(table[YEAR].isna(), table[YEAR].astype(str), "not a year", "Correct it", path.name)
    if problems:
        raise InputError(problems, "the panel cannot be used")
    table = table.assign(value=values, year=table[YEAR].astype(int))
    return table[["country", "product", YEAR, "value", "row", "file"]].reset_index(drop=True), words


def _wits(table: Any, path: Path) -> tuple[Any, list[str]]:
    """Exports to the world by section, of a summary of WITS; how far the sections are from all products, in words."""
    named = _WITS_FILE.fullmatch(path.name)
    exports = (table["Partner"].str.strip() == "World") & table["Indicator"].str.fullmatch(_WITS_EXPORTS.pattern)
    table = table[exports & ~table["Product categories"].isin([*_WITS_STAGES])]
    table = table.rename(columns={"Reporter": "country", "Product categories": "product"})
    if named:
        table = table.assign(country=alpha3_of_customs(named[1].upper()))
    years = [name for name in table if _YEAR.fullmatch(str(name))]
    whole = finite(table[table["product"] == _WITS_TOTAL][years].stack())  # noqa: PD013
    parts: Any = table[table["product"] != _WITS_TOTAL]
    words = []
    if named and set(parts["country"]) - alpha3_codes():
        words.append(f"{path.name}: no country of today (a group or a former state), {whole.sum():,.0f} million US$")
        parts = parts.iloc[:0]
    elif len(whole):
        total = float(whole.sum())
        sections = float(finite(parts[years].stack()).sum())  # noqa: PD013
        if abs(sections / total - 1) > 0.005:
            words.append(f"{path.name}: sections add up to {sections:,.0f} of {total:,.0f} million US$ of all products")
    return parts.drop(columns=["Partner", "Indicator Type", "Indicator"]), words


def _problems(rows: Any, concordance: Any, confirmed: bool) -> list[Problem]:
    """Countries and products without a code, cells given twice, sums that are more than the world trades."""
    problems = []
    rows["country"] = [alpha3_of_customs(label) for label in rows["country"]]
    for name, accepted, advice in (
        ("country", alpha3_codes(), "Write its ISO 3166 code; leave groups of countries out of the file"),
        ("product", set(concordance["product"]), "Add it to a file product,industry,weight for --concordance"),
    ):
        total = float(rows["value"].sum())
        lost = rows[~rows[name].isin(list(accepted))].groupby(name, sort=False)
        for label, value in lost["value"].sum().items():
            first = lost.get_group(label).iloc[0]
            message = f"unknown {name}: {value:,.0f} million US$ ({value / total:.1%} of the panel) would be lost"
            place: Any = {"file": first["file"], "row": int(first["row"]), "column": name, "value": label}
            state = FORMER.get(str(label))
            former = f"It is {state}, whose trade belongs to several countries of today: leave it out of the file"
            problems.append(Problem(message, former if state else advice, **place))
    again = rows[rows["value"].notna()]
    again = again[again.duplicated(["country", "product", YEAR])]
    for cells in again.head(5).to_dict("records"):
        value = f"{cells['country']}, {cells['product']}, {cells[YEAR]}"
        problems.append(
            Problem("the cell is given twice", "Keep one", file=cells["file"], row=cells["row"], value=value)
        )
    for year, total in rows.groupby(YEAR)["value"].sum().items():
        if total > MOST_TRADE and not confirmed:
            message = f"exports of {year} add up to {total:,.3g} million US$, more than the world trades"
            advice = "Write values in million US$, or say --confirm-units if they are"
            problems.append(Problem(message, advice, file=str(rows["file"].iloc[0])))
            break
    return problems


def _outcomes(rows: Any, concordance: Any, region: dict[str, str], sector: dict[str, str]) -> tuple[Any, list[str]]:
    """Exports by region, sector and year, where all countries and products of a region's sector have a figure."""
    parts = concordance.assign(sector=concordance["industry"].map(sector))
    parts = parts.groupby(["product", SECTOR], as_index=False)["weight"].sum()
    there = rows.dropna(subset=["value"]).merge(parts, on="product")
    there = there.assign(region=there["country"].map(region), value=there["value"] * there["weight"])
    kept_countries = {r: sum(to == r for to in region.values()) for r in region.values()}
    used = set(rows["product"])
    per_sector = parts[parts["product"].isin(list(used))].groupby(SECTOR)["product"].nunique()
    sums = there.groupby(["region", SECTOR, YEAR])["value"].agg(["sum", "size"]).reset_index()
    wanted = sums[SECTOR].map(per_sector) * sums["region"].map(kept_countries)
    whole = sums["size"] == wanted
    words = []
    if not bool(whole.all()):
        lost = sums[~whole]
        words.append(
            f"{len(lost)} region-sector-years without all their products and countries, {lost['sum'].sum():,.0f} "
            f"million US$ ({lost['sum'].sum() / sums['sum'].sum():.1%}): a product without a figure is not zero"
        )
    several = sorted(r for r, n in kept_countries.items() if n > 1)
    if several:
        words.append(f"trade within {', '.join(several)} cannot be taken out: the panel has no partners")
    if lacking := sorted(set(sector.values()) - set(sums[SECTOR])):
        words.append(f"sectors without products in the panel: {', '.join(lacking)}")
    made = sums[whole & (sums["sum"] > 0)].rename(columns={"region": COUNTRY, "sum": "value"})
    made = made.assign(outcome="exports", value=made["value"].round(6))
    return made[[COUNTRY, SECTOR, YEAR, "outcome", "value"]].reset_index(drop=True), words
