"""Published elasticities of substitution as evidence: what each is about, and what the structure predicts for it.

An elasticity is that of one sector or of all together, at a horizon: within months σ·s, over a year σ, in the long run
σ_L (equation (2a)). Of all sectors it is their mean with the value of the rare earths they use as weights: with that an
aggregate's share of cost answers, to first order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.schemas import ALL_SECTORS, HORIZONS
from reestim.dims import COUNTRY, SECTOR
from reestim.errors import InputError, Problem

FILE = "published_moments.csv"
MONTHS, YEAR_AHEAD, LONG = HORIZONS


def moment_arrays(table: pd.DataFrame, value: xr.DataArray) -> xr.Dataset:
    """Rows of ``published_moments.csv`` as arrays over ``moment``.

    Parameters
    ----------
    table
        Columns sector (or ``all``), horizon, estimate, std_error.
    value
        Rare earths used by the sectors of the model (country, sector), million US$: the weights of ``all``.

    Returns
    -------
    xarray.Dataset
        ``moment_estimate`` and ``moment_error`` (moment), ``moment_weight`` (moment, sector), ``moment_horizon``
        (moment; position in ``HORIZONS``).

    Raises
    ------
    InputError
        For each sector that uses no rare earths.

    Examples
    --------
    >>> import pandas as pd
    >>> import xarray as xr
    >>> from reestim.evidence.published_moments import moment_arrays
    >>> table = pd.DataFrame({"sector": ["all"], "horizon": ["year"], "estimate": [0.4], "std_error": [0.2]})
    >>> value = xr.DataArray([[1.0, 3.0]], {"country": ["USA"], "sector": ["glass", "motors"]}, ("country", "sector"))
    >>> moment_arrays(table, value)["moment_weight"].values.tolist()
    [[0.25, 0.75]]
    """
    users = [str(s) for s in value[SECTOR].values]
    world = value.sum(COUNTRY).values
    advice = f"Name a sector that does, or {ALL_SECTORS}"
    problems = [
        Problem("this sector uses no rare earths", advice, file=FILE, value=s)
        for s in dict.fromkeys(table[SECTOR])
        if s not in (*users, ALL_SECTORS)
    ]
    if problems:
        raise InputError(problems, "the published elasticities cannot be used")
    weight = [world / world.sum() if s == ALL_SECTORS else (np.array(users) == s).astype(float) for s in table[SECTOR]]
    number = table.groupby([SECTOR, "horizon"], sort=False).cumcount()
    again = table.duplicated([SECTOR, "horizon"], keep=False)
    labels = [
        f"{s}, {h}" + (f" ({n + 1})" if several else "")
        for s, h, n, several in zip(table[SECTOR], table["horizon"], number, again, strict=True)
    ]
    return xr.Dataset(
        {
            "moment_estimate": ("moment", table["estimate"].to_numpy(float), {"long_name": "published elasticity"}),
            "moment_error": ("moment", table["std_error"].to_numpy(float), {"long_name": "its standard error"}),
            "moment_weight": (("moment", SECTOR), np.array(weight), {"long_name": "weight of a sector"}),
            "moment_horizon": ("moment", [HORIZONS.index(h) for h in table["horizon"]], {"long_name": "horizon"}),
        },
        coords={"moment": labels, SECTOR: users},
    )


def predicted_moments(data: xr.Dataset, sigma: Any, long_run: Any, impact_ratio: Any) -> Any:
    """What the structure predicts for each published elasticity (moment): weighted σ·s, σ or σ_L by its horizon.

    ``sigma``, ``long_run``: σ and σ_L (sector); ``impact_ratio``: s.
    """
    weight = data["moment_weight"].transpose("moment", SECTOR).values
    at = [(data["moment_horizon"].values == k).astype(float) for k in range(len(HORIZONS))]
    short_run, later = (weight * sigma).sum(axis=-1), (weight * long_run).sum(axis=-1)
    return (at[0] * impact_ratio + at[1]) * short_run + at[2] * later
