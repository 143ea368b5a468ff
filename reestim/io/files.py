"""Writing without half-written results: whole folders, strict JSON, names that every file system takes."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from reestim.errors import InputError, Problem
from reestim.io.places import OLD, fill, hidden_name, lock_name, real_place, stays, tidy_inside


@contextmanager
def _writing(path: Path, what: str = "folder") -> Generator[None]:
    """Turn the system's refusal to write ``path`` into an InputError."""
    try:
        yield
    except OSError as error:
        advice = "Choose a place you may write to."
        blocking = next((str(place) for place in (path, *path.parents) if place.exists() and not place.is_dir()), None)
        if isinstance(error, FileExistsError | NotADirectoryError) and blocking:
            advice = "Name another place, or move that file away."
            message = f"the {what} cannot be written: {blocking} is a file"
            raise InputError(Problem(message, advice, value=str(path))) from error
        reason = error.strerror or type(error).__name__
        raise InputError(Problem(f"the {what} cannot be written ({reason})", advice, value=str(path))) from error


def _hidden_folder(place: Path) -> Path:
    """A new folder beside ``place``, or in it where it `stays`, with a name that `_remove_remains` knows."""
    inside = stays(place)
    if not inside:
        place.parent.mkdir(parents=True, exist_ok=True)
    hidden = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place if inside else place.parent))
    hidden.chmod(0o755)
    return hidden


@contextmanager
def atomic_folder(path: Path) -> Generator[Path]:
    """A hidden folder beside ``path`` to write into; on success it replaces ``path``, on any failure it is removed.

    Behind a link it is the folder there that is replaced; a folder that cannot be replaced is filled (``places.py``).
    Raises InputError where the folder cannot be written.
    """
    place = real_place(path)
    with _writing(path):
        hidden = _hidden_folder(place)
    try:
        yield hidden
        for written in (*hidden.rglob("*"), hidden):
            _sync(written)
        if hidden.parent == place or not _replaced(place, hidden):
            _fill(place, hidden)
        _sync(place.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _replaced(place: Path, new: Path) -> bool:
    """Whether ``new`` took the name of ``place``: False where the system keeps the old file."""
    old = new.with_name(f"{new.name}{OLD}")
    if place.exists():
        try:
            place.rename(old)
        except OSError:
            if place.is_dir():
                return False
            raise
    try:
        new.rename(place)
    except BaseException:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
    return True


def _fill(place: Path, new: Path) -> None:
    """Put the content of ``new`` into ``place``, which may be on another disk than what lies beside it."""
    if new.parent != place:
        inside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place))
        new = Path(shutil.copytree(new, inside, dirs_exist_ok=True))
    fill(place, new)
    _sync(place)


@contextmanager
def exclusive_lock(path: Path) -> Generator[None]:
    """Lock ``path`` for this process while the block runs.

    No other process writes there meanwhile. What a killed process left half-written beside ``path`` is removed, or put
    back where it had just moved the old folder away. The operating system releases the lock if the process dies.

    Raises InputError, at once, where another process holds the lock, or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    path = real_place(path)
    file = _lock_file(path)
    lock = FileLock(file, blocking=False)
    created = [parent for parent in path.parents if not parent.exists()]
    with _writing(path):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            wait = "Wait until it is done, or choose another folder."
            raise InputError(Problem("another process is writing to this folder", wait, value=str(path))) from None
    try:
        _remove_remains(path)
        with _writing(path):  # tried now: whoever holds the lock is about to compute what shall go there
            shutil.rmtree(_hidden_folder(path))
        yield
    finally:
        with suppress(PermissionError):  # Windows removes no open file; there the release removes it
            file.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # folders made for a run that came to nothing; with a run inside they stay
            for parent in created:
                parent.rmdir()


def is_locked(path: Path) -> bool:
    """Whether something is at ``path``, or a process holds its lock (`exclusive_lock`)."""
    return path.exists() or _lock_file(real_place(path)).exists()


def _lock_file(place: Path) -> Path:
    return (place if stays(place) else place.parent) / lock_name(place.name)


def _remove_remains(path: Path) -> None:
    """Remove the hidden folders of killed processes; the old content of ``path`` goes back to its place."""
    if path.is_dir():
        tidy_inside(path)
    if stays(path):
        return
    for hidden in sorted(path.parent.iterdir()):
        match = hidden_name(path.name).fullmatch(hidden.name)
        if match and hidden.is_dir():
            if match["kind"] and not path.exists():
                hidden.rename(path)
            else:
                shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def atomic_update(path: Path) -> Generator[Path]:
    """A hidden folder to write into; on success its files are added to the folder ``path``, or it becomes that folder.

    Files of the same names are replaced. On any failure the hidden folder is removed and ``path`` stays as it was.

    Raises InputError where the folder cannot be written.
    """
    path = real_place(path)
    with _writing(path):
        hidden = _hidden_folder(path)
        try:
            yield hidden
            files = sorted(item for item in hidden.rglob("*") if item.is_file())
            for file in files:
                _sync(file)
            if not path.exists():
                hidden.rename(path)
            else:
                for file in files:
                    target = path / file.relative_to(hidden)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(target)
            _sync(path)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def atomic_write(path: Path, content: bytes) -> Path:
    """Write a file under a hidden name beside ``path`` and rename it; on any failure ``path`` stays as it was.

    Raises InputError where the file cannot be written.
    """
    place = real_place(path)
    with _writing(path, "file"):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
        hidden = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            hidden.chmod(0o644)
            _sync(hidden)
            hidden.replace(place)
        finally:
            hidden.unlink(missing_ok=True)
    return path


def _sync(path: Path) -> None:
    """Force a file, or the list of names in a folder, onto the disk (Windows does the latter by itself)."""
    windows = os.name == "nt"
    if windows and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stays_inside(folder: Path, given: str) -> bool:
    """Whether a path that a file names, seen from its folder, lies in it: no way up, no absolute path, no link out."""
    try:
        place = (folder / given).resolve()
        place.is_file()  # raises where no file can be
        return not Path(given).is_absolute() and place.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # NUL, a link to itself, longer than a path can be
        return False


def bytes_of(path: Path) -> bytes:
    """Content of a file. Raises OSError, for pipes and devices too: they would keep the reader waiting or never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")
    return path.read_bytes()


def lines_of(text: str) -> list[str]:
    """Lines as JSON, TOML and editors count them. `str.splitlines` breaks at U+2028, U+0085 and others too, which may
    stand inside a text."""
    return re.split("\r\n|\n|\r", text)


def sha256(file: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def strict_json(value: Any) -> Any:
    """The same as values of strict JSON: numbers that are not finite become null, what is unknown becomes text."""
    if isinstance(value, Mapping):
        return {_text(str(k)): strict_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [strict_json(v) for v in value]
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return strict_json(value)
    if isinstance(value, int | float):
        return value if abs(value) <= sys.float_info.max else None
    return None if value is None else _text(str(value))


def _text(value: str) -> str:
    """Halves of characters, which JSON can spell and UTF-8 cannot, as their escapes."""
    return value.encode("utf-8", "backslashreplace").decode()


def slug(name: str) -> str:
    """A name that every file system takes."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "run"
