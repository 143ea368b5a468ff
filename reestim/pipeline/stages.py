"""The stages of the main job: said when they begin, timed when they are done."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)
STAGES = 9


@dataclass
class Stages:
    """Logs the begin of each stage and keeps the wall time in seconds of those that are done."""

    total: int = STAGES
    seconds: dict[str, float] = field(default_factory=dict)
    begun: int = 0

    def skip(self, number: int, why: str) -> None:
        """Stages that need not be done."""
        self.begun += number
        _log.info("%d/%d %s", self.begun, self.total, why)

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """``3/7 build the model``, then its time."""
        self.begun += 1
        _log.info("%d/%d %s", self.begun, self.total, name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
