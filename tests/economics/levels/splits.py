"""A country, good, element or carrier cut into two parts, each like the whole: nothing may change."""

from __future__ import annotations

import dataclasses

import numpy as np

from tests.economics.levels.technology import Technology
from tests.economics.levels.world import Array, Policy, Pool, World

PARTS = (0.3, 0.7)


def twice(array: Array, axis: int, place: int, weights: tuple[float, float] = (1.0, 1.0)) -> Array:
    """The slice at ``place`` put twice, times the weights; the copy comes last along the axis."""
    copy = np.take(array, [place], axis=axis) * (weights[1] if array.dtype != bool else True)
    array = array.copy()
    index = [slice(None)] * array.ndim
    index[axis] = slice(place, place + 1)
    if array.dtype != bool:
        array[tuple(index)] *= weights[0]
    return np.concatenate([array, copy.astype(array.dtype)], axis=axis)


def _maybe(array: Array | None, axis: int, place: int) -> Array | None:
    return None if array is None else twice(array, axis, place)


def split_country(world: World, technology: Technology, policy: Policy, place: int) -> tuple[World, Technology, Policy]:
    """Both parts make the whole's goods; sales between them are sales at home."""

    def bilateral(array: Array | None) -> Array | None:
        return None if array is None else twice(twice(array, 0, place), 1, place)

    cut = World(
        trade_share=twice(twice(world.trade_share, 0, place), 1, place, PARTS),
        expenditure=twice(world.expenditure, 0, place, PARTS),
        tariff=bilateral(world.tariff), export_tax=bilateral(world.export_tax),
        factor_share=twice(world.factor_share, 0, place), input_share=twice(world.input_share, 0, place),
        ree_share=twice(world.ree_share, 0, place), member_share=twice(world.member_share, 0, place),
        members=world.members, resources=world.resources, trade_elasticity=world.trade_elasticity,
        tonne_price=twice(world.tonne_price, 0, place),
    )  # fmt: skip
    done = Policy(
        tariff=bilateral(policy.tariff), export_tax=bilateral(policy.export_tax),
        trade_cost=bilateral(policy.trade_cost), productivity=_maybe(policy.productivity, 0, place),
        subsidy=_maybe(policy.subsidy, 0, place), endowment=_maybe(policy.endowment, 0, place),
        recycled=_maybe(policy.recycled, 0, place), joint=policy.joint,
        pools=tuple(dataclasses.replace(p, cells=bilateral(p.cells)) for p in policy.pools),
    )  # fmt: skip
    return cut, _technology(technology, 0, place), done


def split_sector(world: World, technology: Technology, policy: Policy, place: int) -> tuple[World, Technology, Policy]:
    """Both parts are made and used as the whole was; an element's resource is cut with it."""
    s = world.expenditure.shape[1]
    factor_share = twice(world.factor_share, 2, place)
    resources, endowment = dict(world.resources), policy.endowment
    if place in resources:
        old, new = resources[place], factor_share.shape[1]
        factor_share = np.concatenate([factor_share, np.zeros_like(factor_share[:, :1])], axis=1)
        factor_share[:, new, s] = factor_share[:, old, s]
        factor_share[:, old, s] = 0.0
        resources[s] = new
        endowment = _maybe(endowment, 1, old)
    members, member_share, recycled = world.members, world.member_share, policy.recycled
    if place in members:
        m = members.index(place)
        members = (*members, s)
        member_share = twice(member_share, 1, m, PARTS)
        recycled = _maybe(recycled, 1, m)
    cut = World(
        trade_share=twice(world.trade_share, 2, place), expenditure=twice(world.expenditure, 1, place, PARTS),
        tariff=twice(world.tariff, 2, place), export_tax=twice(world.export_tax, 2, place), factor_share=factor_share,
        input_share=twice(twice(world.input_share, 2, place), 1, place, PARTS),
        ree_share=twice(world.ree_share, 1, place), member_share=twice(member_share, 2, place), members=members,
        resources=resources, trade_elasticity=twice(world.trade_elasticity, 0, place),
        tonne_price=twice(world.tonne_price, 1, place),
    )  # fmt: skip
    done = Policy(
        tariff=_maybe(policy.tariff, 2, place), export_tax=_maybe(policy.export_tax, 2, place),
        trade_cost=_maybe(policy.trade_cost, 2, place), productivity=_maybe(policy.productivity, 1, place),
        subsidy=_maybe(policy.subsidy, 1, place), endowment=endowment, recycled=recycled, joint=policy.joint,
        pools=tuple(Pool(twice(p.cells, 2, place), p.change, p.leakage, p.waste, p.at_mine) for p in policy.pools),
    )  # fmt: skip
    return cut, _technology(technology, 1, place), done


def _technology(technology: Technology, axis: int, place: int) -> Technology:
    return dataclasses.replace(
        technology,
        sigma=twice(technology.sigma, axis, place),
        element_elasticity=twice(technology.element_elasticity, axis, place),
        supply_elasticity=twice(technology.supply_elasticity, axis, place),
    )
