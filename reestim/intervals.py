"""The interval that REEstim prints everywhere, unless it says otherwise: its kind and its level."""

#: Posterior probability inside an interval; the rest is split evenly between its two ends.
LEVEL = 0.9
KIND = "equal-tailed"
#: Levels at which it is counted how often intervals hold the truth.
COUNTED_LEVELS = (0.5, LEVEL)
#: How probable a sign must be before a page states it.
SURE = 0.95
#: The same as a run stores it.
INTERVAL: dict[str, str | float] = {"kind": KIND, "level": LEVEL}

#: Columns of a table that has an interval.
MEDIAN_AND_ENDS = ("median", "low", "high")


def ends(level: float = LEVEL) -> tuple[float, float]:
    """Probabilities below the two ends of the equal-tailed interval of a level."""
    return (1 - level) / 2, (1 + level) / 2
