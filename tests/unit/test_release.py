"""A release says its version once, and what cites or packages it agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import reestim as ree


def test_version_and_licence_agree_wherever_they_stand(project: Path) -> None:
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert about["dynamic"] == ["version"]
    stated = {
        "CITATION.cff": r"^version: (.+)$",
        ".ci/conda/recipe.yaml": r'^  version: "(.+)"$',
        "CHANGELOG.md": r"^## (\d+\.\d+\.\d+)",
    }
    for file, pattern in stated.items():
        found = re.search(pattern, (project / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert found is not None, file
        assert found[1] == ree.__version__, file
    for file in ("CITATION.cff", ".ci/conda/recipe.yaml"):
        assert f"license: {about['license']}" in (project / file).read_text(encoding="utf-8"), file


def test_the_recipe_asks_for_what_the_package_asks_for(project: Path) -> None:
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.sub(r"\[.*?\]", "", name).replace(">=", " >=") for name in about["dependencies"]}
    recipe = (project / ".ci" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    run = recipe.partition("  run:\n")[2].partition("tests:")[0]
    listed = set(re.findall(r"^    - (.+)$", run, flags=re.MULTILINE)) - {"python >=3.12"}
    assert listed == wanted


def test_only_modules_that_every_system_has(project: Path) -> None:
    """No module of POSIX alone is imported at the top of a file of the package."""
    posix = r"^(?:import|from) (fcntl|pwd|grp|resource|termios|pty)\b"
    hits = [
        f"{path.relative_to(project)}: {name}"
        for path in (project / "reestim").rglob("*.py")
        for name in re.findall(posix, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert hits == []
