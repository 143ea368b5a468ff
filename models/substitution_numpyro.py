"""The default model in NumPyro: the same density as `substitution.py`, written out equation by equation.

With `equilibrium = true` in the study's table [evidence], the event study is predicted by the world equilibrium itself,
solved and differentiated inside the sampler, instead of in closed form (`equilibrium_in_the_loop.toml`).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpyro import distributions as dist  # not "import numpyro.distributions": beside ArviZ that loads it twice

from reestim import technology
from reestim.dims import COUNTRY, LABEL, PRICE_LAG, SECTOR, TRADED_SECTOR, YEAR
from reestim.estimate.count_information import (
    information_of,
    unit_coordinates,
    with_confusion,
    year_coordinates,
)
from reestim.estimate.elasticity import lognormal_trade_elasticity, ridge
from reestim.estimate.equilibrium_effects import equilibrium_effects, is_solved
from reestim.estimate.error_groups import ERROR_GROUP
from reestim.estimate.event_effects import predicted_effects
from reestim.estimate.inputs import coordinates
from reestim.estimate.misclassification import GROUPED, audited, confusion_weights, varied_confusion
from reestim.estimate.numpyro_blocks import DirichletMultinomial, NoisyChanges, NormalAt, ZeroSumEffects
from reestim.estimate.numpyro_model import NumpyroModel, along_ridge, deterministic, observe, prior, sample
from reestim.estimate.odds_coordinates import OddsCoordinates
from reestim.estimate.patent_counts import label_probabilities, true_prevalence
from reestim.estimate.priors import Priors, share_weights
from reestim.estimate.ree_use import expected_change, sectors_with_own_use
from reestim.estimate.relative_price import bundle_price, enhancing_response, in_years_of_patents, knowledge_of
from reestim.estimate.unit_values import UnitValueCoordinates, has_unit_value_error, unit_value_evidence
from reestim.estimate.use_noise import noise_structure
from reestim.estimate.variables import ONLY_IN_COUNTERFACTUALS
from reestim.evidence.published_moments import predicted_moments
from reestim.technology import Clock


def build(data: xr.Dataset, priors: Priors) -> NumpyroModel:
    """The joint model of the evidence that `data` holds; each function below is a part of docs/model.md section 4."""

    def model() -> None:
        kappa = prior(priors, "kappa")
        spillover = prior(priors, "spillover")
        spillover_gap = prior(priors, "spillover_gap")
        epsilon = sample("trade_elasticity", dist.LogNormal(*lognormal_trade_elasticity(data)), dims=TRADED_SECTOR)
        sigma = elasticity(data, kappa, spillover, priors)
        deterministic("long_run_elasticity", technology.long_run_elasticity(sigma, kappa, spillover), dims=SECTOR)
        m = deterministic(
            "innovation_passthrough", technology.innovation_passthrough(sigma, kappa, spillover), dims=SECTOR
        )
        rho = prior(priors, "element_elasticity")
        drawn = {name: prior(priors, name) for name in ONLY_IN_COUNTERFACTUALS}
        clock = Clock(*(prior(priors, name) for name in Clock._fields))
        q = bundle_price(data, rho, jnp)
        weights = lag_weights(data, priors)
        knowledge = knowledge_of(data, q, m, clock, weights, xp=jnp)
        f = enhancing_response(data, q, m, knowledge, clock, weights, xp=jnp)

        if "patent_count" in data:
            patents(data, in_years_of_patents(data, q), in_years_of_patents(data, f), priors)
        if "event_estimate" in data:
            if is_solved(data):
                effects = equilibrium_effects(data, sigma, knowledge, f, kappa, spillover, spillover_gap, epsilon)
            else:
                effects = predicted_effects(data, q, knowledge, f, kappa, spillover, spillover_gap, epsilon, xp=jnp)
            covariance = data["event_covariance"].transpose("effect", "effect_other").values
            observe(
                "event_estimate",
                dist.MultivariateNormal(effects, scale_tril=np.linalg.cholesky(covariance)),
                data["event_estimate"].values,
                dims="effect",
            )
        if "use_share_change" in data:
            use(data, sigma, m, spillover, clock, weights, priors)
        if "moment_estimate" in data:
            long_run = technology.long_run_elasticity(sigma, kappa, spillover)
            moments = predicted_moments(data, sigma, long_run, drawn["impact_ratio"])
            known = dist.Normal(moments, data["moment_error"].values)
            observe("moment_estimate", known, data["moment_estimate"].values, dims="moment")

    return NumpyroModel(model, coordinates(data))


def elasticity(data: xr.Dataset, kappa: Any, spillover: Any, priors: Priors) -> Any:
    """σ_j (sector), equation (14): logit(σ_j / (1+1/κ̃)) = μ + β′z_j + τ·u_j, u_j ~ N(0, 1).

    Sampled, for geometry: μ less its ridge with κ and ξ, and for sectors with evidence of their own the logit itself.
    """
    z = data["substitutability"].transpose(SECTOR, "property").values
    own = sectors_with_own_use(data).astype(float)
    along, shift = along_ridge(priors, "mu", ridge(kappa, spillover, own, jnp.log))
    beta = prior(priors, "beta", dims="property")
    tau = prior(priors, "tau")
    mean = along + z @ beta
    at = OddsCoordinates(own, shift, mean, tau)
    log_odds = at.log_odds(sample("sigma_sampled", NormalAt(at), dims=SECTOR))
    sigma = technology.sigma_upper_bound(kappa, spillover) * jax.nn.sigmoid(log_odds)
    return deterministic("sigma", sigma, dims=SECTOR)


def lag_weights(data: xr.Dataset, priors: Priors) -> Any:
    """Weights of the lags of q (price_lag), None where one lag is fixed."""
    if data.sizes[PRICE_LAG] == 1:
        return None
    weight = share_weights(priors, "lag_weights", data.sizes[PRICE_LAG])
    return sample("lag_weights", dist.Dirichlet(weight), dims=PRICE_LAG)


def patents(data: xr.Dataset, q: Any, enhancing: Any, priors: Priors) -> None:
    """Equations (12) and (13), and the audit of the labels; q and f (country, sector, year)."""
    enhancing = enhancing - enhancing.mean(axis=2, keepdims=True)
    q = q - q.mean(axis=2, keepdims=True)
    pi, phi = confusion_of(data, priors), prior(priors, "concentration")
    known = information_of(data, priors)
    moved = jnp.zeros(known.odds.shape) if pi is None else with_confusion(known, pi, jnp)
    along, shift = along_ridge(priors, "class_log_odds", (known.weight * moved).sum(axis=1), dims="class")
    level = along + shift
    unit_sd = prior(priors, "unit_sd", dims="class")
    year_sd = prior(priors, "year_sd", dims="class")
    countries, sectors = (data.sizes[d] for d in (COUNTRY, SECTOR))
    at = unit_coordinates(known, moved, level, unit_sd, phi, jnp)
    deviation = sample("unit_deviation", ZeroSumEffects(unit_sd, at), dims=("class", "unit"))
    year = sample(
        "year_effect", ZeroSumEffects(year_sd, year_coordinates(known, year_sd, phi, jnp)), dims=("class", YEAR)
    )
    u = prior(priors, "using_slope")
    v = prior(priors, "substituting_slope")
    unit = (level[:, None] + deviation).reshape((-1, countries, sectors))
    response = jnp.stack([u * q, enhancing, v * q])
    logit = unit[..., None] + year[:, None, None, :] + response
    logit = jnp.concatenate([jnp.zeros((1, *q.shape)), logit])
    p = jax.nn.softmax(jnp.moveaxis(logit, 0, -1), axis=-1)  # (country, sector, year, true_label)

    counts = data["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL).values.astype(np.int64)
    n = counts.sum(axis=-1)
    observed_share = p if pi is None else label_probabilities(data["patent_count"], p, pi)
    if pi is not None:
        tables, share, dims = audited(data["label_audit"], pi, true_prevalence(data["patent_count"], p))
        observe("label_audit", dist.Multinomial(tables.sum(axis=-1), share), tables, dims=dims)
    observe("patent_count", DirichletMultinomial(phi * observed_share, n), counts, dims=(COUNTRY, SECTOR, YEAR, LABEL))


def confusion_of(data: xr.Dataset, priors: Priors) -> Any:
    """Π ([error_group,] true_label, machine_label); None where labels are taken for the classes."""
    if "label_audit" not in data:
        return None
    pi = sample("confusion", dist.Dirichlet(confusion_weights(priors)), dims=("true_label", "machine_label"))
    if ERROR_GROUP not in data.coords:
        return pi
    spread = prior(priors, "confusion_spread")
    z = sample("confusion_deviation", dist.Normal().expand((data.sizes[ERROR_GROUP], *pi.shape)), dims=GROUPED)
    return deterministic("confusion_by_group", varied_confusion(pi, spread * z, jnp), dims=GROUPED)


def use(data: xr.Dataset, sigma: Any, m: Any, spillover: Any, clock: Clock, lags: Any, priors: Priors) -> None:
    """Equation (15): the cost share of rare earths, fast and slow, with unit values that err."""
    noise = prior(priors, "ree_use_noise")
    error = jnp.zeros(data.sizes["use_price_point"])
    if has_unit_value_error(data, priors):
        size = prior(priors, "unit_value_error")
        spread = prior(priors, "unit_value_spread")
        values = unit_value_evidence(data)
        at = UnitValueCoordinates(size, spread, values.change, *values.modes)
        z = sample("unit_value_deviation", NormalAt(at), dims="use_unit_value")
        error = error.at[values.measured].set(size * z)
        drawn = dist.Normal(error[values.now] - error[values.before], spread * values.root_years)
        observe("unit_value_change", drawn, values.change, dims="use_unit_value_change")
    known = noise_structure(data)
    common = prior(priors, "ree_use_common") if known.shared else 0.0
    observe(
        "use_share_change",
        NoisyChanges(expected_change(data, sigma, m, spillover, clock, lags, error, xp=jnp), known, noise, common),
        data["use_share_change"].values,
        dims="use_observation",
    )
