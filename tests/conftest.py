"""Shared fixtures. Data outside the project (../shared/data) are optional: tests that need them skip, visibly."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Most of the suite's time is compilation of programs that run once: XLA need not polish them.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# The suite starts dozens of Python processes. Where the environment keeps no bytecode, each would compile all libraries
# from source again: 5 of the 7 seconds (CPU) that importing them takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True, scope="module")
def forget_compiled_programs() -> Iterator[None]:
    """Programs of a file go with it: hundreds in one process exhaust LLVM's memory maps, and the worker dies."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture(scope="session")
def project() -> Path:
    """Root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data files that are not the project's to redistribute."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data is not here")
    return folder
