"""Between reestim and its oracle: economies, parameters and scenarios as the plain arrays of ``levels``, by label."""

from __future__ import annotations

import numpy as np
import xarray as xr

import reestim as ree
from reestim.equilibrium.equations import Unknowns
from reestim.equilibrium.policy_arrays import PolicyArrays
from tests.economics.levels.equations import Unknowns as Levels
from tests.economics.levels.technology import Technology
from tests.economics.levels.world import Array, Policy, Pool, World, with_resource_share

BILATERAL = ("importer", "exporter", "sector")


def labels(world: World) -> dict[str, list[str]]:
    """Names of everything: goods g, elements e, carriers m, by their place among the sectors."""
    countries, size = [f"c{k}" for k in range(len(world.expenditure))], world.expenditure.shape[1]
    sectors = [f"e{k}" if k in world.resources else f"m{k}" if k in world.members else f"g{k}" for k in range(size)]
    resource = {f: f"resource_{sectors[e]}" for e, f in world.resources.items()}
    factors = ["labor", *(resource.get(f, f"capital{f}") for f in range(1, world.factor_share.shape[1]))]
    return {
        "country": countries,
        "importer": countries,
        "exporter": countries,
        "sector": sectors,
        "input": sectors,
        "factor": factors,
        "element": [sectors[k] for k in world.resources],
        "carrier": [sectors[k] for k in world.members if k not in world.resources],
    }


def placed(world: World, array: Array, *dims: str) -> xr.DataArray:
    """The array with its labels."""
    names = labels(world)
    return xr.DataArray(np.asarray(array, dtype=float), dims=dims, coords={dim: names[dim] for dim in dims})


def as_economy(world: World) -> ree.Economy:
    """The baseline of the oracle's world; elements come before carriers among its members."""
    mines = len(world.resources)
    assert list(world.members[:mines]) == list(world.resources)
    arrays = {
        "trade_share": placed(world, world.trade_share, *BILATERAL),
        "tariff": placed(world, world.tariff, *BILATERAL),
        "export_tax": placed(world, world.export_tax, *BILATERAL),
        "expenditure": placed(world, world.expenditure, "country", "sector"),
        "factor_share": placed(world, world.factor_share, "country", "factor", "sector"),
        "input_share": placed(world, world.input_share, "country", "input", "sector"),
        "ree_share": placed(world, world.ree_share, "country", "sector"),
        "element_share": placed(world, world.member_share[:, :mines], "country", "element", "sector"),
        "trade_elasticity": placed(world, world.trade_elasticity, "sector"),
        "producer_price": placed(world, world.tonne_price[:, list(world.resources)], "country", "element"),
    }
    if len(world.members) > mines:
        carriers = list(world.members[mines:])
        arrays["carrier_price"] = placed(world, world.tonne_price[:, carriers], "country", "carrier")
        arrays["carrier_share"] = placed(world, world.member_share[:, mines:], "country", "carrier", "sector")
    return ree.Economy(xr.Dataset(arrays))


def as_parameters(world: World, technology: Technology, **clock: float) -> ree.Parameters:
    """The oracle's parameters; ``clock`` are those of the transition."""
    size = world.expenditure.shape
    by_cell = {
        name: placed(world, np.broadcast_to(getattr(technology, name), size), "country", "sector")
        for name in ("sigma", "kappa", "spillover", "spillover_gap", "diffusion")
    }
    rho = np.broadcast_to(technology.element_elasticity, size)
    assert (rho == rho[0]).all(), "ρ is one number a sector"
    mines = list(world.resources)
    supply = placed(world, technology.supply_elasticity, "country", "sector").isel(sector=mines)
    return ree.Parameters(
        **by_cell,
        element_elasticity=placed(world, rho[0], "sector"),
        supply_elasticity=supply.rename(sector="element"),
        **clock,
    )


def as_quota(world: World, pool: Pool) -> object:
    """The policy of reestim that holds the pool's cells."""
    names = labels(world)
    buyers, sellers, sectors = (np.flatnonzero(pool.cells.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    assert len(sellers) == 1
    seller, products = names["country"][sellers[0]], tuple(names["sector"][k] for k in sectors)
    if pool.at_mine:
        return ree.ProductionQuota(seller, products, pool.change, leakage=pool.leakage)
    if len(buyers) == len(names["country"]) - 1 and pool.waste == 0:
        return ree.ExportQuota(seller, products, pool.change, leakage=pool.leakage)
    to = tuple(names["country"][k] for k in buyers)
    return ree.Licence(seller, to, products, pool.change * (1 + pool.leakage), waste=pool.waste)


def as_scenario(world: World, policy: Policy) -> ree.Scenario:
    """The oracle's policy."""
    p, names = policy.filled(world), labels(world)
    policies = [as_quota(world, pool) for pool in policy.pools]
    members = names["element"] + names["carrier"]
    for n, s in np.argwhere(p.subsidy > 0):
        policies.append(ree.Subsidy(float(p.subsidy[n, s]), names["country"][n], (names["sector"][s],)))
    for s, f in world.resources.items():
        for n in np.flatnonzero((p.endowment[:, f] != 1) & (world.factor_income[:, f] > 0)):
            policies.append(ree.SupplyShock(names["country"][n], (names["sector"][s],), float(p.endowment[n, f])))
    for n, m in np.argwhere(p.recycled > 0):
        policies.append(ree.Recycling(float(p.recycled[n, m]), names["country"][n], (members[m],)))
    return ree.Scenario(
        name="oracle",
        tariff=placed(world, p.tariff, *BILATERAL),
        export_tax=placed(world, p.export_tax, *BILATERAL),
        trade_cost=placed(world, p.trade_cost, *BILATERAL),
        productivity=placed(world, p.productivity, "country", "sector"),
        policies=tuple(policies),
    )


def as_world(economy: ree.Economy, parameters: ree.Parameters) -> World:
    """An economy of reestim as a baseline of the oracle, with the rents of the parameters."""
    ds, names = economy.ds, (economy.factors, economy.sectors, economy.elements)
    arrays = parameters.to_arrays(economy, "fixed")  # what is read here does not depend on research
    factors, sectors, elements = names
    shares = [name for name in ("element_share", "carrier_share") if name in ds]
    prices = np.ones(ds.expenditure.shape)
    for name, dim in (("producer_price", "element"), ("carrier_price", "carrier")):
        if name in ds:
            known = ds[name].transpose("country", dim)
            here = [sectors.index(str(label)) for label in known[dim].values]
            prices[:, here] = np.where(known > 0, known, 1.0)
    resources = {sectors.index(e): factors.index(f"resource_{e}") for e in elements if f"resource_{e}" in factors}
    world = World(
        trade_share=ds.trade_share.values,
        expenditure=ds.expenditure.values,
        tariff=ds.tariff.values,
        export_tax=ds.export_tax.values,
        factor_share=ds.factor_share.values,
        input_share=ds.input_share.values,
        ree_share=ds.ree_share.values,
        member_share=np.concatenate([ds[name].values for name in shares], axis=1),
        members=tuple(sectors.index(m) for m in economy.members),
        resources=resources,
        trade_elasticity=np.asarray(arrays.trade_elasticity),
        tonne_price=prices,
    )
    if arrays.resource_share is None:
        return world
    return with_resource_share(world, _at_sectors(world, np.asarray(arrays.resource_share)))


def _at_sectors(world: World, by_member: Array) -> Array:
    """Values of the first members as values of their sectors, zero elsewhere."""
    values = np.zeros(world.expenditure.shape)
    values[:, list(world.members)[: by_member.shape[-1]]] = by_member
    return values


def as_technology(economy: ree.Economy, world: World, parameters: ree.Parameters, technology: str) -> Technology:
    """Parameters of reestim as the oracle's."""
    arrays = parameters.to_arrays(economy, technology)
    t = arrays.technology
    names = ("sigma", "element_elasticity", "kappa", "spillover", "spillover_gap", "diffusion")
    return Technology(
        **{name: np.asarray(getattr(t, name)) for name in names},
        supply_elasticity=_at_sectors(world, np.asarray(arrays.supply_elasticity)),
        directed=technology == "directed",
    )


def as_policy(arrays: PolicyArrays) -> Policy:
    """A scenario placed by reestim as the oracle's policy."""
    held, shape = arrays.pools, arrays.log_export_tax.shape
    pools = []
    for k in range(len(held.log_limit)):
        cells = np.zeros(shape, dtype=bool)
        at_mine = bool(np.asarray(held.mine[k]).any())
        pairs = np.asarray(held.mine[k])[None, :] if at_mine else np.asarray(held.border[k])
        cells[:, np.asarray(held.exporter), np.asarray(held.sector)] = np.broadcast_to(
            pairs > 0, (shape[0], pairs.shape[1])
        )
        pools.append(Pool(cells, float(np.exp(held.log_limit[k])), 0.0, float(held.waste[k]), at_mine))
    return Policy(
        tariff=np.expm1(np.asarray(arrays.log_tariff)),
        export_tax=np.expm1(np.asarray(arrays.log_export_tax)),
        trade_cost=np.exp(np.asarray(arrays.log_trade_cost)),
        productivity=np.exp(np.asarray(arrays.log_productivity)),
        subsidy=-np.expm1(-np.asarray(arrays.log_subsidy)),
        endowment=np.exp(np.asarray(arrays.log_endowment)),
        recycled=np.asarray(arrays.recycled),
        pools=tuple(pools),
        joint=bool(arrays.joint > 0),
    )


def as_levels(world: World, u: Unknowns, licence_price: Array) -> Levels:
    """What reestim found, in levels; licence prices by pool, in money per tonne of the baseline's prices."""
    return Levels(
        factor_price=np.exp(np.asarray(u.factor_price)),
        price=np.exp(np.asarray(u.price)),
        expenditure=world.expenditure * np.exp(np.asarray(u.expenditure)),
        licence_price=np.asarray(licence_price),
        margin=np.exp(_at_sectors(world, np.asarray(u.margin))),
    )
