"""The power of every block of evidence: what the structure predicts of it, over the error with which it is known.

A row whose predicted movement is smaller than its standard error cannot tell one value of a parameter from another. A
block in which this holds of all rows, and of all of them together, identifies nothing: the posterior of what it speaks
about is the prior. Everything here is a prediction, at draws of the prior and of the posterior; the values observed do
not enter, but where it is asked how large θ or ω would have to be to match them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.protocol import Check, Verdict
from reestim.dims import SECTOR
from reestim.estimate import kinds
from reestim.estimate.kinds.signal import Signal
from reestim.estimate.structure import PARAMETERS_NEEDED, StructureAtDraw, structure_at_draws
from reestim.results.format import number

NAME = "power"
#: What Alfaro, Fadinger, Schymik and Virananda (2025) find for Japan: growth of TFP, log points a year, for one
#: standard deviation of exposure.
PUBLISHED_TFP = 0.005
_POSTERIOR = "posterior"
_OF_EVENTS = ("match_share", "match_gap", "largest_effect")


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
        event study, at draws of the posterior, ``match_share`` (how many times θ would have to be larger for the
        prediction to fit the estimates; negative: the other sign) and ``match_gap`` (the ω that would) and
        ``largest_effect`` (largest |prediction| of a row, log points); nan elsewhere and before the data.
    """
    drawn = {group: structure_at_draws(data, draws) for group, draws in groups.items()}
    rows = []
    for block in kinds.blocks():
        if not block.is_in(data):
            continue
        row: dict[str, Any] = {
            "block": block.name,
            "words": block.words,
            "rows": 0,
            **dict.fromkeys(_OF_EVENTS, np.nan),
        }
        seen = {group: [block.signal(draw) for draw in draws] for group, draws in drawn.items()}
        for group, signals in seen.items():
            row["rows"] = len(signals[0].prediction)
            row[f"{group}_row"] = _median(np.abs(s.prediction / s.error).max() for s in signals)
            row[f"{group}_joint"] = _median(map(_joint, signals))
        if block.outcome not in ("", "patents") and _POSTERIOR in seen:
            pairs = zip(drawn[_POSTERIOR], seen[_POSTERIOR], strict=True)
            matches = [_match(block.outcome, *pair) for pair in pairs]
            largest = _median(np.abs(s.prediction).max() for s in seen[_POSTERIOR])
            row |= zip(_OF_EVENTS, (*np.nanmedian(matches, axis=0).tolist(), largest), strict=True)
        rows.append(row)
    return pd.DataFrame(rows)


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))


def _joint(signal: Signal) -> float:
    """√(β′V⁻¹β)."""
    b, v = signal.prediction, signal.precision
    return float(np.sqrt((b * v * b).sum() if v.ndim == 1 else b @ v @ b))


def _match(outcome: str, draw: StructureAtDraw, signal: Signal) -> tuple[float, float]:
    """By generalised least squares: the multiple of the prediction (and so of θ) and the ω that fit the estimates."""
    data = draw.data
    rows = np.flatnonzero(data["outcome"].values == outcome)
    estimate, b, v = data["event_estimate"].values[rows], signal.prediction, signal.precision
    without, slope = (effects[rows] for effects in draw.effects)
    share = float(b @ v @ estimate / (b @ v @ b)) if b.any() else np.nan
    gap = float(slope @ v @ (estimate - without) / (slope @ v @ slope)) if slope.any() else np.nan
    return share, gap


def unknown(data: xr.Dataset, draws: xr.Dataset) -> str:
    """Why the predictions of a model are not known here; empty if they are."""
    missing = [name for name in PARAMETERS_NEEDED if name not in draws]
    if missing:
        return f"the model has no {', '.join(missing)}"
    if "use_share_change" in data and "use_cell" not in data:
        return "the run was made before series of one use were told apart; fit it again"
    if "event_estimate" in data and "event_cell_weight" not in data:
        return "its event study is not predicted in closed form"
    return ""


def sentences(table: pd.DataFrame) -> list[str]:
    """One sentence a block, those that identify nothing first: power before and after the data, what would match."""
    out = []
    for row in sorted(table.to_dict("records"), key=lambda row: not identifies_nothing(row)):
        sizes = [
            f"{number(row[f'{group}_row'])} at the {group} ({number(row[f'{group}_joint'])} for all {row['rows']} rows)"
            for group in ("prior", "posterior")
            if f"{group}_row" in row
        ]
        sentence = f"{row['words']}: in standard errors of its row, the largest prediction is {' and '.join(sizes)}"
        if identifies_nothing(row):
            sentence += "; the block IDENTIFIES NOTHING of the structure"
            needed = [(row["match_share"], "θ {} times as large"), (row["match_gap"], "ω = {}")]
            if matches := [words.format(_two_digits(value)) for value, words in needed if np.isfinite(value)]:
                sentence += f"; at the posterior its estimates would be fitted best with {', or with '.join(matches)}"
        out.append(sentence + ".")
    posterior = table.loc[table["block"] == "tfp"] if "posterior_row" in table else table.iloc[:0]
    return out + [line for largest in posterior["largest_effect"] for line in _published(float(largest))]


def _two_digits(value: float) -> str:
    return number(float(f"{value:.2g}"), 0)


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
    verdict: Verdict = "informational" if any(identifies_nothing(r) for r in table.to_dict("records")) else "pass"
    return Check(NAME, verdict, tuple(sentences(table)), table)


def _published(largest: float) -> list[str]:
    """How the largest effect on TFP that (1) gives compares with the one published for Japan."""
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
