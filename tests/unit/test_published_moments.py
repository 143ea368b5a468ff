"""Published elasticities as evidence: what they are about, the density in both languages, power, refits, simulation."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from numpyro.infer.util import log_density
from scipy import stats

from reestim import technology
from reestim.checks import power
from reestim.data.dataset import check_dataset, load_dataset
from reestim.errors import InputError, ParameterError
from reestim.estimate import fit as fitting
from reestim.estimate.inputs import assemble
from reestim.estimate.model import adapt
from reestim.evidence.simulate import simulate_evidence
from reestim.evidence.truth import Truth
from reestim.io.resources import SIMULATED
from reestim.pipeline.refits import possible_refits
from reestim.study.spec import Evidence, Spec
from reestim.supply_chain.flows import ree_value
from tests.recovery.study import POLICY_YEAR, TRUTH, default_spec
from tests.recovery.world import small_world

ONLY = Evidence(patents=False, event_study=False, ree_use=False, published_moments=True)
COLUMNS = ["sector", "horizon", "estimate", "std_error"]


def _table(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def _inputs(table: pd.DataFrame) -> xr.Dataset:
    io, price, z = small_world(countries=3)
    return assemble(io, price, z, {"published_moments": table}, ONLY, policy_year=POLICY_YEAR)


def _spec() -> Spec:
    return default_spec().model_copy(update={"evidence": ONLY})


@pytest.fixture(scope="module")
def glass() -> str:
    return str(small_world()[1]["sector"].values[2])


@pytest.fixture(scope="module")
def data(glass: str) -> xr.Dataset:
    rows = (
        ("all", "months", 0.05, 0.04),
        ("all", "year", 0.4, 0.1),
        (glass, "long", 0.8, 0.2),
        (glass, "long", 0.7, 0.3),
    )
    return _inputs(_table(*rows))


def test_all_sectors_weigh_by_the_rare_earths_they_use(data: xr.Dataset, glass: str) -> None:
    io, price, _ = small_world(countries=3)
    value = ree_value(io).sel(sector=price["sector"]).sum("country")
    weight = data["moment_weight"].transpose("moment", "sector")
    np.testing.assert_allclose(weight[0], value / value.sum())
    np.testing.assert_array_equal(weight[2], (data["sector"] == glass).astype(float))
    assert data["moment"].values.tolist() == ["all, months", "all, year", f"{glass}, long (1)", f"{glass}, long (2)"]


def test_the_density_is_that_of_sigma_at_each_horizon_in_both_languages(data: xr.Dataset) -> None:
    model: Any = fitting.build(_spec(), data)
    twin: Any = fitting.build(_spec().model_copy(update={"model": "substitution_numpyro.py"}), data)
    observed = model["moment_estimate"]
    everything = [*model.free_RVs, model["sigma"]]
    terms = [model.logp(vars=[observed], sum=False)[0].sum(), model.logp(jacobian=False)]
    found = pm.pytensorf.compile(
        model.value_vars, [*terms, *model.replace_rvs_by_values(everything)], mode="FAST_COMPILE"
    )
    rng, start = np.random.default_rng(0), model.initial_point()
    for _ in range(2):
        ours, whole, *values = found(*[start[v.name] + rng.normal(size=start[v.name].shape) for v in model.value_vars])
        point = {str(v.name): value for v, value in zip(everything, values, strict=True)}
        sigma, kappa, xi, s = (point[name] for name in ("sigma", "kappa", "spillover", "impact_ratio"))
        long_run = 1 - (1 - sigma) / (1 + kappa * (1 + xi) * (1 - sigma))  # equation (2a)
        weight = data["moment_weight"].transpose("moment", "sector").values
        mean = [s * weight[0] @ sigma, weight[1] @ sigma, weight[2] @ long_run, weight[3] @ long_run]
        expected = stats.norm(mean, data["moment_error"]).logpdf(data["moment_estimate"]).sum()
        np.testing.assert_allclose(ours, expected, rtol=1e-10)
        free = {str(v.name): point[str(v.name)] for v in model.free_RVs}
        np.testing.assert_allclose(float(log_density(twin, (), {}, free)[0]), whole, rtol=1e-8)


def test_a_year_and_the_long_run_together_tell_research(data: xr.Dataset) -> None:
    """σ and σ_L of all sectors, known well, give κ̃ = (1/(1−σ_L) − 1/(1−σ)): prior draws weighed by the likelihood."""
    del data
    rows = _table(("all", "year", 0.4, 0.03), ("all", "long", 0.75, 0.03))
    model = adapt(fitting.build(_spec(), _inputs(rows)))
    prior = model.prior(6000, seed=1).isel(chain=0)
    weight = _inputs(rows)["moment_weight"].isel(moment=0)
    sigma, long_run = ((prior[n] * weight).sum("sector") for n in ("sigma", "long_run_elasticity"))
    log = stats.norm(0.4, 0.03).logpdf(sigma) + stats.norm(0.75, 0.03).logpdf(long_run)
    w = np.exp(log - log.max())
    research = prior["kappa"] * (1 + prior["spillover"])
    mean = float((w * research).sum() / w.sum())
    assert w.sum() ** 2 / (w**2).sum() > 20  # draws that carry the answer
    assert mean == pytest.approx(1 / 0.25 - 1 / 0.6, rel=0.25)
    assert abs(mean - float(research.mean())) > 0.5  # the prior alone says otherwise


def test_its_power_stands_in_the_table(data: xr.Dataset) -> None:
    prior = adapt(fitting.build(_spec(), data)).prior(20, seed=0)
    table = power.power_table(data, {"prior": prior}).set_index("block")
    assert table.loc["published_moments", "prior_row"] > 0


def test_simulated_estimates_lie_around_the_truth_by_their_errors() -> None:
    io, price, z = small_world(countries=3)
    users = [str(s) for s in price["sector"].values]
    truth = replace(TRUTH, sigma=dict.fromkeys(users, 0.4), impact_ratio=0.1)
    design = pd.concat([_table(*[("all", h, 0.0, 0.02)] * 300) for h in ("months", "year", "long")])[
        ["sector", "horizon", "std_error"]
    ]
    found = simulate_evidence(io, price, z, truth, 1, outcomes=False, published_moments=design)["published_moments"]
    mean = found.groupby("horizon")["estimate"].mean()
    expected = {"months": 0.04, "year": 0.4, "long": technology.long_run_elasticity(0.4, truth.kappa, truth.spillover)}
    for horizon, value in expected.items():
        assert mean[horizon] == pytest.approx(float(value), abs=4 * 0.02 / np.sqrt(300))
    with pytest.raises(ParameterError, match="impact_ratio"):
        simulate_evidence(io, price, z, Truth(beta=TRUTH.beta), 1, published_moments=design)


def test_a_sector_without_rare_earths_and_a_missing_file_are_refused() -> None:
    with pytest.raises(InputError, match="uses no rare earths"):
        _inputs(_table(("food", "year", 0.4, 0.1)))
    io, price, z = small_world()
    with pytest.raises(InputError, match=r"published_moments\.csv.*evidence\.published_moments = false"):
        assemble(io, price, z, {}, ONLY, policy_year=POLICY_YEAR)


def test_what_is_wrong_in_the_file_is_said(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(SIMULATED, copy, ignore=shutil.ignore_patterns("sources"))
    good = "all,year,0.4,0.1,read: x,true\n"
    bad = "metal,year,0.4,0.1,read: x,true\nall,decade,40,0,read: x,true\n"
    (copy / "published_moments.csv").write_text(
        "sector,horizon,estimate,std_error,source,verified\n" + good + bad + good
    )
    said = {p.message for p in check_dataset(copy) if p.file == "published_moments.csv"}
    assert said == {
        "unknown sector",
        "unknown horizon",
        "an elasticity of substitution must lie between 0 and 20",
        "a standard error must be above 0",
        "the key is repeated",
    }


def test_a_refit_leaves_the_elasticities_of_a_sector_out() -> None:
    data = load_dataset(SIMULATED)
    moments = _table(("metals", "year", 0.4, 0.1), ("all", "year", 0.5, 0.1))
    data = replace(data, tables=MappingProxyType({**data.tables, "published_moments": moments}))
    (found,) = possible_refits(_spec(), data)
    assert found.sector == "metals"
    assert found.data["published_moments"]["sector"].tolist() == ["all"]
