"""A run that was saved and is opened by somebody else is an ArviZ object: every plot that ArviZ offers is drawn."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.estimate.fit import arviz_attributes
from reestim.estimate.gates import GateWarning
from tests.conftest import PROJECT

_PREDICTED = {"var_names": ["use_share_change"]}
_SHIPPED = PROJECT / "models" / "substitution.toml"
#: How each plot is called: on the run, but for those that take what ``az.loo`` and ``az.compare`` make of it.
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "plot_bf": {"var_names": ["tau"], "ref_val": 1.0},
    "plot_forest": {"var_names": ["sigma"], "combined": True},
    "plot_lm": {"x": "use_years", "y": "use_share_change"},
    "plot_pair": {"var_names": ["mu", "tau"]},
    "plot_pair_focus": {"var_names": ["sigma"], "focus_var": "tau"},
    "plot_parallel": {"var_names": ["sigma"]},
    "plot_loo_pit": _PREDICTED,
    "plot_loo_pava": {"var_names": ["adopted"]},
    "plot_ppc_dist": {},
    "plot_ppc_dist_pit": _PREDICTED,
    "plot_ppc_interval": _PREDICTED,
    "plot_ppc_pava": {"var_names": ["adopted"]},
    "plot_ppc_pava_residuals": {"var_names": ["adopted"], "x_var": "use_years"},
    "plot_ppc_pit": _PREDICTED,
    "plot_ppc_rootogram": {"var_names": ["patent_count"]},
    "plot_ppc_tstat": _PREDICTED,
}
#: Those that ask for counts, or for yes or no: the shipped study observes real numbers only.
_OF_OTHER_DATA = ("plot_loo_pava", "plot_ppc_pava", "plot_ppc_pava_residuals", "plot_ppc_rootogram")
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


def failures(post: xr.DataTree, without: Sequence[str] = ()) -> list[str]:
    """Draw everything; what failed, with the reason."""
    import arviz as az
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    found: list[str] = []

    def drawn(name: str, subject: Any, **arguments: Any) -> None:
        try:
            offered()[name](subject, **arguments)
        except Exception as error:
            found.append(f"{name}: {type(error).__name__}: {error}")
        plt.close("all")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loo = az.loo(post, var_name="use_share_change", pointwise=True)
        subjects = {"plot_khat": loo, "plot_compare": az.compare({"this": loo, "the same": loo})}
        subjects["plot_loo_interval"] = one_label(post)
        for name in offered():
            if name not in (*_NOT_OURS, *without):
                drawn(name, subjects.get(name, post), **_ARGUMENTS.get(name, sigma_alone(name)))
        for subject in (post, ree.leave_one_out(post, seed=1)):
            for name in subject["observed_data"].data_vars:
                drawn("plot_loo_pit", one_label(subject), var_names=str(name))
    return found


def sigma_alone(name: str) -> dict[str, Any]:
    """For a plot of parameters: all of them would be more panels than ArviZ draws."""
    of_parameters = "var_names" in inspect.signature(offered()[name]).parameters and not name.startswith("plot_loo")
    return {"var_names": ["sigma"]} if of_parameters else {}


def one_label(post: xr.DataTree) -> xr.DataTree:
    """With one of the counts that share a total: their vector has no order, and one log density."""
    return post.sel(label="enhancing") if "label" in post["observed_data"].dims else post


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

    def by_label(ds: xr.Dataset) -> xr.Dataset:
        """With counts that share a total, whose log density is one number for each total."""
        return ds.assign(patents_by_label=ds["patent_count"].expand_dims(label=["using", "enhancing"], axis=-1).copy())

    return xr.DataTree.from_dict(
        {
            "posterior": parameters(),
            "prior": parameters(),
            "sample_stats": arviz_attributes(
                xr.Dataset(stats, coords={"chain": range(2), "draw": range(50)}), "nutpie"
            ),
            "posterior_predictive": by_label(group("use_share_change", **seen)),
            "prior_predictive": by_label(group("use_share_change", **seen)),
            "observed_data": by_label(group("use_share_change", **seen, samples=False)),
            "constant_data": group("use_years", samples=False),
            "log_likelihood": group("use_share_change", "patent_count", "adopted", "patents_by_label"),
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
def test_the_shipped_study_in_either_language_is_drawn_in_another_process(language: str, tmp_path: Path) -> None:
    spec = ree.read_spec(_SHIPPED).quick()
    if language == "numpyro":
        change = {"model": "substitution_numpyro.py", "sampler": spec.sampler.model_copy(update={"name": "numpyro"})}
        spec = spec.model_copy(update=change)
    model = ree.build(spec, ree.load_dataset(spec.dataset))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GateWarning)
        post = ree.fit(model, spec.sampler, 1, progress=False)
    post = ree.posterior_predictive(model, post, 1)
    assert post["posterior_predictive"].sizes["draw"] == post["log_likelihood"].sizes["draw"] == spec.sampler.draws
    post["prior_predictive"] = ree.prior_predictive(model, 1)["prior_predictive"]
    ree.save(post, tmp_path / "run")
    code = (
        "import tests.interface.test_arviz as t; "
        f"print(t.failures(t.ree.load({str(tmp_path / 'run')!r}), t._OF_OTHER_DATA))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
