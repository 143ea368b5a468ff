"""Data that the model would make: prior and posterior predictive draws, in the groups that ArviZ reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from reestim.draws import thinned
from reestim.errors import InputError, Problem
from reestim.estimate.fit import PRIOR_DRAWS, arviz_attributes, plain_labels, prior_draws
from reestim.estimate.model import Model, adapt

#: Draws of the prior whose data are made: enough for a 90 % interval and a tail probability to two digits.
PRIOR_PREDICTIVE_DRAWS = 200
#: Larger than this (bytes), fewer draws are used, as log likelihoods are summed there (`log_terms.LARGEST`).
_LARGEST = 400e6


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
    study, library = adapted.study, adapted.language
    groups = {
        "prior": arviz_attributes(prior, library),
        "prior_predictive": simulated(model, prior, seed, PRIOR_PREDICTIVE_DRAWS),
        "observed_data": arviz_attributes(adapted.observed_data(), library, ()),
    }
    if study is not None:
        groups["constant_data"] = arviz_attributes(study.inputs, library, ())
    return xr.DataTree.from_dict(groups)


def posterior_predictive(model: Model, post: xr.DataTree, seed: int, draws: int | None = None) -> xr.DataTree:
    """A copy of ``post`` with the group ``posterior_predictive`` (chain, draw, and the dims of each kind of data).

    One set of data for every posterior draw, so that ``az.plot_loo_pit`` finds them side by side; with ``draws``, or
    where they would take more than 400 MB, as many in all, evenly spaced over each chain. Raises InputError where the
    model conditions on no data.
    """
    out = post.copy()
    out["posterior_predictive"] = xr.DataTree(simulated(model, post["posterior"].to_dataset(), seed, draws))
    return out


def simulated(model: Model, parameters: xr.Dataset, seed: int, draws: int | None = None) -> xr.Dataset:
    """Data made by the model at the draws (chain, draw, ...) of the parameters, or at ``draws`` of them, named as what
    was observed.

    Whole numbers stay whole. Raises InputError where the model conditions on no data.
    """
    adapted = adapt(model)
    names = list(adapted.observed)
    if not names:
        raise InputError(Problem("the model conditions on no data", "Switch a kind of evidence on in the study"))
    about = adapted.about
    at_most = max(1, int(_LARGEST / (8 * sum(np.size(values) for values in adapted.observed.values()))))
    chosen = thinned(parameters, min(draws or at_most, at_most))
    found = adapted.simulated(chosen, seed)
    out = xr.Dataset({n: found[n].astype(_smallest(found[n])).assign_attrs(about[n]) for n in names})
    return arviz_attributes(plain_labels(out), adapted.language)


def _smallest(values: xr.DataArray) -> Any:
    """Type that holds whole numbers in half the space, where they fit."""
    whole = values.dtype.kind in "iu" and bool(np.abs(values).max() < 2**31)
    return np.int32 if whole else values.dtype
