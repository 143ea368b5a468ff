"""Equation (2b) in the evidence: knowledge follows prices, patents are its flow, costs answer at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy.optimize import brentq

from reestim import technology
from reestim.estimate.event_effects import predicted_effects
from reestim.estimate.relative_price import enhancing_response, knowledge_of, knowledge_path
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from reestim.study.spec import Evidence
from reestim.technology import Clock
from tests.recovery.world import small_world

CLOCK = Clock(0.25, 0.15, 0.05)
TRUTH = Truth(beta=(-0.4, 0.2))


def path(target: np.ndarray, clock: Clock = CLOCK) -> technology.Knowledge:
    return technology.knowledge_path(target, target.shape[-1], clock, np)


def flow(target: np.ndarray, clock: Clock = CLOCK) -> np.ndarray:
    return technology.patent_flow(path(target, clock), clock, np)


def test_a_lasting_rise_brings_a_burst_that_settles_at_the_long_run() -> None:
    """On impact λ·exp(g)/(exp(g)−1+δ) times m·q, about 1.3 at λ = 0.25; in the end m·q, as does knowledge."""
    rise = 1e-3
    target = np.where(np.arange(60) < 1, 0.0, rise)
    found = flow(target) / rise
    impact = 0.25 * np.exp(0.05) / (np.exp(0.05) - 1 + 0.15)
    assert found[0] == 0
    assert found[1] == pytest.approx(impact, rel=1e-3)
    assert impact == pytest.approx(1.3, abs=0.01)
    assert found[-1] == pytest.approx(1.0, rel=1e-3)
    np.testing.assert_allclose(path(target).bias[1:5] / rise, 1 - 0.75 ** np.arange(1, 5))


def test_derivatives_of_the_path_are_those_of_automatic_differentiation() -> None:
    """With respect to target, λ and the largest loss, also where knowledge falls as fast as it can."""
    rng = np.random.default_rng(3)
    target, weight = rng.normal(size=(4, 3, 9)), rng.normal(size=(4, 3, 9))
    at = (jnp.asarray(target), jnp.asarray(0.3), jnp.asarray(-0.15))

    def valued(target: Any, rate: Any, loss: Any) -> Any:
        return (weight * technology.bias_path(target, 9, rate, loss)).sum()

    bias = technology.bias_path(target, 9, 0.3, -0.15, np)
    falls = bias[..., 1:] == bias[..., :-1] - 0.15
    assert 0.1 < falls.mean() < 0.9
    found = technology.bias_path_pullback(target, bias, weight, 9, 0.3, -0.15, np)
    for mine, automatic in zip(found, jax.grad(valued, argnums=(0, 1, 2))(*at), strict=True):
        np.testing.assert_allclose(mine, automatic, rtol=1e-12)

    symbols = [pt.tensor3("target"), pt.scalar("rate"), pt.scalar("obsolescence"), pt.scalar("growth")]
    known = knowledge_path(symbols[0], 9, Clock(*symbols[1:]), pt)
    total = (weight * (known.bias + 2 * known.change)).sum()
    values = [target, 0.3, 0.1, 0.05]
    own = pytensor.function(symbols, pytensor.grad(total, symbols))(*values)

    def both(target: Any, *clock: Any) -> Any:
        known = technology.knowledge_path(target, 9, Clock(*clock))
        return (weight * (known.bias + 2 * known.change)).sum()

    for mine, automatic in zip(own, jax.grad(both, argnums=(0, 1, 2, 3))(*map(jnp.asarray, values)), strict=True):
        np.testing.assert_allclose(mine, automatic, rtol=1e-12)


def test_a_price_that_falls_back_leaves_fewer_patents_than_before_it_rose() -> None:
    target = np.array([0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0])
    found = flow(target)
    assert (found[2:4] > 0).all()
    assert (found[4:] < 0).all()
    assert (path(target).bias[4:] > 0).all()  # while knowledge is still above where it was


def test_the_flow_is_the_logarithm_of_additions_and_has_a_slope_where_there_are_none() -> None:
    fall = np.linspace(0.0, -0.2, 21)  # of one year, against additions of 0.2 in normal times
    clock = Clock(1.0, 0.15, 0.05)
    found = np.array([flow(np.array([0.0, x]), clock)[1] for x in fall])
    additions = (np.exp(0.05 + fall) - 0.85) / (np.exp(0.05) - 0.85)
    half = additions > 0.5
    np.testing.assert_allclose(found[half], np.log(additions[half]), atol=3e-4)
    floor = np.log(0.85) - 0.05
    none = float(flow(np.array([0.0, floor]), clock)[1])
    assert none == pytest.approx(-np.arcsinh(50))  # a hundredth of normal patents
    below = flow(np.array([0.0, 2 * floor]), clock)[1]
    assert np.isfinite(below)
    assert below < none
    assert path(np.array([0.0, 2 * floor]), clock).bias[1] == pytest.approx(floor)  # knowledge is not unlearnt faster


def _noiseless(truth: Truth, scale: float) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """ln(enhancing/unrelated) less its mean over years, q (times ``scale``), true m; from patents with clean labels."""
    io, price, z = small_world()
    price = scale * price
    truth = replace(
        truth,
        unit_sd=0.0,
        year_sd=0.0,
        concentration=1e8,
        patents_per_cell=1e7,
        confusion=tuple(tuple(float(i == j) for j in range(4)) for i in range(4)),
    )
    table = simulate_evidence(io, price, z, truth, seed=0, outcomes=False)["patent_labels"]
    wide = table.pivot_table(index=["country", "sector", "year"], columns="label", values="count")
    odds = np.log(wide["enhancing"] / wide["unrelated"]).to_xarray().sel(country=price.country, sector=price.sector)
    sigma = true_sigma(z, truth, np.random.default_rng(np.random.SeedSequence(0).spawn(5)[0]))
    m = technology.innovation_passthrough(sigma, truth.kappa, truth.spillover)
    return (odds - odds.mean("year")).transpose(*price.dims), price, m


def test_simulated_flows_are_recovered() -> None:
    """m from log odds by the flow of (12), at prices that rise sevenfold."""
    odds, price, m = _noiseless(TRUTH, scale=1.0)
    for j, sector in enumerate(price["sector"].values):
        q, seen = price.sel(sector=sector).values, odds.sel(sector=sector).values

        def slope(guess: float, q: np.ndarray = q, seen: np.ndarray = seen) -> float:
            f = flow(guess * q)
            f = f - f.mean(1, keepdims=True)
            return float((f * (seen - f)).sum())

        assert brentq(slope, 0.3 * float(m[j]), 3 * float(m[j])) == pytest.approx(float(m[j]), rel=0.01)


def test_flows_that_are_read_as_levels_are_biased_as_the_algebra_says() -> None:
    """The slope of log odds on q is m for levels, m·(q′Hq)/(q′q) for flows, H the filter of (12) to first order."""
    years = 15
    rate, gain = TRUTH.adjustment_rate, np.exp(0.05) / (np.exp(0.05) - 1 + 0.15)
    follow = np.eye(years)  # F_t = F_{t−1} + λ(q_t − F_{t−1})
    for t in range(1, years):
        follow[t] = (1 - rate) * follow[t - 1] + rate * np.eye(years)[t]
    before = np.vstack([follow[:1], follow[:-1]])
    first_order = before + gain * (follow - before)
    demean = np.eye(years) - 1 / years
    for patents_as in ("flows", "levels"):
        odds, price, m = _noiseless(replace(TRUTH, patents_as=patents_as), scale=0.1)
        for j, sector in enumerate(price["sector"].values):
            values, seen = price.sel(sector=sector).values, odds.sel(sector=sector).values
            q, filtered = values @ demean, values @ first_order.T @ demean
            bias = (q * filtered).sum() / (q**2).sum() if patents_as == "flows" else 1.0
            assert (q * seen).sum() / (q**2).sum() == pytest.approx(float(m[j]) * bias, rel=0.04)
            assert patents_as == "levels" or abs(bias - 1) > 0.08


def _data(price: xr.DataArray, **more: object) -> xr.Dataset:
    data = price.rename(year="price_year").to_dataset(name="relative_price").assign_coords(price_lag=[0])
    return data.assign_attrs(patents_as="flows").assign(more)


def test_costs_answer_in_the_year_of_the_price_and_knowledge_after_it() -> None:
    """The predicted response of exports is largest in the year in which prices peak; that of patents is no later."""
    io, price, _ = small_world()
    users, years = price["sector"].values, price["year"].values
    share = io["ree_share"].sel(sector=users)
    cells = np.zeros((len(years), *price.shape))
    for t in range(len(years)):
        cells[t, 1, 0, t] = 1.0  # effect t: what happens to one cell in year t
    data = _data(
        price,
        ree_share=share,
        event_cell_weight=(("effect", "country", "sector", "price_year"), cells),
    ).assign_coords(outcome=("effect", ["exports"] * len(years)), traded_sector=io["sector"].values)
    m, epsilon = np.full(len(users), 0.25), np.full(io.sizes["sector"], 5.0)
    knowledge = knowledge_of(data, price.values, m, CLOCK, None, xp=np)
    f = enhancing_response(data, price.values, m, knowledge, CLOCK, None, xp=np)
    found = predicted_effects(data, price.values, knowledge, f, 1.2, 1.6, 0.0, epsilon, xp=np)
    peak = int(price.values[1, 0].argmax())
    assert int(np.abs(found).argmax()) == peak
    np.testing.assert_allclose(found, -5.0 * float(share[1, 0]) * price.values[1, 0], rtol=0.15, atol=1e-3)
    assert int(f[1, 0].argmax()) == peak
    assert int(knowledge.bias[1, 0].argmax()) > peak


def test_the_old_switch_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValidationError, match="first edition of the model"):
        Evidence.model_validate({"transition": True})
