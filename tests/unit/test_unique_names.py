"""Rule 4 of docs/style.md: one class a name, one constant for those who import it, one place for a value."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

_FILES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted((PROJECT / "reestim").rglob("*.py"))}


def _module(file: Path) -> str:
    return ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if isinstance(target, ast.Name))


def test_names_of_classes_are_unique() -> None:
    places = defaultdict(list)
    for file, tree in _FILES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(_module(file))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_constants_that_are_imported_by_name_are_unique() -> None:
    defined, asked = defaultdict(set), defaultdict(set)
    for file, tree in _FILES.items():
        for name, _ in _constants(tree):
            defined[name].add(_module(file))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if alias.asname is None:
                        asked[alias.name].add(node.module)
    several = {name: asked[name] & where for name, where in defined.items() if len(asked[name] & where) > 1}
    assert several == {}


def test_a_text_or_a_tuple_stands_in_one_file() -> None:
    """Under one name; two numbers may be equal by chance, and every file has its own logger."""
    places = defaultdict(set)
    for file, tree in _FILES.items():
        for name, value in _constants(tree):
            number = isinstance(value, ast.Constant) and isinstance(value.value, int | float)
            of_a_room = name in {"TAKES"}  # what a source of patents takes, read through its module
            if not (number or of_a_room or name == "_log" or name.startswith("__")):
                places[name, ast.dump(value)].add(_module(file))
    assert {name: where for (name, _), where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize("name", ["COUNTRY", "SECTOR", "YEAR", "LABEL", "TECHNOLOGY", "OUTCOMES"])
def test_names_of_dims_mean_dims_everywhere(name: str) -> None:
    where = [_module(file) for file, tree in _FILES.items() if name in dict(_constants(tree))]
    assert where == ["reestim.dims"]
