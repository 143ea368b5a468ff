"""The interval that REEstim prints everywhere, unless it says otherwise: its kind and its level."""

#: Posterior probability inside an interval; the rest is split evenly between its two ends.
LEVEL = 0.9
KIND = "equal-tailed"
#: The same as a run stores it.
INTERVAL: dict[str, str | float] = {"kind": KIND, "level": LEVEL}
