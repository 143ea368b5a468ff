"""What a check says: a verdict, sentences, and the table they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

Verdict = Literal["pass", "fail", "informational"]


@dataclass(frozen=True)
class Check:
    """The result of a check. ``fail``: do not report the run. ``informational``: reported, never fails a run."""

    name: str
    verdict: Verdict
    sentences: tuple[str, ...]
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
