"""The examples in the docstrings of public names run, and print what they say."""

from __future__ import annotations

import doctest
import sys

import pytest

import reestim as ree
from tests.conftest import PROJECT


def examples() -> list[doctest.DocTest]:
    """One for each public function or class whose docstring has an example."""
    finder = doctest.DocTestFinder(recurse=False)
    found = []
    for name in sorted(set(ree.__all__) - {"__version__"}):
        item = getattr(ree, name)
        found += finder.find(item, name, module=sys.modules[item.__module__], globs={})
    return [test for test in found if test.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda test: test.name)
def test_an_example_prints_what_it_says(example: doctest.DocTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=said.append)
    assert outcome.failed == 0, "".join(said)
