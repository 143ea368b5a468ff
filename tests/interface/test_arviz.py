"""A run that was saved and is opened by somebody else is an ArviZ object: every plot that ArviZ offers is drawn."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.estimate import fit as fitting
from reestim.estimate.fit import arviz_attributes
from reestim.estimate.gates import GateWarning
from reestim.study.spec import Sampler
from tests.conftest import PROJECT
from tests.recovery.study import default_spec, inputs_of

#: Three kinds of evidence on two elasticities: real numbers, counts, yes or no. The same model in both languages.
_DATA = """
import numpy as np
RNG = np.random.default_rng(1)
CHANGE, COUNT, ADOPTED = RNG.normal(0.3, 0.5, 6), RNG.poisson(3, 6), RNG.integers(0, 2, 6)
SECTOR = np.array([0, 0, 0, 1, 1, 1])
COORDS = {"sector": ["electronics", "machinery"], "observation": list("abcdef")}
"""
_MODELS = {
    "pymc": _DATA
    + """
import pymc as pm
import pytensor.tensor as pt
from reestim.estimate.priors import variable

def build(data, priors):
    with pm.Model(coords=COORDS) as model:
        mu = variable(priors, "mu", dims="sector")
        tau = variable(priors, "tau")
        pm.Deterministic("sigma", pt.exp(mu), dims="sector")
        pm.Normal("use_share_change", mu[SECTOR], tau, observed=CHANGE, dims="observation")
        pm.Poisson("patent_count", pt.exp(mu[SECTOR]), observed=COUNT, dims="observation")
        pm.Bernoulli("adopted", pm.math.invlogit(mu[SECTOR]), observed=ADOPTED, dims="observation")
    return model
""",
    "numpyro": _DATA
    + """
import jax.numpy as jnp
from numpyro import distributions as dist
from reestim.estimate.numpyro_model import NumpyroModel, deterministic, observe, prior

def build(data, priors):
    def function():
        mu = prior(priors, "mu", dims="sector")
        tau = prior(priors, "tau")
        deterministic("sigma", jnp.exp(mu), dims="sector")
        each, row = mu[SECTOR], "observation"
        observe("use_share_change", dist.Normal(each, tau), CHANGE, dims=row)
        observe("patent_count", dist.Poisson(jnp.exp(each)), COUNT, dims=row)
        observe("adopted", dist.BernoulliLogits(each), ADOPTED, long_name="adopted", dims=row)
    return NumpyroModel(function, COORDS)
""",
}

_PREDICTED = {"var_names": ["use_share_change"]}
#: How each plot is called: on the run, but for those that take what ``az.loo`` and ``az.compare`` make of it.
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "plot_bf": {"var_names": ["tau"], "ref_val": 1.0},
    "plot_forest": {"var_names": ["sigma"], "combined": True},
    "plot_lm": {"x": "price", "y": "use_share_change"},
    "plot_pair": {"var_names": ["sigma"]},
    "plot_pair_focus": {"var_names": ["sigma"], "focus_var": "tau"},
    "plot_parallel": {"var_names": ["sigma"]},
    "plot_loo_pit": _PREDICTED,
    "plot_loo_pava": {"var_names": ["adopted"]},
    "plot_ppc_dist": {},
    "plot_ppc_dist_pit": _PREDICTED,
    "plot_ppc_interval": _PREDICTED,
    "plot_ppc_pava": {"var_names": ["adopted"]},
    "plot_ppc_pava_residuals": {"var_names": ["adopted"], "x_var": "price"},
    "plot_ppc_pit": _PREDICTED,
    "plot_ppc_rootogram": {"var_names": ["patent_count"]},
    "plot_ppc_tstat": _PREDICTED,
}
#: Those that are not of our groups, with the reason.
_NOT_OURS = {
    "plot_ecdf_pit": "it is of ranks, which a calibration has (reestim sbc) and a run has not",
    "plot_ppc_censored": "no kind of evidence is censored",
}


def offered() -> dict[str, Callable[..., Any]]:
    """Every function of arviz_plots that draws a tree or what was computed of one."""
    import arviz_plots

    found = dict(inspect.getmembers(arviz_plots, inspect.isfunction))
    return {name: f for name, f in found.items() if name.startswith("plot_")}


def failures(post: xr.DataTree) -> list[str]:
    """Draw everything; what failed, with the reason."""
    import arviz as az
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loo = az.loo(post, var_name="use_share_change", pointwise=True)
        subjects = {"plot_khat": loo, "plot_compare": az.compare({"this": loo, "the same": loo})}
        for name, plot in offered().items():
            if name in _NOT_OURS:
                continue
            try:
                plot(subjects.get(name, post), **_ARGUMENTS.get(name, {}))
            except Exception as error:
                found.append(f"{name}: {type(error).__name__}: {error}")
            plt.close("all")
    return found


def made_up() -> xr.DataTree:
    """A run in the groups of a fit, with draws that nobody sampled."""
    rng = np.random.default_rng(3)
    lead, sizes = ("chain", "draw"), (2, 50)
    labels = {"sector": ["electronics", "machinery"], "observation": list("abcdef")}

    def group(*names: str, own: str = "observation", whole: tuple[str, ...] = (), samples: bool = True) -> xr.Dataset:
        dims, shape = ((*lead, own), (*sizes, len(labels[own]))) if samples else ((own,), (len(labels[own]),))
        found = {n: (dims, rng.normal(1.0, 0.3, shape)) for n in names}
        found |= {n: (dims, rng.integers(0, 2 if n == "adopted" else 9, shape)) for n in whole}
        coords = {own: labels[own]} | ({"chain": range(2), "draw": range(50)} if samples else {})
        return arviz_attributes(xr.Dataset(found, coords=coords), "nutpie", lead if samples else ())

    def parameters() -> xr.Dataset:
        return group("mu", "sigma", own="sector").assign(tau=(lead, rng.lognormal(size=sizes)))

    seen = {"whole": ("patent_count", "adopted")}
    stats = {"diverging": (lead, rng.random(sizes) < 0.1), "energy": (lead, rng.normal(size=sizes))}
    return xr.DataTree.from_dict(
        {
            "posterior": parameters(),
            "prior": parameters(),
            "sample_stats": arviz_attributes(
                xr.Dataset(stats, coords={"chain": range(2), "draw": range(50)}), "nutpie"
            ),
            "posterior_predictive": group("use_share_change", **seen),
            "prior_predictive": group("use_share_change", **seen),
            "observed_data": group("use_share_change", **seen, samples=False),
            "constant_data": group("price", samples=False),
            "log_likelihood": group("use_share_change", "patent_count", "adopted"),
            "log_prior": group("mu", "tau", own="sector").sum("sector"),
        }
    )


def test_every_plot_of_arviz_is_drawn_from_a_loaded_run(tmp_path: Path) -> None:
    post = made_up()
    back = ree.load(ree.save(post, tmp_path / "run"))
    assert failures(back) == []
    for name in post.children:
        assert back[name].attrs == post[name].attrs, name


def test_every_plot_of_arviz_is_known() -> None:
    """A new one is to be called here, or named with the reason why it is not of a run."""
    assert set(_ARGUMENTS) | set(_NOT_OURS) <= set(offered())
    assert not set(_ARGUMENTS) & set(_NOT_OURS)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["pymc", "numpyro"])
def test_a_fit_in_either_language_is_drawn_in_another_process(language: str, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(_MODELS[language])
    priors = {name: default_spec().priors[name] for name in ("mu", "tau")}
    study: Any = SimpleNamespace(name="tiny", model_path=tmp_path / "model.py", priors=priors)
    model = fitting.build(study, inputs_of(seed=0)[0].assign(price=("observation", np.arange(6.0))))
    sampler = Sampler(name="nutpie" if language == "pymc" else "numpyro", draws=60, tune=100, chains=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GateWarning)
        post = ree.fit(model, sampler, 1, progress=False)
    post = ree.posterior_predictive(model, post, 1)
    assert post["posterior_predictive"].sizes["draw"] == post["log_likelihood"].sizes["draw"] == 60
    post["prior_predictive"] = ree.prior_predictive(model, 1)["prior_predictive"]
    ree.save(post, tmp_path / "run")
    code = f"import tests.interface.test_arviz as t; print(t.failures(t.ree.load({str(tmp_path / 'run')!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
