"""The one place that writes ``dataset.toml``, whatever the dataset is made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from reestim.data.meta import DATASET_FILE
from reestim.io.toml_files import value_text

#: What a reader of the file is told beside the name of a table.
HEADINGS = {
    "uncertainty": "how far figures may be off: standard deviations of their logs, by provenance",
    "truth": "parameters behind the synthetic files",
}


def write_meta(
    folder: Path,
    keys: Mapping[str, object],
    *,
    uncertainty: Mapping[str, object] | None = None,
    truth: Mapping[str, object] | None = None,
) -> None:
    """Write the keys of `reestim.data.meta.DatasetMeta` in the order given, then the tables that are not empty.

    Parameters
    ----------
    folder : of the dataset; a file that is there is replaced.
    keys : all keys but the two tables.
    uncertainty, truth : the tables of these names; left out where None or empty.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from reestim.importers.dataset_toml import write_meta
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_meta(pathlib.Path(folder), {"name": "mine", "base_year": 2008}, truth={"kappa": 1.2})
    ...     print((pathlib.Path(folder) / "dataset.toml").read_text())
    name = "mine"
    base_year = 2008
    <BLANKLINE>
    [truth]  # parameters behind the synthetic files
    kappa = 1.2
    <BLANKLINE>
    """
    lines = _lines(keys)
    for name, table in (("uncertainty", uncertainty), ("truth", truth)):
        if table:
            lines += ["", f"[{name}]  # {HEADINGS[name]}", *_lines(table)]
    (folder / DATASET_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def imputed_files(folder: Path) -> list[str]:
    """Files of a dataset with a cell that a rule made, by their column ``source``."""
    sources = {path.name: pd.read_csv(path)["source"].astype(str) for path in sorted(folder.glob("*.csv"))}
    return [name for name, source in sources.items() if source.str.contains("imputed").any()]


def _lines(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {value_text(value)}" for key, value in values.items()]
