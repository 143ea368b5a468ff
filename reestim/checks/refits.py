"""How far an answer moves when the study is fitted again with one change, in posterior standard deviations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.power_scaling import SYMBOLS, moving_draws, symbol
from reestim.checks.protocol import Check, Verdict
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.results.effects import CONTRIBUTION, effects
from reestim.results.format import number
from reestim.runs.record import RunRecord

REFITS_GROUP = "refits"
#: A mean that moves by less than this share of the posterior's standard deviation has not moved to speak of: with the
#: effective draws that the gates ask for, means of two fits differ by up to this much by chance.
_HARDLY = 0.25
#: From here on the answer hangs on what was changed.
_FAR = 1.0
_WELFARE = "welfare"


def quantities(post: xr.DataTree) -> dict[str, xr.DataArray]:
    """κ, ξ, χ, mean σ, σ of each sector, and welfare in per cent by scenario, technology and country (chain, draw)."""
    out = dict(moving_draws(post["posterior"].to_dataset()))
    if "counterfactual" not in post.children:
        return out
    change = effects(post["counterfactual"].to_dataset(), "welfare")
    for scenario in change[SCENARIO].values:
        for technology in [t for t in change[TECHNOLOGY].values if t != CONTRIBUTION]:
            for country in change[COUNTRY].values:
                draws = change.sel({SCENARIO: scenario, TECHNOLOGY: technology, COUNTRY: country}, drop=True)
                out[f"{_WELFARE}[{scenario}, {technology}, {country}]"] = draws
    return out


def summary(post: xr.DataTree, done: Mapping[str, xr.DataTree], known: Mapping[str, Any]) -> xr.Dataset:
    """The group ``refits``: mean, sd (refit, quantity), shift = move of the mean / posterior sd of the run; the run's
    own run_mean, run_sd (quantity); gates_passed, words, sector (refit). ``known``: refits by name
    (`reestim.pipeline.refits.Refit`).
    """
    base = quantities(post)
    rows = {name: quantities(tree) for name, tree in done.items()}

    def over(function: str, draws: xr.DataArray | None) -> float:
        return np.nan if draws is None else float(getattr(draws, function)((CHAIN, DRAW)))

    run = {f: np.array([over(f, draws) for draws in base.values()]) for f in ("mean", "std")}
    again = {
        f: np.array([[over(f, of_refit.get(q)) for q in base] for of_refit in rows.values()]).reshape(
            len(rows), len(base)
        )
        for f in ("mean", "std")
    }
    shift = (again["mean"] - run["mean"]) / np.where(run["std"] > 0, run["std"], np.nan)
    both = ("refit", "quantity")
    verdicts = [RunRecord.of(tree).gates for tree in done.values()]
    passed = [verdict is None or verdict.passed for verdict in verdicts]
    return xr.Dataset(
        {
            "mean": (both, again["mean"], {"long_name": "mean of the refit"}),
            "sd": (both, again["std"], {"long_name": "standard deviation of the refit"}),
            "shift": (both, shift, {"long_name": "move of the mean", "units": "posterior standard deviations"}),
            "run_mean": ("quantity", run["mean"]),
            "run_sd": ("quantity", run["std"]),
            "gates_passed": ("refit", np.array(passed, bool)),
            "words": ("refit", np.array([known[name].change for name in done], dtype=str)),
            "sector": ("refit", np.array([known[name].sector for name in done], dtype=str)),
        },
        coords={"refit": np.array(list(done), dtype=str), "quantity": np.array(list(base), dtype=str)},
    )


def refit_table(post: xr.DataTree) -> pd.DataFrame:
    """Rows (refit, quantity): run_mean, run_sd, mean, sd, shift, gates_passed."""
    ds = post[REFITS_GROUP].to_dataset()[["run_mean", "run_sd", "mean", "sd", "shift", "gates_passed"]]
    first = ["refit", "quantity"]
    table = ds.to_dataframe(dim_order=first).reset_index()
    return table.loc[:, [*first, "run_mean", "run_sd", "mean", "sd", "shift", "gates_passed"]]


def check(post: xr.DataTree) -> Check:
    """Passes where no mean of κ, ξ, mean σ or welfare moves by a standard deviation or more."""
    name = "refits"
    if REFITS_GROUP not in post.children:
        return Check(name, "informational", ("Not done: reestim check RUN --refit.",))
    table = refit_table(post)
    shared = table["quantity"].isin(list(SYMBOLS)) | table["quantity"].str.startswith(_WELFARE)
    good = bool((table.loc[shared, "shift"].abs().fillna(0.0) < _FAR).all()) and bool(table["gates_passed"].all())
    verdict: Verdict = "pass" if good else "informational"
    return Check(name, verdict, tuple(sentences(post)), table)


def sentences(post: xr.DataTree) -> list[str]:
    """One sentence a refit, what moves most first: how far mean σ, κ, ξ and welfare move; where a sector was left out,
    its own σ."""
    ds = post[REFITS_GROUP].to_dataset()
    failed = RunRecord.of(post).failed_refits
    size = abs(ds["shift"]).max("quantity").fillna(0.0).where(ds["gates_passed"].astype(bool), np.inf)
    return [
        *(f"{name.replace('-', ' ')}: not possible ({reason})." for name, reason in failed.items()),
        *(_one(ds.sel(refit=name)) for name in size.sortby(-size)["refit"].values),
    ]


def _one(ds: xr.Dataset) -> str:
    names = [str(q) for q in ds["quantity"].values]
    moves = {q: float(m) for q, m in zip(names, ds["shift"].values, strict=True) if np.isfinite(m)}
    parts = [f"{SYMBOLS[name]} {_moved(moves[name])}" for name in SYMBOLS if name in moves]
    welfare = {q: m for q, m in moves.items() if q.startswith(_WELFARE)}
    if welfare:
        worst = max(welfare, key=lambda q: abs(welfare[q]))
        parts.append(f"welfare {_moved(welfare[worst])} at most ({worst.removeprefix('welfare[').removesuffix(']')})")
    words = f"{str(ds['words'].values).capitalize()}: {', '.join(parts)}."
    own = f"sigma[{ds['sector'].values}]"
    if own in moves:
        one = ds.sel(quantity=own)
        words += (
            f" {symbol(own)} without its own evidence is {number(float(one['mean']))} (sd {number(float(one['sd']))}), "
            f"with it {number(float(one['run_mean']))} (sd {number(float(one['run_sd']))})."
        )
    return words if bool(ds["gates_passed"]) else f"{words} THIS REFIT DID NOT CONVERGE."


def _moved(shift: float) -> str:
    if abs(shift) < _HARDLY:
        return "hardly moves"
    return f"{'MOVES' if abs(shift) >= _FAR else 'moves'} by {shift:+.2f} sd"


def matrix(post: xr.DataTree) -> tuple[list[str], Iterator[list[str]]]:
    """Heads and rows of text: a refit a row, shifts of κ, ξ, χ, mean σ, and the largest of welfare."""
    ds = post[REFITS_GROUP].to_dataset()
    shared = [name for name in SYMBOLS if name in ds["quantity"].values]
    of_welfare = [q for q in ds["quantity"].values.tolist() if q.startswith(_WELFARE)]

    def row(name: str) -> list[str]:
        shift = ds["shift"].sel(refit=name)
        cells = [_signed(float(shift.sel(quantity=q))) for q in shared]
        if of_welfare:
            values = shift.sel(quantity=of_welfare).to_numpy()
            cells.append(_signed(float(values[np.nanargmax(np.abs(values))])) if np.isfinite(values).any() else "")
        good = "yes" if bool(ds["gates_passed"].sel(refit=name)) else "NO"
        return [str(ds["words"].sel(refit=name).values), *cells, good]

    welfare = ["Welfare, largest"] if of_welfare else []
    return ["Refit", *(SYMBOLS[q] for q in shared), *welfare, "Gates passed"], map(row, ds["refit"].values.tolist())


def _signed(value: float) -> str:
    return f"{value:+.2f}" if np.isfinite(value) else "not available"
