"""Original files from which bundled datasets are made; tests that need them skip, visibly, where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest


def folder_with(originals: Mapping[str, str], shared_data: Path) -> Path:
    """``shared_data``, if all of these places are there."""
    missing = [place for place in originals.values() if not (shared_data / place).exists()]
    if missing:
        pytest.skip(f"not in ../shared/data: {', '.join(missing)}")
    return shared_data
