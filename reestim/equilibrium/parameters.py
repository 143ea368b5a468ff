"""The behavioural parameters of the equilibrium, validated against an economy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float

from reestim.dims import COUNTRY, ELEMENT, SECTOR, TRADED_SECTOR
from reestim.editions import gone_parameter, is_first_edition
from reestim.equilibrium.coordinates import label_problems
from reestim.equilibrium.drawn_baseline import InputArrays
from reestim.equilibrium.horizon import MONTHS, horizon_problems, use_at_horizon
from reestim.equilibrium.mine_parameters import IN_ECONOMY, MINE_PARAMETERS, complete_mines, mine_rules
from reestim.errors import ParameterError, Problem
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
    """Parameters as arrays in the economy's order of labels."""

    technology: TechnologyParameters
    trade_elasticity: Float[Array, "*draw sector"]
    supply_elasticity: Float[Array, "*draw country element"]
    resource_share: Float[Array, "*draw country element"] | None = None  # None: the baseline's own
    inputs: InputArrays | None = None  # what the data say otherwise; None: the baseline's own


@dataclass(frozen=True)
class Parameters:
    """Elasticities and technology parameters (docs/model.md section 2); each a number or a DataArray placed by label.

    Parameters
    ----------
    sigma
        σ, substitution between rare earths and other inputs: number, (sector) or (country, sector). Sectors that use
        no rare earths need none. At given knowledge. Must lie inside 0 < σ < 1 + 1/κ̃, κ̃ = κ(1+ξ).
    kappa, spillover, spillover_gap, diffusion
        κ ≥ 0, ξ ≥ 0, ω ≥ 0, 0 ≤ ψ ≤ 1: number, (sector) or (country, sector).
    element_elasticity
        ρ > 0 between elements in the bundle: number or (sector).
    trade_elasticity
        ε > 0: number or (sector). ``None`` takes the economy's own ``trade_elasticity``.
    supply_elasticity
        μ ≥ 0 of mines, how output answers the price at given costs of other inputs: number, (element) or (country,
        element). ``None`` takes the economy's own ``supply_elasticity``; where it has none either, mines are
        Cobb–Douglas, μ = (1−r)/r.
    resource_share
        0 < r < 1, rent's share of a mine's revenue at the baseline: number, (element) or (country, element). ``None``
        takes the share of the resource in the economy's ``factor_share``. Another one changes the baseline: other
        inputs of mines in proportion, and incomes and final demand with them; trade and spending stay.
    impact_ratio
        0 < s ≤ 1: within months (``horizon="months"`` of a scenario) elasticities are σ·s and ρ·s. A number. The
        default, 0.15, puts σ at .05 where it is .35 over a year: imported inputs were near Leontief after the
        earthquake of 2011 (Boehm, Flaaen and Pandalai-Nayar 2019), gas in Germany .04 to .1 (Bachmann and others 2022).
    impact_supply_elasticity, long_run_supply_elasticity
        μ of months (``None``: s·μ), and μ_L of ``horizon="long"`` (``None``: the economy's own): as supply_elasticity.
    adjustment_rate
        0 < λ ≤ 1, the share of the distance to (2) that knowledge closes in a year, with ``technology="transition"``: a
        number.
    obsolescence, knowledge_growth
        0 ≤ δ < 1 a year and g ≥ 0 log points a year: in a transition knowledge falls by at most g − ln(1−δ) a year
        against its trend, equation (2b). Numbers. These three have no effect on the two other technologies.

    Raises
    ------
    ParameterError
        Not here, but where they meet an economy: listing every parameter outside its bounds, unknown label and
        dimension.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Parameters(sigma=0.4, kappa=1.2, spillover=1.6).kappa
    1.2
    """

    sigma: Value = 0.5
    kappa: Value = 1.0
    spillover: Value = 0.0
    spillover_gap: Value = 0.0
    element_elasticity: Value = 1.0
    trade_elasticity: Value | None = None
    diffusion: Value = 0.0
    adjustment_rate: Value = 0.2
    obsolescence: Value = 0.15
    knowledge_growth: Value = 0.05
    supply_elasticity: Value | None = None
    resource_share: Value | None = None
    impact_ratio: Value = 0.15
    impact_supply_elasticity: Value | None = None
    long_run_supply_elasticity: Value | None = None

    def __new__(cls, *_: object, **given: object) -> Parameters:
        """Refuse what belonged to the first edition of the model, in words."""
        if gone := [gone_parameter(name) for name in given if is_first_edition([name])]:
            raise ParameterError(gone)
        return super().__new__(cls)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(field.name for field in dataclasses.fields(cls))

    def to_arrays(self, economy: Economy, technology: str = "directed", horizon: str = "year") -> ParameterArrays:
        """Place by label and check. Raises ParameterError with every problem found."""
        values, problems = self._placed(economy, technology, None, horizon)
        if not problems:
            problems = [problem for _, problem in _violations(values, economy, technology, horizon)]
        if problems:
            raise ParameterError(problems, "these parameters have no equilibrium in the model")
        return _arrays(values, economy, technology)

    def feasible(
        self, economy: Economy, technology: str, batch: str, horizon: str = "year"
    ) -> tuple[Bool[np.ndarray, " draw"], list[Problem]]:
        """Which draws along ``batch`` are feasible (in the parameter space), and the problems of the others.

        Raises ParameterError for problems of all draws (labels, dimensions).
        """
        values, problems = self._placed(economy, technology, batch, horizon)
        if problems:
            raise ParameterError(problems, "these parameters do not fit the economy")
        good = np.ones(len(values["sigma"]), bool)
        for bad, problem in _violations(values, economy, technology, horizon):
            good &= ~bad.reshape(len(good), -1).any(axis=1)
            problems.append(problem)
        return good, problems

    def to_batch(self, economy: Economy, technology: str, batch: str, horizon: str = "year") -> ParameterArrays:
        """Parameters over a further, leading dimension ``batch``, all :meth:`feasible`."""
        values, _ = self._placed(economy, technology, batch, horizon)
        return _arrays(values, economy, technology)

    def _placed(
        self, economy: Economy, technology: str, batch: str | None, horizon: str
    ) -> tuple[dict[str, np.ndarray], list[Problem]]:
        """Every parameter as ([batch,] country, sector) in the economy's order, and what cannot be placed."""
        if technology not in TECHNOLOGIES:
            advice = f"Use one of {', '.join(TECHNOLOGIES)}."
            raise ParameterError(Problem("unknown technology", advice, value=technology))
        if problems := horizon_problems(horizon):
            raise ParameterError(problems)
        elasticity = self.trade_elasticity
        if elasticity is None:
            elasticity = economy.ds.get("trade_elasticity")
        if elasticity is None:
            advice = "Give Parameters(trade_elasticity=...) or put trade_elasticity(sector) into the economy's Dataset."
            raise ParameterError(Problem("the trade elasticity is missing", advice))
        given = {name: getattr(self, name) for name in self.names()} | {"trade_elasticity": elasticity}
        given |= {name: economy.ds.get(name) for name in IN_ECONOMY if given[name] is None}
        sizes = {v.sizes[batch] for v in given.values() if isinstance(v, xr.DataArray) and batch in v.dims}
        if batch is not None and len(sizes) != 1:
            raise ParameterError(Problem(f"no parameter, or unequal ones, along {batch!r}", "Give one size for all."))
        lead = (sizes.pop(),) if batch is not None else ()
        values = {
            name: _place(name, value, economy, lead, batch, problems)
            for name, value in given.items()
            if value is not None
        }
        return complete_mines(use_at_horizon(values, horizon), economy, horizon, lead, problems), problems


def _arrays(values: dict[str, np.ndarray], economy: Economy, technology: str) -> ParameterArrays:
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


def _violations(
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


def _place(
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
