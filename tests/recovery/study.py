"""The default study on small simulated worlds: what the recovery tests and the tests of the blocks share."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from reestim.calibration.label_noise import EXACT_UNIT_VALUES
from reestim.estimate.inputs import assemble
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from reestim.study.spec import Evidence, Spec, read_spec
from tests.recovery.world import small_world

POLICY_YEAR = 2010
TRUTH = Truth(beta=(-0.4, 0.2))

#: US use of rare earths around the shock, one country and all sectors: value (million US$) and tonnes, from facts.md.
_USE = {
    2005: (40.4, 18964),
    2006: (55.9, 23837),
    2007: (72.0, 21096),
    2008: (122.2, 18255),
    2009: (67.4, 12912),
    2010: (114.0, 13620),
    2011: (460.0, 6387),
    2012: (173.6, 4058),
    2013: (127.9, 9965),
    2014: (92.6, 10795),
}
AGGREGATE_USE = pd.DataFrame(
    [("USA", "all", t, v, w) for t, (v, w) in _USE.items()], columns=["country", "sector", "year", "value", "tonnes"]
)


MODELS = Path(__file__).resolve().parents[2] / "models"


def default_spec() -> Spec:
    """models/substitution.toml, for simulated evidence, whose unit values have no error."""
    spec = read_spec(MODELS / "substitution.toml")
    return spec.model_copy(update={"priors": spec.priors | EXACT_UNIT_VALUES})


def sampler_of(spec: Spec, draws: int, tune: int, chains: int = 2):
    """The study's sampler, shorter and with larger steps."""
    return spec.sampler.model_copy(update={"draws": draws, "tune": tune, "chains": chains, "target_accept": 0.8})


def inputs_of(
    seed: int, truth: Truth = TRUTH, evidence: Evidence | None = None, countries: int = 5
) -> tuple[xr.Dataset, xr.DataArray]:
    """Model inputs simulated at ``truth`` with a sectoral panel of use, and the true σ (sector)."""
    evidence = evidence or Evidence()
    io, price, z = small_world(countries=countries)
    tables = simulate_evidence(io, price, z, truth, seed, ree_use_panel=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few clusters: wide event windows, as they should be
        inputs = assemble(io, price, z, tables, evidence, policy_year=POLICY_YEAR)
    return inputs, true_sigma(z, truth, np.random.default_rng(np.random.SeedSequence(seed).spawn(5)[0]))


def lagged_inputs(seed: int = 0) -> xr.Dataset:
    """Inputs with two lags of the price to weigh, prices by element, two series of the aggregate use with unit values,
    and patents of fewer years than there are prices, with a gap."""
    io, price, z = small_world(countries=3)
    tables = simulate_evidence(io, price, z, TRUTH, seed)
    patents = tables["patent_labels"].query("year > 2000 and year != 2006")
    imports = AGGREGATE_USE.replace("USA", "JPN").assign(series="imports", error=0.0)
    demand = imports.iloc[3:].assign(series="demand", value=1.1 * imports["value"], error=0.2)
    tables |= {"ree_use_panel": pd.concat([imports, demand]), "patent_labels": patents}
    rng, elements = np.random.default_rng(seed), list(io["element"].values)
    element_price = xr.DataArray(
        rng.normal(size=(3, len(elements), price.sizes["year"])),
        coords={"country": price["country"], "element": elements, "year": price["year"]},
        dims=("country", "element", "year"),
    )
    weight = xr.DataArray(
        rng.dirichlet(np.ones(len(elements)), (3, price.sizes["sector"])),
        coords={"country": price["country"], "sector": price["sector"], "element": elements},
        dims=("country", "sector", "element"),
    )
    cost = (weight * element_price).sum("element") - price
    bundle = xr.Dataset({"element_price": element_price, "element_weight": weight, "input_cost": cost})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evidence = Evidence(price_lag=[0, 1], element_elasticity=True)
        return assemble(io, price, z, tables, evidence, policy_year=POLICY_YEAR, bundle=bundle)


def truth_from_prior(seed: int) -> Truth:
    """Parameters drawn from the priors of the default study: what makes the coverage of intervals exact on average."""
    rng = np.random.default_rng(seed)
    return replace(
        TRUTH,
        kappa=float(1.2 * np.exp(0.4 * rng.standard_normal())),
        mu=float(1.1 + rng.standard_normal()),
        beta=tuple(float(b) for b in 0.5 * rng.standard_normal(2)),
        tau=float(abs(0.5 * rng.standard_normal())),
        spillover=float(1.6 * np.exp(0.4 * rng.standard_normal())),
        using_slope=float(0.5 * rng.standard_normal()),
        substituting_slope=float(0.5 * rng.standard_normal()),
        adjustment_rate=float(rng.beta(2.0, 6.0)),
        obsolescence=float(rng.beta(7.5, 42.5)),
        knowledge_growth=float(0.05 * np.exp(0.4 * rng.standard_normal())),
    )
