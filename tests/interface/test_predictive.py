"""Predictive checks: data of the model pass, of another are called out; no prior draw is dropped unsaid."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import reestim as ree
from reestim.checks import predictive, prior_welfare
from reestim.reports.sections import predictions
from reestim.results.world import mitigation_sentences, mitigation_table
from reestim.runs.record import RunRecord

YEARS, COUNTRIES, SECTORS = range(2008, 2012), ["CHN", "JPN"], ["machinery", "electronics"]
LABELS = ["unrelated", "using", "enhancing", "substituting"]
DIMS = ("country", "sector", "year", "label")
COORDS = {"country": COUNTRIES, "sector": SECTORS, "year": list(YEARS), "label": LABELS}
SHARES = np.array([0.5, 0.25, 0.15, 0.1])
SEEN = xr.DataArray(np.random.default_rng(0).multinomial(400, SHARES, (2, 2, 4)), COORDS, DIMS, name="patent_count")


def run(shares: np.ndarray) -> xr.DataTree:
    """A run whose posterior knows the shares of labels to be ``shares``; its prior knows nothing."""
    with pm.Model(coords=COORDS) as model:
        share = pm.Dirichlet("share", np.ones(4), dims="label")
        pm.Multinomial("patent_count", n=400, p=share, observed=SEEN.values, dims=DIMS)
    draws = np.random.default_rng(1).dirichlet(6000 * shares, (2, 150))
    known = xr.Dataset({"share": (("chain", "draw", "label"), draws)}, {"chain": [0, 1], "draw": range(150)})
    post = ree.prior_predictive(model, seed=3, draws=200)
    post["posterior"] = xr.DataTree(known.assign_coords(label=LABELS))
    return ree.posterior_predictive(model, post, seed=2)


@pytest.fixture(scope="module")
def right() -> xr.DataTree:
    return run(SHARES)


def test_groups_are_those_of_arviz(right: xr.DataTree) -> None:
    import arviz as az

    for group in ("prior_predictive", "posterior_predictive"):
        made = right[group]["patent_count"]
        assert made.dims == ("chain", "draw", *DIMS)
        assert made.dtype == np.int32
        assert bool((made.sum("label") == 400).all()), "how many patents there are is given, not made"
    assert right["posterior_predictive"].sizes["draw"] == 150, "one for every posterior draw"
    assert set(right.children) >= {"prior", "observed_data", "posterior"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        az.plot_ppc_dist(right, num_samples=3, kind="ecdf")  # pyright: ignore
        az.plot_ppc_dist(right, group="prior_predictive", num_samples=3, kind="ecdf")  # pyright: ignore


def test_data_of_the_model_pass_and_p_values_are_tail_probabilities(right: xr.DataTree) -> None:
    found = predictive.check(right)
    assert found.verdict == "pass"
    row = found.table.loc[(found.table["statistic"] == "patents a year") & (found.table["what"] == "2010, enhancing")]
    made = right["posterior_predictive"]["patent_count"].sel(year=2010, label="enhancing").sum(["country", "sector"])
    seen = int(SEEN.sel(year=2010, label="enhancing").sum())
    assert row["observed"].item() == seen
    assert row["p"].item() == pytest.approx(float((made > seen).mean() + 0.5 * (made == seen).mean()))
    assert row["low"].item() == pytest.approx(float(np.quantile(made, 0.05)))
    assert row["prior_low"].item() < row["low"].item() < row["high"].item() < row["prior_high"].item()
    assert "priors allowed all" in found.sentences[-1]


def test_data_of_another_model_are_called_out() -> None:
    wrong = run(np.array([0.5, 0.2, 0.2, 0.1]))
    RunRecord.of(wrong).updated({"provenance": {"synthetic": ["patent_labels.csv"]}}).attached(wrong)
    found = predictive.check(wrong)
    assert found.verdict == "informational"
    said = " ".join(found.sentences)
    assert "FEWER than they should" in said
    assert "MORE than chance gives" in said
    assert "SIMULATED" in found.sentences[-1]
    enhancing = found.table.loc[found.table["what"].str.contains("enhancing"), "p"]
    assert (enhancing > 0.95).all(), "more made than seen"


def test_welfare_before_the_data_says_which_draws_have_no_equilibrium(post: xr.DataTree, tmp_path: Path) -> None:
    before = post["counterfactual"].to_dataset()
    before = before.assign(welfare=4 * before["welfare"])
    before["reason"] = before["reason"].where(before["solved"], 1)
    there = [name for name in prior_welfare.SOLVED_OUTCOMES if name in before]
    post["prior_counterfactual"] = xr.DataTree(before[there])
    found = prior_welfare.check(post)
    assert "79 of 80 solved; 1 parameters outside the interior" in found.sentences[-1]
    assert found.table["width_ratio"].to_numpy() == pytest.approx(0.25, rel=1e-3)
    back = ree.load(ree.save(post, tmp_path / "run"))
    section = predictions.section(back, predictions.tables(back))
    assert section is not None
    assert "0.25" in str(section.blocks)
    shares = mitigation_table(back)
    assert {"median", "prior_median"} <= set(shares), "every claim about directed technology stands beside its prior"
    assert "before the data" in mitigation_sentences(shares)[0]
