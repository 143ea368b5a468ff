"""pyfixest, imported without what its import does to a session: it sets the root logger to INFO with a handler."""

from __future__ import annotations

import importlib
import logging
from typing import Any

#: The module that calls `logging.basicConfig`; pyfixest imports it when it is first used.
_SETS_ROOT_LOGGER = "pyfixest.estimation.models.feols_compressed_"


def pyfixest(module: str = "") -> Any:
    """The package, or its module ``module``; the root logger stays as it was."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        importlib.import_module(_SETS_ROOT_LOGGER)
        return importlib.import_module(f"pyfixest.{module}" if module else "pyfixest")
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
