"""Did the sampler converge: the gates that the fit recorded."""

from __future__ import annotations

import xarray as xr

from reestim.checks.protocol import Check
from reestim.results.format import limit
from reestim.results.tables import gates


def check(post: xr.DataTree) -> Check:
    """Passes when every gate did; a run without gates was not judged."""
    table, name = gates(post), "sampler"
    if table.empty:
        return Check(name, "informational", ("The fit recorded no gates.",))
    words = [
        f"{row['gate']} is {row['value']:.4g}{' at ' + row['where'] if row['where'] else ''}; "
        f"{limit(row['gate'], row['threshold'])} is good."
        for row in table.loc[~table["passed"]].to_dict("records")
    ]
    return Check(name, "fail" if words else "pass", tuple(words or [f"All {len(table)} gates passed."]), table)
