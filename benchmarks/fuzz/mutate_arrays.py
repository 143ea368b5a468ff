"""Ways to spoil arrays of NumPy and the members of an archive; the container stays sound."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.mutate import BYTES, Rng, pick, replace


def in_arrays(path: Path, rng: Rng) -> str:
    """Change an array of an ``.npz`` file: its values, type, shape or name; objects among them, which are pickled."""
    with np.load(path) as archive:
        arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
    name = pick(rng, sorted(arrays))
    kind = pick(
        rng,
        (
            "gone",
            "renamed",
            "value",
            "value",
            "value",
            "float",
            "objects",
            "text",
            "transposed",
            "longer",
            "scalar",
            "empty",
            "repeated",
            "huge",
        ),
    )
    array = arrays.pop(name)
    if kind == "renamed":
        arrays[f"{name}_x"] = array
    elif kind in ("value", "float", "huge"):
        if array.dtype.kind in "iuf":
            array = array.astype(float)
            at = rng.integers(array.size, size=array.size if kind == "huge" else 1)
            values = (1e300, -1e300, 1e308) if kind == "huge" else (np.nan, np.inf, -np.inf, -1.0, -1e9, 0.5, 1e15)
            array.flat[at] = pick(rng, values) if kind != "float" else 0.1
        else:
            array[int(rng.integers(array.size))] = pick(rng, ("", "CHN", "JPN", "same", "\x1b[2J", "é"))
        arrays[name] = array
    elif kind != "gone":
        arrays[name] = {
            "objects": array.astype(object),
            "text": array.astype(str),
            "transposed": array.T,
            "longer": np.concatenate([array, array]),
            "scalar": np.array(1.0),
            "empty": array[:0],
            "repeated": np.repeat(array[:1], len(array), axis=0),
        }[kind]
    out = io.BytesIO()
    np.savez(out, **arrays)
    replace(path, out.getvalue())
    return f"arrays: {kind}"


def in_archive(path: Path, rng: Rng) -> str:
    """Change one member of a ZIP archive (a workbook is one): its bytes, its name, or leave it out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = pick(rng, sorted(members))
    kind = pick(rng, ("bytes", "bytes", "bytes", "gone", "renamed", "outside", "repeated"))
    content = members.pop(name)
    entries = list(members.items())
    if kind == "bytes":
        change = pick(rng, BYTES)
        entries.append((name, change(content, rng)))
        kind = f"bytes {change.__name__.strip('_')}"
    elif kind != "gone":
        other = {"renamed": f"x{name}", "outside": f"../../{name}", "repeated": f"again/{name}"}[kind]
        entries += [(other, content)] if kind != "repeated" else [(name, content), (other, content)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for entry, text in entries:
            archive.writestr(entry, text)
    replace(path, out.getvalue())
    return f"archive: {kind}"
