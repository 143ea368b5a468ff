"""What a column of patents may hold, and how its cells are read: countries that are residences, years, classes.

The office that published an application is where protection is sought, not where anybody lives: columns and codes of
offices are refused as countries.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reestim.errors import InputError, Problem
from reestim.importers.countries import CUSTOMS_ALPHA3, alpha3_codes, alpha3_of_alpha2, alpha3_of_name
from reestim.importers.imported import ImportOptions
from reestim.importers.inventions import UNKNOWN
from reestim.importers.technology import symbol_of
from reestim.wording import closest

REQUIRED = ("id", "country", "year")
KNOWN = (*REQUIRED, "title", "abstract", "cpc", "sector", "family", "language", "office", "priority")
PARTIES = ("applicant", "inventor")
#: WIPO ST.3 codes of organisations: an application can be filed there, and nobody lives there.
OFFICES = frozenset(("EP", "WO", "EA", "AP", "OA", "GC", "IB", "EM", "XN", "XV", "QZ", "BX"))
_OFFICE_COLUMN = re.compile(
    r"(?:country[_ ]?code|jurisdiction|appln_auth|publn_auth|(?:filing|publication|application|receiving)?[_ ]?"
    r"(?:office|authority)|publication[_ ]country|(?:publication|application)_number)",
    re.I,
)
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?:[01]\d[0-3]\d)?(?!\d)")
#: Cells of one kind that are wrong: so many are listed one by one.
_LISTED = 20
#: Of people: where more have an office for a country, the column is that of offices.
_MOST_OFFICES = 0.05


def columns_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What is read -> column. Raises InputError for what is unknown, twice or missing, and for an office as country."""
    problems: list[Problem] = []
    names: dict[str, str] = {}
    for name, column in pairs:
        if name not in KNOWN:
            problems.append(Problem("this is not read", closest(name, KNOWN), column="--columns", value=name))
        elif name in names:
            problems.append(Problem("the name is there twice", "Name one column", column="--columns", value=name))
        names[name] = column
    missing = [name for name in REQUIRED if name not in names]
    missing += ["title or abstract"] if not {"title", "abstract"} & set(names) else []
    missing += ["cpc or sector"] if not {"cpc", "sector"} & set(names) else []
    advice = (
        "Write --columns id=COLUMN country=COLUMN year=COLUMN title=COLUMN abstract=COLUMN cpc=COLUMN family=COLUMN"
    )
    problems += [Problem("no column is named for it", advice, column="--columns", value=name) for name in missing]
    country = names.get("country", "")
    if _OFFICE_COLUMN.fullmatch(country) or (country and country == names.get("office")):
        advice = "Name the column with the residence of applicants or inventors"
        message = "this looks like the office that published, not where people live"
        problems.append(Problem(message, advice, column="--columns", value=f"country={country}"))
    if problems:
        raise InputError(problems, "the columns cannot be used")
    return names


def party_of(choices: ImportOptions) -> str:
    """Whose residence counts: ``applicant`` unless the choice says ``inventor``. Raises InputError for another."""
    party = choices.party or PARTIES[0]
    if party not in PARTIES:
        problem = Problem("unknown party", f"Write one of {', '.join(PARTIES)}", column="--party", value=party)
        raise InputError(problem, "nothing was imported")
    return party


@dataclass
class Reader:
    """Reads cells of one source, and remembers what was wrong with them.

    file : its name, for problems. strange : texts that are not a country and how often. problems : of cells. people,
    offices : countries that were read, and those that were an office; the place of the first. priorities : rows with
    one.
    """

    file: str
    strange: Counter[str] = field(default_factory=Counter)
    people: int = 0
    offices: int = 0
    first_office: tuple[int, str, str] | None = None
    priorities: int = 0
    problems: list[Problem] = field(default_factory=list)
    further: Counter[tuple[str, str]] = field(default_factory=Counter)

    def countries(self, texts: Iterable[str], row: int, column: str) -> list[str]:
        """Alpha-3 codes of countries given by code or name; of what is none, an office among them, ``UNKNOWN``."""
        codes: list[str] = []
        for text in texts:
            self.people += 1
            code = country_of(text)
            if not code:
                self.strange[text] += 1
                if text.upper() in OFFICES:
                    self.offices += 1
                    self.first_office = self.first_office or (row, column, text)
            codes.append(code or UNKNOWN + text)
        return codes

    def year(self, texts: Sequence[str], row: int, column: str) -> int | None:
        """The earliest year in dates or years; None where there is none (blank or 0)."""
        years: list[int] = []
        for text in texts:
            if match := _YEAR.search(text):
                years.append(int(match.group(1)))
            elif text.strip("0- "):
                self.problem("no year between 1800 and 2099", "Give a date or a year", row, column, text)
        return min(years, default=None)

    def first_year(self, cells: Mapping[str, Sequence[str]], row: int, columns: Mapping[str, str]) -> int | None:
        """The earlier of the years of filing and of priority: an application claims it from an earlier one of its
        family, which may not be in the file."""
        filed, claimed = (
            self.year(cells[name], row, columns[name]) if name in cells else None for name in ("year", "priority")
        )
        self.priorities += claimed is not None
        return min((year for year in (filed, claimed) if year is not None), default=None)

    def symbols(self, texts: Iterable[str], row: int, column: str) -> list[str]:
        """CPC or IPC symbols without blanks."""
        symbols = []
        for text in texts:
            if symbol := symbol_of(text):
                symbols.append(symbol)
            else:
                self.problem("not a CPC or IPC symbol", "Give symbols like H01F1/057", row, column, text)
        return symbols

    def problem(self, message: str, advice: str, row: int, column: str, value: str) -> None:
        """Note a problem, the first few of a kind one by one."""
        self.further[message, advice] += 1
        if self.further[message, advice] <= _LISTED:
            self.problems.append(Problem(message, advice, file=self.file, row=row, column=column, value=value))

    def all_problems(self) -> list[Problem]:
        """What was noted, with the number of what was not listed."""
        more = [
            Problem(f"{message}, in {n - _LISTED:,} further cells", advice, file=self.file)
            for (message, advice), n in self.further.items()
            if n > _LISTED
        ]
        if self.first_office is not None and self.offices > _MOST_OFFICES * self.people:
            row, column, text = self.first_office
            message = f"an office, not a country, for {self.offices:,} of {self.people:,} people"
            advice = "Give the residence of applicants or inventors: the office says where protection is sought"
            more.append(Problem(message, advice, file=self.file, row=row, column=column, value=text))
        return [*self.problems, *more]


def strange_countries(strange: Counter[str], why: str = "whose country is none of today") -> list[str]:
    """In words, which codes or names of people led to no country, and why."""
    if not strange:
        return []
    named = ", ".join(f"{text[:30]!r} {n:,}" for text, n in strange.most_common(8))
    return [f"people {why}: {strange.total():,} ({named})"]


def country_of(text: str) -> str | None:
    """Alpha-3 code of an alpha-2 code, an alpha-3 code or a name; None for what is not a country."""
    upper = text.strip().upper()
    upper = CUSTOMS_ALPHA3.get(upper, upper)
    if upper in alpha3_codes():
        return upper
    return alpha3_of_alpha2().get(upper) or alpha3_of_name().get(text.strip())
