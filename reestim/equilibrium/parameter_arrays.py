"""Parameters in the economy's order of labels: placed, checked against their bounds, as arrays of JAX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float

from reestim.dims import COUNTRY, ELEMENT, SECTOR, TRADED_SECTOR
from reestim.equilibrium.coordinates import label_problems
from reestim.equilibrium.drawn_baseline import InputArrays
from reestim.equilibrium.horizon import MONTHS
from reestim.equilibrium.mine_parameters import MINE_PARAMETERS, mine_rules
from reestim.errors import Problem
from reestim.numerics.jax_setup import require_jax
from reestim.technology import UNLIMITED, TechnologyParameters, obsolescence_floor, sigma_upper_bound

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

Value = float | xr.DataArray
#: Parameters that are one number.
NUMBERS = ("adjustment_rate", "impact_ratio")

#: ``frontier`` is directed technology without the gap ω: what research that is paid for does by itself.
TECHNOLOGIES = ("fixed", "directed", "frontier", "transition")
#: λ of the technologies that stand still: none, and all, of the distance to equation (2).
RATES = {"fixed": 0.0, "directed": 1.0, "frontier": 1.0}
#: Parameters of the clock (2b): numbers, without effect but in a transition.
CLOCK = ("adjustment_rate", "obsolescence", "knowledge_growth")


class ParameterArrays(NamedTuple):
    """Parameters as arrays in the economy's order of labels.

    Attributes
    ----------
    technology
        σ, κ, ξ, ω, ψ, ρ and the clock (country, sector).
    trade_elasticity
        ε (sector).
    supply_elasticity
        μ (country, element).
    resource_share
        r (country, element); None: the baseline's own.
    inputs
        Inputs known with error, as drawn; None: the baseline's own.
    """

    technology: TechnologyParameters
    trade_elasticity: Float[Array, "*draw sector"]
    supply_elasticity: Float[Array, "*draw country element"]
    resource_share: Float[Array, "*draw country element"] | None = None  # None: the baseline's own
    inputs: InputArrays | None = None  # what the data say otherwise; None: the baseline's own


def to_jax(values: dict[str, np.ndarray], economy: Economy, technology: str) -> ParameterArrays:
    """JAX arrays; where a sector uses no rare earths the technology parameters do not matter and are neutral."""
    require_jax()
    users = np.asarray(economy.baseline.ree_share) > 0
    neutral = {"sigma": 1.0, "element_elasticity": 1.0}
    technology_values = {
        name: jnp.asarray(np.where(users, value, neutral.get(name, 0.0)))
        for name, value in values.items()
        if name in TechnologyParameters._fields and name not in CLOCK
    }
    if technology == "frontier":
        technology_values["spillover_gap"] = jnp.zeros_like(technology_values["spillover_gap"])
    rate, loss = RATES.get(technology, 0.0), UNLIMITED
    if technology == "transition":
        rate, obsolescence, growth = (values[name][..., 0, 0] for name in CLOCK)
        loss = obsolescence_floor(obsolescence, growth, np)
    clock = {
        name: jnp.broadcast_to(jnp.asarray(value, dtype=float), values["sigma"].shape[:-2])
        for name, value in (("adjustment_rate", rate), ("largest_loss", loss))
    }
    elasticity = jnp.asarray(values["trade_elasticity"][..., 0, :])
    before = jnp.zeros(values["sigma"].shape)
    return ParameterArrays(
        TechnologyParameters(research_before=before, **clock, **technology_values),
        elasticity,
        jnp.asarray(values["supply_elasticity"]),
        jnp.asarray(values["resource_share"]) if "resource_share" in values else None,
    )


def violations(
    values: dict[str, np.ndarray], economy: Economy, technology: str, horizon: str
) -> Iterator[tuple[Bool[np.ndarray, ...], Problem]]:
    """Cells outside the parameter space (or missing), with the sentence that says so."""
    users = np.asarray(economy.baseline.ree_share) > 0
    everywhere = np.ones_like(users)
    with np.errstate(divide="ignore"):
        interior = values["sigma"] < sigma_upper_bound(values["kappa"], values["spillover"])
    rules = [
        ("sigma", users, values["sigma"] > 0, "σ must be > 0"),
        ("kappa", users, values["kappa"] >= 0, "κ must be ≥ 0"),
        ("spillover", users, values["spillover"] >= 0, "ξ must be ≥ 0"),
        ("spillover_gap", users, values["spillover_gap"] >= 0, "ω must be ≥ 0"),
        ("diffusion", users, (values["diffusion"] >= 0) & (values["diffusion"] <= 1), "ψ must lie in [0, 1]"),
        ("element_elasticity", users, values["element_elasticity"] > 0, "ρ must be > 0"),
        ("trade_elasticity", everywhere, values["trade_elasticity"] > 0, "ε must be > 0"),
    ]
    if technology == "transition":
        rate, lost, growth = (values[name] for name in CLOCK)
        rules.append(("adjustment_rate", everywhere, (rate > 0) & (rate <= 1), "λ must lie in (0, 1]"))
        rules.append(("obsolescence", everywhere, (lost >= 0) & (lost < 1), "δ must lie in [0, 1)"))
        rules.append(("knowledge_growth", everywhere, growth >= 0, "g must be ≥ 0"))
    if technology != "fixed":
        corner = (
            "σ must be below 1 + 1/κ̃, κ̃ = κ(1+ξ): outside it research has a corner solution and the model no "
            "interior optimum"
        )
        rules.append(("sigma", users, interior | ~np.isfinite(values["sigma"]), corner))
    if horizon == MONTHS:
        ratio = values["impact_ratio"]
        rules.append(("impact_ratio", everywhere, (ratio > 0) & (ratio <= 1), "s must lie in (0, 1]"))
    rules += mine_rules(values, economy, horizon)
    for name, where, good, message in rules:
        bad = where & ~(good & np.isfinite(values[name]))
        if bad.any():
            index = tuple(np.argwhere(bad)[0])
            value = float(values[name][index])
            labels = economy.elements if name in MINE_PARAMETERS else economy.sectors
            cell = f"{economy.countries[index[-2]]} {labels[index[-1]]}"
            if np.isnan(value):
                yield (
                    bad,
                    Problem(f"{name} has no value for {cell}", "Give one for every sector that needs it.", column=name),
                )
            else:
                yield bad, Problem(f"{message} (at {cell})", f"Correct {name}.", column=name, value=value)


def place_parameter(
    name: str, value: Value, economy: Economy, lead: tuple[int, ...], batch: str | None, problems: list[Problem]
) -> Float[np.ndarray, ...]:
    """Value broadcast to ([batch,] country, sector), of mines ([batch,] country, element).

    ``lead`` is the size of ``batch``; missing labels become NaN and are judged later.
    """
    own, names = (ELEMENT, economy.elements) if name in MINE_PARAMETERS else (SECTOR, economy.sectors)
    shape = (*lead, len(economy.countries), len(names))
    if not isinstance(value, xr.DataArray):
        return np.broadcast_to(np.asarray(value, dtype=float), shape)
    if TRADED_SECTOR in value.dims:
        value = value.rename({TRADED_SECTOR: SECTOR})
    labels: dict[str, Sequence[str]] = {} if name in NUMBERS else {own: names}
    if name not in ("trade_elasticity", *NUMBERS):
        labels[COUNTRY] = economy.countries
    one_draw = value.isel({batch: 0}, drop=True) if batch in value.dims else value
    wrong = label_problems(name, one_draw, labels)
    if wrong:
        problems.extend(wrong)
        return np.ones(shape)
    value = value.reindex({dim: list(labels[str(dim)]) for dim in one_draw.dims})
    order = [d for d in (batch, COUNTRY, own) if d is not None]
    for dim in [d for d in order if d not in value.dims]:
        value = value.expand_dims(dim)
    return np.broadcast_to(value.transpose(*order).values.astype(float), shape)
