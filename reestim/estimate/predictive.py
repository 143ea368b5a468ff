"""Data that the model would make: prior and posterior predictive draws, in the groups that ArviZ reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.draws import thinned
from reestim.errors import InputError, Problem
from reestim.estimate.fit import PRIOR_DRAWS, plain_labels, prior_draws
from reestim.estimate.model import Model, adapt

#: Draws whose data are made: enough for a 90 % interval and a tail probability to two digits.
PREDICTIVE_DRAWS = 200
#: Larger than this (bytes), fewer draws are used.
_LARGEST = 200e6


def prior_predictive(model: Model, seed: int, draws: int = PRIOR_DRAWS) -> xr.DataTree:
    """What the study holds to be possible before it sees any data.

    Returns the groups ``prior`` (chain, draw, ...: ``draws`` draws of all parameters), ``prior_predictive`` (data made
    at 200 of them), ``observed_data`` and ``constant_data``, as ``az.plot_ppc_dist(post, group="prior_predictive")``
    and others read them. Welfare before the data: ``ree.counterfactual(economy, scenarios, post, group="prior")``.

    Raises InputError where the model conditions on no data, or ``draws`` is not positive.
    """
    if draws < 1:
        raise InputError(Problem("the number of draws must be positive", "Give at least 1", value=draws))
    prior = prior_draws(model, draws, seed)
    adapted = adapt(model)
    observed = adapted.observed_data()
    groups = {"prior": prior, "prior_predictive": simulated(model, prior, seed), "observed_data": observed}
    study = adapted.study
    return xr.DataTree.from_dict(groups if study is None else groups | {"constant_data": study.inputs})


def posterior_predictive(model: Model, post: xr.DataTree, seed: int, draws: int = PREDICTIVE_DRAWS) -> xr.DataTree:
    """A copy of ``post`` with the group ``posterior_predictive`` (chain, draw, and the dims of each kind of data).

    ``draws`` in all, evenly spaced over each chain. Raises InputError where the model conditions on no data.
    """
    out = post.copy()
    out["posterior_predictive"] = xr.DataTree(simulated(model, post["posterior"].to_dataset(), seed, draws))
    return out


def simulated(model: Model, parameters: xr.Dataset, seed: int, draws: int = PREDICTIVE_DRAWS) -> xr.Dataset:
    """Data made by the model at ``draws`` of the parameters (chain, draw, ...), named as what was observed.

    Whole numbers stay whole. Raises InputError where the model conditions on no data.
    """
    adapted = adapt(model)
    names = list(adapted.observed)
    if not names:
        raise InputError(Problem("the model conditions on no data", "Switch a kind of evidence on in the study"))
    about = adapted.about
    at_most = max(1, int(_LARGEST / (8 * sum(np.size(values) for values in adapted.observed.values()))))
    chosen = thinned(parameters, min(draws, at_most))
    found = adapted.simulated(chosen, seed)
    out = xr.Dataset({n: found[n].astype(_smallest(found[n])).assign_attrs(about[n]) for n in names})
    out.attrs = {"sample_dims": [CHAIN, DRAW]}
    return plain_labels(out)


def _smallest(values: xr.DataArray) -> Any:
    """Type that holds whole numbers in half the space, where they fit."""
    whole = values.dtype.kind in "iu" and bool(np.abs(values).max() < 2**31)
    return np.int32 if whole else values.dtype
