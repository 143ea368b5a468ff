"""docs/model.md is where citations lead: every equation, section and name that the code speaks of stands there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from reestim.equilibrium import contract, welfare
from reestim.equilibrium.parameters import Parameters
from reestim.estimate.variables import parameters
from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "model.md").read_text(encoding="utf-8")
EQUATIONS = re.findall(r"\\tag\{(\w+)\}", PAGE)
SECTIONS = re.findall(r"^## (\d) ", PAGE, re.MULTILINE)

#: "(6)", "(3)–(11)", "equation 12", but not the call f(1), an index or a year.
CITED_EQUATION = re.compile(r"(?<![\w)\]])\(([1-9]\d?[ab]?)\)|\bequations? \(?([1-9]\d?[ab]?)\b")
CITED_SECTION = re.compile(r"model\.md,? section (\d)")
BARE_PAGE = re.compile(r"(?<![\w/-])(?:model|data|notation)\.md")
CITED_FILE = re.compile(r"(?<![\w/])((?:docs|data)/[\w/-]+\.md)\b")

CODE = sorted(
    path
    for folder in ("reestim", "models", "replications", "benchmarks", "tests")
    for kind in ("*.py", "*.toml")
    for path in (PROJECT / folder).rglob(kind)
)


def prose(path: Path) -> Iterator[str]:
    """Docstrings and comments of a Python file, comments of a TOML file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        yield from (line.partition("#")[2] for line in text.splitlines())
    elif CITED_EQUATION.search(text):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        yield from (ast.get_docstring(n) or "" for n in ast.walk(ast.parse(text)) if isinstance(n, documented))
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def equations_in(text: str) -> set[str]:
    return {first or second for first, second in CITED_EQUATION.findall(text)}


@pytest.fixture(scope="module")
def cited() -> dict[str, set[str]]:
    """Equation: the files that cite it."""
    files: dict[str, set[str]] = {}
    for path in CODE:
        if path.is_relative_to(PROJECT / "benchmarks"):  # they number the equations of the papers they repeat
            continue
        for text in prose(path):
            for equation in equations_in(text):
                files.setdefault(equation, set()).add(str(path.relative_to(PROJECT)))
    return files


def test_citations_are_recognised() -> None:
    assert equations_in("(3)–(11) of the page, equation 12, equations (1) and (2a)") == {"3", "11", "12", "1", "2a"}
    assert equations_in("f(1), x[0](2), in 2010 (the year), (0), and table 3") == set()


def test_the_equations_of_the_page_are_numbered_once_and_can_be_linked_to() -> None:
    assert [*"12", "2a", "2b", *(str(n) for n in range(3, 16))] == EQUATIONS
    assert re.findall(r'<a id="equation-(\w+)"></a>', PAGE) == EQUATIONS
    assert [*"12345"] == SECTIONS


def test_every_equation_that_the_code_cites_is_on_the_page(cited: dict[str, set[str]]) -> None:
    assert {equation: files for equation, files in cited.items() if equation not in EQUATIONS} == {}


def test_every_equation_of_the_page_is_cited_where_it_is_computed(cited: dict[str, set[str]]) -> None:
    computed = {equation for equation, files in cited.items() if any(f.startswith("reestim/") for f in files)}
    assert [equation for equation in EQUATIONS if equation not in computed] == []


def test_every_section_and_page_that_is_cited_exists() -> None:
    texts = {
        path: path.read_text(encoding="utf-8") for path in [*CODE, *PROJECT.glob("*.md")] if path != Path(__file__)
    }
    sections = {(path.name, n) for path, text in texts.items() for n in CITED_SECTION.findall(text)}
    assert {n for _, n in sections} >= {"2", "3", "4", "5"}
    assert {(name, n) for name, n in sections if n not in SECTIONS} == set()
    assert {(path.name, cite) for path, text in texts.items() for cite in BARE_PAGE.findall(text)} == set()
    lost = {(p.name, f) for p, text in texts.items() for f in CITED_FILE.findall(text) if not (PROJECT / f).exists()}
    assert lost == set()


def test_every_name_of_a_parameter_an_array_and_a_result_is_on_the_page() -> None:
    arrays = contract.REQUIRED | contract.OPTIONAL
    names = {*Parameters.names(), *parameters(), *arrays, *welfare.VARIABLES}
    assert sorted(name for name in names if f"`{name}`" not in PAGE) == []


def test_the_arrays_of_the_page_have_the_dims_of_the_contract() -> None:
    table = PAGE.partition("### The equilibrium in arrays")[2].partition("\n## ")[0]
    stated = {name: tuple(dims.split(", ")) for name, dims in re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", table, re.M)}
    assert stated == contract.REQUIRED | contract.OPTIONAL
