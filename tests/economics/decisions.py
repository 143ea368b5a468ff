"""A decision problem as `ree.optimise` makes it, for tests of its parts."""

from __future__ import annotations

import numpy as np
import xarray as xr

import reestim as ree
from reestim.counterfactuals.plan import parameters_of
from reestim.decisions.instruments import place
from reestim.decisions.problem import DecisionProblem


def problem_of(
    economy: ree.Economy,
    instruments: tuple[ree.Instrument, ...],
    post: xr.DataTree,
    members: tuple[float, ...],
    technology: str,
) -> DecisionProblem:
    """All draws at once, nothing beside the instruments."""
    samples = post["posterior"].to_dataset()
    placed = place(economy, ree.Scenario(), instruments, "independent")
    parameters = parameters_of(samples, ree.Parameters())[0]
    size = samples.sizes["chain"] * samples.sizes["draw"]
    return DecisionProblem(
        economy, *placed, np.array(members), instruments, parameters, technology, "year", 1e-12, size
    )
