"""Caliendo and Parro's (2015) NAFTA counterfactual in plain NumPy: what the solver's speed is measured against.

The algorithm is the one that the field has used since the authors' own scripts, at the sizes it is used at (31 × 40):
guess wages; iterate on prices at these wages; new trade shares; one linear system for spending (country × sector
unknowns, tariff revenue included); then move wages a part of the way towards what the labour markets ask for. It knows
one factor, no rare earths, no quotas and no derivatives. Shares no code with ``reestim``.

    python -m benchmarks.cp2015_numpy                 # seconds of one solve, on this machine

What ``solve_numpy`` is judged on: the largest relative residual of **all** equations at the point that it returns,
prices (6), spending (9) and labour markets (11), each as a log gap. Wages alone are a trap: a damped step is
``damping`` times the gap of the labour markets, so that a small step is no small gap; and prices iterated to a looser
tolerance than the wages (as in the scripts) leave a residual that no wage shows, ε times as large in trade shares.

Damping decides the time. The scripts move wages by 0.2 of the gap (100 iterations here); 0.5 and 0.6 are the fastest
(35), 0.8 diverges. Both 0.5 and 0.2 are printed; an honest ratio is taken against the faster.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "data" / "cp2015.npz"


class World(NamedTuple):
    """A baseline, as plain arrays: n importer or country, i exporter, j sector (user), k input."""

    trade_share: np.ndarray  # π (n, i, j)
    tariff: np.ndarray  # τ (n, i, j), ad valorem
    value_added_share: np.ndarray  # of gross output (n, j)
    input_share: np.ndarray  # of gross output (n, k, j)
    final_share: np.ndarray  # α (n, j)
    value_added: np.ndarray  # w L (n,), at the baseline
    deficit: np.ndarray  # D (n,)
    elasticity: np.ndarray  # ε (j,)


class Solution(NamedTuple):
    """Changes against the baseline, as factors, and new levels."""

    wage: np.ndarray  # ŵ (n,); world value added unchanged
    price: np.ndarray  # P̂ (n, j)
    trade_share: np.ndarray  # π′ (n, i, j)
    expenditure: np.ndarray  # X′ (n, j)
    income: np.ndarray  # I′ (n,)
    welfare: np.ndarray  # ln(Î/P̂) (n,); against an income that the caller gives, else not a number
    residual: float  # largest relative residual of (6), (9), (11)
    iterations: int  # of wages
    solved: bool


def read_world(file: Path = ARCHIVE) -> tuple[World, np.ndarray]:
    """The raw world of 1993 and the NAFTA tariffs. The data are no equilibrium: solve once for the baseline.

    One input share is negative (Canada, basic metals from Other): set to zero, its column rescaled.
    """
    raw = np.load(file, allow_pickle=False)
    inputs = raw["io_share_gamma_nkj"].copy()
    for n, k, j in np.argwhere(inputs < 0):
        inputs[n, k, j] = 0.0
        inputs[n, :, j] *= (1 - raw["va_share_gamma_nj"][n, j]) / inputs[n, :, j].sum()
    scale = raw["va_share_gamma_nj"] + inputs.sum(axis=1)  # sums to 1 up to 4e-7 in the archive
    pi = raw["trade_share_pi"]
    world = World(
        trade_share=pi / pi.sum(axis=1, keepdims=True),
        tariff=raw["tariff_1993"],
        value_added_share=raw["va_share_gamma_nj"] / scale,
        input_share=inputs / scale[:, None, :],
        final_share=raw["final_share_alpha"] / raw["final_share_alpha"].sum(axis=1, keepdims=True),
        value_added=raw["value_added_VA"],
        deficit=np.zeros(len(raw["value_added_VA"])),
        elasticity=raw["theta"],
    )
    return world, raw["tariff_nafta_cf"]


def balanced_baseline(world: World, tolerance: float = 1e-12) -> tuple[World, Solution]:
    """The equilibrium at the data's own tariffs and no deficits, as a new baseline (the authors' first step)."""
    found = solve_numpy(world, world.tariff, tolerance)
    return world._replace(trade_share=found.trade_share, value_added=found.wage * world.value_added), found


def solve_numpy(
    world: World,
    tariff: np.ndarray,
    tolerance: float = 1e-10,
    damping: float = 0.5,
    baseline_income: np.ndarray | None = None,
    max_iterations: int = 2000,
) -> Solution:
    """The counterfactual equilibrium at new tariffs. ``baseline_income`` (n,) is what welfare is measured against."""
    if max_iterations < 1:
        raise ValueError("max_iterations must be at least 1")
    eps = world.elasticity
    weight = world.trade_share * ((1 + tariff) / (1 + world.tariff)) ** -eps  # π b̂^(-ε)
    wage, price = np.ones(len(world.value_added)), np.ones(world.final_share.shape)
    income = spending = share = np.full_like(price, np.nan)
    worst, iterations = np.inf, 0
    for iterations in range(1, max_iterations + 1):  # noqa: B007 - reported
        price, cost = _prices(world, weight, wage, price, tolerance)
        share = weight * cost[None] ** -eps / price[:, None, :] ** -eps
        spending, output, income = _spending(world, share, tariff, wage)
        paid = (world.value_added_share * output).sum(axis=1)
        gap = np.log(paid / (wage * world.value_added))
        worst = np.abs(gap).max()
        if worst <= tolerance:
            worst = max(worst, *_other_residuals(world, weight, tariff, wage, price, spending))
            if worst <= tolerance:
                break
        wage = wage * np.exp(damping * gap)
        wage /= (wage * world.value_added).sum() / world.value_added.sum()  # numéraire
    index = (world.final_share * np.log(price)).sum(axis=1)
    welfare = np.log(income / (np.nan if baseline_income is None else baseline_income)) - index
    return Solution(wage, price, share, spending, income, welfare, float(worst), iterations, bool(worst <= tolerance))


def _unit_cost(world: World, wage: np.ndarray, price: np.ndarray) -> np.ndarray:
    """(3)-(4): Cobb-Douglas over labour and inputs, (n, j)."""
    inputs = np.einsum("nkj,nk->nj", world.input_share, np.log(price), optimize=True)
    return np.exp(world.value_added_share * np.log(wage)[:, None] + inputs)


def _price_index(world: World, weight: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """(6), (n, j)."""
    return np.einsum("nij,ij->nj", weight, cost**-world.elasticity) ** (-1 / world.elasticity)


def _prices(
    world: World, weight: np.ndarray, wage: np.ndarray, price: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """(3)-(6) at given wages, iterated from the last prices; and unit costs."""
    for _ in range(1000):
        cost = _unit_cost(world, wage, price)
        new = _price_index(world, weight, cost)
        step = np.abs(np.log(new / price)).max()
        price = new
        if step <= tolerance / 100:  # spending moves ε times as much as prices, and ε goes up to 65
            break
    return price, _unit_cost(world, wage, price)


def _spending(
    world: World, share: np.ndarray, tariff: np.ndarray, wage: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(8)-(10) at given trade shares and wages: one linear system in X′. Returns X′, Y′ and I′."""
    n, j = world.final_share.shape
    received = share / (1 + tariff)  # of what m spends on j, the producer in i gets this
    matrix = -np.einsum("ikj,mij->ikmj", world.input_share, received)
    revenue = (share * tariff / (1 + tariff)).sum(axis=1)  # tariffs of n per unit of X′_nj
    own = np.arange(n)
    matrix[own, :, own, :] -= world.final_share[:, :, None] * revenue[:, None, :]
    matrix = matrix.reshape(n * j, n * j)
    matrix[np.arange(n * j), np.arange(n * j)] += 1.0
    given = world.final_share * (wage * world.value_added + world.deficit)[:, None]
    spending = np.linalg.solve(matrix, given.ravel()).reshape(n, j)
    output = np.einsum("mij,mj->ij", received, spending)
    return spending, output, wage * world.value_added + world.deficit + (revenue * spending).sum(axis=1)


def _other_residuals(
    world: World, weight: np.ndarray, tariff: np.ndarray, wage: np.ndarray, price: np.ndarray, spending: np.ndarray
) -> tuple[float, float]:
    """Largest log gaps of (6) and (9) at a candidate, everything computed anew from ŵ, P̂ and X′."""
    cost = _unit_cost(world, wage, price)
    implied = _price_index(world, weight, cost)
    share = weight * cost[None] ** -world.elasticity / implied[:, None, :] ** -world.elasticity
    output = np.einsum("mij,mj->ij", share / (1 + tariff), spending)
    duties = (share * tariff / (1 + tariff) * spending[:, None, :]).sum(axis=(1, 2))
    income = wage * world.value_added + world.deficit + duties
    demand = world.final_share * income[:, None] + np.einsum("nkj,nj->nk", world.input_share, output)
    bought = spending > 0
    return (
        float(np.abs(np.log(implied / price)).max()),
        float(np.abs(np.log(demand[bought] / spending[bought])).max()),
    )


def main() -> None:
    """Seconds of one solve of the NAFTA counterfactual, best and median of five, at two dampings."""
    if not ARCHIVE.is_file():
        raise SystemExit("the archive of Caliendo and Parro is not here (../shared/data/cp2015.npz): nothing measured")
    world, nafta = read_world()
    baseline, before = balanced_baseline(world)
    for damping in (0.5, 0.2):
        seconds, found = [], None
        for _ in range(5):
            start = time.perf_counter()
            found = solve_numpy(baseline, nafta, damping=damping, baseline_income=before.income)
            seconds.append(time.perf_counter() - start)
        assert found is not None
        print(
            f"NAFTA, {found.price.shape[0]} × {found.price.shape[1]}, plain NumPy, wages moved by {damping} of the gap:"
        )
        print(f"  {min(seconds):.2f} s best, {np.median(seconds):.2f} s median of {len(seconds)} solves")
        print(f"  {found.iterations} wage iterations, largest residual of all equations {found.residual:.1e}")


if __name__ == "__main__":
    main()
