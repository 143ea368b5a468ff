"""Known parameters come back: intervals that hold the truth about as often as they say, honest width without evidence.

Every simulated dataset takes one compilation and a short sampling run; the larger calibration is marked slow.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reestim.estimate import fit as fitting
from reestim.estimate.gates import GateWarning
from reestim.estimate.inputs import assemble
from reestim.evidence.simulate import simulate_evidence
from reestim.evidence.truth import Truth
from reestim.runs.record import RunRecord
from reestim.study.spec import Evidence, Gates
from tests.recovery.study import (
    POLICY_YEAR,
    TRUTH,
    default_spec,
    inputs_of,
    sampler_of,
    truth_from_prior,
)
from tests.recovery.tiny_study import tiny_study
from tests.recovery.world import USERS, small_world

#: For short runs: no divergence tolerated, R-hat and ESS of a first look.
LOOSE = Gates(max_divergences=0, max_r_hat=1.1, min_ess=30.0)
SPEC = default_spec()


def posterior(inputs: xr.Dataset, draws: int, tune: int, seed: int = 1, gates: Gates = LOOSE) -> xr.DataTree:
    return fitting.fit(
        fitting.build(SPEC, inputs), sampler_of(SPEC, draws, tune), seed=seed, progress=False, gates=gates
    )


def covered(post: xr.DataTree, name: str, truth: xr.DataArray | float, probability: float = 0.9) -> np.ndarray:
    """Whether equal-tailed intervals of this probability hold the truth."""
    tail = (1 - probability) / 2
    low, high = (post["posterior"][name].quantile(p, ["chain", "draw"]) for p in (tail, 1 - tail))
    return np.atleast_1d(((low <= truth) & (truth <= high)).values)


@pytest.fixture(scope="module")
def recovered() -> tuple[xr.DataTree, xr.DataArray]:
    inputs, sigma = inputs_of(seed=1)
    return posterior(inputs, draws=300, tune=400), sigma


def test_known_parameters_are_recovered(recovered) -> None:
    post, sigma = recovered
    assert RunRecord.of(post).gates.passed, RunRecord.of(post).gates
    assert covered(post, "sigma", sigma, 0.98).all()
    assert np.corrcoef(post["posterior"]["sigma"].mean(["chain", "draw"]), sigma)[0, 1] > 0.9
    for name in ("kappa", "spillover"):
        assert covered(post, name, getattr(TRUTH, name), 0.98).all(), name
    confusion = post["posterior"]["confusion"].mean(["chain", "draw"])
    np.testing.assert_allclose(confusion, np.asarray(TRUTH.confusion), atol=0.08)


def test_every_variable_is_documented_and_has_named_dims(recovered) -> None:
    post, _ = recovered
    for group in ("posterior", "prior", "constant_data", "observed_data"):
        for name, variable in post[group].data_vars.items():
            assert variable.attrs.get("long_name"), (group, name)
            if group != "constant_data":
                assert variable.attrs.get("units") not in (None, "not stated"), (group, name)
            assert not any("_dim_" in str(d) for d in variable.dims), (group, name)
    dims = {name: post["posterior"][name].dims[2:] for name in ("sigma", "innovation_passthrough", "trade_elasticity")}
    assert dims == {"sigma": ("sector",), "innovation_passthrough": ("sector",), "trade_elasticity": ("traded_sector",)}
    assert post["posterior"]["sigma"]["sector"].values.tolist() == list(USERS)
    assert post["posterior"]["confusion"].dims[2:] == ("true_label", "machine_label")
    assert {"mu", "beta", "tau", "kappa", "spillover", "spillover_gap"} <= set(post["posterior"].data_vars)
    assert {"patent_count", "relative_price", "substitutability"} <= set(post["constant_data"].data_vars)


def test_arviz_reads_it_and_it_survives_a_file(recovered, tmp_path) -> None:
    import arviz as az

    post, _ = recovered
    summary = az.summary(post, var_names=["sigma", "confusion"])
    assert "sigma[glass]" in summary.index
    post.to_netcdf(tmp_path / "posterior.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "posterior.nc", engine="h5netcdf") as again:
        for group in ("posterior", "prior", "sample_stats", "observed_data", "constant_data"):
            xr.testing.assert_identical(again[group].to_dataset().load(), post[group].to_dataset())
        assert RunRecord.of(again).gates == RunRecord.of(post).gates


def test_the_same_seed_gives_the_same_draws_and_failed_gates_are_loud(tmp_path: Path) -> None:
    inputs, _ = inputs_of(seed=2, countries=3)
    model = fitting.build(tiny_study(tmp_path), inputs)
    with pytest.warns(GateWarning, match="ess_bulk"):
        first, again = (fitting.fit(model, sampler_of(SPEC, 15, 30), seed=5, progress=False) for _ in range(2))
    assert not RunRecord.of(first).gates.passed
    for group in ("posterior", "prior"):
        for tree in (first, again):
            for when in ("created_at", "sampling_time"):  # of the clock, not of the seed
                tree[group].attrs.pop(when, None)
        xr.testing.assert_identical(first[group].to_dataset(), again[group].to_dataset())


@pytest.mark.slow  # a fit of a minute
def test_sectors_without_evidence_fall_back_to_the_population() -> None:
    """`glass` faces a constant price, `metals` has no patents: their σ is the population's, and wider."""
    io, price, z = small_world(countries=5)
    price = price.copy()
    price.loc[{"sector": "glass"}] = 0.0
    tables = simulate_evidence(io, price, z, TRUTH, seed=4, outcomes=False)
    patents = tables["patent_labels"]
    tables["patent_labels"] = patents[patents["sector"] != "metals"]
    inputs = assemble(io, price, z, tables, Evidence(event_study=False, ree_use=False), policy_year=POLICY_YEAR)
    draws = posterior(inputs, draws=300, tune=350)["posterior"].to_dataset()

    low, high = (draws["innovation_passthrough"].quantile(p, ["chain", "draw"]) for p in (0.1, 0.9))
    spread = high - low  # of quantiles: a few draws with σ near 0 would decide standard deviations
    without, others = ["glass", "metals"], [s for s in USERS if s not in ("glass", "metals")]
    # Patents are a flow: what a price path says of m is little (a tenth to a fifth of the width, in longer runs).
    assert float(spread.sel(sector=without).mean()) > 1.03 * float(spread.sel(sector=others).mean())

    rng = np.random.default_rng(0)
    z = inputs["substitutability"].sel(sector=without)
    offset = (
        draws["tau"] * rng.standard_normal((2, draws.sizes["chain"], draws.sizes["draw"])).transpose(1, 2, 0)[..., 0]
    )
    logit = draws["mu"] + (draws["beta"] * z).sum("property") + offset
    population = (1 + 1 / (draws["kappa"] * (1 + draws["spillover"]))) / (1 + np.exp(-logit))
    for p in (0.1, 0.5, 0.9):
        difference = draws["sigma"].sel(sector=without).quantile(p, ["chain", "draw"]) - population.quantile(
            p, ["chain", "draw"]
        )
        assert float(np.abs(difference).max()) < 0.12, p


def _coverage(seeds: range, draws: int, tune: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of 90 % intervals: σ by (seed, sector), κ by seed; truths drawn from the priors of the study."""
    sigma, kappa = [], []
    for seed in seeds:
        truth: Truth = truth_from_prior(seed)
        inputs, true = inputs_of(seed, truth)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GateWarning)  # short chains; the gates have their own tests
            post = posterior(inputs, draws, tune, seed=seed)
        sigma.append(covered(post, "sigma", true))
        kappa.append(covered(post, "kappa", truth.kappa)[0])
    return np.array(sigma), np.array(kappa)


@pytest.mark.slow
def test_calibration_over_many_seeds() -> None:
    """40 seeds × 8 sectors: σ covered 90 % of the time, within three standard errors clustered by seed."""
    sigma, kappa = _coverage(range(200, 240), draws=400, tune=500)
    by_seed = sigma.mean(axis=1)
    error = max(by_seed.std(ddof=1), 0.1) / np.sqrt(len(by_seed))
    assert abs(sigma.mean() - 0.9) < 3 * error, (sigma.mean(), error)
    assert 30 <= kappa.sum() <= 40, kappa.sum()  # Binomial(40, 0.9): outside once in 400
    for sector, rate in zip(USERS, sigma.mean(axis=0), strict=True):
        assert rate > 0.72, (sector, rate)
