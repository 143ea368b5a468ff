"""Simulation-based calibration of a small study, welfare included: uniform where it should be, loud where not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.calibration import sbc
from reestim.calibration.design import SbcDesign, fewer_countries
from reestim.calibration.figures import displayed_variables, ecdf_figure, rank_figure, recovery_figure
from reestim.calibration.fit_store import begin, load_fit
from reestim.calibration.label_noise import PatentWorld, compare_labels, label_table, misclassified
from reestim.calibration.summary import (
    covers_truth,
    fractional_ranks,
    is_calibrated,
    join_fits,
    rank_table,
    ranks_of,
    verdict_sentences,
)
from reestim.errors import InputError
from reestim.evidence.truth import Truth
from tests.oracles import random_economy
from tests.recovery.study import POLICY_YEAR, TRUTH, default_spec
from tests.recovery.tiny_study import tiny_inputs, tiny_study
from tests.recovery.world import small_world

N, RANKED = 16, 39


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> SbcDesign:
    economy = random_economy(4, 3, 3, 2, factors=1, zero_flows=False, taxes=False, ree_share=(1e-3, 1e-2))
    inputs = tiny_inputs(economy)
    spec = tiny_study(tmp_path_factory.mktemp("study"))
    quota = ree.Scenario("quota", policies=(ree.ExportQuota(economy.countries[0], "all", 0.7),))
    return SbcDesign(spec, inputs, economy, quota, N, RANKED, seed=3)


@pytest.fixture(scope="module")
def finished(design: SbcDesign, tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, Path]:
    """Killed in the third simulation, then gone on with."""
    folder = tmp_path_factory.mktemp("calibration")
    begin(folder, design.record())
    seen: list[bool] = []

    def killed(was_there: bool) -> None:
        seen.append(was_there)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sbc.calibrate(design, folder, killed)
    assert len(sbc.fits_of(design, folder)) == 2
    again: list[bool] = []
    begin(folder, design.record())
    ranks = sbc.calibrate(design, folder, again.append)
    assert again == [True] * 2 + [False] * (N - 2)
    return ranks, folder


def table_of(design: SbcDesign, ranks: xr.Dataset, folder: Path) -> pd.DataFrame:
    draws, truth = join_fits(sbc.fits_of(design, folder))
    return rank_table(fractional_ranks(ranks, RANKED, 0), draws, truth)


def test_an_interval_of_few_draws_holds_what_it_says() -> None:
    draws = xr.DataArray(np.tile(np.arange(99.0), (100, 1)), dims=("simulation", "draw"))
    truth = xr.DataArray(np.arange(100) - 0.5, dims="simulation")  # one at each rank
    assert [float(covers_truth(draws, truth, level).mean()) for level in (0.5, 0.9)] == [0.5, 0.9]


def test_every_parameter_and_welfare_are_ranked_and_uniform(
    design: SbcDesign, finished: tuple[xr.Dataset, Path]
) -> None:
    ranks, folder = finished
    assert set(ranks.data_vars) == {"kappa", "mu", "sigma", "innovation_passthrough", "long_run_elasticity", "welfare"}
    assert ranks["welfare"].sizes == {"simulation": N, "welfare_country": 3}
    assert int(ranks["kappa"].min()) >= 0
    assert int(ranks["kappa"].max()) <= RANKED
    table = table_of(design, ranks, folder).set_index("variable")
    assert is_calibrated(table)
    assert "No variable's ranks depart from uniform" in verdict_sentences(table.reset_index())[0]
    for level in (50, 90):
        rate = table[f"coverage_{level}"]
        # 16 simulations, elements of one go together: outside once in a few hundred choices of seeds.
        assert ((rate - level / 100).abs() < 3.5 * np.sqrt(level / 100 * (1 - level / 100) / N)).all(), rate


def test_a_rank_is_the_number_of_draws_below_the_truth(design: SbcDesign, finished: tuple[xr.Dataset, Path]) -> None:
    ranks, folder = finished
    fit = load_fit(folder, "simulation-0005")
    assert fit is not None
    draws, truth = (fit[group].to_dataset() for group in ("draws", "truth"))
    assert draws.sizes["draw"] == RANKED
    for name in ranks.data_vars:
        below = (draws[name] < truth[name]).sum("draw")
        np.testing.assert_array_equal(ranks[name].isel(simulation=5), below, err_msg=str(name))
    assert float(draws["welfare"].std("draw").min()) > 0
    record = ree.RunRecord.of(fit)
    assert record.gates is not None
    assert record.sampling_seconds
    ours = ranks_of(*join_fits(sbc.fits_of(design, folder)))
    for name in ranks.data_vars:  # of this program and of simuk
        np.testing.assert_array_equal(ours[name].transpose(*ranks[name].dims), ranks[name], err_msg=str(name))


def test_a_wrong_posterior_is_found_out(design: SbcDesign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_data = sbc.ReconditionedModel.on_data
    monkeypatch.setattr(
        sbc.ReconditionedModel, "on_data", lambda self, data: on_data(self, {k: -3 * v for k, v in data.items()})
    )
    without = replace(design, scenario=None, simulations=8)
    table = table_of(without, sbc.calibrate(without, tmp_path), tmp_path)
    assert not is_calibrated(table)
    assert "NOT uniform" in verdict_sentences(table)[0]


def test_pictures_have_a_panel_for_each_variable(design: SbcDesign, finished: tuple[xr.Dataset, Path]) -> None:
    pit = fractional_ranks(finished[0], RANKED, 0)
    draws, truth = join_fits(sbc.fits_of(design, finished[1]))
    recovery = recovery_figure(draws, truth, displayed_variables(pit))
    (points,) = [line for line in recovery.axes[0].lines if line.get_marker() == "."]
    np.testing.assert_allclose(points.get_xdata(), truth["kappa"])
    np.testing.assert_allclose(points.get_ydata(), draws["kappa"].median("draw"))
    for figure in (ecdf_figure(pit), rank_figure(pit), recovery):
        titles = [a.get_title() for a in figure.axes if a.get_visible()]
        assert titles == ["kappa", "mu", "sigma", "long_run_elasticity", "innovation_passthrough", "welfare"]


def test_a_folder_holds_one_calibration(tmp_path: Path) -> None:
    begin(tmp_path / "one", {"seed": 1, "simulations": 10})
    begin(tmp_path / "one", {"seed": 1, "simulations": 10})
    with pytest.raises(InputError, match=r"2 problems(.|\n)*begun otherwise \(seed 1\)(.|\n)*simulations 10"):
        begin(tmp_path / "one", {"seed": 2, "simulations": 20})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="cannot go there"):
        begin(tmp_path / "other", {"seed": 1})


def test_the_countries_with_most_patents_are_kept() -> None:
    counts = xr.DataArray([[1], [5], [3]], dims=("country", "label"), coords={"country": ["a", "b", "c"]})
    inputs = xr.Dataset({"patent_count": counts})
    assert fewer_countries(inputs, 2)["country"].values.tolist() == ["b", "c"]
    with pytest.raises(InputError, match="as many countries"):
        fewer_countries(inputs, 4)


def test_misclassification_has_the_share_it_was_asked_for() -> None:
    confusion = np.array(misclassified(Truth(), 0.2).confusion)
    np.testing.assert_allclose(np.diag(confusion), 0.8)
    np.testing.assert_allclose(confusion.sum(axis=1), 1.0)
    with pytest.raises(InputError, match="err that often"):
        misclassified(Truth(), 0.8)


@pytest.mark.slow
def test_naive_counts_are_biased_and_the_block_is_not(tmp_path: Path) -> None:
    """20 % of labels wrong, four datasets of the small world."""
    io, price, z = small_world(countries=4)
    world = PatentWorld(io, price, z, misclassified(TRUTH, 0.2), POLICY_YEAR)
    spec = default_spec()
    sampler = spec.sampler.model_copy(update={"draws": 300, "tune": 400, "chains": 2})
    spec = spec.model_copy(update={"sampler": sampler})
    inputs = xr.Dataset({"relative_price": price}, coords={"country": price["country"]})
    design = SbcDesign(spec, inputs, random_economy(1), None, 4, 199, seed=5)
    table = label_table(compare_labels(design, world, tmp_path)).set_index(["treatment", "parameter"])
    naive, noisy = table.loc[("naive counts", "m")], table.loc[("label-noise model", "m")]
    assert naive["slope"] < noisy["slope"]
    assert abs(noisy["slope"] - 1) < abs(naive["slope"] - 1)
    assert naive["rmse"] > noisy["rmse"]


def test_what_the_study_fixes_has_no_rank() -> None:
    """0.2 has no exact mean in floating point, and yet does not move."""
    rng = np.random.default_rng(0)
    draws = xr.Dataset(
        {
            "kappa": (("simulation", "draw"), rng.normal(size=(20, 9))),
            "adjustment_rate": (("simulation", "draw"), np.full((20, 9), 0.2)),
        }
    )
    truth = xr.Dataset({"kappa": ("simulation", rng.normal(size=20)), "adjustment_rate": ("simulation", [0.2] * 20)})
    ranks = ranks_of(draws, truth)
    assert list(ranks.data_vars) == ["kappa"]
    table = rank_table(fractional_ranks(ranks, 9, 0), draws, truth)
    assert table["variable"].tolist() == ["kappa"]
    assert is_calibrated(table)
