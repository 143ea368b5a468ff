"""The original files that ``reestim data import`` takes, by name: who publishes them, which edition is read, what comes
of them. World input-output tables are in ``sources.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reestim.data.meta import DATASET_FILE, read_meta
from reestim.errors import InputError, Problem
from reestim.importers.import_source import ImportSource
from reestim.importers.imported import SOURCES_FOLDER, ImportOptions, file_facts
from reestim.importers.patent_sources import PATENT_SOURCES
from reestim.importers.sources import (
    baci,
    comtrade,
    comtrade_download,
    euklems,
    oecd_iot,
    panel,
    usgs_ds140,
    usgs_mcs,
    usgs_myb,
    usitc,
    wiod_sea,
)
from reestim.io.files import atomic_update
from reestim.wording import closest

IMPORT_SOURCES: dict[str, ImportSource] = {
    entry.name: entry
    for entry in (
        *PATENT_SOURCES,
        ImportSource(
            "baci",
            "CEPII, BACI: reconciled trade by HS6 code (Gaulier and Zignago 2010)",
            baci.EDITION,
            "BACI_HS<revision>_Y<year>_V<version>.csv and country_codes_V<version>.csv, or the archive",
            "cepii.fr, BACI",
            "Etalab Open Licence 2.0",
            ("outcomes", "trade", "ree_use_panel", "element_exports"),
            ("year", "partners", "hs", "concordance", "sectors", "mapping", "partial", "confirm_units"),
            baci.read,
        ),
        ImportSource(
            "comtrade",
            "United Nations, UN Comtrade",
            comtrade.EDITION,
            "answers of the API (.json) or bulk files (.csv, .txt, also .gz)",
            "comtradeplus.un.org (free key)",
            "UN Comtrade terms of use: no redistribution of the raw data",
            ("outcomes", "trade", "ree_use_panel", "element_exports"),
            (
                "year",
                "partners",
                "hs",
                "flow",
                "concordance",
                "sectors",
                "mapping",
                "partial",
                "confirm_units",
                "reporters",
                "years",
            ),
            comtrade.read,
            comtrade_download.download,
        ),
        ImportSource(
            "euklems",
            "EU KLEMS & INTANProd, Luiss Lab of European Economics (Bontadini et al. 2023)",
            euklems.EDITION,
            "national accounts.csv and growth accounts.csv, or the workbooks of a country",
            "euklems-intanprod-llee.luiss.it",
            "CC BY 4.0",
            ("growth_accounts",),
            ("concordance", "sectors", "confirm_units"),
            euklems.read,
        ),
        ImportSource(
            "panel",
            "A panel of exports by country, product and year; of the World Bank: WITS, country trade summary, from UN "
            "Comtrade",
            panel.EDITION,
            "en_<country>_AllYears_WITS_Trade_Summary.CSV, or any CSV with --columns country=... product=...",
            "wits.worldbank.org, country profile; or your own",
            "that of the source",
            ("outcomes",),
            ("columns", "concordance", "sectors", "mapping", "confirm_units"),
            panel.read,
        ),
        ImportSource(
            "oecd-iot",
            "OECD, Input-Output Tables",
            oecd_iot.EDITION,
            "<country><year>ttl.csv or <country><year>dom.csv, several years and countries",
            "oecd.org, Input-Output Tables",
            "OECD terms",
            ("outcomes",),
            ("year", "sectors"),
            oecd_iot.read,
        ),
        ImportSource(
            "wiod-sea",
            "World Input-Output Database, Socio-Economic Accounts (Timmer, Dietzenbacher, Los, Stehrer, de Vries 2015)",
            wiod_sea.EDITION,
            "Socio_Economic_Accounts.xlsx",
            "rug.nl/ggdc, WIOD",
            "CC BY 4.0",
            ("growth_accounts",),
            ("concordance", "sectors"),
            wiod_sea.read,
        ),
        ImportSource(
            "usitc",
            "United States International Trade Commission, DataWeb",
            usitc.EDITION,
            "export of a DataWeb query, saved as CSV",
            "dataweb.usitc.gov (free account)",
            "public domain",
            ("ree_use_panel",),
            ("partners", "hs", "confirm_units"),
            usitc.read,
        ),
        ImportSource(
            "usgs-ds140",
            "U.S. Geological Survey, Historical statistics for mineral commodities (Data Series 140), rare earths",
            usgs_ds140.EDITION,
            "ds140-rare-earths-<year>.xlsx, or CSV",
            "usgs.gov, National Minerals Information Center",
            "public domain",
            ("ree_use_panel",),
            ("confirm_units",),
            usgs_ds140.read,
        ),
        ImportSource(
            "usgs-yearbook",
            "U.S. Geological Survey, Minerals Yearbook, rare earths",
            usgs_myb.EDITION,
            "myb1-<year>-raree*.xlsx, or CSV",
            "usgs.gov, National Minerals Information Center",
            "public domain",
            ("element_output",),
            ("mapping", "confirm_units"),
            usgs_myb.read,
        ),
        ImportSource(
            "usgs-summaries",
            "U.S. Geological Survey, Mineral Commodity Summaries",
            usgs_mcs.EDITION,
            "MCS<year>_Commodities_Data.csv",
            "sciencebase.gov, data release of the year",
            "public domain",
            ("element_prices", "element_output"),
            ("mapping", "confirm_units"),
            usgs_mcs.read,
        ),
    )
}


@dataclass(frozen=True)
class ImportResult:
    """What was written: the folder, the names of its new files, the account of it; ``simulated``: those that the
    ``dataset.toml`` of the folder still calls simulated."""

    folder: Path
    written: Sequence[str]
    about: dict[str, Any]
    simulated: Sequence[str] = ()


def find_source(name: str) -> ImportSource:
    """The source, or InputError with the names there are."""
    if name not in IMPORT_SOURCES:
        problem = Problem("this source is unknown", closest(name, IMPORT_SOURCES), column="SOURCE", value=name)
        raise InputError(problem, "nothing was imported")
    return IMPORT_SOURCES[name]


def import_files(
    source: str,
    files: Sequence[Path],
    out: Path,
    choices: ImportOptions | None = None,
    *,
    only: Sequence[str] = (),
    overwrite: bool = False,
) -> ImportResult:
    """Turn the files of a source into files of a dataset in the folder ``out``, new or there already.

    Parameters
    ----------
    source : a name of ``IMPORT_SOURCES``.
    files : as the source publishes them; some sources come in several. None: they are downloaded, where the source can.
    out : folder to add the tables to; with ``sources/<source>.json``: editions, dates and hashes of the files, rules,
        what was left out.
    only : stems of the tables to write (default: all that the files give).
    overwrite : tables that are there already may be replaced.

    Raises
    ------
    InputError
        Listing all problems; nothing is written then.
    """
    entry, chosen = find_source(source), choices or ImportOptions()
    files, out = [Path(file) for file in files], Path(out)
    problems = chosen.problems(entry.takes, source) + _file_problems(entry, files)
    if out.exists() and not out.is_dir():
        problems.append(Problem("this is a file, not a folder", "Name a folder", column="--out", value=str(out)))
    if problems:
        raise InputError(problems, "nothing was imported")
    with atomic_update(out) as folder:
        work = folder / ".work"
        work.mkdir()
        if not files and entry.download is not None:
            files = entry.download(chosen, folder / SOURCES_FOLDER)
        imported = entry.read(files, chosen, work).only(only)
        problems = imported.problems()
        names = [*imported.written(source), *(f"{SOURCES_FOLDER}/{f.name}" for f in files if f.is_relative_to(folder))]
        for name in names if not overwrite else ():
            if (out / name).exists():
                advice = "Say --overwrite to replace it, --only for other tables, or name another folder"
                problems.append(Problem("the file is there already", advice, file=name, value=str(out)))
        if problems:
            raise InputError(problems, "nothing was imported")
        about = {
            "source": source,
            "citation": entry.citation,
            "edition": imported.edition,
            "licence": entry.licence,
            "imported": datetime.now(UTC).date().isoformat(),
            "files": [file_facts(file) for file in files],
            "rules": list(imported.rules),
            "left_out": list(imported.left_out),
            "rows": {stem: len(table) for stem, table in imported.tables.items()} | dict(imported.file_rows),
        }
        imported.write(folder, about, source)
        for left in work.iterdir():
            left.unlink()
        work.rmdir()
    meta = read_meta(out).meta if (out / DATASET_FILE).is_file() else None
    return ImportResult(out, names, about, [name for name in names if meta is not None and name in meta.synthetic])


def _file_problems(entry: ImportSource, files: Sequence[Path]) -> list[Problem]:
    problems = []
    if not files and entry.download is None:
        problems.append(Problem("no file is given", f"Give {entry.pattern}", column="FILE"))
    for n, path in enumerate(files):
        if path in files[:n]:
            problems.append(Problem("the file is given twice", "Give it once", file=path.name))
        if not path.is_file():
            here = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            advice = closest(path.name, here) if here else f"Give {entry.pattern}"
            problems.append(Problem("there is no such file", advice, file=str(path)))
    return problems
