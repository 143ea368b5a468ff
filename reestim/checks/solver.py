"""Were the equilibria found: share of the draws solved, by scenario and technology."""

from __future__ import annotations

import xarray as xr

from reestim.checks.protocol import Check
from reestim.errors import MAX_UNSOLVED
from reestim.results.tables import solver


def check(post: xr.DataTree) -> Check:
    """Passes when at most 1 % of the draws of each scenario are unsolved."""
    name = "solver"
    if "counterfactual" not in post.children:
        return Check(name, "informational", ("No equilibrium was computed yet (reestim counterfactual).",))
    table = solver(post)
    words = [
        f"{r['scenario']}, {r['technology']}: {r['solved']} of {r['draws']} draws solved; largest residual "
        f"{r['largest_residual']:.0e}."
        for r in table.to_dict("records")
    ]
    good = bool((1 - table["solved"] / table["draws"] <= MAX_UNSOLVED).all())
    return Check(name, "pass" if good else "fail", tuple(words), table)
