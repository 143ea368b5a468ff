"""Where a folder of results goes: links followed, and folders filled that cannot be replaced.

A mount point (the volume of a container) cannot be renamed, nor can a folder whose parent may not be written; the
working directory can, but whoever stands in it would stand in a folder that is gone. Results go *into* such a folder:
what is new is written into a hidden folder inside, the old is moved into another one, then the new takes its place.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from reestim.errors import InputError, Problem

#: What every new file system of Linux has in its uppermost folder, and what macOS and Windows add by themselves.
_OF_THE_SYSTEM = frozenset({"lost+found", ".DS_Store", ".Trashes", "$RECYCLE.BIN", "System Volume Information"})
#: Suffixes of hidden folders with old content: on its way out, all of it.
LEAVING, OLD = "-leaving", "-old"


def real_place(path: Path) -> Path:
    """The absolute path behind links and ``.``. Raises InputError where a link leads into a folder that is missing."""
    try:
        place = path.resolve()
    except (OSError, RuntimeError) as error:
        raise InputError(Problem(f"the place cannot be found ({error})", "Choose another.", value=str(path))) from error
    if path.is_symlink() and not place.parent.is_dir():
        advice = "Make the folder that the link leads to (is its disk there?), or choose another place."
        raise InputError(Problem("the link leads nowhere", advice, value=f"{path} -> {place}"))
    return place


def hidden_name(name: str) -> re.Pattern[str]:
    """Names of the hidden folders beside or in a folder of this name; ``kind``: suffix of those with old content."""
    return re.compile(rf"\.{re.escape(name)}-[a-z0-9_]{{8}}(?P<kind>{LEAVING}|{OLD})?")


def lock_name(name: str) -> str:
    """Name of the lock file of a folder of this name."""
    return f".{name}.lock"


def is_free(path: Path) -> bool:
    """Whether there is nothing at ``path``, or an empty folder; hidden files of ours and of the system do not count."""
    if not path.exists():
        return True
    return path.is_dir() and not content(path.resolve())


def content(place: Path) -> list[Path]:
    """What lies in a folder, but for hidden files of ours and of the system."""
    hidden = hidden_name(place.name)
    passing = {lock_name(place.name), *_OF_THE_SYSTEM}
    return sorted(p for p in place.iterdir() if p.name not in passing and not hidden.fullmatch(p.name))


def stays(place: Path) -> bool:
    """Whether ``place`` is a folder that can only be filled: a mount point, a working directory, or a folder in one
    that may not be written."""
    if not place.is_dir():
        return False
    here = Path.cwd()
    return place == here or place in here.parents or os.path.ismount(place) or not os.access(place.parent, os.W_OK)


def fill(place: Path, new: Path) -> None:
    """Put the content of the folder ``new``, which lies in ``place``, in the place of what is there."""
    leaving = new.with_name(f"{new.name}{LEAVING}")
    leaving.mkdir()
    try:
        _move(content(place), leaving)
        leaving.rename(new.with_name(f"{new.name}{OLD}"))
        _move(sorted(new.iterdir()), place)
    finally:
        tidy_inside(place)


def tidy_inside(place: Path) -> None:
    """Remove the hidden folders in a folder that is filled; where not all of the new came, the old goes back."""
    for path in _hidden(place, LEAVING):
        _move(sorted(path.iterdir()), place)
    for path in _hidden(place, OLD):
        new = path.with_name(path.name.removesuffix(OLD))
        if new.is_dir() and any(new.iterdir()):
            for arrived in content(place):
                shutil.rmtree(arrived) if arrived.is_dir() else arrived.unlink()
            _move(sorted(path.iterdir()), place)
    for path in _hidden(place, LEAVING, OLD, None):
        shutil.rmtree(path, ignore_errors=True)


def _hidden(place: Path, *kinds: str | None) -> list[Path]:
    hidden = [(path, hidden_name(place.name).fullmatch(path.name)) for path in sorted(place.iterdir())]
    return [path for path, match in hidden if match and match["kind"] in kinds]


def _move(paths: list[Path], folder: Path) -> None:
    for path in paths:
        path.rename(folder / path.name)
