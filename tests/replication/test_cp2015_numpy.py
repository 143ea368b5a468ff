"""The plain NumPy solver that speed is measured against solves the same problem: NAFTA, every array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from benchmarks.cp2015_numpy import balanced_baseline, read_world, solve_numpy


@pytest.mark.slow  # half a minute of plain NumPy
def test_numpy_and_ree_find_the_same_equilibrium(
    shared_data: Path, raw: xr.Dataset, tariffs: xr.DataArray, economy: ree.Economy
) -> None:
    """Both from the raw archive by their own code: rebasing, then the shock."""
    world, nafta = read_world(shared_data / "cp2015.npz")
    baseline, before = balanced_baseline(world)
    ours = solve_numpy(baseline, nafta, tolerance=1e-10, baseline_income=before.income)
    assert before.solved
    assert ours.solved
    scenario = ree.Scenario(name="NAFTA", tariff=tariffs)
    theirs = ree.solve(economy, scenario, ree.Parameters(), tolerance=1e-12)
    order = {"country": list(raw.country.values), "sector": list(raw.sector.values)}
    theirs = theirs.sel(order)
    bought = ours.expenditure > 0
    assert np.abs(ours.welfare).max() > 1e-4
    np.testing.assert_allclose(ours.welfare, theirs.welfare, atol=1e-7)
    np.testing.assert_allclose(np.log(ours.wage), theirs.factor_price.sel(factor="labor"), atol=1e-7)
    np.testing.assert_allclose(np.log(ours.price)[bought], theirs.price.values[bought], atol=1e-7)


def test_an_unfinished_solve_is_reported_as_such(shared_data: Path) -> None:
    """The residual is that of all equations: stopped after two wage steps, it is not called solved."""
    world, nafta = read_world(shared_data / "cp2015.npz")
    stopped = solve_numpy(world, nafta, max_iterations=2)
    assert not stopped.solved
    assert stopped.residual > 1e-4
    with pytest.raises(ValueError, match="max_iterations"):
        solve_numpy(world, nafta, max_iterations=0)
