"""What an equilibrium means: welfare, prices, trade, technology, and the first-order welfare accounting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from reestim.dims import BILATERAL, CARRIER, COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, SECTOR
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.diagnosis import determinate
from reestim.equilibrium.equations import Cells, State, Unknowns, evaluate, factor_income, lost_rent
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policies import EMBARGO_LOG_TAX
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.pools import at_pairs
from reestim.technology import long_run_elasticity

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


_CELL = (COUNTRY, SECTOR)
_LOG = "log change"
_MONEY = "money units of the data"
_PERCENT = "per cent of baseline income"


class Outcome(NamedTuple):
    """What an outcome is: its dimensions, long name and unit."""

    dims: tuple[str, ...]
    long_name: str
    unit: str


class Outcomes(NamedTuple):
    """Results of one equilibrium in arrays, with the dimensions, meaning and unit of each."""

    welfare: Annotated[Array, Outcome((COUNTRY,), "Welfare: real income, ln(I/P)", _LOG)]
    income: Annotated[Array, Outcome((COUNTRY,), "Income of final demand", _LOG)]
    price_index: Annotated[Array, Outcome((COUNTRY,), "Price index of final demand", _LOG)]
    real_wage: Annotated[Array, Outcome((COUNTRY,), "Factor income deflated by the price index", _LOG)]
    factor_price: Annotated[Array, Outcome((COUNTRY, FACTOR), "Factor price", _LOG)]
    price: Annotated[Array, Outcome(_CELL, "Purchaser price", _LOG)]
    unit_cost: Annotated[Array, Outcome(_CELL, "Unit cost of production", _LOG)]
    output: Annotated[Array, Outcome(_CELL, "Output value at producer prices", _LOG)]
    exports: Annotated[Array, Outcome(_CELL, "Export value at the border (export tax included)", _LOG)]
    ree_price: Annotated[Array, Outcome(_CELL, "Price of the sector's rare-earth bundle", _LOG)]
    ree_technology: Annotated[Array, Outcome(_CELL, "REE-enhancing technology, ln Â before spillovers", _LOG)]
    other_technology: Annotated[Array, Outcome(_CELL, "Technology of other inputs, ln B̂ before spillovers", _LOG)]
    long_run_elasticity: Annotated[
        Array,
        Outcome(_CELL, "Elasticity of substitution once research has answered; σ if it never does", "elasticity"),
    ]
    trade_share: Annotated[Array, Outcome(BILATERAL, "Share of spending by exporter", "fraction")]
    expenditure: Annotated[Array, Outcome(_CELL, "Expenditure at purchaser prices", _MONEY)]
    ree_share: Annotated[Array, Outcome(_CELL, "Share of rare earths in cost", "fraction")]
    element_share: Annotated[
        Array, Outcome((COUNTRY, ELEMENT, SECTOR), "Share of an element in the rare-earth bundle", "fraction")
    ]
    carrier_share: Annotated[
        Array, Outcome((COUNTRY, CARRIER, SECTOR), "Share of a carrier in the rare-earth bundle", "fraction")
    ]
    resource_share: Annotated[Array, Outcome((COUNTRY, ELEMENT), "Share of rent in a mine's revenue", "fraction")]
    export_tax: Annotated[Array, Outcome(BILATERAL, "Export tax, licences of quotas included", "ad valorem fraction")]
    tariff_revenue: Annotated[Array, Outcome((COUNTRY,), "Tariff revenue", _MONEY)]
    quota_rent: Annotated[Array, Outcome(_CELL, "Rent of quotas and licences, what is wasted of it included", _MONEY)]
    licence_price: Annotated[
        Array, Outcome(_CELL, "Licence price of quotas and licences, of the buyer abroad who pays most", "US$ per kg")
    ]
    welfare_first_order: Annotated[
        Array, Outcome((COUNTRY,), "Welfare, first order (Caliendo and Parro 2015)", _PERCENT)
    ]
    terms_of_trade: Annotated[Array, Outcome((COUNTRY,), "Terms of trade, first order", _PERCENT)]
    volume_of_trade: Annotated[Array, Outcome((COUNTRY,), "Volume of trade, first order", _PERCENT)]
    technology_effect: Annotated[
        Array, Outcome((COUNTRY,), "Productivity and directed technology, first order", _PERCENT)
    ]
    endowment_effect: Annotated[Array, Outcome((COUNTRY,), "Mines opened or closed and scrap, first order", _PERCENT)]
    waste_effect: Annotated[Array, Outcome((COUNTRY,), "Rent of licences that is wasted", _PERCENT)]
    other_cost: Annotated[Array, Outcome(_CELL, "Unit cost of inputs other than rare earths", _LOG)]
    mine_margin: Annotated[
        Array, Outcome((COUNTRY, ELEMENT), "Price over unit cost at a mine's gate, with joint supply", _LOG)
    ]
    determinate: Annotated[
        Array,
        Outcome((), "No feedback of technology on prices that is large enough for a second equilibrium near", ""),
    ]
    embargo_remaining: Annotated[
        Array, Outcome((), "Largest share of a baseline flow that an embargo leaves", "fraction")
    ]


#: The outcomes by name, in the order of ``Outcomes``.
VARIABLES: dict[str, Outcome] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Outcomes, include_extras=True).items()
}


@jax.jit
def outcomes(b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns) -> Outcomes:
    """All results at the equilibrium ``u``. Cells without output, exports or spending in the baseline are NaN."""
    state = evaluate(b, policy, parameters, u)
    income, price_index = income_and_prices(b, state, u)
    earnings = factor_income(b, policy, u.factor_price).sum(axis=1) / b.factor_income.sum(axis=1)
    users = b.ree_share > 0
    new_exports, old_exports = _border_exports(b, policy, state, u)
    first, terms, volume, technology, endowment, waste = first_order(b, policy, state, u)
    pools, held = policy.pools, state.pools
    paid_most = pools.per_kg * (held.at_mine.paid + jnp.max(held.at_border.paid, axis=0, initial=0.0))
    return Outcomes(
        welfare=income - price_index,
        income=income,
        price_index=price_index,
        real_wage=jnp.log(earnings) - price_index,
        factor_price=jnp.where(b.factor_income > 0, u.factor_price, jnp.nan),
        price=jnp.where(b.expenditure > 0, u.price, jnp.nan),
        unit_cost=jnp.where(b.output > 0, state.costs.unit_cost, jnp.nan),
        output=log_change(state.output, b.output),
        exports=log_change(new_exports, old_exports),
        ree_price=jnp.where(users, state.costs.ree_price, jnp.nan),
        ree_technology=jnp.where(users, state.costs.ree_technology, jnp.nan),
        other_technology=jnp.where(users, state.costs.other_technology, jnp.nan),
        long_run_elasticity=jnp.where(users, _long_run_elasticity(parameters), jnp.nan),
        trade_share=state.trade_share,
        expenditure=b.expenditure * jnp.exp(u.expenditure),
        ree_share=state.costs.ree_share,
        element_share=state.costs.member_share[:, : b.element_index.size],
        carrier_share=state.costs.member_share[:, b.element_index.size :],
        resource_share=jnp.where(b.output[:, b.element_index] > 0, state.resource_share, jnp.nan),
        export_tax=jnp.expm1(state.log_export_tax),
        tariff_revenue=state.tariff_revenue,
        quota_rent=at_pairs(b, pools, held.rent),
        licence_price=at_pairs(b, pools, paid_most),
        welfare_first_order=100 * first,
        terms_of_trade=100 * terms,
        volume_of_trade=100 * volume,
        technology_effect=100 * technology,
        endowment_effect=100 * endowment,
        waste_effect=100 * waste,
        other_cost=jnp.where(b.output > 0, state.other_cost, jnp.nan),
        mine_margin=u.margin,
        embargo_remaining=_embargo_remaining(b, policy, state),
        determinate=determinate(b, parameters, state.costs),
    )


def _long_run_elasticity(parameters: ParameterArrays) -> Cells:
    """σ_L where research answers prices, sooner or later; σ with fixed technology."""
    t = parameters.technology
    return jnp.where(t.adjustment_rate > 0, long_run_elasticity(t.sigma, t.kappa, t.spillover), t.sigma)


def _embargo_remaining(b: Baseline, policy: PolicyArrays, state: State) -> Float[Array, ""]:
    """Largest share of a baseline quantity that is still sold through an embargo; 0 without one."""
    barred = (policy.log_export_tax >= EMBARGO_LOG_TAX - 1e-9) & (b.trade_share > 0)
    before = jnp.where(barred, b.trade_share * b.expenditure[:, None, :], 1.0)
    delivered = state.trade_cost + jnp.log1p(b.tariff) + jnp.log1p(b.export_tax)
    after = state.earned * jnp.exp(state.log_tariff + state.log_export_tax - delivered)
    quantity = after * (1 + b.tariff) * (1 + b.export_tax) / before
    return jnp.max(jnp.where(barred, quantity, 0.0))


def income_and_prices(b: Baseline, state: State, u: Unknowns) -> tuple[Array, Array]:
    """Log changes of income of final demand and of its price index; welfare is their difference. (country)"""
    return jnp.log(state.income) - jnp.log(b.income), jnp.sum(b.final_share * u.price, axis=1)


def log_change(new: Array, old: Array) -> Array:
    """ln of new over old; not a number where there was nothing."""
    exists = old > 0
    return jnp.where(exists, jnp.log(jnp.where(exists, new, 1.0)) - jnp.log(jnp.where(exists, old, 1.0)), jnp.nan)


def _border_exports(b: Baseline, policy: PolicyArrays, state: State, u: Unknowns) -> tuple[Array, Array]:
    """Exports to all other countries at border prices, new and old. (country, sector)"""
    abroad = (1.0 - jnp.eye(b.income.size))[:, :, None]
    spending = b.expenditure * jnp.exp(u.expenditure)
    new = abroad * state.trade_share * spending[:, None, :] * jnp.exp(-state.log_tariff)
    old = abroad * b.trade_share * b.expenditure[:, None, :] / (1 + b.tariff)
    return new.sum(axis=0), old.sum(axis=0)


def first_order(
    b: Baseline, policy: PolicyArrays, state: State, u: Unknowns
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Caliendo and Parro's one-step welfare accounting, fractions of baseline income, each (country).

    Total, terms of trade, volume of trade, technology, endowments, waste.

    Terms of trade: exports less imports at border prices times their price changes. Volume of trade: tariffs on the
    change in imported quantities, and export taxes on that in exported ones. Technology: Domar-weighted productivity;
    endowments: what is earned by new mines and scrap at old prices; waste: the rent of licences that is nobody's gain
    (all zero in their model), so that the total is exact to first order for every shock the solver takes.
    """
    spending = b.expenditure * jnp.exp(u.expenditure)
    old = b.trade_share * b.expenditure[:, None, :] / (1 + b.tariff)  # border value, export tax included
    new = state.trade_share * spending[:, None, :] * jnp.exp(-state.log_tariff)
    # Border prices, new over old: delivered, and free on board (what melts on the way is not paid twice).
    delivered = jnp.exp(state.trade_cost - state.log_tariff + jnp.log1p(b.tariff))
    on_board = delivered * jnp.exp(-policy.log_trade_cost)
    terms = jnp.sum(old * (on_board - 1), axis=(0, 2)) - jnp.sum(old * (delivered - 1), axis=(1, 2))
    volume = jnp.sum(b.tariff * (new - old * delivered), axis=(1, 2))
    volume = volume + jnp.sum(b.export_tax / (1 + b.export_tax) * (new - old * on_board), axis=(0, 2))
    directed = (1 - b.ree_share) * state.costs.other_augmentation + b.ree_share * state.costs.ree_augmentation
    gain = policy.log_productivity + state.costs.productivity + directed
    technology = jnp.sum(b.output * gain, axis=1)
    scrap = jnp.einsum("nm,nms,ns->n", policy.recycled, b.member_share, b.ree_share * b.output)
    endowment = jnp.sum(b.factor_income * policy.log_endowment, axis=1) + scrap
    waste = -lost_rent(b, policy, state.pools)
    terms, volume, technology, endowment, waste = (
        part / b.income for part in (terms, volume, technology, endowment, waste)
    )
    return terms + volume + technology + endowment + waste, terms, volume, technology, endowment, waste


def to_dataset(economy: Economy, result: Outcomes, lead: tuple[str, ...] = ()) -> xr.Dataset:
    """Label the arrays of one equilibrium, or of several with leading dims; ``VARIABLES`` gives dims and units."""
    labels = labels_of(economy)
    data = {}
    variables = {name: v for name, v in VARIABLES.items() if economy.carriers or CARRIER not in v.dims}
    for name, (dims, long_name, unit) in variables.items():
        attrs = {"long_name": long_name, "units": unit}
        data[name] = xr.DataArray(np.asarray(getattr(result, name)), dims=(*lead, *dims), attrs=attrs)
    used = {d for variable in variables.values() for d in variable.dims}
    return xr.Dataset(data, coords={d: labels[d] for d in used})


def labels_of(economy: Economy) -> dict[str, list[str]]:
    """Labels of every dimension of a result."""
    countries = list(economy.countries)
    return {
        COUNTRY: countries,
        IMPORTER: countries,
        EXPORTER: countries,
        SECTOR: list(economy.sectors),
        FACTOR: list(economy.factors),
        ELEMENT: list(economy.elements),
        CARRIER: list(economy.carriers),
    }
