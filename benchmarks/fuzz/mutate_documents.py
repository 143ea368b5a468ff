"""Ways to spoil a document: keys and values of TOML and JSON, the content of a netCDF file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.hostile_values import JSON_VALUES, TOML_VALUES
from benchmarks.fuzz.mutate import Rng, pick, replace


def in_toml(path: Path, rng: Rng) -> str:
    """Change lines of a TOML file: values, keys, tables."""
    lines = path.read_text(encoding="utf-8").splitlines()
    keyed = [k for k, line in enumerate(lines) if "=" in line and not line.lstrip().startswith("#")]
    at = pick(rng, keyed)
    key = lines[at].split("=", 1)[0].strip()
    kind = pick(rng, (*("value",) * 4, "key", "gone", "twice", "new key", "new table", "moved", "word"))
    if kind == "value":
        lines[at] = f"{key} = {pick(rng, TOML_VALUES)}"
    elif kind == "key":
        lines[at] = f"{pick(rng, (key[:-1], key.upper(), key + '.x', '...', 'é', '__class__', '""'))} = 1"
    elif kind == "gone":
        lines.pop(at)
    elif kind == "twice":
        lines.insert(at, lines[at])
    elif kind == "new key":
        lines.insert(at, f"{pick(rng, KEYS)} = {pick(rng, TOML_VALUES)}")
    elif kind == "new table":
        lines.insert(at, pick(rng, (f"[{key}]", *HEADERS)))
    elif kind == "moved":
        lines.insert(int(rng.integers(len(lines))), lines.pop(at))
    else:
        lines[at] = lines[at].replace('"', pick(rng, ("", "'", '""', "“")), 1)
    replace(path, "\n".join(lines).encode("utf-8"))
    return f"toml: {kind}"


HEADERS = (
    "[x]",
    "[[x]]",
    "[a.b.c]",
    "[]",
    "[" * 2000,
    "[priors]",
    "[sampler]",
    "[[tariff]]",
    "[[embargo]]",
    "[truth]",
    '["\\u0000"]',
    "[" + ".".join("x" * 3000) + "]",
)
KEYS = (
    "name",
    "description",
    "model",
    "dataset",
    "based_on",
    "year",
    "years",
    "rate",
    "scenarios",
    "synthetic",
    "imputed",
    "notes",
    "units_confirmed",
    "truth",
    "price_lag",
    "transition",
    "event_outcomes",
    "technology",
    "from_year",
    "draws",
    "chains",
    "tune",
    "target_accept",
    "max_r_hat",
    "distribution",
    "mu",
    "sigma",
    "lower",
    "upper",
    "value",
    "a",
    "x",
    "exporter",
    "importer",
    "elements",
    "sectors",
    "source",
    "quota_tonnes",
    "baseline_tonnes",
    "share_of_world",
    "country",
)


def in_json(path: Path, rng: Rng) -> str:
    """Change a value somewhere in a JSON document."""
    content = json.loads(path.read_text(encoding="utf-8"))
    kind, content = _changed(content, rng)
    replace(path, json.dumps(content).encode("utf-8"))
    return f"json: {kind}"


def _changed(content: Any, rng: Rng) -> tuple[str, Any]:
    """A document with one value, key or level more, less or other."""
    if rng.random() < 0.08:
        whole = pick(rng, (None, [], {}, 1, "x", [content], {"a": content}))
        return "whole", whole
    if rng.random() < 0.04:
        return "depth", _deep(int(pick(rng, (10, 400))))
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return "nothing", content
        key = pick(rng, keys)
        below = holder[key]
        if isinstance(below, dict | list) and below and rng.random() < 0.7:
            holder = below
            continue
        kind = pick(rng, ("value", "value", "value", "gone", "added"))
        if kind == "gone":
            holder.pop(key)
        elif kind == "added" and isinstance(holder, dict):
            holder[pick(rng, ("x", "", "__proto__", "schema", "\ud800"))] = pick(rng, JSON_VALUES)
        else:
            holder[key] = pick(rng, JSON_VALUES)
        return kind, content


def _deep(levels: int) -> Any:
    out: Any = 1
    for _ in range(levels):
        out = [out]
    return out


def in_json_line(path: Path, rng: Rng) -> str:
    """Change one line of a file of JSON lines."""
    lines: list[Any] = path.read_text(encoding="utf-8").splitlines()
    at = int(rng.integers(len(lines)))
    kind, content = _changed(json.loads(lines[at]), rng)
    lines[at] = json.dumps(content)
    replace(path, ("\n".join(lines) + "\n").encode("utf-8"))
    return f"json line: {kind}"


def in_netcdf(path: Path, rng: Rng) -> str:
    """Change the content of a netCDF file: variables, dimensions, values, attributes; the format stays sound."""
    import h5py

    copy = path.read_bytes()
    path.unlink()
    path.write_bytes(copy)
    kind = pick(
        rng,
        (
            "gone",
            "gone",
            "values",
            "values",
            "attribute",
            "attribute",
            "renamed",
            "type",
            "shape",
            "group",
            "text",
            "attribute gone",
        ),
    )
    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        name = pick(rng, sorted(names))
        item: Any = file[name]
        if kind == "gone":
            del file[name]
        elif kind == "group":
            del file[name.split("/")[0]]
        elif kind == "renamed":
            file.move(name, name + "_x")
        elif kind == "values" and item.shape and item.dtype.kind in "fiu":
            item[...] = pick(rng, (np.nan, np.inf, -1, 0, 1e300)) if item.dtype.kind == "f" else pick(rng, (0, 1, 100))
        elif kind == "text" or (kind == "values" and item.dtype.kind == "O"):
            every: list[Any] = [file[n] for n in sorted(names)]
            target: Any = pick(rng, [one for one in every if one.dtype.kind == "O" and one.shape])
            target[...] = pick(rng, ("", "<script>alert(1)</script>", "\x1b[2J", "same", "x" * 10_000))
        elif kind in ("type", "shape"):
            del file[name]
            file[name] = pick(rng, (np.zeros(3), ["a", "b"], np.zeros((2, 2), "i8"), 1.0, b"x", True))
        elif kind == "attribute":
            holder: Any = file if rng.random() < 0.7 else item
            known = sorted(holder.attrs) or ["x"]
            key = pick(rng, [k for k in known if not k.startswith(("_", "DIM", "REF", "CLASS"))] or ["x"])
            holder.attrs[key] = pick(rng, ("{", "[]", "null", "1", '{"a": 1}', "[1]", "", 1, 2.5, [1, 2], "x" * 10_000))
        elif kind == "attribute gone" and len(file.attrs):
            del file.attrs[pick(rng, sorted(file.attrs))]
    return f"netCDF: {kind}"
