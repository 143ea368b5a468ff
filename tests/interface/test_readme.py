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
