"""Chunks of solved draws on disk: what is finished is read back, never computed twice.

A chunk is a zarr group whose name is a hash of everything that its numbers follow from (baseline, policies, draws,
tolerance, results asked for, versions): a change of any of them makes another name, so that a chunk can neither be
mistaken for another's nor be out of date. It is written beside its place and renamed when whole: a process killed at
any moment leaves whole chunks, and at most a hidden folder that nobody reads.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from reestim import __version__
from reestim.equilibrium.sweep import DrawSolutions
from reestim.io.files import atomic_folder
from reestim.io.safe_arrays import is_safe_zarr

_STATUS = ("solved", "residual", "steps", "reason")


def fingerprint(*inputs: Any) -> str:
    """Hash of arrays (in any nesting of tuples and dicts), numbers and texts, and of the versions that compute."""
    digest = hashlib.sha256(f"{__version__} {jax.__version__}".encode())
    leaves, shape = jax.tree.flatten(inputs)
    digest.update(str(shape).encode())
    for leaf in leaves:
        array = np.asarray(leaf)
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def load_chunk(folder: Path, name: str) -> DrawSolutions | None:
    """The chunk of this name as it was written; None where there is none, or it is damaged or not ours."""
    place = folder / f"{name}.zarr"
    return _read(place) if place.is_dir() and is_safe_zarr(place) else None


def save_chunk(folder: Path, name: str, found: DrawSolutions) -> None:
    """Write a chunk, whole or not at all. Raises InputError where the folder cannot be written."""
    with atomic_folder(folder / f"{name}.zarr") as hidden:
        arrays = found.outcomes | {key: getattr(found, key) for key in _STATUS}
        ds = xr.Dataset({key: (_dims(value), value) for key, value in arrays.items()})
        ds.attrs = {"sha256": _digest(ds)}
        ds.to_zarr(hidden, mode="w", consolidated=False, zarr_format=3)


def _read(place: Path) -> DrawSolutions | None:
    try:
        ds = xr.open_zarr(place, consolidated=False, zarr_format=3, chunks=None).load()
    except Exception:  # zarr raises many kinds for what it did not write
        return None
    if ds.attrs.get("sha256") != _digest(ds):  # zarr takes a block that is missing for empty cells
        return None
    values = {str(name): ds[name].values for name in ds.data_vars}
    status = {key: values.pop(key) for key in _STATUS}
    return DrawSolutions(values, **status)


def _digest(ds: xr.Dataset) -> str:
    return fingerprint({str(name): ds[name].values for name in ds.data_vars})


def _dims(value: np.ndarray) -> tuple[str, ...]:
    """Names of axes, equal only where lengths are: labels are put on later, for all chunks at once."""
    return tuple(f"axis{k}_{length}" for k, length in enumerate(value.shape))
