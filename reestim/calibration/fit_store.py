"""Fits of simulated datasets on disk: each is kept when it is done, none is done twice, a folder holds one design."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from reestim.dims import DRAW
from reestim.errors import InputError, Problem, in_one_line
from reestim.io.attributes import restored, storable
from reestim.io.files import atomic_folder, atomic_write, bytes_of, strict_json
from reestim.io.places import is_free
from reestim.io.safe_arrays import unsafe_content
from reestim.runs.record import RunRecord

#: Groups of a kept fit: the posterior draws that a truth is ranked among, and the truth that data were simulated from.
DRAWS, TRUTH = "draws", "truth"
_DESIGN = "design.json"
_FITS = "simulations"


def begin(folder: Path, design: Mapping[str, Any]) -> None:
    """Begin a calibration in ``folder``, or go on with the one that is there.

    Raises InputError where the folder holds something else, naming what differs from the calibration in it.
    """
    design = strict_json(design)
    place = folder / _DESIGN
    if place.is_file():
        there = _read_design(place)
        changed = sorted(k for k in design.keys() | there.keys() if design.get(k) != there.get(k))
        problems = [
            Problem(
                f"the calibration in {folder} was begun otherwise ({key} {there.get(key)!r})",
                "Repeat the command that began it, or name a new folder",
                column=key,
                value=design.get(key),
            )
            for key in changed
        ]
        if problems:
            raise InputError(problems, "the calibration cannot go on there")
        return
    refuse_stranger(folder)
    atomic_write(place, json.dumps(design, indent=1, ensure_ascii=False).encode())


def _read_design(place: Path) -> dict[str, Any]:
    try:
        there = json.loads(bytes_of(place))
    except (OSError, ValueError, RecursionError):
        there = None
    if not isinstance(there, dict):
        advice = "Restore the file, or name a new folder"
        raise InputError(Problem(f"{_DESIGN} is not as REEstim writes it", advice, value=str(place)))
    return there


def refuse_stranger(folder: Path) -> None:
    """Raise InputError where something else than a calibration is in the folder: before anything is computed."""
    if not (folder / _DESIGN).is_file() and not is_free(folder):
        advice = "Name a new or an empty folder: nothing is overwritten"
        raise InputError(Problem("the results cannot go there", advice, column="--out", value=str(folder)))


def load_fit(folder: Path, name: str) -> xr.DataTree | None:
    """The fit of this name, if it was done. Raises InputError for one that is damaged or that no REEstim wrote."""
    place = folder / _FITS / name / "fit.nc"
    if not place.is_file():
        return None
    strange = unsafe_content(place)
    try:
        tree = None if strange else restored(xr.load_datatree(place, engine="h5netcdf"))
    except Exception as error:  # the libraries below raise many kinds for what no library wrote
        tree, strange = None, in_one_line(error)
    if tree is not None:
        strange = _strange(tree)
    if strange:
        advice = f"Remove {place.parent}: the same command fits that dataset again"
        raise InputError(Problem(f"a kept fit cannot be read ({strange})", advice, value=name))
    return tree


def kept_fits(folder: Path) -> list[xr.DataTree]:
    """All fits that are done in the folder of a calibration, in order."""
    names = sorted(path.name for path in (folder / _FITS).glob("[!.]*") if path.is_dir())
    return [tree for name in names if (tree := load_fit(folder, name)) is not None]


def _strange(tree: xr.DataTree) -> str:
    """What keeps a tree from being a kept fit; empty if nothing does."""
    if not {DRAWS, TRUTH} <= set(tree.children):
        return "groups are missing"
    draws, truth = (tree[group].to_dataset() for group in (DRAWS, TRUTH))
    for dim in truth.dims:
        labels = [item[dim].values.tolist() for item in (draws, truth) if dim in item.coords]
        if len(labels) == 1 or any(len(set(one)) < len(one) or one != labels[0] for one in labels):
            return f"the labels of {dim} are repeated, or not those of the truth"
    for name in truth.data_vars:
        if name not in draws:
            return f"{name} has no draws"
        if set(draws[name].dims) != {DRAW, *truth[name].dims}:
            return f"{name} has other dimensions than its truth"
        if any(item[name].dtype.kind not in "iufb" or np.isinf(item[name].values).any() for item in (draws, truth)):
            return f"{name} is not made of finite numbers"
    try:
        verdict = RunRecord.of(tree).gates
    except InputError:
        verdict = None
    return "the verdict of its gates is missing" if verdict is None else ""


def save_fit(folder: Path, name: str, draws: xr.Dataset, truth: xr.Dataset, record: RunRecord) -> xr.DataTree:
    """Keep a fit, whole or not at all: its draws, the truth, and what is known of it (its gates, the time it took)."""
    tree = record.attached(xr.DataTree.from_dict({DRAWS: _plain(draws), TRUTH: _plain(truth)}))
    with atomic_folder(folder / _FITS / name) as hidden:
        storable(tree).to_netcdf(hidden / "fit.nc", engine="h5netcdf")
    return tree


def remove_partial_fits(folder: Path) -> None:
    """Remove hidden folders that a killed process left behind."""
    for path in (folder / _FITS).glob(".*"):
        shutil.rmtree(path, ignore_errors=True)


def _plain(data: xr.Dataset) -> xr.Dataset:
    """Text coordinates as fixed-length strings, attrs of the machinery dropped."""
    text = {d: data[d].values.astype(str) for d in data.dims if d in data.coords and data[d].dtype.kind == "O"}
    plain = data.assign_coords(text).reset_coords(drop=True)
    plain.attrs = {}
    return plain
