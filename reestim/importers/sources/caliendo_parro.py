"""The world of Caliendo and Parro (2015), 1993: ``cp2015.npz``, shares and levels of 31 regions and 40 sectors.

Arrays as in the authors' archive (n importer, i exporter, j sector, k input): trade_share_pi (n, i, j), expenditure_X
(n, j), value_added_VA and deficit_D (n), va_share_gamma_nj, io_share_gamma_nkj, final_share_alpha, tariff_1993, theta.
Money is in US$: value added of the United States, 6.5e12, is its GDP of 1993. The raw data are no equilibrium; as the
authors do, the 1993 equilibrium is solved for first, observed deficits kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, EXPORTER, FACTOR, IMPORTER, INPUT, LABOR, SECTOR
from reestim.errors import InputError, Problem
from reestim.importers.sources.arrays import is_numbers, named_arrays
from reestim.importers.world import WorldTable

_YEAR = 1993
_UNIT = 1e6  # US$ in a million US$
_CODES = {
    "Argentina": "ARG",
    "Australia": "AUS",
    "Austria": "AUT",
    "Brazil": "BRA",
    "Canada": "CAN",
    "Chile": "CHL",
    "China": "CHN",
    "Denmark": "DNK",
    "Finland": "FIN",
    "France": "FRA",
    "Germany": "DEU",
    "Greece": "GRC",
    "Hungary": "HUN",
    "India": "IND",
    "Indonesia": "IDN",
    "Ireland": "IRL",
    "Italy": "ITA",
    "Japan": "JPN",
    "Korea": "KOR",
    "Mexico": "MEX",
    "Netherlands": "NLD",
    "New Zealand": "NZL",
    "Norway": "NOR",
    "Portugal": "PRT",
    "South Africa": "ZAF",
    "Spain": "ESP",
    "Sweden": "SWE",
    "Turkey": "TUR",
    "UK": "GBR",
    "USA": "USA",
    "Row": "ROW",
}
_SHAPES = {
    "trade_share_pi": "nij",
    "tariff_1993": "nij",
    "expenditure_X": "nj",
    "va_share_gamma_nj": "nj",
    "final_share_alpha": "nj",
    "io_share_gamma_nkj": "nkj",
    "value_added_VA": "n",
    "deficit_D": "n",
    "theta": "j",
}


def files(tables: Path) -> dict[int, Path]:
    """The one file, given itself or in a folder."""
    path = tables / "cp2015.npz" if tables.is_dir() else tables
    return {_YEAR: path} if path.is_file() and path.suffix == ".npz" else {}


def read_economy(path: Path) -> xr.Dataset:
    """The archive in the array contract of ``ree.Economy``, million US$; it is not an equilibrium yet.

    One input share is negative (Canada, basic metals from other manufacturing): it becomes zero and the others of that
    industry are scaled up. attrs ``moved``: million US$ that this moved. Raises InputError listing what is wrong.
    """
    arrays = _load(path)
    labels = [_CODES[str(r)] for r in arrays["regions"]]
    sectors = [str(s) for s in arrays["sectors"]]
    inputs = arrays["io_share_gamma_nkj"].astype(float)
    share, spent = arrays["va_share_gamma_nj"], arrays["expenditure_X"] / _UNIT
    moved = 0.0
    for n, k, j in np.argwhere(inputs < 0):
        moved += float(-inputs[n, k, j] * spent[n, j])
        inputs[n, k, j] = 0.0
        inputs[n, :, j] *= (1 - share[n, j]) / inputs[n, :, j].sum()
    bilateral = (IMPORTER, EXPORTER, SECTOR)
    return xr.Dataset(
        {
            "trade_share": (bilateral, arrays["trade_share_pi"]),
            "expenditure": ((COUNTRY, SECTOR), spent),
            "tariff": (bilateral, arrays["tariff_1993"]),
            "factor_share": ((COUNTRY, FACTOR, SECTOR), share[:, None, :]),
            "input_share": ((COUNTRY, INPUT, SECTOR), inputs),
            "final_share": ((COUNTRY, SECTOR), arrays["final_share_alpha"]),
            "factor_income": ((COUNTRY, FACTOR), arrays["value_added_VA"][:, None] / _UNIT),
            "deficit": (COUNTRY, arrays["deficit_D"] / _UNIT),
            "trade_elasticity": (SECTOR, arrays["theta"]),
        },
        coords={COUNTRY: labels, IMPORTER: labels, EXPORTER: labels, SECTOR: sectors, INPUT: sectors, FACTOR: [LABOR]},
        attrs={"moved": moved},
    )


def read_world(path: Path) -> WorldTable:
    """The equilibrium of 1993 as a world table with tariffs; ``moved`` says how far rebasing moved expenditure.

    Each buyer's purchases of a sector come from sellers in the same proportions for every use.
    """
    from reestim.equilibrium.economy import Economy

    raw = read_economy(path)
    economy = Economy(raw, allow_imbalance=True).rebased("fixed")
    ds, before = economy.ds, raw["expenditure"]
    spent = ds["expenditure"].rename({COUNTRY: IMPORTER})
    trade = (ds["trade_share"] * spent).transpose(EXPORTER, SECTOR, IMPORTER)
    duties = trade * (ds["tariff"] / (1 + ds["tariff"])).transpose(EXPORTER, SECTOR, IMPORTER)
    output = (trade - duties).sum(IMPORTER).rename({EXPORTER: COUNTRY})
    inputs = (ds["input_share"] * output).transpose(INPUT, COUNTRY, SECTOR).to_numpy()
    origin = ds["trade_share"].transpose(EXPORTER, SECTOR, IMPORTER).to_numpy()
    intermediate = np.einsum("ikn,kns->ikns", origin, inputs)
    final = (trade.to_numpy() - intermediate.sum(axis=3)).clip(min=0)
    moved = {
        "negative input shares": float(raw.attrs["moved"]),
        "rebasing to an equilibrium": float(abs(ds["expenditure"] - before).sum()),
    }
    labels = tuple(str(c) for c in ds[COUNTRY].values)
    sectors = tuple(str(s) for s in ds[SECTOR].values)
    theta = {s: float(raw["trade_elasticity"].sel({SECTOR: s})) for s in sectors}
    return WorldTable(_YEAR, labels, sectors, intermediate, final, moved, duties.to_numpy(), theta)


def _load(path: Path) -> dict[str, np.ndarray]:
    advice = "Give the arrays of the replication archive as described in reestim.importers.sources.caliendo_parro"
    names = ("regions", "sectors", *_SHAPES)
    arrays, problems = named_arrays(path, names, advice)
    scalar = [name for name in names[:2] if name in arrays and arrays[name].ndim != 1]
    problems += [Problem("labels must stand in a row", advice, file=path.name, column=name) for name in scalar]
    if not problems:
        n, j = arrays["regions"].size, arrays["sectors"].size
        sizes = {"n": n, "i": n, "j": j, "k": j}
        for name, axes in _SHAPES.items():
            shape, array = tuple(sizes[a] for a in axes), arrays[name]
            if array.shape != shape or not is_numbers(array):
                message = f"the array must hold finite numbers of shape {shape}"
                problems.append(Problem(message, advice, file=path.name, column=name, value=str(array.shape)))
        unknown = [str(r) for r in arrays["regions"] if str(r) not in _CODES]
        problems += [Problem("unknown region", advice, file=path.name, value=r) for r in unknown]
    if problems:
        raise InputError(problems, "the economy of Caliendo and Parro cannot be used")
    return arrays
