"""Read a TOML file into a pydantic model; everything wrong with it becomes a list of problems that name their key."""

from __future__ import annotations

import json
import re
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from reestim.errors import Problem
from reestim.io.files import bytes_of, lines_of
from reestim.io.resources import SHIPPED
from reestim.wording import closest

#: Line of every key and table of a file, by its place.
Rows = dict[tuple[str | int, ...], int]


def find_file(path: str | Path) -> Path:
    """``path`` seen from the working directory or, where nothing is there, from the files that ship with REEstim."""
    path = Path(path)
    beside = SHIPPED / path
    return beside if not path.is_absolute() and not path.exists() and beside.exists() else path


def read_text(path: Path) -> tuple[str | None, list[Problem]]:
    """The text of a UTF-8 file, or why there is none."""
    name = str(path)
    if path.is_dir():
        return None, [Problem("this is a folder", "Give the TOML file itself.", file=name)]
    if not path.exists():
        here = _beside(path)
        advice = closest(path.name, here) if here else "Check the path; it is seen from the working directory."
        return None, [Problem("there is no such file", advice, file=name)]
    try:
        raw = bytes_of(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [Problem(f"the file cannot be read ({reason})", "Check its permissions.", file=name)]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        return None, [Problem("the file is not UTF-8 text", "Save it as UTF-8 in your editor.", file=name, row=row)]


def _beside(path: Path) -> list[str]:
    """TOML files in the folder where ``path`` would be and in those within, of the user or of what ships."""
    folder = find_file(path.parent)
    files = [*folder.glob("*.toml"), *folder.glob("*/*.toml")] if folder.is_dir() else []
    return sorted((p.relative_to(folder).as_posix() for p in files), key=lambda name: (name.count("/"), name))


def value_text(value: object) -> str:
    """A value as TOML has it: strings, numbers and lists as in JSON, keys of tables in quotes where they must be."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {value_text(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], str):
        return "[\n" + "".join(f"  {value_text(v)},\n" for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def parse(text: str, name: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The tables of a TOML text, or where it breaks off."""
    advice = "One `key = value` per line; strings stand in quotes, lists in brackets."
    try:
        return tomllib.loads(text), []
    except RecursionError:
        return None, [Problem("the TOML is broken: brackets within brackets, too deep to be read", advice, file=name)]
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits raises another
        at = re.search(r"at line (\d+)", str(error))
        row = int(at.group(1)) if at else text.count("\n") + 1 if isinstance(error, tomllib.TOMLDecodeError) else None
        reason = re.sub(r" \(at [^()]*\)$", "", str(error)).rstrip(".")
        reason = reason[:1].lower() + reason[1:]
        return None, [Problem(f"the TOML is broken: {reason}", advice, file=name, row=row)]


def validate[Model: BaseModel](
    model: type[Model], content: Mapping[str, Any], name: str, text: str = ""
) -> tuple[Model | None, list[Problem]]:
    """``content`` as ``model``, or one problem for every key that does not fit, with its line in ``text``."""
    try:
        return model.model_validate(dict(content)), []
    except ValidationError as error:
        items: list[Mapping[str, Any]] = [dict(item) for item in error.errors(include_url=False)]
    rows = key_rows(text)
    return None, [problem for item in items for problem in _problems(model, item, name, rows)]


def key_rows(text: str) -> Rows:
    """Line (from 1) of every key and table header, by its place: ``("priors", "kappa", "mu")``, lists from 0.

    A reading for messages only: keys inside inline tables are found under the line of the table itself.
    """
    rows: Rows = {}
    lists: Rows = {}  # how many [[tables]] of a name so far, from 0
    table: tuple[str | int, ...] = ()
    for row, line in enumerate(lines_of(text), start=1):
        header = re.match(r"\s*(\[\[?)([^\]]+)\]", line)
        key = re.match(r"\s*([\w\"'.-]+)\s*=", line)
        if header:
            table = _parts(header[2])
            if header[1] == "[[":
                lists[table] = lists.get(table, -1) + 1
                rows.setdefault(table, row)
                table = (*table, lists[table])
            rows.setdefault(table, row)
        elif key:
            rows.setdefault((*table, *_parts(key[1])), row)
    return rows


def _parts(key: str) -> tuple[str | int, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))


def row_of(rows: Rows, loc: tuple[str | int, ...]) -> int | None:
    """Line of a place, or of the table or key that holds it."""
    return next((rows[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in rows), None)


def _problems(model: type[BaseModel], item: Mapping[str, Any], name: str, rows: Rows) -> list[Problem]:
    loc = tuple(item["loc"])
    kind, value, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "several":  # a validator that found more than one thing, see reestim.study.prior
        return [at(name, (*loc, f["key"]), rows, f["message"], f["advice"], value=f["value"]) for f in context["found"]]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        keys = _keys(model, loc[:-1])
        return [at(name, loc, rows, "this key is unknown", closest(loc[-1], keys) if keys else "Remove it.")]
    if kind == "missing":
        return [at(name, loc, rows, "this key is missing", f"Add {loc[-1]} = ...")]
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        return [at(name, loc, rows, "this value is not one of the known ones", closest(value, choices), value=value)]
    message = str(item["msg"]).removeprefix("Value error, ").rstrip(".").replace("Input should be", "It should be")
    shown = None if isinstance(value, dict | list) else value
    return [at(name, loc, rows, "this value does not fit", f"{message}.", value=shown)]


def at(
    name: str,
    loc: tuple[str | int, ...],
    rows: Rows,
    message: str,
    advice: str,
    *,
    value: object = None,
) -> Problem:
    """A problem at a place of a file; the place is shown as the line and the dotted key (list items from 1)."""
    key = ".".join(str(part) if isinstance(part, str) else f"{part + 1}" for part in loc)
    return Problem(message, advice, file=name, row=row_of(rows, loc), column=key, value=value)


def _keys(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Names of the keys that may stand at a place of the file."""
    annotation: Any = model
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:  # an item of list[...] or dict[str, ...]
            annotation = typing.get_args(annotation)[-1]
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
    if is_dataclass(annotation):
        return [*(field.name for field in fields(annotation)), *getattr(annotation, "keys_in_files", ())]
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return list(annotation.model_fields) if is_model else []
