"""What the structure predicts of each block of evidence at one draw, and how well the rows of the block are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, COUNTRY, DRAW, LABEL, SECTOR, TRADED_SECTOR, YEAR
from reestim.estimate.event_effects import predicted_effects
from reestim.estimate.ree_use import expected_change
from reestim.estimate.relative_price import bundle_price, enhancing_response, in_years_of_patents, knowledge_of
from reestim.estimate.use_noise import covariance, noise_structure
from reestim.evidence.published_moments import predicted_moments
from reestim.technology import Clock, innovation_passthrough, long_run_elasticity

#: The outcome of the event study that counts patents.
PATENTS = "patents"
#: Draws of each group that predictions are made at.
DRAWS = 100
#: What a model has to state for its predictions to be known here, and what it may state beside.
NEEDED = ("sigma", "kappa", "spillover", "spillover_gap", "trade_elasticity", *Clock._fields)
_OPTIONAL = (
    "impact_ratio",
    "element_elasticity",
    "lag_weights",
    "ree_use_noise",
    "ree_use_common",
    "concentration",
    "confusion",
)


class Signal(NamedTuple):
    """A prediction (row), the standard error of each row by itself (row), and the inverse of the covariance with which
    rows are known (row, row), or its diagonal (row,)."""

    prediction: np.ndarray
    error: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True)
class Block:
    """A block of evidence: its name in words, its first array in the inputs, how it is predicted at a draw, and of the
    event study the outcome."""

    words: str
    array: str
    signal: Callable[[Draw], Signal]
    outcome: str = ""

    def is_in(self, data: xr.Dataset) -> bool:
        """Whether inputs of a model hold the block."""
        return self.array in data and (not self.outcome or self.outcome in data["outcome"].values)


@dataclass(frozen=True)
class Draw:
    """Parameters of one draw for inputs of a model, and what follows from them for all blocks."""

    data: xr.Dataset
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
        return cls(data, {**values, "m": m}, clock, weights, q, knowledge, np.asarray(f))

    @cached_property
    def effects(self) -> tuple[np.ndarray, np.ndarray]:
        """The event study that the structure predicts without gap (effect), and what one unit of ω adds (effect)."""
        v = self.values
        at = (self.data, self.price, self.knowledge, self.enhancing, v["kappa"], v["spillover"])
        without, with_one = (
            np.asarray(predicted_effects(*at, gap, v["trade_elasticity"], xp=np)) for gap in (0.0, 1.0)
        )
        return without, with_one - without


def _events(words: str, outcome: str) -> Block:
    def signal(draw: Draw) -> Signal:
        data = draw.data
        rows = np.flatnonzero(data["outcome"].values == outcome)
        without, of_gap = draw.effects
        effects = (without + draw.values["spillover_gap"] * of_gap)[rows]
        covariance = data["event_covariance"].transpose("effect", "effect_other").values[np.ix_(rows, rows)]
        return Signal(effects, np.sqrt(np.diag(covariance)), np.linalg.inv(covariance))

    return Block(f"event study of {words}", "event_estimate", signal, outcome)


def _use(draw: Draw) -> Signal:
    data, v = draw.data, draw.values
    none = np.zeros(data.sizes["use_price_point"])
    mean = expected_change(data, v["sigma"], v["m"], v["spillover"], draw.clock, draw.lag_weights, none, xp=np)
    between = covariance(noise_structure(data), float(v["ree_use_noise"]), float(v.get("ree_use_common", 0.0)))
    return Signal(np.asarray(mean), np.sqrt(np.diag(between)), np.linalg.inv(between))


def _patents(draw: Draw) -> Signal:
    """Rows: country-sectors. The movement of the log odds of ``enhancing`` around its mean over years and over the
    units of a year, and what noisy, overdispersed counts know of them (the information of equation 13)."""
    data = draw.data
    counts = data["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL).values.astype(float)
    confusion = np.asarray(draw.values.get("confusion", np.eye(4)))
    labels = counts.sum(axis=(0, 1, 2)) / counts.sum()
    true = np.clip(np.linalg.lstsq(confusion.T, labels, rcond=None)[0], 1e-3, None)
    true = true / true.sum()
    seen = true @ confusion
    enhancing = data["patent_count"][LABEL].values.tolist().index("enhancing")
    each = true[enhancing] ** 2 * ((confusion[enhancing] - seen) ** 2 / seen).sum()
    n, phi = counts.sum(axis=-1), draw.values["concentration"]
    information = each * n * (1 + phi) / np.maximum(n + phi, 1e-300)
    f = np.asarray(in_years_of_patents(data, draw.enhancing))
    f = f - f.mean(axis=2, keepdims=True)
    f = f - f.mean(axis=(0, 1), keepdims=True)
    moved = np.sqrt((information * f**2).sum(axis=2)).ravel()  # in standard errors already
    return Signal(moved, np.ones_like(moved), np.ones_like(moved))


def _moments(draw: Draw) -> Signal:
    data, v = draw.data, draw.values
    long_run = long_run_elasticity(v["sigma"], v["kappa"], v["spillover"])
    error = data["moment_error"].values
    return Signal(predicted_moments(data, v["sigma"], long_run, v["impact_ratio"]), error, error**-2.0)


BLOCKS = {
    "patents": Block("patents", "patent_count", _patents),
    "exports": _events("exports", "exports"),
    "tfp": _events("TFP", "tfp"),
    "event_patents": _events("patents", PATENTS),
    "ree_use": Block("use of rare earths", "use_share_change", _use),
    "published_moments": Block("published elasticities", "moment_estimate", _moments),
}


def draws_of(data: xr.Dataset, group: xr.Dataset) -> list[Draw]:
    """Up to ``DRAWS`` draws of a group, evenly spread."""
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
