"""An independent solver: model.md sections 2-3 in levels, plain loops and SciPy. Shares no code with reestim.

Baseline prices are 1, so that shares are CES weights. Slow, and meant for economies of a few cells.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.optimize import root


def solve_levels(ds: xr.Dataset, *, sigma, kappa, xi, chi, psi, rho, policy: dict, directed: bool) -> dict:
    """New welfare ln(I/P), trade shares, prices and export taxes.

    ``policy``: tariff, export_tax (new levels), trade_cost, productivity (factors), quota {(exporter, sector): change}.
    """
    pi, X0 = ds.trade_share.values, ds.expenditure.values
    tau0, x0 = ds.tariff.values, ds.export_tax.values
    gf, gk = ds.factor_share.values, ds.input_share.values
    theta, omega = ds.ree_share.values, ds.element_share.values
    eps = ds.trade_elasticity.values
    sectors = [str(s) for s in ds.sector.values]
    elements = [sectors.index(str(e)) for e in ds.element.values]
    N, S, F = *X0.shape, gf.shape[1]
    quotas = list(policy["quota"].items())

    def revenue(share, spend, tau, tax):
        out = np.zeros((N, N, S))
        for n in range(N):
            for i in range(N):
                for s in range(S):
                    out[n, i, s] = share[n, i, s] * spend[n, s] / ((1 + tau[n, i, s]) * (1 + tax[n, i, s]))
        return out

    Y0 = revenue(pi, X0, tau0, x0).sum(axis=0)
    V0 = np.array(
        [[sum(gf[n, f, s] * (1 - theta[n, s]) * Y0[n, s] for s in range(S)) for f in range(F)] for n in range(N)]
    )
    final = X0.copy()
    for n in range(N):
        for k in range(S):
            final[n, k] -= sum(gk[n, k, s] * (1 - theta[n, s]) * Y0[n, s] for s in range(S))
        for j, e in enumerate(elements):
            final[n, e] -= sum(omega[n, j, s] * theta[n, s] * Y0[n, s] for s in range(S))
    final = np.maximum(final, 0.0)
    I0 = final.sum(axis=1)
    alpha = final / I0[:, None]
    tariffs0 = (tau0 / (1 + tau0) * pi * X0[:, None, :]).sum(axis=(1, 2))
    taxes0 = (x0 * revenue(pi, X0, tau0, x0)).sum(axis=(0, 2))
    D = I0 - V0.sum(axis=1) - tariffs0 - taxes0
    live = V0 > 0

    def model(z):
        w = np.ones((N, F))
        w[live] = np.exp(z[: live.sum()])
        P = np.exp(z[live.sum() : live.sum() + N * S]).reshape(N, S)
        X = X0 * np.exp(z[live.sum() + N * S : live.sum() + 2 * N * S]).reshape(N, S)
        shadow = z[live.sum() + 2 * N * S :]
        tax = policy["export_tax"].copy()
        for (i, s), t in zip([key for key, _ in quotas], shadow, strict=True):
            for n in range(N):
                if n != i:
                    tax[n, i, s] = (1 + tax[n, i, s]) * np.exp(t) - 1
        cX, pR = np.ones((N, S)), np.ones((N, S))
        for n in range(N):
            for s in range(S):
                cX[n, s] = np.prod(w[n] ** gf[n, :, s]) * np.prod(P[n] ** gk[n, :, s])
                if theta[n, s] > 0:
                    pe = np.array([P[n, e] for e in elements])
                    r = rho[n, s]
                    pR[n, s] = (
                        np.prod(pe ** omega[n, :, s]) if r == 1 else (omega[n, :, s] @ pe ** (1 - r)) ** (1 / (1 - r))
                    )
        m = kappa * (1 - sigma) / (1 + kappa * (1 - sigma))
        own = np.where(theta > 0, m * np.log(pR / cX), 0.0) * directed
        user_output = np.where(theta > 0, Y0, 0.0)
        world = (user_output * own).sum(axis=0) / np.maximum(user_output.sum(axis=0), 1e-300)
        a = np.where(theta > 0, (1 - psi) * own + psi * world, 0.0)
        lnA = a / (1 + chi * theta / (1 - theta))
        lnB = lnA - a
        T = np.exp(xi * theta * lnA)
        c, ree, el = np.ones((N, S)), theta.copy(), omega.copy()
        for n in range(N):
            for s in range(S):
                x, r, h = cX[n, s] / np.exp(lnB[n, s]), pR[n, s] / np.exp(lnA[n, s]), 1 - sigma[n, s]
                t = theta[n, s]
                bundle = ((1 - t) * x**h + t * r**h) ** (1 / h) if t > 0 else x
                c[n, s] = bundle / (T[n, s] * policy["productivity"][n, s])
                if t > 0:
                    ree[n, s] = t * (r / bundle) ** h
                    for j, e in enumerate(elements):
                        el[n, j, s] = omega[n, j, s] * (P[n, e] / pR[n, s]) ** (1 - rho[n, s])
        cost = np.zeros((N, N, S))
        for n in range(N):
            for i in range(N):
                for s in range(S):
                    wedge = policy["trade_cost"][n, i, s] * (1 + policy["tariff"][n, i, s]) * (1 + tax[n, i, s])
                    cost[n, i, s] = c[i, s] * wedge / ((1 + tau0[n, i, s]) * (1 + x0[n, i, s]))
        newP = (pi * cost**-eps).sum(axis=1) ** (-1 / eps)
        share = pi * (cost / newP[:, None, :]) ** -eps
        rev = revenue(share, X, policy["tariff"], tax)
        Y = rev.sum(axis=0)
        tariffs = (policy["tariff"] / (1 + policy["tariff"]) * share * X[:, None, :]).sum(axis=(1, 2))
        taxes = (tax * rev).sum(axis=(0, 2))
        income = (w * V0).sum(axis=1) + tariffs + taxes + D
        demand = alpha * income[:, None]
        labor = np.zeros((N, F))
        for n in range(N):
            for s in range(S):
                demand[n] += gk[n, :, s] * (1 - ree[n, s]) * Y[n, s]
                labor[n] += gf[n, :, s] * (1 - ree[n, s]) * Y[n, s]
                for j, e in enumerate(elements):
                    demand[n, e] += el[n, j, s] * ree[n, s] * Y[n, s]
        markets = (
            (np.log(labor[live]) - np.log((w * V0)[live])) if (labor[live] > 0).all() else np.full(live.sum(), 1e3)
        )
        markets[0] = np.log((w * V0).sum() / V0.sum())
        gaps = [markets, (np.log(newP) - np.log(P)).ravel(), (np.log(demand) - np.log(X)).ravel()]
        old = revenue(pi, X0, tau0, x0)
        for (i, s), change in quotas:
            abroad = [n for n in range(N) if n != i]
            quantity = rev[abroad, i, s].sum() / c[i, s] / old[abroad, i, s].sum()
            gaps.append(np.array([np.log(quantity / change)]))
        return np.concatenate(gaps), income, P, share, tax, lnA

    start = np.zeros(live.sum() + 2 * N * S + len(quotas))
    found = root(lambda z: model(z)[0], start, method="hybr", options={"xtol": 1e-13, "maxfev": 20000})
    gap, income, P, share, tax, lnA = model(found.x)
    assert np.abs(gap).max() < 1e-9, f"the oracle did not converge: {np.abs(gap).max():.1e}"
    welfare = np.log(income / I0) - (alpha * np.log(P)).sum(axis=1)
    return {"welfare": welfare, "trade_share": share, "price": np.log(P), "export_tax": tax, "ree_technology": lnA}
