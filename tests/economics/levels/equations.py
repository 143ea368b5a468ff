"""The equilibrium (3)–(11) with pools of licences, as gaps of its conditions at given unknowns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.economics.levels.technology import Costs, Technology, costs
from tests.economics.levels.world import Array, Policy, World


class Unknowns(NamedTuple):
    """Levels: factor prices (n, f), prices and expenditure (n, s), licence prices by pool, margins of mines (n, s)."""

    factor_price: Array
    price: Array
    expenditure: Array
    licence_price: Array
    margin: Array


class Outcome(NamedTuple):
    """What holds at the unknowns."""

    costs: Costs
    gate: Array  # price at the gate over its baseline, (i, s)
    new_price: Array  # (n, s)
    trade_share: Array  # (n, i, s)
    export_tax: Array  # 1 + x′ less 1, licences included, (n, i, s)
    sales: Array  # at the gate, by buyer, (n, i, s)
    revenue: Array  # producers', (i, s)
    rent: Array  # of licences, by the country that issues them, (i)
    waste: Array  # (i)
    income: Array  # (n)
    demand: Array  # (n, s)
    factor_demand: Array  # (n, f), money
    factor_supply: Array  # (n, f), money
    tonnes: Array  # by pool
    welfare: Array  # ln change of real income, (n)


def mined(world: World, policy: Policy) -> Array:
    """Cells (n, s) of mines whose elements are supplied jointly."""
    cells = np.zeros(world.expenditure.shape, dtype=bool)
    if policy.joint:
        places = list(world.resources)
        cells[:, places] = world.revenue[:, places] > 0
    return cells


def outcome(world: World, technology: Technology, policy: Policy, u: Unknowns) -> Outcome:
    """All of the model at the unknowns; ``policy`` has all its arrays."""
    cost = costs(world, technology, u.factor_price, u.price, policy.productivity)
    producer = cost.unit * u.margin
    gate = (1 - policy.subsidy) * producer
    tax = policy.export_tax.copy()
    at_border = [k for k, pool in enumerate(policy.pools) if not pool.at_mine]
    at_mine = [k for k, pool in enumerate(policy.pools) if pool.at_mine]
    for k in at_mine:
        gate = gate + u.licence_price[k] * policy.pools[k].cells.any(axis=0) / world.tonne_price
    per_tonne = gate * world.tonne_price
    for k in at_border:
        tax = tax + u.licence_price[k] * policy.pools[k].cells / per_tonne

    traded, eps = world.trade_share > 0, world.trade_elasticity
    wedge = policy.trade_cost * (1 + policy.tariff) * np.maximum(1 + tax, 1e-6) / world.border
    log_cost = np.where(traded, np.log(gate * wedge), 0.0)
    cheapest = np.where(traded, log_cost, np.inf).min(axis=1, keepdims=True)
    cheapest = np.where(np.isfinite(cheapest), cheapest, 0.0)
    power = np.where(traded, world.trade_share * np.exp(-eps * (log_cost - cheapest)), 0.0)
    total = power.sum(axis=1, keepdims=True)
    share = power / np.where(total > 0, total, 1.0)
    new_price = np.exp(cheapest - np.log(np.where(total > 0, total, 1.0)) / eps)[:, 0, :]

    spending = share * u.expenditure[:, None, :]
    sales = spending / ((1 + policy.tariff) * (1 + tax))
    sold = sales / per_tonne  # tonnes (n, i, s)
    revenue = (sales * (producer / gate)).sum(axis=0)
    spent = revenue / u.margin  # on factors and inputs

    n = world.expenditure.shape[0]
    tonnes, rent, waste = np.zeros(len(policy.pools)), np.zeros(n), np.zeros(n)
    for k, pool in enumerate(policy.pools):
        by_exporter = (sold * pool.cells).sum(axis=(0, 2))
        tonnes[k] = by_exporter.sum()
        rent += u.licence_price[k] * by_exporter
        waste += pool.waste * u.licence_price[k] * by_exporter

    ree, members = cost.ree_share, list(world.members)
    use = np.einsum("nms,ns->nm", cost.member_share, ree * spent)
    scrap = (policy.recycled * use).sum(axis=1)
    supply = u.factor_price * policy.endowment * world.factor_income
    tariffs = (policy.tariff / (1 + policy.tariff) * spending).sum(axis=(1, 2))
    taxes = (policy.export_tax * sales).sum(axis=(0, 2))
    income = supply.sum(axis=1) + tariffs + taxes + rent - waste + world.deficit + scrap
    income = income - (policy.subsidy * revenue).sum(axis=1)

    demand = world.final_share * (income + waste)[:, None]
    demand += np.einsum("nks,ns->nk", cost.input_share, (1 - ree) * spent)
    demand[:, members] += (1 - policy.recycled) * use
    factor_demand = np.einsum("nfs,ns->nf", cost.factor_share, (1 - ree) * spent)
    with np.errstate(invalid="ignore"):
        welfare = np.log(income / world.income) - (world.final_share * np.log(u.price)).sum(axis=1)
    return Outcome(
        cost, gate, new_price, share, tax, sales, revenue, rent, waste, income, demand, factor_demand, supply, tonnes,
        welfare,
    )  # fmt: skip


class Gaps(NamedTuple):
    """Log gaps of the conditions; every one is zero in equilibrium."""

    markets: Array  # of live factors, none left out
    numeraire: float
    prices: Array  # (n, s)
    spending: Array  # (n, s)
    tonnes: Array  # ln (tonnes / limit), by pool
    mines: Array  # joint ones: the same tonnes for all elements, and no profit


def log_ratio(a: Array, b: Array, used: Array) -> Array:
    """ln a/b where used; what is not positive is very far away."""
    good = used & (a > 0) & (b > 0)
    return np.where(good, np.log(np.where(good, a, 1.0) / np.where(good, b, 1.0)), np.where(used, 1e3, 0.0))


def gaps(world: World, technology: Technology, policy: Policy, u: Unknowns) -> tuple[Gaps, Outcome]:
    """The conditions at the unknowns."""
    o = outcome(world, technology, policy, u)
    live, bought = world.factor_income > 0, world.expenditure > 0
    cells = mined(world, policy)
    joint = []
    for n in np.flatnonzero(cells.any(axis=1)):
        of = np.flatnonzero(cells[n])
        moved = np.log(o.revenue[n, of] / world.revenue[n, of] / (o.costs.unit[n, of] * u.margin[n, of]))
        joint += [*np.diff(moved), np.log(o.revenue[n, of].sum() / (o.revenue[n, of] / u.margin[n, of]).sum())]
    limits = np.array([pool.limit(world) for pool in policy.pools])
    found = Gaps(
        markets=log_ratio(o.factor_demand, o.factor_supply, live)[live],
        numeraire=float(np.log(o.factor_supply.sum() / world.factor_income.sum())),
        prices=np.where(bought, np.log(o.new_price / u.price), np.log(u.price)),
        spending=np.where(bought, log_ratio(o.demand, u.expenditure, bought), 0.0),
        tonnes=log_ratio(o.tonnes, limits, np.ones(len(limits), dtype=bool)),
        mines=np.array(joint),
    )
    return found, o
