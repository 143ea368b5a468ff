"""What the parameters of one draw mean for the inputs of a model: prices, knowledge and research that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW, SECTOR, TRADED_SECTOR
from reestim.estimate.event_effects import predicted_effects
from reestim.estimate.relative_price import bundle_price, enhancing_response, knowledge_of
from reestim.estimate.variables import parameters
from reestim.technology import Clock, innovation_passthrough

#: Draws of each group that predictions are made at.
PREDICTED_DRAWS = 100
#: What a model has to state for its predictions to be known here; it may state any other declared parameter beside.
PARAMETERS_NEEDED = ("sigma", "kappa", "spillover", "spillover_gap", "trade_elasticity", *Clock._fields)


@dataclass(frozen=True)
class StructureAtDraw:
    """Parameters of one draw for inputs of a model, and what follows from them for all blocks of evidence."""

    data: xr.Dataset
    values: Mapping[str, Any]
    clock: Clock
    lag_weights: Any
    price: np.ndarray
    knowledge: Any
    enhancing: np.ndarray

    @classmethod
    def of(cls, data: xr.Dataset, values: Mapping[str, Any]) -> StructureAtDraw:
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


def structure_at_draws(data: xr.Dataset, group: xr.Dataset) -> list[StructureAtDraw]:
    """Up to ``PREDICTED_DRAWS`` draws of a group, evenly spread."""
    known = {*PARAMETERS_NEEDED, *parameters()}
    names = [str(n) for n in group.data_vars if n in known]
    flat = group[names].stack(sample=(CHAIN, DRAW), create_index=False)
    some = np.unique(np.linspace(0, flat.sizes["sample"] - 1, PREDICTED_DRAWS).astype(int))
    users = data[SECTOR].values
    out = []
    for k in some:
        one = flat.isel(sample=k)
        if SECTOR in one.dims:
            one = one.sel({SECTOR: users})
        if TRADED_SECTOR in one.dims and TRADED_SECTOR in data.dims:
            one = one.sel({TRADED_SECTOR: data[TRADED_SECTOR].values})
        out.append(StructureAtDraw.of(data, {name: one[name].values for name in names}))
    return out
