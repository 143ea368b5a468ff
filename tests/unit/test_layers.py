"""A room knows only the rooms before it, and says whom it knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT


def test_a_room_knows_only_the_rooms_before_it() -> None:
    """The contract of pyproject.toml, imports for type checking included."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_but_the_version_comes_from_the_root_of_the_package() -> None:
    """``import reestim as ree`` inside a room would hide from the contract which rooms it knows."""
    here, hidden = PROJECT / "reestim", []
    for file in sorted(here.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            root = isinstance(node, ast.Import) and any(name.name == "reestim" for name in node.names)
            asked = (
                [n.name for n in node.names] if isinstance(node, ast.ImportFrom) and node.module == "reestim" else []
            )
            public = [n for n in asked if not ((here / n).is_dir() or (here / f"{n}.py").is_file())]
            if root or set(public) - {"__version__"}:
                hidden.append(f"{Path(file).relative_to(PROJECT)}:{node.lineno}")
    assert hidden == []
