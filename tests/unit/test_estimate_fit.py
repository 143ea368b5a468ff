"""What is refused before sampling, what the gates judge, and what an interrupted run leaves: nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from reestim.errors import InputError
from reestim.estimate import fit as fitting
from reestim.estimate import sampling
from reestim.estimate.inputs import assemble, checked
from reestim.estimate.model import adapt
from reestim.estimate.predictive import prior_predictive
from reestim.estimate.priors import outside, variable
from reestim.study.prior import Prior
from reestim.study.spec import Evidence, Sampler
from tests.recovery.study import POLICY_YEAR, TRUTH, default_spec, inputs_of
from tests.recovery.world import small_world


def _prior(**table: object) -> Prior:
    return Prior.model_validate(table)


@pytest.fixture(scope="module")
def inputs() -> xr.Dataset:
    return inputs_of(seed=0)[0]


# --- Priors ---


@pytest.mark.parametrize(
    ("name", "table", "sound"),
    [
        ("kappa", {"distribution": "Normal", "mu": 1.0, "sigma": 0.5}, False),
        ("kappa", {"distribution": "LogNormal", "mu": 0.0, "sigma": 0.5}, True),
        ("kappa", {"distribution": "Fixed", "value": 0.0}, False),
        ("spillover_gap", {"distribution": "Fixed", "value": 0.0}, True),
        ("spillover_gap", {"distribution": "Uniform", "lower": -1.0, "upper": 1.5}, False),
        ("spillover", {"distribution": "TruncatedNormal", "mu": 1.0, "sigma": 1.0, "lower": 0.0}, True),
        ("mu", {"distribution": "Normal", "mu": 0.0, "sigma": 1.0}, True),
        ("a_parameter_of_my_own", {"distribution": "Normal", "mu": 0.0, "sigma": 1.0}, True),
    ],
)
def test_a_prior_must_stay_where_its_parameter_lives(name: str, table: dict[str, object], sound: bool) -> None:
    assert (outside(name, _prior(**table)) is None) == sound


def test_all_problems_of_the_priors_come_together(inputs: xr.Dataset) -> None:
    spec = default_spec()
    priors = dict(spec.priors)
    del priors["tau"]
    priors["kappa"] = _prior(distribution="Normal", mu=1.0, sigma=1.0)
    priors["spilover"] = priors["spillover"]
    with pytest.raises(InputError) as caught:
        fitting.build(spec.model_copy(update={"priors": priors}), inputs)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    for part in ("priors.tau", "priors.kappa", "LogNormal", "priors.spilover"):
        assert part in text


def test_a_prior_of_a_block_that_is_off_is_no_problem(inputs: xr.Dataset) -> None:
    model = fitting.build(default_spec(), inputs.drop_vars(["patent_count", "label_audit"]))
    assert "concentration" not in model.named_vars
    assert {"sigma", "kappa", "event_estimate", "use_share_change"} <= set(model.named_vars)


def test_a_built_model_is_a_pymc_model_that_knows_its_study(inputs: xr.Dataset, tmp_path: Path) -> None:
    """Whatever a model file does with PyMC: what ``pm.do`` makes is another model than the one that was written."""
    text = """
import pymc as pm
from reestim.estimate.priors import variable

def build(data, priors):
    with pm.Model(coords={"sector": data["sector"].values}) as model:
        kappa = variable(priors, "kappa")
        x = pm.Normal("x", kappa, dims="sector")
        pm.Normal("y", x, observed=[0.0, 1.0], dims="sector")
    return pm.do(model, {"x": [1.0, 2.0]})
"""
    (tmp_path / "done.py").write_text(text)
    data = inputs.isel(sector=[0, 1])
    spec = default_spec()
    spec = spec.model_copy(update={"model": str(tmp_path / "done.py"), "priors": {"kappa": spec.priors["kappa"]}})
    model = fitting.build(spec, data)
    assert isinstance(model, pm.Model)
    assert [v.name for v in model.free_RVs] == ["kappa"]
    expected = stats.lognorm(0.4, scale=np.exp(0.182)).logpdf(1.1) + stats.norm.logpdf([-1.0, -1.0]).sum()
    kappa = model.rvs_to_values[model["kappa"]]
    np.testing.assert_allclose(model.logp(jacobian=False).eval({kappa: np.log(1.1)}), expected, rtol=1e-12)
    xr.testing.assert_identical(adapt(model).study.inputs, data)
    assert adapt(model).study.stated == ("kappa",)
    with pm.Model() as plain:
        pm.Normal("x")
    assert adapt(plain).study is None


def test_a_fixed_prior_is_a_constant_of_the_posterior() -> None:
    with pm.Model(coords={"class": ["a", "b"]}) as model:
        variable({"tau": _prior(distribution="Fixed", value=0.2)}, "tau", long_name="τ", dims="class")
    assert not model.free_RVs
    np.testing.assert_array_equal(model["tau"].eval(), [0.2, 0.2])
    with pm.Model(), pytest.raises(InputError, match=r"priors\.kappa"):
        variable({}, "kappa")


def test_the_shifted_mean_keeps_its_stated_prior(inputs: xr.Dataset) -> None:
    """μ is sampled along its ridge with κ; its prior must stay the stated one, independent of κ, and P(σ<1) neutral."""
    model = fitting.build(default_spec(), inputs)
    drawn = pm.sample_prior_predictive(
        4000, model=model, var_names=["mu", "kappa", "sigma"], random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
    )["prior"].to_dataset()
    stated = default_spec().priors["mu"].parameters
    assert abs(float(drawn["mu"].mean()) - stated["mu"]) < 0.06
    assert abs(float(drawn["mu"].std()) - stated["sigma"]) < 0.05
    assert abs(np.corrcoef(drawn["mu"].values.ravel(), np.log(drawn["kappa"].values.ravel()))[0, 1]) < 0.06
    assert 0.45 < float((drawn["sigma"] < 1).mean()) < 0.65


# --- Inputs ---


def test_bad_inputs_are_listed_together(inputs: xr.Dataset) -> None:
    broken = inputs.copy(deep=True)
    broken["patent_count"] = broken["patent_count"].astype(float)
    broken["patent_count"][0, 0, 0, 0] = 1.5
    broken["relative_price"][0, 0, 0] = np.nan
    broken["event_covariance"] = broken["event_covariance"] * 0
    with pytest.raises(InputError) as caught:
        checked(broken.drop_vars("label_audit"))
    text = str(caught.value)
    for part in ("whole numbers", "relative_price", "positive definite", "audit"):
        assert part in text


def test_evidence_that_is_asked_for_and_not_there_is_named() -> None:
    io, price, z = small_world()
    with pytest.raises(InputError) as caught:
        assemble(io, price, z, {}, Evidence(patents=True), policy_year=POLICY_YEAR)
    assert {p.file for p in caught.value.problems} == {
        "patent_labels.csv",
        "label_audit.csv",
        "outcomes.csv or event_study.csv",
        "ree_use_panel.csv",
    }
    none = assemble(
        io, price, z, {}, Evidence(patents=False, event_study=False, ree_use=False), policy_year=POLICY_YEAR
    )
    assert "none" in none.attrs["evidence"]


def test_patents_need_a_price_in_their_year() -> None:
    from reestim.evidence.simulate import simulate_evidence

    io, price, z = small_world()
    tables = simulate_evidence(io, price, z, TRUTH, 0, outcomes=False)
    only = Evidence(event_study=False, ree_use=False)
    with pytest.raises(InputError, match="without a relative price"):
        assemble(io, price.sel(year=slice(2003, None)), z, tables, only, policy_year=POLICY_YEAR)
    fewer = tables | {"patent_labels": tables["patent_labels"].query("year >= 2005")}
    assert assemble(io, price, z, fewer, only, policy_year=POLICY_YEAR)["year"].values.tolist() == list(
        range(2005, 2015)
    )


# --- Model files ---


def test_model_files_that_cannot_be_used_are_refused_with_words(inputs: xr.Dataset, tmp_path: Path) -> None:
    texts = {
        "broken.py": ("def build(data, priors)\n", "does not run"),
        "empty.py": ("x = 1\n", "no function build"),
        "wrong.py": ("def build(data, priors):\n    return 3\n", "did not return a model"),
    }
    for name, (text, message) in texts.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=message):
            fitting.build(_at(tmp_path, name), inputs)
    with pytest.raises(InputError, match="no such model file"):
        fitting.build(_at(tmp_path, "absent.py"), inputs)


def _at(folder: Path, name: str):
    return SimpleNamespace(name="study", model_path=folder / name, priors={})


# --- Samplers and gates ---


def test_a_sampler_that_is_not_installed_is_said_before_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    with pm.Model() as model:
        pm.Normal("x")
    monkeypatch.setattr(sampling.importlib.util, "find_spec", lambda name: None if name == "numpyro" else object())
    with pytest.raises(InputError) as caught:
        fitting.fit(model, Sampler(name="numpyro"), seed=-1)
    assert "not installed" in str(caught.value)
    assert "seed" in str(caught.value)


@pytest.mark.parametrize("name", list(sampling.SAMPLERS))
def test_a_density_that_is_nowhere_finite_is_a_problem_of_the_study(name: str) -> None:
    with pm.Model() as model:
        pm.Bernoulli("impossible", p=0 * pm.Beta("x", 2, 2), observed=1)
    with pytest.raises(InputError, match="not finite at any starting point"):
        fitting.fit(model, Sampler(name=name, draws=10, tune=10, chains=2), seed=0, progress=False)


def test_a_prior_whose_numbers_end_is_said_before_sampling() -> None:
    with pm.Model() as model:
        pm.LogNormal("kappa", 0, 1000)
    for ask in (lambda: fitting.fit(model, Sampler(), seed=0), lambda: prior_predictive(model, seed=0)):
        with pytest.raises(InputError, match="'kappa': the priors have infinite draws"):
            ask()


def test_an_interrupted_sampler_leaves_no_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    import nutpie

    aborted = []

    class Running:
        @property
        def is_finished(self):
            raise KeyboardInterrupt

        def cancel(self):
            aborted.append(True)

    with pm.Model() as model:
        pm.Normal("x")
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: Running())
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(model, Sampler(draws=10, tune=10), seed=0, progress=False)
    assert aborted


def test_pymc_hands_back_partial_draws_and_we_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    half = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": (("chain", "draw"), np.zeros((2, 5)))})})
    monkeypatch.setattr(pm, "sample", lambda **_: half)
    with pm.Model() as model:
        pm.Normal("x")
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(model, Sampler(name="pymc", draws=10, tune=10), seed=0, progress=False)
