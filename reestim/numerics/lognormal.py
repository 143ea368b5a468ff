"""The lognormal distribution by its mean and coefficient of variation."""

from __future__ import annotations

from typing import Any

import numpy as np


def log_sd_of_cv(cv: Any) -> Any:
    """Standard deviation of ln x, √ln(1+cv²), from the coefficient of variation of x (an array or a number, ≥ 0)."""
    return np.sqrt(np.log1p(cv**2))


def log_location(mean: Any, sd: Any) -> Any:
    """Mean of ln x from the mean of x and the standard deviation of ln x."""
    return np.log(mean) - sd**2 / 2
