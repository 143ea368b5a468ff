"""Files and names that the README prints exist; pins must agree; no machine's path or registry in the project's files.

Its script runs in `test_real_only`.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

import reestim as ree


def test_the_readme_names_files_that_exist(project: Path) -> None:
    text = (project / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert len(links) >= 6
    assert [link for link in links if not (project / link).exists()] == []
    assert "python3 -m uv run reestim run" in text
    assert "python3 -m uv run --extra dev pytest" in text


_QUOTED = re.compile(r"(\d[\d,.]*)(?: %)? \[(-?[\d,.]+), (-?[\d,.]+)\]")


def test_figures_of_the_pages_are_those_of_the_run(project: Path) -> None:
    """docs/replications.md has a sentence that a command makes from a run; what other pages quote is in it."""
    page = (project / "docs" / "replications.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"Figures of this run that other pages quote: .*", page)
    ends = {frozenset(e.lstrip("-") for e in found[1:]): found[0] for found in _QUOTED.findall(sentence)}
    readme = (project / "README.md").read_text(encoding="utf-8")
    said = readme.partition("* **Rare earths and other inputs")[2].partition("## Two commands")[0]
    intervals = list(re.finditer(r"\[(-?[\d,.]+), (-?[\d,.]+)\]", said))
    assert len(intervals) >= 5
    for found in intervals:
        median = ends[frozenset(end.lstrip("-") for end in found.groups())]
        assert re.search(rf"(?<![\d.,]){re.escape(median)}(?![\d.])", said[max(0, found.start() - 80) : found.start()])
    (before,) = re.findall(r"before the data (\d+ %) \[", sentence)
    assert f"(before the data {before})" in said
    for name, quote in (
        ("tutorial", r"CHN (\d.*?\])"),
        ("tutorial", r"takes away (in all .*?\))"),
        ("today", r"unweighted, (.*?\])"),
        ("magnets-2010", r"not restrict -?(\d.*?\])"),
    ):
        text = re.search(quote, sentence)
        assert text is not None, quote
        assert text[1].replace("[-", "[").replace(", -", ", ") in _unsigned(project / "docs" / f"{name}.md"), name


def _unsigned(page: Path) -> str:
    """The text, intervals without signs and with their ends as a loss has them: [701, 7,179] for [-7,179, -701]."""
    text = page.read_text(encoding="utf-8")
    return text + re.sub(r"\[([\d,.]+), ([\d,.]+)\]", r"[\2, \1]", text)


def pins_script(project: Path) -> ModuleType:
    described = importlib.util.spec_from_file_location("pins", project / ".ci" / "pins.py")
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


def test_every_public_name_loads_and_errors_are_those_that_are_raised() -> None:
    """The names are spelled once, in a stub that no linter holds against the modules."""
    missing = [name for name in ree.__all__ if not hasattr(ree, name)]
    assert missing == []
    with pytest.raises(ree.InputError) as caught:
        ree.load_dataset("no-such-dataset")
    assert "no such dataset" in str(caught.value)
    assert issubclass(ree.ParameterError, ree.InputError)
    assert not issubclass(ree.EquilibriumError, ree.InputError)


def test_uv_is_told_the_pins_of_requirements_lock(project: Path) -> None:
    pins = pins_script(project)
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert text.endswith(pins.constraints(lock)), "run python3 .ci/pins.py"
    assert not (project / "uv.toml").exists(), "uv would then not read the constraints in pyproject.toml"
    names = {pin.split("==")[0] for pin in pins.pins_of(lock)}
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*declared["dependencies"], *chain(*declared["optional-dependencies"].values())]
    found = {re.split(r"[^A-Za-z0-9-]", name)[0].lower() for name in needed}
    assert found - {"reestim"} <= names, "run python3 .ci/pins.py"


def test_every_pin_has_hashes_and_no_file_names_an_index(project: Path) -> None:
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", lock)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block.splitlines()[0])
    for name in ("requirements.lock", "pyproject.toml", ".pre-commit-config.yaml", ".ci/run"):
        text = (project / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|index-url|/root/|/home/", text), name
