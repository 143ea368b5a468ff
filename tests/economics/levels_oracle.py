"""An independent solver: docs/model.md sections 2 and 3 in levels, plain loops and SciPy. Shares no code with reestim.

Baseline prices are 1, so that shares are CES weights. Slow, and meant for economies of a few cells.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.optimize import root


def solve_levels(ds: xr.Dataset, *, sigma, kappa, xi, gap, psi, rho, policy: dict, directed: bool) -> dict:
    """New welfare ln(I/P), trade shares, prices and export taxes.

    ``policy``: tariff, export_tax (new levels), trade_cost, productivity (factors), quota {(exporter, sector): change};
    optionally subsidy (country, sector), endowment (country, factor; factors), recycled (country, element), joint.
    Every quota is taken as binding.
    """
    model, live, mined = levels_model(
        ds, sigma=sigma, kappa=kappa, xi=xi, gap=gap, psi=psi, rho=rho, policy=policy, directed=directed
    )
    N, S = ds.expenditure.shape
    size = live.sum() + 2 * N * S + len(policy["quota"]) + mined.sum()
    found = root(lambda z: model(z)[0], np.zeros(size), method="hybr", options={"xtol": 1e-13, "maxfev": 20000})
    left, result = model(found.x)
    assert np.abs(left).max() < 1e-9, f"the oracle did not converge: {np.abs(left).max():.1e}"
    return result


def ces(weight: np.ndarray, price: np.ndarray, h: float) -> float:
    """(Σ weight·price^h)^(1/h), the largest term taken out: powers may leave the range of floating point."""
    used = weight > 0
    terms = h * np.log(price[used])
    top = terms.max()
    return float(np.exp((top + np.log(weight[used] @ np.exp(terms - top))) / h))


def levels_model(ds: xr.Dataset, *, sigma, kappa, xi, gap, psi, rho, policy: dict, directed: bool):
    """All equations as a function of z = (ln w of live factors, ln P, ln X/X0, shadow taxes, margins of joint mines).

    Returns the function, which gives the gaps and the results at z; which factors are live; which (country, element)
    has a margin among the unknowns.
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
    final = np.where(final < 1e-12 * X0, 0.0, final)  # what is left of a sector that is only an input is rounding
    I0 = final.sum(axis=1)
    alpha = final / I0[:, None]
    tariffs0 = (tau0 / (1 + tau0) * pi * X0[:, None, :]).sum(axis=(1, 2))
    taxes0 = (x0 * revenue(pi, X0, tau0, x0)).sum(axis=(0, 2))
    D = I0 - V0.sum(axis=1) - tariffs0 - taxes0
    live = V0 > 0
    subsidy = policy.get("subsidy", np.zeros((N, S)))
    endowment = policy.get("endowment", np.ones((N, F)))
    recycled = policy.get("recycled", np.zeros((N, len(elements))))
    mined = (Y0[:, elements] > 0) & bool(policy.get("joint", False))
    places = [int(live.sum()), N * S, N * S, len(quotas), int(mined.sum())]
    old = revenue(pi, X0, tau0, x0)

    def model(z):
        logs = np.split(z, np.cumsum(places)[:-1])
        w = np.ones((N, F))
        w[live] = np.exp(logs[0])
        P = np.exp(logs[1]).reshape(N, S)
        X = X0 * np.exp(logs[2]).reshape(N, S)
        shadow = logs[3]
        markup = np.ones((N, S))
        for (n, j), m in zip(np.argwhere(mined), logs[4], strict=True):
            markup[n, elements[j]] = np.exp(m)
        tax = policy["export_tax"].copy()
        for (i, s), t in zip([key for key, _ in quotas], shadow, strict=True):
            for n in range(N):
                if n != i:
                    tax[n, i, s] += np.exp(t) - 1  # the licence is no part of what export taxes are levied on
        cX, pR = np.ones((N, S)), np.ones((N, S))
        for n in range(N):
            for s in range(S):
                cX[n, s] = np.prod(w[n] ** gf[n, :, s]) * np.prod(P[n] ** gk[n, :, s])
                if theta[n, s] > 0:
                    pe = np.array([P[n, e] for e in elements])
                    r = rho[n, s]
                    pR[n, s] = np.prod(pe ** omega[n, :, s]) if r == 1 else ces(omega[n, :, s], pe, 1 - r)
        m = kappa * (1 - sigma) / (1 + kappa * (1 + xi) * (1 - sigma))
        own = np.where(theta > 0, m * np.log(pR / cX), 0.0) * directed
        user_output = np.where(theta > 0, Y0, 0.0)
        world = (user_output * own).sum(axis=0) / np.maximum(user_output.sum(axis=0), 1e-300)
        a = np.where(theta > 0, (1 - psi) * own + psi * world, 0.0)
        lnB = -kappa * np.log(1 - theta + theta * np.exp(a / kappa))
        lnA = a + lnB
        T = np.exp(gap * theta * lnA)
        c, ree, el = np.ones((N, S)), theta.copy(), omega.copy()
        for n in range(N):
            for s in range(S):
                x, r = cX[n, s] / np.exp((1 + xi) * lnB[n, s]), pR[n, s] / np.exp((1 + xi) * lnA[n, s])
                h, t = 1 - sigma[n, s], theta[n, s]
                bundle = ces(np.array([1 - t, t]), np.array([x, r]), h) if t > 0 else x
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
                    asked = c[i, s] * markup[i, s] * (1 - subsidy[i, s])
                    cost[n, i, s] = asked * wedge / ((1 + tau0[n, i, s]) * (1 + x0[n, i, s]))
        cheapest = np.where(pi > 0, cost, np.inf).min(axis=1)  # taken out of the sum: 65th powers leave the range
        cheapest = np.where(np.isfinite(cheapest), cheapest, 1.0)
        cost = np.where(pi > 0, cost, cheapest[:, None, :])  # nobody looks at the price of what is not traded
        newP = cheapest * (pi * (cost / cheapest[:, None, :]) ** -eps).sum(axis=1) ** (-1 / eps)
        share = pi * (cost / newP[:, None, :]) ** -eps
        rev = revenue(share, X, policy["tariff"], tax)
        Y = rev.sum(axis=0) / (1 - subsidy)
        spent = Y / markup
        tariffs = (policy["tariff"] / (1 + policy["tariff"]) * share * X[:, None, :]).sum(axis=(1, 2))
        taxes = (tax * rev).sum(axis=(0, 2))
        scrap = np.zeros(N)
        use = np.zeros((N, len(elements)))
        for n in range(N):
            for j, _ in enumerate(elements):
                use[n, j] = (el[n, j] * ree[n] * spent[n]).sum()
                scrap[n] += recycled[n, j] * use[n, j]
        earned = w * V0 * endowment
        income = earned.sum(axis=1) + tariffs + taxes + D + scrap - (subsidy * Y).sum(axis=1)
        demand = alpha * income[:, None]
        labor = np.zeros((N, F))
        for n in range(N):
            for s in range(S):
                demand[n] += gk[n, :, s] * (1 - ree[n, s]) * spent[n, s]
                labor[n] += gf[n, :, s] * (1 - ree[n, s]) * spent[n, s]
            for j, e in enumerate(elements):
                demand[n, e] += (1 - recycled[n, j]) * use[n, j]
        with np.errstate(invalid="ignore", divide="ignore"):
            markets = np.log(labor[live]) - np.log(earned[live]) if (labor[live] > 0).all() else np.full(places[0], 1e3)
            dropped = markets[0]
            markets[0] = np.log(earned.sum() / V0.sum())
            spending = np.where(X0 > 0, np.log(np.where(X0 > 0, demand, 1)) - np.log(np.where(X0 > 0, X, 1)), 0.0)
            prices = np.where(X0 > 0, np.log(np.where(X0 > 0, newP, 1)) - np.log(P), 0.0)
        gaps = [markets, prices.ravel(), spending.ravel()]
        exports = []
        for (i, s), change in quotas:
            abroad = [n for n in range(N) if n != i]
            asked = c[i, s] * markup[i, s] * (1 - subsidy[i, s])
            exports.append(np.log(rev[abroad, i, s].sum() / asked / old[abroad, i, s].sum() / change))
        gaps.append(np.array(exports))
        for n in np.flatnonzero(mined.any(axis=1)):
            of = [e for j, e in enumerate(elements) if mined[n, j]]
            tonnes = np.log(Y[n, of] / Y0[n, of] / (c[n, of] * markup[n, of]))
            gaps.append(np.append(np.diff(tonnes), np.log(Y[n, of].sum() / spent[n, of].sum())))
        welfare = np.log(income / I0) - (alpha * np.log(P)).sum(axis=1)
        result = {
            "welfare": welfare,
            "trade_share": share,
            "price": np.log(P),
            "export_tax": tax,
            "ree_technology": lnA,
            "exports": np.array(exports),
            "dropped": dropped,
        }
        return np.concatenate(gaps), result

    return model, live, mined
