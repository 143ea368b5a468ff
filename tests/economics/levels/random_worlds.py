"""Random consistent worlds of the second edition, and policies to put them through. Plain NumPy."""

from __future__ import annotations

import numpy as np

from tests.economics.levels.technology import Clock, Technology
from tests.economics.levels.world import Array, Policy, Pool, World


def random_world(
    seed: int,
    countries: int = 3,
    goods: int = 2,
    elements: int = 2,
    carriers: int = 1,
    factors: int = 2,
    taxes: bool = True,
    deficits: bool = True,
    zero_flows: bool = True,
    ree_share: tuple[float, float] = (0.01, 0.3),
    elasticity: tuple[float, float] = (2.0, 8.0),
) -> World:
    """Sectors are goods, elements, carriers, in this order; the first good uses no rare earths.

    Each carrier is made of elements and of the carriers before it; goods use all. Households buy carriers too.
    """
    rng = np.random.default_rng([seed, 1])
    n, s, m = countries, goods + elements + carriers, elements + carriers
    mines, members = range(goods, goods + elements), list(range(goods, s))
    foreign = ~np.eye(n, dtype=bool)[:, :, None]

    pi = rng.gamma(0.5, 1.0, (n, n, s)) + 2.0 * np.eye(n)[:, :, None]
    if zero_flows:
        pi[(rng.random((n, n, s)) < 0.2) & foreign] = 0.0
        if n > 2:
            pi[:, -1, goods] = 0.0  # the last country does not mine the first element
            pi[:, 1, -1] = 0.0  # the second makes no carrier (or not the last element)
    pi[:, :1, :] += pi.sum(axis=1, keepdims=True) == 0.0
    pi[1:, 0, goods:] += 0.1  # quotas of the first country have something to hold
    pi /= pi.sum(axis=1, keepdims=True)
    tariff = np.where(foreign, rng.uniform(0, 0.3, (n, n, s)), 0.0) * taxes
    export_tax = np.where(foreign, rng.uniform(0, 0.2, (n, n, s)), 0.0) * taxes

    gamma_f = rng.gamma(1.0, 1.0, (n, factors + elements, s)) + 0.05
    gamma_f[:, factors:, :] = 0.0
    gamma_k = rng.gamma(0.5, 1.0, (n, s, s))
    gamma_k[:, goods:, :] = 0.0  # rare earths enter through the bundle
    total = gamma_f.sum(axis=1, keepdims=True) + gamma_k.sum(axis=1, keepdims=True)
    gamma_f, gamma_k = gamma_f / total, gamma_k / total
    resources = {}
    for e, mine in enumerate(mines):
        rent = rng.uniform(0.15, 0.8, n)
        gamma_f[:, :, mine] *= 1 - rent[:, None]
        gamma_k[:, :, mine] *= 1 - rent[:, None]
        gamma_f[:, factors + e, mine] = rent
        resources[mine] = factors + e

    theta = np.exp(rng.uniform(*np.log(ree_share), (n, s)))
    theta[:, [0, *mines]] = 0.0
    omega = rng.dirichlet(np.ones(m), (n, s)).transpose(0, 2, 1)
    for c in range(carriers):
        omega[:, elements + c :, goods + elements + c] = 0.0
    omega[:, :, [0, *mines]] = 0.0
    omega /= np.where(theta > 0, omega.sum(axis=1), 1.0)[:, None, :]

    alpha = np.zeros((n, s))
    bought = [*range(goods), *range(goods + elements, s)]
    alpha[:, bought] = rng.dirichlet(np.ones(len(bought)), n)

    a = (1 - theta)[:, None, :] * gamma_k
    a[:, members, :] += theta[:, None, :] * omega
    received = pi / ((1 + tariff) * (1 + export_tax))
    leontief = np.eye(n * s) - np.einsum("nks,mns->nkms", a, received).reshape(n * s, n * s)

    def accounts(income: Array) -> tuple[Array, Array]:
        x = np.linalg.solve(leontief, (alpha * income[:, None]).ravel()).reshape(n, s)
        sales = received * x[:, None, :]
        earned = np.einsum("nfs,ns->n", gamma_f, (1 - theta) * sales.sum(axis=0))
        collected = (tariff / (1 + tariff) * pi * x[:, None, :]).sum(axis=(1, 2)) + (export_tax * sales).sum(
            axis=(0, 2)
        )
        return x, earned + collected

    income = rng.uniform(0.5, 2.0, n)
    for _ in range(2000):
        income = accounts(income)[1]
        income /= income.sum()
    income = 100 * income * np.exp(0.05 * rng.normal(size=n) * deficits)
    x, _ = accounts(income)
    weight = np.exp(rng.uniform(np.log(0.01), np.log(3.0), s))
    return World(
        trade_share=pi, expenditure=x, tariff=tariff, export_tax=export_tax, factor_share=gamma_f, input_share=gamma_k,
        ree_share=theta, member_share=omega, members=tuple(members), resources=resources,
        trade_elasticity=rng.uniform(*elasticity, s), tonne_price=weight * np.exp(0.2 * rng.normal(size=(n, s))),
    )  # fmt: skip


def random_technology(seed: int, world: World, **fixed: object) -> Technology:
    """σ from 0.1 to just inside the interior, directed on even seeds, and the others over their range.

    Resource and other inputs of a mine are complements (elasticity up to 1): beyond that, a mine goes on producing at a
    price of zero, and a tight production quota has no equilibrium in which its resource is worth anything.
    """
    rng = np.random.default_rng([seed, 2])
    n, s = world.expenditure.shape
    kappa, xi = float(rng.uniform(0.2, 2.0)), float(rng.uniform(0, 1.5))
    upper = 1 + 0.9 / (kappa * (1 + xi))
    supply = np.zeros((n, s))
    for e, f in world.resources.items():
        r = world.factor_share[:, f, e]
        supply[:, e] = rng.uniform(0.05, 1.0, n) * (1 - r) / r
    values = {
        "sigma": np.broadcast_to(rng.uniform(0.1, upper, s), (n, s)), "kappa": kappa, "spillover": xi,
        "spillover_gap": float(rng.uniform(0, 2)), "diffusion": float(rng.uniform(0, 0.8)),
        "element_elasticity": np.broadcast_to(rng.uniform(0.1, 1.8, s), (n, s)),
        "supply_elasticity": supply, "directed": seed % 2 == 0,
    }  # fmt: skip
    return Technology(**(values | fixed))


def export_pool(world: World, exporter: int, sectors: list[int], change: float, **more: float) -> Pool:
    """An export quota, pooled over sectors."""
    cells = np.zeros(world.trade_share.shape, dtype=bool)
    cells[:, exporter, sectors] = True
    cells[exporter, exporter] = False
    return Pool(cells, change, **more)


def mine_pool(world: World, country: int, sectors: list[int], change: float) -> Pool:
    """A production quota, pooled over sectors."""
    cells = np.zeros(world.trade_share.shape, dtype=bool)
    cells[:, country, sectors] = True
    return Pool(cells, change, at_mine=True)


def licence(world: World, exporter: int, importers: list[int], sectors: list[int], change: float, waste: float) -> Pool:
    """Licences for some destinations and products."""
    cells = np.zeros(world.trade_share.shape, dtype=bool)
    cells[np.ix_(importers, [exporter], sectors)] = True
    return Pool(cells, change, waste=waste)


def joint(seed: int) -> bool:
    """Every third seed has joint supply."""
    return seed % 3 == 0


def random_pools(seed: int, world: World, tight: float = 0.3) -> tuple[Pool, ...]:
    """The first country's quota on elements and carriers together (or one on each element), a production quota of its
    mines, and licences to a buyer of its carriers.

    Limits from ``tight`` to 1.1 of the baseline, so that some are slack. Where supply is joint the production quota is
    never reached: what is dear to license and cheap to sell would pile up, and the model has no disposal.
    """
    rng = np.random.default_rng([seed, 3])
    mines = list(world.resources)
    carriers = [s for s in world.members if s not in mines]

    def change() -> float:
        return float(np.exp(rng.uniform(np.log(tight), np.log(1.1))))

    leak = float(rng.uniform(0, 0.3))
    pooled = [export_pool(world, 0, list(world.members), change(), leakage=leak)]
    each = [export_pool(world, 0, [e], change(), leakage=leak) for e in mines]
    mined, licensed, waste = change(), change(), float(rng.uniform(0, 0.9))
    return (
        *(pooled if rng.random() < 0.6 else each),
        mine_pool(world, 0, mines, 50.0 if joint(seed) else mined),
        licence(world, 0, [1], carriers or mines, licensed, waste),
    )


def random_policy(seed: int, world: World, size: float = 0.25, pools: tuple[Pool, ...] | None = None) -> Policy:
    """Taxes, trade costs, productivity, a subsidy, a larger mine, scrap; joint supply on every third seed."""
    rng = np.random.default_rng([seed, 4])
    shape = world.trade_share.shape
    foreign = ~np.eye(shape[0], dtype=bool)[:, :, None]
    n, s = world.expenditure.shape
    subsidy, endowment = np.zeros((n, s)), np.ones((n, world.factor_share.shape[1]))
    subsidy[1, 0], endowment[1, next(iter(world.resources.values()))] = 0.2, 1.5
    recycled = np.zeros((n, len(world.members)))
    recycled[n - 1, -1], recycled[0, 0] = 0.3, 0.1
    return Policy(
        tariff=np.where(foreign, rng.uniform(0, size, shape), 0.0),
        export_tax=np.where(foreign, rng.uniform(0, size, shape), 0.0),
        trade_cost=np.where(foreign, np.exp(size * rng.normal(size=shape)), 1.0),
        productivity=np.exp(size * rng.normal(size=(n, s))), subsidy=subsidy, endowment=endowment, recycled=recycled,
        pools=random_pools(seed, world) if pools is None else pools, joint=joint(seed),
    )  # fmt: skip


def random_clock(seed: int, world: World) -> Clock:
    """A year within a transition; part of the floor's cells bind."""
    rng = np.random.default_rng([seed, 5])
    return Clock(rng.uniform(-0.1, 0.6, world.ree_share.shape), float(rng.uniform(0.1, 0.6)), np.log(0.85) - 0.05)
