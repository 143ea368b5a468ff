"""The fact files of the bundled dataset, made from the typed figures in its ``sources/`` folder by stated rules.

Every row says in ``source`` how it came about: ``read: ...`` (seen in the named source), ``recalled: ...`` (from memory
of it) or ``imputed: <rule>``; ``verified`` is true only for what was read. Units: US$/kg, tonnes of oxide, million US$.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

BASE_YEAR = 2008
_PRICE_YEARS = range(1999, 2015)
OUTPUT_YEARS = range(2005, 2016)
USE_PANEL_YEARS = range(2005, 2017)
ELEMENTS = ("La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Y")

YUAN_PER_DOLLAR = {2011: 6.39, 2012: 6.31}  # 16 September 2011, 9 March 2012
VAT_REFUND = 0.16  # withdrawn in 2007
VAT = 0.17  # in a quotation inside China whose unit says so; buyers deduct it
DIDYMIUM, DIDYMIUM_ELEMENTS = "PrNd", ("Pr", "Nd")  # sold and quoted together
SISTER = {"Pr": "Nd", "Sm": "La"}  # mined and sold together
LIKE_DYSPROSIUM = ("Gd", "Y")  # elements with no export quotation of their own

Quote = tuple[float, str]  # price in US$/kg and the text of ``source``


def element_prices(sources: Path, export_tax: dict[str, float]) -> pd.DataFrame:
    """``element_prices.csv``: both markets, 1999-2014. ``export_tax``: China's, by element, of the base year."""
    export = _export_prices(sources)
    domestic = _domestic_prices(sources, export, export_tax)
    rows = [
        (element, year, market, _significant(price), source, source.startswith("read:"))
        for market, quotes in (("export", export), ("domestic_CHN", domestic))
        for element in ELEMENTS
        for year in _PRICE_YEARS
        for price, source in [quotes[element, year]]
    ]
    return pd.DataFrame(rows, columns=["element", "year", "market", "price", "source", "verified"])


def _quotes(sources: Path, series: str) -> dict[tuple[str, int], Any]:
    table = pd.read_csv(sources / "prices.csv")
    return {(str(row.element), int(row.year)): row for row in _rows(table) if row.series == series}


def _rows(table: pd.DataFrame) -> Iterable[Any]:
    return table.itertuples(index=False)


def _export_prices(sources: Path) -> dict[tuple[str, int], Quote]:
    quotes: dict[tuple[str, int], Quote] = {}
    for series in ("fob_annual", "usgs_annual"):
        for key, row in _quotes(sources, series).items():
            quotes[key] = (float(row.low), f"{row.status}: {row.source}")
    year_end = _quotes(sources, "year_end")
    for element in {element for element, _ in year_end}:
        for year in (2012, 2013):
            before, after = float(year_end[element, year - 1].low), float(year_end[element, year].low)
            rule = f"imputed: mean of the year-end prices of {year - 1} and {year} (USGS MCS 2016, read)"
            quotes[element, year] = ((before + after) / 2, rule)
    for element, sister in SISTER.items():
        ratio = quotes[element, 2011][0] / quotes[sister, 2011][0]
        for year in (2012, 2013, 2014):
            rule = f"imputed: price of {sister} times the ratio {element}/{sister} of 2011"
            quotes[element, year] = (quotes[sister, year][0] * ratio, rule)
    day = _quotes(sources, "domestic_day")
    for element in LIKE_DYSPROSIUM:
        ratio = _middle(day[element, 2012]) / _middle(day["Dy", 2012])
        for year in range(2007, 2015):
            rule = f"imputed: price of Dy times the ratio {element}/Dy inside China on 9 March 2012"
            quotes[element, year] = (quotes["Dy", year][0] * ratio, rule)
    unit_value = _unit_values(sources)
    rule = "imputed: price of 2007 times the change of the unit value of US imports of HTS 2846 from China (USITC)"
    for element in ELEMENTS:
        for year in range(_PRICE_YEARS[0], 2007):
            price = quotes[element, 2007][0] * unit_value[year] / unit_value[2007]
            quotes[element, year] = (price, rule)
    return quotes


def _domestic_prices(
    sources: Path, export: dict[tuple[str, int], Quote], export_tax: dict[str, float]
) -> dict[tuple[str, int], Quote]:
    """Inside China. The wedge of a year is export price over domestic price."""
    quoted = _quotes(sources, "domestic_day")
    day = {key: _dollars(row) for key, row in quoted.items()}
    quotes: dict[tuple[str, int], Quote] = {}
    for element in ELEMENTS:
        for year in range(_PRICE_YEARS[0], 2007):
            quotes[element, year] = (export[element, year][0], "imputed: export price, there was no wedge before 2007")
        rule = "imputed: export price / 1.16, the refund of value added tax on exports was withdrawn in 2007"
        quotes[element, 2007] = (export[element, 2007][0] / (1 + VAT_REFUND), rule)
        for year in (2008, 2009):
            rule = "imputed: export price / (1 + export tax of policy.csv)"
            quotes[element, year] = (export[element, year][0] / (1 + export_tax[element]), rule)
        for year, date in ((2011, "16 September 2011"), (2012, "9 March 2012")):
            if (element, year) in day:
                rate = f"{YUAN_PER_DOLLAR[year]:.2f} yuan/US$"
                less = ", less VAT" if "VAT" in quoted[element, year].unit else ""
                rule = (
                    f"imputed: midpoint of the quotation of {date} (Reuters, read) at {rate}{less}, taken for the year"
                )
                quotes[element, year] = (day[element, year], rule)
    for element in ELEMENTS:
        for year, other in ((2011, 2012), (2012, 2011)):
            if (element, year) not in quotes:
                sister = SISTER.get(element, "Dy")
                ratio = quotes[element, other][0] / quotes[sister, other][0]
                rule = f"imputed: price of {sister} inside China times the ratio {element}/{sister} of {other}"
                quotes[element, year] = (quotes[sister, year][0] * ratio, rule)
        wedge = {year: export[element, year][0] / quotes[element, year][0] for year in (2009, 2011, 2012)}
        rule = "imputed: export price over the geometric mean of the wedges of 2009 and 2011"
        quotes[element, 2010] = (export[element, 2010][0] / (wedge[2009] * wedge[2011]) ** 0.5, rule)
        last = 2012
        for year in (2013, 2014):
            name = DIDYMIUM if element in DIDYMIUM_ELEMENTS and (DIDYMIUM, year) in day else element
            if (name, year) in day:
                rule = f"imputed: {quoted[name, year].source} (read), less VAT, taken for the year"
                rule += "" if name == element else f"; the price of {name} is taken for {element}"
                quotes[element, year] = (day[name, year], rule)
                wedge[year], last = export[element, year][0] / day[name, year], year
            else:
                rule = f"imputed: export price over the wedge of {last}"
                quotes[element, year] = (export[element, year][0] / wedge[last], rule)
    return quotes


def _dollars(row: Any) -> float:
    """US$/kg without VAT of a quotation."""
    rate = YUAN_PER_DOLLAR[int(row.year)] if row.unit.startswith("yuan") else 1.0
    return _middle(row) / rate / (1 + VAT if "VAT" in row.unit else 1.0)


def element_use(sources: Path) -> pd.DataFrame:
    """``element_use.csv``: tonnes of an application times the shares of its elements; unnamed elements are left out."""
    shares, uses = pd.read_csv(sources / "use_shares.csv"), pd.read_csv(sources / "uses.csv")
    total = {str(row.application): float(row.tonnes) for row in _rows(uses)}
    rows = [
        (row.application, row.element, _tonnes(total[row.application] * row.per_cent / 100), _told(row), False)
        for row in _rows(shares)
    ]
    return pd.DataFrame(rows, columns=["application", "element", "tonnes", "source", "verified"])


def _told(row: Any) -> str:
    return f"{row.status}: {row.source}: share {row.per_cent:g} %"


def element_output(sources: Path) -> pd.DataFrame:
    """``element_output.csv``: national totals of ``mine_output.csv`` split by the composition of world use in 2008."""
    return split_by_element(pd.read_csv(sources / "mine_output.csv"), element_use(sources), OUTPUT_YEARS)


def split_by_element(mines: pd.DataFrame, use: pd.DataFrame, years: Iterable[int]) -> pd.DataFrame:
    """National totals (country, producer, year, low, high, status: midpoint of a range) split by the composition of
    world use in 2008 (``element_use``)."""
    composition = {name: float(use.loc[use["element"] == name, "tonnes"].sum()) for name in ELEMENTS}
    whole = sum(composition.values())
    rows = []
    for country in dict.fromkeys(mines["country"]):
        for year in years:
            here = [row for row in _rows(mines) if row.country == country and row.year == year]
            total = round(10 * sum(_middle(row) for row in here))  # tenths of a tonne, so that the split adds up
            if total == 0:
                continue
            parts = {name: round(total * tonnes / whole) for name, tonnes in composition.items()}
            parts["Ce"] += total - sum(parts.values())
            source_text = "; ".join(_producer(row) for row in here)
            source = f"imputed: composition of world use in 2008 times national output: {source_text}"
            rows += [(country, name, year, part / 10, source, False) for name, part in parts.items()]
    return pd.DataFrame(rows, columns=["country", "element", "year", "tonnes", "source", "verified"])


def _producer(row: Any) -> str:
    figure = f"{row.low:,.0f} t" if row.low == row.high else f"{row.low:,.0f}-{row.high:,.0f} t, midpoint"
    return f"{row.producer} {figure} ({row.status})"


def ree_use_panel(sources: Path) -> pd.DataFrame:
    """``ree_use_panel.csv``: US imports of rare-earth compounds (HTS 2846) from China, customs value and mass."""
    imports = pd.read_csv(sources / "us_imports_2846_china.csv")
    rows = [
        ("USA", "all", row.year, row.kilograms / 1e3, row.customs_value_usd / 1e6, f"{row.status}: {row.source}", True)
        for row in _rows(imports)
        if row.year in USE_PANEL_YEARS
    ]
    return pd.DataFrame(rows, columns=["country", "sector", "year", "tonnes", "value", "source", "verified"])


def _unit_values(sources: Path) -> dict[int, float]:
    """US$/kg of US imports of HTS 2846 from China, by year."""
    imports = pd.read_csv(sources / "us_imports_2846_china.csv")
    return {int(row.year): float(row.customs_value_usd) / float(row.kilograms) for row in _rows(imports)}


def _middle(row: Any) -> float:
    return (float(row.low) + float(row.high)) / 2


def _significant(price: float) -> float:
    return float(f"{price:.6g}")


def _tonnes(value: float) -> float:
    return round(value, 3)
