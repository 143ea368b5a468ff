"""Which evidence speaks about what: how far a posterior moves when one kind of evidence gets more or less weight.

Power-scaling (Kallioinen et al. 2024) of each kind by itself, from the draws and log densities that a run keeps:
nothing is fitted again. Where no kind moves a parameter, its posterior is its prior's, or what others leave of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from reestim.checks.power_scaling import power_scaled
from reestim.estimate import kinds
from reestim.estimate.log_terms import terms_of

EVIDENCE_SENSITIVITY = "evidence_sensitivity"
EVIDENCE = "evidence"


def evidence_sensitivity(post: xr.DataTree) -> xr.Dataset | None:
    """Measure how the posterior reacts to the weight of each kind of evidence, and to that of the priors.

    Parameters
    ----------
    post
        A run with its log densities (groups ``log_prior`` and ``log_likelihood``).

    Returns
    -------
    xarray.Dataset or None
        ``sensitivity`` (parameter, evidence), pure numbers: above 0.05 the posterior reacts. Parameters are those of
        `prior_sensitivity`; ``evidence`` holds the kinds that the run conditions on, and ``priors``. None where the run
        keeps no log densities.
    """
    if "log_likelihood" not in post.children:
        return None
    there = post["log_likelihood"].to_dataset()
    held = {kind.name: [one for name in kind.observed for one in terms_of(name, there)] for kind in kinds.KINDS}
    parts: dict[str, dict[str, Any]] = {
        name: {"group": "likelihood", "group_var_names": arrays} for name, arrays in held.items() if arrays
    }
    sensitivity = power_scaled(post, {**parts, "priors": {"group": "prior"}}) if parts else None
    if sensitivity is None:
        return None
    names, values = sensitivity
    about = {"long_name": "power-scaling sensitivity to the weight of one kind of evidence", "units": "1"}
    columns = np.stack(list(values.values()), axis=1)
    return xr.Dataset(
        {"sensitivity": (("parameter", EVIDENCE), columns, about)}, coords={"parameter": names, EVIDENCE: list(values)}
    )
