"""EXIOBASE 3, monetary, read by pymrio: ``IOT_<year>_ixi.zip`` (or ``pxp``, or unpacked), million euro.

Its 163 industries (200 products) carry NACE rev. 1 codes in pymrio's classification; they are added up to the 35 NACE
industries of WIOD, whose facts they take. Countries get their ISO 3166 alpha-3 code; the five rests of continents are
WWA, WWE, WWF, WWL, WWM.
"""

from __future__ import annotations

import json
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.countries import CUSTOMS_ALPHA3, alpha3_of_alpha2
from reestim.importers.frames import raw_table
from reestim.importers.sources.arrays import by_year
from reestim.importers.world import RawTable
from reestim.wording import closest

_FILE = re.compile(r"IOT_(\d{4})_(?:ixi|pxp)(?:\.zip)?")
_RESTS = {"WA": "WWA", "WE": "WWE", "WF": "WWF", "WL": "WWL", "WM": "WWM"}
#: First division of NACE rev. 1 of each industry of WIOD, c1 to c35.
_FIRST = (
    1,
    10,
    15,
    17,
    19,
    20,
    21,
    23,
    24,
    25,
    26,
    27,
    29,
    30,
    34,
    36,
    40,
    45,
    50,
    51,
    52,
    55,
    60,
    61,
    62,
    63,
    64,
    65,
    70,
    71,
    75,
    80,
    85,
    90,
    95,
)


def files(tables: Path) -> dict[int, Path]:
    """Archives or folders by year."""
    if _FILE.fullmatch(tables.name):  # one archive, or one unpacked
        return {int(tables.name[4:8]): tables}
    return by_year(tables, _FILE)


def read(path: Path, year: int) -> RawTable:
    """One year, as published, added up to the industries of WIOD. Raises InputError listing what is wrong."""
    import pymrio

    advice = "Give an archive of EXIOBASE 3 as it was published, IOT_<year>_ixi.zip or IOT_<year>_pxp.zip"
    names = _table_names(path, advice)
    pickled = [name for name in names.values() if not name.endswith((".txt", ".parquet"))]
    if pickled or not {"Z", "Y"} <= set(names):
        message = "tables that run code when they are opened" if pickled else "the archive has no Z and Y"
        raise InputError(Problem(message, advice, file=path.name, value=", ".join(pickled) or ", ".join(names)))
    try:  # parse_exiobase3 would read gigabytes of environmental accounts too; this is its first step
        io: Any = pymrio.load_all(path, subfolders=[], subset=["Z", "Y", "unit", "x"])
    except Exception as error:  # what pymrio and pandas raise depends on what is broken
        raise InputError(Problem(f"pymrio cannot read the archive ({error})", advice, file=path.name)) from error
    problems = _unit_problems(io, path.name)
    regions = {str(r): _country(str(r)) for r in dict.fromkeys(io.Z.index.get_level_values(0))}
    industries = {str(i): _industry(str(i)) for i in dict.fromkeys(io.Z.index.get_level_values(1))}
    for label in [r for r, code in regions.items() if code is None]:
        problems.append(Problem("unknown region", advice, file=path.name, value=label))
    region_codes = list(_codes())
    for label in [i for i, target in industries.items() if target is None]:
        problems.append(
            Problem("unknown industry or product", closest(label, region_codes), file=path.name, value=label)
        )
    if problems:
        raise InputError(problems, f"the table of {year} cannot be used")

    def renamed(axis: Any) -> pd.MultiIndex:
        return pd.MultiIndex.from_arrays([axis.get_level_values(0).map(regions), axis.get_level_values(1)])

    def added(frame: Any) -> Any:
        sector = frame.index.get_level_values(1).map(industries)
        return frame.groupby([frame.index.get_level_values(0), sector], sort=False).sum()

    z, y = io.Z.set_axis(renamed(io.Z.index)).set_axis(renamed(io.Z.columns), axis=1), io.Y
    z = added(added(z).T).T
    y = added(y.set_axis(renamed(y.index)).set_axis(renamed(y.columns), axis=1))
    x = None if io.x is None else added(io.x.set_axis(renamed(io.x.index))).iloc[:, 0]
    order = [f"c{k + 1}" for k in range(len(_FIRST))]
    grid = pd.MultiIndex.from_product([dict.fromkeys(regions.values()), [c for c in order if c in z.index.levels[1]]])
    return raw_table(z.reindex(grid), y.reindex(grid), x, year, path.name, may_be_negative=True)


def _table_names(path: Path, advice: str) -> dict[str, str]:
    """Names of the core tables by key, from ``file_parameters.json``: pymrio would unpickle where the file says so."""
    try:
        if path.is_dir():
            text = (path / "file_parameters.json").read_text(encoding="utf-8")
        else:
            with zipfile.ZipFile(path) as archive:
                parameter_files = [n for n in archive.namelist() if n.endswith("file_parameters.json")]
                text = archive.read(min(parameter_files, key=lambda name: name.count("/"))).decode("utf-8")
        listed = json.loads(text)["files"]
        return {key: str(entry["name"]) for key, entry in listed.items() if key in ("Z", "Y", "unit", "x")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        message = f"the archive cannot be read ({type(error).__name__})"
        raise InputError(Problem(message, advice, file=path.name)) from error


def _unit_problems(io: Any, file: str) -> list[Problem]:
    units = set() if io.unit is None else {str(u) for u in io.unit.iloc[:, 0]}
    advice = "Use the monetary tables (M.EUR), not the hybrid ones in tonnes and terajoules"
    other = sorted(units - {"M.EUR"})
    return [Problem("the unit is not million euro", advice, file=file, value=", ".join(other))] if other else []


def _country(label: str) -> str | None:
    label = CUSTOMS_ALPHA3.get(label, label)
    return (
        _RESTS.get(label)
        or (label if label in _RESTS.values() else alpha3_of_alpha2().get(label))
        or (label if label in alpha3_of_alpha2().values() else None)
    )


@cache
def _codes() -> dict[str, str]:
    """Code (i24.a, p24.a) of every industry and product name of EXIOBASE 3, from pymrio."""
    folder = Path(__import__("pymrio").__file__).parent / "mrio_models"
    tables = [pd.read_csv(folder / f"exio3_{kind}" / "sectors.tsv", sep="\t") for kind in ("ixi", "pxp")]
    return {str(name): str(code) for t in tables for name, code in zip(t["ExioName"], t["ExioCode"], strict=True)}


def _industry(label: str) -> str | None:
    code = re.match(r"[ip](\d+)", _codes().get(label, ""))
    if code is None:
        return None
    division = min(int(code.group(1)), 95)  # 99, organisations outside any territory, joins private households
    return f"c{sum(first <= division for first in _FIRST)}"
