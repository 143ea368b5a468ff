"""The power of every block of evidence: what the structure predicts of it, over the error with which it is known.

A row whose predicted movement is smaller than its standard error cannot tell one value of a parameter from another. A
block in which this holds of all rows, and of all of them together, identifies nothing: the posterior of what it speaks
about is the prior. Everything here is a prediction, at draws of the prior and of the posterior; the values observed do
not enter, but where it is asked how large θ or ω would have to be to match them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.protocol import Check, Verdict
from reestim.dims import CHAIN, COUNTRY, DRAW, LABEL, SECTOR, TRADED_SECTOR, YEAR
from reestim.estimate.event_effects import predicted_effects
from reestim.estimate.ree_use import expected_change
from reestim.estimate.relative_price import (
    bundle_price,
    enhancing_response,
    in_years_of_patents,
    knowledge_of,
)
from reestim.results.format import number
from reestim.technology import Clock, innovation_passthrough

NAME = "power"
#: What Alfaro, Fadinger, Schymik and Virananda (2025) find for Japan: growth of TFP, log points a year, for one standard
#: deviation of exposure.
PUBLISHED_TFP = 0.005
#: Draws of each group that predictions are made at.
DRAWS = 100
#: What a model has to state for its predictions to be known here.
NEEDED = ("sigma", "kappa", "spillover", "spillover_gap", "trade_elasticity")


class Signal(NamedTuple):
    """A prediction (row) and the inverse covariance with which rows are known (row, row), or its diagonal (row,)."""

    prediction: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True)
class Block:
    """A block of evidence: its name in words, its first array in the inputs, and how it is predicted at a draw."""

    words: str
    array: str
    signal: Callable[[xr.Dataset, Draw], Signal]


@dataclass(frozen=True)
class Draw:
    """Parameters of one draw, and what follows from them for all blocks."""

    values: Mapping[str, Any]
    clock: Clock
    lag_weights: Any
    price: np.ndarray
    knowledge: Any
    enhancing: np.ndarray

    @classmethod
    def of(cls, data: xr.Dataset, values: Mapping[str, Any]) -> Draw:
        """What a draw (names and arrays) means for inputs of a model."""
        m = innovation_passthrough(values["sigma"], values["kappa"], values["spillover"])
        clock = Clock(*(values[name] for name in Clock._fields))
        weights = values.get("lag_weights")
        q = bundle_price(data, values.get("element_elasticity"), np)
        knowledge = knowledge_of(data, q, m, clock, weights, xp=np)
        f = enhancing_response(data, q, m, knowledge, clock, weights, xp=np)
        return cls({**values, "m": m}, clock, weights, q, knowledge, np.asarray(f))


def _events(outcome: str) -> Callable[[xr.Dataset, Draw], Signal]:
    def signal(data: xr.Dataset, draw: Draw) -> Signal:
        rows = np.flatnonzero(data["outcome"].values == outcome)
        effects = np.asarray(_effects(data, draw, draw.values["spillover_gap"]))[rows]
        covariance = data["event_covariance"].transpose("effect", "effect_other").values[np.ix_(rows, rows)]
        return Signal(effects, np.linalg.inv(covariance))

    return signal


def _effects(data: xr.Dataset, draw: Draw, gap: Any) -> Any:
    v = draw.values
    return predicted_effects(
        data, draw.price, draw.knowledge, draw.enhancing, v["kappa"], v["spillover"], gap, v["trade_elasticity"], xp=np
    )


def _use(data: xr.Dataset, draw: Draw) -> Signal:
    v, none = draw.values, np.zeros(data.sizes["use_price_point"])
    mean = expected_change(data, v["sigma"], v["m"], v["spillover"], draw.clock, draw.lag_weights, none, xp=np)
    error = v["ree_use_noise"] * np.sqrt(data["use_years"].values.astype(float))
    return Signal(np.asarray(mean), error**-2.0)


def _patents(data: xr.Dataset, draw: Draw) -> Signal:
    """Rows: country-sectors. The movement of the log odds of ``enhancing`` around its mean over years and over the
    units of a year, and what noisy, overdispersed counts know of them (the information of equation 13)."""
    counts = data["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL).values.astype(float)
    confusion = np.asarray(draw.values.get("confusion", np.eye(4)))
    while confusion.ndim > 2:  # errors that vary by group: their mean
        confusion = confusion.mean(axis=0)
    labels = counts.sum(axis=(0, 1, 2)) / counts.sum()
    true = np.clip(np.linalg.lstsq(confusion.T, labels, rcond=None)[0], 1e-3, None)
    true = true / true.sum()
    seen = true @ confusion
    enhancing = data["patent_count"][LABEL].values.tolist().index("enhancing")
    each = true[enhancing] ** 2 * ((confusion[enhancing] - seen) ** 2 / seen).sum()
    n, phi = counts.sum(axis=-1), draw.values["concentration"]
    known = each * n * (1 + phi) / np.maximum(n + phi, 1e-300)
    f = np.asarray(in_years_of_patents(data, draw.enhancing))
    f = f - f.mean(axis=2, keepdims=True)
    f = f - f.mean(axis=(0, 1), keepdims=True)
    return Signal(np.sqrt((known * f**2).sum(axis=2)).ravel(), np.ones(f.shape[0] * f.shape[1]))


BLOCKS = {
    "patents": Block("patents", "patent_count", _patents),
    "exports": Block("event study of exports", "event_estimate", _events("exports")),
    "tfp": Block("event study of TFP", "event_estimate", _events("tfp")),
    "event_patents": Block("event study of patents", "event_estimate", _events("patents")),
    "ree_use": Block("use of rare earths", "use_share_change", _use),
}


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
            found = [(draw, block.signal(data, draw)) for draw in _draws(data, draws)]
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
    without, slope = (np.asarray(_effects(data, draw, gap))[rows] for gap in (0.0, 1.0))
    slope = slope - without
    share = float(b @ v @ estimate / (b @ v @ b)) if b.any() else np.nan
    gap = float(slope @ v @ (estimate - without) / (slope @ v @ slope)) if slope.any() else np.nan
    return share, gap


def _draws(data: xr.Dataset, group: xr.Dataset) -> list[Draw]:
    names = [str(n) for n in group.data_vars if n in (*NEEDED, *_OPTIONAL)]
    flat = group[names].stack(sample=(CHAIN, DRAW), create_index=False)
    some = np.unique(np.linspace(0, flat.sizes["sample"] - 1, DRAWS).astype(int))
    users = data[SECTOR].values
    out = []
    for k in some:
        one = flat.isel(sample=k)
        if SECTOR in one.dims:
            one = one.sel({SECTOR: users})
        if TRADED_SECTOR in one.dims and TRADED_SECTOR in data.dims:
            one = one.sel({TRADED_SECTOR: data[TRADED_SECTOR].values})
        out.append(Draw.of(data, {name: one[name].values for name in names}))
    return out


_OPTIONAL = (*Clock._fields, "element_elasticity", "lag_weights", "ree_use_noise", "concentration", "confusion")


def unknown(data: xr.Dataset, draws: xr.Dataset) -> str:
    """Why the predictions of a model are not known here; empty if they are."""
    missing = [name for name in (*NEEDED, *Clock._fields) if name not in draws]
    if missing:
        return f"the model has no {', '.join(missing)}"
    if "event_estimate" in data and "event_cell_weight" not in data:
        return "its event study is not predicted in closed form"
    return ""


def sentences(table: pd.DataFrame) -> list[str]:
    """One sentence a block: its power before and after the data, whether it identifies anything, what would match."""
    out = []
    for row in table.to_dict("records"):
        shown = [g for g in ("prior", "posterior") if f"{g}_row" in row]
        sizes = ", ".join(f"{number(row[f'{g}_row'])} at the {g}" for g in shown)
        joint = ", ".join(number(row[f"{g}_joint"]) for g in shown)
        said = f"{row['words']}: the largest prediction is {sizes} standard errors of its row (all {row['rows']} rows: {joint})"
        if identifies_nothing(row):
            said += "; the block IDENTIFIES NOTHING of the structure"
            if np.isfinite(row["match_share"]):
                said += f"; its estimates fit best if θ were {number(row['match_share'])} times as large"
            if np.isfinite(row["match_gap"]):
                said += f", or with ω = {number(row['match_gap'])}"
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
    for draw in _draws(data, posterior):
        effect = BLOCKS["tfp"].signal(data, draw).prediction
        yearly.append(np.abs(effect).max())
    largest = float(np.median(yearly))
    if not largest > 0:
        return []
    return [
        "The paper's effect on TFP in Japan is 0.5 % a year for one standard deviation of exposure. The largest effect on "
        f"the level of TFP in any year that equation (1) gives here is {number(100 * largest)} %, less than a "
        f"{number(PUBLISHED_TFP / largest)}th of one year of it: at cost shares of rare earths this small, such effects "
        "come from something that is not in (1), or are not effects of rare earths."
        if largest < PUBLISHED_TFP
        else "The paper's effect on TFP in Japan, 0.5 % a year for one standard deviation of exposure, is within what "
        f"equation (1) gives here (up to {number(100 * largest)} %)."
    ]
