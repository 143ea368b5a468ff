"""Chains that are done, on disk: a fit that was killed goes on with the others, and ends with the same bits.

The name of a chain is a hash of everything that its draws follow from: the density (its bits at a point), the settings
of the sampler, the seed, the place of the chain, the versions. A change of any of them makes another name, so that a
chain can neither be mistaken for another's nor be out of date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from reestim import __version__
from reestim.io.attributes import restored, storable
from reestim.io.files import atomic_folder, sha256
from reestim.io.safe_arrays import unsafe_content

if TYPE_CHECKING:
    from reestim.study.spec import Sampler

_DRAWS, _DIGEST = "draws.nc", "sha256"


@dataclass(frozen=True)
class ChainStore:
    """A folder of chains of one fit; ``identity`` is what they have in common."""

    folder: Path
    identity: str

    @classmethod
    def of(
        cls, folder: str | Path, sampler: Sampler, seed: int, density: Callable[[np.ndarray], Any], start: np.ndarray
    ) -> ChainStore:
        """The store of a fit.

        Parameters
        ----------
        folder
            Where it is; made with the first chain.
        sampler, seed
            How the fit is drawn. The number of chains does not matter to a chain.
        density
            Log density and gradient of an unconstrained vector.
        start
            A point where it is finite.
        """
        settings = sampler.model_dump(mode="json", exclude={"chains"})
        value, gradient = density(start)
        digest = hashlib.sha256(json.dumps([settings, seed, __version__, version(sampler.name)]).encode())
        for array in (start, value, gradient):
            digest.update(np.asarray(array, dtype="float64").tobytes())
        return cls(Path(folder), digest.hexdigest()[:24])

    def load(self, index: int) -> xr.DataTree | None:
        """The chain of this index; None where it is not there, damaged, or holds anything but numbers and text."""
        place = self._place(index)
        file = place / _DRAWS
        try:
            if sha256(file) != (place / _DIGEST).read_text("ascii") or unsafe_content(file):
                return None
            return restored(xr.load_datatree(file, engine="h5netcdf"))
        except (OSError, ValueError):
            return None

    def save(self, index: int, chain: xr.DataTree) -> None:
        """Keep a chain, whole or not at all. Raises InputError where the folder cannot be written."""
        with (
            storable(chain.copy()).to_netcdf(engine="h5netcdf") as content,
            atomic_folder(self._place(index)) as hidden,
        ):
            (hidden / _DRAWS).write_bytes(content)
            (hidden / _DIGEST).write_text(sha256(hidden / _DRAWS), "ascii")

    def _place(self, index: int) -> Path:
        return self.folder / f"chain-{self.identity}-{index}"
