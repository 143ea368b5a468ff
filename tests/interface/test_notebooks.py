"""The notebooks of docs/notebooks run, cell by cell, each in a fresh process; what they say of themselves holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

FOLDER = PROJECT / "docs" / "notebooks"


def run(name: str, place: Path) -> str:
    """All code cells as one script; the value of the last line of each is printed, as a notebook does."""
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    script = "\n".join(
        [
            "import ast, matplotlib",
            "matplotlib.use('Agg')",
            f"for cell in {cells!r}:",
            "    tree = ast.parse(cell)",
            "    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None",
            "    exec(compile(tree, 'cell', 'exec'), globals())",
            "    if last is not None:",
            "        print(eval(compile(ast.Expression(last.value), 'cell', 'eval'), globals()))",
        ]
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_gallery_is_what_the_page_names() -> None:
    page = (PROJECT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    found = {path.stem for path in FOLDER.glob("*.ipynb")}
    assert found == {"first_study", "own_data", "policy_comparison"}
    assert all(f"notebooks/{name}.ipynb" in page for name in found)


@pytest.mark.slow  # a notebook
def test_own_data(tmp_path: Path) -> None:
    said = run("own_data", tmp_path)
    assert "element_prices.csv, row 5" in said
    assert "'-12'" in said or "-12" in said
    assert "CHN" in said


@pytest.mark.slow
def test_first_study_then_policies(tmp_path: Path) -> None:
    said = run("first_study", tmp_path)
    assert "sigma[electrical_optical]" in said
    assert (tmp_path / "posteriors" / "first" / "report" / "report.html").is_file()
    said = run("policy_comparison", tmp_path)
    assert "probability_better" in said
    assert "world" in said
    assert (tmp_path / "posteriors" / "policies-report" / "report.html").is_file()
