"""Studies that differ from another in a few keys: ``based_on = "substitution.toml"`` takes over everything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reestim.errors import Problem
from reestim.io.files import stays_inside
from reestim.io.toml_files import Rows, at, parse, read_text
from reestim.wording import closest

KEY = "based_on"


def inherit(content: Mapping[str, Any], path: Path, rows: Rows) -> tuple[dict[str, Any], str, list[Problem]]:
    """The tables of a study laid over those of the study that it is based on, the base's text, and problems.

    Tables are merged key by key; what stands deeper than ``[table] key``, a prior for instance, replaces the base's as
    a whole. The name and the description are the study's own. The base lies in the same folder and has no base itself.
    """
    base_file = content.get(KEY)
    if base_file is None:
        return dict(content), "", []
    text, problems = _base(base_file, path, rows)
    if text is None or problems:
        return dict(content), "", problems
    base, problems = parse(text, str(path.parent / base_file))
    if base is None:
        return dict(content), text, problems
    if KEY in base:
        advice = f"Base this study on {base[KEY]!r} itself."
        message = "the study that this one is based on is itself based on another"
        return dict(content), text, [at(str(path), (KEY,), rows, message, advice, value=base_file)]
    merged = {key: value for key, value in base.items() if key not in ("name", "description")}
    for key, value in content.items():
        below = merged.get(key)
        merged[key] = below | value if isinstance(below, dict) and isinstance(value, dict) else value
    return merged, text, []


def _base(given: object, path: Path, rows: Rows) -> tuple[str | None, list[Problem]]:
    if not isinstance(given, str) or Path(given).name != given or Path(given).suffix != ".toml" or given == path.name:
        advice = "Give the name of another .toml file in the folder of the study."
        return None, [at(str(path), (KEY,), rows, "this is not the name of a study file", advice, value=given)]
    target = path.parent / given
    if not stays_inside(path.parent, given):
        advice = "Copy the file beside the study."
        return None, [at(str(path), (KEY,), rows, "this file is a link that leaves the folder", advice, value=given)]
    if not target.is_file():
        advice = closest(given, [p.name for p in sorted(path.parent.glob("*.toml")) if p.name != path.name])
        return None, [at(str(path), (KEY,), rows, "there is no such file", advice, value=given)]
    return read_text(target)
