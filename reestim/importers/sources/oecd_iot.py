"""OECD national input-output tables: ``<country><year>ttl.csv`` or ``dom.csv``, million US$ at current basic prices.

Rows are products (``TTL_C26``; in the domestic tables ``DOM_C26`` and ``IMP_C26``), then taxes, ``VALU`` and
``OUTPUT``; columns are industries, final uses, ``EXPO`` and ``IMPO`` (imports, below zero). Industries are those of
ISIC revision 4, written ``C10T12`` (2023 and later) or by divisions, ``D10T12`` (2018 and 2021). One country is no
world: the tables give exports for the event study, and margins to which ``reestim data update`` brings a world table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.countries import alpha3_codes
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.isic import section_of_division, sector_of
from reestim.importers.mapping import read_mapping
from reestim.importers.margins import MEASURES
from reestim.importers.stream import DAMAGED, unreadable

EDITION = "OECD Input-Output Tables, 2018 and later: <country><year>ttl.csv or dom.csv"
_FILE = re.compile(r"([A-Z]{3})(\d{4})(ttl|dom)\.csv", re.I)
_DIVISIONS = re.compile(r"D?(\d\d)(?:T(\d\d))?")
_FINAL = ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT", "CONS_ABR", "DPABR", "CONS_NONRES", "EXPO", "IMPO", "TOTAL")
#: Rows may be from output by this part of it: rounding and discrepancies of the source.
GAP_TOLERANCE = 0.01
_ADVICE = "Give the files as the OECD publishes them, like JPN2018ttl.csv"


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``outcomes.csv`` (exports) and, of one year, ``sources/oecd_margins.csv`` for ``reestim data update``.

    Raises InputError listing everything wrong with the files.
    """
    del work
    problems, parts = Problems(), []
    for path in files:
        with problems.collect():
            parts.append(_accounts(path))
    if problems:
        raise InputError(problems, "the tables cannot be used")
    table: Any = pd.concat(parts, ignore_index=True)
    again = table[table.duplicated([COUNTRY, "industry", YEAR])].drop_duplicates([COUNTRY, YEAR])
    problems += [
        Problem("two files are of one country and year", "Give ttl or dom", value=f"{c} {y}")
        for c, y in again[[COUNTRY, YEAR]].to_numpy()
    ]
    years = sorted(int(year) for year in set(table[YEAR]))
    base = choices.year or years[-1]
    if base not in years:
        advice = f"Choose one of {', '.join(map(str, years))}"
        problems.append(Problem("the files do not have the year", advice, column="--year", value=base))
    if problems:
        raise InputError(problems, "the tables cannot be used")
    table[SECTOR] = table["industry"].map(_sectors(choices.sectors, list(dict.fromkeys(table["industry"]))))
    sums = table.groupby([COUNTRY, SECTOR, YEAR], as_index=False, sort=False)[list(MEASURES)].sum()
    exports = sums[sums["exports"] > 0].assign(outcome="exports").rename(columns={"exports": "value"})
    here = sums[sums[YEAR] == base]
    margins = here.melt([COUNTRY, SECTOR], list(MEASURES), "measure", "value").rename(columns={SECTOR: "sectors"})
    margins["source"] = f"OECD Input-Output Tables, {base}, million US$"
    left_out = [
        f"{int((sums['exports'] <= 0).sum())} sector-years without exports",
        "purchases of non-residents in the country (CONS_NONRES): they are no exports of an industry",
    ]
    if lacking := sorted(set(table[COUNTRY]) - set(here[COUNTRY])):
        left_out.append(f"margins of {', '.join(lacking)}: there is no file of {base}")
    rules = [
        "exports: column EXPO, re-exports in it where the source has them; imports: column IMPO with its sign turned, "
        "in domestic tables what users buy of IMP rows",
        f"margins are of {base}; give them to reestim data update with those of the other countries",
    ]
    tables = {"outcomes": exports[[COUNTRY, SECTOR, YEAR, "outcome", "value"]].reset_index(drop=True)}
    return Imported(tables, EDITION, rules, left_out, {"oecd_margins": margins.reset_index(drop=True)})


def _accounts(path: Path) -> pd.DataFrame:
    """country, industry, year and the measures of one file."""
    named = _FILE.fullmatch(path.name)
    if named is None or named[1].upper() not in alpha3_codes():
        problem = Problem("the name of the file says no country, year and kind", _ADVICE, file=path.name)
        raise InputError(problem, "the file cannot be used")
    try:
        cells: Any = pd.read_csv(path, index_col=0, encoding="utf-8-sig", dtype=str, keep_default_na=False)
    except DAMAGED as error:
        raise InputError(unreadable(error, path.name), "the file cannot be read") from None
    cells.index = cells.index.astype(str).str.strip()
    cells.columns = cells.columns.astype(str).str.strip()
    table = cells.apply(lambda column: pd.to_numeric(column.str.strip().replace("", "0"), errors="coerce"))
    own, foreign = ("TTL_", "") if named[3].lower() == "ttl" else ("DOM_", "IMP_")
    industries = [name for name in table.columns if name not in _FINAL]
    rows = [label.removeprefix(own) for label in table.index if label.startswith(own) and "_FNL" not in label]
    short = {row: row.removeprefix("D") for row in industries}
    paired = {row: next((i for i in industries if row in (i, short[i])), None) for row in rows}
    problems = [
        Problem("the row is missing", _ADVICE, file=path.name, value=name)
        for name in ("VALU", "OUTPUT")
        if name not in table.index
    ]
    if "EXPO" not in table or (not foreign and "IMPO" not in table):
        problems.append(Problem("there is no column EXPO or IMPO", _ADVICE, file=path.name, row=1))
    if not rows:
        problems.append(Problem(f"no row begins with {own}", _ADVICE, file=path.name))
    problems += [
        Problem("the row has no column of its name", _ADVICE, file=path.name, value=own + row)
        for row, to in paired.items()
        if to is None
    ]
    if bool(table.isna().to_numpy().any()):
        row, column = next((r, c) for c in table for r in table.index[table[c].isna()])
        value = f"{row}, {column}: {cells.loc[row, column]}"
        problems.append(Problem("the cell is not a number", _ADVICE, file=path.name, value=value))
    if problems:
        raise InputError(problems, "the file cannot be used")
    labels, names = [own + row for row in rows], [str(paired[row]) for row in rows]
    output = table.loc["OUTPUT", names].to_numpy(float)
    uses = [name for name in table.columns if name != "TOTAL"]
    sold = table.loc[labels, uses].sum(axis=1).to_numpy(float)
    off = abs(sold - output) - GAP_TOLERANCE * abs(output) - 1.0
    if (off > 0).any():
        worst = int(off.argmax())
        message = (
            f"{int((off > 0).sum())} rows do not add up to output, the worst by {sold[worst] - output[worst]:,.0f}"
        )
        raise InputError(Problem(message, _ADVICE, file=path.name, value=labels[worst]), "the file cannot be used")
    bought = table.loc[[foreign + row for row in rows], uses].sum(axis=1) if foreign else -table.loc[labels, "IMPO"]
    return pd.DataFrame(
        {
            COUNTRY: named[1].upper(),
            "industry": names,
            YEAR: int(named[2]),
            "output": output,
            "value_added": table.loc["VALU", names].to_numpy(float),
            "exports": table.loc[labels, "EXPO"].to_numpy(float),
            "imports": bought.to_numpy(float),
        }
    )


def _sectors(file: Path | None, industries: Sequence[str]) -> Mapping[str, str]:
    """Industry to sector: by a file, or by the code."""
    if file is not None:
        seen, problems = read_mapping(file, "industry", "sector", industries, shipped=True)
    else:
        sector_of_industry = {industry: sector_of(_isic(industry)) for industry in industries}
        advice = "Map the industries in a file for --sectors"
        problems = [
            Problem("the industry has no sector", advice, value=industry)
            for industry, to in sector_of_industry.items()
            if to is None
        ]
        seen = {industry: str(to) for industry, to in sector_of_industry.items()}
    if problems:
        raise InputError(problems, "the industries cannot be used")
    return seen


def _isic(industry: str) -> str:
    """``D10T12``, ``10T12`` as ``C10T12``; other labels as they are."""
    match = _DIVISIONS.fullmatch(industry)
    if match is None:
        return industry
    first, last = int(match[1]), int(match[2] or match[1])
    return f"{section_of_division(first)}{first:02d}T{section_of_division(last)}{last:02d}"
