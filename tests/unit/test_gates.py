"""Gates: what failed is named, and every sampler reports what they need."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
import xarray as xr

from reestim.estimate import fit as fitting
from reestim.estimate import sampling
from reestim.estimate.gates import GateReport, GateWarning, check_gates
from reestim.runs.record import RunRecord
from reestim.study.spec import Gates, Sampler


def _tree(x: np.ndarray, divergences: int = 0, **stats: np.ndarray) -> xr.DataTree:
    """Draws of x with sound statistics of the sampler, but for those given (None: not reported)."""
    diverging = np.zeros(x.shape[:2], bool)
    diverging.ravel()[:divergences] = True
    sound = {
        "energy": np.random.default_rng(1).standard_normal(x.shape[:2]),
        "reached_max_treedepth": diverging * False,
    }
    reported = {k: v for k, v in ({"diverging": diverging} | sound | stats).items() if v is not None}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {"x": (("chain", "draw", "sector"), x), "fixed": (("chain", "draw"), np.ones(x.shape[:2]))},
                coords={"sector": ["glass", "metals"]},
            ),
            "sample_stats": xr.Dataset({k: (("chain", "draw"), v) for k, v in reported.items()}),
        }
    )


def test_gates_name_what_failed_and_survive_json() -> None:
    good = np.random.default_rng(0).standard_normal((4, 1000, 2))
    report = check_gates(_tree(good), Gates())
    assert report.passed  # the constant is not judged
    assert GateReport.from_dict(report.as_dict()) == report

    apart = good.copy()
    apart[0, :, 1] += 3  # one chain elsewhere, one sector only
    report = check_gates(_tree(apart, divergences=2), Gates())
    failed = {gate.gate: gate for gate in report.gates if not gate.passed}
    assert set(failed) >= {"divergences", "r_hat", "ess_bulk"}
    assert failed["r_hat"].where == "x[metals]"
    assert "FAILED" in str(report)

    broken = good.copy()
    broken[1, 5, 0] = np.nan
    report = check_gates(_tree(broken), Gates())
    assert not report.passed
    assert np.isnan(report.gates[1].value)


def test_slow_energy_and_cut_trajectories_fail_their_gates() -> None:
    good = np.random.default_rng(0).standard_normal((4, 1000, 2))
    slow = np.random.default_rng(1).standard_normal((4, 1000))
    slow[2] = slow[2].cumsum()  # the energy of this chain creeps
    cut = np.zeros((4, 1000), bool)
    cut[:, :50] = True  # one draw in twenty ended at the largest tree
    report = {g.gate: g for g in check_gates(_tree(good, energy=slow, reached_max_treedepth=cut), Gates()).gates}
    assert {name for name, gate in report.items() if not gate.passed} == {"e_bfmi", "tree_depth"}
    assert report["e_bfmi"].where == "chain 2"
    assert report["tree_depth"].value == pytest.approx(0.05)


def test_a_statistic_that_a_sampler_does_not_report_fails_its_gate() -> None:
    good = np.random.default_rng(0).standard_normal((4, 1000, 2))
    report = check_gates(_tree(good, energy=None, diverging=None), Gates())
    assert {gate.gate for gate in report.gates if not gate.passed} == {"divergences", "e_bfmi"}


@pytest.mark.parametrize("name", list(sampling.SAMPLERS))
def test_every_sampler_reports_what_the_gates_need(name: str) -> None:
    """A funnel without help: all samplers name the same statistics, and its divergences are seen with each of them."""
    with pm.Model() as model:
        scale = pm.Normal("scale", 0, 3)
        pm.Normal("x", 0, pm.math.exp(scale), shape=3)
    sampler = Sampler(name=name, draws=100, tune=100, chains=2, target_accept=0.6, max_tree_depth=5)
    with pytest.warns(GateWarning):
        post = fitting.fit(model, sampler, seed=3, progress=False)
    assert set(sampling.STATISTICS) == set(post["sample_stats"].data_vars)
    for group in ("posterior", "sample_stats"):
        attrs = post[group].attrs
        assert attrs["inference_library"] == name
        assert attrs["sample_dims"] == ["chain", "draw"]
        assert attrs["tuning_steps"] == 100
        assert attrs["sampling_time"] > 0
        assert {f"creation_library{end}" for end in ("", "_version", "_language")} <= set(attrs)
        assert {"created_at", "inference_library_version"} <= set(attrs)
    report = {g.gate: g for g in RunRecord.of(post).gates.gates}
    assert not any(np.isnan(gate.value) for gate in report.values())
    assert report["divergences"].value > 0
    assert int(post["sample_stats"]["tree_depth"].max()) <= 5
