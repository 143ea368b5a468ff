"""What a file may hold before it is read: numbers and text, in the file itself. Objects, references, links to other
files and codecs that could run code are refused unread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reestim.io.files import bytes_of

#: How zarr may have packed numbers; nothing that unpickles or asks for a plug-in.
_CODECS = {"bytes", "zstd", "blosc", "gzip", "crc32c", "sharding_indexed", "transpose"}
#: What the metadata of an array must hold (zarr, format 3).
_ARRAY = {"shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs"}
_NUMBERS = {"bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "float32", "float64"}


def unsafe_content(file: Path) -> str:
    """The first thing in an HDF5 (netCDF) file that is not an array of numbers or text of its own; empty if none."""
    import h5py

    def strange(group: Any, place: str) -> str:
        for name in group:
            here = f"{place}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return f"{here}: a link"
            item = group[name]
            if isinstance(item, h5py.Group):
                fault = strange(item, here)
            elif not isinstance(item, h5py.Dataset):
                fault = f"{here}: a type"
            else:
                text = h5py.check_string_dtype(item.dtype) is not None
                plain = item.dtype.kind in "iufbS" or text
                outside = item.is_virtual or bool(item.external)
                fault = "" if plain and not outside else f"{here}: {'data outside' if outside else item.dtype}"
                if not fault and not item.is_scale and not all(len(axis) for axis in item.dims):
                    fault = f"{here}: an axis without a name"
            if fault:
                return fault
        return ""

    try:
        with h5py.File(file, "r") as opened:
            return strange(opened, "")
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        return f"it is no HDF5 file: {error}"


def is_safe_zarr(place: Path) -> bool:
    """Whether a folder is a zarr group (format 3) of arrays of numbers, packed by harmless codecs."""
    try:
        if any(path.is_symlink() or not (path.is_file() or path.is_dir()) for path in place.rglob("*")):
            return False  # pipes would keep a reader waiting
        seen = [path for path in place.iterdir() if path.name != "zarr.json" and not path.name.startswith(".")]
        if not all((path / "zarr.json").is_file() for path in seen):
            return False
        documents = [json.loads(bytes_of(path)) for path in sorted(place.rglob("zarr.json"))]
    except (OSError, ValueError, RecursionError):
        return False
    if not all(isinstance(document, dict) for document in documents):
        return False
    arrays = [d for d in documents if d.get("node_type") == "array"]
    return bool(arrays) and all(map(_plain_array, arrays))


def _plain_array(about: dict[str, Any]) -> bool:
    kind, codecs = about.get("data_type"), about.get("codecs")
    return (
        about.get("zarr_format") == 3
        and about.keys() >= _ARRAY
        and isinstance(kind, str)
        and kind in _NUMBERS
        and isinstance(about.get("chunk_grid"), dict)
        and isinstance(codecs, list)
        and all(isinstance(codec, dict) and str(codec.get("name")) in _CODECS for codec in codecs)
        and not about.get("storage_transformers")
    )
