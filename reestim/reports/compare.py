"""``compare``: runs beside each other, by predictive accuracy where they saw the same data, and by their answers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.power_scaling import SYMBOLS
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, SECTOR, TECHNOLOGY
from reestim.draws import arviz_functions
from reestim.editions import is_before_the_clock, is_first_edition
from reestim.errors import InputError, Problem
from reestim.results.effects import BRACKETS
from reestim.results.format import joined, number, with_interval
from reestim.results.tables import elasticities, parameters, welfare

#: The parameters that are set beside each other, and what they are called.
_COMPARED = {name: symbol for name, symbol in SYMBOLS.items() if name != "mean_sigma"}
#: A median that moves by less than this share of the first run's interval has not moved to speak of.
_MOVED = 0.1
#: Widths of intervals whose ratio is within this factor are as wide as each other.
_AS_WIDE = 1.25
#: Below this difference of log predictive density, or twice its standard error, two runs predict equally well.
_SMALL_DIFFERENCE = 4.0

_LOO = ["elpd", "se", "elpd_diff", "dse", "weight", "p", "diag_elpd"]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    changes
        One row per quantity and run: quantity (σ, κ, ξ, ω, welfare), what (sector; scenario, technology, country), run,
        unit, median, low, high (90 % equal-tailed).
    loo
        ArviZ's table (elpd, se, elpd_diff, dse, weight, p and the diagnosis of k̂, best run first); None where the runs
        cannot be ranked: ``sentences`` then say why.
    sentences
        The comparison in words.
    """

    changes: pd.DataFrame
    loo: pd.DataFrame | None
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def compare(runs: Mapping[str, xr.DataTree]) -> Comparison:
    """Set runs beside each other: predictive accuracy and answers. The first run is the reference.

    Leave-one-out cross-validation (PSIS-LOO; Vehtari, Gelman and Gabry 2017) ranks runs that condition on the same
    observations.

    Parameters
    ----------
    runs
        Runs by name, two or more.

    Returns
    -------
    Comparison
        Tables ``changes`` and ``loo``, and ``sentences`` that say what they show.

    Raises
    ------
    InputError
        For fewer than two runs, or one without a posterior.

    Examples
    --------
    >>> found = ree.compare({"one": fitted, "two": fitted})
    >>> found.loo is None, set(found.changes["run"]) == {"one", "two"}
    (True, True)
    """
    if len(runs) < 2:
        raise InputError(Problem("a comparison needs two runs or more", "Name the runs: reestim compare RUN_A RUN_B"))
    bad = [
        Problem("this run has no posterior", "Name a run that was fitted.", value=name)
        for name, post in runs.items()
        if "posterior" not in post.children
    ]
    if bad:
        raise InputError(bad, "the runs cannot be compared")
    reasons = not_comparable(runs)
    loo, sentences = (None, reasons) if reasons else _loo(runs)
    sentences = [*_editions(runs), *sentences]
    changes = pd.concat([_quantities(name, post) for name, post in runs.items()], ignore_index=True)
    return Comparison(changes, loo, (*sentences, *_changed(changes, list(runs)), *_absent(runs)))


def not_comparable(runs: Mapping[str, xr.DataTree]) -> list[str]:
    """Why LOO cannot rank these runs, in sentences; empty if it can."""
    out = []
    for name, post in runs.items():
        if "log_likelihood" not in post.children or "observed_data" not in post.children:
            out.append(f"{name} does not keep the log likelihood of its observations: fit it again with this version.")
        elif not int(post["log_likelihood"].attrs.get("pointwise", 1)):
            out.append(f"{name} keeps its log likelihood summed (it has too many observations to keep each).")
    if out:
        return [f"The runs are not ranked by LOO. {words}" for words in out]
    (first, base), *others = runs.items()
    mine = base["observed_data"].to_dataset()
    for name, post in others:
        theirs = post["observed_data"].to_dataset()
        for saw, here, there in ((first, mine, theirs), (name, theirs, mine)):
            if only := sorted({str(v) for v in here.data_vars} - {str(v) for v in there.data_vars}):
                out.append(f"Only {saw} conditions on {joined(only)}.")
        both = [str(v) for v in mine.data_vars if v in theirs.data_vars]
        if differ := [v for v in both if not _same(mine[v], theirs[v])]:
            out.append(f"{first} and {name} saw other values of {joined(differ)}.")
        if not out and {*base["log_likelihood"].data_vars} != {*post["log_likelihood"].data_vars}:
            out.append(f"{first} and {name} keep other log densities: fit the older one again with this version.")
    if not out:
        return []
    why = "The runs are not ranked by LOO, which compares predictions of the same observations."
    return [" ".join([why, *dict.fromkeys(out)])]


def _same(one: xr.DataArray, other: xr.DataArray) -> bool:
    return set(one.dims) == set(other.dims) and one.drop_attrs().equals(other.transpose(*one.dims).drop_attrs())


def pointwise(post: xr.DataTree) -> xr.DataTree:
    """One variable ``observation`` that holds the log likelihood of every observation of every kind of evidence."""
    from reestim.estimate.log_terms import REMAINDER

    terms = post["log_likelihood"].to_dataset()
    flat = [
        terms[name].transpose(CHAIN, DRAW, ...).values.reshape(terms.sizes[CHAIN], terms.sizes[DRAW], -1)
        for name in sorted(str(name) for name in terms.data_vars if not str(name).endswith(REMAINDER))
    ]
    joint = xr.Dataset({"observation": ((CHAIN, DRAW, "observed"), np.concatenate(flat, axis=-1))})
    return xr.DataTree.from_dict({"posterior": post["posterior"].to_dataset(), "log_likelihood": joint})


def _loo(runs: Mapping[str, xr.DataTree]) -> tuple[pd.DataFrame, list[str]]:
    az = arviz_functions()
    with warnings.catch_warnings():  # what it warns of stands in the column diag_elpd, and is said in words
        warnings.simplefilter("ignore")
        loo_of_run = {name: az.loo(pointwise(post), pointwise=True) for name, post in runs.items()}
        table: pd.DataFrame = az.compare(loo_of_run, round_to="none").loc[:, _LOO]
    table["diag_elpd"] = [_diagnosis(str(text)) for text in table["diag_elpd"]]
    rows = table.reset_index(names="run").to_dict("records")
    best, words = rows[0], []
    for row in rows[1:]:
        gap, error = abs(row["elpd_diff"]), row["dse"]
        size = f"by {gap:.1f} nats of expected log predictive density (standard error {error:.1f})"
        equal = gap < _SMALL_DIFFERENCE or gap < 2 * error
        verdict = "which is too little to prefer it" if equal else "more than chance explains"
        words.append(f"By LOO {best['run']} predicts better than {row['run']} {size}, {verdict}.")
    words += [f"LOO of {row['run']} is not reliable: {row['diag_elpd']}." for row in rows if row["diag_elpd"]]
    return table, words


def _diagnosis(said: str) -> str:
    """ArviZ's diagnosis of LOO in words: ``3 k̂ > 0.70``."""
    match = re.fullmatch(r"\s*(\d+)\s*k̂\s*>\s*([\d.]+)\s*", said)
    if not match:
        return said.replace("k̂", "Pareto's k")
    count, threshold = int(match[1]), float(match[2])
    who = "1 observation decides" if count == 1 else f"{count} observations decide"
    return f"{who} the fit on their own (shape of their weights above {threshold:.2f})"


def _quantities(run: str, post: xr.DataTree) -> pd.DataFrame:
    """The rows of one run."""
    rows: list[dict[str, Any]] = []

    def add(quantity: str, what: str, unit: str, row: Mapping[Any, Any], end: str = "") -> None:
        values = {k: float(row[f"{k}{end}"]) for k in ("median", "low", "high")}
        rows.append({"quantity": quantity, "what": what, "run": run, "unit": unit} | values)

    for row in elasticities(post).to_dict("records"):
        add("σ", str(row[SECTOR]), "elasticity", row)
    shared = {row["parameter"]: row for row in parameters(post).to_dict("records")}
    for name, symbol in _COMPARED.items():
        if name in shared:
            add(symbol, name.replace("_", " "), "1", shared[name])
    if "counterfactual" in post.children and "economy" in post.children:
        for row in welfare(post).to_dict("records"):
            add("welfare", f"{row[SCENARIO]}, {row[TECHNOLOGY]}, {row[COUNTRY]}", "per cent", row, "_percent")
    return pd.DataFrame(rows, columns=["quantity", "what", "run", "unit", "median", "low", "high"])


def moves(changes: pd.DataFrame, first: str, other: str) -> pd.DataFrame:
    """Rows that two runs share: shift (of the median, in widths of the first run's interval), width_ratio, and both."""
    keys = ["quantity", "what", "unit"]
    parts = [changes.loc[changes["run"] == run].drop(columns="run") for run in (first, other)]
    both = parts[0].merge(parts[1], on=keys, suffixes=("_first", "_other"), sort=False)
    width = (both["high_first"] - both["low_first"]).where(lambda w: w > 0)
    shift = (both["median_other"] - both["median_first"]) / width
    return both.assign(shift=shift, width_ratio=(both["high_other"] - both["low_other"]) / width)


def _changed(changes: pd.DataFrame, runs: list[str]) -> list[str]:
    """For each run but the first: what moved, by quantity; intervals in every sentence that has a number."""
    first, out = runs[0], []
    for other in runs[1:]:
        both = moves(changes, first, other)
        for quantity in ("σ", *_COMPARED.values(), "welfare"):
            part = both.loc[both["quantity"] == quantity]
            if len(part):
                out.append(_sentence(quantity, part, first, other))
    if out:
        out.append(BRACKETS)
    return out


def _sentence(quantity: str, part: pd.DataFrame, first: str, other: str) -> str:
    moved = part.loc[part["shift"].abs() >= _MOVED]
    ratio = float(np.nanmedian(part["width_ratio"].to_numpy()))
    width = (
        ""
        if not np.isfinite(ratio) or 1 / _AS_WIDE <= ratio <= _AS_WIDE
        else (f"; intervals are {number(ratio)} times as wide (median)")
    )
    count = f"{len(moved)} of {len(part)} medians move" if len(part) > 1 else "the median moves"
    limit = f"a tenth of the width of the interval in {first}"
    if moved.empty:
        none = "no median moves" if len(part) > 1 else "the median does not move"
        return f"{quantity}, {first} → {other}: {none} by more than {limit}{width}."
    most = moved.loc[moved["shift"].abs().idxmax()].to_dict()
    before = with_interval(most["median_first"], most["low_first"], most["high_first"])
    after = with_interval(most["median_other"], most["low_other"], most["high_other"])
    unit = "" if most["unit"] in ("1", "elasticity") else f" {most['unit']}"
    where = f", most for {most['what']}" if len(part) > 1 else ""
    return f"{quantity}, {first} → {other}: {count} by more than {limit}{where}: {before} → {after}{unit}{width}."


def _editions(runs: Mapping[str, xr.DataTree]) -> list[str]:
    """That not all runs are of the same edition of the model."""
    first = [name for name, post in runs.items() if is_first_edition(post["posterior"].data_vars)]
    old = [
        name
        for name, post in runs.items()
        if "constant_data" in post.children and is_before_the_clock(post["constant_data"].data_vars)
    ]
    sentences = []
    if first and len(first) < len(runs):
        sentences.append(
            f"Not all runs are of the same edition of the model: {joined(first)} had crowding_out, where research "
            "could be free, so that κ, ξ, m and welfare with directed technology mean other things there."
        )
    if old and len(old) < len(runs):
        sentences.append(
            f"Not all runs have the clock of equation (2b): in {joined(old)} patents a year were read as the level of "
            "knowledge and prices acted a year late, so that σ, κ, m and λ mean other things there."
        )
    return sentences


def _absent(runs: Mapping[str, xr.DataTree]) -> list[str]:
    """Runs without welfare, when others have it."""
    without = [name for name, post in runs.items() if "counterfactual" not in post.children]
    return [f"Welfare was not computed in {joined(without)} (reestim counterfactual)."] if without else []
