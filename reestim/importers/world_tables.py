"""The world tables that ``reestim data build`` takes, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.sources import arrays, caliendo_parro, exiobase, figaro, icio, tidy, wiod, wiod2016, wiod_sea
from reestim.importers.world import RawTable, WorldTable, clean


@dataclass(frozen=True)
class WorldSource:
    """One source. ``files`` finds its files by year; ``read`` gives the raw table of a year (None: ``world`` gives the
    clean one); ``accounts`` those of labour and value added in a year, that are published with it (country, industry,
    labor, added), and in words what they lack; ``factors`` the same from the file of the table itself; ``pattern``:
    what its files are called; ``currency``: of its values, in millions; ``rest``: the country that stands for all that
    the table does not name; ``others``: words about files that are easily taken for it."""

    name: str
    citation: str
    pattern: str
    files: Callable[[Path], dict[int, Path]]
    read: Callable[[Path, int], RawTable] | None = None
    world: Callable[[Path], WorldTable] | None = None
    accounts: Callable[[Path, int], tuple[pd.DataFrame, list[str]]] | None = None
    factors: Callable[[Path, int], tuple[pd.DataFrame | None, list[str]]] | None = None
    currency: str = "US$"
    rest: Sequence[str] = ("RoW", "ROW")
    others: tuple[tuple[str, str], ...] = ()

    def table(self, path: Path, year: int, usd_per_unit: float = 1.0) -> WorldTable:
        """The clean table of one file, million US$. Raises InputError listing everything wrong with it."""
        if self.world is not None:
            return self.world(path)
        assert self.read is not None
        return clean(self.read(path, year), usd_per_unit)


_ARCHIVE = "this is the archive of several years: unpack it, one file is one year"

WORLD_SOURCES: dict[str, WorldSource] = {
    source.name: source
    for source in (
        WorldSource(
            "wiod",
            "World Input-Output Database, 2013 release (Timmer, Dietzenbacher, Los, Stehrer, de Vries 2015), "
            "million US$ at current basic prices",
            "wiod2013_<year>.npz or wiotYY_*.xlsx",
            wiod.files,
            wiod.read,
            others=(("WIOT*_ROW.*", "this is the 2016 release: say --source wiod2016"),),
        ),
        WorldSource(
            "wiod2016",
            "World Input-Output Database, 2016 release (Timmer, Dietzenbacher, Los, Stehrer, de Vries 2015), "
            "million US$ at current basic prices",
            "WIOT<year>_Nov16_ROW.xlsb (or .xlsx) or WIOT<year>_October16_ROW.dta (or .csv)",
            wiod2016.files,
            wiod2016.read,
            accounts=wiod_sea.labor,
            others=(("wiot??_*", "this is the 2013 release: say --source wiod"), ("WIOTS_in_*.zip", _ARCHIVE)),
        ),
        WorldSource(
            "figaro",
            "Eurostat, FIGARO inter-country input-output tables, industry by industry, million euro at current basic "
            "prices, converted to US$",
            "matrix_eu-ic-io_ind-by-ind_<edition>_<year>.csv or flatfile_... (or .zip)",
            figaro.files,
            figaro.read,
            currency="euro",
            rest=("ROW",),
            others=(
                ("*eu-ic-io_prod-by-prod*", "this is the table product by product: take industry by industry"),
                ("*eu-ic-supply*", "this is a supply table: take the input-output table, industry by industry"),
                ("*eu-ic-use*", "this is a use table: take the input-output table, industry by industry"),
            ),
        ),
        WorldSource(
            "icio",
            "OECD Inter-Country Input-Output tables, million US$ at current basic prices",
            "<year>_SML.csv or ICIO<edition>_<year>.csv (or .zip)",
            icio.files,
            icio.read,
            others=(("????-????_*.zip", _ARCHIVE),),
        ),
        WorldSource(
            "exiobase",
            "EXIOBASE 3, monetary, million euro at current basic prices, converted to US$",
            "IOT_<year>_ixi.zip or IOT_<year>_pxp.zip",
            exiobase.files,
            exiobase.read,
            currency="euro",
            rest=("WWA",),
            others=(
                ("*coefficient*", "this is EXIOBASE 1 or 2: use EXIOBASE 3"),
                ("*hsut*", "these are the hybrid tables: use the monetary ones"),
            ),
        ),
        WorldSource(
            "caliendo-parro",
            "Caliendo and Parro (2015), replication archive: 1993 with its tariffs, rebased to an equilibrium",
            "cp2015.npz",
            caliendo_parro.files,
            world=caliendo_parro.read_world,
        ),
        WorldSource(
            "arrays", "World table brought as arrays, million US$", "<name>_<year>.npz", arrays.files, arrays.read
        ),
        WorldSource(
            "tidy",
            "World table brought as tidy CSV or Excel, million US$",
            "<name>_<year>.csv or .xlsx",
            tidy.files,
            tidy.read,
            factors=tidy.factors,
        ),
    )
}


def table_problems(source: WorldSource, tables: Path, year: int, policy_year: int) -> list[Problem]:
    """Why the folder (or file) cannot give the economy of ``year`` and a panel of exports around ``policy_year``.

    One table alone gives an economy without a panel; of several, none may be missing and they must reach from before
    to after the policy.
    """
    if not tables.exists():
        advice = f"Give the folder with the files {source.pattern}"
        return [Problem("there is no such folder", advice, value=str(tables))]
    files = source.files(tables)
    strange = [path for path in files.values() if path.exists() and not (path.is_file() or path.is_dir())]
    if strange:
        advice = "Put the table itself there"
        return [Problem("it is a pipe or a device, not a file", advice, file=path.name) for path in strange]
    years = sorted(files)
    if not years:
        message, advice = f"the folder holds no file {source.pattern}", "Give the folder with the tables"
        if tables.is_file():
            message, advice = f"the file is not called {source.pattern}", "Rename it: its name says of which year it is"
        found = [Problem(message, advice, value=str(tables))]
        for pattern, words in source.others if tables.is_dir() else ():
            found += [Problem(words, "See docs/own-data.md", file=p.name) for p in sorted(tables.glob(pattern))[:1]]
        return found
    problems = []
    if year not in years:
        advice = f"Choose one of {years[0]} to {years[-1]}, or add the file"
        file = source.pattern.split(" or ")[0].replace("<year>", str(year))
        problems.append(Problem("the table of the base year is missing", advice, file=file))
    for hole in sorted(set(range(years[0], years[-1] + 1)) - set(years) - {year}):
        message, advice = "a year is missing from the panel of exports", "Add the file"
        file = source.pattern.split(" or ")[0].replace("<year>", str(hole))
        problems.append(Problem(message, advice, file=file))
    if len(years) > 1 and not years[0] < policy_year <= years[-1]:
        message = f"the panel of exports does not reach from before to after {policy_year}"
        advice = "Add the tables of more years: the event study compares the two; or give one file for no panel"
        problems.append(Problem(message, advice, value=f"{years[0]} to {years[-1]}"))
    return problems


def same_labels(tables: Sequence[WorldTable], file: Callable[[int], str]) -> list[Problem]:
    """Years whose countries or industries differ from those of the first."""
    first = tables[0]
    return [
        Problem(
            f"countries or industries differ from those of {first.year}",
            "Use one release for all years",
            file=file(table.year),
        )
        for table in tables
        if (table.regions, table.industries) != (first.regions, first.industries)
    ]


def source_named(name: str) -> WorldSource:
    """The source, or InputError with the names there are."""
    if name not in WORLD_SOURCES:
        from reestim.wording import closest

        problem = Problem("this source is unknown", closest(name, WORLD_SOURCES), column="--source", value=name)
        raise InputError(problem, "no dataset was built")
    return WORLD_SOURCES[name]
