"""What the structure predicts of a block of evidence at one draw, and how well the rows of the block are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from reestim.estimate.structure import StructureAtDraw


class Signal(NamedTuple):
    """A prediction (row), the standard error of each row by itself (row), and the inverse of the covariance with which
    rows are known (row, row), or its diagonal (row,)."""

    prediction: np.ndarray
    error: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True)
class Block:
    """A block of evidence whose power is known: its name, its name in words, its first array in the inputs, how it is
    predicted at a draw, and of the event study the outcome."""

    name: str
    words: str
    array: str
    signal: Callable[[StructureAtDraw], Signal]
    outcome: str = ""

    def is_in(self, data: xr.Dataset) -> bool:
        """Whether inputs of a model hold the block."""
        return self.array in data and (not self.outcome or self.outcome in data["outcome"].values)
