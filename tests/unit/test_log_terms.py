"""Log likelihood and log prior of every draw: PyMC and NumPyro agree, and together they are the density sampled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from pymc.model.transform.conditioning import remove_value_transforms

from reestim.estimate import fit as fitting
from reestim.estimate import sampling
from reestim.estimate.log_terms import log_terms, terms_of
from reestim.estimate.model import adapt
from reestim.estimate.predictive import simulated
from reestim.runs.record import RunRecord
from reestim.study.spec import Gates, Sampler
from tests.recovery.study import default_spec, inputs_of


@pytest.fixture(scope="module")
def models() -> tuple[pm.Model, Any, xr.Dataset]:
    """The default model, its twin, and three draws from the prior."""
    inputs = inputs_of(seed=0, countries=3)[0]
    spec = default_spec()
    model = fitting.build(spec, inputs)
    assert isinstance(model, pm.Model)
    twin: Any = fitting.build(spec.model_copy(update={"model": "substitution_numpyro.py"}), inputs)
    return model, twin, twin.prior(3, seed=1)


def test_terms_of_both_languages_agree_and_are_those_of_the_model(models: tuple[pm.Model, Any, xr.Dataset]) -> None:
    model, twin, prior = models
    spec = default_spec()
    mine = log_terms(model, prior)
    other = log_terms(twin, prior)
    assert set(mine) == {"log_likelihood", "leave_one_out", "log_prior"}
    observed = {str(v.name) for v in model.observed_RVs}
    summed = {name for seen in observed for name in terms_of(seen, mine["log_likelihood"])}
    assert observed <= set(mine["log_likelihood"].data_vars) == summed
    assert mine["log_likelihood"]["event_estimate"].dims == ("chain", "draw", "effect")
    _assert_joint(model, mine["log_likelihood"], prior)
    assert {"kappa", "mu", "tau", "confusion"} <= set(mine["log_prior"].data_vars)
    assert "unit_deviation" not in mine["log_prior"]
    for group, ds in mine.items():
        for name, values in ds.data_vars.items():
            np.testing.assert_allclose(other[group][name].values, values.values, rtol=1e-11, atol=1e-11)
    counts = mine["log_likelihood"]["patent_count"]
    assert counts.dims == ("chain", "draw", "country", "sector", "year")
    # the stated prior of μ, though it is sampled along its ridge with κ
    stated = spec.priors["mu"].parameters
    z = (prior["mu"] - stated["mu"]) / stated["sigma"]
    direct = -0.5 * z**2 - np.log(stated["sigma"] * np.sqrt(2 * np.pi))
    xr.testing.assert_allclose(
        mine["log_prior"]["mu"].drop_attrs().drop_vars(["chain", "draw"]),
        direct.drop_attrs().drop_vars(["chain", "draw"]).rename("mu"),
    )


def _assert_joint(model: pm.Model, group: xr.Dataset, prior: xr.Dataset) -> None:
    """The group sums to the log density of all the evidence, as PyMC itself has it."""
    plain = remove_value_transforms(model)
    joint = plain.compile_logp(vars=plain.observed_RVs, jacobian=False, mode="FAST_COMPILE")
    at = {str(v.name): prior[str(plain.values_to_rvs[v].name)].values[0, 0] for v in plain.value_vars}
    total = sum(float(values.isel(chain=0, draw=0).sum()) for values in group.data_vars.values())
    np.testing.assert_allclose(total, joint(at), rtol=1e-9)


def test_both_languages_make_the_same_kind_of_data(models: tuple[pm.Model, Any, xr.Dataset]) -> None:
    model, twin, prior = models
    many = xr.concat([prior.isel(draw=0)] * 60, "draw").assign_coords(draw=range(60))
    mine, other = (simulated(m, many, seed=5, draws=60) for m in (model, twin))
    seen = adapt(model).observed_data()
    assert set(mine.data_vars) == set(other.data_vars) == set(seen.data_vars)
    for name, observed in seen.data_vars.items():
        assert mine[name].dims == other[name].dims == ("chain", "draw", *observed.dims)
        first, second = (ds[name].astype(float) for ds in (mine, other))
        error = np.sqrt((first.var(["chain", "draw"]) + second.var(["chain", "draw"])) / 60)
        gap = np.abs(first.mean(["chain", "draw"]) - second.mean(["chain", "draw"]))
        assert float((gap > 3 * error + 1e-9).mean()) < 0.02, name
    np.testing.assert_array_equal(
        mine["patent_count"].sum("label").isel(chain=0, draw=0), seen["patent_count"].sum("label")
    )


def test_log_terms_that_fail_cost_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu"), observed=[0.0, 1.0])
    draws = xr.Dataset({"mu": (("chain", "draw"), np.zeros((2, 5)))}, {"chain": [0, 1], "draw": range(5)})
    stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 5), bool))})
    tree = xr.DataTree.from_dict({"posterior": draws, "sample_stats": stats})
    monkeypatch.setitem(sampling.SAMPLERS, "nutpie", lambda *_: tree)

    def broken(*_: object) -> None:
        raise MemoryError("too many observations")

    monkeypatch.setattr(fitting, "log_terms", broken)
    with pytest.warns(RuntimeWarning, match="no log densities .*MemoryError: too many observations"):
        post = fitting.fit(model, Sampler(draws=5, chains=2), seed=1, progress=False, gates=Gates(min_ess=0.1))
    assert post["posterior"]["mu"].shape == (2, 5)
    assert "MemoryError" in RunRecord.of(post).left_out["log_likelihood"]
