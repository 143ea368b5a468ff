"""The tables that pages of the documentation print."""

from __future__ import annotations

import re

from tests.conftest import PROJECT


def printed(name: str, page: str = "replications.md") -> str:
    """The table of that name on a page with its notes, without the day and the command above it."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    match = re.search(rf"<!-- table: {name} -->\n\n\*(.*?)\*\n\n(.*?)\n\n<!-- end of table -->", text, re.DOTALL)
    assert match is not None, f"no table {name}"
    assert re.fullmatch(rf"\d+ \w+ \d{{4}}, `python -m replications {name}.*`\.", match[1])
    return match[2]


def without_rounding_errors(text: str) -> str:
    """The text without numbers like 3e-15, which differ between machines."""
    return re.sub(r"\d+e-\d+", "tiny", text)
