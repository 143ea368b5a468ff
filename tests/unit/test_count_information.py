"""Coordinates of the effects in (12): another place to stand, the same density, whatever the counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from jax.flatten_util import ravel_pytree
from numpyro import distributions as dist
from scipy import stats

from reestim.calibration.reconditioned import ReconditionedModel
from reestim.calibration.sbc import information_about
from reestim.dims import LABELS
from reestim.estimate import fit as fitting
from reestim.estimate.count_information import (
    CountInformation,
    count_information,
    unit_coordinates,
    with_confusion,
    without_sum,
    year_coordinates,
    zero_sum,
)
from reestim.estimate.gates import check_gates
from reestim.estimate.model import adapt
from reestim.estimate.sampling import SAMPLERS, statistics
from reestim.study.spec import Evidence, Gates
from tests.recovery.study import TRUTH, default_spec, inputs_of

#: The effects stand in the block of patents alone: other blocks would only be compiled.
PATENTS = Evidence(event_study=False, ree_use=False)
CONFUSION = np.full((4, 4), 0.05) + 0.8 * np.eye(4)
PRIOR = np.ones((4, 4)) + 8 * np.eye(4)


def known_of(counts: np.ndarray, audited: int = 400) -> CountInformation:
    """Of counts (country, sector, year, label) and an audit by class at CONFUSION."""
    dims = ("country", "sector", "year", "label")
    audit = xr.DataArray(audited * CONFUSION, dims=("human_label", "machine_label"), attrs={"design": "by_class"})
    return count_information(xr.DataArray(counts, dims=dims, coords={"label": list(LABELS)}), audit, PRIOR)


@pytest.fixture(scope="module")
def shares() -> np.ndarray:
    """p (country, sector, year, true_label), alike in all years."""
    p = np.random.default_rng(0).dirichlet(np.full(4, 5.0), (3, 2, 1))
    return np.repeat(p, 400, axis=2)


def test_where_counts_are_many_effects_are_where_the_counts_put_them(shares: np.ndarray) -> None:
    known = known_of(np.round(1e7 * shares @ CONFUSION), audited=10**6)
    odds = np.log(shares[:, :, 0, 1:] / shares[:, :, 0, :1]).reshape(-1, 3).T
    np.testing.assert_allclose(known.confusion, CONFUSION, atol=1e-4)
    np.testing.assert_allclose(known.odds, odds, atol=0.02)
    level, spread = odds.mean(1), np.full(3, 0.4)
    at = unit_coordinates(known, 0.0, level, spread, 1e12, np)
    np.testing.assert_allclose(zero_sum(at.mean, np), odds - level[:, None], atol=0.02)
    information = known.per_patent * known.patents.sum(1)
    np.testing.assert_allclose(at.scale, 1 / np.sqrt(information[:, :-1]), rtol=1e-3)


def test_the_information_is_that_of_a_multinomial(shares: np.ndarray) -> None:
    """Against the curvature of the expected log likelihood of one patent's label."""
    known = known_of(np.round(1e7 * shares @ CONFUSION), audited=10**6)

    def expected(odds: jax.Array, truth: jax.Array) -> jax.Array:
        def of_labels(o: jax.Array) -> jax.Array:
            return jax.nn.softmax(jnp.concatenate([jnp.zeros(1), o])) @ CONFUSION

        return (of_labels(truth) * jnp.log(of_labels(odds))).sum()

    for i in range(6):
        curvature = -jax.hessian(expected)(jnp.asarray(known.odds[:, i]), jnp.asarray(known.odds[:, i]))
        np.testing.assert_allclose(known.per_patent[:, i], np.diag(curvature), rtol=0.01)


def test_the_answer_to_a_change_of_confusion_keeps_the_shares_of_labels(shares: np.ndarray) -> None:
    """η moves as classes must when Π changes and the labels are what they are: p·Π = q, to first order."""
    known = known_of(np.round(1e7 * shares @ CONFUSION), audited=10**6)
    step = 1e-5 * np.random.default_rng(1).normal(size=(4, 4))
    step -= step.mean(axis=1, keepdims=True)
    p = np.exp(np.concatenate([np.zeros((1, 6)), known.odds])).T
    p /= p.sum(1, keepdims=True)
    other = p @ known.confusion @ np.linalg.inv(known.confusion + step)
    moved = np.log(other[:, 1:] / other[:, :1]).T - known.odds
    np.testing.assert_allclose(
        with_confusion(known, known.confusion + step, np), moved, rtol=1e-2, atol=1e-9
    )  # counts leave a little open
    groups = np.stack([known.confusion + step, known.confusion - step])
    np.testing.assert_allclose(with_confusion(known, groups, np), 0, atol=1e-12)


def test_a_class_rarer_than_its_false_positives_does_not_run_away() -> None:
    """5 % of the other labels err into `enhancing`, which hardly exists: an error in Π that is as large as the audit's
    moves its place by less than the effects themselves vary."""
    p = np.array([0.5, 1e-9, 0.3, 0.2 - 1e-9])
    known = known_of(np.broadcast_to(np.round(2000 * p @ CONFUSION), (3, 2, 10, 4)))
    step = 0.01 * np.random.default_rng(1).normal(size=(4, 4))
    moved = with_confusion(known, known.confusion + step - step.mean(axis=1, keepdims=True), np)
    assert known.odds.min() < -3
    assert np.abs(moved).max() < 0.5
    assert np.abs((known.weight * moved).sum(axis=1)).max() < 0.5


def test_without_counts_effects_are_seen_over_their_spread() -> None:
    spread = np.array([0.2, 0.5, 2.0])
    known = known_of(np.zeros((3, 2, 4, 4)))
    assert np.isfinite(known.odds).all()
    at = unit_coordinates(known, 0.3, np.zeros(3), spread, 50.0, np)
    np.testing.assert_allclose(at.mean, 0, atol=1e-12)
    np.testing.assert_allclose(at.scale, np.broadcast_to(spread[:, None], (3, 5)))
    np.testing.assert_allclose(
        year_coordinates(known, spread, 50.0, np).scale, np.broadcast_to(spread[:, None], (3, 3))
    )


@pytest.fixture(scope="module")
def models() -> tuple[pm.Model, Any]:
    """Both languages, on a world of three countries."""
    inputs, spec = inputs_of(seed=0, evidence=PATENTS, countries=3)[0], default_spec()
    model: Any = fitting.build(spec, inputs)
    return model, fitting.build(spec.model_copy(update={"model": "substitution_numpyro.py"}), inputs)


@pytest.mark.slow  # both languages compile for half a minute
def test_the_density_is_that_of_normal_effects_with_sum_zero(models: tuple[pm.Model, Any]) -> None:
    """Prior of the effects as stated, by SciPy; and on the scale of the sampler, density and volume together."""
    model, twin = models
    density = twin.density()
    x = jnp.asarray(density.centre + 0.3 * np.random.default_rng(2).normal(size=density.centre.size))
    point = density.variables(x)
    for name, spread in (("unit_deviation", "unit_sd"), ("year_effect", "year_sd")):
        np.testing.assert_allclose(point[name].sum(axis=1), 0, atol=1e-9)
        by_class = zip(np.asarray(point[name]), np.asarray(point[spread]), strict=True)
        expected = sum(stats.norm.logpdf(without_sum(v), 0, s).sum() for v, s in by_class)
        for terms in (twin.log_terms([name])(point), adapt(model).log_terms([name])(point)):
            np.testing.assert_allclose(float(terms[name].sum()), expected, rtol=1e-10)

    def stated(at: Any) -> float:
        """Log density of all that is stated, at these named values."""
        terms = twin.log_terms([*twin.free, *twin.observed])(density.variables(at))
        return float(sum(term.sum() for term in terms.values()))

    _, unravel = ravel_pytree({n: jnp.zeros(s.shape) for n, s in twin._unconstrained_shapes().items()})
    places = {n: np.asarray(v).astype(int).ravel() for n, v in unravel(jnp.arange(x.size, dtype=float)).items()}

    def volume(at: Any, name: str) -> float:
        """ln of the volume that x of this name has among effects, by the Jacobian."""
        part = jax.jacfwd(lambda y: without_sum(density.variables(at.at[places[name]].set(y))[name]).ravel())
        return float(np.linalg.slogdet(np.asarray(part(at[places[name]])))[1])

    # ln unit_sd moves the volume of the effects, and its own: the density of the sampler has both, exactly
    moved = x.at[places["unit_sd"]].add(0.5)
    change = stated(moved) - stated(x) + volume(moved, "unit_deviation") - volume(x, "unit_deviation") + 3 * 0.5
    np.testing.assert_allclose(float(density.log_density(moved) - density.log_density(x)), change, rtol=1e-9)


def test_both_languages_stand_at_the_same_coordinates(models: tuple[pm.Model, Any]) -> None:
    """The same x, the same effects: what is easy for the sampler of one language is easy for the other."""
    model, twin = models
    start, rng = model.initial_point(), np.random.default_rng(4)
    at = {str(v.name): start[v.name] + 0.3 * rng.normal(size=start[v.name].shape) for v in model.value_vars}
    mine = adapt(model).density().variables(np.concatenate([np.ravel(value) for value in at.values()]))
    carried = {str(model.values_to_rvs[v].name): jnp.asarray(at[str(v.name)]) for v in model.value_vars}
    carried["confusion"] = dist.biject_to(dist.constraints.simplex).inv(
        mine["confusion"]
    )  # the languages have their own
    flat, _ = ravel_pytree({n: carried[n] for n in twin._unconstrained_shapes()})
    other = twin.density().variables(flat)
    for name in ("class_log_odds", "unit_deviation", "year_effect"):
        np.testing.assert_allclose(other[name], mine[name], rtol=1e-9, atol=1e-11)


@pytest.mark.slow
def test_a_handful_of_counts_passes_the_gates() -> None:
    """300 patents of two countries, four sectors: their spread is hardly known, and the sampler must not stall there.

    Steps are shorter than the study's, as the gates advise where one or two draws in 4,000 diverge.
    """
    inputs = inputs_of(seed=3, evidence=PATENTS, countries=2)[0]
    inputs = inputs.isel(sector=slice(4))
    rng = np.random.default_rng(3)
    counts = inputs["patent_count"]
    drawn = rng.multinomial(300, (counts / counts.sum()).values.ravel()).reshape(counts.shape)
    inputs["patent_count"] = counts.copy(data=drawn)
    sampler = default_spec().sampler.model_copy(update={"draws": 1000, "tune": 600, "target_accept": 0.97})
    tree = SAMPLERS["nutpie"](fitting.build(default_spec(), inputs), sampler, 1, False)
    judged = xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].to_dataset(),
            "sample_stats": statistics(tree["sample_stats"].to_dataset(), sampler.max_tree_depth),
        }
    )
    report = check_gates(judged, Gates())
    assert report.passed, str(report)


@pytest.mark.parametrize("design", [pytest.param(design, marks=pytest.mark.slow) for design in ("by_label", "random")])
def test_simulated_counts_come_with_their_own_coordinates(design: str) -> None:
    """A calibration samples each simulated dataset as a fit of that dataset would."""
    inputs, spec = inputs_of(0, replace(TRUTH, audit_design=design), PATENTS, 2)[0], default_spec()
    rng, counts, audit = np.random.default_rng(1), inputs["patent_count"], inputs["label_audit"]
    simulated = inputs.assign(patent_count=counts.copy(data=rng.multinomial(counts.sum("label"), [0.4, 0.3, 0.2, 0.1])))
    at = "machine_label" if design == "by_label" else "human_label"
    by_sample = audit.transpose(at, ...)
    other = np.stack([rng.permutation(row) for row in by_sample.values])
    simulated["label_audit"] = by_sample.copy(data=other).transpose(*audit.dims)
    anew = adapt(fitting.build(spec, simulated))
    data = anew.observed
    known = information_about(inputs, spec.priors, dict(data))
    made = ReconditionedModel(fitting.build(spec, inputs)).on_data(data | known).density()  # pyright: ignore
    own = anew.density()
    x = own.centre + 0.1 * np.random.default_rng(0).normal(size=(2, own.centre.size))
    there, here = ([float(d.log_density(at)) for at in x] for d in (made, own))
    np.testing.assert_allclose(there[1] - there[0], here[1] - here[0], rtol=1e-9)
    for name in ("unit_deviation", "sigma"):
        np.testing.assert_allclose(
            made.variables_of_all(x)[name], own.variables_of_all(x)[name], rtol=1e-9, atol=1e-12, err_msg=name
        )
