"""Log likelihood and log prior of every draw: PyMC and NumPyro agree, and together they are the density sampled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from reestim.estimate import fit as fitting
from reestim.estimate.log_terms import log_terms
from tests.recovery.study import default_spec, inputs_of


def test_terms_of_both_languages_agree_and_are_those_of_the_model() -> None:
    inputs = inputs_of(seed=0, countries=3)[0]
    spec = default_spec()
    model = fitting.build(spec, inputs)
    assert isinstance(model, pm.Model)
    twin_spec = spec.model_copy(update={"model": "substitution_numpyro.py"})
    twin: Any = fitting.build(twin_spec, inputs)
    prior = twin.prior(3, seed=1)
    mine = log_terms(model, prior, tuple(spec.priors))
    other = log_terms(twin, prior, tuple(spec.priors))
    assert set(mine) == {"log_likelihood", "log_prior"}
    assert set(mine["log_likelihood"].data_vars) == {str(v.name) for v in model.observed_RVs}
    assert {"kappa", "mu", "tau", "confusion"} <= set(mine["log_prior"].data_vars)
    assert "unit_deviation" not in mine["log_prior"]
    for group, ds in mine.items():
        for name, values in ds.data_vars.items():
            np.testing.assert_allclose(other[group][name].values, values.values, rtol=1e-7, atol=1e-7)
    counts = mine["log_likelihood"]["patent_count"]
    assert counts.dims == ("chain", "draw", "country", "sector", "year")
    # the stated prior of μ, though it is sampled along its ridge with κ
    stated = spec.priors["mu"].parameters
    z = (prior["mu"] - stated["mu"]) / stated["sigma"]
    direct = -0.5 * z**2 - np.log(stated["sigma"] * np.sqrt(2 * np.pi))
    xr.testing.assert_allclose(mine["log_prior"]["mu"].drop_attrs().drop_vars(["chain", "draw"]),
                               direct.drop_attrs().drop_vars(["chain", "draw"]).rename("mu"))  # fmt: skip
