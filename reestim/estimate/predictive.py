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
#: Larger than this (bytes), fewer draws are used, as log likelihoods are summed there (`log_terms.LARGEST_POINTWISE`).
_LARGEST = 400e6


def prior_predictive(model: Model, seed: int, draws: int = PRIOR_DRAWS) -> xr.DataTree:
    """Draw parameters and data from the prior: what the study holds to be possible before it sees any data.

    Welfare before the data: ``ree.counterfactual(economy, scenarios, post, group="prior")``.

    Parameters
    ----------
    model : pm.Model or NumpyroModel
        From `build`.
    seed : int
        All randomness comes from it.
    draws : int
        Draws of the parameters; data are made at 200 of them.

    Returns
    -------
    xarray.DataTree
        Groups ``prior`` (chain, draw, and the dims of each parameter), ``prior_predictive`` (chain, draw, and the dims
        of each kind of data), ``observed_data`` and ``constant_data``, as ``az.plot_ppc_dist(post,
        group="prior_predictive")`` reads them. Units are in the attributes of each variable.

    Raises
    ------
    InputError
        If the model conditions on no data, ``draws`` is not positive, or draws of the prior are infinite.

    Examples
    --------
    >>> import pymc as pm
    >>> import reestim as ree
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x")
    ...     y = pm.Normal("y", x, observed=[1.0, 2.0])
    >>> post = ree.prior_predictive(model, seed=1, draws=400)
    >>> dict(post["prior"].sizes), post["prior_predictive"]["y"].shape
    ({'chain': 1, 'draw': 400}, (1, 200, 2))
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
    """Draw the data that the model would make after it has seen the evidence.

    Parameters
    ----------
    model : pm.Model or NumpyroModel
        The one that ``post`` was fitted with.
    post : xarray.DataTree
        From `fit`.
    seed : int
        All randomness comes from it.
    draws : int, optional
        How many sets of data in all, evenly spaced over each chain. Default: one for every posterior draw, so that
        ``az.plot_loo_pit`` finds them side by side, or fewer where they would take more than 400 MB.

    Returns
    -------
    xarray.DataTree
        A copy of ``post`` with the group ``posterior_predictive`` (chain, draw, and the dims of each kind of data).
        Whole numbers stay whole; units are those of what was observed.

    Raises
    ------
    InputError
        If the model conditions on no data.

    Examples
    --------
    >>> import numpy as np
    >>> import pymc as pm
    >>> import reestim as ree
    >>> import xarray as xr
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x")
    ...     y = pm.Normal("y", x, observed=[1.0, 2.0])
    >>> draws = xr.Dataset({"x": (("chain", "draw"), np.ones((2, 50)))}, {"chain": [0, 1], "draw": range(50)})
    >>> post = ree.posterior_predictive(model, xr.DataTree.from_dict({"posterior": draws}), seed=1)
    >>> post["posterior_predictive"]["y"].shape
    (2, 50, 2)
    """
    out = post.copy()
    out["posterior_predictive"] = xr.DataTree(simulated(model, post["posterior"].to_dataset(), seed, draws))
    return out


def simulated(model: Model, parameters: xr.Dataset, seed: int, draws: int | None = None) -> xr.Dataset:
    """Make data at draws of the parameters.

    Parameters
    ----------
    model
        From `reestim.build`, or a ``pm.Model``.
    parameters
        Draws (chain, draw, ...) of what the model samples.
    seed
        All randomness comes from it.
    draws
        How many of the draws, evenly spaced; default: all, or fewer where the data would take more than 400 MB.

    Returns
    -------
    xarray.Dataset
        Named as what was observed (chain, draw, ...); whole numbers stay whole.

    Raises
    ------
    InputError
        Where the model conditions on no data.
    """
    adapted = adapt(model)
    names = list(adapted.observed)
    if not names:
        raise InputError(Problem("the model conditions on no data", "Switch a kind of evidence on in the study"))
    about = adapted.about
    at_most = max(1, int(_LARGEST / (8 * sum(np.size(values) for values in adapted.observed.values()))))
    chosen = thinned(parameters, min(draws or at_most, at_most))
    simulated = adapted.simulated(chosen, seed)
    out = xr.Dataset({n: simulated[n].astype(_smallest(simulated[n])).assign_attrs(about[n]) for n in names})
    return arviz_attributes(plain_labels(out), adapted.language)


def _smallest(values: xr.DataArray) -> Any:
    """Type that holds whole numbers in half the space, where they fit."""
    whole = values.dtype.kind in "iu" and bool(np.abs(values).max() < 2**31)
    return np.int32 if whole else values.dtype
