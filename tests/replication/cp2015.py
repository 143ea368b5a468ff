"""The archive of Caliendo and Parro (2015) in the array contract of ``ree.Economy`` (see ../shared/data/cp2015.md)."""

from __future__ import annotations

import numpy as np
import xarray as xr

BILATERAL = ("importer", "exporter", "sector")


def raw_dataset(archive: dict[str, np.ndarray]) -> xr.Dataset:
    """The data as they are, no equilibrium. One input share is negative (Canada, basic metals from Other)."""
    inputs = archive["io_share_gamma_nkj"].copy()
    for n, k, j in np.argwhere(inputs < 0):
        inputs[n, k, j] = 0.0
        inputs[n, :, j] *= (1 - archive["va_share_gamma_nj"][n, j]) / inputs[n, :, j].sum()
    regions, sectors = list(archive["regions"]), list(archive["sectors"])
    return xr.Dataset(
        {
            "trade_share": (BILATERAL, archive["trade_share_pi"]),
            "expenditure": (("country", "sector"), archive["expenditure_X"] / 1000),  # million US$
            "tariff": (BILATERAL, archive["tariff_1993"]),
            "factor_share": (("country", "factor", "sector"), archive["va_share_gamma_nj"][:, None, :]),
            "input_share": (("country", "input", "sector"), inputs),
            "final_share": (("country", "sector"), archive["final_share_alpha"]),
            "factor_income": (("country", "factor"), archive["value_added_VA"][:, None] / 1000),
            "trade_elasticity": ("sector", archive["theta"]),
        },
        coords={
            "country": regions, "importer": regions, "exporter": regions, "sector": sectors, "input": sectors,
            "factor": ["labor"],
        },
    )  # fmt: skip


def bilateral(archive: dict[str, np.ndarray], values: np.ndarray) -> xr.DataArray:
    """Values over (importer, exporter, sector), labelled."""
    regions, sectors = list(archive["regions"]), list(archive["sectors"])
    return xr.DataArray(values, dims=BILATERAL, coords={"importer": regions, "exporter": regions, "sector": sectors})
