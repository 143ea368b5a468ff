"""Carriers: members of the rare-earth bundle that are made and traded themselves, such as magnets. Their checks.

A carrier is a sector with rare earths of its own (θ > 0). Users hold it in their bundle beside the elements, or in
their place: ``element_share`` and ``carrier_share`` of a user sum to 1.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from reestim.dims import CARRIER, COUNTRY, ELEMENT, INPUT, SECTOR
from reestim.errors import Problem


def bundle_share(ds: xr.Dataset) -> xr.DataArray:
    """Sum of the shares of all members in the bundle, (country, sector)."""
    total = ds.element_share.sum(ELEMENT)
    return total + ds.carrier_share.sum(CARRIER) if "carrier_share" in ds else total


def carrier_label_problems(ds: xr.Dataset) -> list[Problem]:
    """Carriers that are not sectors, or elements."""
    carriers = {str(c) for c in ds[CARRIER].values} if CARRIER in ds.coords else set()
    stray = sorted(carriers - set(map(str, ds[SECTOR].values)))
    both = sorted(carriers & {str(e) for e in ds[ELEMENT].values} if ELEMENT in ds.coords else ())
    problems: list[Problem] = []
    if stray:
        problems.append(Problem("carriers must be sectors too", "Add them.", column=CARRIER, value=", ".join(stray)))
    if both:
        advice = "Elements are mined, carriers are made of elements: keep it in one of the two."
        problems.append(Problem("a carrier is an element", advice, column=CARRIER, value=", ".join(both)))
    if carriers and "carrier_share" not in ds:
        advice = "Add carrier_share (country, carrier, sector)."
        problems.append(Problem("carriers are named without carrier_share", advice, column="carrier_share"))
    return problems


def carrier_problems(ds: xr.Dataset) -> list[Problem]:
    """Carriers that use themselves, at once or through others, that hold no rare earths, or that enter as an input."""
    if not ds.sizes.get(CARRIER, 0):
        return []
    labels = [str(c) for c in ds[CARRIER].values]
    uses = (
        (ds.carrier_share.where(ds.ree_share > 0, 0.0) > 0)
        .any(COUNTRY)
        .sel({SECTOR: labels})
        .transpose(SECTOR, CARRIER)
    )
    uses = uses.values
    problems: list[Problem] = []
    for k in np.flatnonzero(np.diag(uses)):
        advice = "Net out what it uses of itself: a carrier is made of elements and of other carriers."
        problems.append(Problem("a carrier uses itself", advice, column="carrier_share", value=labels[k]))
    np.fill_diagonal(uses, False)
    if circle := _circle(uses):
        advice = "Each carrier may be made of elements and of carriers that are not made of it."
        named = " of ".join(labels[k] for k in circle)
        problems.append(Problem("carriers are made of one another", advice, column="carrier_share", value=named))
    holds = ds.ree_share.sel({SECTOR: labels})
    bought = ds.expenditure.sel({SECTOR: labels}).sum(COUNTRY) > 0
    empty = [c for c in labels if bool(bought.loc[c]) and not bool((holds.loc[{SECTOR: c}] > 0).any())]
    if empty:
        advice = "Give it a ree_share, or let it be an ordinary input."
        problems.append(Problem("a carrier holds no rare earths", advice, column="ree_share", value=", ".join(empty)))
    entering = ds.input_share.sel({INPUT: labels}).sum([COUNTRY, SECTOR]) > 0
    if bool(entering.any()):
        named = ", ".join(map(str, entering[INPUT].values[entering.values]))
        advice = "Carriers enter through ree_share and carrier_share."
        problems.append(Problem("a carrier enters input_share", advice, column="input_share", value=named))
    return problems


def _circle(uses: np.ndarray) -> list[int]:
    """Carriers each of which is made of the next, the last one the first again; empty where there are none such."""
    left = np.ones(len(uses), bool)
    while (done := left & ~(uses & left).any(axis=1)).any():
        left &= ~done
    if not left.any():
        return []
    path = [int(np.argmax(left))]
    while path[-1] not in path[:-1]:
        path.append(int(np.argmax(uses[path[-1]] & left)))
    return path[path.index(path[-1]) :]
