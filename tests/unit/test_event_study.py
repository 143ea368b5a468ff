"""The event study: pyfixest's estimates, the same regression as a linear map, and the structure put through it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.errors import InputError
from reestim.evidence.event_study import panel_study, rounded, small_sample_covariance
from reestim.evidence.predictions import cell_weights, market_weights
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from reestim.technology import innovation_passthrough
from tests.recovery.world import OTHERS, USERS, small_world

POLICY_YEAR = 2010
WINDOWS = ((-100, -2), (0, 1), (2, 100))


@pytest.fixture(scope="module")
def world() -> tuple[xr.Dataset, xr.DataArray, xr.DataArray]:
    return small_world()


@pytest.fixture(scope="module")
def exposure(world: tuple[xr.Dataset, xr.DataArray, xr.DataArray]) -> xr.DataArray:
    return world[0]["ree_share"].sel(sector=[*USERS, *OTHERS])


def _outcomes(world: tuple[xr.Dataset, xr.DataArray, xr.DataArray], truth: Truth) -> pd.DataFrame:
    return simulate_evidence(*world, truth, seed=5)["outcomes"]


def test_the_linear_map_reproduces_pyfixest(world, exposure) -> None:
    """On an unbalanced panel, where demeaning by hand would go wrong."""
    outcomes = _outcomes(world, Truth(beta=(-0.4, 0.2))).sample(frac=0.9, random_state=0)
    study = panel_study(outcomes, exposure, POLICY_YEAR, windows=WINDOWS)
    again = (study["linear_map"] * study["log_outcome"]).sum("observation")
    np.testing.assert_allclose(again, study["estimate"], atol=1e-8)
    assert study["outcome"].values.tolist() == ["exports"] * 3 + ["tfp"] * 3
    assert study["event_time"].values.tolist() == [-10, 0, 2, -10, 0, 2]


def test_it_recovers_a_known_effect_and_its_clustered_error(world, exposure) -> None:
    """ln y = 0.3 · exposure (in sd) from event time 0 on, plus country-sector and country-year effects and noise."""
    rng = np.random.default_rng(0)
    sd = float(exposure.to_series().std())
    rows = (
        exposure.rename("theta").to_series().reset_index().merge(pd.DataFrame({"year": range(2004, 2015)}), how="cross")
    )
    unit = rng.normal(size=len(exposure.to_series())).repeat(11)
    noise = 0.1 * rng.normal(size=len(rows))
    effect = 0.3 * rows["theta"] / sd * (rows["year"] >= POLICY_YEAR)
    frame = rows.assign(outcome="tfp", value=np.exp(effect + unit + 0.1 * (rows["year"] - 2000) + noise))
    study = panel_study(frame, exposure, POLICY_YEAR, names=["tfp"], windows=WINDOWS)
    error = np.sqrt(np.diag(study["covariance"]))
    assert (np.abs(study["estimate"] - [0, 0.3, 0.3]) < 3 * error).all()
    assert (error < 0.1).all()


def test_structure_through_the_map_is_the_event_study_of_noiseless_outcomes(world, exposure) -> None:
    """Outcomes simulated without noise: their event study equals the closed form put through the linear map."""
    io, price, z = world
    truth = Truth(beta=(-0.4, 0.2), spillover_gap=2.0, exports_noise=1e-9, tfp_noise=1e-9)
    outcomes = simulate_evidence(io, price, z, truth, seed=5)["outcomes"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = panel_study(outcomes, exposure, POLICY_YEAR)
    weights = cell_weights(study, io, price)["event_cell_weight"].rename(price_year="year")
    sigma = true_sigma(z, truth, np.random.default_rng(np.random.SeedSequence(5).spawn(5)[0]))
    passthrough = innovation_passthrough(sigma, truth.kappa, truth.spillover)
    share, bias = io["ree_share"].sel(sector=list(USERS)), xr.zeros_like(price)
    target = passthrough * price
    bias[..., 0] = target.isel(year=0).transpose("country", "sector")
    for t in range(1, price.sizes["year"]):  # prices of this world fall too slowly for knowledge to reach its floor
        gap = target.isel(year=t).transpose("country", "sector").values - bias[..., t - 1].values
        bias[..., t] = bias[..., t - 1].values + truth.adjustment_rate * gap
    log_b = -truth.kappa * np.log(1 - share + share * np.exp(bias / truth.kappa))
    tfp = (1 + truth.spillover) * (share * bias + log_b) + truth.spillover_gap * share * (bias + log_b)
    epsilon = io["trade_elasticity"].sel(sector=list(USERS))
    cells = xr.where(study["outcome"] == "exports", epsilon * (tfp - share * price), tfp)
    predicted = (weights * cells).sum(["country", "sector", "year"])
    np.testing.assert_allclose(predicted, study["estimate"], atol=1e-7)
    assert float(np.abs(predicted).max()) > 1e-3  # not a comparison of zeros


def test_a_market_average_leaves_a_common_shock_without_effect(world) -> None:
    weights = market_weights(world[0])
    np.testing.assert_allclose(weights.sum("exporter"), 1.0, atol=1e-12)


def test_few_clusters_give_wide_windows_with_a_warning(world, exposure) -> None:
    outcomes = _outcomes(world, Truth(beta=(-0.4, 0.2)))
    with pytest.warns(UserWarning, match="80 country-sectors are too few"):
        study = panel_study(outcomes, exposure, POLICY_YEAR)
    assert study["effect"].values.tolist()[:4] == ["exports -10..-2", "exports +0..+1", "exports +2..+3", "exports +4"]


def test_a_singular_covariance_is_refused_not_ridged() -> None:
    with pytest.raises(InputError, match="singular"):
        small_sample_covariance(np.ones((3, 3)), clusters=50)
    with pytest.raises(InputError, match="5 clusters"):
        small_sample_covariance(np.eye(4), clusters=5)
    np.testing.assert_allclose(small_sample_covariance(np.eye(2), clusters=14), 1.3 * np.eye(2))


def test_bad_panels_are_refused_with_words(world, exposure) -> None:
    outcomes = _outcomes(world, Truth(beta=(-0.4, 0.2)))
    with pytest.raises(InputError, match="no such outcome"):
        panel_study(outcomes, exposure, POLICY_YEAR, names=["exports", "patents"])
    with pytest.raises(InputError, match="reference"):
        panel_study(outcomes, exposure, policy_year=2040)
    with pytest.raises(InputError, match="vary"):
        panel_study(outcomes, exposure * 0, POLICY_YEAR)
    with pytest.raises(InputError, match="above 0"):
        panel_study(outcomes.assign(value=-1.0), exposure, POLICY_YEAR)


def test_what_differs_between_processes_is_rounded_away() -> None:
    """Memory alignment moves the last digits by the size of the terms: entries near zero by more than theirs."""
    rng = np.random.default_rng(0)
    covariance = rng.normal(size=(18, 60)) @ rng.normal(size=(60, 18)) * 1e-4
    covariance = covariance @ covariance.T
    covariance[0, 1] = covariance[1, 0] = 1e-6 * covariance[0, 0]
    size = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    moved = covariance + 1e-16 * size * rng.normal(size=covariance.shape)
    assert (moved != covariance).mean() > 0.3
    np.testing.assert_array_equal(rounded(moved, size), rounded(covariance, size))
    np.testing.assert_allclose(rounded(covariance, size) / size, covariance / size, atol=1e-10)


@pytest.mark.slow  # four processes that build and compile the default study
def test_one_study_has_the_same_evidence_and_density_in_every_process(project: Path) -> None:
    program = """
import hashlib, warnings
import numpy as np
import reestim as ree
from reestim.estimate.nutpie_chains import _compiled_pymc
warnings.simplefilter("ignore")
model = ree.build(ree.read_spec("models/substitution.toml"), ree.load_dataset("rare-earths-2010"))
made = _compiled_pymc(model)
inputs = model.study.inputs
seen = [inputs[n].values for n in sorted(inputs) if inputs[n].dtype.kind == "f"]
at = np.random.default_rng(0).normal(size=(5, made.n_dim)) * 0.3
seen += [np.append(*reversed(made._make_logp_func()(x, **made._shared_data))) for x in at]
print(hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in seen)).hexdigest())
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    found = {subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout for _ in range(4)}
    assert len(found) == 1
