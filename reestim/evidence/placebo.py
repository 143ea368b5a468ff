"""Placebo years: the same event study where nothing happened, on the years before the policy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from reestim.dims import YEAR
from reestim.errors import InputError
from reestim.evidence.estimators import TWO_WAY, estimate_path
from reestim.evidence.event_design import event_design
from reestim.evidence.path_summary import interval

if TYPE_CHECKING:
    from reestim.evidence.event_options import EventStudyOptions

_EARLIEST = -100


def placebo_rows(
    frame: Any, dose: xr.DataArray, name: str, chosen: EventStudyOptions, *, counts: bool
) -> list[dict[str, Any]]:
    """Mean effect (two_way) over event times 0 to ``horizon``, for the policy year and each pretended year before it.

    The horizon is that of the panel after the policy, or the longest that leaves a pretended year. A pretended year
    uses no year from the policy on, and has one year at least before its reference. Years that cannot be estimated are
    not rows.
    """
    years = sorted(set(frame[YEAR]))
    policy, reference = chosen.policy_year, chosen.reference
    horizon = max(years) - policy
    first = min(years) - reference + 1
    last = policy - 1
    if horizon < 0 or first > last:
        return []
    horizon = min(horizon, last - first)
    rows = []
    for year in [*range(first, policy - horizon), policy]:
        until = year + horizon if year == policy else policy - 1
        if not {year + reference, *range(year, year + horizon + 1)} <= set(years):
            continue
        windows = ((_EARLIEST, reference - 1), (0, horizon), (horizon + 1, -_EARLIEST))
        try:
            setting = event_design(
                frame[frame[YEAR] <= until],
                dose,
                year,
                names=[name],
                reference=reference,
                windows=windows,
                exposure_sd=chosen.exposure_sd,
                cluster=chosen.cluster,
                counts=[name] if counts else (),
            )
            path = estimate_path(setting, TWO_WAY, counts=counts)
        except InputError:
            continue
        place = path.windows.index((0, horizon))
        effect = interval(float(path.estimate[place]), float(path.covariance[place, place] ** 0.5), path.n_clusters)
        rows.append({"pretended_year": year, "true": year == policy, "horizon": horizon} | effect)
    return rows
