"""Posterior SBC: truths are draws of a run, fits are given its data beside the simulated ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import reestim as ree
from reestim.calibration import sbc
from reestim.calibration.design import SbcDesign, model_of
from reestim.calibration.fit_store import begin
from reestim.calibration.reconditioned import ReconditionedModel
from reestim.calibration.run import CalibrationRequest, calibrate_study
from reestim.calibration.summary import fractional_ranks, is_calibrated, join_fits, rank_table
from reestim.errors import InputError
from reestim.estimate import fit as fitting
from reestim.study.spec import Gates, Sampler
from tests.oracles import random_economy
from tests.recovery.tiny_study import tiny_inputs, tiny_run, tiny_study

N, RANKED = 16, 39


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> SbcDesign:
    economy = random_economy(4, 3, 3, 2, factors=1, zero_flows=False, taxes=False, ree_share=(1e-3, 1e-2))
    inputs = tiny_inputs(economy)
    spec = tiny_study(tmp_path_factory.mktemp("study"))
    sampler, loose = Sampler(draws=200, tune=200, chains=2), Gates(max_r_hat=1.1, min_ess=50.0)
    run = fitting.fit(fitting.build(spec, inputs), sampler, seed=4, progress=False, gates=loose)
    return SbcDesign(spec, inputs, economy, None, N, RANKED, seed=3, run=run)


def test_the_density_has_the_prior_once_and_both_likelihoods(design: SbcDesign) -> None:
    model = model_of(design).pymc
    new = {"answer": np.random.default_rng(1).normal(size=(2, 3))}
    both = ReconditionedModel(model, beside=True).on_data(new).density()
    alone = ReconditionedModel(model).on_data(new).density()
    points = np.random.default_rng(2).normal(size=(3, both.centre.size))
    likelihood = model.compile_logp(vars=model.observed_RVs)
    for x in points:
        at = {v.name: part for v, part in zip(model.value_vars, np.split(x, [1]), strict=True)}
        at = {name: part.reshape(model.initial_point()[name].shape) for name, part in at.items()}
        gap = float(both.value_and_gradient(x)[0]) - float(alone.value_and_gradient(x)[0])
        assert gap == pytest.approx(float(likelihood(at)), rel=1e-12)


def test_ranks_at_the_posterior_are_uniform(design: SbcDesign, tmp_path: Path) -> None:
    begin(tmp_path, design.record())
    ranks = sbc.calibrate(design, tmp_path)
    draws, truth = join_fits(sbc.fits_of(design, tmp_path))
    assert design.run is not None
    posterior = design.run["posterior"]["innovation_passthrough"]
    spread = float(posterior.std()), float(draws["innovation_passthrough"].std("draw").mean())
    assert spread[1] < 0.9 * spread[0], "a fit that is given both knows more than the run"
    assert float(truth["innovation_passthrough"].min()) >= float(posterior.min()), "truths are draws of the run"
    assert is_calibrated(rank_table(fractional_ranks(ranks, RANKED, 0), draws, truth))


def test_a_run_of_other_data_or_with_too_few_draws_is_refused_in_one_list(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    spec = ree.read_spec(tmp_path / "tiny.toml")
    data = ree.load_dataset("simulated-2010")
    asked = CalibrationRequest(spec, data, tmp_path / "c", 100, 3, ranked=19, seed=1, run=run)
    with pytest.raises(InputError) as caught:
        calibrate_study(asked, progress=False)
    said = str(caught.value)
    for each in ("made from other data", "Leave --countries out", "at most 40 datasets"):
        assert each in said
    assert not (tmp_path / "c").exists()
