"""WIOD's Socio-Economic Accounts, release of 2016 (as of July 2018): ``Socio_Economic_Accounts.xlsx``, sheet ``DATA``.

43 countries, 56 industries, 2000 to 2014; a row a country, variable and industry, a column a year. Copies as text have
a column a variable instead (country, industry, year, GO, ...), for any of the countries. Values are million units of
national currency, EMP thousands of persons engaged, GO_QI and II_QI volumes with 2010 = 100. K is the capital stock at
current prices: the accounts have no volume of capital.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.dims import COUNTRY, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.isic import sector_of
from reestim.importers.klems_sectors import nace_industries, sector_accounts
from reestim.importers.regions import sectors_of
from reestim.importers.sheets import sheets_of, table_below
from reestim.importers.stream import finite, header, listed, missing_columns, pieces

EDITION = "WIOD Socio-Economic Accounts, release of 2016: sheet DATA, a column a year; as CSV, a column a variable"
_SHEET = "DATA"
_KEYS = ("country", "variable", "description", "code")
_TEXT_KEYS = ("country", "industry", "year")
_NO_FIGURE = ("", "NA", "n.a.", "..", ":")
#: Figures of an account: output, intermediates, labour, capital, and volumes of the first three; capital of K.
_VALUES = {"output": "GO", "intermediates": "II", "labor": "LAB", "capital": "CAP"}
_VOLUMES = {"output": "GO_QI", "intermediates": "II_QI", "labor": "EMP"}
STOCK, ADDED, ADDED_VOLUME = "K", "VA", "VA_QI"
_WANTED = (*_VALUES.values(), *_VOLUMES.values(), STOCK, ADDED, ADDED_VOLUME)


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``growth_accounts.csv``: volumes and cost shares of output, labour, capital and intermediates.

    Raises InputError listing everything wrong with the files; what they lack is left out in words, with its amount.
    """
    del work
    if len(files) != 1:
        problem = Problem("the accounts are one file", "Give Socio_Economic_Accounts.xlsx alone", column="FILE")
        raise InputError(problem, "the accounts cannot be used")
    wide = figures(files[0], _WANTED)
    accounts, words = _accounts(wide)
    codes = sorted(set(accounts["nace"]))
    if choices.concordance is not None:
        concordance = nace_industries(choices.concordance)
        sectors = sectors_of(choices.sectors, sorted(set(concordance["industry"])))
    else:
        concordance = pd.DataFrame({"nace": codes, "industry": codes, "weight": 1.0, "unless": ""})
        sectors = _by_code(codes, files[0].name) if choices.sectors is None else sectors_of(choices.sectors, codes)
    table, left_out = sector_accounts(accounts, concordance, sectors)
    if table.empty:
        problem = Problem("no sector has all figures in two years", f"Expected: {EDITION}", file=files[0].name)
        raise InputError([problem, *(Problem(w, "See above", file=files[0].name) for w in [*words, *left_out])])
    rules = [
        "cost is labour, capital and intermediates at current prices; shares are fractions of it",
        "labour: persons engaged (EMP); hours are those of employees only",
        "volume of capital: K at current prices over the price of value added of the whole country (imputed: the "
        "accounts have no price of capital)",
        "industries of a sector are added up with Törnqvist weights",
    ]
    return Imported({"growth_accounts": table}, EDITION, rules, [*words, *left_out])


def labor(path: Path, year: int) -> tuple[pd.DataFrame, list[str]]:
    """Country, industry, labor (LAB) and added (VA) of a year, million units of national currency, and in words which
    countries lack them. Raises InputError for another file or a year that is not in it."""
    wide = figures(path, ("LAB", ADDED))
    years = sorted(set(wide.index.get_level_values(YEAR)))
    if year not in years:
        advice = f"The accounts have {years[0]} to {years[-1]}" if years else f"Expected: {EDITION}"
        raise InputError(Problem("the accounts do not have the year", advice, file=path.name, value=year))
    here: Any = wide.xs(year, level=YEAR).reset_index()
    there = here[(here[ADDED] > 0) & (here["LAB"] > 0)]
    lacking = sorted(set(here["country"]) - set(there["country"]))
    words = [f"{', '.join(lacking)}: the accounts have no LAB or VA of {year}"] if lacking else []
    table = there.rename(columns={"code": "industry", "LAB": "labor", ADDED: "added"})
    return table[["country", "industry", "labor", "added"]].reset_index(drop=True), words


def figures(path: Path, wanted: Sequence[str]) -> Any:
    """The variables as columns over country, code and year; NaN where the file has no figure.

    Raises InputError listing other layouts, missing variables, repeated rows and cells that are not numbers.
    """
    return _of_workbook(path, wanted) if path.suffix.lower() in (".xlsx", ".xls") else _of_text(path, wanted)


def _of_text(path: Path, wanted: Sequence[str]) -> Any:
    """The same of a CSV file with a column a variable."""
    there = header(path, path.name)
    if missing := [name for name in (*_TEXT_KEYS, *wanted) if name not in there]:
        older = {"K_GFCF", "GO_P"} & set(there)
        advice = f"Expected: {EDITION}"
        if older:
            advice += ". This is the release of 2013: its volumes end in 2009, before the policy; bring that of 2016"
        problems = [Problem("these are not the accounts that are read", advice, file=path.name)]
        raise InputError([*problems, *missing_columns(missing, there, path.name)], "the accounts cannot be used")
    table: Any = pd.concat(list(pieces(path, path.name, [*_TEXT_KEYS, *wanted])))
    keys = table[list(_TEXT_KEYS)].agg(", ".join, axis=1)
    year = table[YEAR].str.fullmatch(r"20\d\d")
    problems = listed(~year, table[YEAR], "not a year", f"Expected: {EDITION}", path.name)
    problems += listed(keys.duplicated(), keys.rename("country"), "the row is repeated", "Keep one", path.name)
    for name in wanted:
        problems += _no_numbers(table[name], path)
    if problems:
        raise InputError(problems, "the accounts cannot be used")
    tidy = table.assign(**{YEAR: table[YEAR].astype(int)}, **{name: finite(table[name]) for name in wanted})
    return tidy.rename(columns={"industry": "code"}).set_index(["country", "code", YEAR])[list(wanted)].sort_index()


def _of_workbook(path: Path, wanted: Sequence[str]) -> Any:
    """The same of the workbook as it is published."""
    sheets, problems = sheets_of(path)
    if not problems and _SHEET not in sheets:
        value = ", ".join(sheets)
        problems = [Problem(f"there is no sheet {_SHEET}", f"Expected: {EDITION}", file=path.name, value=value)]
    if problems:
        raise InputError(problems, "the accounts cannot be used")
    table = table_below(sheets[_SHEET], _KEYS)
    if table is None:
        advice = f"Expected: {EDITION}; the release of 2013 has other industries and is not read"
        message = f"the sheet {_SHEET} has no columns {', '.join(_KEYS)}"
        raise InputError(Problem(message, advice, file=path.name), "the accounts cannot be used")
    years = [column for column in table.columns if re.fullmatch(r"20\d\d", column)]
    table = table[table["variable"].isin(list(wanted))]
    for name in [name for name in wanted if name not in set(table["variable"])]:
        problems.append(Problem("the variable is missing", f"Expected: {EDITION}", file=path.name, column=name))
    if not years:
        problems.append(Problem("there are no columns of years", f"Expected: {EDITION}", file=path.name))
    again = table.duplicated(["country", "variable", "code"])
    for row, cells in table[again].head(5).iterrows():
        value = f"{cells['country']}, {cells['variable']}, {cells['code']}"
        problems.append(Problem("the row is repeated", "Keep one", file=path.name, row=int(row), value=value))
    for year in years:
        problems += _no_numbers(table[year], path)
    if problems:
        raise InputError(problems, "the accounts cannot be used")
    tidy = table.melt(["country", "variable", "code"], years, YEAR, "value")
    tidy["value"], tidy[YEAR] = finite(tidy["value"]), tidy[YEAR].astype(int)
    return tidy.set_index(["country", "code", YEAR, "variable"])["value"].unstack("variable")  # noqa: PD010


def _no_numbers(column: Any, path: Path) -> list[Problem]:
    """Cells that are neither a number nor left blank."""
    blank = column.isin(list(_NO_FIGURE))
    bad = finite(column.mask(blank)).isna() & ~blank
    return listed(bad, column, "not a number", "Download the file again", path.name)


def _accounts(wide: Any) -> tuple[Any, list[str]]:
    """country, nace, year, values and volumes, and which countries lack a variable, with their output: a variable that
    is blank or zero in all industries of a country is not there."""
    words = []
    last = max(wide.index.get_level_values(YEAR))
    blank = wide.isna() | (wide == 0)
    for name in (*_VALUES.values(), *_VOLUMES.values(), STOCK):
        gone = blank[name].groupby("country").all() & ~blank["GO"].groupby("country").all()
        for country in gone.index[gone]:
            output = float(wide["GO"].xs((country, last), level=("country", YEAR)).sum())
            words.append(f"{country} has no {name}: output of {last} of {output:,.0f} million in its currency")
        wide.loc[wide.index.get_level_values("country").isin(list(gone.index[gone])), name] = np.nan
    countries = blank.index.get_level_values("country").nunique()
    words.append(f"ROW: the accounts have {countries} countries and no rest of the world")
    table: Any = pd.DataFrame(index=wide.index)
    for what, name in _VALUES.items():
        table[f"{what}_value"] = wide[name]
    for what, name in _VOLUMES.items():
        table[f"{what}_volume"] = wide[name]
    table["capital_volume"] = wide[STOCK] / _price_of_value_added(wide)
    return table.reset_index().rename(columns={"country": COUNTRY, "code": "nace"}), words


def _price_of_value_added(wide: Any) -> Any:
    """Of the whole country by year: value added over its volume at prices of 2010 (VA of 2010 times VA_QI / 100)."""
    there = wide[ADDED].notna() & wide[ADDED_VOLUME].notna()
    base = wide[ADDED].where(wide.index.get_level_values(YEAR) == 2010).groupby(["country", "code"]).transform("first")
    volume = (base * wide[ADDED_VOLUME] / 100).where(there)
    key = ["country", YEAR]
    value = wide[ADDED].where(there & base.notna())
    return value.groupby(key).transform("sum") / volume.groupby(key).transform("sum")


def _by_code(codes: Sequence[str], file: str) -> Mapping[str, str]:
    """Sectors of the bundled datasets by ISIC code. Raises InputError for codes that name none."""
    sector_of_code = {code: sector_of(code) for code in codes}
    problems = [
        Problem("the industry has no sector", "Map it in a file for --sectors", file=file, column="code", value=code)
        for code, sector in sector_of_code.items()
        if sector is None and code != "TOT"
    ]
    if problems:
        raise InputError(problems, "the accounts cannot be used")
    return {code: sector for code, sector in sector_of_code.items() if sector is not None}
