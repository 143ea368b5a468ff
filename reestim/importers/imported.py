"""What an importer of original files hands over, how it is checked, and the folder that it becomes.

Every importer reads files as their publisher made them and ends in tables of ``data/README.md``. All problems are
listed at once and nothing is written then; where the tables come from is written to ``sources/<source>.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.growth_accounts import GROWTH_ACCOUNTS, account_problems
from reestim.data.read import read_table
from reestim.data.tables import check_table
from reestim.errors import InputError, Problem
from reestim.io.files import strict_json
from reestim.wording import closest

#: What an importer keeps of its own beside the tables of a dataset lies here, in the folder of the dataset.
SOURCES_FOLDER = "sources"


def _option(name: str) -> str:
    return "--" + {"partners": "partner", "reporters": "reporter"}.get(name, name).replace("_", "-")


@dataclass(frozen=True)
class ImportOptions:
    """What a user may choose besides the files; a source says which of these it takes.

    year : of the trade table. years : first and last to take. partners : countries to import from (default: all there
    are). reporters : countries to ask UN Comtrade for. hs : codes of rare earths. flow : ``M`` (reported by importers)
    or ``X`` (by exporters). matching : regular expression that title or abstract of a patent must fit. concordance :
    CSV from the source's classes to industries, instead of the shipped one. sectors : CSV industry,sector. mapping :
    CSV country,region.
    columns : pairs of what is read and the name of its column, of patents. classes : CPC or IPC symbols that choose
    patents beside ``matching``. party : ``applicant`` or ``inventor``, whose residence counts. counting :
    ``fractional`` or ``first``. residence : CSV name,country of people. partial : sectors are to be made from a part of
    trade. confirm_units : the magnitudes are right, plausible or not.
    """

    year: int | None = None
    years: tuple[int, int] | None = None
    matching: str | None = None
    reporters: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    hs: tuple[str, ...] = ()
    flow: str | None = None
    concordance: Path | None = None
    sectors: Path | None = None
    mapping: Path | None = None
    columns: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ()
    party: str | None = None
    counting: str | None = None
    residence: Path | None = None
    partial: bool = False
    confirm_units: bool = False

    def problems(self, takes: Sequence[str], source: str) -> list[Problem]:
        """ImportOptions that are made and that the source does not know."""
        problems = []
        for name in (f.name for f in fields(self)):
            if getattr(self, name) and name not in takes:
                option = _option(name)
                options = ", ".join(sorted(map(_option, takes))) or "no options"
                problem = Problem(
                    f"{source} does not take it", f"Leave it out; {source} takes {options}", column=option
                )
                problems.append(problem)
        return problems


@dataclass(frozen=True)
class Imported:
    """Tables of a dataset by their stem, and how they came about.

    edition : as recognised in the files. rules : what was done, a sentence each. left_out : what the tables do not
    hold, in words with its number. extra : further tables for ``sources/``. files : whole files by name, written by the
    importer in the folder it was given to work in; file_rows : their rows.
    """

    tables: Mapping[str, pd.DataFrame]
    edition: str
    rules: Sequence[str]
    left_out: Sequence[str] = ()
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    file_rows: Mapping[str, int] = field(default_factory=dict)

    def only(self, stems: Sequence[str]) -> Imported:
        """With these tables alone. Raises InputError for one that there is none of."""
        there = [*self.tables, *(name.split(".")[0] for name in self.files)]
        wrong = [
            Problem("the files do not give it", closest(s, there), column="--only", value=s)
            for s in stems
            if s not in there
        ]
        if wrong:
            raise InputError(wrong, "nothing was imported")
        if not stems:
            return self
        tables = {stem: table for stem, table in self.tables.items() if stem in stems}
        files = {name: path for name, path in self.files.items() if name.split(".")[0] in stems}
        return Imported(tables, self.edition, self.rules, self.left_out, self.extra, files, self.file_rows)

    def problems(self) -> list[Problem]:
        """What the schemas of a dataset say of the tables; an importer with such problems has misread its files."""
        found = []
        for stem, table in self.tables.items():
            cells, problems = read_table(_csv(table), f"{stem}.csv")
            found += problems
            if cells is None:
                continue
            typed, problems, _ = check_table(stem, cells)
            found += problems
            if stem == GROWTH_ACCOUNTS and not problems:
                found += account_problems(typed)
            if typed.empty:
                advice = "Check that the files hold what you want to import"
                found.append(Problem("there is nothing for it in the files", advice, file=f"{stem}.csv"))
        return found

    def write(self, folder: Path, about: Mapping[str, Any], source: str) -> None:
        """Tables, further tables and the account of where they come from."""
        (folder / SOURCES_FOLDER).mkdir(exist_ok=True)
        for stem, table in self.tables.items():
            (folder / f"{stem}.csv").write_text(_csv(table), encoding="utf-8")
        for stem, table in self.extra.items():
            (folder / SOURCES_FOLDER / f"{stem}.csv").write_text(_csv(table), encoding="utf-8")
        for name, path in self.files.items():
            path.rename(folder / name)
        text = json.dumps(strict_json(about), indent=1, ensure_ascii=False) + "\n"
        (folder / SOURCES_FOLDER / f"{source}.json").write_text(text, encoding="utf-8")

    def written(self, source: str) -> list[str]:
        """Names of the files that ``write`` makes, seen from the folder."""
        extra = [f"{SOURCES_FOLDER}/{stem}.csv" for stem in self.extra]
        return [*(f"{stem}.csv" for stem in self.tables), *self.files, *extra, f"{SOURCES_FOLDER}/{source}.json"]


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")


def file_facts(path: Path) -> dict[str, Any]:
    """Name, date, size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stat = path.stat()
    return {"name": path.name, "date": file_date(path), "bytes": stat.st_size, "sha256": digest}


def file_date(path: Path) -> str:
    """Day of the last change of a file, UTC, ISO 8601."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def unit_value_problem(
    value: float, tonnes: float, usual: tuple[float, float], what: str, file: str, confirmed: bool
) -> list[Problem]:
    """A question where value (million US$) over mass (tonnes) is no price that there has been (US$/kg)."""
    if confirmed or not (tonnes > 0 and value > 0):
        return []
    price = 1e3 * value / tonnes
    if usual[0] <= price <= usual[1]:
        return []
    guess = (
        "Are the tonnes kilograms, or the values thousands of what they say"
        if price < usual[0]
        else ("Are the values US$ where thousands or millions are meant, or the mass thousands of tonnes")
    )
    message = f"{what} cost {price:,.4g} US$/kg, which is outside {usual[0]:g} to {usual[1]:g}"
    return [Problem(message, f"{guess}? If the file is right, say --confirm-units", file=file)]
