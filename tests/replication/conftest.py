"""The economy of Caliendo and Parro, built once for the replication tests; skips without its data."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

import reestim as ree
from replications import nafta


@pytest.fixture(scope="session")
def raw(shared_data: Path) -> xr.Dataset:
    """The archive in the array contract, no equilibrium."""
    return nafta.world(shared_data)


@pytest.fixture(scope="session")
def tariffs(shared_data: Path, raw: xr.Dataset) -> xr.DataArray:
    """The tariffs after NAFTA."""
    return nafta.tariffs(shared_data, raw)


@pytest.fixture(scope="session")
def economy(raw: xr.Dataset) -> ree.Economy:
    """The balanced baseline."""
    return ree.Economy(raw, allow_imbalance=True).rebased("balanced")
