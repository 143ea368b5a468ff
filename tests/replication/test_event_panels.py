"""The event study on real panels: exposure of sums, what is read, and the tables that the page prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.errors import InputError
from replications import event_panels, event_sources, ree_shares
from tests.conftest import PROJECT
from tests.replication.page import printed


def test_shares_by_country_are_those_of_the_page() -> None:
    assert ree_shares.table().markdown() == printed("shares", "evidence.md")


def test_exposure_of_a_sum_of_sectors_weighs_by_output() -> None:
    labels = {"country": ["JPN", "ROW"], "sector": ["plastics", "mineral_products"]}
    dose = xr.DataArray([[1.0, 3.0], [2.0, 2.0]], labels, ("country", "sector"))
    output = xr.DataArray([[1.0, 3.0], [1.0, 1.0]], labels, ("country", "sector"))
    found = event_panels.Exposed(dose, output).of(event_sources.MERGED, ["JPN", "FJI"])
    assert found.sel(country="JPN").item() == 2.5
    assert found.sel(country="FJI").item() == 2.0  # that of the rest of the world


def test_a_policy_that_moved_exposed_sectors_is_found_and_another_panel_left_alone(tmp_path: Path) -> None:
    rng, sectors = np.random.default_rng(0), [f"s{k}" for k in range(12)]
    exposure = {s: 0.1 * k for k, s in enumerate(sectors)}
    rows = [
        (c, s, t, float(np.exp(0.2 * exposure[s] * (t >= 2010) + 0.01 * rng.standard_normal())))
        for c in ("JPN", "USA")
        for s in sectors
        for t in range(2002, 2015)
    ]
    pd.DataFrame(rows, columns=["country", "sector", "year", "value"]).to_csv(tmp_path / "panel.csv", index=False)
    labels = {"country": ["JPN", "USA", "ROW"], "sector": sectors}
    dose = xr.DataArray(np.tile(list(exposure.values()), (3, 1)), labels, ("country", "sector"))
    panel = event_sources.Panel("a panel", "tfp", Path("panel.csv"), pd.read_csv, ("all", "JPN"))
    found = event_panels.estimate(panel, tmp_path, event_panels.Exposed(dose, xr.ones_like(dose)))
    summary = found["event_study_summary"]
    deviation = float(summary["exposure_sd"].iloc[0])
    np.testing.assert_allclose(summary["estimate"], 0.2 * deviation, atol=0.006)
    np.testing.assert_allclose(summary["without_estimate"], summary["estimate"])  # there is no electrical sector here
    with pytest.raises(InputError, match="not here"):
        event_panels.estimate(panel, tmp_path / "nowhere", event_panels.Exposed(dose, dose))


@pytest.mark.slow
def test_the_page_prints_what_the_command_finds(shared_data: Path) -> None:
    if not (shared_data / "wiod2013").is_dir() or not (shared_data / "panels").is_dir():
        pytest.skip("wiod2013 or panels are not in ../shared/data")
    found = event_panels.table(shared_data)
    assert found.markdown() == printed("events", "evidence.md")
    assert (PROJECT / "docs" / "figures" / event_panels.FIGURE).is_file()
