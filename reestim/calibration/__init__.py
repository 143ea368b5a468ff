"""Calibration: do the intervals of a study hold the truth as often as they say, on data of its own model."""
