"""No file is longer than a reader takes in at once."""

from __future__ import annotations

from tests.conftest import PROJECT

LONGEST = 300


def test_no_file_is_long() -> None:
    folders = ("reestim", "models", "benchmarks", "replications", "tests")
    files = [path for folder in folders for path in (PROJECT / folder).rglob("*.py")]
    lines = {str(path.relative_to(PROJECT)): path.read_text(encoding="utf-8").count("\n") for path in files}
    assert len(lines) > 300
    assert {name: n for name, n in lines.items() if n > LONGEST} == {}
