"""What a fit needs to know of a PyMC model: its variables in words, draws from its prior, the data it conditions on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pymc as pm
import xarray as xr

from reestim.estimate.variables import attributes


def about(model: pm.Model) -> dict[str, dict[str, str]]:
    """long_name and units of each variable, from `reestim.estimate.variables` or as `set_units` noted them."""
    named = [*model.free_RVs, *model.observed_RVs, *model.deterministics]
    return {
        str(v.name): attributes(str(v.name), getattr(v.tag, "long_name", ""), getattr(v.tag, "units", ""))
        for v in named
    }


def prior(model: pm.Model, draws: int, seed: int) -> xr.Dataset:
    """Draws of the parameters from their prior, one chain; no simulated data."""
    names = [str(v.name) for v in (*model.free_RVs, *model.deterministics)]
    drawn = pm.sample_prior_predictive(
        draws,
        model=model,
        var_names=names,
        random_seed=seed,
        compile_kwargs={"mode": "FAST_COMPILE"},  # run once: compiling would take longer than drawing
    )
    return cast(Any, drawn)["prior"].to_dataset()


def simulated(model: pm.Model, parameters: xr.Dataset, names: list[str], seed: int) -> xr.Dataset:
    """The observed variables ``names`` drawn anew at each draw (chain, draw) of the parameters."""
    found = pm.sample_posterior_predictive(
        xr.DataTree.from_dict({"posterior": parameters}),
        model=model,
        var_names=names,
        random_seed=seed,
        progressbar=False,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )
    return cast(Any, found)["posterior_predictive"].to_dataset()


def observed_data(model: pm.Model, about: Mapping[str, Mapping[str, str]]) -> xr.Dataset:
    """What the likelihood conditions on, with the dims of the model."""
    data, coords = {}, {}
    for rv in model.observed_RVs:
        name = str(rv.name)
        values = np.asarray(cast(Any, model.rvs_to_values[rv]).eval())
        dims = model.named_vars_to_dims.get(name) or [f"{name}_dim_{i}" for i in range(values.ndim)]
        data[name] = (tuple(str(d) for d in dims), values, about[name])
        coords |= {str(d): list(model.coords[d] or ()) for d in dims if d in model.coords}
    return xr.Dataset(data, coords=coords)
