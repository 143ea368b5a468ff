"""Every variable of the models once: what it is, its units, and where a parameter may lie. PyMC and NumPyro read it."""

from __future__ import annotations

from collections.abc import Mapping

from reestim.evidence.variable import (
    NEVER_ZERO,
    POSITIVE,
    REAL,
    SHARE_ABOVE_ZERO,
    SHARES,
    Support,
    Variable,
)

_LOG_ODDS = "log odds"

#: By name, as in docs/model.md. A model may have others; what they are is then said where they are made.
VARIABLES: dict[str, Variable] = {
    # Technology and research, (1) and (2)
    "kappa": Variable("κ, response of research to relative returns", "elasticity", NEVER_ZERO),
    "spillover": Variable("ξ, social over private return of knowledge, less one", "ratio", POSITIVE),
    "spillover_gap": Variable("ω, social value of ideas about rare earths above those displaced", "ratio", POSITIVE),
    "adjustment_rate": Variable("λ, share of the gap that knowledge closes in a year", "share", SHARE_ABOVE_ZERO),
    "knowledge_growth": Variable("g, growth of relative knowledge in normal times", "log points a year", NEVER_ZERO),
    "innovation_passthrough": Variable("m, log points of knowledge per log point of relative price", "elasticity"),
    "long_run_elasticity": Variable("σ_L, elasticity of substitution once research has answered", "elasticity"),
    "trade_elasticity": Variable("ε, trade elasticity", "elasticity"),
    # The relative price that research answers
    "lag_weights": Variable("weights of the lags of the relative price", "share", SHARES),
    "element_elasticity": Variable(
        "ρ, elasticity of substitution between elements of a bundle", "elasticity", NEVER_ZERO
    ),
    # Elasticities of substitution, (14)
    "mu": Variable("μ, mean of the scaled log odds of σ", _LOG_ODDS, REAL),
    "mu_along_ridge": Variable("μ less its ridge", _LOG_ODDS),
    "beta": Variable("β, effect of substitutability on σ", "log odds per sd", REAL),
    "tau": Variable("τ, spread of σ around its properties", _LOG_ODDS, POSITIVE),
    "sigma_sampled": Variable(
        "what is sampled for σ: u_j, or for a sector with strong evidence its logit less the ridge",
        "standard deviations, or log odds",
    ),
    "sigma": Variable("σ, elasticity of substitution of rare earths", "elasticity"),
    # Patents and their labels, (12) and (13)
    "class_log_odds": Variable("mean log odds of a class against unrelated", _LOG_ODDS, REAL),
    "unit_sd": Variable("spread of country-sector effects", _LOG_ODDS, POSITIVE),
    "unit_deviation": Variable("α, country-sector effect against the mean of its class", _LOG_ODDS),
    "year_sd": Variable("spread of year effects", _LOG_ODDS, POSITIVE),
    "year_effect": Variable("λ, year effect, sum zero", _LOG_ODDS),
    "using_slope": Variable("u, slope of using on q", "elasticity", REAL),
    "substituting_slope": Variable("v, slope of substituting on q", "elasticity", REAL),
    "concentration": Variable("φ, concentration of counts around their probabilities", "patents", NEVER_ZERO),
    "confusion": Variable("Π, probability of a label given the true class", "probability", SHARES),
    "patent_count": Variable("patents by label", "patents"),
    "label_audit": Variable("audited patents by true class and label", "patents"),
    # Event study
    "event_estimate": Variable("event-study effect of exposure", "log points for one standard deviation of exposure"),
    # Use of rare earths, (15)
    "ree_use_noise": Variable("spread of the yearly change of the cost share", "log points", POSITIVE),
    "use_share_change": Variable("change of the log cost share of rare earths", "log points"),
    "unit_value_error": Variable("error of unit values as a price", "log points", POSITIVE),
    "unit_value_spread": Variable("spread of the yearly change of the true price", "log points", NEVER_ZERO),
    "unit_value_deviation": Variable("error of each unit value", "standard deviations"),
    "unit_value_change": Variable("change of the log unit value", "log points"),
}


def attributes(name: str, long_name: str = "", units: str = "") -> dict[str, str]:
    """``long_name`` and ``units`` of a variable: as given, else as `VARIABLES` has them."""
    known = VARIABLES.get(name, Variable(name.replace("_", " "), "not stated"))
    return {"long_name": long_name or known.long_name, "units": units or known.units}


def support_of(name: str) -> Support:
    """Where a parameter may lie; one that `VARIABLES` does not have may take any value."""
    known = VARIABLES.get(name)
    return known.support or REAL if known else REAL


def parameters() -> Mapping[str, Support]:
    """Parameters that take a prior, and where each may lie."""
    return {name: variable.support for name, variable in VARIABLES.items() if variable.support is not None}
