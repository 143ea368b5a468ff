"""What the numerical rooms refuse: mistakes made in Python, each said in words before anything is solved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.equilibrium.mines import Mine
from reestim.errors import InputError, ParameterError
from reestim.estimate import sampling
from reestim.estimate.inputs import assemble, checked
from reestim.estimate.kinds.ree_use import use_changes
from reestim.estimate.numpyro_model import NumpyroModel
from reestim.estimate.priors import checked_prior, share_weights
from reestim.evidence import estimators as event_path
from reestim.evidence.event_options import EventStudyOptions
from reestim.evidence.event_study import small_sample_covariance
from reestim.evidence.outcome_choice import event_outcomes
from reestim.evidence.path_posterior import path_posterior
from reestim.evidence.path_summary import summary_row
from reestim.evidence.placebo import placebo_rows
from reestim.evidence.productivity import without_ree, write_results
from reestim.study.prior import Prior
from reestim.study.spec import Evidence
from reestim.supply_chain.ree_use import country_use
from tests.economics.test_productivity import accounts
from tests.oracles import random_economy, random_parameters, random_scenario
from tests.recovery.study import MODELS, POLICY_YEAR, inputs_of
from tests.recovery.world import USERS, small_world

ECONOMY = random_economy(1)
NOTHING = ree.Scenario("nothing")


def _without_elements(ds: xr.Dataset) -> xr.Dataset:
    return ds.drop_dims("element")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda ds: ds.assign(expenditure=ds["expenditure"].rename(country="nation")), "expenditure has dimensions"),
        (lambda ds: ds.drop_vars("element_share"), "without element_share"),
        (lambda ds: ds.drop_vars("factor"), "'factor' has no labels"),
        (lambda ds: ds.assign_coords(element=["e0", "unobtainium"]), "elements must be sectors"),
        (_without_elements, "there are no elements|without element_share"),
        (lambda ds: ds.drop_vars("expenditure"), "lacks expenditure"),
    ],
)
def test_an_economy_that_is_none(spoil: Callable[[xr.Dataset], xr.Dataset], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ree.Economy(spoil(ECONOMY.ds))


@pytest.mark.parametrize(
    ("sigma", "said"),
    [
        (xr.DataArray([0.5], dims="planet", coords={"planet": ["Mars"]}), "has the dimension 'planet'"),
        (xr.DataArray([0.5] * 5, dims="sector"), "no labels on sector"),
        (xr.DataArray([0.5] * 2, dims="sector", coords={"sector": ["g0", "g0"]}), "repeats a label"),
    ],
)
def test_parameters_that_cannot_be_placed(sigma: xr.DataArray, said: str) -> None:
    with pytest.raises((InputError, ParameterError), match=said):
        ree.Parameters(sigma=sigma).to_arrays(ECONOMY, "fixed")


def test_a_solve_that_is_asked_for_the_impossible() -> None:
    parameters = random_parameters(1, ECONOMY)
    with pytest.raises(ParameterError, match="unknown technology"):
        ree.solve(ECONOMY, NOTHING, parameters, technology="magic")
    with pytest.raises(InputError, match="unknown rule for deficits"):
        ree.solve(ECONOMY, NOTHING, parameters, deficits="forgiven")
    with pytest.raises(InputError, match="years are for a transition"):
        ree.solve(ECONOMY, NOTHING, parameters, years=[2010, 2011])
    with pytest.raises(ParameterError, match="trade elasticity is missing"):
        ree.Parameters().to_arrays(ree.Economy(ECONOMY.ds.drop_vars("trade_elasticity")), "fixed")
    with pytest.raises(ParameterError, match="no parameter, or unequal ones"):
        ree.Parameters(kappa=1.0).to_batch(ECONOMY, "fixed", "draw")
    uneven = ree.Economy(ECONOMY.ds.assign(expenditure=1.5 * ECONOMY.ds["expenditure"] + 1), allow_imbalance=True)
    with pytest.raises(InputError, match="not in equilibrium at its baseline"):
        ree.solve(uneven, NOTHING, parameters)


def test_policies_without_a_place() -> None:
    last, first = ECONOMY.countries[-1], ECONOMY.countries[0]

    def refused(said: str, *policies: object, economy: ree.Economy = ECONOMY) -> None:
        with pytest.raises(InputError, match=said):
            ree.Scenario("x", policies=policies).to_arrays(economy)  # type: ignore[arg-type]

    refused(
        "two policies of the kind ExportQuota hold e0",
        ree.ExportQuota(first, ("e0",), 0.5),
        ree.ExportQuota(first, ("e0",), 0.6),
    )
    refused("exports no e0 in the baseline", ree.ExportQuota(last, ("e0",), 0.5))
    refused("no mine of e0", ree.SupplyShock(last, ("e0",), 0.5))
    nameless = ree.Economy(ECONOMY.ds.assign_coords(factor=[f"ore{k}" for k in range(ECONOMY.ds.sizes["factor"])]))
    refused("no resource of its own", ree.SupplyShock(first, ("e0",), 0.5), economy=nameless)
    with pytest.raises(InputError, match="no resource of its own"):
        ree.Scenario("x", mines=(Mine(first, "e0", 0.01),)).baseline(nameless)


@pytest.fixture(scope="module")
def inputs() -> xr.Dataset:
    return inputs_of(1, countries=2)[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda ds: ds.drop_vars("ree_share"), "missing from the inputs"),
        (lambda ds: ds.assign(trade_elasticity_mean=-ds["trade_elasticity_mean"]), "must be positive"),
        (lambda ds: ds.drop_vars("label_audit"), "without an audit"),
        (lambda ds: ds.assign(patent_count=ds["patent_count"] + 0.5), "whole numbers"),
        (lambda ds: ds.assign_coords(label=["unrelated", "using", "enhancing", "other"]), "unknown label"),
        (lambda ds: ds.assign(patent_count=0 * ds["patent_count"]), "no patents at all"),
        (lambda ds: ds.assign(relative_price=ds["relative_price"] / 0), "not a finite number"),
        (lambda ds: ds.assign(event_covariance=-ds["event_covariance"]), "not positive definite"),
    ],
)
def test_inputs_that_no_model_could_use(
    inputs: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        checked(spoil(inputs))


def test_priors_of_another_kind() -> None:
    normal = Prior.model_validate({"distribution": "Normal", "mu": 0.0, "sigma": 1.0})
    three = Prior.model_validate({"distribution": "Dirichlet", "a": [1.0, 1.0, 1.0]})
    for call, said in (
        (lambda: share_weights({}, "lag_weights", 2), "lag_weights"),
        (lambda: share_weights({"lag_weights": normal}, "lag_weights", 2), "shares need a Dirichlet"),
        (lambda: share_weights({"lag_weights": three}, "lag_weights", 2), "3 weights for 2 shares"),
        (lambda: checked_prior({}, "kappa"), "kappa"),
        (lambda: checked_prior({"kappa": three}, "kappa"), "Dirichlet"),
        (lambda: checked_prior({"kappa": normal}, "kappa"), "kappa"),
    ):
        with pytest.raises(InputError, match=said):
            call()


def test_samplers_that_cannot_run() -> None:
    sampler = ree.read_spec(MODELS / "substitution.toml").sampler
    model = NumpyroModel(lambda: None, {})
    (found,) = sampling.problems(sampler.model_copy(update={"name": "gibbs"}), model)
    assert found.message == "unknown sampler"
    (found,) = sampling.problems(sampler.model_copy(update={"name": "pymc"}), model)
    assert "NumPyro" in found.message


def test_event_studies_of_nothing() -> None:
    nothing = pd.DataFrame({"outcome": pd.Series([], dtype=str)})
    with pytest.raises(InputError, match="no outcome"):
        event_outcomes({"outcomes": nothing}, Evidence())
    with pytest.raises(InputError, match="a file that is not there"):
        event_outcomes({"outcomes": nothing}, Evidence(published_outcomes=["tfp"]))


def test_uses_that_say_nothing() -> None:
    io, price, z = small_world(countries=2)
    country, year = str(price["country"].values[0]), int(price["year"].values[0])
    value = io["ree_share"].sel(sector=list(USERS))

    def refused(said: str, sector: str, years: list[int], **columns: float) -> None:
        table = pd.DataFrame({"country": country, "sector": sector, "year": years, **columns})
        with pytest.raises(InputError, match=said):
            use_changes(table, price, value)

    refused("no change of use", USERS[0], [year], value=1.0, tonnes=1.0, output=9.0)
    refused("cost more than the output", USERS[0], [year, year + 1], value=10.0, tonnes=1.0, output=9.0)
    refused("uses no rare earths", "nothing", [year, year + 1], value=1.0, output=9.0)
    two = pd.DataFrame(
        {
            "human_label": ["using"] * 2,
            "machine_label": ["using"] * 2,
            "count": [1, 1],
            "design": ["random", "by_label"],
        }
    )
    counts = pd.DataFrame({"country": country, "sector": USERS[0], "year": [year], "label": "using", "count": [3]})
    with pytest.raises(InputError, match="one design"):
        assemble(
            io,
            price,
            z,
            {"patent_labels": counts, "label_audit": two},
            Evidence(event_study=False, ree_use=False),
            policy_year=POLICY_YEAR,
        )


def test_a_use_in_a_sector_that_nobody_has() -> None:
    data = ree.load_dataset("simulated-2010")
    countries, sector = list(data.countries), ["machinery"]
    use = xr.DataArray([[5.0]], coords={"element": ["Nd"], "sector": sector}, dims=("element", "sector"))
    supply = xr.DataArray(
        np.ones((len(countries), 1)), coords={"country": countries, "element": ["Nd"]}, dims=("country", "element")
    )
    output = xr.DataArray(
        np.zeros((len(countries), 1)), coords={"country": countries, "sector": sector}, dims=("country", "sector")
    )
    with pytest.raises(InputError, match="Move the use to a sector that produces"):
        country_use(data, use, supply, output)


def test_covariances_that_are_none() -> None:
    one = np.eye(2)
    with pytest.raises(InputError, match="3 clusters cannot give the covariance of 2 effects"):
        small_sample_covariance(one, 3)
    with pytest.raises(InputError, match="no variance"):
        small_sample_covariance(np.diag([1.0, 0.0]), 30)
    with pytest.raises(InputError, match="singular"):
        small_sample_covariance(np.ones((2, 2)), 30)
    with pytest.raises(InputError, match=r"unknown prior(.|\n)*scale above 0(.|\n)*not positive definite"):
        path_posterior(np.zeros(2), -one, [(0, 0), (1, 1)], prior="flat", scale=0.0)


def test_outcomes_and_accounts_that_cannot_take_what_is_found(tmp_path: Path) -> None:
    found = ree.growth_accounting(accounts(1))
    (tmp_path / "outcomes.csv").write_text("country,value\nUSA,1\n")
    with pytest.raises(InputError, match="Give an outcomes"):
        write_results(found, tmp_path / "tfp.csv", tmp_path / "outcomes.csv")
    assert not (tmp_path / "tfp.csv").exists(), "nothing is written where one file cannot be"
    with pytest.raises(InputError, match="cannot be used"):
        without_ree(accounts(1).assign(output=0.0))


def test_a_path_without_years_after_the_policy_has_no_mean_and_no_placebo() -> None:
    before = event_path.EffectPath(((-3, -3), (-2, -2)), np.zeros(2), np.eye(2), 30, 100, 4)
    row = summary_row(before, None, reference=-1)
    assert np.isnan([row["estimate"], row["posterior_median"]]).all()
    assert 0 <= row["pretrend_p_value"] <= 1
    late = pd.DataFrame({"year": [2010, 2011]})
    dose = xr.DataArray([0.1], dims="sector", coords={"sector": ["g0"]})
    chosen = EventStudyOptions(2010, -1, "country-sector", "random-walk", 0.02, 1.0, 1)
    assert placebo_rows(late, dose, "tfp", chosen, counts=False) == [], "no year before the policy to pretend one in"


def test_a_refusal_leaves_the_economy_as_it_was() -> None:
    before = ECONOMY.ds.copy(deep=True)
    with pytest.raises(ParameterError):
        ree.solve(ECONOMY, random_scenario(1, ECONOMY, size=0.1), random_parameters(1, ECONOMY), technology="magic")
    xr.testing.assert_identical(ECONOMY.ds, before)
