"""A small economy for the recovery tests: made from one seed, nothing real in it, every number of a plausible size."""

from __future__ import annotations

import numpy as np
import xarray as xr

COUNTRIES = ("CHN", "JPN", "KOR", "TWN", "USA", "DEU", "IND", "ROW")
USERS = ("chemicals", "glass", "metals", "machinery", "electrical", "vehicles", "refining", "instruments")
OTHERS = ("food", "textiles")
ELEMENTS = ("La", "Ce", "Nd", "Dy")
# Log prices against 2008 in a spike like that of 2010-11 (event years 2000-2014), one row an element; then China's gap.
_SPIKE = np.array([0, 0, 0, 0, 0, 0.1, 0.1, 0.2, 0, -0.3, 0.6, 2.0, 1.3, 0.7, 0.4])
_SIZE = {"La": 1.1, "Ce": 1.2, "Nd": 0.8, "Dy": 1.0}
_GAP = np.array([0, 0, 0, 0, 0, 0, 0, 0.1, 0.25, 0.3, 0.9, 1.0, 0.7, 0.5, 0.4])


def small_world(
    seed: int = 0, *, scale: float = 20.0, countries: int = len(COUNTRIES)
) -> tuple[xr.Dataset, xr.DataArray, xr.DataArray]:
    """(io, relative_price, substitutability) in the shapes of the contracts; ``scale`` multiplies cost shares θ."""
    rng = np.random.default_rng(seed)
    sectors = USERS + OTHERS + ELEMENTS
    names = list(COUNTRIES[:countries])
    n, s = countries, len(sectors)
    flow = rng.lognormal(0, 1, (n, n, s)) + 12 * np.eye(n)[:, :, None]
    share = flow / flow.sum(1, keepdims=True)
    expenditure = rng.lognormal(10, 0.8, (n, s))
    ree_share = np.zeros((n, s))
    ree_share[:, : len(USERS)] = (
        scale * rng.lognormal(-7.5, 0.6, (1, len(USERS))) * rng.lognormal(0, 0.3, (n, len(USERS)))
    )
    mix = rng.dirichlet(np.full(len(ELEMENTS), 0.8), size=len(USERS))
    bundles = np.full((n, len(ELEMENTS), s), 1 / len(ELEMENTS))
    bundles[:, :, : len(USERS)] = mix.T
    io = xr.Dataset(
        {
            "trade_share": (("importer", "exporter", "sector"), share),
            "expenditure": (("country", "sector"), expenditure),
            "ree_share": (("country", "sector"), ree_share),
            "element_share": (("country", "element", "sector"), bundles),
            "input_share": (("country", "input", "sector"), np.zeros((n, s, s))),  # total exposure is direct exposure
            "tariff": (("importer", "exporter", "sector"), np.zeros((n, n, s))),
            "export_tax": (("importer", "exporter", "sector"), np.zeros((n, n, s))),
            "trade_elasticity": ("sector", rng.uniform(3, 9, s)),
            "trade_elasticity_sd": ("sector", rng.uniform(0.5, 2, s)),
        },
        coords={
            "country": names,
            "importer": names,
            "exporter": names,
            "sector": list(sectors),
            "input": list(sectors),
            "element": list(ELEMENTS),
        },
    )
    years = np.arange(2000, 2015)
    export = np.array([_SIZE[e] * _SPIKE + 0.05 * rng.standard_normal(len(years)).cumsum() for e in ELEMENTS])
    own = mix @ export  # (sector, year)
    gap = np.where(np.array(names)[:, None, None] == "CHN", mix.sum(1)[:, None] * _GAP, 0.0)
    cost = 0.03 * rng.standard_normal((n, len(USERS), len(years))).cumsum(2)
    price = xr.DataArray(
        own[None] - gap - cost + cost[:, :, 8:9],
        coords={"country": names, "sector": list(USERS), "year": years},
        dims=("country", "sector", "year"),
        name="relative_price",
        attrs={"long_name": "relative price of rare earths", "units": "log points"},
    )
    z = rng.standard_normal((len(USERS), 2))
    z = (z - z.mean(0)) / z.std(0)
    substitutability = xr.DataArray(
        z, coords={"sector": list(USERS), "property": ["performance", "character"]}, dims=("sector", "property")
    )
    return io, price, substitutability
