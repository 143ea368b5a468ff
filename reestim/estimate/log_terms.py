"""Log likelihood of each observation and log density of each stated prior, draw by draw: what LOO and psense read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.estimate.numpyro_model import NumpyroModel

LIKELIHOOD, PRIOR = "log_likelihood", "log_prior"

#: Larger than this (bytes), the log likelihood is kept summed over the observations of each kind: enough for
#: power-scaling, not for LOO.
LARGEST = 400e6
#: Draws computed at once.
_BATCH = 64
#: μ is sampled less its ridge; the density of what is sampled given κ is the stated prior of μ (see elasticity).
_ALONG_RIDGE = "_along_ridge"

_Terms = Callable[[dict[str, Any]], dict[str, Any]]


def log_terms(model: pm.Model | NumpyroModel, posterior: xr.Dataset, stated: Collection[str]) -> dict[str, xr.Dataset]:
    """The groups ``log_likelihood`` and ``log_prior``, those that are not empty; dims chain, draw and the model's own.

    ``log_likelihood`` (nats) has one variable per kind of evidence and one value per observation (a vector of event
    effects with a joint covariance is one observation), unless that takes more than ``LARGEST`` bytes
    (``attrs["pointwise"]`` is 0 then). ``log_prior`` holds the priors that the study states (``stated``), each under
    its name: effects whose spread is estimated belong to the model, and power-scaling must leave them alone.
    """
    if isinstance(model, pm.Model):
        observed, free = [str(v.name) for v in model.observed_RVs], [str(v.name) for v in model.free_RVs]
        dims: Any = model.named_vars_to_dims
        labels = {str(d): v for d, v in model.coords.items() if v is not None}
    else:
        observed, free, dims, labels = list(model.observed), list(model.free), model.dims, model.coords
    known = {name: name.removesuffix(_ALONG_RIDGE) for name in free if name.removesuffix(_ALONG_RIDGE) in stated}
    if not observed and not known:
        return {}
    terms = (
        _of_pymc(model, observed, list(known))
        if isinstance(model, pm.Model)
        else _of_numpyro(model, observed, list(known))
    )
    chains, draws = posterior.sizes[CHAIN], posterior.sizes[DRAW]
    lead = posterior[free].transpose(CHAIN, DRAW, ...)
    flat = {n: jnp.asarray(lead[n].values.reshape(chains * draws, *lead[n].shape[2:])) for n in free}
    one = jax.eval_shape(terms, {name: value[0] for name, value in flat.items()})
    pointwise = sum(one[name].size for name in observed) * 8 * chains * draws <= LARGEST

    def wanted(values: dict[str, Any]) -> dict[str, Any]:
        found = terms(values)
        return {n: v if pointwise and n in observed else v.sum() for n, v in found.items()}

    found = jax.jit(lambda x: jax.lax.map(wanted, x, batch_size=min(_BATCH, chains * draws)))(flat)

    def variable(name: str, about: str) -> xr.Variable:
        values = np.asarray(found[name]).reshape(chains, draws, *found[name].shape[1:])
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
    if known:
        groups[PRIOR] = group({mine: variable(n, f"log prior density of {mine}") for n, mine in known.items()})
    return groups


def _of_pymc(model: pm.Model, observed: list[str], priors: list[str]) -> _Terms:
    """Terms as functions of the variables on their own scale: priors as stated, without Jacobians."""
    from pymc.model.transform.conditioning import remove_value_transforms
    from pymc.sampling.jax import get_jaxified_graph

    plain = remove_value_transforms(model)
    names = [*observed, *priors]
    outputs: Any = plain.logp(vars=[cast(Any, plain[name]) for name in names], sum=False, jacobian=False)
    graph: Any = get_jaxified_graph(inputs=plain.value_vars, outputs=outputs)
    inputs = [str(plain.values_to_rvs[v].name) for v in plain.value_vars]
    kinds = {str(plain.values_to_rvs[v].name): v.type.dtype for v in plain.value_vars}
    return lambda x: dict(zip(names, graph(*(x[name].astype(kinds[name]) for name in inputs)), strict=True))


def _of_numpyro(model: NumpyroModel, observed: list[str], priors: list[str]) -> _Terms:
    from numpyro import handlers

    def terms(values: dict[str, Any]) -> dict[str, Any]:
        trace = handlers.trace(handlers.substitute(model, values)).get_trace()
        out = {}
        for name in (*observed, *priors):
            site = trace[name]
            each = site["fn"].base_dist if type(site["fn"]).__name__ == "Independent" else site["fn"]
            out[name] = each.log_prob(site["value"])
        return out

    return terms
