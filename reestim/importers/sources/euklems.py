"""EU KLEMS & INTANProd (LLEE), release of 2023 or later: national and growth accounts to ``growth_accounts.csv``.

Three layouts of the release, told apart by their columns: tidy (``geo_code, nace_r2_code, year, var, value``), wide (a
column a variable), and workbooks of one country (a sheet a variable, a column a year). Values are million units of
national currency, volumes are indices; both drop out of cost shares and growth.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.dims import COUNTRY, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.countries import alpha3_of_alpha2
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.klems_sectors import nace_industries, sector_accounts
from reestim.importers.regions import sectors_of
from reestim.importers.sheets import sheets_of, table_below
from reestim.importers.stream import finite, header, listed, missing_columns, pieces
from reestim.importers.technology import NACE_INDUSTRIES

EDITION = "EU KLEMS & INTANProd, release of 2023 or later: national accounts and growth accounts (statistical module)"
#: Variables: nominal values of output, intermediates, labour, capital; their volumes.
_VALUES = {"output": "GO_CP", "intermediates": "II_CP", "labor": "LAB", "capital": "CAP"}
_VOLUMES = {"output": "GO_Q", "intermediates": "II_Q", "labor": "LAB_QI", "capital": "CAP_QI"}
#: Where a volume is missing: value over price index.
PRICES = {"output": "GO_PI", "intermediates": "II_PI"}
_KEY = ["geo_code", "nace_r2_code", YEAR]
_EUROSTAT = {"EL": "GRC", "UK": "GBR"}
#: What tells accounts on value added, and those of output, apart.
_OF_VALUE_ADDED, _OF_OUTPUT = {"VA_Q", "VAConTFP", "VATFP_I"}, {"GO_CP", "GO_Q", "II_CP", "II_Q"}
_WANTED = {*_VALUES.values(), *_VOLUMES.values(), *PRICES.values()}
#: The code of the whole economy.
_WHOLE = "TOT"
_NO_FIGURE = ("", "NA", "NaN", "..", ":")
#: Two files of a release may give the same variable: they agree but for rounding.
_SAME = 1e-4


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """Volumes and cost shares of output, labour, capital and intermediates by country, sector and year.

    Several industries of a sector are added up with Törnqvist weights. Raises InputError listing other editions,
    missing variables, repeated and contradicting figures, values of different units, a concordance that loses value.
    """
    del work
    problems, parts = Problems(), []
    for path in files:
        with problems.collect():
            parts.append(_workbook(path) if path.suffix.lower() in (".xlsx", ".xls") else _text(path))
    concordance = problems.attempt(lambda: nace_industries(choices.concordance or NACE_INDUSTRIES))
    if problems or concordance is None:
        raise InputError(problems, "the accounts cannot be used")
    wide, problems = _joined(pd.concat(parts, ignore_index=True), files)
    if problems:
        raise InputError(problems, "the accounts cannot be used")
    accounts, left_out, rules = _accounts(wide)
    problems += _unit_problems(accounts, files, choices.confirm_units)
    if problems:
        raise InputError(problems, "the accounts cannot be used")
    sector = sectors_of(choices.sectors, sorted(set(concordance["industry"])))
    table, words = sector_accounts(accounts, concordance, sector)
    if table.empty:
        raise InputError(_lacking(accounts, files), "there are no growth accounts in the files")
    rules += [
        "cost is labour, capital and intermediates at current prices; shares are fractions of it",
        "industries of a sector are added up with Törnqvist weights; accounts of several sectors are taken for each",
    ]
    return Imported({"growth_accounts": table}, EDITION, rules, [*left_out, *words])


def _lacking(accounts: Any, files: Sequence[Path]) -> list[Problem]:
    """Which variables keep industries from having an account: those without two years of figures in most of them, with
    the industries that have them."""
    industries = accounts.groupby([COUNTRY, "nace"])
    problems = []
    for what, of_value in _VALUES.items():
        for kind, code in (("value", of_value), ("volume", _VOLUMES[what])):
            counts = industries[f"{what}_{kind}"].count()
            there = counts.index[counts >= 2]
            if len(there) < len(industries) / 2:
                whole = len(there) > 0 and {nace for _, nace in there} == {_WHOLE}
                where = "of the whole economy alone" if whole else f"in {len(there)} of {len(industries)} industries"
                message = f"two years of {code} are given {where}: no account by industry can be made"
                advice = "Bring another release, or a country that publishes them: an account needs all eight figures"
                names = ", ".join(path.name for path in files)
                listed_codes = ", ".join(f"{country} {nace}" for country, nace in there) or None
                problems.append(Problem(message, advice, file=names, column=code, value=listed_codes))
    return problems or [Problem("no industry has all figures in the same years", "Bring another release")]


def _text(path: Path) -> Any:
    """A CSV file, tidy or wide, as geo_code, nace_r2_code, year, var, value."""
    there = header(path, path.name)
    if missing := [name for name in _KEY if name not in there]:
        raise InputError(_other_layout(missing, there, path), "the file cannot be used")
    tidy = {"var", "value"} <= set(there)
    wanted = ["var", "value"] if tidy else [name for name in there if name in _WANTED]
    parts = []
    for piece in pieces(path, path.name, [*_KEY, *wanted]):
        rows = piece if tidy else piece.melt(_KEY, wanted, "var", "value", ignore_index=False)
        parts.append(_figures(rows[rows["var"].isin(list(_WANTED))], path))
    return pd.concat(parts, ignore_index=True)


def _other_layout(missing: Sequence[str], there: Sequence[str], path: Path) -> list[Problem]:
    """What a file is that lacks the columns of the release; of accounts on value added, what to do with them."""
    problems = [Problem("this is not a file of the release that is read", f"Expected: {EDITION}", file=path.name)]
    if _OF_VALUE_ADDED & set(there) and not _OF_OUTPUT & set(there):
        problems.append(
            Problem(
                "these are growth accounts on value added: output and intermediates are not in the file",
                "Give the national accounts of the release beside the growth accounts, as they are published. An index "
                "of TFP on value added goes into outcomes.csv as it is (country, sector, year, outcome tfp, value), "
                "never beside TFP on output",
                file=path.name,
                column=", ".join(name for name in there if name in _OF_VALUE_ADDED),
            )
        )
    return [*problems, *missing_columns(missing, there, path.name)]


def _workbook(path: Path) -> Any:
    """A workbook of one country: the sheets of the variables that are wanted."""
    sheets, problems = sheets_of(path)
    if problems:
        raise InputError(problems, "the file cannot be used")
    parts = []
    for name in [name for name in sheets if name in _WANTED]:
        table = table_below(sheets[name], _KEY[:2])
        if table is None:
            advice = f"Expected: {EDITION}"
            problems.append(
                Problem("the sheet has no columns geo_code and nace_r2_code", advice, file=path.name, value=name)
            )
            continue
        years = [column for column in table.columns if re.fullmatch(r"(?:19|20)\d\d", column)]
        rows = table.melt(_KEY[:2], years, YEAR, "value", ignore_index=False).assign(var=name)
        parts.append(_figures(rows, path))
    if not parts and not problems:
        problems.append(Problem("no sheet is a variable that is read", f"Expected: {EDITION}", file=path.name))
    if problems:
        raise InputError(problems, "the file cannot be used")
    return pd.concat(parts, ignore_index=True)


def _figures(rows: Any, path: Path) -> Any:
    there = rows[~rows["value"].isin(_NO_FIGURE)]
    year = there[YEAR]
    problems = listed(~year.str.fullmatch(r"(?:19|20)\d\d"), year, "not a year", f"Expected: {EDITION}", path.name)
    value = finite(there["value"])
    problems += listed(value.isna(), there["value"], "not a number", "Download the file again", path.name)
    if problems:
        raise InputError(problems, "the file cannot be used")
    return there.assign(**{YEAR: year.astype(int), "value": value, "file": path.name})


def _joined(rows: Any, files: Sequence[Path]) -> tuple[Any, list[Problem]]:
    """One column a variable. A figure that two files give must be the same in both, and stand in a file once."""
    problems = []
    key = [*_KEY, "var"]
    again = rows[rows.duplicated([*key, "file"])]
    for cells in again.drop_duplicates(["var", "file"]).to_dict("records"):
        value = ", ".join(str(cells[name]) for name in key)
        n = int((again["file"] == cells["file"]).sum())
        advice = "Keep one file of each country"
        problems.append(
            Problem(f"{n} figures are repeated", advice, file=cells["file"], column=cells["var"], value=value)
        )
    spread = rows.groupby(key)["value"].agg(["min", "max"])
    unequal = spread[(spread["max"] - spread["min"]) > _SAME * spread.abs().max(axis=1)]
    if len(unequal) and not problems:
        value = ", ".join(map(str, unequal.index[0]))
        advice = "Use files of one release"
        problems.append(
            Problem(f"{len(unequal)} figures differ between the files", advice, file=files[-1].name, value=value)
        )
    wide = rows.groupby(key)["value"].first().unstack("var")  # noqa: PD010 (a pivot would drop what is blank)
    for what, name in _VALUES.items():
        price = PRICES.get(what)
        if name not in wide:
            advice = (
                f"It is in the {'growth' if what in ('labor', 'capital') else 'national'} accounts: give that file too"
            )
            problems.append(Problem("the variable is missing", advice, column=name))
        if _VOLUMES[what] not in wide and (price is None or price not in wide):
            advice = f"It is in the {'growth' if price is None else 'national'} accounts: give that file too"
            problems.append(Problem("the variable is missing", advice, column=_VOLUMES[what]))
    return wide, problems


def _accounts(wide: Any) -> tuple[Any, list[str], list[str]]:
    """country, nace, year, values and volumes; rows of groups of countries, and with blanks, are left out in words."""
    table: Any = pd.DataFrame(index=wide.index)
    rules: list[str] = []
    for what, value in _VALUES.items():
        table[f"{what}_value"] = wide[value]
        volume = wide[_VOLUMES[what]] if _VOLUMES[what] in wide else pd.Series(np.nan, index=wide.index)
        if (price := PRICES.get(what)) in wide:
            lacking = volume.isna() & wide[price].gt(0) & wide[value].notna()
            series = lacking.groupby(_KEY[:2]).transform("all") | volume.isna().groupby(_KEY[:2]).transform("all")
            volume = volume.where(~series, wide[value] / wide[price])  # a series has one kind of volume
            if n := int((series & lacking).groupby(_KEY[:2]).any().sum()):
                rules.append(f"{_VOLUMES[what]} is missing for {n} series: {value} / {price} is taken")
        table[f"{what}_volume"] = volume
    table = table.reset_index()
    codes: Any = {**alpha3_of_alpha2(), **_EUROSTAT}
    table[COUNTRY] = table["geo_code"].map(codes)
    left_out = []
    if groups := sorted(set(table.loc[table[COUNTRY].isna(), "geo_code"])):
        left_out.append(f"groups of countries: {', '.join(groups)}")
    table = table[table[COUNTRY].notna()].rename(columns={"nace_r2_code": "nace"}).drop(columns="geo_code")
    return table, left_out, rules


def _unit_problems(accounts: Any, files: Sequence[Path], confirmed: bool) -> list[Problem]:
    """Labour and capital are what output leaves above intermediates: else two files have two units."""
    added = accounts["output_value"] - accounts["intermediates_value"]
    paid = accounts["labor_value"] + accounts["capital_value"]
    ratio = (paid / added)[(added > 0) & (paid > 0)]
    if confirmed or ratio.empty or 0.5 <= (middle := float(ratio.median())) <= 2:
        return []
    message = f"labour and capital are {middle:,.4g} times output less intermediates, and should be about 1"
    advice = "Are some values thousands and others millions? If the files are right, say --confirm-units"
    return [Problem(message, advice, file=files[-1].name, column="LAB")]
