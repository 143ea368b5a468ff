"""Results go where they were told to: behind links, into working directories, mount points and locked parents."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.io import places
from reestim.io.files import atomic_folder, exclusive_lock
from reestim.runs.store import place_problems


def run(kappa: float) -> xr.DataTree:
    posterior = xr.Dataset({"kappa": (("chain", "draw"), np.full((2, 4), kappa))})
    return xr.DataTree.from_dict({"posterior": posterior})


def kappa_of(path: str | Path) -> float:
    return float(ree.load(path)["posterior"]["kappa"][0, 0])


def save_twice(path: str | Path) -> None:
    """A new run, then another in its place; nothing hidden stays."""
    ree.save(run(1.0), path)
    with exclusive_lock(Path(path)):
        ree.save(run(2.0), path, overwrite=True)
    assert kappa_of(path) == 2.0
    place = Path(path).resolve()
    assert sorted(p.name for p in place.iterdir()) == ["posterior.nc", "run.json"]
    assert [p.name for p in place.parent.iterdir() if p.name.startswith(".")] == []


def test_the_run_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "big").symlink_to(tmp_path / "disk" / "big")
    save_twice(tmp_path / "big")
    assert (tmp_path / "big").is_symlink()
    assert kappa_of(tmp_path / "disk" / "big") == 2.0
    (tmp_path / "lost").symlink_to(tmp_path / "not mounted" / "lost")
    with pytest.raises(ree.InputError, match="leads nowhere"):
        ree.save(run(1.0), tmp_path / "lost")
    with pytest.raises(ree.InputError, match="leads nowhere"), exclusive_lock(tmp_path / "lost"):
        raise AssertionError("said before anything is computed")


def test_the_working_directory_is_filled_and_remains_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    inode = os.stat(".").st_ino
    save_twice(".")
    assert os.stat(".").st_ino == inode


@pytest.mark.parametrize("kind", ["mount point", "bound folder", "locked parent"])
def test_a_folder_that_cannot_be_renamed_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    volume = tmp_path / "volume"
    (volume / "lost+found").mkdir(parents=True)
    rename, access = Path.rename, os.access

    def renamed(path: Path, target: Path) -> Path:
        if volume in (path, target):
            raise OSError(errno.EBUSY, "Device or resource busy")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)
    if kind == "mount point":
        monkeypatch.setattr(os.path, "ismount", lambda path: path == volume)
    elif kind == "locked parent":
        monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path and access(path, mode))
    assert place_problems(volume) == []
    ree.save(run(1.0), volume)
    assert place_problems(volume)
    with exclusive_lock(volume):
        ree.save(run(2.0), volume, overwrite=True)
    assert kappa_of(volume) == 2.0
    assert sorted(p.name for p in volume.iterdir()) == ["lost+found", "posterior.nc", "run.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["volume"]


@pytest.mark.parametrize("moves", [0, 1, 2, 3, 4])
def test_a_kill_while_a_folder_is_filled_leaves_one_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Cut off after each number of files: the old run is there again as soon as somebody writes, or the new one."""
    monkeypatch.chdir(tmp_path)
    ree.save(run(1.0), ".")
    left = iter(range(moves))

    def move(paths: list[Path], folder: Path) -> None:
        for path in paths:
            if next(left, None) is None:
                raise KeyboardInterrupt
            path.rename(folder / path.name)

    with monkeypatch.context() as killed:
        killed.setattr(places, "_move", move)
        killed.setattr(places, "tidy_inside", lambda place: None)
        killed.setattr(shutil, "rmtree", lambda *_, **__: None)  # a killed process tidies nothing up
        if moves < 4:
            with pytest.raises(KeyboardInterrupt):
                ree.save(run(2.0), ".", overwrite=True)
        else:
            ree.save(run(2.0), ".", overwrite=True)
    with exclusive_lock(Path(".")):
        assert kappa_of(".") == (2.0 if moves == 4 else 1.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["posterior.nc", "run.json"]


def test_a_failure_while_writing_into_a_folder_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ree.save(run(1.0), ".")

    def fails() -> None:
        with atomic_folder(Path(".")) as hidden:
            (hidden / "run.json").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert kappa_of(".") == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["posterior.nc", "run.json"]
