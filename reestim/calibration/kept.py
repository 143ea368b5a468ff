"""Fits of simulated datasets on disk: each is kept when it is done, none is done twice, a folder holds one design."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from reestim.errors import InputError, Problem
from reestim.files import strict_json, whole_folder, write_whole

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
        there = json.loads(place.read_text(encoding="utf-8"))
        changed = sorted(k for k in design.keys() | there.keys() if design.get(k) != there.get(k))
        problems = [
            Problem(
                f"the calibration in {folder} was begun otherwise ({key} {there.get(key)!r})",
                "Repeat the command that began it, or name a new folder",
                column=key, value=design.get(key),
            )
            for key in changed
        ]  # fmt: skip
        if problems:
            raise InputError(problems, "the calibration cannot go on there")
        return
    refuse_stranger(folder)
    write_whole(place, json.dumps(design, indent=1, ensure_ascii=False).encode())


def refuse_stranger(folder: Path) -> None:
    """Raise InputError where something else than a calibration is in the folder: before anything is computed."""
    if (folder / _DESIGN).is_file() or not folder.exists():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        advice = "Name a new or an empty folder: nothing is overwritten"
        raise InputError(Problem("the results cannot go there", advice, column="--out", value=str(folder)))


def kept(folder: Path, name: str) -> xr.DataTree | None:
    """The fit of this name, if it was done."""
    place = folder / _FITS / name / "fit.nc"
    if not place.is_file():
        return None
    with xr.open_datatree(place, engine="h5netcdf") as tree:
        return tree.load().copy()


def keep(folder: Path, name: str, draws: xr.Dataset, truth: xr.Dataset, **about: Any) -> xr.DataTree:
    """Keep a fit, whole or not at all: its draws, the truth, and what is to be known of it (JSON values)."""
    tree = xr.DataTree.from_dict({DRAWS: _plain(draws), TRUTH: _plain(truth)})
    tree.attrs = {key: json.dumps(strict_json(value)) for key, value in about.items()}
    with whole_folder(folder / _FITS / name) as hidden:
        tree.to_netcdf(hidden / "fit.nc", engine="h5netcdf")
    return tree


def forget_half_written(folder: Path) -> None:
    """Remove hidden folders that a killed process left behind."""
    for path in (folder / _FITS).glob(".*"):
        shutil.rmtree(path, ignore_errors=True)


def _plain(data: xr.Dataset) -> xr.Dataset:
    """Text coordinates as fixed-length strings, attrs of the machinery dropped."""
    text = {d: data[d].values.astype(str) for d in data.dims if d in data.coords and data[d].dtype.kind == "O"}
    plain = data.assign_coords(text).drop_vars([c for c in data.coords if c not in data.dims])
    plain.attrs = {}
    return plain
