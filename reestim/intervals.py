"""The interval that REEstim prints everywhere, unless it says otherwise: its kind and its level."""

#: Posterior probability inside an interval; the rest is split evenly between its two ends.
LEVEL = 0.9
KIND = "equal-tailed"
#: How probable a sign must be before a page states it.
SURE = 0.95
#: The same as a run stores it.
INTERVAL: dict[str, str | float] = {"kind": KIND, "level": LEVEL}
