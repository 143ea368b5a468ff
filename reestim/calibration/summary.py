"""What simulated fits say: uniformity of ranks, coverage of intervals, bias, in tables and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.calibration.fit_store import DRAWS, TRUTH
from reestim.dims import DRAW
from reestim.errors import InputError, Problem
from reestim.intervals import COUNTED_LEVELS
from reestim.runs.record import RunRecord

SIMULATION = "simulation"
#: Below this, after Bonferroni's correction for elements and variables, ranks are called not uniform.
ALARM = 0.01


def join_fits(fits: Sequence[xr.DataTree]) -> tuple[xr.Dataset, xr.Dataset]:
    """Draws (simulation, draw, ...) and truths (simulation, ...) of kept fits. Raises InputError where they are not of
    the same variables and labels."""
    draws, truths = ([fit[group].to_dataset() for fit in fits] for group in (DRAWS, TRUTH))
    labels = draws[0].drop_vars(list(draws[0].data_vars))
    for number, one in enumerate(draws):
        if set(one.data_vars) != set(draws[0].data_vars) or not one.drop_vars(list(one.data_vars)).equals(labels):
            advice = "Begin again in a new folder: fits of other calibrations are among these"
            raise InputError(Problem("kept fits have not the same variables and labels", advice, value=number))
    return _join_variable(draws), _join_variable(truths)


def _join_variable(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    return xr.concat(parts, SIMULATION, coords="minimal", compat="override", join="exact")


def ranks_of(draws: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """How many draws lie below each truth, (simulation, ...): the rank that simuk gives. Missing where welfare is, and
    for elements that no draw moves; a variable that the study fixes is left out."""
    finite: Any = np.isfinite
    ranks = {}
    for name, drawn in draws.data_vars.items():
        moves = (drawn != drawn.isel({DRAW: 0, SIMULATION: 0})).any([DRAW, SIMULATION])
        if bool(moves.any()):
            usable = finite(truth[name]) & finite(drawn).all(DRAW) & moves
            ranks[name] = (drawn < truth[name]).sum(DRAW).where(usable)
    return xr.Dataset(ranks)


def fractional_ranks(ranks: xr.Dataset, among: int, seed: int) -> xr.Dataset:
    """Ranks 0 … ``among`` as numbers uniform in (0, 1) where they are uniform: (rank + U)/(among + 1)."""
    rng = np.random.default_rng(seed)
    return ranks.map(lambda r: (r + rng.random(r.shape)) / (among + 1))


def covers_truth(draws: xr.DataArray, truth: xr.DataArray, level: float) -> xr.DataArray:
    """Whether the equal-tailed interval of this level holds the truth (NaN where a draw or the truth is missing).

    The interval's ends are draws, so that (1−level)/2 of the draws' ranks 0 … n lie beyond each. Quantiles between the
    draws would make it too short: 99 draws would hold 88.2 % at 90 %.
    """
    finite: Any = np.isfinite
    place = ((draws < truth).sum(DRAW) + 0.5) / (draws.sizes[DRAW] + 1)
    return (abs(place - 0.5) < level / 2).where(finite(truth) & finite(draws).all(DRAW))


def rank_table(pit: xr.Dataset, draws: xr.Dataset, truth: xr.Dataset) -> pd.DataFrame:
    """One row a variable: elements, coverage_50 and coverage_90 (share of elements and simulations) with ``_error``
    (standard error, clustered by simulation: elements of one dataset are not independent), and ``p_uniform``: the
    smallest p-value of its elements' ranks (pointwise order-statistics test of ArviZ) times their number.

    An element without a rank in some simulation (not moved, or welfare not solved) is left out.
    """
    rows = []
    for name in pit.data_vars:
        ranked: Any = np.isfinite
        ranked = ranked(pit[name]).all(SIMULATION)
        u = pit[name].transpose(SIMULATION, ...).values.reshape(pit.sizes[SIMULATION], -1)
        u = u[:, np.isfinite(u).all(axis=0)]
        if u.shape[1] == 0:
            continue
        row: dict[str, Any] = {"variable": str(name), "elements": u.shape[1], "simulations": u.shape[0]}
        for level in COUNTED_LEVELS:
            inside = covers_truth(draws[name], truth[name], level).where(ranked)
            by_simulation = inside.mean([d for d in inside.dims if d != SIMULATION]).values
            key = f"coverage_{100 * level:.0f}"
            row[key] = float(np.nanmean(by_simulation))
            row[f"{key}_error"] = _standard_error(by_simulation)
        p = np.array([_p_uniform(u[:, k]) for k in range(u.shape[1])])
        rows.append(row | {"p_uniform": float(min(1.0, p.min() * len(p)))})
    return pd.DataFrame(rows)


def _p_uniform(u: np.ndarray) -> float:
    import arviz_stats  # noqa: F401  (adds the accessor)

    test: Any = xr.DataArray(u, dims=SIMULATION).azstats.uniformity_test(dim=[SIMULATION])
    return float(test[0])


def _standard_error(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.std(ddof=1) / np.sqrt(len(finite))) if len(finite) > 1 else float("nan")


def failed_gates(fits: Sequence[xr.DataTree]) -> dict[str, int]:
    """How many fits failed each gate; all are in the tables, for leaving the hard ones out would flatter."""
    count: dict[str, int] = {}
    for fit in fits:
        verdict = RunRecord.of(fit).gates
        for gate in verdict.gates if verdict else ():
            if not gate.passed:
                count[gate.gate] = count.get(gate.gate, 0) + 1
    return count


def verdict_sentences(table: pd.DataFrame) -> list[str]:
    """The verdict in sentences."""
    if table.empty:
        return ["Nothing could be ranked."]
    corrected = np.minimum(1.0, table["p_uniform"] * len(table))
    off = table.loc[corrected < ALARM, "variable"].tolist()
    sentences = [
        f"Ranks of {', '.join(off)} are NOT uniform (p below {ALARM:g} after correction for {len(table)} variables): "
        "the posterior of this study is not to be trusted there."
        if off
        else f"No variable's ranks depart from uniform (smallest p {corrected.min():.2f} after correction for "
        f"{len(table)} variables)."
    ]
    for level in COUNTED_LEVELS:
        key = f"coverage_{100 * level:.0f}"
        worst = table.loc[((table[key] - level).abs() / table[f"{key}_error"].clip(lower=1e-3)).idxmax()]
        sentences.append(
            f"Equal-tailed intervals of {100 * level:.0f} % held the truth in {100 * table[key].mean():.0f} % on "
            f"average over variables; furthest off {worst['variable']}: {100 * worst[key]:.0f} % "
            f"± {100 * worst[f'{key}_error']:.0f}."
        )
    return sentences


def is_calibrated(table: pd.DataFrame) -> bool:
    """Whether no variable's ranks are called not uniform."""
    return bool((table["p_uniform"] * len(table) >= ALARM).all())
