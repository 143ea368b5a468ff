"""A labelled set of patents: from a labeller to the files of a dataset, and back from the folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from reestim.data.label_record import COUNTS as COUNTS_FILE
from reestim.data.label_record import FILE as ABOUT_FILE
from reestim.dims import COUNTRY, LABEL, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.io.files import atomic_folder, bytes_of, strict_json
from reestim.io.places import is_free
from reestim.labels import confidence
from reestim.labels.plausibility import plausibility
from reestim.labels.shares import SEED, whole_counts

LABELS_FILE = "labels.csv"
REASON = "reason"


@runtime_checkable
class Labeller(Protocol):
    """What labels patents: ``label`` gives columns ``label, probability, reason``, the rows as they came."""

    def label(self, patents: pd.DataFrame) -> pd.DataFrame:
        """Labels of the patents, one row each."""
        ...

    def about(self) -> Mapping[str, Any]:
        """Who labelled, with which prompt or training: what a reader needs to judge and to repeat it."""
        ...


@dataclass(frozen=True)
class Labelled:
    """Labels of patents, one row each.

    Attributes
    ----------
    table
        ``patent_id, country, sector, year, label, probability, reason``; an empty label means unlabelled, and
        ``reason`` says why.
    about
        Labeller, date, counts.
    shares
        ``patent_id, country, sector, share`` where patents are counted by parts (``read_shares``).
    """

    table: pd.DataFrame
    about: Mapping[str, Any]
    shares: pd.DataFrame | None = None

    @property
    def unlabelled(self) -> pd.DataFrame:
        """The rows without a label; ``reason`` says why."""
        return self.table.loc[lambda t: t[LABEL] == ""]

    def by_patent(self) -> dict[str, str]:
        """Label of each patent, by ``patent_id``."""
        return dict(zip(self.table["patent_id"], self.table[LABEL], strict=True))

    def strata(self) -> dict[str, str]:
        """Stratum by confidence of each labelled patent, by ``patent_id`` (``confidence.strata``)."""
        labelled = self.table.loc[lambda t: t[LABEL] != ""]
        return dict(zip(labelled["patent_id"], confidence.strata(labelled), strict=True))

    def counts(self) -> pd.DataFrame:
        """``patent_labels`` of a dataset: how many patents of each cell have each label; the unlabelled are left out.

        Returns
        -------
        pandas.DataFrame
            ``country, sector, year, label, count``; with ``shares`` a count is the sum of the shares, rounded by
            ``whole_counts``.
        """
        sums = self.sums()
        counts = sums["count"].to_numpy(dtype=float) if self.shares is None else whole_counts(sums["count"].to_numpy())
        sums["count"] = counts.astype("int64")
        return sums

    def sums(self) -> pd.DataFrame:
        """As ``counts``, not rounded: numbers of patents, or sums of shares."""
        labelled = self.table.loc[lambda t: t[LABEL] != ""].assign(share=1.0)
        if self.shares is not None:
            labelled = labelled[["patent_id", YEAR, LABEL]].merge(self.shares, on="patent_id")
        cells = labelled[[COUNTRY, SECTOR, YEAR]].drop_duplicates()
        every = cells.merge(pd.DataFrame({LABEL: list(LABELS)}), how="cross")
        size: Any = labelled.groupby([COUNTRY, SECTOR, YEAR, LABEL])["share"].sum()
        counted = size.rename("count").reset_index()
        counts = every.merge(counted, how="left").fillna({"count": 0.0})
        order = {label: i for i, label in enumerate(LABELS)}
        return counts.sort_values([COUNTRY, SECTOR, YEAR, LABEL], key=lambda c: c.map(order) if c.name == LABEL else c)

    def share(self) -> pd.Series:
        """Share of each label among the labelled patents, in the order of the taxonomy."""
        labels = self.table.loc[self.table[LABEL] != "", LABEL]
        return labels.value_counts(normalize=True).reindex(list(LABELS), fill_value=0.0)

    @property
    def states_confidence(self) -> bool:
        """Whether the labeller gave the probability of any label."""
        return bool(self.table["probability"].astype(float).notna().any())

    @property
    def hash(self) -> str:
        """16 hex digits that change when a patent or its label does."""
        return hashlib.sha256(self.table[["patent_id", LABEL]].to_csv(index=False).encode()).hexdigest()[:16]


def label_patents(
    patents: pd.DataFrame, labeller: Labeller, *, synthetic: bool = False, shares: pd.DataFrame | None = None
) -> Labelled:
    """Label patents. The labeller decides; what it leaves unlabelled stays so.

    Parameters
    ----------
    patents
        As :func:`read_patents` returns them.
    labeller
        An offline labeller, a language model, or any object with ``label`` and ``about``.
    synthetic
        The patents are made, not observed. Whatever is counted from them is then called synthetic.
    shares
        Parts of each patent by country and sector (``read_shares``), where patents are counted by parts.

    Returns
    -------
    Labelled
        ``table`` (patent_id, country, sector, year, label, probability, reason) and ``about``, who labelled and how
        many.

    Raises
    ------
    ReestimError
        What the labeller raises: an endpoint that does not answer, a limit of cost that would be passed.

    Examples
    --------
    >>> import reestim as ree
    >>> from reestim.labels.offline import train
    >>> from reestim.labels.patents import read_corpus
    >>> labelled = ree.label_patents(read_corpus().head(5), train(), synthetic=True)
    >>> labelled.about["patents"]
    5
    """
    result = labeller.label(patents)
    keys = patents[["patent_id", COUNTRY, SECTOR, YEAR]]
    table = pd.concat([keys, result[[LABEL, "probability", REASON]]], axis=1)
    number: Any = table[LABEL].value_counts()
    labelled = Labelled(table, {}, shares)
    by_label: Any = labelled.counts().groupby(LABEL)["count"].sum()
    missing = _missing(table)
    about = {
        **labeller.about(),
        "synthetic": synthetic,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "patents": len(table),
        "unlabelled": int(number.get("", 0)),
        "unlabelled_by_country": missing,
        "labels": {label: int(by_label.get(label, 0)) for label in LABELS},
        "counting": "whole" if shares is None else f"by shares, rounded systematically (seed {SEED})",
    }
    if len(labelled.unlabelled) < len(table):
        lacking = {country: n["unlabelled"] for country, n in missing.items()}
        about["plausibility"] = plausibility(labelled.sums(), lacking).about()
    return replace(labelled, about=about)


def _missing(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Patents and those of them without a label, by country; countries that lack none are left out."""
    lacking: Any = (table[LABEL] == "").groupby(table[COUNTRY]).agg(["size", "sum"])
    rows = lacking[lacking["sum"] > 0].itertuples()
    return {str(country): {"patents": int(size), "unlabelled": int(n)} for country, size, n in rows}


def write_labels(labelled: Labelled, folder: Path, *, overwrite: bool = False) -> Path:
    """Write the labels of patents as a folder; all files or none.

    ``labels.csv``, ``patent_labels.csv`` and ``patent_labels.json`` (who labelled). Copy the last two into a dataset.

    Parameters
    ----------
    labelled
        From `reestim.label_patents`.
    folder
        A folder that is not there, is empty, or holds labels.
    overwrite
        Whether labels may be replaced.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    InputError
        Where the folder holds something else, or labels that may not be replaced.
    """
    check_place(folder, overwrite=overwrite)
    with atomic_folder(folder) as new:
        labelled.table.to_csv(new / LABELS_FILE, index=False, lineterminator="\n")
        labelled.counts().to_csv(new / COUNTS_FILE, index=False, lineterminator="\n")
        about = json.dumps(strict_json(labelled.about), indent=1, ensure_ascii=False)
        (new / ABOUT_FILE).write_text(about + "\n", encoding="utf-8")
    return folder


def check_place(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that labels cannot be written to, before anything is paid for.

    Parameters
    ----------
    folder, overwrite
        As for `write_labels`.

    Raises
    ------
    InputError
        Where the folder holds something else, or labels that may not be replaced.
    """
    if is_free(folder):
        return
    if not (folder / ABOUT_FILE).is_file():
        problem = Problem("there is something that is not labels in this place", "Choose another", value=str(folder))
        raise InputError(problem, "nothing was labelled")
    if not overwrite:
        problem = Problem("there are labels in this place already", "Choose another, or --overwrite", value=str(folder))
        raise InputError(problem, "nothing was labelled")


def read_labels(folder: Path) -> Labelled:
    """Read the labels of a folder that ``write_labels`` made.

    Parameters
    ----------
    folder
        The folder, or its ``labels.csv``.

    Returns
    -------
    Labelled
        Labels and who labelled.

    Raises
    ------
    InputError
        With everything that is wrong with them.
    """
    from reestim.data.read import Kind, parse_column, read_cells

    path = folder / LABELS_FILE if folder.is_dir() else folder
    about_path = path.parent / ABOUT_FILE
    if not (path.is_file() and about_path.is_file()):
        problem = Problem("these are not labels", "Give the folder that `reestim label` wrote", value=str(folder))
        raise InputError(problem, "the labels cannot be read")
    cells, problems = read_cells(path)
    columns: dict[str, Any] = {}
    for name in ("patent_id", COUNTRY, SECTOR, YEAR, LABEL, "probability", REASON):
        if cells is None or name not in cells:
            problems.append(Problem("the column is missing", "Label again", file=path.name, column=name))
            continue
        kind: Kind = "integer" if name == YEAR else "number" if name == "probability" else "text"
        column: Any = cells[name]
        optional = name in (LABEL, "probability", REASON)
        columns[name], column_problems, _ = parse_column(column, kind, file=path.name, may_be_empty=optional)
        problems += column_problems
        if name == LABEL:
            strange = sorted(set(columns[name]) - {"", *LABELS})
            advice = f"Labels are {', '.join(LABELS)}, or empty"
            problems += [Problem("unknown label", advice, file=path.name, column=name, value=v) for v in strange]
    try:
        about = json.loads(bytes_of(about_path))
    except (OSError, ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        problems.append(Problem("the file is not a JSON object", "Label again", file=ABOUT_FILE))
    if problems or not isinstance(about, dict):
        raise InputError(problems, "the labels cannot be read")
    return Labelled(pd.DataFrame(columns), about)
