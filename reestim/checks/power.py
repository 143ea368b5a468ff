"""The power of every block of evidence: what the structure predicts of it, over the error with which it is known.

A row whose predicted movement is smaller than its standard error cannot tell one value of a parameter from another. A
block in which this holds of all rows, and of all of them together, identifies nothing: the posterior of what it speaks
about is the prior. Everything here is a prediction, at draws of the prior and of the posterior; the values observed do
not enter, but where it is asked how large θ or ω would have to be to match them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.evidence_signals import BLOCKS, NEEDED, Draw, Signal, draws_of, event_predictions
from reestim.checks.protocol import Check, Verdict
from reestim.dims import SECTOR
from reestim.results.format import number

NAME = "power"
#: What Alfaro, Fadinger, Schymik and Virananda (2025) find for Japan: growth of TFP, log points a year, for one
#: standard deviation of exposure.
PUBLISHED_TFP = 0.005


def power_table(data: xr.Dataset, groups: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Power of the blocks in the inputs of a model, at draws of the prior, of the posterior, or of both.

    Parameters
    ----------
    data : Dataset
        Inputs of a model (group ``constant_data``, or `reestim.estimate.inputs.model_inputs`).
    groups : mapping of str to Dataset
        Draws (chain, draw, ...) under the names ``prior`` and ``posterior``, either or both.

    Returns
    -------
    DataFrame
        One row a block: block, rows, and for each group ``<group>_row`` (largest |prediction| over standard error of a
        row, median of the draws) and ``<group>_joint`` (of all rows together, √(β′V⁻¹β)), in standard errors; for the
        event study ``match_share`` (how many times θ would have to be larger for the prediction to fit the estimates;
        negative: the other sign) and ``match_gap`` (the ω that would), at the last group; nan elsewhere.
    """
    rows = []
    for key, block in BLOCKS.items():
        if block.array not in data or not _has_rows(data, key):
            continue
        row: dict[str, Any] = {
            "block": key,
            "words": block.words,
            "rows": 0,
            "match_share": np.nan,
            "match_gap": np.nan,
        }
        for group, draws in groups.items():
            found = [(draw, block.signal(data, draw)) for draw in draws_of(data, draws)]
            row["rows"] = len(found[0][1].prediction)
            row[f"{group}_row"] = float(np.median([_standardised(s).max() for _, s in found]))
            row[f"{group}_joint"] = float(np.median([_joint(s) for _, s in found]))
            if key in ("exports", "tfp"):
                matches = np.array([_match(data, key, draw, signal) for draw, signal in found])
                row["match_share"], row["match_gap"] = (float(v) for v in np.nanmedian(matches, axis=0))
        rows.append(row)
    return pd.DataFrame(rows)


def _has_rows(data: xr.Dataset, key: str) -> bool:
    outcome = key.removeprefix("event_")
    return BLOCKS[key].array != "event_estimate" or outcome in data["outcome"].values


def _standardised(signal: Signal) -> np.ndarray:
    """|prediction| over the standard error of each row by itself."""
    if signal.precision.ndim == 1:
        return np.abs(signal.prediction) * np.sqrt(signal.precision)
    return np.abs(signal.prediction) / np.sqrt(np.diag(np.linalg.inv(signal.precision)))


def _joint(signal: Signal) -> float:
    b, v = signal.prediction, signal.precision
    return float(np.sqrt((b * v * b).sum() if v.ndim == 1 else b @ v @ b))


def _match(data: xr.Dataset, outcome: str, draw: Draw, signal: Signal) -> tuple[float, float]:
    """By generalised least squares: the multiple of the prediction (and so of θ) and the ω that fit the estimates."""
    rows = np.flatnonzero(data["outcome"].values == outcome)
    estimate, b, v = data["event_estimate"].values[rows], signal.prediction, signal.precision
    without, slope = (np.asarray(event_predictions(data, draw, gap))[rows] for gap in (0.0, 1.0))
    slope = slope - without
    share = float(b @ v @ estimate / (b @ v @ b)) if b.any() else np.nan
    gap = float(slope @ v @ (estimate - without) / (slope @ v @ slope)) if slope.any() else np.nan
    return share, gap


def unknown(data: xr.Dataset, draws: xr.Dataset) -> str:
    """Why the predictions of a model are not known here; empty if they are."""
    missing = [name for name in NEEDED if name not in draws]
    if missing:
        return f"the model has no {', '.join(missing)}"
    if "event_estimate" in data and "event_cell_weight" not in data:
        return "its event study is not predicted in closed form"
    return ""


def sentences(table: pd.DataFrame) -> list[str]:
    """One sentence a block: its power before and after the data, whether it identifies anything, what would match."""
    out = []
    for row in table.to_dict("records"):
        sizes = [
            f"{number(row[f'{group}_row'])} at the {group} ({number(row[f'{group}_joint'])} for all {row['rows']} rows)"
            for group in ("prior", "posterior")
            if f"{group}_row" in row
        ]
        said = f"{row['words']}: in standard errors of its row, the largest prediction is {' and '.join(sizes)}"
        if identifies_nothing(row):
            said += "; the block IDENTIFIES NOTHING of the structure"
            needed = [(row.get("match_share", np.nan), "θ {} times as large"), (row.get("match_gap", np.nan), "ω = {}")]
            if matches := [words.format(f"{value:,.3g}") for value, words in needed if np.isfinite(value)]:
                said += f"; its estimates would be fitted best with {', or with '.join(matches)}"
        out.append(said + ".")
    return out


def identifies_nothing(row: Mapping[Any, Any]) -> bool:
    """No row, and not all rows together, move by a standard error, before the data or after."""
    return all(float(v) < 1 for k, v in row.items() if str(k).endswith(("_row", "_joint")))


def check(post: xr.DataTree) -> Check:
    """Informational where a block identifies nothing; passes where every block has power."""
    groups = {g: post[g].to_dataset() for g in ("prior", "posterior") if g in post.children}
    data = post["constant_data"].to_dataset() if "constant_data" in post.children else xr.Dataset()
    if SECTOR not in data or "posterior" not in groups:
        return Check(NAME, "informational", ("Not known: the run does not hold the inputs of its model.",))
    if why := next((w for w in (unknown(data, g) for g in groups.values()) if w), ""):
        return Check(NAME, "informational", (f"Not known: {why}.",))
    table = power_table(data, groups)
    said = [*sentences(table), *_published(data, groups)]
    verdict: Verdict = "informational" if any(identifies_nothing(r) for r in table.to_dict("records")) else "pass"
    return Check(NAME, verdict, tuple(said), table)


def _published(data: xr.Dataset, groups: Mapping[str, xr.Dataset]) -> list[str]:
    """How the largest effect on TFP that (1) gives compares with the one published for Japan."""
    if "event_estimate" not in data or "tfp" not in data["outcome"].values:
        return []
    posterior = groups["posterior"]
    yearly = []
    for draw in draws_of(data, posterior):
        effect = BLOCKS["tfp"].signal(data, draw).prediction
        yearly.append(np.abs(effect).max())
    largest = float(np.median(yearly))
    if not largest > 0:
        return []
    effect = "The paper's effect on TFP in Japan, 0.5 % a year for one standard deviation of exposure,"
    if largest >= PUBLISHED_TFP:
        return [f"{effect} is within what equation (1) gives here (up to {number(100 * largest)} %)."]
    return [
        f"{effect} is {PUBLISHED_TFP / largest:,.0f} times the largest effect on TFP, in any year, that "
        f"equation (1) gives here ({number(100 * largest)} %). At cost shares of rare earths this small such an effect "
        "comes from something that is not in (1), or is not an effect of rare earths."
    ]
