"""The baseline world economy: a labelled Dataset, checked, and its arrays for the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float, Int

from reestim.dims import COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, SECTOR
from reestim.errors import InputError, Problem

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

#: Largest error of a sum of shares, and relative gap of an accounting identity, that counts as rounding.
SHARE_TOLERANCE = 1e-6
IDENTITY_TOLERANCE = 1e-6

_REQUIRED = {
    "trade_share": (IMPORTER, EXPORTER, SECTOR),
    "expenditure": (COUNTRY, SECTOR),
    "factor_share": (COUNTRY, FACTOR, SECTOR),
    "input_share": (COUNTRY, INPUT, SECTOR),
}
_OPTIONAL = {
    "tariff": (IMPORTER, EXPORTER, SECTOR),
    "export_tax": (IMPORTER, EXPORTER, SECTOR),
    "ree_share": (COUNTRY, SECTOR),
    "element_share": (COUNTRY, ELEMENT, SECTOR),
    "final_share": (COUNTRY, SECTOR),
    "factor_income": (COUNTRY, FACTOR),
    "deficit": (COUNTRY,),
    "trade_elasticity": (SECTOR,),
}


class Baseline(NamedTuple):
    """The baseline in arrays: model.md section 3. Values in the money unit of the data, shares and taxes as fractions."""

    trade_share: Float[Array, "importer exporter sector"]  # π
    expenditure: Float[Array, "country sector"]  # X, purchaser prices
    tariff: Float[Array, "importer exporter sector"]  # τ
    export_tax: Float[Array, "importer exporter sector"]  # x
    factor_share: Float[Array, "country factor sector"]  # γ_nfs, shares within the X bundle
    input_share: Float[Array, "country input sector"]  # γ_nks
    ree_share: Float[Array, "country sector"]  # θ
    element_share: Float[Array, "country element sector"]  # ω
    element_index: Int[Array, " element"]  # position of each element among the sectors
    final_share: Float[Array, "country sector"]  # α
    output: Float[Array, "country sector"]  # Y, producers' revenue
    factor_income: Float[Array, "country factor"]  # V
    income: Float[Array, " country"]  # I, what final demand spends
    deficit: Float[Array, " country"]  # D
    diffusion_weight: Float[Array, "country sector"]  # output shares among the users of rare earths of a sector


class Economy:
    """A world economy in its baseline, from an ``xarray.Dataset`` with the names of model.md section 3.

    Everything is placed by label. Revenue, factor income, final demand, income and deficits follow from the accounting
    identities, unless the Dataset states ``final_share``, ``factor_income`` or ``deficit``, which must then agree.

    Parameters
    ----------
    ds
        trade_share (importer, exporter, sector), expenditure (country, sector), factor_share (country, factor, sector),
        input_share (country, input, sector); optionally tariff and export_tax (importer, exporter, sector), ree_share
        (country, sector), element_share (country, element, sector), trade_elasticity (sector).
    allow_imbalance
        Accept data that are not an equilibrium. Such an economy cannot be solved, only ``rebased``.

    Raises
    ------
    InputError
        Listing every missing array, label that does not match, negative or unbalanced cell.
    """

    def __init__(self, ds: xr.Dataset, allow_imbalance: bool = False) -> None:
        self.ds = _ordered(ds)
        self.countries: tuple[str, ...] = tuple(str(c) for c in self.ds[COUNTRY].values)
        self.sectors: tuple[str, ...] = tuple(str(s) for s in self.ds[SECTOR].values)
        self.factors: tuple[str, ...] = tuple(str(f) for f in self.ds[FACTOR].values)
        self.elements: tuple[str, ...] = tuple(str(e) for e in self.ds[ELEMENT].values)
        self.baseline, self._gaps = _account(self.ds)
        self.is_balanced = bool(self._gaps["relative_gap"].max() <= IDENTITY_TOLERANCE)
        if not self.is_balanced and not allow_imbalance:
            raise InputError(_identity_problems(self._gaps), "the baseline is not an equilibrium")

    @classmethod
    def from_dataset(cls, data: Dataset) -> Economy:
        """The economy of a checked dataset, with its rare-earth rows split out of the host industry."""
        from reestim.supply_chain.ree_rows import ree_input_output

        return cls(ree_input_output(data))

    def check(self) -> pd.DataFrame:
        """Accounting identities by cell: columns identity, cell, value, gap, relative_gap (fraction)."""
        return self._gaps

    def rebased(self, deficits: str = "fixed", parameters: object | None = None) -> Economy:
        """The equilibrium nearest to data that are not one: same technology, tastes and factors, no shock.

        ``deficits="fixed"`` keeps D, ``"balanced"`` removes them first (as Caliendo and Parro do). The result carries
        ``rebasing`` in its Dataset's attrs: the largest move of every array.
        """
        from reestim.equilibrium.rebase import rebase

        return rebase(self, deficits, parameters)

    def __repr__(self) -> str:
        b = self.baseline
        lines = [
            f"Economy: {len(self.countries)} countries × {len(self.sectors)} sectors "
            f"({len(self.elements)} elements), {len(self.factors)} factors",
            f"  world output {float(b.output.sum()):.6g}, income {float(b.income.sum()):.6g}",
            f"  rare earths: {float((b.ree_share * b.output).sum()):.6g} of costs, "
            f"largest share {float(b.ree_share.max()):.3g}",
            f"  largest gap of an identity {float(self._gaps['relative_gap'].max()):.2e} (relative)",
        ]
        return "\n".join(lines)


def _ordered(ds: xr.Dataset) -> xr.Dataset:
    """Check names, dimensions, labels and ranges; return a copy with all arrays present and in one order."""
    problems: list[Problem] = []
    for name, dims in _REQUIRED.items():
        if name not in ds:
            problems.append(Problem(f"the economy lacks {name}", f"Add it with dimensions {dims}.", column=name))
    for name, dims in (_REQUIRED | _OPTIONAL).items():
        if name in ds and set(ds[name].dims) != set(dims):
            problems.append(Problem(f"{name} has dimensions {ds[name].dims}", f"It needs {dims}.", column=name))
    if "ree_share" in ds and "element_share" not in ds:
        problems.append(Problem("ree_share is given without element_share", "Add element_share.", column="element_share"))
    dims_needed = {d for name, dims in (_REQUIRED | _OPTIONAL).items() if name in ds for d in dims}
    for dim in sorted(dims_needed):
        if dim not in ds.coords:
            problems.append(Problem(f"dimension {dim!r} has no labels", "Give it a coordinate.", column=dim))
        elif ds.indexes[dim].has_duplicates:
            repeated = ds.indexes[dim][ds.indexes[dim].duplicated()][0]
            problems.append(Problem(f"a label of {dim!r} is repeated", "Keep one.", column=dim, value=str(repeated)))
    if problems:
        raise InputError(problems, "the economy cannot be used")

    for dim, like in ((IMPORTER, COUNTRY), (EXPORTER, COUNTRY), (INPUT, SECTOR)):
        mismatch = set(map(str, ds[dim].values)) ^ set(map(str, ds[like].values))
        if mismatch:
            message, advice = f"{dim!r} and {like!r} do not have the same labels", "Make them the same."
            problems.append(Problem(message, advice, column=dim, value=", ".join(sorted(mismatch))))
    elements = [str(e) for e in ds[ELEMENT].values] if ELEMENT in ds.coords else []
    stray = sorted(set(elements) - set(map(str, ds[SECTOR].values)))
    if stray:
        problems.append(Problem("elements must be sectors too", "Add them.", column=ELEMENT, value=", ".join(stray)))
    if problems:
        raise InputError(problems, "the economy cannot be used")

    order = {IMPORTER: ds[COUNTRY].values, EXPORTER: ds[COUNTRY].values, INPUT: ds[SECTOR].values}
    known = [name for name in (_REQUIRED | _OPTIONAL) if name in ds]
    rest = [str(name) for name in ds.data_vars if name not in known]
    out = ds[known + rest].reindex({d: v for d, v in order.items() if d in ds.dims}).copy()
    if ELEMENT not in out.coords:
        out = out.assign_coords({ELEMENT: np.array([], dtype=object)})
    coords = out.coords
    for name in ("tariff", "export_tax", "ree_share", "element_share"):
        if name not in out:
            dims = _OPTIONAL[name]
            out[name] = xr.DataArray(np.zeros([coords[d].size for d in dims]), coords={d: coords[d] for d in dims}, dims=dims)
    for name, dims in (_REQUIRED | _OPTIONAL).items():
        if name in out:
            out[name] = out[name].transpose(*dims).astype(float)
    problems = _range_problems(out)
    if problems:
        raise InputError(problems, "the economy cannot be used")
    return out


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
            problems.append(Problem(f"{message} at {cell}{more}", advice, column=column, value=float(value.values[index])))

    for name in (_REQUIRED | _OPTIONAL).keys() & set(ds.data_vars):
        array = ds[name]
        flag(~np.isfinite(array), array, f"{name} is missing or infinite", "Fill or remove it.", name)
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
    flag(abs(costs - 1) > SHARE_TOLERANCE, costs, "factor and input shares do not sum to 1", "Rescale them.", "factor_share")
    if ds.sizes.get(ELEMENT, 0):
        mix = ds.element_share.sum(ELEMENT)
        flag((ds.ree_share > 0) & (abs(mix - 1) > SHARE_TOLERANCE), mix, "element shares do not sum to 1", "Rescale them.", "element_share")
        inside = ds.input_share.sel({INPUT: ds[ELEMENT].values}).sum(INPUT)
        flag(inside > 0, inside, "an element enters input_share", "Elements enter through ree_share.", "input_share")
        user = ds.ree_share.sel({SECTOR: ds[ELEMENT].values})
        flag(user > 0, user, "an element's own sector has a ree_share", "Set it to 0.", "ree_share")
    elif float(ds.ree_share.max()) > 0:
        problems.append(Problem("ree_share is positive but there are no elements", "Add the element sectors."))
    return problems


def _account(ds: xr.Dataset) -> tuple[Baseline, pd.DataFrame]:
    """Arrays of the baseline from the accounting identities, and how far each identity is from holding."""
    get = {name: ds[name].values for name in ds.data_vars if name in (_REQUIRED | _OPTIONAL)}
    sums = get["trade_share"].sum(axis=1, keepdims=True)
    pi = np.divide(get["trade_share"], sums, out=np.zeros_like(get["trade_share"]), where=sums > 0)
    x, tau, tax = get["expenditure"], get["tariff"], get["export_tax"]
    total = get["factor_share"].sum(axis=1, keepdims=True) + get["input_share"].sum(axis=1, keepdims=True)
    gamma_f, gamma_k = get["factor_share"] / total, get["input_share"] / total
    theta, omega = get["ree_share"], get["element_share"]
    mix = omega.sum(axis=1, keepdims=True)
    omega = np.divide(omega, mix, out=np.zeros_like(omega), where=mix > 0)
    sectors = list(ds[SECTOR].values)
    element_index = np.array([sectors.index(e) for e in ds[ELEMENT].values], dtype=int)

    flow = pi * x[:, None, :]
    revenue = (flow / ((1 + tau) * (1 + tax))).sum(axis=0)
    use = np.einsum("nks,ns->nk", gamma_k, (1 - theta) * revenue)
    use[:, element_index] += np.einsum("nes,ns->ne", omega, theta * revenue)
    final = x - use
    earned = np.einsum("nfs,ns->nf", gamma_f, (1 - theta) * revenue)
    gaps = [_gap_rows("final demand is not negative", ds, (COUNTRY, SECTOR), x, np.minimum(final, 0.0))]
    final = np.maximum(final, 0.0)
    final[np.abs(final) < 1e-12 * x] = 0.0  # rounding of a sector that is only an input
    income = final.sum(axis=1)
    alpha = final / income[:, None]
    if "final_share" in get:
        given = get["final_share"] / get["final_share"].sum(axis=1, keepdims=True)
        gaps.append(_gap_rows("final_share agrees with final demand", ds, (COUNTRY, SECTOR), x, (given - alpha) * income[:, None]))
        alpha = given
    if "factor_income" in get:
        gap = get["factor_income"] - earned
        gaps.append(_gap_rows("factor_income agrees with costs", ds, (COUNTRY, FACTOR), get["factor_income"], gap))
        earned = get["factor_income"]
    tariffs = (tau / (1 + tau) * flow).sum(axis=(1, 2))
    taxes = (tax / ((1 + tau) * (1 + tax)) * flow).sum(axis=(0, 2))
    deficit = income - earned.sum(axis=1) - tariffs - taxes
    if "deficit" in get:
        gaps.append(_gap_rows("deficit agrees with income", ds, (COUNTRY,), income, get["deficit"] - deficit))
        deficit = get["deficit"]
    gaps.append(_gap_rows("world deficits sum to zero", ds, (), np.array(income.sum()), np.array(deficit.sum())))

    user_output = np.where(theta > 0, revenue, 0.0)
    world = user_output.sum(axis=0, keepdims=True)
    weight = np.divide(user_output, world, out=np.zeros_like(user_output), where=world > 0)
    baseline = Baseline(
        trade_share=pi, expenditure=x, tariff=tau, export_tax=tax, factor_share=gamma_f, input_share=gamma_k,
        ree_share=theta, element_share=omega, element_index=element_index, final_share=alpha, output=revenue,
        factor_income=earned, income=income, deficit=deficit, diffusion_weight=weight,
    )  # fmt: skip
    return Baseline(*(jnp.asarray(value) for value in baseline)), pd.concat(gaps, ignore_index=True)


def _gap_rows(identity: str, ds: xr.Dataset, dims: tuple[str, ...], value: np.ndarray, gap: np.ndarray) -> pd.DataFrame:
    labels = [ds[d].values for d in dims]
    cells = [" ".join(str(axis[i]) for axis, i in zip(labels, index, strict=True)) for index in np.ndindex(gap.shape)]
    scale = np.abs(value).ravel()
    size = np.abs(gap).ravel()
    relative = np.divide(size, scale, out=np.where(size > 0, np.inf, 0.0), where=scale > 0)
    frame = {"identity": identity, "cell": cells, "value": value.ravel(), "gap": gap.ravel(), "relative_gap": relative}
    return pd.DataFrame(frame)


def _identity_problems(gaps: pd.DataFrame) -> list[Problem]:
    bad = gaps[gaps.relative_gap > IDENTITY_TOLERANCE].sort_values("relative_gap", ascending=False)
    problems = []
    for identity, rows in bad.groupby("identity", sort=False):
        worst = rows.iloc[0]
        more = f" (and {len(rows) - 1} more cells)" if len(rows) > 1 else ""
        advice = "Correct the data, or use Economy(ds, allow_imbalance=True).rebased() for data known to be off."
        message = f"not so: {identity}, at {worst.cell}{more}, off by {worst.relative_gap:.2%}"
        problems.append(Problem(message, advice, value=float(worst.gap)))
    return problems
