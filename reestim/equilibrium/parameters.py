"""The behavioural parameters of the equilibrium, validated against an economy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from reestim.dims import COUNTRY, SECTOR, TRADED_SECTOR
from reestim.errors import ParameterError, Problem
from reestim.technology import TechnologyParameters, sigma_upper_bound

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

Value = float | xr.DataArray

TECHNOLOGIES = ("fixed", "directed")


class ParameterArrays(NamedTuple):
    """Parameters as arrays in the economy's order of labels."""

    technology: TechnologyParameters
    trade_elasticity: Float[Array, " sector"]


@dataclass(frozen=True)
class Parameters:
    """Elasticities and technology parameters (model.md section 2); each a number or a DataArray placed by label.

    Parameters
    ----------
    sigma
        σ, substitution between rare earths and other inputs: number, (sector) or (country, sector). Sectors that use
        no rare earths need none. Must lie inside 0 < σ < 1 + 1/κ.
    kappa, spillover, crowding_out, diffusion
        κ ≥ 0, ξ ≥ 0, 0 ≤ χ ≤ 1, 0 ≤ ψ ≤ 1: number, (sector) or (country, sector).
    element_elasticity
        ρ > 0 between elements in the bundle: number or (sector).
    trade_elasticity
        ε > 0: number or (sector). ``None`` takes the economy's own ``trade_elasticity``.
    """

    sigma: Value = 0.5
    kappa: Value = 1.0
    spillover: Value = 0.0
    crowding_out: Value = 0.0
    element_elasticity: Value = 1.0
    trade_elasticity: Value | None = None
    diffusion: Value = 0.0

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(field.name for field in dataclasses.fields(cls))

    def to_arrays(self, economy: Economy, technology: str = "directed") -> ParameterArrays:
        """Place by label and check. Raises ParameterError with every problem found."""
        problems: list[Problem] = []
        if technology not in TECHNOLOGIES:
            advice = f"Use one of {', '.join(TECHNOLOGIES)}."
            raise ParameterError(Problem("unknown technology", advice, value=technology))
        elasticity = self.trade_elasticity
        if elasticity is None:
            elasticity = economy.ds.get("trade_elasticity")
        if elasticity is None:
            advice = "Give Parameters(trade_elasticity=...) or put trade_elasticity(sector) into the economy's Dataset."
            raise ParameterError(Problem("the trade elasticity is missing", advice))

        users = np.asarray(economy.baseline.ree_share) > 0
        shape = users.shape
        values: dict[str, np.ndarray] = {}
        for name in ("sigma", "kappa", "spillover", "crowding_out", "diffusion", "element_elasticity"):
            values[name] = _place(name, getattr(self, name), economy, shape, problems)
        epsilon = _place("trade_elasticity", elasticity, economy, shape, problems)

        _require(problems, values["kappa"], users, "kappa", lambda v: v >= 0, "κ must be ≥ 0")
        _require(problems, values["spillover"], users, "spillover", lambda v: v >= 0, "ξ must be ≥ 0")
        for name in ("crowding_out", "diffusion"):
            _require(problems, values[name], users, name, lambda v: (v >= 0) & (v <= 1), f"{name} must lie in [0, 1]")
        _require(problems, values["element_elasticity"], users, "element_elasticity", lambda v: v > 0, "ρ must be > 0")
        _require(problems, epsilon, np.ones(shape, bool), "trade_elasticity", lambda v: v > 0, "ε must be > 0")
        _require(problems, values["sigma"], users, "sigma", lambda v: v > 0, "σ must be > 0")
        if technology != "fixed":
            with np.errstate(divide="ignore"):
                bound = sigma_upper_bound(values["kappa"])
            _require(
                problems, values["sigma"] / bound, users, "sigma", lambda v: v < 1,
                "σ must be below 1 + 1/κ: outside it research has a corner solution and the model no interior optimum",
                shown=values["sigma"],
            )  # fmt: skip
        if problems:
            raise ParameterError(problems, "these parameters have no equilibrium in the model")

        values["sigma"] = np.where(users, values["sigma"], 1.0)
        arrays = {name: jnp.asarray(np.where(users, value, 1.0 if name in ("sigma", "element_elasticity") else 0.0))
                  for name, value in values.items()}  # fmt: skip
        directed = jnp.asarray(0.0 if technology == "fixed" else 1.0)
        return ParameterArrays(TechnologyParameters(directed=directed, **arrays), jnp.asarray(epsilon[0]))


def _place(
    name: str, value: Value, economy: Economy, shape: tuple[int, int], problems: list[Problem]
) -> Float[np.ndarray, "country sector"]:
    """Value as (country, sector) in the economy's order; labels that are missing become NaN and are judged later."""
    if not isinstance(value, xr.DataArray):
        return np.broadcast_to(np.asarray(value, dtype=float), shape)
    if TRADED_SECTOR in value.dims:
        value = value.rename({TRADED_SECTOR: SECTOR})
    extra = set(value.dims) - {COUNTRY, SECTOR}
    if extra or (name == "trade_elasticity" and COUNTRY in value.dims):
        advice = "Give a number or an array over (sector)" + ("" if name == "trade_elasticity" else " or (country, sector).")
        problems.append(Problem(f"{name} has dimensions {value.dims}", advice))
        return np.ones(shape)
    for dim, labels in ((COUNTRY, economy.countries), (SECTOR, economy.sectors)):
        if dim not in value.dims:
            continue
        given = [str(label) for label in value[dim].values]
        unknown = sorted(set(given) - set(labels))
        if unknown:
            advice = f"The economy has {', '.join(labels)}."
            problems.append(Problem(f"{name} names an unknown {dim}", advice, value=", ".join(unknown)))
        if len(set(given)) != len(given):
            problems.append(Problem(f"{name} repeats a {dim}", "Keep one value per label."))
            return np.ones(shape)
        value = value.reindex({dim: list(labels)})
    expanded = value.transpose(..., *(d for d in (COUNTRY, SECTOR) if d in value.dims)).values.astype(float)
    if value.dims == (COUNTRY,):
        expanded = expanded[:, None]
    return np.broadcast_to(expanded, shape)


def _require(problems, value, where, name, condition, message, shown=None) -> None:  # noqa: ANN001
    """Append one problem when the condition fails (or the value is missing) on any cell that matters."""
    good = condition(value) & np.isfinite(value)
    bad = where & ~good
    if bad.any():
        first = (value if shown is None else shown)[bad][0]
        problems.append(Problem(message, f"Correct {name}.", column=name, value=float(first)))
