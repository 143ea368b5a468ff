"""Inventions that belong to several countries and sectors: their parts, and whole numbers made of sums of parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.dims import COUNTRY, SECTOR
from reestim.errors import InputError, Problem

FILE = "patent_shares.parquet"
COLUMNS = ("patent_id", COUNTRY, SECTOR, "share")
#: Of the uniform number that decides which cells are rounded up.
SEED = 2010
_TOLERANCE = 1e-6


def read_shares(path: Path, patents: pd.DataFrame) -> pd.DataFrame | None:
    """Parts of the patents of a file (or of a folder with one), or None where no ``patent_shares.parquet`` lies beside.

    path : of the patents. patents : as ``read_patents`` returns them.

    Returns
    -------
    Columns ``patent_id, country, sector, share``; the shares of a patent sum to 1.

    Raises
    ------
    InputError
        Listing columns that are missing, patents without shares, and shares that do not sum to 1.
    """
    file = (path if path.is_dir() else path.parent) / FILE
    if not file.is_file():
        return None
    try:
        table = pd.read_parquet(file)
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        problem = Problem(f"the file is not Parquet ({type(error).__name__})", "Import the patents again", file=FILE)
        raise InputError(problem, "the shares cannot be used") from None
    advice = f"It needs {', '.join(COLUMNS)}: import the patents again, or move the file away"
    if missing := [name for name in COLUMNS if name not in table]:
        problems = [Problem("the column is missing", advice, file=FILE, column=name) for name in missing]
        raise InputError(problems, "the shares cannot be used")
    own = table.loc[table["patent_id"].isin(patents["patent_id"]), list(COLUMNS)].reset_index(drop=True)
    share: Any = pd.to_numeric(own["share"], errors="coerce")
    total = share.groupby(own["patent_id"]).sum().reindex(patents["patent_id"]).fillna(0.0)
    wrong = total[(total - 1).abs() > _TOLERANCE]
    problems = [
        Problem("the shares of the patent do not sum to 1", f"They sum to {value:g}. {advice}", file=FILE, value=name)
        for name, value in wrong.items()
    ]
    if not (share > 0).all():
        problems.append(Problem("a share that is not above 0", advice, file=FILE, column="share"))
    if problems:
        raise InputError(problems, "the shares cannot be used")
    return own.assign(share=share.astype(float))


def whole_counts(sums: np.ndarray, seed: int = SEED) -> np.ndarray:
    """Whole numbers near sums of shares, in their order: systematic rounding.

    With C the running total and one uniform number u, a cell gets floor(C + u) less the same of the cell before. Each
    cell is rounded up or down, right on average over u; the total of any cells that stand together is off by less
    than 1.

    Parameters
    ----------
    sums : (cell,) 0 or more.
    seed : of u.

    Returns
    -------
    (cell,) int64.
    """
    running = np.round(np.cumsum(sums), 9) + np.random.default_rng(seed).uniform()
    return np.diff(np.floor(running), prepend=0.0).astype(np.int64)
