"""Posterior or prior draws as a dataset over chain and draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.errors import InputError, Problem


def thinned(samples: xr.Dataset, number: int | None) -> xr.Dataset:
    """About ``number`` draws in all (None: every one), the same number from each chain, evenly spaced.

    Raises InputError where the number is not positive.
    """
    if number is None:
        return samples
    if number < 1:
        raise InputError(Problem("the number of draws must be positive", "Give at least 1.", value=number))
    per_chain = min(samples.sizes[DRAW], -(-number // samples.sizes[CHAIN]))
    return samples.isel({DRAW: np.linspace(0, samples.sizes[DRAW] - 1, per_chain).round().astype(int)})


def arviz_functions() -> Any:
    """ArviZ, imported when it is first asked for. Its names come at run time, so that no type is known."""
    import arviz

    return arviz
