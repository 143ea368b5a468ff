"""Log likelihood of each observation and log density of each stated prior, draw by draw: what LOO and psense read."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.estimate.model import EstimationModel, Model, adapt

LIKELIHOOD, PRIOR = "log_likelihood", "log_prior"

#: Larger than this (bytes), the log likelihood is kept summed over the observations of each kind: enough for
#: power-scaling, not for LOO.
LARGEST_POINTWISE = 400e6
#: Log likelihoods of a run are kept to this many nats: far below the Monte-Carlo error of whatever is computed from
#: them, and in a third of the space.
RESOLUTION = 2.0**-13
#: Draws computed at once.
_BATCH = 64
#: μ is sampled less its ridge; the density of what is sampled given κ is the stated prior of μ (see elasticity).
_ALONG_RIDGE = "_along_ridge"


def log_terms(model: Model | EstimationModel, posterior: xr.Dataset) -> dict[str, xr.Dataset]:
    """The groups ``log_likelihood`` and ``log_prior``, those that are not empty; dims chain, draw and the model's own.

    ``log_likelihood`` (nats) has one variable per kind of evidence and one value per observation (a vector of event
    effects with a joint covariance is one observation), unless that takes more than ``LARGEST_POINTWISE`` bytes
    (``attrs["pointwise"]`` is 0 then). ``log_prior`` holds the priors that the study of the model states, each under
    its name: effects whose spread is estimated belong to the model, and power-scaling must leave them alone.
    """
    model = adapt(model)
    observed, free, dims, labels = list(model.observed), list(model.free), model.dims, model.coords
    stated = model.study.stated if model.study else ()
    untransformed = {
        name: name.removesuffix(_ALONG_RIDGE) for name in free if name.removesuffix(_ALONG_RIDGE) in stated
    }
    if not observed and not untransformed:
        return {}
    terms = model.log_terms([*observed, *untransformed])
    chains, draws = posterior.sizes[CHAIN], posterior.sizes[DRAW]
    lead = posterior[free].transpose(CHAIN, DRAW, ...)
    flat = {n: jnp.asarray(lead[n].values.reshape(chains * draws, *lead[n].shape[2:])) for n in free}
    one = jax.eval_shape(terms, {name: value[0] for name, value in flat.items()})
    pointwise = sum(one[name].size for name in observed) * 8 * chains * draws <= LARGEST_POINTWISE

    def wanted(values: dict[str, Any]) -> dict[str, Any]:
        by_term = terms(values)
        return {n: v if pointwise and n in observed else v.sum() for n, v in by_term.items()}

    evaluated = jax.jit(lambda x: jax.lax.map(wanted, x, batch_size=min(_BATCH, chains * draws)))(flat)

    def variable(name: str, about: str) -> xr.Variable:
        values = np.asarray(evaluated[name]).reshape(chains, draws, *evaluated[name].shape[1:])
        own = list(dims.get(name) or ())[: values.ndim - 2]
        own += [f"{name}_dim_{i}" for i in range(len(own), values.ndim - 2)]
        return xr.Variable((CHAIN, DRAW, *map(str, own)), values, {"long_name": about, "units": "nats"})

    def group(variables: dict[str, xr.Variable], **attrs: Any) -> xr.Dataset:
        used = {str(d) for v in variables.values() for d in v.dims if d in labels}
        text = {d: list(labels[d]) for d in used}
        coords = {d: np.asarray(v, str) if v and isinstance(v[0], str) else v for d, v in text.items()}
        shared = {name: posterior[name].values for name in (CHAIN, DRAW) if name in posterior.coords}
        return xr.Dataset(variables, coords=coords | shared, attrs=attrs)

    groups = {}
    if observed:
        about = {name: variable(name, f"log likelihood of {name.replace('_', ' ')}") for name in observed}
        groups[LIKELIHOOD] = group(about, pointwise=int(pointwise))
    if untransformed:
        groups[PRIOR] = group({mine: variable(n, f"log prior density of {mine}") for n, mine in untransformed.items()})
    return groups


def rounded(group: xr.Dataset) -> xr.Dataset:
    """Log densities to the nearest multiple of ``RESOLUTION``, which the attribute ``resolution`` states (nats)."""
    return group.map(lambda values: (values / RESOLUTION).round() * RESOLUTION, keep_attrs=True).assign_attrs(
        group.attrs, resolution=RESOLUTION
    )
