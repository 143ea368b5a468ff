"""Leave-one-out predictions of observations whose errors covary, as ArviZ reads them.

ArviZ's LOO (`az.loo`, `az.plot_loo_pit`) weighs the draws by 1/p(y_i | y_−i, θ). Of independent observations that is
their own density; of jointly normal ones, such as the effects of an event study, it is that of y_i *given the others*
(Bürkner, Gabry and Vehtari 2021). With Q the inverse of the covariance and g = Q(y − μ), y_i given the others is normal
with mean y_i − g_i/Q_ii and variance 1/Q_ii. Both are derivatives of the joint log density in y: g = −∂ℓ, Q = −∂²ℓ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from reestim.errors import InputError, Problem

#: The group of a run: mean and standard deviation of each observation given the others, draw by draw.
LEAVE_ONE_OUT = "leave_one_out"
#: What follows the name of an observed vector in that group, for its standard deviation.
SD = "_sd"
#: Vectors up to this length: the second derivatives of longer ones, for a batch of draws, do not fit in memory.
LONGEST = 800
#: Relative size below which a number of the second derivatives is rounding.
_ROUNDING = 1e-7


class GivenOthers(NamedTuple):
    """One draw: each observation given the others, and whether the formulas hold for this density."""

    log_density: Any  # (observation), nats
    mean: Any  # (observation), units of the observation
    sd: Any  # (observation), same units
    tied: Any  # whether any two observations covary
    normal: Any  # whether the joint density is that of a normal vector


def given_others(
    log_density: Callable[[dict[str, Any]], Any], values: Mapping[str, np.ndarray]
) -> dict[str, GivenOthers]:
    """Each observation of jointly normal vectors given the others of its vector, in closed form.

    Parameters
    ----------
    log_density
        Log density of all the vectors together, which are independent of each other, nats.
    values
        What was observed, (observation) by vector.

    Returns
    -------
    dict of GivenOthers
        By vector. Where ``normal`` is false, the rest is not to be used.
    """
    if not values:
        return {}
    seen = {name: jnp.asarray(y) for name, y in values.items()}
    gradient = jax.grad(log_density)
    slope, curve = jax.linearize(gradient, seen)
    longest = max(len(y) for y in seen.values())  # vectors do not interact: one direction serves all of them
    second = jax.vmap(curve)({name: jnp.eye(longest, len(y)) for name, y in seen.items()})
    step = {name: 1.0 + jnp.abs(y) for name, y in seen.items()}
    elsewhere = gradient({name: y + step[name] for name, y in seen.items()})
    out = {}
    for name, y in seen.items():
        precision = -second[name][: len(y)]
        weight = jnp.diagonal(precision)
        sd, error = weight**-0.5, -slope[name] / weight
        expected = slope[name] - precision @ step[name]  # of a normal density the slope is linear
        off = jnp.abs(elsewhere[name] - expected).max() / jnp.abs(precision * step[name]).sum(axis=1).max()
        correlation = precision * sd[:, None] * sd[None, :] - jnp.eye(len(y))
        out[name] = GivenOthers(
            -0.5 * (error / sd) ** 2 - jnp.log(sd) - 0.5 * np.log(2 * np.pi),
            y - error,
            sd,
            jnp.abs(correlation).max() > _ROUNDING,
            (off < _ROUNDING) & (weight > 0).all(),
        )
    return out


def leave_one_out(post: xr.DataTree, seed: int) -> xr.DataTree:
    """Make the run as ArviZ's leave-one-out functions read it: each observation predicted from the others.

    ``az.plot_loo_pit`` sets an observation beside the group ``posterior_predictive``. A run has whole sets of simulated
    data there. Where errors covary, the other observations say what the error of the one left out is likely to be, and
    its prediction is narrower: here it is drawn from p(y_i | y_−i, θ). Observations that are independent given the
    parameters keep the draws that they have.

    Parameters
    ----------
    post : xarray.DataTree
        From `fit`, with `posterior_predictive`, in this session or loaded.
    seed : int
        All randomness comes from it.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``observed_data``, ``log_likelihood`` and ``posterior_predictive``. It is not for
        ``az.plot_ppc_dist`` and the like, which take whole sets of data: they take ``post``.

    Raises
    ------
    InputError
        Where the run has no predictive draws, or no log densities of single observations.

    Examples
    --------
    >>> import pymc as pm
    >>> import reestim as ree
    >>> from reestim.study.spec import Gates, Sampler
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x")
    ...     covariance = [[1.0, 0.9], [0.9, 1.0]]
    ...     y = pm.MvNormal("y", mu=[0.0, 0.0] + x, cov=covariance, observed=[0.3, 0.4])
    >>> few = Sampler(draws=200, tune=200, chains=2)
    >>> post = ree.fit(model, few, seed=1, progress=False, gates=Gates(min_ess=1, max_r_hat=2))
    >>> post = ree.posterior_predictive(model, post, seed=1)
    >>> alone = ree.leave_one_out(post, seed=1)
    >>> narrow, wide = (float(t["posterior_predictive"]["y"].std()) for t in (alone, post))
    >>> narrow < wide
    True
    """
    needed = ("posterior", "observed_data", "log_likelihood", "posterior_predictive")
    absent = [name for name in needed if name not in post.children]
    if absent or not int(post["log_likelihood"].attrs.get("pointwise", 1)):
        advice = "Fit it, and add ree.posterior_predictive(model, post, seed); very large studies keep sums only"
        problem = Problem("this run cannot leave one observation out", advice, value=", ".join(absent) or "sums only")
        raise InputError(problem, "there are no leave-one-out predictions")
    predicted = post["posterior_predictive"].to_dataset()
    if LEAVE_ONE_OUT in post.children:
        known, rng = post[LEAVE_ONE_OUT].to_dataset(), np.random.default_rng(seed)
        for name in sorted(str(n) for n in known.data_vars if f"{n}{SD}" in known):
            own = known[[name, f"{name}{SD}"]].sel(chain=predicted["chain"], draw=predicted["draw"])
            noise = rng.standard_normal(own[name].shape)
            drawn = (own[name] + own[f"{name}{SD}"] * noise).astype(float)
            predicted[name] = drawn.assign_attrs(predicted[name].attrs)
    groups = {name: post[name].to_dataset() for name in needed} | {"posterior_predictive": predicted}
    return xr.DataTree.from_dict(groups)
