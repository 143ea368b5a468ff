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


@contextmanager
def atomic_folder(path: Path) -> Generator[Path]:
    """A hidden sibling to write into; on success it takes the place of ``path``, on any failure it disappears.

    Raises InputError where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        advice = "Choose a place you may write to."
        raise InputError(Problem(f"the folder cannot be written ({reason})", advice, value=str(path))) from error
    try:
        hidden.chmod(0o755)
        yield hidden
        for written in (*hidden.rglob("*"), hidden):
            _sync(written)
        old = hidden.with_name(f"{hidden.name}-old")
        if path.exists():
            path.rename(old)
        try:
            hidden.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise
        _sync(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def exclusive_lock(path: Path) -> Generator[None]:
    """Keep ``path`` for this process while the block runs: no other writes there, and what a killed one left
    half-written beside it is removed (or put back, where it had just taken the old folder away). The system lets go of
    it whatever happens to the process.

    Raises InputError, at once, where another process has it, or nothing can be written there.
    """
    lock = _lock_of(path)
    advice = "Choose a place you may write to."
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        handle = _locked(lock)
    except BlockingIOError:
        wait = "Wait until it is done, or choose another folder."
        raise InputError(Problem("another process is writing to this folder", wait, value=str(path))) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(Problem(f"the folder cannot be written ({reason})", advice, value=str(path))) from error
    try:
        _tidy(path)
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)
        with suppress(OSError):  # what was made for a run that came to nothing; with a run inside they stay
            for parent in made:
                parent.rmdir()


def is_locked(path: Path) -> bool:
    """Whether something is there, or a process keeps the place for itself (`alone`)."""
    return path.exists() or _lock_of(path).exists()


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _locked(lock: Path) -> int:
    """An open file that no other process has locked. Raises BlockingIOError where one has, OSError."""
    import fcntl

    lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.exists() and os.fstat(handle).st_ino == lock.stat().st_ino:
                return handle
        except OSError:
            os.close(handle)
            raise
        os.close(handle)  # the one who had it removed its name in between


def _tidy(path: Path) -> None:
    left = re.compile(rf"\.{re.escape(path.name)}-[a-z0-9_]{{8}}(-old)?")
    for hidden in sorted(path.parent.iterdir()):
        found = left.fullmatch(hidden.name)
        if found and hidden.is_dir():
            if found[1] and not path.exists():
                hidden.rename(path)
            else:
                shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def atomic_update(path: Path) -> Generator[Path]:
    """A hidden sibling to write into; on success its files are added to the folder ``path`` (or become it), in place of
    those of the same names; on any failure it disappears and ``path`` stays as it was.

    Raises InputError where the folder cannot be written.
    """
    advice = "Choose a place you may write to."
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(Problem(f"the folder cannot be written ({reason})", advice, value=str(path))) from error
    try:
        hidden.chmod(0o755)
        yield hidden
        written = sorted(found for found in hidden.rglob("*") if found.is_file())
        for file in written:
            _sync(file)
        if not path.exists():
            hidden.rename(path)
        else:
            for file in written:
                target = path / file.relative_to(hidden)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
        _sync(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(Problem(f"the folder cannot be written ({reason})", advice, value=str(path))) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def atomic_write(path: Path, content: bytes) -> Path:
    """Write a file under a hidden name beside ``path`` and rename it; on any failure ``path`` stays as it was.

    Raises InputError where the file cannot be written.
    """
    hidden: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        hidden = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        hidden.chmod(0o644)
        _sync(hidden)
        hidden.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        advice = "Choose a place you may write to."
        raise InputError(Problem(f"the file cannot be written ({reason})", advice, value=str(path))) from error
    finally:
        if hidden is not None:
            hidden.unlink(missing_ok=True)
    return path


def _sync(path: Path) -> None:
    """Force a file, or the list of names in a folder, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
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
