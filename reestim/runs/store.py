"""Run folders: ``posterior.nc`` (the whole DataTree) and ``run.json`` (what made it). Whole or not there at all."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reestim.errors import InputError, Problem, in_one_line
from reestim.io.files import atomic_folder, is_locked, sha256, slug, strict_json
from reestim.io.places import content, is_free
from reestim.io.safe_arrays import unsafe_content
from reestim.runs.earlier import without_what_is_beside
from reestim.runs.record import SCHEMA, RunRecord

if TYPE_CHECKING:
    import xarray as xr

#: How numbers are packed: without loss; bytes of the same rank side by side, which halves what packing leaves.
_PACKED = {"zlib": True, "complevel": 4, "shuffle": True}
POSTERIOR, RUN, REPORT, REFITS = "posterior.nc", "run.json", "report", "refits"
#: Folder in a run of the draws that are solved already; it goes when the run is whole.
CHUNKS = "chunks"


def save(
    post: xr.DataTree, path: str | Path, *, overwrite: bool = False, preserve: Sequence[str] = (), **info: Any
) -> Path:
    """Write a run folder: a hidden sibling first, renamed when everything is on the disk.

    Parameters
    ----------
    post
        Any DataTree. Its attributes come back with their types (`reestim.io.attributes`).
    path
        The folder: new, empty, or with ``overwrite`` a run.
    overwrite
        Replace the run that is there. Its report goes with it, and all else but ``preserve``.
    preserve
        Names of folders inside the run that stay, where the run that is there is this one with more in it.
    info
        What the record of the run (`RunRecord`, ``run.json``) should hold besides what the tree says, e.g. ``seed=1``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If something is at ``path`` already, or the folder cannot be written.

    Examples
    --------
    >>> ree.save(post, folder / "first", seed=1).name
    'first'
    """
    from reestim.io.attributes import storable

    path = Path(path)
    if problems := place_problems(path, overwrite):
        raise InputError(problems, "nothing was saved")
    record = RunRecord.of(post).updated(info).of_this_save(post)
    with atomic_folder(path) as folder:
        tree = storable(record.attached(post.copy()))
        encoding = {
            node.path: {str(name): _PACKED for name, v in node.variables.items() if v.ndim and v.dtype.kind in "iufb"}
            for node in tree.subtree
        }
        # In memory first: HDF5 crashes the process where the disk is full while it writes.
        with tree.to_netcdf(engine="h5netcdf", encoding=encoding) as content:
            (folder / POSTERIOR).write_bytes(content)
        for name in preserve:
            if (path / name).is_dir():  # linked, not moved: whenever this is cut off, one whole run is there
                shutil.copytree(path / name, folder / name, copy_function=_link)
        content = record.but(sha256=sha256(folder / POSTERIOR)).as_json()
        (folder / RUN).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _link(source: str, target: str) -> None:
    """The same file under another name; a copy where the file system knows no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def place_problems(path: str | Path, overwrite: bool = False) -> list[Problem]:
    """Why a run cannot be saved in a place.

    Parameters
    ----------
    path
        A folder.
    overwrite
        Whether a run that is there may be replaced.

    Returns
    -------
    list of Problem
        Empty if it can.
    """
    path = Path(path)
    if is_free(path) or holds_only_chunks(path):
        return []
    if not (path / RUN).is_file():
        advice = "Only run folders and empty folders are written to. Choose another place."
        return [Problem("there is something that is not a run in this place", advice, value=str(path))]
    if not overwrite:
        advice = "Choose another folder, or pass overwrite=True (--overwrite) to replace it."
        return [Problem("there is a run in this place already", advice, value=str(path))]
    return []


def holds_only_chunks(path: Path) -> bool:
    """Whether a folder has solved draws and nothing else: those of a run that was cut off."""
    return path.is_dir() and [entry.name for entry in content(path.resolve())] == [CHUNKS]


def load(path: str | Path) -> xr.DataTree:
    """Read a run folder back into memory; ``attrs["run"]`` holds ``run.json`` (`RunRecord.of` reads it).

    Parameters
    ----------
    path
        A run folder.

    Returns
    -------
    xarray.DataTree
        The run as it was saved.

    Raises
    ------
    InputError
        If there is no run, its layout is of another version, its files are damaged, do not belong together, or hold
        anything but numbers and text. Nothing in a run folder is ever executed.

    Examples
    --------
    >>> again = ree.load(ree.save(post, folder / "first", seed=1))
    >>> ree.RunRecord.of(again).seed
    1
    """
    import xarray as xr

    from reestim.io.attributes import restored

    path = Path(path)
    record = read_run(path)
    file = path / POSTERIOR
    if not file.is_file():
        raise _unreadable(path, f"{POSTERIOR} is missing", "Run it again.")
    try:
        digest = sha256(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _unreadable(path, f"{POSTERIOR} cannot be read ({reason})", "Restore it, or run it again.") from error
    if record.sha256 != digest:
        message = f"{POSTERIOR} is not the file that was saved: it was cut short, changed or damaged"
        raise _unreadable(path, message, "Restore it, or run it again.")
    if strange := unsafe_content(file):
        message = f"{POSTERIOR} holds what no run has ({strange})"
        raise _unreadable(path, message, "It was not made by REEstim; do not use it.")
    try:
        post = restored(xr.load_datatree(file, engine="h5netcdf"))
    except Exception as error:  # the libraries below raise many kinds for what no library wrote
        raise _unreadable(path, f"{POSTERIOR} cannot be opened ({in_one_line(error)})", "Run it again.") from error
    try:
        altered = _altered(record, RunRecord.of(post))
    except InputError as error:
        message = f"{POSTERIOR} has no record of a run as REEstim writes it ({error.problems[0]})"
        raise _unreadable(path, message, "Run it again.") from error
    if altered:
        message = f"{RUN} is not what was saved with {POSTERIOR}: another {' and '.join(altered)}"
        raise _unreadable(path, message, f"Restore {RUN}, or run it again.")
    if infinite := _infinite(post):
        raise _unreadable(path, f"numbers of {infinite} are infinite", "No run writes such; do not use it.")
    return without_what_is_beside(RunRecord.of(record.attached(post)).attached(post))


def _infinite(post: xr.DataTree) -> str:
    """The first group and variable with an infinite number; empty if there is none."""
    import numpy as np

    for group in post.subtree:
        for name, numbers in group.data_vars.items():
            if numbers.dtype.kind == "f" and np.isinf(numbers.values).any():
                return f"{group.path.lstrip('/')}/{name}"
    return ""


def _altered(record: RunRecord, of_draws: RunRecord) -> list[str]:
    """What ``run.json`` says otherwise than the draws that it belongs to."""
    labels = {"spec": "study", "provenance": "dataset", "gates": "verdict of the gates"}
    nothing = RunRecord()
    recorded = {name: getattr(of_draws, name) for name in labels}
    out = [labels[n] for n, value in recorded.items() if value not in (getattr(nothing, n), getattr(record, n))]
    return out if record.spec.has_its_text else [*out, "text of the study"]


def is_finished(path: Path, record: RunRecord) -> bool:
    """Whether a run has all that `reestim run` gives it. A run without a study counts as complete."""
    return not record.spec.hash or (bool(record.solved) and (path / REPORT / "report.html").is_file())


def read_run(path: str | Path) -> RunRecord:
    """The record of a run folder, its schema checked.

    Parameters
    ----------
    path
        A run folder.

    Returns
    -------
    RunRecord
        What ``run.json`` says.

    Raises
    ------
    InputError
        Where there is no run, or one that this REEstim cannot read.
    """
    path = Path(path)
    file = path / RUN
    if not file.is_file():
        if holds_only_chunks(path):
            advice = "The command that solved them, with this folder as --out, goes on there."
            raise _unreadable(path, "this folder has solved draws of a run that was cut off, and no run yet", advice)
        message = "this folder holds no run" if path.is_dir() else "there is no such run"
        raise _unreadable(path, message, "`reestim runs` lists the runs there are.")
    try:
        run = strict_json(json.loads(file.read_text(encoding="utf-8")))  # nor halves of characters
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, f"{RUN} cannot be read ({error})", "Run it again.") from error
    schema = run.get("schema") if isinstance(run, dict) else None
    if type(schema) is not int or schema != SCHEMA:
        written = run.get("reestim", "unknown") if isinstance(run, dict) else "unknown"
        message = f"its layout has version {schema}, this REEstim reads version {SCHEMA}"
        raise _unreadable(path, message, f"Open it with REEstim {written}, which wrote it, or run it again.")
    try:
        return RunRecord.read(run)
    except InputError as error:
        fields = ", ".join(dict.fromkeys(str(problem.column) for problem in error.problems))
        message = f"{RUN} holds something else than REEstim writes under {fields}"
        raise _unreadable(path, message, f"Restore {RUN}, or run it again.") from error


@contextmanager
def malformed_groups_as_errors(post: xr.DataTree) -> Generator[None]:
    """Context in which a malformed group of a loaded run is an InputError.

    A loaded file may hold anything; what was computed in this process cannot be malformed, so that there an error is a
    fault of the program and is not caught.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if not RunRecord.of(post).sha256:
            raise
        message = f"a group of the run is not as REEstim writes it ({in_one_line(error)})"
        advice = "If REEstim wrote it, this is a fault: report it, with what --debug prints. Else do not use the run."
        raise InputError(Problem(message, advice), "this run cannot be read") from error


def new_run_folder(name: str, root: str | Path = "posteriors") -> Path:
    """A name for a run folder that nothing has yet and no process keeps. The folder is not made.

    Parameters
    ----------
    name
        Of the study.
    root
        Folder of all runs.

    Returns
    -------
    Path
        ``<root>/<date>-<time>-<name>``.
    """
    plain = re.sub(r"^(\d{4}-\d\d-\d\d-\d{6}-)+", "", name)  # of a run that has such a name itself
    stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{slug(plain)}"
    path, n = Path(root) / stem, 2
    while is_locked(path):
        path, n = Path(root) / f"{stem}-{n}", n + 1
    return path


def _unreadable(path: Path, message: str, advice: str) -> InputError:
    return InputError(Problem(message, advice, file=str(path)), "this run cannot be opened")
