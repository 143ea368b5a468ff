"""The docstrings of public names are numpydoc: parameters, what is returned, what is raised, an example."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import reestim as ree

PUBLIC = sorted(set(ree.__all__) - {"__version__"})


def sections(item: Any) -> dict[str, str]:
    """Sections of a docstring with their text."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(item) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented(text: str) -> set[str]:
    """Names that a section Parameters or Attributes speaks of."""
    heads = re.findall(r"^(\S[^:\n]*)", text, re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public functions, and the methods that public classes of REEstim define."""
    for name in PUBLIC:
        item = getattr(ree, name)
        if not inspect.isclass(item):
            yield name, item
            continue
        for method, value in vars(item).items():
            function = getattr(value, "__func__", value)
            of_a_base = any(method in vars(base) for base in item.__mro__[1:])  # which documents it
            if not method.startswith("_") and inspect.isfunction(function) and not of_a_base:
                yield f"{name}.{method}", function


def raises(function: Callable[..., Any]) -> bool:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


@pytest.mark.parametrize("name", [name for name, _ in functions()])
def test_a_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    function = dict(functions())[name]
    signature, found = inspect.signature(function), sections(function)
    takes = {p for p in signature.parameters if p not in ("self", "cls")}
    assert takes == documented(found.get("Parameters", "")), "every parameter, and no other"
    if signature.return_annotation not in (None, "None"):
        assert "Returns" in found
    if raises(function):
        assert "Raises" in found


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isclass(getattr(ree, name))])
def test_a_class_says_what_its_fields_are(name: str) -> None:
    item = getattr(ree, name)
    found = sections(item)
    stated = documented(found.get("Parameters", "")) | documented(found.get("Attributes", ""))
    if hasattr(item, "model_fields"):
        fields = set(item.model_fields)
    elif dataclasses.is_dataclass(item):
        fields = {field.name for field in dataclasses.fields(item)}
    else:
        fields = set(inspect.signature(item.__init__).parameters) - {"self", "args", "kwargs"}
    assert fields - stated == set()
