"""Published event-study effects as evidence: the regression they came from, run on the model's own world.

In a balanced panel with country-sector and country-year effects and one coefficient an event time, a coefficient is the
regression, over sectors within countries, of the change since the reference year on exposure:

    β_k = Σ_cj x̃_cj (ln y_cj,k − ln y_cj,reference) / Σ_cj x̃²_cj

x̃ is exposure in standard deviations less its country mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.country_groups import ALL, country_group
from reestim.data.published_effects import EFFECTS, covariance_matrix, effect_rows
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.evidence.event_design import UNITS

_FILE = f"{EFFECTS}.csv"


def published_study(
    table: pd.DataFrame,
    covariance: pd.DataFrame | None,
    exposure: xr.DataArray,
    policy_year: int,
    *,
    names: Sequence[str],
    years: Sequence[int],
) -> xr.Dataset:
    """Published effects in the shape of ``event_study``: estimate, covariance, linear_map and their coordinates.

    table, covariance: columns of event_study.csv and event_study_covariance.csv; exposure: (country, sector), divided
    by its standard deviation over the countries of an effect; ``names``: outcomes in use; ``years``: years in which
    predictions exist. The covariance is used as it is printed: no correction for few clusters.

    Raises InputError, all problems together.
    """
    rows: Any = effect_rows(table)
    matrix = covariance_matrix(rows, covariance)
    chosen = rows["outcome"].isin(list(names)).to_numpy()
    rows, matrix = rows[chosen], matrix[np.ix_(chosen, chosen)]
    exposure = exposure.transpose(COUNTRY, SECTOR)
    countries = [str(c) for c in exposure[COUNTRY].values]
    problems = [
        Problem("no such outcome", "Add it or leave it out of published_outcomes", file=_FILE, value=name)
        for name in names
        if name not in set(rows["outcome"])
    ]
    maps, labels = [], []
    for line, row in zip(rows.index, rows.itertuples(index=False), strict=True):
        first, last, reference = int(row.event_time), int(row.last_event_time), int(row.reference_event_time)
        window = [policy_year + k for k in range(first, last + 1)]
        without = [t for t in [policy_year + reference, *window] if t not in years]
        place: dict[str, Any] = {"file": _FILE, "row": int(line) + 2, "column": "event_time", "value": first}
        if without:
            advice = (
                f"Leave the row out, or add element prices: relative prices reach from {min(years)} to {max(years)}"
            )
            problems.append(Problem(f"no relative price in {', '.join(map(str, without))}", advice, **place))
            continue
        weight = _within(exposure, country_group(row.countries, countries))
        if weight is None:
            advice = "Choose countries with several, unequally exposed sectors"
            problems.append(Problem(f"exposure does not vary within {row.countries}", advice, **place))
            continue
        time = np.isin(years, window) / len(window) - (np.asarray(years) == policy_year + reference)
        maps.append((weight[:, :, None] * time).ravel())
        where = "" if row.countries == ALL else f" in {row.countries}"
        when = f"{first:+d}" if first == last else f"{first:+d}..{last:+d}"
        labels.append(f"{row.outcome} {when}{where} (published)")
    if problems:
        raise InputError(problems, "the published effects cannot be used")
    cells = pd.MultiIndex.from_product([countries, exposure[SECTOR].values, list(years)], names=[COUNTRY, SECTOR, YEAR])
    return xr.Dataset(
        {
            "estimate": ("effect", rows["estimate"].to_numpy(float), {"long_name": "published effect", "units": UNITS}),
            "covariance": (("effect", "effect_other"), matrix, {"long_name": "covariance of the effects"}),
            "linear_map": (("effect", "observation"), np.array(maps), {"long_name": "regression as a linear map"}),
        },
        coords={
            "effect": labels,
            "effect_other": labels,
            "outcome": ("effect", rows["outcome"].astype(object).to_numpy()),
            "event_time": ("effect", rows["event_time"].to_numpy()),
            "last_event_time": ("effect", rows["last_event_time"].to_numpy()),
            **{name: ("observation", cells.get_level_values(name)) for name in cells.names},
        },
    )


def _within(exposure: xr.DataArray, group: Sequence[str]) -> np.ndarray | None:
    """x̃ / Σx̃² (country, sector), zero outside the group; None where exposure does not vary within its countries."""
    values = exposure.values
    inside = np.isin(exposure[COUNTRY].values, list(group))
    spread = float(values[inside].std(ddof=1))
    net = np.where(inside[:, None], values - values.mean(axis=1, keepdims=True), 0.0)
    if not (spread > 0 and np.abs(net).max() > 1e-12 * np.abs(values).max()):
        return None
    net = net / spread
    return net / (net**2).sum()
