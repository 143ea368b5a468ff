"""BACI (CEPII): bilateral trade by HS6 code, one file a year (t, i, j, k, v, q), with its file of country codes.

``v`` is thousand US$, ``q`` tonnes, ``k`` an HS6 code that may have lost its leading zero, ``i`` the exporter, ``j``
the importer. Files may come as they lie in the archive of the CEPII, or in the archive itself.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

import numpy as np
import pandas as pd

from reestim.dims import EXPORTER, IMPORTER, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.countries import CUSTOMS_ALPHA3
from reestim.importers.hs import RARE_EARTHS, HsTrade, hs_industries, trade_tables
from reestim.importers.imported import Imported, ImportOptions, file_date
from reestim.importers.stream import DAMAGED, header, listed, missing_columns, numbers, pieces, unreadable

EDITION = (
    "BACI since 2020: BACI_HS<revision>_Y<year>_V<version>.csv (t, i, j, k, v, q) with country_codes_V<version>.csv"
)
COLUMNS = ("t", "i", "j", "k", "v", "q")
_CODES = ("country_code", "country_iso3")
#: Median of US$/kg over all flows of a year: about 10.
USUAL_MEDIAN = (0.1, 1000.0)
_TRADE = re.compile(r"BACI_(HS\d\d)_Y(\d{4})_V(\w+)\.csv")
_COUNTRIES = re.compile(r"country_codes_V(\w+)\.csv")
_OLD = re.compile(r"baci(\d\d)_\d{4}\.csv|country_code_baci\d\d\.csv", re.I)
_NO_MASS = ("", "NA")


@dataclass(frozen=True)
class ArchiveMember:
    """A file of the edition: by itself, or a member of an archive."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return PurePath(self.member).name if self.member else self.path.name

    @contextmanager
    def open(self) -> Generator[IO[bytes]]:
        """The content. Raises InputError where it cannot be read."""
        with ExitStack() as stack:
            try:
                if self.member is None:
                    file: IO[bytes] = stack.enter_context(self.path.open("rb"))
                else:
                    archive = stack.enter_context(zipfile.ZipFile(self.path))
                    file = stack.enter_context(archive.open(self.member))
            except DAMAGED as error:
                raise InputError(unreadable(error, self.name), "the file cannot be read") from None
            yield file


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """Exports by country and industry, trade in rare earths, and of one year all trade (``hs.trade_tables``).

    Raises InputError listing other editions, mixed revisions or versions, missing columns and countries, repeated
    flows, figures that are none, magnitudes that are not plausible, missing years, and codes that would be lost.
    """
    del work
    parts, own_problems = _parts(files)
    problems = Problems(own_problems)
    named = [(part, m) for part in parts if (m := _TRADE.fullmatch(part.name))]
    problems += _edition_problems(parts, named)
    concordance = problems.attempt(lambda: hs_industries(choices.concordance))
    codes: dict[str, str] = {}
    for part in [part for part in parts if _COUNTRIES.fullmatch(part.name)][:1]:
        codes, own_problems = _country_codes(part)
        problems += own_problems
    if problems or concordance is None:
        raise InputError(problems, "the files of BACI cannot be used")
    trade = HsTrade(concordance, choices.hs or RARE_EARTHS)
    for part, match in named:
        problems += _add(trade, part, int(match.group(2)), codes, choices.confirm_units)
    problems += trade.problems((choices.concordance or Path("hs_industries.csv")).name)
    if problems:
        raise InputError(problems, "the files of BACI cannot be used")
    revision, version = named[0][1].group(1), named[0][1].group(3)
    source_text = f"CEPII BACI, {revision}, version {version}, file of {file_date(files[0])}"
    edition = f"BACI {revision}, version {version}"
    imported, problems = trade_tables(trade, choices, source_text, edition, named[0][0].name, "baci")
    if problems:
        raise InputError(problems, "the files of BACI cannot be used")
    rules = ["v: thousand US$ / 1e3; q: tonnes; Other Asia, not elsewhere specified (S19), is Taiwan", *imported.rules]
    return Imported(imported.tables, edition, rules, imported.left_out, imported.extra)


def _parts(files: Sequence[Path]) -> tuple[list[ArchiveMember], list[Problem]]:
    parts, problems = [], []
    for path in files:
        if path.suffix.lower() != ".zip":
            parts.append(ArchiveMember(path))
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if n.endswith(".csv") and "product_codes" not in n]
        except DAMAGED:
            problems.append(Problem("the archive cannot be read", "Download it again", file=path.name))
            continue
        parts += [ArchiveMember(path, name) for name in names]
    return parts, problems


def _edition_problems(parts: Sequence[ArchiveMember], named: Sequence[tuple[ArchiveMember, Any]]) -> list[Problem]:
    problems = []
    for part in parts:
        if _OLD.fullmatch(part.name):
            message = "this is BACI as it was before 2020"
            problems.append(Problem(message, f"Expected: {EDITION}", file=part.name))
        elif not _TRADE.fullmatch(part.name) and not _COUNTRIES.fullmatch(part.name):
            advice = f"Expected: {EDITION}. Keep the names: they say the revision of the HS and the version"
            problems.append(Problem("this is not a file of BACI", advice, file=part.name))
        elif _TRADE.fullmatch(part.name):
            problems += _column_problems(part)
    for group, what in ((1, "revisions of the HS"), (3, "versions")):
        kinds = sorted({match.group(group) for _, match in named})
        if len(kinds) > 1:
            advice = "Use the files of one archive"
            problems.append(Problem(f"{what} are mixed", advice, file=named[-1][0].name, value=", ".join(kinds)))
    years = [match.group(2) for _, match in named]
    for year in sorted({year for year in years if years.count(year) > 1}):
        problems.append(Problem("a year is there twice", "Give it once", file=named[0][0].name, value=year))
    if not named:
        problems.append(Problem("there is no trade in the files", f"Expected: {EDITION}"))
    tables = [m for part in parts if (m := _COUNTRIES.fullmatch(part.name))]
    if len(tables) != 1:
        message = "the file of country codes is missing" if not tables else "there are two files of country codes"
        problems.append(Problem(message, "Give country_codes_V<version>.csv of the same archive"))
    elif named and tables[0].group(1) != named[0][1].group(3):
        advice = "Use the file of the same archive: codes change between versions"
        value = f"V{tables[0].group(1)}, V{named[0][1].group(3)}"
        problems.append(Problem("the country codes are of another version", advice, file=tables[0].string, value=value))
    return problems


def _column_problems(part: ArchiveMember) -> list[Problem]:
    try:
        with part.open() as file:
            there = header(file, part.name)
    except InputError as error:
        return list(error.problems)
    if "hs6" in there:
        return [Problem("this is BACI as it was before 2020", f"Expected: {EDITION}", file=part.name)]
    return missing_columns([name for name in COLUMNS if name not in there], there, part.name)


def _country_codes(part: ArchiveMember) -> tuple[dict[str, str], list[Problem]]:
    codes: dict[str, str] = {}
    problems = Problems()
    with problems.collect(), part.open() as file:
        for piece in pieces(file, part.name, _CODES):
            for row, code, iso3 in piece.astype(object).itertuples():
                if str(code).lstrip("0") in codes:
                    place: Any = {"file": part.name, "row": int(row), "value": code}
                    problems.append(Problem("the code is repeated", "Download the file again", **place))
                codes[str(code).lstrip("0")] = CUSTOMS_ALPHA3.get(str(iso3), str(iso3))
    return codes, problems


def _add(trade: HsTrade, part: ArchiveMember, year: int, codes: dict[str, str], confirmed: bool) -> list[Problem]:
    """Add up one file, piece by piece; flows are remembered as one number each, to find those that are repeated."""
    problems: list[Problem] = []
    keys, prices = [], []
    try:
        with part.open() as file:
            for piece in pieces(file, part.name, COLUMNS):
                own_problems = _cell_problems(piece, part.name, year, codes)
                value, wrong = numbers(piece["v"], part.name)
                tonnes, odd = numbers(piece["q"], part.name, may_be_empty=True, blank=_NO_MASS)
                own_problems += wrong + odd
                problems += own_problems
                if own_problems:
                    continue
                flows = pd.DataFrame(
                    {
                        YEAR: year,
                        IMPORTER: piece["j"].str.lstrip("0").map(codes),
                        EXPORTER: piece["i"].str.lstrip("0").map(codes),
                        "hs": piece["k"].str.zfill(6),
                        "value": value / 1e3,
                        "tonnes": tonnes,
                    }
                )
                keys.append(_key(piece))
                prices.append((value / tonnes.where(tonnes > 0)).dropna().to_numpy())
                trade.add(flows)
    except InputError as error:
        return [*problems, *error.problems]
    key = np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
    repeated = len(key) - len(np.unique(key))
    if repeated:
        advice = "Download the file again: every exporter, importer and product stands there once"
        problems.append(Problem(f"{repeated} flows are repeated", advice, file=part.name))
    if not len(key) and not problems:
        problems.append(Problem("the file is empty", "Download it again", file=part.name))
    price = np.concatenate(prices) if prices else np.zeros(0)
    if len(price) and not confirmed and not USUAL_MEDIAN[0] <= (middle := float(np.median(price))) <= USUAL_MEDIAN[1]:
        message = f"half of the flows cost less than {middle:,.4g} US$/kg, which is outside 0.1 to 1,000"
        advice = "Is v in thousand US$ and q in tonnes? If the file is right, say --confirm-units"
        problems.append(Problem(message, advice, file=part.name))
    return problems


def _cell_problems(piece: Any, name: str, year: int, codes: dict[str, str]) -> list[Problem]:
    again = "Download the file again"
    problems = listed(piece["t"] != str(year), piece["t"], f"the year is not {year}, that of the name", again, name)
    code = piece["k"]
    problems += listed(~code.str.fullmatch(r"\d{5,6}"), code, "not an HS code of 6 digits", again, name)
    for side in ("i", "j"):
        cells = piece[side]
        advice = "Give the file of country codes of the same archive"
        problems += listed(~cells.str.lstrip("0").isin(list(codes)), cells, "unknown country code", advice, name)
    return problems


def _key(piece: Any) -> np.ndarray:
    numbers_of = [piece[name].astype("int64").to_numpy() for name in ("i", "j", "k")]
    return (numbers_of[0] * 1000 + numbers_of[1]) * 1_000_000 + numbers_of[2]
