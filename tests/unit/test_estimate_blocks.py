"""The blocks of the estimation against SciPy and NumPy: joint density, audit designs, use of rare earths."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import special, stats

from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.estimate import fit as fitting
from reestim.estimate.inputs import checked
from reestim.estimate.misclassification import confusion_matrix, label_audit
from reestim.estimate.patent_counts import dirichlet_multinomial_logp, log_rising
from reestim.study.prior import Prior
from reestim.technology import Clock, innovation_passthrough
from tests.recovery.study import default_spec, inputs_of


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

    price, clock = data["relative_price"].transpose("country", "sector", "price_year"), _clock(draw)
    bias, flow = _by_hand(m.values[:, None] * price.values, clock)
    f = flow - flow.mean(-1, keepdims=True)  # patents are of the same years as prices here
    q = (price - price.mean("price_year")).values
    unit = draw["unit_deviation"].values.reshape(3, data.sizes["country"], data.sizes["sector"])
    responses = [float(draw["using_slope"]) * q, f, float(draw["substituting_slope"]) * q]
    odds = np.ones((*q.shape, 4))
    for k in range(3):
        year = draw["year_effect"].values[k]
        effect = draw["class_log_odds"].values[k] + unit[k][:, :, None] + year
        odds[..., k + 1] = np.exp(effect + responses[k])
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
    knowledge = price.copy(data=bias)
    log_b = -kappa * np.log(1 - share + share * np.exp(knowledge / kappa))
    tfp = (1 + xi) * (share * knowledge + log_b) + gap * share * (knowledge + log_b)
    epsilon = draw["trade_elasticity"].sel(traded_sector=data["sector"].values).values
    exports = xr.DataArray(epsilon, dims="sector") * (tfp - share * price)
    cells = xr.where(data["outcome"] == "exports", exports, tfp)
    beta = (data["event_cell_weight"] * cells).sum(["country", "sector", "price_year"]).values
    event = stats.multivariate_normal.logpdf(data["event_estimate"].values, beta, data["event_covariance"].values)

    change = np.zeros(data.sizes["use_observation"])
    levels = data["use_price"].values[data["use_point"].values]  # (use_series, use_year)
    for i, (series, now, before) in enumerate(
        zip(*(data[n].values for n in ("use_in_series", "use_now", "use_before")), strict=True)
    ):
        for j, weight in enumerate(data["use_weight"].values[series]):
            known, _ = _by_hand(float(m[j]) * levels[series], clock)
            moved = (levels[series] - (1 + xi) * known)[[before, now]]
            change[i] += weight * (1 - float(sigma[j])) * (moved[1] - moved[0])
    mean = change
    scale = float(draw["ree_use_noise"]) * np.sqrt(data["use_years"])
    use = stats.norm.logpdf(data["use_share_change"], mean, scale).sum()
    np.testing.assert_allclose(sigma, draw["sigma"], rtol=1e-10)
    np.testing.assert_allclose(m, draw["innovation_passthrough"], rtol=1e-9)
    return [patents, audited, event, use]


def _clock(draw: xr.Dataset) -> Clock:
    return Clock(*(float(draw[name]) for name in Clock._fields))


def _by_hand(target: np.ndarray, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """a_t of (2b) and f_t of (12) written out, for targets m·q (..., year)."""
    (rate, lost, growth), bias, flow = clock, np.array(target), np.array(target)
    for t in range(1, target.shape[-1]):
        wanted = rate * (target[..., t] - bias[..., t - 1])
        bias[..., t] = bias[..., t - 1] + np.maximum(wanted, np.log(1 - lost) - growth)
        ratio = 50 * (np.exp(growth + wanted) - 1 + lost) / (np.exp(growth) - 1 + lost)
        flow[..., t] = bias[..., t - 1] + np.arcsinh(ratio) - np.arcsinh(50)
    return bias, flow


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
