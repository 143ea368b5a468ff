"""The array contract of docs/model.md section 3, checked: names, dimensions, labels and ranges of an economy."""

from __future__ import annotations

import numpy as np
import xarray as xr

from reestim.dims import APPLICATION, CARRIER, COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR
from reestim.equilibrium.carriers import bundle_share, carrier_label_problems, carrier_problems
from reestim.errors import InputError, Problem

#: Largest error of a sum of shares that counts as rounding.
SHARE_TOLERANCE = 1e-6

REQUIRED: dict[str, tuple[str, ...]] = {
    "trade_share": (IMPORTER, EXPORTER, SECTOR),
    "expenditure": (COUNTRY, SECTOR),
    "factor_share": (COUNTRY, FACTOR, SECTOR),
    "input_share": (COUNTRY, INPUT, SECTOR),
}
#: Arrays that follow from the others by the accounting identities; where they are stated they must agree.
DERIVED = ("final_share", "factor_income", "deficit")
OPTIONAL: dict[str, tuple[str, ...]] = {
    "tariff": (IMPORTER, EXPORTER, SECTOR),
    "export_tax": (IMPORTER, EXPORTER, SECTOR),
    "ree_share": (COUNTRY, SECTOR),
    "element_share": (COUNTRY, ELEMENT, SECTOR),
    "carrier_share": (COUNTRY, CARRIER, SECTOR),
    "final_share": (COUNTRY, SECTOR),
    "factor_income": (COUNTRY, FACTOR),
    "deficit": (COUNTRY,),
    "trade_elasticity": (SECTOR,),
    "supply_elasticity": (COUNTRY, ELEMENT),
    "long_run_supply_elasticity": (COUNTRY, ELEMENT),
    "producer_price": (COUNTRY, ELEMENT),  # US$ per tonne of oxide before export taxes; 0 where not known
    "carrier_price": (COUNTRY, CARRIER),  # the same of carriers, per tonne of their own
    # How far inputs may be off (docs/inputs.md): standard deviations of logs, and the share of each application in what
    # a sector uses of an element.
    "application_share": (APPLICATION, COUNTRY, ELEMENT, SECTOR),
    "element_use_sd": (APPLICATION, ELEMENT),
    "application_sector_sd": (APPLICATION, SECTOR),
    "country_use_sd": (APPLICATION, COUNTRY),
    "element_price_sd": (ELEMENT,),
    "element_output_sd": (COUNTRY, ELEMENT),
    "trade_sd": (IMPORTER, EXPORTER, SECTOR),
}

_SHARE = "application_share"
#: Errors that reach a sector by its applications.
_BY_APPLICATION = ("element_use_sd", "application_sector_sd", "country_use_sd")


def ordered(ds: xr.Dataset) -> xr.Dataset:
    """Check names, dimensions, labels and ranges; return a copy with all arrays present and in one order."""
    for check in (_shape_problems, _label_problems):
        problems = check(ds)
        if problems:
            raise InputError(problems, "the economy cannot be used")

    order = {IMPORTER: ds[COUNTRY].values, EXPORTER: ds[COUNTRY].values, INPUT: ds[SECTOR].values}
    contracted = [name for name in (REQUIRED | OPTIONAL) if name in ds]
    rest = [str(name) for name in ds.data_vars if name not in contracted]
    out = ds[contracted + rest].reindex({d: v for d, v in order.items() if d in ds.dims}).copy()
    if ELEMENT not in out.coords:
        out = out.assign_coords({ELEMENT: np.array([], dtype=object)})
    coords = out.coords
    for name in ("tariff", "export_tax", "ree_share", "element_share"):
        if name not in out:
            dims = OPTIONAL[name]
            out[name] = xr.DataArray(
                np.zeros([coords[d].size for d in dims]), coords={d: coords[d] for d in dims}, dims=dims
            )
    for name, dims in (REQUIRED | OPTIONAL).items():
        if name in out:
            out[name] = out[name].transpose(*dims).astype(float)
    problems = _range_problems(out)
    if problems:
        raise InputError(problems, "the economy cannot be used")
    return out


def _shape_problems(ds: xr.Dataset) -> list[Problem]:
    """Missing arrays, wrong dimensions, dimensions without labels or with repeated ones."""
    problems: list[Problem] = []
    for name, dims in REQUIRED.items():
        if name not in ds:
            problems.append(Problem(f"the economy lacks {name}", f"Add it with dimensions {dims}.", column=name))
    present = {name: dims for name, dims in (REQUIRED | OPTIONAL).items() if name in ds}
    for name, dims in present.items():
        if set(ds[name].dims) != set(dims):
            problems.append(Problem(f"{name} has dimensions {ds[name].dims}", f"It needs {dims}.", column=name))
    by_application = [name for name in _BY_APPLICATION if name in ds]
    if by_application and _SHARE not in ds:
        message = f"{' and '.join(by_application)} need {_SHARE}"
        problems.append(Problem(message, f"Add it with dimensions {OPTIONAL[_SHARE]}.", column=_SHARE))
    if "ree_share" in ds and "element_share" not in ds:
        problems.append(Problem("ree_share is given without element_share", "Add it.", column="element_share"))
    for dim in sorted({d for dims in present.values() for d in dims}):
        if dim not in ds.coords:
            problems.append(Problem(f"dimension {dim!r} has no labels", "Give it a coordinate.", column=dim))
        elif ds.indexes[dim].has_duplicates:
            repeated = ds.indexes[dim][ds.indexes[dim].duplicated()][0]
            problems.append(Problem(f"a label of {dim!r} is repeated", "Keep one.", column=dim, value=str(repeated)))
    return problems


def _label_problems(ds: xr.Dataset) -> list[Problem]:
    """Dimensions that must have the same labels, and elements that are not sectors."""
    problems: list[Problem] = []
    for dim, like in ((IMPORTER, COUNTRY), (EXPORTER, COUNTRY), (INPUT, SECTOR)):
        mismatch = set(map(str, ds[dim].values)) ^ set(map(str, ds[like].values))
        if mismatch:
            message, advice = f"{dim!r} and {like!r} do not have the same labels", "Make them the same."
            problems.append(Problem(message, advice, column=dim, value=", ".join(sorted(mismatch))))
    elements = [str(e) for e in ds[ELEMENT].values] if ELEMENT in ds.coords else []
    stray = sorted(set(elements) - set(map(str, ds[SECTOR].values)))
    if stray:
        problems.append(Problem("elements must be sectors too", "Add them.", column=ELEMENT, value=", ".join(stray)))
    return problems + carrier_label_problems(ds)


def _range_problems(ds: xr.Dataset) -> list[Problem]:
    """Negative, missing or badly summing cells, named by their labels (the worst of each kind, with a count)."""
    problems: list[Problem] = []

    def flag(bad: xr.DataArray, value: xr.DataArray, message: str, advice: str, column: str) -> None:
        count = int(bad.sum())
        if count:
            score = abs(value).where(bad).fillna(np.inf).where(bad, -np.inf)
            index = np.unravel_index(int(score.values.argmax()), score.shape)
            cell = ", ".join(f"{d} {bad[d].values[i]}" for d, i in zip(bad.dims, index, strict=True))
            more = f" (and {count - 1} more cells)" if count > 1 else ""
            problems.append(
                Problem(f"{message} at {cell}{more}", advice, column=column, value=float(value.values[index]))
            )

    for name in (REQUIRED | OPTIONAL).keys() & set(ds.data_vars):
        array = ds[name]
        flag(~xr.ufuncs.isfinite(array), array, f"{name} is missing or infinite", "Fill or remove it.", name)
        if name in ("tariff", "export_tax"):
            flag(array <= -1, array, f"{name} is at or below -1", "Give ad-valorem fractions, 0.25 for 25 %.", name)
        elif name != "deficit":
            flag(array < 0, array, f"{name} is negative", "Shares and flows cannot be negative.", name)
    flag(ds.ree_share >= 1, ds.ree_share, "ree_share is 1 or more", "It is a fraction of cost.", "ree_share")

    spent = ds.expenditure.rename({COUNTRY: IMPORTER}) > 0
    shares = ds.trade_share.sum(EXPORTER)
    off = spent & (abs(shares - 1) > SHARE_TOLERANCE)
    flag(off, shares, "trade shares do not sum to 1 over exporters", "Rescale them.", "trade_share")
    costs = ds.factor_share.sum(FACTOR) + ds.input_share.sum(INPUT)
    flag(
        abs(costs - 1) > SHARE_TOLERANCE,
        costs,
        "factor and input shares do not sum to 1",
        "Rescale them.",
        "factor_share",
    )
    if ds.sizes.get(ELEMENT, 0):
        mix = bundle_share(ds)
        flag(
            (ds.ree_share > 0) & (abs(mix - 1) > SHARE_TOLERANCE),
            mix,
            "element shares do not sum to 1",
            "Rescale them.",
            "element_share",
        )
        inside = ds.input_share.sel({INPUT: ds[ELEMENT].values}).sum(INPUT)
        flag(inside > 0, inside, "an element enters input_share", "Elements enter through ree_share.", "input_share")
        if "application_share" in ds:
            used = (ds.element_share * ds.ree_share) > 0
            share_sum = ds.application_share.sum(APPLICATION)
            off = used & (abs(share_sum - 1) > SHARE_TOLERANCE)
            flag(
                off, share_sum, "application shares do not sum to 1 where rare earths are used", "Rescale them.", _SHARE
            )
        user = ds.ree_share.sel({SECTOR: ds[ELEMENT].values})
        flag(user > 0, user, "an element's own sector has a ree_share", "Set it to 0.", "ree_share")
    elif float(ds.ree_share.max()) > 0:
        problems.append(Problem("ree_share is positive but there are no elements", "Add the element sectors."))
    return problems + carrier_problems(ds)
