"""Ranks of a quantity that nobody thought of when the calibration ran: from the kept draws, without another fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import xarray as xr

from reestim.calibration.fit_store import DRAWS, TRUTH, kept_fits
from reestim.calibration.summary import fractional_ranks, join_fits, rank_table, ranks_of
from reestim.dims import DRAW
from reestim.errors import InputError, Problem


def rank_quantity(
    folder: Path, name: str, quantity: Callable[[xr.Dataset], xr.DataArray], seed: int = 1
) -> pd.DataFrame:
    """Rank a function of the parameters, and of welfare, in every fit that a calibration has kept.

    Parameters
    ----------
    folder : Path
        Folder of ``reestim sbc``, finished or not.
    name : str
        Name of the quantity in the table.
    quantity : callable
        From a Dataset of the variables at draws (draw, ...), or at the truth (...), to the quantity with the same dims
        or fewer; the draws must not be mixed.
    seed : int
        Of the uniform numbers that break ties of ranks.

    Returns
    -------
    pandas.DataFrame
        One row, columns as in ``coverage.csv``: elements, coverage of 50 and 90 % intervals, p of uniform ranks.

    Raises
    ------
    InputError
        Where fewer than two fits are kept, or the quantity has no value for each draw.

    Examples
    --------
    >>> from pathlib import Path
    >>> from reestim.calibration.quantity import rank_quantity
    >>> try:
    ...     rank_quantity(Path("no-calibration"), "reach", lambda x: x["kappa"] * (1 + x["spillover"]))
    ... except Exception as error:
    ...     print(type(error).__name__)
    InputError
    """
    fits = kept_fits(folder)
    if len(fits) < 2:
        advice = "Run `reestim sbc` into this folder first"
        raise InputError(Problem("fewer than two simulated datasets are done", advice, value=str(folder)))
    made = []
    for fit in fits:
        drawn, truth = (quantity(fit[group].to_dataset()).rename(name).to_dataset() for group in (DRAWS, TRUTH))
        if set(drawn[name].dims) != {DRAW, *truth[name].dims}:
            advice = f"Let it keep the dimension {DRAW} of the draws, and no other than it has at the truth"
            raise InputError(Problem("the quantity has not one value for each draw", advice, column=name))
        made.append(xr.DataTree.from_dict({DRAWS: drawn, TRUTH: truth}))
    draws, truth = join_fits(made)
    pit = fractional_ranks(ranks_of(draws, truth), int(draws.sizes[DRAW]), seed)
    return rank_table(pit, draws, truth)
