"""Everything that varies over the draws, and the points at which some of it is known and the rest drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from reestim.counterfactuals.inputs import SAMPLE, DrawnInputs
from reestim.equilibrium.parameters import Parameters
from reestim.numerics.normal_copula import NormalCopula


class Varying:
    """Everything that varies over the draws: components of the parameters, by name, and inputs."""

    def __init__(self, parameters: Parameters, used: Sequence[str], inputs: DrawnInputs | None) -> None:
        self.parameters, self.inputs = parameters, inputs
        self.cells = {name: _flat(getattr(parameters, name)) for name in used}
        self.varies = {name: np.isfinite(v).all(0) & (np.ptp(v, axis=0) > 0) for name, v in self.cells.items()}
        self.names = [name for name in used if self.varies[name].any()]
        self.sources: list[str] = self.names + ([] if inputs is None else inputs.sources)
        of = [np.full(int(self.varies[name].sum()), k) for k, name in enumerate(self.names)]
        self.member: Int[np.ndarray, " component"] = np.concatenate(of) if of else np.zeros(0, int)
        values = [self.cells[name][:, self.varies[name]] for name in self.names]
        self.copula = NormalCopula(np.concatenate(values, axis=1)) if values else None

    def stages(
        self,
        players: Sequence[str],
        chosen: Int[np.ndarray, " draw"],
        orders: Int[np.ndarray, "draw source"],
        rng: np.random.Generator,
    ) -> tuple[Parameters, DrawnInputs | None]:
        """All stages but the last of every chosen draw: the first k sources of its order its own, others drawn anew."""
        depth = len(players)
        own = np.array([[np.isin(range(depth), order[:k]) for k in range(depth)] for order in orders])
        own = own.reshape(-1, depth)  # (point, player)
        place = np.repeat(chosen, depth)
        return self._parameters(players, own, place, rng), self._inputs(players, own, place)

    def _parameters(
        self, players: Sequence[str], known: np.ndarray, place: np.ndarray, rng: np.random.Generator
    ) -> Parameters:
        values: dict[str, Any] = {name: getattr(self.parameters, name) for name in Parameters.names()}
        drawn = np.zeros((len(place), len(self.member)))
        if self.copula is not None:
            player = np.array([players.index(name) if name in players else -1 for name in self.names])[self.member]
            noise = np.repeat(rng.standard_normal((len(np.unique(place)), len(self.member))), len(players), axis=0)
            for point, row in enumerate(place):
                fixed = (player >= 0) & known[point, np.maximum(player, 0)]
                drawn[point] = self.copula.redraw(int(row), fixed, noise[point])
        for name, cells in self.cells.items():
            flat = cells[place]
            if name in self.names:
                flat[:, self.varies[name]] = drawn[:, self.member == self.names.index(name)]
            value = values[name]
            own = value.isel({SAMPLE: 0}, drop=True)
            points = flat.reshape(len(place), *own.shape)
            values[name] = xr.DataArray(points, own.coords, (SAMPLE, *own.dims))
        return Parameters(**values)

    def _inputs(self, players: Sequence[str], known: np.ndarray, place: np.ndarray) -> DrawnInputs | None:
        if self.inputs is None:
            return None
        anew = {name: (~known[:, players.index(name)]).astype(int) for name in self.inputs.sources}
        chain, draw = self.inputs.chain[place], self.inputs.draw[place]
        return DrawnInputs(self.inputs.economy, self.inputs.seed, chain, draw, anew)


def _flat(value: xr.DataArray) -> Float[np.ndarray, "draw cell"]:
    """A parameter's values, a column for each combination of its labels."""
    own = [dim for dim in value.dims if dim != SAMPLE]
    return value.transpose(SAMPLE, *own).values.reshape(value.sizes[SAMPLE], -1).astype(float)
