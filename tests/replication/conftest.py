"""The economy of Caliendo and Parro, built once for the replication tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from tests.replication.cp2015 import raw_dataset


@pytest.fixture(scope="session")
def archive(shared_data: Path) -> dict[str, np.ndarray]:
    return dict(np.load(shared_data / "cp2015.npz", allow_pickle=False))


@pytest.fixture(scope="session")
def raw(archive: dict[str, np.ndarray]) -> xr.Dataset:
    """The archive in the array contract."""
    return raw_dataset(archive)


@pytest.fixture(scope="session")
def economy(raw: xr.Dataset) -> ree.Economy:
    """The balanced baseline."""
    return ree.Economy(raw, allow_imbalance=True).rebased("balanced")
