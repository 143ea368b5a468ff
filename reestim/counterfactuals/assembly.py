"""Put the chunks of a sweep together as one Dataset: in memory, or in a zarr folder that is read when it is used.

Chunks arrive in any order and are written to their place, so that at most one is in memory beside the whole; and the
whole is in memory only where no folder was given.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from jaxtyping import Bool

from reestim.dims import CHAIN, DRAW, SCENARIO, TECHNOLOGY, YEAR
from reestim.equilibrium.diagnosis import Reason
from reestim.equilibrium.sweep import DrawSolutions
from reestim.equilibrium.welfare import VARIABLES
from reestim.io.files import atomic_folder

#: One variable of a chunk: names of all dims (chain and draw among them), values over its samples, and attributes.
VariablePart = tuple[tuple[str, ...], np.ndarray, dict[str, Any]]

#: Chunks of draws that share a file of the folder.
_CHUNKS_A_FILE = 4
_FORMAT: dict[str, Any] = {"zarr_format": 3, "consolidated": False}


class Assembly:
    """Arrays over scenario, technology, chain, draw and more, filled chunk by chunk.

    ``coords`` gives the labels of every dimension. What is never put is NaN, False or 0.
    """

    def __init__(self, coords: Mapping[str, Sequence[Any]], folder: Path | None, unit: int) -> None:
        self.coords: dict[str, Sequence[Any]] = dict(coords)
        self.unit = unit
        self.arrays: dict[str, Any] = {}
        self.about: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {}
        self.group: zarr.Group | None = None
        if folder is not None:
            xr.Dataset(coords=self.coords).to_zarr(folder, mode="w", **_FORMAT)
            self.group = zarr.open_group(folder, mode="r+", use_consolidated=False)

    def insert(self, name: str, part: VariablePart, ahead: Mapping[str, int], first: int) -> None:
        """Values (sample, ...) of a variable whose samples begin with number ``first``; samples run through the draws
        of one chain, then of the next. ``ahead`` says at which scenario and technology."""
        dims, values, attrs = part
        if name not in self.arrays:
            self.arrays[name] = self._created(name, dims, values.dtype, attrs)
            self.about[name] = (dims, attrs)
        place = [ahead.get(dim, slice(None)) for dim in dims]
        chain, draw = dims.index(CHAIN), dims.index(DRAW)
        for c, draws, own in self._by_chain(first, len(values)):
            place[chain], place[draw] = c, draws
            self.arrays[name][tuple(place)] = values[own]

    def _by_chain(self, first: int, count: int) -> Iterator[tuple[int, slice, slice]]:
        """(chain, its draws, which of the samples) for samples ``first`` to ``first + count``."""
        per_chain = len(self.coords[DRAW])
        at = first
        while at < first + count:
            chain, draw = divmod(at, per_chain)
            size = min(per_chain - draw, first + count - at)
            yield chain, slice(draw, draw + size), slice(at - first, at - first + size)
            at += size

    def _created(self, name: str, dims: tuple[str, ...], dtype: np.dtype, attrs: dict[str, Any]) -> Any:
        shape = tuple(len(self.coords[dim]) for dim in dims)
        empty = np.nan if dtype.kind == "f" else dtype.type(0)
        if self.group is None:
            return np.full(shape, empty, dtype)
        whole = dims[dims.index(DRAW) + 1 :]
        draws = min(len(self.coords[DRAW]), _CHUNKS_A_FILE * self.unit)
        chunks = tuple(n if dim in whole else draws if dim == DRAW else 1 for dim, n in zip(dims, shape, strict=True))
        return self.group.create_array(
            name, shape=shape, chunks=chunks, dtype=dtype, fill_value=empty, dimension_names=dims, attributes=attrs
        )

    def dataset(self) -> xr.Dataset:
        """What was put in memory."""
        return xr.Dataset(
            {name: (dims, self.arrays[name], attrs) for name, (dims, attrs) in self.about.items()}, coords=self.coords
        )


def to_variables(part: DrawSolutions, feasible: Bool[np.ndarray, " draw"], transition: bool) -> dict[str, VariablePart]:
    """The variables of one chunk of draws; those unsolved, or outside the interior, are NaN."""
    ahead, suffix = (
        ((SCENARIO, CHAIN, DRAW, YEAR), "_path") if transition else ((SCENARIO, TECHNOLOGY, CHAIN, DRAW), "")
    )
    feasible = feasible.reshape(-1, *[1] * (part.solved.ndim - 1))
    solved = part.solved & feasible
    data = {}
    for name, found in part.outcomes.items():
        dims, long_name, unit = VARIABLES[name]
        values = np.where(solved.reshape(*solved.shape, *[1] * len(dims)), found, np.nan)
        data[name + suffix] = ((*ahead, *dims), values, {"long_name": long_name, "units": unit})
    codes, meanings = [int(why) for why in Reason], "; ".join(why.meaning for why in Reason)
    status = {
        "solved": (solved, {"long_name": "equilibrium found within the tolerance"}),
        "reason": (
            np.where(feasible, part.reason, Reason.OUTSIDE),
            {"long_name": "why unsolved", "flag_values": codes, "flag_meanings": meanings},
        ),
        "residual": (part.residual, {"long_name": "largest relative residual of all equations"}),
        "steps": (part.steps, {"long_name": "solver steps"}),
    }
    return data | {name + suffix: (ahead, values, attrs) for name, (values, attrs) in status.items()}


@contextmanager
def assembly_in(coords: Mapping[str, Sequence[Any]], place: Path | None, unit: int) -> Generator[Assembly]:
    """An assembly to fill: in memory, or with ``place`` in a hidden folder that is renamed to it when complete.

    Raises InputError where the folder cannot be written.
    """
    if place is None:
        yield Assembly(coords, None, unit)
        return
    with atomic_folder(place) as hidden:
        yield Assembly(coords, hidden, unit)


def open_assembly(place: Path) -> xr.Dataset:
    """An assembly on disk; each variable is read when it is used."""
    return xr.open_zarr(place, chunks=None, consolidated=False)
