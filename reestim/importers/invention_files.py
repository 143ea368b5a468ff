"""Inventions to ``patents.parquet`` and ``patent_shares.parquet``: one row an invention, and its parts by country and
sector.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.hs import longest_prefix
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.inventions import UNKNOWN, Applications, Invention
from reestim.importers.regions import regions_of, sectors_of
from reestim.importers.technology import cpc_industries, in_class, search_classes

PATENTS, SHARES = "patents.parquet", "patent_shares.parquet"
#: What importers of patents take, beside what is their own.
TAKES = ("years", "matching", "classes", "counting", "concordance", "sectors", "mapping")
COUNTINGS = ("fractional", "first")
_NAMES = ("patent_id", COUNTRY, SECTOR, YEAR, "title", "abstract", "language", "family")
_PATENTS = pa.schema([(name, pa.int64() if name == YEAR else pa.string()) for name in _NAMES])
_SHARES = pa.schema([*((name, pa.string()) for name in ("patent_id", COUNTRY, SECTOR)), ("share", pa.float64())])
_ROWS = 20_000


@dataclass
class Selection:
    """Which inventions are taken, and where they are counted: made from the options before a file is read.

    industries : prefix of a class -> sector.
    """

    years: tuple[int, int] | None
    pattern: re.Pattern[str] | None
    classes: tuple[str, ...]
    fractional: bool
    industries: Mapping[str, str]
    mapping: Path | None
    left_out: Counter[str] = field(default_factory=Counter)
    no_country: Counter[str] = field(default_factory=Counter)

    def takes(self, invention: Invention) -> bool:
        """By year, and by its words or its classes: one of them is enough."""
        if invention.year is None:
            self.left_out["without a year"] += 1
        elif self.years is not None and not self.years[0] <= invention.year <= self.years[1]:
            self.left_out["out of --years"] += 1
        elif not self._chosen(invention):
            self.left_out["not --matching and not of --classes" if self.classes else "not --matching"] += 1
        else:
            return True
        return False

    def _chosen(self, invention: Invention) -> bool:
        if self.pattern is None and not self.classes:
            return True
        text = invention.text
        if self.pattern is not None and self.pattern.search(f"{text.title}\n{text.abstract}"):
            return True
        return any(in_class(symbol, searched) for symbol in invention.all_symbols for searched in self.classes)


def selection_of(choices: ImportOptions, problems: Problems, *, classes_to_sectors: bool = True) -> Selection:
    """The choices as they are used; what is wrong with them is added to ``problems``."""
    pattern = None
    try:
        pattern = re.compile(choices.matching, re.I) if choices.matching else None
    except re.error as error:
        advice = "Write a regular expression, like 'rare.?earth|neodym'"
        problems.append(Problem(f"the pattern is none ({error})", advice, column="--matching", value=choices.matching))
    counting = choices.counting or COUNTINGS[0]
    if counting not in COUNTINGS:
        advice = f"Write one of {', '.join(COUNTINGS)}"
        problems.append(Problem("unknown way to count", advice, column="--counting", value=counting))
    classes = problems.attempt(lambda: search_classes(choices.classes)) or ()
    sectors: dict[str, str] = {}
    if classes_to_sectors:
        industries = problems.attempt(lambda: cpc_industries(choices.concordance)) or {}
        named = problems.attempt(lambda: sectors_of(choices.sectors, sorted(set(industries.values())))) or {}
        sectors = {cpc: named.get(industry, "") for cpc, industry in industries.items()}
    return Selection(choices.years, pattern, classes, counting == "fractional", sectors, choices.mapping)


def write_inventions(
    store: Applications, chosen: Selection, work: Path, edition: str, rules: Sequence[str], words: Sequence[str]
) -> Imported:
    """The two files (one where each invention is counted whole), with what was done and left out.

    rules, words : of the source. Raises InputError for classes that the concordance would lose, and where nothing is
    left.
    """
    prefix = _prefixes(store, chosen)
    region = regions_of(chosen.mapping, store.countries())
    counts: Counter[str] = Counter()
    files = {PATENTS: work / PATENTS} | ({SHARES: work / SHARES} if chosen.fractional else {})
    patents, parts = _Table(files[PATENTS], _PATENTS), _Table(files.get(SHARES), _SHARES)
    with patents, parts:
        for invention in store.inventions():
            counts["applications"] += len(invention.members)
            if not chosen.takes(invention):
                continue
            shares = _shares(invention, chosen, prefix, region)
            if not shares:
                continue
            text = invention.text
            country, sector = max(shares, key=lambda cell: shares[cell])  # the first of equal ones
            language = text.abstract_language if text.abstract else text.title_language
            family = invention.members[0].family.strip()
            row = (text.id, country, sector, invention.year, text.title, text.abstract, language, family)
            patents.put([row])
            parts.put([(text.id, *cell, share) for cell, share in shares.items()])
            counts["bare"] += not text.abstract
            counts["foreign"] += bool(language) and language != "en"
            counts["inventions"] += 1
    if not counts["inventions"]:
        problem = Problem(
            "no patent is left", "Check --matching, --classes and --years, and that the files belong together"
        )
        raise InputError([problem, *(_odd(chosen))], "the patents cannot be used")
    done = [
        f"one invention counts once: {counts['inventions']:,} of {counts['applications']:,} applications; year: the "
        "earliest of the family, of its priorities where the source has them; text: an English abstract where a member "
        "has one; people and classes: of the earliest member that states them",
        "counted by parts: each person and each class (four characters) of an invention has the same share"
        if chosen.fractional
        else "counted whole: country of the first person, sector of the first class",
        "an office is never taken for the residence",
    ]
    sentences = [*words, *(f"inventions {what}: {n:,}" for what, n in chosen.left_out.items() if n)]
    if chosen.no_country:
        offices = ", ".join(f"{office or 'not named'} {n:,}" for office, n in chosen.no_country.most_common(8))
        sentences.append(
            f"inventions whose people have no country: {chosen.no_country.total():,} (by office: {offices})"
        )
    if counts["bare"]:
        sentences.append(f"no abstract in the files, taken with their title alone: {counts['bare']:,} inventions")
    if counts["foreign"]:
        sentences.append(f"nothing in English, taken as they are: {counts['foreign']:,} inventions")
    rows = {PATENTS: patents.rows} | ({SHARES: parts.rows} if chosen.fractional else {})
    return Imported({}, edition, [*rules, *done], sentences, files=files, file_rows=rows)


class _Table:
    """A Parquet file written in pieces; None: what is put is dropped."""

    def __init__(self, path: Path | None, schema: Any) -> None:
        self.schema, self.rows = schema, 0
        self.waiting: list[tuple[Any, ...]] = []
        self.writer = pq.ParquetWriter(path, schema, compression="zstd") if path else None

    def put(self, rows: Iterable[tuple[Any, ...]]) -> None:
        if self.writer is not None:
            self.waiting += rows
            if len(self.waiting) >= _ROWS:
                self.flush()

    def flush(self) -> None:
        if self.writer is not None and self.waiting:
            columns = [list(column) for column in zip(*self.waiting, strict=True)]
            self.writer.write_table(pa.table(columns, schema=self.schema))
            self.rows += len(self.waiting)
            self.waiting = []

    def __enter__(self) -> _Table:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()
        if self.writer is not None:
            self.writer.close()


def _prefixes(store: Applications, chosen: Selection) -> dict[str, str]:
    """Class -> sector, for all classes there are; tags of section Y have a class elsewhere and are left aside."""
    classes = {symbol: n for symbol, n in store.symbols() if not symbol.startswith("Y")}
    sector_of_class = longest_prefix(classes, chosen.industries)
    lost: Counter[str] = Counter()
    for symbol in classes if chosen.industries else ():
        if symbol not in sector_of_class:
            lost[symbol[:4]] += classes[symbol]
    advice = "Add a row for it, or for its section, to the concordance"
    problems = [
        Problem(f"it would lose a class of {n:,} applications", advice, file="cpc_industries.csv", value=symbol)
        for symbol, n in lost.most_common(20)
    ]
    if problems:
        raise InputError(problems, "the patents cannot be used")
    return {symbol: chosen.industries[cpc] for symbol, cpc in sector_of_class.items()}


def _shares(
    invention: Invention, chosen: Selection, sector_of: Mapping[str, str], region: Mapping[str, str]
) -> dict[tuple[str, str], float]:
    """Part of an invention by country and sector, in the order of people and classes; sums to 1. Empty: left out."""
    people = invention.countries if chosen.fractional else invention.countries[:1]
    countries = [region[country] for country in people if not country.startswith(UNKNOWN)]
    if not countries:  # nor does an invention pass to the second of its people where the first has no country
        chosen.no_country[invention.members[0].office] += 1
        return {}
    weights = dict(invention.weights)
    if not weights:
        classes = dict.fromkeys(symbol[:4] for symbol in invention.symbols if symbol in sector_of)
        named = {symbol[:4]: sector_of[symbol] for symbol in invention.symbols if symbol in sector_of}
        weights = dict(Counter(named[subclass] for subclass in classes))
    total = sum(weights.values())
    if not total > 0:
        chosen.left_out["without a sector"] += 1
        return {}
    if not chosen.fractional:
        return {
            (countries[0], max(weights, key=lambda s: weights[s]) if invention.weights else next(iter(weights))): 1.0
        }
    return {
        (country, sector): n / len(countries) * weight / total
        for country, n in Counter(countries).items()
        for sector, weight in weights.items()
    }


def _odd(chosen: Selection) -> list[Problem]:
    """Why nothing is left, where it was not the selection."""
    if chosen.no_country:
        advice = "Give the residence of inventors or applicants; the office says where protection is sought"
        n = chosen.no_country.total()
        return [Problem(f"{n:,} inventions were chosen, and none of their people has a country", advice)]
    return []
