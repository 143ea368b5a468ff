"""Made-up posteriors for tests of counterfactuals."""

from __future__ import annotations

import numpy as np
import xarray as xr

import reestim as ree


def posterior(economy: ree.Economy, draws: int = 6, seed: int = 0) -> xr.DataTree:
    """A made-up posterior over the sectors that use rare earths, trade elasticities uncertain too."""
    rng = np.random.default_rng(seed)
    share = economy.ds.ree_share.max("country")
    users = [s for s in economy.sectors if float(share.sel(sector=s)) > 0]
    kappa = rng.lognormal(0.0, 0.4, (2, draws))
    logit = rng.normal(-0.5, 0.7, (2, draws, len(users)))
    epsilon = economy.ds.trade_elasticity.values * np.exp(0.2 * rng.normal(size=(2, draws, len(economy.sectors))))
    ds = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), (1 + 1 / (1.5 * kappa[..., None])) / (1 + np.exp(-logit))),
            "kappa": (("chain", "draw"), kappa),
            "trade_elasticity": (("chain", "draw", "traded_sector"), epsilon),
        },
        coords={"chain": [0, 1], "draw": np.arange(draws), "sector": users, "traded_sector": list(economy.sectors)},
    )
    return xr.DataTree.from_dict({"posterior": ds})
