"""Log likelihood of each observation and log density of each stated prior, draw by draw: what LOO and psense read."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.estimate.leave_one_out import LEAVE_ONE_OUT, LONGEST, SD, GivenOthers, given_others
from reestim.estimate.model import EstimationModel, Model, adapt

LIKELIHOOD, PRIOR = "log_likelihood", "log_prior"
#: What follows the name of an observed vector, for its joint log density less the sum of those of its observations.
REMAINDER = "_remainder"

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
    """The groups ``log_likelihood``, ``leave_one_out`` and ``log_prior``, those that are not empty.

    ``log_likelihood`` (nats) has one variable per kind of evidence and one value per observation: its density given
    the parameters and, where the errors of a vector covary, given its other observations, which is what LOO asks for
    (`reestim.estimate.leave_one_out`). Those do not sum to the joint density of the vector, which power-scaling asks
    for; ``NAME_remainder`` is what is missing, so that the group sums to the log density of all the evidence. A vector
    of counts that share a total is one observation. Where all that takes more than ``LARGEST_POINTWISE`` bytes, sums
    are kept (``attrs["pointwise"]`` is 0 then). Errors that covary and are not normal, or a vector longer than
    `LONGEST`, keep the terms that the model gives.

    ``log_prior`` holds the priors that the study of the model states, each under its name: effects whose spread is
    estimated belong to the model, and power-scaling must leave them alone. Dims: chain, draw and the model's own.
    """
    model = adapt(model)
    observed, free, dims, labels = dict(model.observed), list(model.free), model.dims, model.coords
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
    vectors = {n: y for n, y in observed.items() if pointwise and y.dtype.kind == "f" and 1 < y.size <= LONGEST}

    def wanted(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, GivenOthers]]:
        def density(seen: dict[str, Any]) -> Any:
            by_name = terms(values | {n: y.reshape(observed[n].shape) for n, y in seen.items()})
            return sum(by_name[n].sum() for n in seen)

        others = given_others(density, {n: y.ravel() for n, y in vectors.items()})
        return {n: v if pointwise and n in observed else v.sum() for n, v in terms(values).items()}, others

    evaluated, others = jax.jit(lambda x: jax.lax.map(wanted, x, batch_size=min(_BATCH, chains * draws)))(flat)
    tied = {n: each for n, each in others.items() if each.tied.any() and each.normal.all()}

    def variable(name: str, values: Any, about: str, units: str = "nats") -> xr.Variable:
        values = np.asarray(values).reshape(chains, draws, *values.shape[1:])
        own = list(dims.get(name) or ())[: values.ndim - 2]
        own += [f"{name}_dim_{i}" for i in range(len(own), values.ndim - 2)]
        return xr.Variable((CHAIN, DRAW, *map(str, own)), values, {"long_name": about, "units": units})

    def group(variables: dict[str, xr.Variable], **attrs: Any) -> xr.Dataset:
        used = {str(d) for v in variables.values() for d in v.dims if d in labels}
        text = {d: list(labels[d]) for d in used}
        coords = {d: np.asarray(v, str) if v and isinstance(v[0], str) else v for d, v in text.items()}
        shared = {name: posterior[name].values for name in (CHAIN, DRAW) if name in posterior.coords}
        return xr.Dataset(variables, coords=coords | shared, attrs=attrs)

    groups = {}
    if observed:
        likelihood: dict[str, xr.Variable] = {}
        for name in observed:
            about, values = f"log likelihood of {name.replace('_', ' ')}", evaluated[name]
            if name in tied:
                about += ", each given the others"
                total = values.reshape(len(values), -1).sum(axis=1)
                values = tied[name].log_density.reshape(-1, *vectors[name].shape)
                missing = total - tied[name].log_density.sum(axis=1)
                rest = f"joint log likelihood of {name.replace('_', ' ')} less the sum of its observations"
                likelihood[f"{name}{REMAINDER}"] = variable(name, missing, rest)
            likelihood[name] = variable(name, values, about)
        groups[LIKELIHOOD] = group(likelihood, pointwise=int(pointwise))
    if tied:
        moments: dict[str, xr.Variable] = {}
        for name, each in tied.items():
            units, words = model.about[name]["units"], model.about[name]["long_name"]
            for end, of, values in (("", "mean", each.mean), (SD, "standard deviation", each.sd)):
                shaped = np.asarray(values, np.float32).reshape(-1, *vectors[name].shape)
                moments[f"{name}{end}"] = variable(name, shaped, f"{words}: {of} given the other observations", units)
        groups[LEAVE_ONE_OUT] = group(moments)
    if untransformed:
        groups[PRIOR] = group(
            {mine: variable(n, evaluated[n], f"log prior density of {mine}") for n, mine in untransformed.items()}
        )
    return groups


def terms_of(name: str, group: xr.Dataset) -> list[str]:
    """Variables of the group ``log_likelihood`` that add up to the joint density of an observed array."""
    return [one for one in (name, f"{name}{REMAINDER}") if one in group]


def rounded(group: xr.Dataset) -> xr.Dataset:
    """Log densities to the nearest multiple of ``RESOLUTION``, which the attribute ``resolution`` states (nats).

    Vectors whose observations are given the others are few and stay as they are: an effect that parameters hardly move
    would have one value in all draws, and Pareto smoothing (`az.loo_pit`) cannot be done on that.
    """
    whole = {name for name in map(str, group.data_vars) if f"{name}{REMAINDER}" in group}
    kept = {
        name: values if str(name) in whole else (values / RESOLUTION).round() * RESOLUTION
        for name, values in group.data_vars.items()
    }
    return group.assign({name: values.assign_attrs(group[name].attrs) for name, values in kept.items()}).assign_attrs(
        group.attrs, resolution=RESOLUTION
    )
