"""Which evidence speaks about what: how far a posterior moves when one kind of evidence gets more or less weight.

Power-scaling (Kallioinen et al. 2024) of each kind by itself, from the draws and log densities that a run keeps:
nothing is fitted again. Where no kind moves a parameter, its posterior is its prior's, or what others leave of it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from reestim.checks.prior_sensitivity import moving_draws
from reestim.estimate import kinds

GROUP = "evidence_sensitivity"
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
    if not {"log_prior", "log_likelihood"} <= set(post.children):
        return None
    import arviz

    az: Any = arviz  # its names come at run time
    draws = moving_draws(post["posterior"].to_dataset())
    there = set(map(str, post["log_likelihood"].data_vars))
    parts = {kind.name: [name for name in kind.observed if name in there] for kind in kinds.KINDS}
    parts = {name: arrays for name, arrays in parts.items() if arrays}
    if not draws or not parts:
        return None
    log = {name: post[name].to_dataset() for name in ("log_prior", "log_likelihood")}
    flat = xr.concat([draw.drop_attrs() for draw in draws.values()], "parameter", coords="minimal", compat="override")
    tree = xr.DataTree.from_dict({"posterior": flat.rename("value").to_dataset(), **log})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [az.psense(tree, group="likelihood", group_var_names=arrays)["value"] for arrays in parts.values()]
        found.append(az.psense(tree, group="prior")["value"])
    values = np.stack([np.asarray(one.values, float) for one in found], axis=1)
    about = {"long_name": "power-scaling sensitivity to the weight of one kind of evidence", "units": "1"}
    coords = {"parameter": list(draws), EVIDENCE: [*parts, "priors"]}
    return xr.Dataset({"sensitivity": (("parameter", EVIDENCE), values, about)}, coords=coords)
