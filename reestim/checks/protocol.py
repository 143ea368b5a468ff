"""What a check says: a verdict, sentences, and the table they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

Verdict = Literal["pass", "fail", "informational"]


@dataclass(frozen=True)
class Check:
    """``fail``: do not report the run; ``informational``: a reader must know it, nobody can say that it is wrong."""

    name: str
    verdict: Verdict
    sentences: tuple[str, ...]
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
