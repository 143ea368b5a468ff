"""A baseline in plain arrays, its accounts, and what is done to it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class World:
    """A baseline. Letters of dims: n country (importer), i exporter, s sector, f factor, k input, m bundle member."""

    trade_share: Array  # (n, i, s), sums to 1 over i
    expenditure: Array  # (n, s)
    tariff: Array  # (n, i, s)
    export_tax: Array  # (n, i, s)
    factor_share: Array  # (n, f, s), in the cost of other inputs
    input_share: Array  # (n, k, s)
    ree_share: Array  # (n, s)
    member_share: Array  # (n, m, s), sums to 1 over m where ree_share > 0
    members: tuple[int, ...]  # sectors of the elements and carriers
    resources: dict[int, int]  # element's sector -> factor that is its resource
    trade_elasticity: Array  # (s)
    tonne_price: Array  # (n, s), producer's price per tonne

    @cached_property
    def border(self) -> Array:
        """(1 + tariff)(1 + export tax)."""
        return (1 + self.tariff) * (1 + self.export_tax)

    @cached_property
    def sales(self) -> Array:
        """Producers' revenue by buyer, (n, i, s)."""
        return self.trade_share * self.expenditure[:, None, :] / self.border

    @cached_property
    def revenue(self) -> Array:
        """Producers' revenue, (i, s)."""
        return self.sales.sum(axis=0)

    @cached_property
    def factor_income(self) -> Array:
        """(n, f)."""
        return np.einsum("nfs,ns->nf", self.factor_share, (1 - self.ree_share) * self.revenue)

    @cached_property
    def final(self) -> Array:
        """Final demand, the residual of the accounts, (n, s)."""
        use = np.einsum("nks,ns->nk", self.input_share, (1 - self.ree_share) * self.revenue)
        use[:, list(self.members)] += np.einsum("nms,ns->nm", self.member_share, self.ree_share * self.revenue)
        final = self.expenditure - use
        return np.where(final < 1e-12 * self.expenditure, 0.0, final)  # what an input leaves over is rounding

    @cached_property
    def income(self) -> Array:
        """(n)."""
        return self.final.sum(axis=1)

    @cached_property
    def final_share(self) -> Array:
        """(n, s)."""
        return self.final / self.income[:, None]

    @cached_property
    def deficit(self) -> Array:
        """(n)."""
        tariffs = (self.tariff / (1 + self.tariff) * self.trade_share * self.expenditure[:, None, :]).sum(axis=(1, 2))
        taxes = (self.export_tax * self.sales).sum(axis=(0, 2))
        return self.income - self.factor_income.sum(axis=1) - tariffs - taxes

    @cached_property
    def tonnes(self) -> Array:
        """Tonnes by buyer, (n, i, s)."""
        return self.sales / self.tonne_price


def with_resource_share(world: World, share: Array) -> World:
    """The world with other rents in mines, share (n, s) at the elements' sectors; trade and expenditure stay."""
    factor_share, input_share = world.factor_share.copy(), world.input_share.copy()
    for s, f in world.resources.items():
        scale = (1 - share[:, s]) / (1 - world.factor_share[:, f, s])
        factor_share[:, :, s] *= scale[:, None]
        input_share[:, :, s] *= scale[:, None]
        factor_share[:, f, s] = share[:, s]
    return dataclasses.replace(world, factor_share=factor_share, input_share=input_share)


@dataclass(frozen=True)
class Pool:
    """Tonnes of some cells held at or below a limit, with one licence price per tonne."""

    cells: Array  # bool (n, i, s): trade that needs a licence; of mines: every buyer
    change: float  # limit over baseline tonnes of the cells
    leakage: float = 0.0  # fraction of the limit that leaves beside it
    waste: float = 0.0  # fraction of the rent that is nobody's
    at_mine: bool = False

    def limit(self, world: World) -> float:
        """Tonnes."""
        return float((world.tonnes * self.cells).sum()) * self.change * (1 + self.leakage)


@dataclass(frozen=True)
class Policy:
    """New levels of taxes, factors of trade costs, productivity and endowments; what is None does not change."""

    tariff: Array | None = None  # (n, i, s)
    export_tax: Array | None = None  # (n, i, s)
    trade_cost: Array | None = None  # (n, i, s)
    productivity: Array | None = None  # (n, s)
    subsidy: Array | None = None  # (n, s), fraction of revenue
    endowment: Array | None = None  # (n, f)
    recycled: Array | None = None  # (n, m), fraction of industry's use
    pools: tuple[Pool, ...] = field(default=())
    joint: bool = False  # elements of a country come out of one mine

    def filled(self, world: World, part: float = 1.0) -> Policy:
        """All arrays present; ``part`` of the way from the baseline, pools' limits included."""
        (n, s), f, m = world.expenditure.shape, world.factor_share.shape[1], len(world.members)

        def level(new: Array | None, old: Array) -> Array:
            return old if new is None else old + part * (new - old)

        def factor(new: Array | None, shape: tuple[int, ...]) -> Array:
            return np.ones(shape) if new is None else new**part

        return Policy(
            tariff=level(self.tariff, world.tariff), export_tax=level(self.export_tax, world.export_tax),
            trade_cost=factor(self.trade_cost, (n, n, s)), productivity=factor(self.productivity, (n, s)),
            subsidy=level(self.subsidy, np.zeros((n, s))), endowment=factor(self.endowment, (n, f)),
            recycled=level(self.recycled, np.zeros((n, m))), joint=self.joint,
            pools=tuple(
                Pool(p.cells, (p.change * (1 + p.leakage)) ** part, 0.0, p.waste, p.at_mine) for p in self.pools
            ),
        )  # fmt: skip
