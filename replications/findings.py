"""What Alfaro, Fadinger, Schymik and Virananda (2025) find, asked of a run, as a table of the documentation."""

from __future__ import annotations

import xarray as xr

from reestim.results.findings import FINDINGS_HEADS, findings_table, notes_of, rows_as_text
from reestim.runs.record import RunRecord
from replications.tables import Table


def table(post: xr.DataTree) -> Table:
    """The findings as `reestim findings` prints them; of a run on simulated evidence every row says so.

    Raises InputError where the run has no counterfactual with fixed and directed technology.
    """
    found = findings_table(post)
    synthetic = bool(RunRecord.of(post).provenance.synthetic)
    evidence = "SYNTHETIC evidence" if synthetic else "real evidence"
    rows = [[*row, evidence] for row in rows_as_text(found)]
    return Table([*FINDINGS_HEADS, "data"], rows, notes_of(post), "" if synthetic else "real")
