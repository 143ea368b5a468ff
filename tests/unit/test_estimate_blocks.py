"""The blocks of the estimation against SciPy and NumPy: joint density, audit designs, use of rare earths."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import special, stats

from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.estimate import fit as fitting
from reestim.estimate.event_effects import predicted_effects
from reestim.estimate.inputs import assemble, checked
from reestim.estimate.misclassification import confusion_matrix, label_audit
from reestim.estimate.patent_counts import dirichlet_multinomial_logp, log_rising
from reestim.estimate.relative_price import age_weights, knowledge_flow
from reestim.evidence.simulate import simulate_evidence
from reestim.study.prior import Prior
from reestim.study.spec import Evidence
from reestim.technology import innovation_passthrough
from tests.recovery.study import POLICY_YEAR, TRUTH, default_spec, inputs_of
from tests.recovery.world import small_world


@pytest.fixture(scope="module")
def model_and_inputs() -> tuple[pm.Model, xr.Dataset]:
    inputs, _ = inputs_of(seed=0)
    return fitting.build(default_spec(), inputs), inputs


def test_rising_factorials_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    a, y = rng.lognormal(1, 3, 2000), rng.integers(0, 500, 2000)
    np.testing.assert_allclose(
        log_rising(a, y).eval(), special.gammaln(a + y) - special.gammaln(a), rtol=1e-11, atol=1e-10
    )


def test_the_dirichlet_multinomial_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    a, y = rng.gamma(2.0, 3.0, (6, 4)), rng.integers(0, 9, (6, 4))
    y[0] = 0  # a cell without patents
    expected = stats.dirichlet_multinomial.logpmf(y[1:], a[1:], y[1:].sum(1))
    value = dirichlet_multinomial_logp(y, y.sum(1), pm.math.constant(a)).eval()
    np.testing.assert_allclose(value[1:], expected, rtol=1e-10)
    np.testing.assert_allclose(value[0], 0.0, atol=1e-12)


def test_the_joint_likelihood_is_the_one_of_the_equations(model_and_inputs) -> None:
    """Every likelihood term at draws from the prior, against equations (12)-(15) written out in NumPy and SciPy."""
    model, data = model_and_inputs
    names = ["patent_count", "label_audit", "event_estimate", "use_share_change"]
    free = [v.name for v in model.free_RVs]
    prior = pm.sample_prior_predictive(
        2,
        model=model,
        var_names=[*free, *(d.name for d in model.deterministics)],
        random_seed=3,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )["prior"]
    terms = pm.pytensorf.compile(
        model.free_RVs,
        [t.sum() for t in _terms(model, names)],
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    for draw in range(2):
        point = prior.to_dataset().isel(chain=0, draw=draw)
        found = terms(*[point[name].values for name in free])
        np.testing.assert_allclose(found, _oracle(data, point), rtol=1e-8)


def test_labels_count_by_name_in_any_order_and_absent_where_zero(model_and_inputs) -> None:
    _, inputs = model_and_inputs
    other = inputs.sel(label=list(LABELS[::-1]), machine_label=[*LABELS[2:], *LABELS[:2]])
    xr.testing.assert_identical(checked(other), checked(inputs))
    none = inputs.assign(patent_count=inputs["patent_count"].where(inputs["label"] != "enhancing", 0))
    absent = none.sel(label=[label for label in LABELS if label != "enhancing"])
    xr.testing.assert_identical(checked(absent), checked(none))
    with pytest.raises(InputError, match="'recycling'"):
        checked(inputs.assign_coords(human_label=["recycling", *LABELS[1:]]))


def _terms(model: pm.Model, names: list[str]):
    return [pm.logp(model[name], model.rvs_to_values[model[name]]) for name in names]


def _oracle(data: xr.Dataset, draw: xr.Dataset) -> list[float]:
    kappa, xi, gap = (float(draw[k]) for k in ("kappa", "spillover", "spillover_gap"))
    reach = kappa * (1 + xi)
    logit = draw["sigma_sampled"] + 0.5 * np.log(reach)  # centred: every sector of this panel has its own use
    sigma = (1 + 1 / reach) / (1 + np.exp(-logit))
    m = kappa * (1 - sigma) / (1 + reach * (1 - sigma))

    q = data["relative_price"] - data["relative_price"].mean("year")
    unit = draw["unit_deviation"].values.reshape(3, data.sizes["country"], data.sizes["sector"])
    slopes = [draw["using_slope"] * xr.ones_like(m), m, draw["substituting_slope"] * xr.ones_like(m)]
    odds = np.ones((*q.shape, 4))
    for k in range(3):
        year = draw["year_effect"].values[k]
        effect = draw["class_log_odds"].values[k] + unit[k][:, :, None] + year
        odds[..., k + 1] = np.exp(effect + (slopes[k] * q).transpose("country", "sector", "year").values)
    p = odds / odds.sum(-1, keepdims=True)
    y, pi = data["patent_count"].values, draw["confusion"].values
    a = float(draw["concentration"]) * p @ pi
    some = y.sum(-1) > 0
    patents = stats.dirichlet_multinomial.logpmf(y[some], a[some], y[some].sum(-1)).sum()

    prevalence = np.einsum("cst,cstk->k", y.sum(-1), p) / y.sum()
    audit = data["label_audit"].values
    precision = prevalence[:, None] * pi
    audited = sum(
        stats.multinomial.logpmf(audit[:, k], audit[:, k].sum(), precision[:, k] / precision[:, k].sum())
        for k in range(4)
    )

    share = data["ree_share"]
    bias = m * data["event_relative_price"]
    log_b = -kappa * np.log(1 - share + share * np.exp(bias / kappa))
    tfp = (1 + xi) * (share * bias + log_b) + gap * share * (bias + log_b)
    knowledge = (data["event_knowledge_weight"] * tfp).sum(["country", "event_year"])
    epsilon = draw["trade_elasticity"].sel(traded_sector=data["sector"].values).values
    exports = (epsilon * (knowledge - data["event_price_response"])).sum("sector")
    beta = xr.where(data["outcome"] == "exports", exports, knowledge.sum("sector")).values
    event = stats.multivariate_normal.logpdf(data["event_estimate"].values, beta, data["event_covariance"].values)

    price, now, before = data["use_price"].values, data["use_now"].values, data["use_before"].values
    history = price[now] - price[before]
    knowledge = sum(0.2 * 0.8**k * history[:, k] for k in range(history.shape[1]))
    price_change = xr.DataArray(history[:, 0], dims="use_observation")
    change = (1 - sigma) * (price_change - (1 + xi) * m * xr.DataArray(knowledge, dims="use_observation"))
    mean = (data["use_weight"] * change).sum("sector")
    scale = float(draw["ree_use_noise"]) * np.sqrt(data["use_years"])
    use = stats.norm.logpdf(data["use_share_change"], mean, scale).sum()
    np.testing.assert_allclose(sigma, draw["sigma"], rtol=1e-10)
    np.testing.assert_allclose(m, draw["innovation_passthrough"], rtol=1e-9)
    return [patents, audited, event, use]


@pytest.mark.parametrize("design", ["by_class", "by_label", "random"])
def test_an_audit_informs_what_its_design_samples(design: str) -> None:
    counts = np.random.default_rng(0).integers(1, 50, (4, 4))
    audit = xr.DataArray(
        counts,
        coords={"human_label": list(LABELS), "machine_label": list(LABELS)},
        dims=("human_label", "machine_label"),
        attrs={"design": design},
    )
    prevalence = np.array([0.6, 0.2, 0.15, 0.05])
    pi = np.random.default_rng(1).dirichlet(np.ones(4), 4)
    coords = {d: list(LABELS) for d in ("human_label", "machine_label", "true_label")}
    coords |= {"audit": ["all"], "human_and_machine_label": list(range(16))}
    with pm.Model(coords=coords) as model:
        label_audit(audit, pm.math.constant(pi), prevalence)
    found = float(model.compile_logp(mode="FAST_COMPILE")({}))
    joint = prevalence[:, None] * pi
    if design == "by_class":
        expected = sum(stats.multinomial.logpmf(counts[i], counts[i].sum(), pi[i]) for i in range(4))
    elif design == "by_label":
        given = joint / joint.sum(0)
        expected = sum(stats.multinomial.logpmf(counts[:, j], counts[:, j].sum(), given[:, j]) for j in range(4))
    else:
        expected = stats.multinomial.logpmf(counts.ravel(), counts.sum(), joint.ravel())
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_an_audit_without_a_design_is_refused() -> None:
    audit = xr.DataArray(np.ones((4, 4), int), dims=("human_label", "machine_label"))
    with pm.Model(), pytest.raises(InputError, match="by_label, by_class, random"):
        label_audit(audit, pm.math.constant(np.eye(4)), np.full(4, 0.25))


def test_the_confusion_prior_adds_its_diagonal() -> None:
    prior = Prior.model_validate({"distribution": "Dirichlet", "a": 1.0, "diagonal": 8.0})
    with pm.Model(coords={"true_label": list(LABELS), "machine_label": list(LABELS)}):
        pi = confusion_matrix({"confusion": prior})
    draws = pm.draw(pi, 2000, random_seed=0)
    np.testing.assert_allclose(draws.mean(0), np.full((4, 4), 1 / 12) + np.eye(4) * 8 / 12, atol=0.02)


def test_the_pass_through_of_the_model_is_the_shared_one(model_and_inputs) -> None:
    sigma, kappa, xi = np.array([0.3, 1.0, 1.2]), 1.5, 0.6
    expected = (1 - 1 / (1 + kappa * (1 + xi) * (1 - sigma))) / (1 + xi)
    np.testing.assert_allclose(innovation_passthrough(sigma, kappa, xi), expected)


@pytest.mark.parametrize("rate", [0.15, 1.0])
def test_patents_are_the_flow_into_knowledge_in_transition(rate: float) -> None:
    """(λ/g)(m·q_t − a_{t−1}) by the recursion a_t = a_{t−1} + λ(m·q_t − a_{t−1}) itself, a = m·q before the first year,
    and the same a from the weights over ages."""
    _, price, _ = small_world(countries=3)
    q, growth = price.values, 0.08
    m = np.linspace(-0.5, 0.8, price.sizes["sector"])
    level = m[:, None] * q
    knowledge, flow = level[..., 0], [np.zeros_like(level[..., 0])]
    ages = [level[..., 0]]
    for t in range(1, q.shape[2]):
        flow.append(rate / growth * (level[..., t] - knowledge))
        knowledge = knowledge + rate * (level[..., t] - knowledge)
        ages.append(knowledge)
    data = price.to_dataset(name="relative_price")
    found = knowledge_flow(data, q, m, rate, growth)
    np.testing.assert_allclose(found, np.stack(flow, axis=-1), atol=1e-12)
    weights = age_weights(rate, q.shape[2])
    assert weights.sum() == pytest.approx(1.0)
    last = sum(w * level[..., max(q.shape[2] - 1 - k, 0)] for k, w in enumerate(weights))
    np.testing.assert_allclose(last, ages[-1], atol=1e-12)
    with pytest.raises(InputError, match="2005"):
        knowledge_flow(data.drop_sel(year=2005), q, m, rate, growth)


def test_the_event_study_in_transition_is_that_of_knowledge_which_follows_prices() -> None:
    """λ = 1 gives the long run; a smaller λ gives the regression on prices as knowledge has followed them."""
    io, price, z = small_world(countries=3)
    tables = simulate_evidence(io, price, z, TRUTH, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        long_run, moving = (
            assemble(
                io, price, z, tables, Evidence(patents=False, ree_use=False, transition=t), policy_year=POLICY_YEAR
            )
            for t in (False, True)
        )
        followed = xr.zeros_like(price)
        followed[..., 0] = price[..., 0]
        for t in range(1, price.sizes["year"]):
            followed[..., t] = followed[..., t - 1] + 0.3 * (price[..., t] - followed[..., t - 1])
        slow = assemble(io, followed, z, tables, Evidence(patents=False, ree_use=False), policy_year=POLICY_YEAR)[
            "event_relative_price"
        ]
    predict = partial(predicted_effects, xp=np)
    m, epsilon = np.linspace(-0.5, 0.8, price.sizes["sector"]), np.full(moving.sizes["traded_sector"], 5.0)
    np.testing.assert_allclose(
        predict(moving, m, 1.2, 1.6, 0.4, epsilon, None, 1.0), predict(long_run, m, 1.2, 1.6, 0.4, epsilon)
    )
    np.testing.assert_allclose(
        predict(moving, m, 1.2, 1.6, 0.4, epsilon, None, 0.3),
        predict(long_run.assign(event_relative_price=slow), m, 1.2, 1.6, 0.4, epsilon),
        rtol=1e-9,
    )
