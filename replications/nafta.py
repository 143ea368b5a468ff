"""NAFTA's tariff reductions, 1993 to 2005: Caliendo and Parro (2015, Review of Economic Studies 82), Table 2.

Printed there is a one-step first-order accounting (terms of trade plus volume of trade), and real wages. Beside it
stands the exact change of real income in the same equilibrium, which the paper does not print. The archive's economy of
1993 is no equilibrium; as the authors do it is rebased first, without deficits (their Table 2) or with the observed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import reestim as ree
from reestim.dims import COUNTRY, EXPORTER, IMPORTER, SECTOR
from reestim.errors import InputError, Problem
from reestim.importers.sources import caliendo_parro
from replications.tables import Table, number

MEMBERS = {"MEX": "Mexico", "CAN": "Canada", "USA": "United States"}
#: Deficits: ``balanced`` removes them first, ``fixed`` keeps those observed.
RULES = {"balanced": "none", "fixed": "observed"}
MEASURES = {
    "terms_of_trade": "terms of trade",
    "volume_of_trade": "volume of trade",
    "welfare_first_order": "welfare",
    "real_wage": "real wage",
}
#: Per cent, as printed, in the order of MEASURES; with observed deficits only totals were at hand.
PRINTED = {
    ("balanced", "MEX"): dict(zip(MEASURES, (-0.41, 1.72, 1.31, 1.72), strict=True)),
    ("balanced", "CAN"): dict(zip(MEASURES, (-0.11, 0.04, -0.06, 0.32), strict=True)),
    ("balanced", "USA"): dict(zip(MEASURES, (0.04, 0.04, 0.08, 0.11), strict=True)),
    ("fixed", "MEX"): {"welfare_first_order": 1.17},
    ("fixed", "CAN"): {"welfare_first_order": -0.04},
    ("fixed", "USA"): {"welfare_first_order": 0.09},
}
_TARIFFS = "tariff_nafta_cf"
_BILATERAL = (IMPORTER, EXPORTER, SECTOR)


def world(data: Path) -> xr.Dataset:
    """The raw economy of 1993 in the array contract, of ``cp2015.npz`` in a folder. Raises InputError."""
    found = caliendo_parro.files(data)
    if not found:
        advice = "Give the folder of cp2015.npz with --data; docs/replications.md says where its arrays come from."
        raise InputError(Problem("the archive of Caliendo and Parro is not here", advice, file=str(data)))
    (path,) = found.values()
    return caliendo_parro.read_economy(path)


def bilateral(raw: xr.Dataset, values: np.ndarray) -> xr.DataArray:
    """Values in the archive's order (importer, exporter, sector), labelled."""
    return xr.DataArray(values, dims=_BILATERAL, coords={dim: raw[dim] for dim in _BILATERAL})


def tariffs(data: Path, raw: xr.Dataset) -> xr.DataArray:
    """The tariffs of 1993 with the members' mutual ones of 2005. Raises InputError."""
    (path,) = caliendo_parro.files(data).values()
    shape = tuple(raw.sizes[dim] for dim in _BILATERAL)
    with np.load(path, allow_pickle=False) as archive:
        values = archive[_TARIFFS] if _TARIFFS in archive.files else np.empty(0)
    if values.shape != shape or not np.isfinite(values).all():
        advice = f"Give finite ad valorem tariffs of shape {shape}."
        raise InputError(Problem("the tariffs after NAFTA cannot be used", advice, file=path.name, column=_TARIFFS))
    return bilateral(raw, values)


def computed(data: Path) -> pd.DataFrame:
    """Per cent, by (deficits, country): the measures of the paper, ``exact`` real income, and the solver's residual."""
    raw = world(data)
    scenario = ree.Scenario(name="NAFTA", tariff=tariffs(data, raw))
    rows = {}
    for rule in RULES:
        economy = ree.Economy(raw, allow_imbalance=True).rebased(rule)
        found = ree.solve(economy, scenario, ree.Parameters(), tolerance=1e-12)
        for member in MEMBERS:
            one = found.sel({COUNTRY: member})
            row = {name: float(one[name]) for name in MEASURES if name != "real_wage"}
            row["real_wage"] = 100 * float(np.expm1(one["real_wage"]))
            row["exact"] = 100 * float(np.expm1(one["welfare"]))
            rows[rule, member] = row | {"residual": float(found["residual"])}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["deficits", COUNTRY])


def table(data: Path) -> Table:
    """Printed and ours by deficits and member."""
    ours = computed(data)
    rows, gaps = [], []
    for (rule, member), known in PRINTED.items():
        row = ours.loc[(rule, member)].to_dict()
        cells = []
        for name in MEASURES:
            printed = known.get(name, float("nan"))
            gaps.append(abs(printed - row[name]))
            cells += [number(printed, 2), number(row[name], 3)]
        rows.append([RULES[rule], MEMBERS[member], *cells, number(row["exact"], 3)])
    header = ["deficits", "", *(cell for words in MEASURES.values() for cell in (f"{words}, printed", "ours"))]
    notes = [
        f"Per cent. Largest gap to a printed figure: {np.nanmax(gaps):.4f} percentage points (they have two decimals). "
        f"Largest relative residual of all equations: {ours['residual'].max():.0e}."
    ]
    return Table([*header, "exact real income, ours"], rows, notes)
