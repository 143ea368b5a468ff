"""Load a dataset folder: read every file, collect every problem, hand over only what is sound."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from reestim.data.label_record import FILE as RECORD_FILE
from reestim.data.label_record import read_label_record, record_problems
from reestim.data.magnitudes import magnitude_questions
from reestim.data.meta import DATASET_FILE, DatasetMeta, read_meta
from reestim.data.partial_tables import PartialTables
from reestim.data.read import decode, read_bytes, read_table
from reestim.data.remarks import remarks
from reestim.data.rules import cross_file_problems, goods_of, regions_of
from reestim.data.schemas import REQUIRED_FILES, SCHEMAS
from reestim.data.tables import check_table
from reestim.errors import InputError, Problem
from reestim.io.resources import DATA
from reestim.wording import closest

#: Endings of tables in other forms than CSV, which a dataset does not read.
_TABLES = frozenset(
    (".csv", ".xlsx", ".xls", ".ods", ".tsv", ".tab", ".txt", ".parquet", ".dta", ".feather", ".gz", ".zip", "")
)

_log = logging.getLogger(__name__)
#: Remarks that were made of datasets, by their folder: a job reads its dataset several times.
_remarked: set[tuple[Path, str]] = set()

__all__ = ["Dataset", "DatasetMeta", "check_dataset", "load_dataset"]


@dataclass(frozen=True, eq=False)  # by identity: what is built from a dataset is remembered by it
class Dataset:
    """A checked dataset, as :func:`load_dataset` returns it. ``data["trade"]`` is the table of ``trade.csv``.

    Do not change tables in place: what is built from them is kept. ``dataclasses.replace`` makes another dataset.

    Parameters
    ----------
    path
        Its folder.
    meta
        ``dataset.toml``.
    tables
        Table by the stem of its file (``"trade"``); files that are not there are absent. Columns and units:
        data/README.md.
    hash
        SHA-256 over the names and bytes of ``dataset.toml``, the tables and ``patent_labels.json``.
    label_record
        Content of ``patent_labels.json``, who labelled the patents; None without that file.

    Raises
    ------
    InputError
        By ``data[stem]``, where the dataset has no such table.

    Examples
    --------
    >>> data = ree.load_dataset("rare-earths-2010")
    >>> data.countries[:3], "trade" in data
    (('CHN', 'JPN', 'KOR'), True)
    """

    path: Path
    meta: DatasetMeta
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    hash: str
    label_record: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def countries(self) -> tuple[str, ...]:
        """Regions, in the order of ``trade.csv``."""
        return regions_of(self.tables)

    @property
    def goods(self) -> tuple[str, ...]:
        """Sectors without the elements, in the order of ``trade.csv``."""
        return goods_of(self.tables)

    @property
    def carriers(self) -> tuple[str, ...]:
        """Goods that users hold in their bundle of rare earths, in the order of ``carriers.csv``; none without it."""
        return tuple(self.tables["carriers"]["carrier"]) if "carriers" in self.tables else ()

    @property
    def elements(self) -> tuple[str, ...]:
        """Rare-earth elements, in the order of ``elements.csv``."""
        return tuple(self.tables["elements"]["element"])

    @property
    def recalled(self) -> tuple[str, ...]:
        """Files with figures recalled from memory of their source, or made of such: the word is in ``source``."""
        words = {stem: table["source"].astype(str) for stem, table in self.tables.items() if "source" in table}
        return tuple(sorted(f"{stem}.csv" for stem, said in words.items() if said.str.contains(r"\brecalled\b").any()))

    @property
    def years(self) -> tuple[int, ...]:
        """Years with element prices, ascending."""
        return tuple(int(year) for year in sorted(self.tables["element_prices"]["year"].unique()))

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"tables": dict(self.tables)}  # a read-only view of a dict cannot be pickled or copied

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"tables": MappingProxyType(state["tables"])})

    def __getitem__(self, stem: str) -> pd.DataFrame:
        if stem not in self.tables:
            message = f"the dataset {self.meta.name!r} has no file {stem}.csv"
            raise InputError(
                Problem(message, f"Add it, or choose an analysis without it. {closest(stem, self.tables)}")
            )
        return self.tables[stem]

    def __contains__(self, stem: object) -> bool:
        return stem in self.tables


def load_dataset(name_or_path: str | Path) -> Dataset:
    """Read and check a dataset.

    Parameters
    ----------
    name_or_path
        A folder, or the name of a folder in ``data/`` of the working directory or beside the package.

    Returns
    -------
    Dataset
        What is to be known of a sound one (`reestim.data.remarks`) goes to the log, once.

    Raises
    ------
    InputError
        With all problems of all files (``.problems``); the message shows the first few of each kind, counts the rest.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.load_dataset("rare-earths-2010").meta.base_year
    2008
    """
    folder, problems = _find(name_or_path)
    dataset, faults = (None, []) if folder is None else _read(folder)
    problems += faults
    if problems or dataset is None:
        raise InputError(problems, f"the dataset {str(name_or_path)!r} cannot be used")
    for sentence in remarks(dataset):
        if (dataset.path, sentence) not in _remarked:
            _log.warning(sentence)
            _remarked.add((dataset.path, sentence))
    return dataset


def check_dataset(path: str | Path) -> list[Problem]:
    """List all problems of a dataset.

    Parameters
    ----------
    path
        A folder, or a name, as :func:`load_dataset` takes it.

    Returns
    -------
    list of Problem
        Empty for a sound dataset. Nothing is raised.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.check_dataset("rare-earths-2010")
    []
    """
    folder, problems = _find(path)
    return problems if folder is None else problems + _read(folder)[1]


def dataset_folder(name_or_path: str | Path) -> Path:
    """The folder of a dataset by name or path, unread. Raises InputError where there is none."""
    folder, problems = _find(name_or_path)
    if folder is None:
        raise InputError(problems, f"the dataset {str(name_or_path)!r} cannot be used")
    return folder


def _find(name_or_path: str | Path) -> tuple[Path | None, list[Problem]]:
    as_path = Path(name_or_path)
    candidates = [as_path]
    if len(as_path.parts) == 1 and not as_path.is_absolute():
        candidates += [Path("data") / as_path, DATA / as_path]
    try:
        folders = [folder for folder in candidates if folder.is_dir()]
        for folder in [*(f for f in folders if (f / DATASET_FILE).exists()), *folders]:
            return folder, []
        if as_path.exists():
            advice = f"Give the folder that holds {DATASET_FILE}"
            return None, [Problem("this is a file, not a dataset folder", advice, value=str(name_or_path))]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        advice = f"Give the folder that holds {DATASET_FILE}, and check that you may enter it"
        return None, [Problem(f"there can be no dataset ({reason})", advice, value=str(name_or_path))]
    names = sorted({path.parent.name for root in (Path("data"), DATA) for path in root.glob(f"*/{DATASET_FILE}")})
    advice = f"Give a folder, or the name of one in data/. {closest(name_or_path, names)}"
    return None, [Problem("there is no such dataset", advice, value=str(name_or_path))]


def _read(folder: Path) -> tuple[Dataset | None, list[Problem]]:
    about = read_meta(folder)
    problems = list(about.problems)
    digest = hashlib.sha256()
    if about.raw is not None:
        _update(digest, DATASET_FILE, about.raw)
    present = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    problems += [*_file_problems(present), *_other_tables(folder)]
    tables: dict[str, pd.DataFrame] = {}
    faulty_rows: dict[str, set[int]] = {}
    for stem in SCHEMAS:
        if stem not in present:
            continue
        file = f"{stem}.csv"
        raw, faults = read_bytes(present[stem], folder)
        problems += faults
        if raw is None:
            continue
        _update(digest, file, raw)
        text, faults = decode(raw, file)
        problems += faults
        cells, faults = read_table(text, file) if text is not None else (None, [])
        problems += faults
        if cells is not None:
            broken = bool(faults)  # rows that could not be split into cells: sums over the file would mislead
            tables[stem], faults, faulty_rows[stem] = check_table(stem, cells)
            problems += faults
            if broken:
                faulty_rows[stem] |= {-1}
    checked = PartialTables(tables, faulty_rows)
    problems += cross_file_problems(about.base_year, about.host_sector, checked)
    problems += magnitude_questions(about.base_year, checked, about.meta.units_confirmed if about.meta else ())
    raw, record, faults = read_label_record(folder)
    problems += faults
    if raw is not None:
        _update(digest, RECORD_FILE, raw)
    if about.meta is not None:
        counts = checked.sound("patent_labels", "label", "count")
        problems += record_problems(record, counts, [p.name for p in present.values()], about.meta.synthetic)
    if problems or about.meta is None:
        return None, problems
    clean = {stem: table.reset_index(drop=True) for stem, table in tables.items()}
    return Dataset(folder.resolve(), about.meta, MappingProxyType(clean), digest.hexdigest(), record), []


def _update(digest: Any, name: str, raw: bytes) -> None:
    digest.update(name.encode() + b"\0" + hashlib.sha256(raw).digest())


def _other_tables(folder: Path) -> list[Problem]:
    """Tables that are not read because of what their name ends in."""
    advice = "Save it as CSV (UTF-8, commas between the columns), with the ending .csv; or move it to a subfolder"
    return [
        Problem("this kind of file is not read", advice, file=path.name)
        for path in sorted(folder.iterdir())
        if path.stem.lower() in SCHEMAS and path.is_file() and path.suffix != ".csv" and path.suffix.lower() in _TABLES
    ]


def _file_problems(present: Mapping[str, Path]) -> list[Problem]:
    """Missing required files, and CSV files that no part of REEstim reads (most often a misspelt name)."""
    unknown = [stem for stem in present if stem not in SCHEMAS]
    problems = []
    for stem in REQUIRED_FILES:
        if stem not in present:
            advice = f"Add it to the folder. {closest(stem, unknown)}" if unknown else "Add it to the folder"
            problems.append(Problem("the file is missing", advice, file=f"{stem}.csv"))
    for stem in unknown:
        advice = f"Rename it, or move it to a subfolder. {closest(stem, [s for s in SCHEMAS if s not in present])}"
        problems.append(Problem("no such file belongs to a dataset", advice, file=f"{stem}.csv"))
    return problems
