"""Every variable of the models once: what it is, its units, and where a parameter may lie. PyMC and NumPyro read it."""

from __future__ import annotations

from collections.abc import Mapping

from reestim.estimate import kinds
from reestim.estimate.kinds.variable import (
    NEVER_ZERO,
    POSITIVE,
    REAL,
    SHARE_ABOVE_ZERO,
    SHARES,
    Support,
    Variable,
)

_LOG_ODDS = "log odds"

#: Of every model, by name, as in docs/model.md; those of one kind of evidence stand with the kind. A model may have
#: others: what they are is then said where they are made.
SHARED: dict[str, Variable] = {
    # Technology and research, (1) and (2)
    "kappa": Variable("κ, response of research to relative returns", "elasticity", NEVER_ZERO),
    "spillover": Variable("ξ, social over private return of knowledge, less one", "ratio", POSITIVE),
    "spillover_gap": Variable("ω, social value of ideas about rare earths above those displaced", "ratio", POSITIVE),
    "adjustment_rate": Variable("λ, share of the gap that knowledge closes in a year", "share", SHARE_ABOVE_ZERO),
    "obsolescence": Variable("δ, share of knowledge lost a year", "share", SHARE_ABOVE_ZERO),
    "knowledge_growth": Variable("g, trend growth of knowledge", "log points a year", NEVER_ZERO),
    "innovation_passthrough": Variable("m, log points of knowledge per log point of relative price", "elasticity"),
    "long_run_elasticity": Variable("σ_L, elasticity of substitution once research has answered", "elasticity"),
    "trade_elasticity": Variable("ε, trade elasticity", "elasticity"),
    # What no evidence here speaks to
    "impact_ratio": Variable("s, elasticities within months over those of a year", "share", SHARE_ABOVE_ZERO),
    "supply_elasticity": Variable("μ, elasticity of supply of mines within a year", "elasticity", POSITIVE),
    "long_run_supply_elasticity": Variable(
        "μ_L, elasticity of supply of mines in the long run", "elasticity", POSITIVE
    ),
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
}

#: Parameters that enter no evidence and reach counterfactuals as their priors say.
ONLY_IN_COUNTERFACTUALS = ("impact_ratio", "supply_elasticity", "long_run_supply_elasticity")


def variables() -> dict[str, Variable]:
    """All variables by name: those of every model, then those of each kind of evidence."""
    return SHARED | {name: variable for kind in kinds.KINDS for name, variable in kind.variables.items()}


def attributes(name: str, long_name: str = "", units: str = "") -> dict[str, str]:
    """``long_name`` and ``units`` of a variable: as given, else as they are declared."""
    variable = variables().get(name, Variable(name.replace("_", " "), "not stated"))
    return {"long_name": long_name or variable.long_name, "units": units or variable.units}


def support_of(name: str) -> Support:
    """Where a parameter may lie; one that is not declared may take any value."""
    variable = variables().get(name)
    return variable.support or REAL if variable else REAL


def parameters() -> Mapping[str, Support]:
    """Parameters that take a prior, and where each may lie."""
    return {name: known.support for name, known in variables().items() if known.support is not None}
