"""The event study predicted by the equilibrium: the imposed price arrives, theory holds, gradients and failures too."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from numpyro import distributions as dist
from pydantic import ValidationError

import reestim as ree
from reestim.errors import InputError
from reestim.estimate import equilibrium_effects as loop
from reestim.estimate import fit as fitting
from reestim.estimate.inputs import assemble
from reestim.estimate.numpyro_model import NumpyroModel, observe, sample
from reestim.estimate.relative_price import knowledge_of
from reestim.estimate.sampling import SAMPLERS
from reestim.evidence.simulate import simulate_evidence
from reestim.evidence.truth import Truth
from reestim.study.spec import Evidence, Sampler, Spec
from reestim.technology import Clock, Knowledge, frontier, innovation_passthrough, tfp_effect
from tests.oracles import random_economy
from tests.recovery.study import MODELS

YEARS = np.arange(2006, 2014)
#: Log prices abroad by year, and how far below them the first country's own are. 2007 is a small change.
_ABROAD = np.array([0.0, 0.02, 0.0, 0.4, 1.0, 2.0, 1.2, 0.6])
_SHELTERED = np.array([0.0, 0.01, 0.0, 0.1, 0.5, 0.9, 0.5, 0.2])
KAPPA, SPILLOVER, GAP = 1.2, 0.8, 0.4
CLOCK = Clock(0.6, 0.15, 0.05)


@dataclass(frozen=True)
class World:
    inputs: xr.Dataset
    spec: Spec
    sigma: np.ndarray
    elasticity: np.ndarray


@pytest.fixture(scope="module")
def world() -> World:
    """Four countries, six goods (the first uses no rare earths), two elements; an event study of exports and TFP."""
    economy = random_economy(3, 4, 6, 2, factors=1, zero_flows=False, taxes=False, ree_share=(1e-4, 5e-3))
    ds, rng = economy.ds.assign(trade_elasticity_sd=0.3 * economy.ds["trade_elasticity"]), np.random.default_rng(0)
    users, elements = [str(s) for s in ds["sector"].values[1:6]], ds["element"].values
    price = _ABROAD - np.outer(np.arange(4) == 0, _SHELTERED)
    element_price = xr.DataArray(
        price[:, None, :] * np.array([1.0, 0.6])[None, :, None],
        coords={"country": ds["country"].values, "element": elements, "year": YEARS},
        dims=("country", "element", "year"),
    )
    weight = ds["element_share"].sel(sector=users)
    q = (weight * element_price).sum("element").transpose("country", "sector", "year").rename("relative_price")
    z = xr.DataArray(rng.normal(size=(5, 1)), coords={"sector": users, "property": ["z"]}, dims=("sector", "property"))
    tables = simulate_evidence(ds, q, z, Truth(), seed=1)
    bundle = xr.Dataset({"element_price": element_price, "element_weight": weight, "input_cost": 0 * q})
    evidence = Evidence(patents=False, ree_use=False, equilibrium=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few clusters
        inputs = assemble(ds, q, z, tables, evidence, policy_year=2010, bundle=bundle)
    spec = ree.read_spec(MODELS / "equilibrium_in_the_loop.toml").model_copy(update={"evidence": evidence})
    return World(inputs, spec, np.linspace(0.3, 1.3, 5), inputs["trade_elasticity_mean"].values)


@pytest.fixture(scope="module")
def model(world: World) -> Any:
    return fitting.build(world.spec, world.inputs)


@pytest.fixture(scope="module")
def solved(world: World) -> Callable[..., dict[str, np.ndarray]]:
    """Log changes of exports and tfp, (outcome_year, country, traded_sector), at trade elasticities and knowledge."""
    compiled = jax.jit(partial(loop.solved_panel, world.inputs))
    followed = knowledge(world)

    def panel(e: np.ndarray, known: Knowledge = followed) -> dict[str, np.ndarray]:
        return jax.tree.map(np.asarray, compiled(world.sigma, known, KAPPA, SPILLOVER, GAP, e))

    return panel


def knowledge(world: World) -> Knowledge:
    """By (2b), from the relative prices of the data."""
    m = innovation_passthrough(world.sigma, KAPPA, SPILLOVER)
    q = world.inputs["relative_price"].transpose("country", "sector", "price_year").values
    return knowledge_of(world.inputs, q, m, CLOCK, None, xp=np)


@pytest.fixture(scope="module")
def panel(world: World, solved: Callable[..., dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return solved(world.elasticity)


def test_a_small_change_of_price_moves_tfp_as_the_closed_form_says(world: World, panel: dict[str, np.ndarray]) -> None:
    small = list(world.inputs["outcome_year"].values).index(2007)
    theta = world.inputs["ree_share"].transpose("country", "sector").values
    followed = knowledge(world).bias[..., list(world.inputs["price_year"].values).index(2007)]
    log_a, log_b = frontier(followed / KAPPA, theta, KAPPA, np)
    expected = tfp_effect(theta, log_a, log_b, SPILLOVER, GAP)
    np.testing.assert_allclose(panel["tfp"][small][:, 1:6], expected, rtol=0.05)  # most where σ is near its bound
    assert (panel["tfp"][:, :, [0, 6, 7]] == 0).all()  # no rare earths, no research on them


def test_the_effects_are_the_regression_on_the_solved_panel(world: World, panel: dict[str, np.ndarray]) -> None:
    data = world.inputs
    panel = panel | {"patents": 0 * panel["tfp"]}
    weights = data["event_weight"].transpose("effect", "country", "traded_sector", "outcome_year").values
    outcomes = [str(o) for o in data["outcome"].values]
    by_hand = [(w * panel[o].transpose(1, 2, 0)).sum() for w, o in zip(weights, outcomes, strict=True)]
    np.testing.assert_allclose(loop.regression_effects(data, panel), by_hand, rtol=1e-10)
    assert set(outcomes) == {"exports", "tfp"}
    assert np.abs(by_hand).max() > 1e-4


@pytest.mark.slow
def test_exports_are_those_of_the_public_solver(world: World, solved: Callable[..., dict[str, np.ndarray]]) -> None:
    """The year 2011 at the knowledge of the baseline by `ree.solve`, its shocks stated as a scenario."""
    still = Knowledge(*(np.zeros_like(x) for x in knowledge(world)))
    panel = solved(world.elasticity, still)
    data, economy = world.inputs, loop.baseline_of(world.inputs)
    productivity, export_tax = loop.imposed(data, economy)
    at = list(data["outcome_year"].values).index(2011)
    labels = {"country": list(economy.countries), "sector": list(economy.sectors)}
    sides = {"importer": labels["country"], "exporter": labels["country"], "sector": labels["sector"]}
    scenario = ree.Scenario(
        productivity=xr.DataArray(np.exp(productivity[at]), coords=labels, dims=tuple(labels)),
        export_tax=xr.DataArray(np.expm1(export_tax[at]), coords=sides, dims=tuple(sides)),
    )
    sigma = xr.DataArray(world.sigma, coords={"sector": data["sector"].values}, dims="sector")
    elasticity = xr.DataArray(world.elasticity, coords={"sector": labels["sector"]}, dims="sector")
    values = ree.Parameters(sigma, KAPPA, SPILLOVER, GAP, trade_elasticity=elasticity)
    found = ree.solve(economy, scenario, values, technology="fixed")
    np.testing.assert_allclose(panel["exports"][at], found["exports"].transpose("country", "sector"), atol=1e-9)


@pytest.mark.slow  # 40 s to compile; the effects have theirs, and sampling would diverge
def test_the_density_has_the_gradient_of_its_differences(model: Any) -> None:
    density = model.density()
    start = jnp.asarray(density.centre + 0.1)
    _, gradient = density.value_and_gradient(start)
    assert np.isfinite(gradient).all()
    direction = np.random.default_rng(0).normal(size=start.size)
    step = 1e-4 * direction / np.linalg.norm(direction)
    up, down = (density.value_and_gradient(start + s * step)[0] for s in (1, -1))
    np.testing.assert_allclose((up - down) / 2, gradient @ step, rtol=1e-5)


def test_an_equilibrium_that_is_not_found_is_no_number(
    world: World, solved: Callable[..., dict[str, np.ndarray]]
) -> None:
    lost = solved(1e6 * world.elasticity)
    assert np.isnan(loop.regression_effects(world.inputs, lost | {"patents": 0 * lost["tfp"]})).all()


@pytest.mark.parametrize("name", ["numpyro", "nutpie"])
def test_what_is_no_number_is_counted_as_divergent_and_never_kept(name: Any) -> None:
    """A model whose prediction does not exist above 0.5."""

    def half() -> None:
        x = sample("x", dist.Normal(0.0, 1.0), long_name="x")
        observe("y", dist.Normal(jnp.where(x > 0.5, jnp.nan, x), 1.0), np.array(0.0), long_name="y")

    model = NumpyroModel(half, {})
    assert float(model.density().value_and_gradient(jnp.array([1.0]))[0]) == -np.inf
    tree = SAMPLERS[name](model, Sampler(name=name, draws=200, tune=100, chains=2), 1, False)
    assert float(tree["posterior"]["x"].max()) <= 0.5
    assert int(tree["sample_stats"]["diverging"].sum()) > 20


@pytest.mark.slow  # its density and gradient are tested above
def test_it_samples(world: World, model: Any) -> None:
    tiny = Sampler(name="nutpie", draws=4, tune=6, chains=1, max_tree_depth=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        post = ree.fit(model, tiny, seed=1, progress=False)
    draws = post["posterior"].to_dataset()
    assert draws["sigma"].sizes == {"chain": 1, "draw": 4, "sector": 5}
    assert all(np.isfinite(values).all() for values in draws.data_vars.values())
    assert np.isfinite(post["log_likelihood"]["event_estimate"]).all()
    assert float(draws["sigma"].std("draw").max()) > 0


def test_a_model_in_closed_form_refuses_the_switch(world: World) -> None:
    with pytest.raises(InputError, match="closed form"):
        fitting.build(world.spec.model_copy(update={"model": "substitution.py"}), world.inputs)


@pytest.mark.parametrize("other", [{"event_study": False}, {"element_elasticity": True}])
def test_what_cannot_go_with_it_is_said(other: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="equilibrium"):
        Evidence(equilibrium=True, **other)
