"""Random consistent economies, and the shocks to put them through."""

from __future__ import annotations

import numpy as np
import xarray as xr

import reestim as ree


def random_economy(
    seed: int,
    countries: int = 4,
    goods: int = 3,
    elements: int = 2,
    factors: int = 2,
    inputs: bool = True,
    zero_flows: bool = True,
    ree_share: tuple[float, float] = (1e-4, 0.2),
    elasticity: tuple[float, float] = (2.0, 10.0),
    taxes: bool = True,
    deficits: bool = True,
    log_uniform: bool = False,
    carriers: int = 0,
) -> ree.Economy:
    """A world economy whose accounts hold by construction: spending solves X = αI + aY(X) for random shares.

    Trade elasticities are uniform over ``elasticity``, or log-uniform. Carriers m0, m1, ... are made of elements and of
    the carriers before them, and are bought by industry only.
    """
    rng = np.random.default_rng(seed)
    n, j, e, c = countries, goods, elements, carriers
    s = j + e + c
    names = [f"c{i}" for i in range(n)]
    sectors = [f"g{i}" for i in range(j)] + [f"e{i}" for i in range(e)] + [f"m{i}" for i in range(c)]
    factor_names = ["labor", "capital", "land"][:factors] + [f"resource_e{i}" for i in range(e)]

    pi = rng.gamma(0.5, 1.0, (n, n, s)) + 2.0 * np.eye(n)[:, :, None]
    if zero_flows:
        pi[(rng.random((n, n, s)) < 0.2) & ~np.eye(n, dtype=bool)[:, :, None]] = 0.0
        if e and n > 2:
            pi[:, -1, j] = 0.0  # the last country does not mine the first element
    pi[:, :1, :] += pi.sum(axis=1, keepdims=True) == 0.0  # who would be left without a supplier buys from the first
    pi /= pi.sum(axis=1, keepdims=True)
    foreign = ~np.eye(n, dtype=bool)[:, :, None]
    tariff = np.where(foreign, rng.uniform(0, 0.3, (n, n, s)), 0.0) * taxes
    export_tax = np.where(foreign, rng.uniform(0, 0.2, (n, n, s)), 0.0) * taxes

    gamma_f = rng.gamma(1.0, 1.0, (n, factors + e, s))
    gamma_f[:, factors:, :] = 0.0
    gamma_k = rng.gamma(0.5, 1.0, (n, s, s)) * inputs
    gamma_k[:, j:, :] = 0.0
    for i in range(e):
        gamma_f[:, factors + i, j + i] = gamma_f[:, :factors, j + i].sum(axis=1) * 3.0 + gamma_k[:, :, j + i].sum(
            axis=1
        )
    total = gamma_f.sum(axis=1, keepdims=True) + gamma_k.sum(axis=1, keepdims=True)
    gamma_f, gamma_k = gamma_f / total, gamma_k / total

    theta = np.exp(rng.uniform(*np.log(ree_share), (n, s))) if e else np.zeros((n, s))
    theta[:, j : j + e] = 0.0
    if j > 1:
        theta[:, 0] = 0.0  # one sector without rare earths
    omega = rng.dirichlet(np.ones(max(e + c, 1)), (n, s)).transpose(0, 2, 1)[:, : e + c, :]
    omega[:, :, j : j + e] = 0.0
    for i in range(c):
        omega[:, e + i :, j + e + i] = 0.0
        omega[:, :, j + e + i] /= omega[:, :, j + e + i].sum(axis=1, keepdims=True)

    alpha = np.zeros((n, s))
    alpha[:, :j] = rng.dirichlet(np.ones(j), n)
    a = (1 - theta)[:, None, :] * gamma_k
    a[:, j:, :] += theta[:, None, :] * omega
    received = pi / ((1 + tariff) * (1 + export_tax))  # Y_is = sum_n received_nis X_ns
    matrix = np.einsum("nks,mns->nkms", a, received).reshape(n * s, n * s)
    spread = np.linalg.inv(np.eye(n * s) - matrix).reshape(n, s, n, s)
    per_income = np.einsum("nkms,ms->nkm", spread, alpha)  # X per unit of each country's income
    duties = (tariff / (1 + tariff) * pi).sum(axis=1)
    rents = (export_tax * received).transpose(1, 0, 2)  # (exporter, importer, sector)
    factors_paid = np.einsum("ns,mns,msl->nl", gamma_f.sum(axis=1) * (1 - theta), received, per_income)
    earned = factors_paid + np.einsum("ns,nsl->nl", duties, per_income) + np.einsum("nms,msl->nl", rents, per_income)
    # Balanced incomes are the fixed point of "income earned" (its columns sum to 1); then deficits of a few per cent.
    values, vectors = np.linalg.eig(earned)
    balanced = np.abs(np.real(vectors[:, np.argmax(np.real(values))]))
    income = balanced / balanced.sum() * np.exp(0.05 * rng.normal(size=n) * deficits)
    x = per_income @ income

    epsilon = np.exp(rng.uniform(*np.log(elasticity), s)) if log_uniform else rng.uniform(*elasticity, s)
    ds = xr.Dataset(
        {
            "trade_share": (("importer", "exporter", "sector"), pi),
            "expenditure": (("country", "sector"), x),
            "tariff": (("importer", "exporter", "sector"), tariff),
            "export_tax": (("importer", "exporter", "sector"), export_tax),
            "factor_share": (("country", "factor", "sector"), gamma_f),
            "input_share": (("country", "input", "sector"), gamma_k),
            "trade_elasticity": (("sector",), epsilon),
        },
        coords={
            "country": names,
            "importer": names,
            "exporter": names,
            "sector": sectors,
            "input": sectors,
            "factor": factor_names,
        },
    )
    if e:
        ds["ree_share"] = (("country", "sector"), theta)
        ds["element_share"] = (("country", "element", "sector"), omega[:, :e])
        ds = ds.assign_coords(element=sectors[j : j + e])
        prices = np.exp(np.random.default_rng([seed, 1]).uniform(np.log(3e3), np.log(3e5), (n, e)))
        ds["producer_price"] = (("country", "element"), prices)  # US$ per tonne
    if c:
        ds["carrier_share"] = (("country", "carrier", "sector"), omega[:, e:])
        ds = ds.assign_coords(carrier=sectors[j + e :])
    return ree.Economy(ds)


def random_parameters(seed: int, economy: ree.Economy, **fixed: object) -> ree.Parameters:
    """σ from 0.1 to just inside the interior, and the others over their plausible range."""
    rng = np.random.default_rng(seed + 10_000)
    kappa = float(rng.uniform(0.2, 2.0))
    spillover = float(rng.uniform(0, 1))
    upper = 1 + 1 / (kappa * (1 + spillover))
    sigma = xr.DataArray(rng.uniform(0.1, 0.9 * upper, len(economy.sectors)), coords={"sector": list(economy.sectors)})
    values = {
        "sigma": sigma,
        "kappa": kappa,
        "spillover": spillover,
        "spillover_gap": float(rng.uniform(0, 1)),
        "element_elasticity": float(rng.uniform(0.3, 2.0)),
        "diffusion": float(rng.uniform(0, 0.5)),
    }
    return ree.Parameters(**(values | fixed))


def random_scenario(seed: int, economy: ree.Economy, size: float = 0.3, quota: float | None = None) -> ree.Scenario:
    """New taxes, trade costs and productivity everywhere; optionally a quota on the first country's elements."""
    rng = np.random.default_rng(seed + 20_000)
    names, sectors = list(economy.countries), list(economy.sectors)
    dims = ("importer", "exporter", "sector")
    coords = {"importer": names, "exporter": names, "sector": sectors}
    shape = (len(names), len(names), len(sectors))

    def bilateral(values: np.ndarray) -> xr.DataArray:
        return xr.DataArray(values, dims=dims, coords=coords)

    quotas = (ree.ExportQuota(names[0], "all", quota),) if quota else ()
    productivity = np.exp(size * rng.normal(size=(len(names), len(sectors))))
    return ree.Scenario(
        name="random",
        tariff=bilateral(rng.uniform(0, size, shape)),
        export_tax=bilateral(rng.uniform(0, size, shape)),
        trade_cost=bilateral(np.exp(size * rng.normal(size=shape))),
        productivity=xr.DataArray(
            productivity, dims=("country", "sector"), coords={"country": names, "sector": sectors}
        ),
        policies=quotas,
    )
