"""Is there another equilibrium near: share of the draws in which technology feeds back on prices enough for one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from reestim.checks.protocol import Check
from reestim.results.tables import solver

#: Share of draws near a second equilibrium from which a run should not be reported.
MAX_NOT_DETERMINATE = 0.05


def check(post: xr.DataTree) -> Check:
    """Passes where no solved draw is near a second equilibrium, fails where more than 5 % of a scenario are."""
    name = "determinate"
    table = solver(post) if "counterfactual" in post.children else None
    if table is None or "not_determinate" not in table:
        return Check(name, "informational", ("No equilibrium of the second edition of the model was computed yet.",))
    words = [
        f"{r['scenario']}, {r['technology']}: {r['not_determinate']} of {r['solved']} solved draws are near a second "
        "equilibrium."
        for r in table.sort_values("not_determinate", ascending=False, kind="stable").to_dict("records")
    ]
    near, solved = (table[name].to_numpy(float) for name in ("not_determinate", "solved"))
    share = float((near / np.maximum(solved, 1)).max())
    verdict = "pass" if share == 0 else "fail" if share > MAX_NOT_DETERMINATE else "informational"
    return Check(name, verdict, tuple(words), table)
