"""A path that is not there is refused before the libraries that take seconds to import are imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: What a refusal must not wait for.
HEAVY = ("jax", "pymc", "arviz", "matplotlib")
COMMANDS = (
    "run nosuch.toml",
    "fit nosuch.toml",
    "counterfactual nosuch nosuch.toml",
    "check nosuch",
    "report nosuch",
    "findings nosuch",
    "compare nosuch other",
    "optimise nosuch nosuch.toml",
    "sbc nosuch.toml",
    "data check nosuch",
    "data aggregate nosuch --mapping m.csv --out out",
    "data update nosuch --margins m.csv --year 2011 --out out",
)
#: All commands in one process: libraries that a command imports stay imported, so the first of them is named.
SCRIPT = """
import sys
from typer.testing import CliRunner
from reestim.cli.app import app
for line in sys.argv[1:]:
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 1, (line, result.output)
    assert "nosuch" in result.output or "other" in result.output, (line, result.output)
    heavy = [name for name in {heavy!r} if name in sys.modules]
    assert not heavy, f"{{line}} imports {{heavy}}"
"""


def test_a_path_that_is_not_there_is_refused_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    script = SCRIPT.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", script, *COMMANDS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
