"""Welfare split along the path from the baseline to the counterfactual: parts that add up to the exact change.

Caliendo and Parro's accounting is a sum of products of old values and new price changes, exact to first order only.
The same accounting at every point of a path, with the values of that point and the derivatives of prices there, is an
integral whose parts sum to ln(Î/P̂). The path grows the scenario from nothing to its full size in logs; the parts
depend on the path, their sum does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from reestim.dims import COUNTRY
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import drawn_baseline
from reestim.equilibrium.equations import State, Unknowns, at_elements, evaluate, lost_rent
from reestim.equilibrium.implicit import all_residuals, baseline_unknowns, equilibrium, within_tolerance
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays, scaled
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.solve import solve
from reestim.errors import EquilibriumError

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

PARTS = (
    "terms_of_trade",
    "volume_of_trade",
    "technology_effect",
    "endowment_effect",
    "subsidy_effect",
    "waste_effect",
)
#: Nodes of the Gauss–Legendre rule on a stretch of the path without a kink.
NODES = 12
PATH_TOLERANCE = 1e-12


class _Ledger(NamedTuple):
    """What the accounting multiplies at a point of the path; logs are differentiated along it."""

    on_board: Float[Array, "importer exporter sector"]  # ln border price before melting
    delivered: Float[Array, "importer exporter sector"]  # ln border price delivered
    border: Float[Array, "importer exporter sector"]  # border value
    log_border: Float[Array, "importer exporter sector"]
    productivity: Float[Array, "country sector"]  # ln of Hicks-neutral productivity
    ree_augmentation: Float[Array, "country sector"]
    other_augmentation: Float[Array, "country sector"]
    endowment: Float[Array, "country factor"]  # ln quantity
    recycled: Float[Array, "country member"]
    log_use: Float[Array, "country member"]  # ln quantity of a member of the bundle that industry uses
    log_quantity: Float[Array, "country sector"]  # ln output quantity
    waste: Float[Array, " country"]  # rent of licences that is nobody's gain
    price: Float[Array, "country sector"]  # ln purchaser price


def decompose(
    economy: Economy,
    scenario: Scenario,
    parameters: Parameters,
    technology: str = "directed",
    supply: str = "independent",
    nodes: int = NODES,
) -> xr.Dataset:
    """Split the exact change of welfare into terms and volume of trade, technology, endowments, subsidies and waste.

    Licences for what is mined are subsidies with the other sign; waste is the rent of licences that is nobody's gain.

    Parameters
    ----------
    economy, scenario, parameters, supply
        As in :func:`solve`.
    technology
        ``"fixed"``, ``"directed"`` or ``"frontier"``.
    nodes
        Gauss–Legendre points on each stretch between the points where quotas begin to bind.

    Returns
    -------
    xarray.Dataset
        Over ``country``, in log points: ``welfare`` (exact), its parts (``terms_of_trade``, ``volume_of_trade``,
        ``technology_effect``, ``endowment_effect``, ``subsidy_effect``, ``waste_effect``), and ``gap``, welfare less
        their sum: the error of the quadrature.

    Raises
    ------
    InputError, ParameterError, EquilibriumError
        As :func:`reestim.solve`.

    Examples
    --------
    >>> parts = ree.decompose(economy, quota, parameters, "fixed")
    >>> bool(abs(parts["gap"]).max() < 1e-6)
    True
    """
    exact = solve(economy, scenario, parameters, technology, PATH_TOLERANCE, supply=supply)
    economy = scenario.baseline(economy)
    policy, draw = scenario.to_arrays(economy, supply), parameters.to_arrays(economy, technology, scenario.horizon)
    b = drawn_baseline(economy.baseline, draw)
    step = jax.jit(partial(_slopes, b, policy, draw))
    start, _ = ravel_pytree(baseline_unknowns(b, policy))
    point = jax.jit(lambda at, z: _point(b, policy, draw, z, at))
    edges = [0.0, *_kinks(point, b, policy, start), 1.0]
    where, weight = np.polynomial.legendre.leggauss(nodes)
    total = {name: np.zeros(len(economy.countries)) for name in PARTS}
    for low, high in pairwise(edges):
        for x, w in zip(where, weight, strict=True):
            at = low + (high - low) * (x + 1) / 2
            parts, start, residual = step(jnp.asarray(at), start)
            if not within_tolerance(float(residual), PATH_TOLERANCE):
                raise EquilibriumError(f"no equilibrium found at {at:.0%} of scenario {scenario.name!r}")
            for name in PARTS:
                total[name] += np.asarray(parts[name]) * w * (high - low) / 2
    data = {"welfare": exact.welfare.values, **total}
    data["gap"] = data["welfare"] - sum(total.values())
    attrs = {"units": "log change"}
    return xr.Dataset(
        {name: (COUNTRY, values, attrs) for name, values in data.items()},
        coords={COUNTRY: list(economy.countries)},
        attrs={"scenario": scenario.name, "technology": technology, "supply": supply},
    )


def _point(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Array, at: Float[Array, ""]
) -> tuple[Array, Unknowns]:
    now = scaled(b, policy, at)
    _, unravel = ravel_pytree(baseline_unknowns(b, policy))
    z = equilibrium(b, now, draw, start, PATH_TOLERANCE).point
    return z, unravel(z)


def _kinks(
    point: Callable[[Array, Array], tuple[Array, Unknowns]], b: Baseline, policy: PolicyArrays, start: Array
) -> list[float]:
    """Points of the path where a quota that binds at the end begins to, or one ceases to; by bisection."""
    if not policy.pools.log_limit.size:
        return []

    def tied(at: float) -> tuple[bool, ...]:
        return tuple((np.asarray(point(jnp.asarray(at), start)[1].pool) > 1e-9).tolist())

    grid = np.linspace(0.0, 1.0, 9)[1:]
    states, kinks = [tied(x) for x in grid], []
    for k in range(len(grid) - 1):
        if states[k] != states[k + 1]:
            low, high, below = grid[k], grid[k + 1], states[k]
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (middle, high) if tied(middle) == below else (low, middle)
            kinks.append(float(high))
    return kinks


def _slopes(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, at: Float[Array, ""], start: Array
) -> tuple[dict[str, Array], Array, Array]:
    """Slopes of the parts along the path at ``at``; the unknowns there; the largest residual."""
    ledger, moved, (z, u, state, now) = jax.jvp(
        lambda s: _ledger(b, policy, draw, start, s), (at,), (jnp.ones(()),), has_aux=True
    )
    value = ledger.border
    tariff = jnp.expm1(now.log_tariff)
    tax = -jnp.expm1(-state.log_export_tax)  # x/(1+x): what the exporter's treasury takes of a border dollar
    terms = jnp.sum(value * moved.on_board, axis=(0, 2)) - jnp.sum(value * moved.delivered, axis=(1, 2))
    quantity = value * (moved.log_border - moved.delivered)
    volume = jnp.sum(tariff * quantity, axis=(1, 2))
    shipped = value * (moved.log_border - moved.on_board)
    volume = volume + jnp.sum(tax * shipped, axis=(0, 2))
    share = state.costs.ree_share
    spent = state.output * jnp.exp(-at_elements(b, u.margin))
    gain = moved.productivity + share * moved.ree_augmentation + (1 - share) * moved.other_augmentation
    technology = jnp.sum(spent * gain, axis=1)
    paid = b.factor_income * jnp.exp(u.factor_price + now.log_endowment)
    use = state.scrap / jnp.where(now.recycled > 0, now.recycled, 1.0)
    use = jnp.where(now.recycled > 0, use, jnp.einsum("nms,ns->nm", state.costs.member_share, share * spent))
    endowment = jnp.sum(paid * moved.endowment, axis=1)
    endowment = endowment + jnp.sum(use * moved.recycled + state.scrap * moved.log_use, axis=1)
    granted = state.output - state.earned.sum(axis=0)  # less what licences take at the mine
    subsidy = -jnp.sum(granted * moved.log_quantity, axis=1)
    # What is wasted is bought at the prices of the final bundle: its quantity counts, and it grows from nothing.
    waste = -moved.waste + ledger.waste * jnp.sum(b.final_share * moved.price, axis=1)
    parts = dict(zip(PARTS, (terms, volume, technology, endowment, subsidy, waste), strict=True))
    residual = all_residuals(b, now, draw, u)
    return {name: value / state.income for name, value in parts.items()}, z, residual


def _ledger(
    b: Baseline, policy: PolicyArrays, draw: ParameterArrays, start: Array, at: Array
) -> tuple[_Ledger, tuple[Array, Unknowns, State, PolicyArrays]]:
    """The ledger at ``at``; and the unknowns there as a vector and placed, the state, the policies."""
    now = scaled(b, policy, at)
    z, u = _point(b, policy, draw, start, at)
    state = evaluate(b, now, draw, u)
    delivered = state.trade_cost - state.log_tariff + jnp.log1p(b.tariff)
    border = state.earned * jnp.exp(state.log_export_tax)
    traded = b.trade_share > 0
    foreign = ~jnp.eye(b.income.size, dtype=bool)[:, :, None]
    log_border = jnp.log(jnp.where(traded, border, 1.0))
    margin = at_elements(b, u.margin)
    made = b.output > 0
    quantity = jnp.log(jnp.where(made, state.output, 1.0)) - state.costs.unit_cost - margin
    spent = state.output * jnp.exp(-margin)
    use = jnp.einsum("nms,ns->nm", state.costs.member_share, state.costs.ree_share * spent)
    price = u.price[:, b.member_index]
    log_use = jnp.log(jnp.where(use > 0, use, 1.0)) - price
    here = jnp.where(foreign & traded, border, 0.0)
    ledger = _Ledger(
        delivered - now.log_trade_cost,
        delivered,
        here,
        log_border,
        now.log_productivity + state.costs.productivity,
        state.costs.ree_augmentation,
        state.costs.other_augmentation,
        now.log_endowment,
        now.recycled,
        log_use,
        jnp.where(made, quantity, 0.0),
        lost_rent(b, now, state.pools),
        u.price,
    )
    return ledger, (z, u, state, now)
