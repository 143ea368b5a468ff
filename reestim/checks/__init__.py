"""Checks of a run: one a file, each a function of the DataTree that returns `protocol.Check`; all in `every`."""
