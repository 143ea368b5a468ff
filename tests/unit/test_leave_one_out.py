"""Observations whose errors covary are left out one at a time, given the others; the group still sums to the joint."""

from __future__ import annotations

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from numpyro import distributions as dist
from scipy import stats

import reestim as ree
from reestim.errors import InputError
from reestim.estimate.log_terms import REMAINDER, log_terms, rounded, terms_of
from reestim.estimate.model import Model
from reestim.estimate.numpyro_model import NumpyroModel, observe, sample

_LENGTH, _DRAWS = 40, 400
#: Errors as of an event study whose effects share their base year: each says much about the others.
_COVARIANCE = 0.1 * np.eye(_LENGTH) + 0.9
_SEEN = np.random.default_rng(2).multivariate_normal(np.full(_LENGTH, 0.5), _COVARIANCE)
_COORDS = {"effect": [f"e{i}" for i in range(_LENGTH)]}
_TRUE = xr.Dataset({"x": (("chain", "draw"), np.full((1, _DRAWS), 0.5))}, {"chain": [0], "draw": range(_DRAWS)})


def _pymc(seen: np.ndarray = _SEEN) -> pm.Model:
    with pm.Model(coords=_COORDS) as model:
        x = pm.Normal("x")
        pm.MvNormal("y", x * np.ones(_LENGTH), cov=_COVARIANCE, observed=seen, dims="effect")
        pm.Normal("alone", x, 2.0, observed=[0.1, 0.2])
    return model


def _numpyro() -> NumpyroModel:
    def function() -> None:
        x = sample("x", dist.Normal(0.0, 1.0))
        joint = dist.MultivariateNormal(x * np.ones(_LENGTH), scale_tril=np.linalg.cholesky(_COVARIANCE))
        observe("y", joint, _SEEN, dims="effect")
        observe("alone", dist.Normal(x, 2.0).expand((2,)), np.array([0.1, 0.2]), dims="row")

    return NumpyroModel(function, _COORDS | {"row": [0, 1]})


@pytest.mark.parametrize("model", [_pymc(), _numpyro()], ids=["pymc", "numpyro"])
def test_each_observation_is_given_the_others_and_the_group_sums_to_the_joint(model: Model) -> None:
    group = log_terms(model, _TRUE.isel(draw=slice(3)))["log_likelihood"]
    joint = stats.multivariate_normal(np.full(_LENGTH, 0.5), _COVARIANCE).logpdf(_SEEN)
    for i in (0, 7, _LENGTH - 1):
        rest = np.delete(np.arange(_LENGTH), i)
        others = stats.multivariate_normal(np.full(_LENGTH - 1, 0.5), _COVARIANCE[np.ix_(rest, rest)])
        np.testing.assert_allclose(group["y"][0, :, i], joint - others.logpdf(_SEEN[rest]), rtol=1e-9)
    assert terms_of("y", group) == ["y", f"y{REMAINDER}"]
    assert terms_of("alone", group) == ["alone"]
    total = group["y"].sum("effect") + group[f"y{REMAINDER}"]
    np.testing.assert_allclose(total, joint, rtol=1e-9)
    np.testing.assert_allclose(group["alone"][0, 0], stats.norm(0.5, 2.0).logpdf([0.1, 0.2]))


def test_pit_values_are_uniform_given_the_others_and_not_from_whole_sets_of_data() -> None:
    """A set of simulated data has the errors of another history."""
    model, weight = _pymc(), np.linalg.inv(_COVARIANCE)
    precision = 1.0 + weight.sum() + 2 / 4
    mean = (weight.sum(axis=0) @ _SEEN + 0.3 / 4) / precision
    draws = np.random.default_rng(1).normal(mean, precision**-0.5, (1, _DRAWS))  # the posterior, exactly
    posterior = _TRUE.assign(x=(("chain", "draw"), draws))
    groups = {"posterior": posterior, **log_terms(model, posterior)}
    groups["observed_data"] = xr.Dataset({"y": ("effect", _SEEN)})
    post = ree.posterior_predictive(model, xr.DataTree.from_dict(groups), seed=3)
    pit = {name: az.loo_pit(tree, var_names="y")["y"] for name, tree in _both(post).items()}
    uniform = {name: stats.kstest(values, "uniform").pvalue for name, values in pit.items()}
    assert uniform["given the others"] > 0.05
    assert uniform["whole sets"] < 0.001
    xr.testing.assert_identical(  # the same seed, the same draws
        ree.leave_one_out(post, seed=1)["posterior_predictive"]["y"],
        ree.leave_one_out(post, seed=1)["posterior_predictive"]["y"],
    )


def _both(post: xr.DataTree) -> dict[str, xr.DataTree]:
    return {"given the others": ree.leave_one_out(post, seed=1), "whole sets": post}


def test_an_observation_that_parameters_hardly_move_keeps_a_density_of_its_own_in_every_draw() -> None:
    """Rounded like the others it would have one value, on which ArviZ's smoothing fails."""
    near = _TRUE.assign(x=_TRUE["x"] + 1e-7 * np.arange(_DRAWS))
    group = rounded(log_terms(_pymc(), near)["log_likelihood"])
    assert all(np.unique(group["y"][0, :, i]).size > _DRAWS / 2 for i in range(_LENGTH))
    assert np.unique(group["alone"][0, :, 0]).size < 5


def test_errors_that_are_not_normal_keep_the_density_of_the_model() -> None:
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.MvStudentT("y", nu=3, mu=x * np.ones(3), scale=_COVARIANCE[:3, :3], observed=_SEEN[:3])
    groups = log_terms(model, _TRUE.isel(draw=slice(2)))
    assert set(groups) == {"log_likelihood"}
    assert groups["log_likelihood"]["y"].dims == ("chain", "draw")


def test_a_run_without_single_observations_is_refused_in_words() -> None:
    groups = {"posterior": _TRUE, **log_terms(_pymc(), _TRUE.isel(draw=slice(2)))}
    with pytest.raises(InputError, match=r"posterior_predictive.*observed_data|observed_data.*posterior_predictive"):
        ree.leave_one_out(xr.DataTree.from_dict(groups), seed=1)
